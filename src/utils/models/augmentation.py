"""What training pictures go through anew in each epoch: moved, and partly covered."""

import math

from utils.models.test_time_augmentation import round_to_grey
from utils.pictures import SIDE
from utils.quiet import keras, tf


class RandomAffine(keras.layers.Layer):
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
        self.supports_jit = False  # XLA, which Keras takes on a GPU, does not know the transform

    def call(self, images, training=False):
        """Pictures, uint8 (n, 48, 48, 3) -> uint8 (n, side, side, 3)."""
        count = tf.shape(images)[0]
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=self._draw(count, float(bool(training))),
            output_shape=[self.side, self.side],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
        return round_to_grey(moved)

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


def make_random_erasing(share: float, seed: int = 0):
    """A layer that covers a rectangle in some of the training pictures with grey; identity outside training.

    Zhong et al. 2020 (AAAI), "Random erasing data augmentation": a network that cannot count on the mouth learns
    the brows as well.

    Args:
        share: of the pictures, 0 to 1. The rectangle takes between a fiftieth and a quarter of the picture.
        seed: of the draws.
    """
    return keras.layers.RandomErasing(
        factor=(share, share), scale=(0.02, 0.25), fill_value=127.5, value_range=(0, 255), seed=seed
    )


def add_augmentation(network, *augmentations):
    """The same network behind augmentation layers, weights shared: train this, save `network`."""
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    x = picture
    for augmentation in augmentations:
        x = augmentation(x)
    return keras.Model(picture, network(x))
