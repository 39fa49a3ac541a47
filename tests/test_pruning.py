"""Filters that never answer are left out of what only answers, and nothing else changes."""

import numpy as np
import pytest

from utils import pruning
from utils.networks import build_inference_network, build_plain_network, build_strong_cnn, find_inside, read_widths
from utils.pruning import prune_silent
from utils.tensorflow_quietly import keras, tf
from utils.tflite import SharedNetwork
from utils.training import predict, predict_views, save_model, set_seed
from utils.views import View

VIEWS = (View(32), View(24, 40, True))
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3), np.uint8)


def build(silent: dict[int, list[int]]):
    """A plain strong network of 4, 6, 8 and 8 filters, of which those at `silent`, by convolution, never answer."""
    set_seed(0)
    network = build_plain_network(build_strong_cnn(3, widths=((4, 6), (8, 8))))
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    for position, filters in silent.items():
        kernel, bias = convolutions[position].get_weights()
        bias[filters] = -1e3
        convolutions[position].set_weights([kernel, bias])
    return network


def test_answers_stay_without_the_silent():
    network = build({0: [1], 1: [0, 5], 3: [2, 3, 4]})
    pruned = prune_silent(network, IMAGES, VIEWS)
    assert read_widths(pruned) == ((3, 4), (8, 5))
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_what_answers_about_one_picture_in_one_view_stays(monkeypatch):
    monkeypatch.setattr(pruning, "_PIECE", 2)
    network = build({})
    *_, layer = (layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    peaks = keras.Model(network.input, keras.ops.max(layer.output, axis=(1, 2)))
    found = np.stack([predict_views(peaks, IMAGES, (view,))[0][:, 0] for view in VIEWS])
    first, second = np.sort(found.ravel())[::-1][:2]
    kernel, bias = layer.get_weights()
    bias[0] -= (first + second) / 2
    layer.set_weights([kernel, bias])
    assert (np.stack([predict_views(peaks, IMAGES, (view,))[0][:, 0] for view in VIEWS]) > 0).sum() == 1
    assert read_widths(prune_silent(network, IMAGES, VIEWS)) == read_widths(network)
    without = np.delete(IMAGES, np.unravel_index(found.argmax(), found.shape)[1], axis=0)
    assert read_widths(prune_silent(network, without, VIEWS))[1] == (8, 7)


def test_a_layer_keeps_one_filter():
    network = build({2: list(range(8))})
    pruned = prune_silent(network, IMAGES, VIEWS)
    assert read_widths(pruned)[1][0] == 1
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_one_convolution_is_enough():
    network = build_plain_network(build_strong_cnn(2, widths=((4,),)))
    pruned = prune_silent(network, IMAGES, VIEWS)
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_so_many_pictures_are_drawn(monkeypatch):
    monkeypatch.setattr(pruning, "LOOKED_AT", 4)
    seen = []
    monkeypatch.setattr(pruning, "copy_images", lambda images, piece: seen.extend(piece) or images[piece])
    prune_silent(build({}), IMAGES, VIEWS)
    assert len(seen) == len(set(seen)) == 4


def test_what_is_saved_answers_alike_and_only_what_trains_is_whole(tmp_path):
    inference = build_inference_network(build({1: [2], 3: [0, 1]}), 1.5, VIEWS)
    card = {"training": {"views": [view._asdict() for view in VIEWS]}}
    save_model(tmp_path / "lean", inference, card, IMAGES)
    save_model(tmp_path / "whole", inference, card)
    lean = tmp_path / "lean"
    saved = keras.models.load_model(lean / "model.keras")
    assert read_widths(find_inside(saved)) == ((4, 6), (8, 8))
    wanted = predict(saved, IMAGES)
    lite = (lean / "model.tflite").read_bytes()
    assert SharedNetwork(lite)(IMAGES)[0] == pytest.approx(wanted, abs=1e-5)
    assert len(lite) < len((tmp_path / "whole" / "model.tflite").read_bytes())
    served = tf.saved_model.load(lean / "saved_model")
    assert np.asarray(served.serve(IMAGES)) == pytest.approx(wanted, abs=1e-5)
    shapes = [tuple(variable.shape) for variable in served.variables]
    assert (3, 3, 5, 8) in shapes and (6, 3) in shapes
