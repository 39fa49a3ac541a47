"""What strong networks take over from one another: weights to start from, or to average with."""

from collections.abc import Iterator

import numpy as np

from utils.convolutions import NormalisedConv2D, ScaledConv2D
from utils.networks import find_inside
from utils.tensorflow_quietly import keras


def start_from(network, saved, pictures: np.ndarray | None = None) -> None:
    """Give a new strong network the weights of one that was saved as an inference network.

    The new one may be wider. Its further filters begin at random and what follows does not look at them yet, so
    that it answers as the saved one did: Chen et al. 2016 (ICLR), "Net2Net", but with new filters in place of
    copies.

    Args:
        network: from `build_strong_cnn`.
        saved: a loaded model.keras, from `build_inference_network`.
        pictures: of `settle`, for a network with batch normalisation.

    Raises:
        ValueError: what was saved is another network, a wider one, or tells another number of classes apart.
    """
    new, old = ([layer for layer in part.layers if layer.weights] for part in (network, find_inside(saved)))
    wanted, found = ([layer.get_weights()[0].shape for layer in part] for part in (new, old))
    same_layers = [len(shape) for shape in wanted] == [len(shape) for shape in found]
    same_classes = wanted[-1][-1] == found[-1][-1]
    if not (same_layers and same_classes and all(map(np.all, map(np.less_equal, found, wanted)))):
        raise ValueError(f"To start from: expected weights of shapes {wanted} or narrower, found {found}.")
    weights = [_widen(_get_plain_weights(layer), *plain.get_weights()) for layer, plain in zip(new, old, strict=True)]
    _set_plain_weights(network, weights, pictures)


def average_weights(network, saved: list, pictures: np.ndarray | None = None) -> None:
    """Give a strong network the mean of its weights and those of others, saved as inference networks.

    Networks that went on from one another lie in one valley of the loss, whose middle is often lower than where each
    of them came to rest: Izmailov et al. 2018 (UAI), "Averaging weights leads to wider optima and better
    generalization"; Wortsman et al. 2022 (ICML), "Model soups". It answers as fast as one of them.

    Args:
        network: from `build_strong_cnn`, trained.
        saved: loaded model.keras, from `build_inference_network`.
        pictures: of `settle`, for a network with batch normalisation.

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
    averages = [
        [np.mean(parts, axis=0) for parts in zip(*versions, strict=True)] for versions in zip(*weights, strict=True)
    ]
    _set_plain_weights(network, averages, pictures)


def settle(network, pictures: np.ndarray) -> None:
    """Let a network with batch normalisation see pictures, by whose mean and variance it then answers.

    Args:
        network: from `build_strong_cnn`; one without stays as it is.
        pictures: uint8 (n, side, side, 3), RGB, such as it will see.
    """
    if has_batch_norm(network):
        for layer, inputs in _pass_on(network, pictures):
            if isinstance(layer, NormalisedConv2D):
                layer.observe(inputs)


def has_batch_norm(network) -> bool:
    """Whether a strong network must `settle` before it answers."""
    return any(isinstance(layer, NormalisedConv2D) for layer in network.layers)


def _pass_on(network, pictures: np.ndarray) -> Iterator[tuple]:
    """The layers of a strong network from the first convolution on, each with what comes into it from those before.

    What the caller does to a layer meanwhile shows in what comes into the next one.
    """
    first = next(position for position, layer in enumerate(network.layers) if isinstance(layer, ScaledConv2D))
    entrance = keras.Model(network.input, network.layers[first].input)
    inputs = [entrance(piece) for piece in np.array_split(np.asarray(pictures), -(-len(pictures) // 256))]
    for layer in network.layers[first:]:
        yield layer, inputs
        inputs = [layer(piece) for piece in inputs]


def _get_plain_weights(layer) -> list[np.ndarray]:
    return layer.to_plain()[1] if isinstance(layer, ScaledConv2D) else layer.get_weights()


def _set_plain_weights(network, weights: list[list[np.ndarray]], pictures: np.ndarray | None) -> None:
    """Give each layer that has weights those of an ordinary one; batch normalisation needs to see pictures for it."""
    remaining = iter(weights)
    passed_on = _pass_on(network, pictures) if has_batch_norm(network) else ((layer, None) for layer in network.layers)
    for layer, inputs in passed_on:
        if isinstance(layer, ScaledConv2D):
            layer.set_plain_weights(next(remaining), inputs)
        elif layer.weights:
            layer.set_weights(next(remaining))


def _widen(weights: list[np.ndarray], kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """`weights`, but the first filters look at the first channels as `kernel` does, and at no other."""
    channels, filters = kernel.shape[-2:]
    wide_kernel, wide_bias = (weight.copy() for weight in weights)
    wide_kernel[..., channels:, :filters] = 0
    wide_kernel[..., :channels, :filters] = kernel
    wide_bias[:filters] = bias
    return [wide_kernel, wide_bias]
