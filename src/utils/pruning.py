"""Leave out the filters of a strong network that no picture makes answer: it says the same, and sooner."""

import numpy as np

from utils.dataset import copy_images
from utils.progress import track
from utils.tensorflow_quietly import keras
from utils.views import View, make_view

LOOKED_AT = 16_384
"""Training pictures at most by which a filter is judged."""

_PIECE = 256
"""Pictures that are looked at together."""


def prune_silent(network, images: np.ndarray, views: tuple[View, ...]):
    """A network without the filters that give 0 everywhere in all of these pictures.

    A long training leaves many, above all in the last layers: what stays below zero learns nothing more. Hu et al.
    2016, "Network trimming: a data-driven neuron pruning approach towards efficient deep architectures", whose share
    of zeros is 1 for these. What follows does not miss a 0, so that answers about these pictures stay as they are;
    others change where a filter that was left out would have answered.

    Args:
        network: of plain layers, `networks.find_inside` of what is saved.
        images: uint8 (n, 48, 48, 3), RGB: training pictures. Of more than LOOKED_AT, that many are drawn.
        views: over which it will answer.

    Returns:
        An uncompiled keras.Model of the same layers with as many filters or fewer, one at least in each.
    """
    kept = _find_answering(network, images, views)

    def narrow(layer):
        config = layer.get_config()
        return layer.__class__.from_config(
            config | {"filters": len(kept[layer.name])} if layer.name in kept else config
        )

    pruned = keras.models.clone_model(network, clone_function=narrow)
    channels = slice(None)  # of what comes into a layer, those that are left
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            filters = kept.get(layer.name, slice(None))
            pruned.get_layer(layer.name).set_weights([kernel[..., channels, :][..., filters], bias[filters]])
            channels = filters
    return pruned


def _find_answering(network, images: np.ndarray, views: tuple[View, ...]) -> dict[str, np.ndarray]:
    """By convolution's name, the positions of its filters that give more than 0 somewhere."""
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    peaks = keras.ops.concatenate([keras.ops.max(layer.output, axis=(1, 2)) for layer in convolutions], axis=1)
    watched = keras.Model(network.input, peaks)
    highest = np.zeros(peaks.shape[1], np.float32)
    drawn = np.sort(np.random.default_rng(0).permutation(len(images))[:LOOKED_AT])
    pieces = np.array_split(drawn, range(_PIECE, len(drawn), _PIECE))
    for piece in track(pieces, len(pieces), "batch", "Filters that never answer"):
        pictures = copy_images(images, piece)
        for view in views:
            found = watched.predict_on_batch(np.asarray(make_view(pictures, view)))
            highest = np.maximum(highest, found.max(axis=0))
    by_layer = np.split(highest, np.cumsum([layer.filters for layer in convolutions])[:-1])
    # a layer in which all are silent keeps one
    return {
        layer.name: np.flatnonzero(peak > 0) if peak.any() else np.arange(1)
        for layer, peak in zip(convolutions, by_layer, strict=True)
    }
