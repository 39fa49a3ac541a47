"""The strong network's convolution, which keeps what passes through at one size, and its fast gradient."""

import math

import numpy as np

from utils.quiet import keras, tf


class ScaledConv2D(keras.layers.Layer):
    """3x3 convolution whose filters are standardised, times a learned gain; then bias and ReLU.

    Stands in for batch normalisation at next to no cost: Brock et al. 2021, "Characterizing signal
    propagation to close the performance gap in unnormalized ResNets". ReLU comes right after convolution and
    bias, so that TensorFlow fuses the three. A layer of its own, because a Conv2D subclass saves kernel and
    bias only and would lose the gain.

    Args:
        filters: channels out.
        ends_branch: without ReLU and with a gain that begins at 0, as a residual branch ends, which is added to what
            it began with: at first, nothing. De and Smith 2020 (NeurIPS), "Batch normalization biases residual blocks
            towards the identity function in deep networks".
    """

    RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))
    """Keeps the variance of what passes through a ReLU at 1."""

    def __init__(self, filters: int, ends_branch: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.ends_branch = filters, ends_branch

    def build(self, shape):
        """Make the weights, for pictures of the shape (n, height, width, channels)."""

        def add(name, shape, initializer):
            # not cast to the compute type by itself: standardising in half precision loses too much
            return self.add_weight(shape=shape, initializer=initializer, name=name, autocast=False)

        self.kernel = add("kernel", (3, 3, shape[-1], self.filters), "lecun_normal")
        self.gain = add("gain", (self.filters,), "zeros" if self.ends_branch else "ones")
        self.bias = add("bias", (self.filters,), "zeros")

    def scaled_kernel(self):
        """float32: the kernel that an ordinary convolution with the same result has."""
        kernel = tf.convert_to_tensor(self.kernel)
        mean, variance = tf.nn.moments(kernel, axes=[0, 1, 2])
        fan_in = math.prod(kernel.shape[:3])
        return (kernel - mean) * self.RELU_GAIN * self.gain * tf.math.rsqrt(variance * fan_in + 1e-6)

    def call(self, pictures):
        """Pictures, float (n, height, width, channels) -> (n, height, width, filters), in the compute type."""
        kernel, bias = (
            tf.cast(self.scaled_kernel(), pictures.dtype),
            tf.cast(tf.convert_to_tensor(self.bias), pictures.dtype),
        )
        return (_convolve_widely if self.filters >= MANY_FILTERS else _convolve)(
            pictures, kernel, bias, not self.ends_branch
        )

    def compute_output_shape(self, shape):
        """As what comes in, but for the channels."""
        return (*shape[:-1], self.filters)

    def to_plain(self):
        """An ordinary Conv2D, and the weights that make it give the same."""
        activation = "linear" if self.ends_branch else "relu"
        plain = keras.layers.Conv2D(
            self.filters, 3, padding="same", activation=activation, dtype="float32", name=self.name
        )
        return plain, [np.asarray(self.scaled_kernel(), np.float32), np.asarray(self.bias, np.float32)]

    def set_plain_weights(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Take an ordinary Conv2D's kernel, each filter of mean 0, and bias: gives the same from then on."""
        fan_in = math.prod(kernel.shape[:3])
        gain = kernel.std(axis=(0, 1, 2)) * math.sqrt(fan_in) / self.RELU_GAIN
        # kernels as small as new ones: the optimiser's steps do not scale with them
        self.set_weights([kernel / np.maximum(gain * self.RELU_GAIN, 1e-6), gain, bias])


MANY_FILTERS = 128
"""From here on the kernel's gradient is a sum of matrix products: so many filters sit where pictures are small."""


def _convolve(pictures, kernel, bias, relu: bool):
    """3x3 convolution, bias and, if asked for, ReLU: (n, height, width, channels) -> (n, height, width, filters)."""
    convolved = tf.nn.bias_add(tf.nn.conv2d(pictures, kernel, 1, "SAME"), bias)
    return tf.nn.relu(convolved) if relu else convolved


def _convolve_widely(pictures, kernel, bias, relu: bool):
    """As `_convolve`, with another way to the same gradient.

    The kernel's gradient is one matrix product for each of its nine places, between what stood there and what came
    out. A processor does those several times as fast as the convolution with a filter as large as the picture that it
    takes for it by itself, as long as pictures are small.
    """

    @tf.custom_gradient
    def convolve(pictures, kernel, bias):
        convolved = _convolve(pictures, kernel, bias, relu)

        def backwards(above):
            if relu:
                above = tf.raw_ops.ReluGrad(gradients=above, features=convolved)
            below = tf.nn.conv2d_transpose(above, kernel, tf.shape(pictures), 1, "SAME")
            height, width = tf.shape(pictures)[1], tf.shape(pictures)[2]
            padded = tf.pad(pictures, [[0, 0], [1, 1], [1, 1], [0, 0]])
            places = [padded[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
            channels, filters = kernel.shape[2:]
            answers = tf.reshape(above, (-1, filters))
            products = [tf.matmul(tf.reshape(place, (-1, channels)), answers, transpose_a=True) for place in places]
            return below, tf.reshape(tf.stack(products), kernel.shape), tf.reduce_sum(answers, axis=0)

        return convolved, backwards

    return convolve(pictures, kernel, bias)
