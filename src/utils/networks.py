"""The networks: uint8 RGB pictures in, a softmax over the data set's classes out."""

import math

import numpy as np
import pandas as pd

from utils.pictures import SIDE
from utils.tensorflow_quietly import keras, tf
from utils.views import WHOLE, View, answer_over

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

    def set_plain_weights(self, weights: list[np.ndarray]) -> None:
        """Take an ordinary Conv2D's kernel, each filter of mean 0, and bias: gives the same from then on."""
        kernel, bias = weights
        fan_in = math.prod(kernel.shape[:3])
        gain = kernel.std(axis=(0, 1, 2)) * math.sqrt(fan_in) / self.RELU_GAIN
        # kernels as small as new ones: the optimiser's steps do not scale with them
        self.set_weights([kernel / np.maximum(gain * self.RELU_GAIN, 1e-6), gain, bias])


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


def read_widths(saved) -> tuple[tuple[int, ...], ...]:
    """The `widths` of a strong network that was saved as an inference network."""
    widths = [[]]
    for layer in find_inside(saved).layers:
        if isinstance(layer, layers.MaxPooling2D):
            widths.append([])
        elif isinstance(layer, layers.Conv2D):
            widths[-1].append(layer.filters)
    return tuple(map(tuple, widths))


def start_from(network, saved) -> None:
    """Give a new strong network the weights of one that was saved as an inference network.

    The new one may be wider. Its further filters begin at random and what follows does not look at them yet, so
    that it answers as the saved one did: Chen et al. 2016 (ICLR), "Net2Net", but with new filters in place of
    copies.

    Args:
        network: from `build_strong_cnn`.
        saved: a loaded model.keras, from `build_inference_network`.

    Raises:
        ValueError: what was saved is another network, a wider one, or tells another number of classes apart.
    """
    new, old = ([layer for layer in part.layers if layer.weights] for part in (network, find_inside(saved)))
    wanted, found = ([layer.get_weights()[0].shape for layer in part] for part in (new, old))
    same_layers = [len(shape) for shape in wanted] == [len(shape) for shape in found]
    same_classes = wanted[-1][-1] == found[-1][-1]
    if not (same_layers and same_classes and all(map(np.all, map(np.less_equal, found, wanted)))):
        raise ValueError(f"To start from: expected weights of shapes {wanted} or narrower, found {found}.")
    for layer, plain in zip(new, old, strict=True):
        _set_plain_weights(layer, _widen(_get_plain_weights(layer), *plain.get_weights()))


def average_weights(network, saved: list) -> None:
    """Give a strong network the mean of its weights and those of others, saved as inference networks.

    Networks that went on from one another lie in one valley of the loss, whose middle is often lower than where each
    of them came to rest: Izmailov et al. 2018 (UAI), "Averaging weights leads to wider optima and better
    generalization"; Wortsman et al. 2022 (ICML), "Model soups". It answers as fast as one of them.

    Args:
        network: from `build_strong_cnn`, trained.
        saved: loaded model.keras, from `build_inference_network`.

    Raises:
        ValueError: one of them has weights of other shapes.
    """
    kept = [layer for layer in network.layers if layer.weights]
    weights = [[_get_plain_weights(layer) for layer in kept]]
    weights += [[layer.get_weights() for layer in find_inside(other).layers if layer.weights] for other in saved]
    wanted, *found = ([[part.shape for part in parts] for parts in one] for one in weights)
    for shapes in found:
        if shapes != wanted:
            raise ValueError(f"To average: expected weights of shapes {wanted}, found {shapes}.")
    for layer, *versions in zip(kept, *weights, strict=True):
        _set_plain_weights(layer, [np.mean(parts, axis=0) for parts in zip(*versions, strict=True)])


def _get_plain_weights(layer) -> list[np.ndarray]:
    return layer.to_plain()[1] if isinstance(layer, ScaledConv2D) else layer.get_weights()


def _set_plain_weights(layer, weights: list[np.ndarray]) -> None:
    layer.set_plain_weights(weights) if isinstance(layer, ScaledConv2D) else layer.set_weights(weights)


def find_inside(saved):
    """The network itself, without the views over which the saved one answers."""
    return next((layer for layer in saved.layers if isinstance(layer, keras.Model)), saved)


def add_features(network):
    """A strong network that gives after its answers also the features on which these rest.

    Args:
        network: from `build_strong_cnn`, or what `find_inside` finds of a saved one.

    Returns:
        An uncompiled keras.Model with the same weights: uint8 (n, side, side, 3) -> float32 (n, classes + features).
    """
    features = next(layer for layer in network.layers if isinstance(layer, layers.GlobalAveragePooling2D)).output
    return keras.Model(network.input, layers.Concatenate(dtype="float32")([network.output, features]))


def _widen(weights: list[np.ndarray], kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """`weights`, but the first filters look at the first channels as `kernel` does, and at no other."""
    channels, filters = kernel.shape[-2:]
    wide_kernel, wide_bias = (weight.copy() for weight in weights)
    wide_kernel[..., channels:, :filters] = 0
    wide_kernel[..., :channels, :filters] = kernel
    wide_bias[:filters] = bias
    return [wide_kernel, wide_bias]


def build_inference_network(network, temperature: float = 1.0, views: tuple[View, ...] = WHOLE):
    """The network that is saved: plain Keras layers, float32, calibrated.

    Args:
        network, temperature: as for `build_plain_network`.
        views: answer with the mean over these.

    Returns:
        An uncompiled keras.Model: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes), rows sum to 1.
    """
    return answer_over(build_plain_network(network, temperature), views)


def build_plain_network(network, temperature: float = 1.0):
    """A copy of plain Keras layers that computes in float32, whatever its original trains in.

    Args:
        network: trained; its last layer is a dense softmax.
        temperature: above 0; the logits are divided by it, within the last layer's weights.

    Returns:
        An uncompiled keras.Model that takes the pictures that `network` takes.
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
    return plain


def describe_layers(network) -> pd.DataFrame:
    """The layers of a Sequential network in their order: `layer`, `output` (shape of one picture), `weights`."""
    rows = [
        (layer.__class__.__name__, " x ".join(map(str, layer.output.shape[1:])), layer.count_params())
        for layer in network.layers
    ]
    return pd.DataFrame(rows, columns=["layer", "output", "weights"])
