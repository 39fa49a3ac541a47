"""The networks: uint8 RGB pictures in, a softmax over the data set's classes out."""

import math

import pandas as pd

from utils.pictures import SIDE
from utils.tensorflow_quietly import keras, tf

layers = keras.layers


def build_baseline_cnn(class_count: int, widths: tuple[int, ...] = (16, 32, 64, 128), dropout: float = 0.3):
    """The classic: convolution and pooling until the picture is small, then two dense layers.

    Args:
        class_count: 2 or more.
        widths: filters of each 3x3 convolution; each is followed by 2x2 pooling.
        dropout: share of activations dropped before the last layer, 0 to 1.

    Returns:
        An uncompiled keras.Model: uint8 (n, 48, 48, 3), RGB -> float32 (n, class_count), rows sum to 1.
    """
    if class_count < 2:
        raise ValueError(f"class_count {class_count}: expected 2 or more.")
    network = keras.Sequential([keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture"), layers.Rescaling(1 / 255)])
    for width in widths:
        network.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(128, activation="relu"))
    network.add(layers.Dropout(dropout))
    network.add(layers.Dense(class_count, activation="softmax", name="probabilities"))
    return network


def describe_layers(network) -> pd.DataFrame:
    """The layers of a Sequential network in their order: `layer`, `output` (shape of one picture), `weights`."""
    rows = [
        (layer.__class__.__name__, " x ".join(map(str, layer.output.shape[1:])), layer.count_params())
        for layer in network.layers
    ]
    return pd.DataFrame(rows, columns=["layer", "output", "weights"])


class RandomAffine(layers.Layer):
    """Flip, rotate, zoom and shift each training picture, in one resampling; identity outside training.

    One composed transform is cheaper than a layer for each, and blurs once. What comes in from outside
    the picture is its mirror image.

    Args:
        rotation: degrees; each angle is drawn from -rotation to rotation.
        zoom: each factor is drawn from 1 - zoom to 1 + zoom; 0 to below 1.
        shift: pixels; each offset is drawn from -shift to shift, in x and y.
        flip: mirror half of the pictures left to right.
        seed: of the draws.
    """

    def __init__(self, rotation: float, zoom: float, shift: float, flip: bool, seed: int = 0, **kwargs):
        super().__init__(trainable=False, **kwargs)
        if not 0 <= zoom < 1:
            raise ValueError(f"zoom {zoom}: expected 0 or more and below 1.")
        self.rotation, self.zoom, self.shift, self.flip = rotation, zoom, shift, flip
        self.generator = tf.random.Generator.from_seed(seed)

    def call(self, images, training=False):
        if not training:
            return images
        transforms = self._draw(tf.shape(images)[0])
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=transforms,
            output_shape=tf.shape(images)[1:3],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
        return tf.cast(tf.round(moved), images.dtype)

    def _draw(self, count):
        """float32 (count, 8): rows a0 a1 a2 b0 b1 b2 c0 c1 of the output-to-input map, about the centre."""

        def uniform(limit):
            return self.generator.uniform((count,), -limit, limit)

        angle = uniform(math.radians(self.rotation))
        scale = 1 / (1 + uniform(self.zoom))
        mirror = tf.sign(self.generator.uniform((count,), -1.0, 1.0)) if self.flip else tf.ones((count,))
        cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
        centre = (SIDE - 1) / 2
        x = centre + uniform(self.shift) - mirror * (cos - sin) * centre
        y = centre + uniform(self.shift) - (sin + cos) * centre
        zero = tf.zeros((count,))
        return tf.stack([mirror * cos, -mirror * sin, x, sin, cos, y, zero, zero], axis=1)


def add_augmentation(network, augmentation: RandomAffine):
    """The same network behind an augmentation layer, weights shared: train this, save `network`."""
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    return keras.Model(picture, network(augmentation(picture)))
