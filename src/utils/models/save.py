"""A trained network as files: weights rounded, dead filters pruned from what only answers, TFLite and model.json."""

import json
import platform
import zipfile
from pathlib import Path

import numpy as np

from utils.data.dataset import copy_images
from utils.files import replaced_folder, write_json
from utils.models.networks import STRONG, find_inside
from utils.models.store import fingerprint_answers
from utils.models.test_time_augmentation import View, add_test_time_augmentation, make_view, read_views
from utils.quiet import keras, quiet_stderr, tf, track


def save_model(folder: Path, network, card: dict, pictures: np.ndarray | None = None) -> None:
    """Write model.keras, model.tflite, saved_model/ and model.json; the folder is replaced whole.

    The weights are rounded to what float16 can hold, which halves the first two files. All three compute in float32.

    Args:
        folder: of this model alone.
        network: the inference network: plain layers, uint8 (n, 48, 48, 3) -> probabilities. It is rounded, too.
        card: what model.json holds besides the versions.
        pictures: that the strong network was trained on. What only answers, model.tflite and saved_model/, then comes
            without its dead filters, see `prune_dead_filters`; model.keras stays whole, since a training may go on
            from it.
    """
    network.set_weights([round_to_float16(weight) for weight in network.get_weights()])
    lean = network
    if pictures is not None and card["training"].get("network") == STRONG:
        views = read_views(card)
        lean = add_test_time_augmentation(prune_dead_filters(find_inside(network), pictures, views), views)
    with replaced_folder(folder) as beside, quiet_stderr():
        network.save(beside / "model.keras")
        _rewrite(beside / "model.keras")
        lean.export(beside / "saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(beside / "saved_model"))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        (beside / "model.tflite").write_bytes(converter.convert())
        known = {"network": fingerprint_answers(network), "versions": library_versions()}
        write_json(beside / "model.json", card | known)


def round_to_float16(weights: np.ndarray) -> np.ndarray:
    """Weights that float16 holds, in which each filter's errors add up to next to nothing.

    Neighbouring pixels are much alike, so that an answer moves with the sum of a filter's errors: by rounding each
    weight for itself, several times as far. What is lost of a weight is added to the next, the smallest last: error
    diffusion, Floyd and Steinberg 1976, "An adaptive algorithm for spatial greyscale".

    Args:
        weights: float32 (..., filters).

    Returns:
        float16 of the same shape.
    """
    rows = weights.reshape(-1, weights.shape[-1])
    order = np.argsort(-np.abs(rows), axis=0)
    kept, error = np.empty(rows.shape, np.float16), np.zeros(rows.shape[1], np.float32)
    for position, largest in enumerate(np.take_along_axis(rows, order, axis=0)):
        wanted = largest + error
        kept[position] = wanted
        error = wanted - kept[position]
    rounded = np.empty_like(kept)
    np.put_along_axis(rounded, order, kept, axis=0)
    return rounded.reshape(weights.shape)


def _rewrite(archive: Path) -> None:
    """Compress the parts of a .keras file, which Keras only puts together, and let older versions of Keras open it."""
    with zipfile.ZipFile(archive) as kept:
        parts = {name: kept.read(name) for name in kept.namelist()}
    parts["config.json"] = json.dumps(json.loads(parts["config.json"], object_hook=_leave_out_unset)).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as compressed:
        for name, content in parts.items():
            compressed.writestr(name, content)


def _leave_out_unset(part: dict) -> dict:
    """A part of config.json without the arguments that are None, and without the name where it is an operation.

    Keras refuses arguments that are newer than itself, even None. Operations had no names at first; opening the file
    gives them new ones.
    """
    # a slice and a tensor, which need their None, have no module
    if not part.get("module") or not isinstance(part["config"], dict):
        return part
    left_out = {key for key, value in part["config"].items() if value is None}
    if part["module"].startswith("keras.src.ops."):
        left_out.add("name")
    return part | {"config": {key: value for key, value in part["config"].items() if key not in left_out}}


def library_versions() -> dict[str, str]:
    """The versions that a trained model depends on."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


LOOKED_AT = 16_384
"""Training pictures at most by which a filter is judged."""

_PIECE = 256
"""Pictures that are looked at together."""


def prune_dead_filters(network, images: np.ndarray, views: tuple[View, ...]):
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
        An uncompiled keras.Model of the same layers with as many filters or fewer, one at least in each. Those whose
        answers are added to others stay.
    """
    kept = _find_answering(network, images, views)

    def narrow(layer):
        config = layer.get_config()
        return layer.__class__.from_config(
            config | {"filters": len(kept[layer.name])} if layer.name in kept else config
        )

    pruned = keras.models.clone_model(network, clone_function=narrow)
    channels: slice | np.ndarray = slice(None)  # of what comes into a layer, those that are left
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
    sums = [layer for layer in network.layers if isinstance(layer, keras.layers.Add)]
    added = {tensor._keras_history.operation.name for layer in sums for tensor in layer.input}
    # a layer in which all are silent keeps one
    return {
        layer.name: np.flatnonzero(peak > 0) if peak.any() else np.arange(1)
        for layer, peak in zip(convolutions, by_layer, strict=True)
        if layer.name not in added
    }
