"""The strong network's convolutions, each with a way of its own to keep what passes through at one size."""

import math

import numpy as np

from utils.tensorflow_quietly import keras, tf

layers = keras.layers


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

    def scaled_bias(self):
        """float32: that convolution's bias."""
        return tf.convert_to_tensor(self.bias)

    def call(self, pictures):
        kernel, bias = tf.cast(self.scaled_kernel(), pictures.dtype), tf.cast(self.scaled_bias(), pictures.dtype)
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(pictures, kernel, 1, "SAME"), bias))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.filters)

    def to_plain(self):
        """An ordinary Conv2D, and the weights that make it give the same."""
        plain = layers.Conv2D(self.filters, 3, padding="same", activation="relu", dtype="float32", name=self.name)
        return plain, [np.asarray(self.scaled_kernel(), np.float32), np.asarray(self.scaled_bias(), np.float32)]

    def set_plain_weights(self, weights: list[np.ndarray], inputs: list | None = None) -> None:
        """Take an ordinary Conv2D's kernel, each filter of mean 0, and bias: gives the same from then on.

        Args:
            inputs: not needed.
        """
        kernel, bias = weights
        fan_in = math.prod(kernel.shape[:3])
        gain = kernel.std(axis=(0, 1, 2)) * math.sqrt(fan_in) / self.RELU_GAIN
        # kernels as small as new ones: the optimiser's steps do not scale with them
        self.set_weights([kernel / np.maximum(gain * self.RELU_GAIN, 1e-6), gain, bias])


class NormalisedConv2D(ScaledConv2D):
    """3x3 convolution, batch normalisation and ReLU: Ioffe and Szegedy 2015 (ICML), "Batch normalization".

    What else is in a batch disturbs each picture a little. A network of these errs elsewhere than one of scaled
    filters, and is a teacher for it. The price is in training alone: outside, it is an ordinary convolution, with the
    mean and variance that `observe` saw last. They are not gathered while training, since the weights that are kept
    are an average which no step ever ran with.
    """

    VARIANCE_FLOOR = 1e-3

    def build(self, shape):
        super().build(shape)

        def add(name, initializer):
            return self.add_weight((self.filters,), initializer, name=name, trainable=False, autocast=False)

        self.mean, self.variance = add("mean", "zeros"), add("variance", "ones")

    def _scale(self):
        return self.gain * tf.math.rsqrt(self.variance + self.VARIANCE_FLOOR)

    def scaled_kernel(self):
        return self.kernel * self._scale()

    def scaled_bias(self):
        return self.bias - self.mean * self._scale()

    def call(self, pictures, training=False):
        if not training:
            return super().call(pictures)
        found = tf.nn.conv2d(pictures, tf.cast(self.kernel, pictures.dtype), 1, "SAME")
        gain, bias = tf.convert_to_tensor(self.gain), tf.convert_to_tensor(self.bias)
        normal, _, _ = tf.compat.v1.nn.fused_batch_norm(found, gain, bias, epsilon=self.VARIANCE_FLOOR)
        return tf.nn.relu(normal)

    def observe(self, inputs: list) -> None:
        """Keep mean and variance of what the convolution gives.

        Args:
            inputs: what comes into the layer, in pieces of about equal size: float (n, side, side, channels).
        """
        kernel = tf.convert_to_tensor(self.kernel)
        found = (tf.nn.conv2d(tf.cast(piece, tf.float32), kernel, 1, "SAME") for piece in inputs)
        means, variances = zip(*(tf.nn.moments(piece, axes=[0, 1, 2]) for piece in found), strict=True)
        self.mean.assign(tf.reduce_mean(means, axis=0))
        self.variance.assign(tf.reduce_mean(variances, axis=0) + tf.math.reduce_variance(means, axis=0))

    def set_plain_weights(self, weights: list[np.ndarray], inputs: list) -> None:
        """Take an ordinary Conv2D's kernel and bias: gives the same from then on, outside training.

        Args:
            inputs: as of `observe`.
        """
        kernel, bias = weights
        # as large as new ones: the optimiser's steps do not scale with them
        size = np.maximum(kernel.std(axis=(0, 1, 2)) * math.sqrt(math.prod(kernel.shape[:3])), 1e-6)
        self.kernel.assign(kernel / size)
        self.observe(inputs)
        scale = np.sqrt(np.asarray(self.variance) + self.VARIANCE_FLOOR) * size
        self.gain.assign(scale)
        self.bias.assign(bias + np.asarray(self.mean) * size)
