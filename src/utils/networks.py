"""The networks: uint8 RGB pictures in, a softmax over the data set's classes out."""

import math

import numpy as np
import pandas as pd

from utils.pictures import SIDE
from utils.tensorflow_quietly import keras, tf

layers = keras.layers

STRONG_WIDTHS = ((16, 24), (48, 48), (96, 96), (192, 192), (384, 384))


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
    # pixels from -1 to 1: from 0 to 1, bright pictures hold training up for epochs
    scaling = layers.Rescaling(1 / 127.5, offset=-1.0)
    network = keras.Sequential([keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture"), scaling])
    for width in widths:
        network.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(128, activation="relu"))
    network.add(layers.Dropout(dropout))
    network.add(layers.Dense(class_count, activation="softmax", name="probabilities"))
    return network


class ScaledConv2D(layers.Layer):
    """3x3 convolution whose filters are standardised, times a learned gain; then bias and ReLU.

    Stands in for batch normalisation at next to no cost: Brock et al. 2021, "Characterizing signal
    propagation to close the performance gap in unnormalized ResNets". ReLU comes right after convolution and
    bias, so that TensorFlow fuses the three. A layer of its own, because a Conv2D subclass saves kernel and
    bias only and would lose the gain.

    Args:
        filters: channels out.
    """

    RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))
    """Keeps the variance of what passes through a ReLU at 1."""

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, shape):
        def add(name, shape, initializer):
            # not cast to the compute type by itself: standardising in half precision loses too much
            return self.add_weight(shape=shape, initializer=initializer, name=name, autocast=False)

        self.kernel = add("kernel", (3, 3, shape[-1], self.filters), "lecun_normal")
        self.gain = add("gain", (self.filters,), "ones")
        self.bias = add("bias", (self.filters,), "zeros")

    def scaled_kernel(self):
        """float32: the kernel that an ordinary convolution with the same result has."""
        kernel = tf.convert_to_tensor(self.kernel)
        mean, variance = tf.nn.moments(kernel, axes=[0, 1, 2])
        fan_in = math.prod(kernel.shape[:3])
        return (kernel - mean) * self.RELU_GAIN * self.gain * tf.math.rsqrt(variance * fan_in + 1e-6)

    def call(self, pictures):
        kernel, bias = tf.cast(self.scaled_kernel(), pictures.dtype), tf.cast(self.bias, pictures.dtype)
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(pictures, kernel, 1, "SAME"), bias))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.filters)

    def to_plain(self):
        """An ordinary Conv2D, and the weights that make it give the same."""
        plain = layers.Conv2D(self.filters, 3, padding="same", activation="relu", dtype="float32", name=self.name)
        return plain, [np.asarray(self.scaled_kernel(), np.float32), np.asarray(self.bias, np.float32)]


def build_strong_cnn(class_count: int, widths: tuple[tuple[int, ...], ...] = STRONG_WIDTHS, dropout: float = 0.3):
    """A deeper VGG without normalisation layers, on grey pictures of equal mean and contrast.

    Most of its weights sit where pictures are small, which is where they cost least. It takes any side from 16
    pixels on, so that training may begin small.

    Args:
        class_count: 2 or more.
        widths: filters of the convolutions between two poolings.
        dropout: share of features dropped before the last layer, 0 to 1.

    Returns:
        An uncompiled keras.Model: uint8 (n, side, side, 3), RGB -> float32 (n, class_count), rows sum to 1.
    """
    if class_count < 2:
        raise ValueError(f"class_count {class_count}: expected 2 or more.")
    picture = keras.Input((None, None, 3), dtype="uint8", name="picture")
    x = keras.ops.image.rgb_to_grayscale(keras.ops.cast(picture, "float32"))
    mean, variance = keras.ops.moments(x, axes=[1, 2, 3], keepdims=True)
    # a blank picture stays finite
    x = (x - mean) / keras.ops.sqrt(variance + 1.0)
    for position, stage in enumerate(widths):
        x = layers.MaxPooling2D()(x) if position else x
        for filters in stage:
            x = ScaledConv2D(filters)(x)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(
        picture, layers.Dense(class_count, activation="softmax", dtype="float32", name="probabilities")(x)
    )


def build_inference_network(network, temperature: float = 1.0, mirror: bool = False):
    """The network that is saved: plain Keras layers, float32, calibrated.

    Args:
        network: trained; its last layer is a dense softmax.
        temperature: above 0; the logits are divided by it, within the last layer's weights.
        mirror: answer with the mean over the picture and its mirror image.

    Returns:
        An uncompiled keras.Model: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes), rows sum to 1.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}: expected a number above 0.")
    folded = {}

    def to_plain(layer):
        if not isinstance(layer, ScaledConv2D):
            config = layer.get_config()
            return layer.__class__.from_config(config | {"dtype": "float32"} if "dtype" in config else config)
        plain, folded[layer.name] = layer.to_plain()
        return plain

    plain = keras.models.clone_model(network, clone_function=to_plain)
    for layer in network.layers:
        weights = folded.get(layer.name, layer.get_weights())
        if layer is network.layers[-1]:
            weights = [weight / temperature for weight in weights]
        plain.get_layer(layer.name).set_weights(weights)
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    views = [plain(picture), plain(keras.ops.flip(picture, axis=2))] if mirror else [plain(picture)]
    return keras.Model(picture, layers.average(views) if mirror else views[0])


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
    the picture is its mirror image. The variable `side` sets how large all pictures come out, in pixels, also
    outside training: small ones are learnt from faster.

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
        self.side = tf.Variable(SIDE, trainable=False, name="side")

    def call(self, images, training=False):
        count = tf.shape(images)[0]
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=self._draw(count, float(bool(training))),
            output_shape=[self.side, self.side],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
        return tf.cast(tf.round(moved), images.dtype)

    def _draw(self, count, strength: float):
        """float32 (count, 8): rows a0 a1 a2 b0 b1 b2 c0 c1 of the output-to-input map, about the centre.

        `strength` multiplies every limit; at 0 nothing but the side changes.
        """

        def uniform(limit):
            return strength * self.generator.uniform((count,), -limit, limit)

        angle = uniform(math.radians(self.rotation))
        side = tf.cast(self.side, tf.float32)
        scale = SIDE / side / (1 + uniform(self.zoom))
        mirror = tf.sign(uniform(1.0) + 1.0 - strength) if self.flip else tf.ones((count,))
        cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
        centre_in, centre_out = (SIDE - 1) / 2, (side - 1) / 2
        x = centre_in + uniform(self.shift) - mirror * (cos - sin) * centre_out
        y = centre_in + uniform(self.shift) - (sin + cos) * centre_out
        zero = tf.zeros((count,))
        return tf.stack([mirror * cos, -mirror * sin, x, sin, cos, y, zero, zero], axis=1)


def add_augmentation(network, augmentation: RandomAffine):
    """The same network behind an augmentation layer, weights shared: train this, save `network`."""
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    return keras.Model(picture, network(augmentation(picture)))
