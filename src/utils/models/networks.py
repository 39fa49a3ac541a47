"""The networks: uint8 RGB pictures in, a softmax over the data set's classes out."""

from pathlib import Path

import pandas as pd

from utils.models.layers import ScaledConv2D
from utils.models.test_time_augmentation import WHOLE, View, add_test_time_augmentation
from utils.pictures import SIDE
from utils.quiet import keras

layers = keras.layers

Widths = tuple[tuple[int, ...], ...]
"""Filters of the strong network's convolutions between two poolings: of each stage."""

STRONG = "strong_cnn"
"""Name of the stronger network that notebook 3 trains where it is not told another."""

STRONG_WIDTHS: Widths = ((16, 24), (48, 48), (96, 96), (192, 192), (384, 384))


def make_network(name: str, class_count: int, widths: Widths = ()):
    """The untrained network that `build_<name>` of this module builds: any of yours, too.

    One of your own takes uint8 (n, 48, 48, 3), RGB, and gives float32 (n, class_count), rows sum to 1: with a
    `build_mine(class_count)` here, notebook 3 trains it where it is told NETWORK="mine".

    Args:
        name: STRONG, "baseline_cnn", or the end of another function's name.
        class_count: 2 or more.
        widths: of the strong network.

    Raises:
        ValueError: there is no such function.
    """
    build = globals().get(f"build_{name}")
    if build is None:
        raise ValueError(
            f"NETWORK: expected {STRONG}, baseline_cnn, or X of a `build_X` of yours in networks.py, found {name!r}."
        )
    return build(class_count, *([widths] if widths else []))


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


def build_strong_cnn(class_count: int, widths: Widths = STRONG_WIDTHS, dropout: float = 0.3):
    """A deeper VGG on grey pictures of equal mean and contrast.

    Most of its weights sit where pictures are small, which is where they cost least. It takes any side from 16
    pixels on, so that training may begin small.

    Args:
        class_count: 2 or more.
        widths: filters of the convolutions between two poolings. After the first of a stage, two more with as many
            filters are a residual branch around which their input passes (He et al. 2016 (CVPR), "Deep residual
            learning for image recognition").
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
        x = _add_stage(x, stage)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(
        picture, layers.Dense(class_count, activation="softmax", dtype="float32", name="probabilities")(x)
    )


def _add_stage(x, stage: tuple[int, ...]):
    position = 0
    while position < len(stage):
        filters = stage[position]
        if position and stage[position - 1 : position + 2] == (filters,) * 3:
            x = layers.Add()([x, ScaledConv2D(filters, ends_branch=True)(ScaledConv2D(filters)(x))])
            position += 2
        else:
            x = ScaledConv2D(filters)(x)
            position += 1
    return x


def read_widths(saved) -> Widths:
    """The `widths` of a strong network that was saved as an inference network."""
    widths: list[list[int]] = [[]]
    for layer in find_inside(saved).layers:
        if isinstance(layer, layers.MaxPooling2D):
            widths.append([])
        elif isinstance(layer, layers.Conv2D):
            widths[-1].append(layer.filters)
    return tuple(map(tuple, widths))


def find_inside(saved):
    """The network itself, without the views over which the saved one answers."""
    return next((layer for layer in saved.layers if isinstance(layer, keras.Model)), saved)


def build_inference_network(network, temperature: float = 1.0, views: tuple[View, ...] = WHOLE):
    """The network that is saved: plain Keras layers, float32, calibrated.

    Args:
        network: trained.
        temperature: above 0, as for `build_plain_network`.
        views: answer with the mean over these.

    Returns:
        An uncompiled keras.Model: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes), rows sum to 1.
    """
    return add_test_time_augmentation(build_plain_network(network, temperature), views)


def build_plain_network(network, temperature: float = 1.0):
    """A copy of plain Keras layers that computes in float32, whatever its original trains in.

    Args:
        network: trained.
        temperature: above 0; the logits are divided by it, within the weights of the last layer where that is a dense
            softmax, else after it.

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
    last = network.layers[-1]
    ends_dense = isinstance(last, layers.Dense) and last.activation is keras.activations.softmax
    for layer in network.layers:
        if not layer.weights:
            continue  # nor, in an input, the same name
        weights = folded.get(layer.name, layer.get_weights())
        if layer is last and ends_dense:
            weights = [weight / temperature for weight in weights]
        plain.get_layer(layer.name).set_weights(weights)
    if ends_dense or temperature == 1:
        return plain
    logits = keras.ops.log(keras.ops.maximum(plain.output, 1e-30))
    return keras.Model(plain.input, keras.ops.softmax(logits / temperature))


def load_network(folder: Path):
    """The inference network that was saved into a model's folder: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes)."""
    return keras.models.load_model(folder / "model.keras")


def describe_layers(network) -> pd.DataFrame:
    """The layers of a Sequential network in their order: `layer`, `output` (shape of one picture), `weights`."""
    rows = [
        (layer.__class__.__name__, " x ".join(map(str, layer.output.shape[1:])), layer.count_params())
        for layer in network.layers
    ]
    return pd.DataFrame(rows, columns=["layer", "output", "weights"])
