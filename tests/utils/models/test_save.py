"""What a run saves: files of two bytes a weight that answer alike, without the filters that never answer."""

import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from opens_elsewhere import VERSIONS
from support import CHECKOUT

from utils.data.ingest import inspect_source, read_pictures
from utils.files import read_json
from utils.inference.classifier import Classifier
from utils.inference.tflite import SharedNetwork
from utils.models.layers import ScaledConv2D
from utils.models.networks import (
    build_baseline_cnn,
    build_inference_network,
    build_plain_network,
    build_strong_cnn,
    read_widths,
)
from utils.models.save import prune_dead_filters, round_to_float16, save_model
from utils.models.test_time_augmentation import View
from utils.models.train import predict, predict_views, set_seed
from utils.quiet import keras, tf

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


def read_parts(file):
    """All that has a module in a .keras file: networks, layers, operations, and what layers were made with."""
    parts = []
    with zipfile.ZipFile(file) as archive:
        json.loads(archive.read("config.json"), object_hook=lambda part: parts.append(part) or part)
    return [part for part in parts if part.get("module")]


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    """A saved model's folder, its network, as it was rounded, and what it answered before."""
    set_seed(0)
    network, folder = build_baseline_cnn(2), tmp_path_factory.mktemp("models") / "baseline"
    before = predict(network, IMAGES)
    save_model(folder, network, {"class_names": ["happy", "sad"], "stress_classes": ["sad"]})
    return folder, network, before


@pytest.fixture(scope="module")
def strong(tmp_path_factory):
    """A saved model's folder, and its network, as it was rounded: some of its filters never answer."""
    folder = tmp_path_factory.mktemp("models") / "lean"
    network = build_inference_network(build({1: [2], 3: [0, 1]}), 1.5, VIEWS)
    save_model(
        folder, network, {"training": {"network": "strong_cnn", "views": [view._asdict() for view in VIEWS]}}, IMAGES
    )
    return folder, network


def test_the_weights_take_two_bytes_each(baseline):
    folder, network, before = baseline
    assert np.abs(predict(network, IMAGES) - before).max() < 1e-3
    for name in ("model.keras", "model.tflite"):
        assert (folder / name).stat().st_size < 0.6 * 4 * network.count_params(), name


def test_the_card_holds_what_it_was_given_and_the_versions(baseline):
    card = read_json(baseline[0] / "model.json")
    assert card["stress_classes"] == ["sad"]
    assert card["versions"]["keras"] == keras.__version__


def test_keras_and_tflite_give_the_same_probabilities(baseline, tmp_path):
    folder, network, _ = baseline
    classifier = Classifier.load(folder)
    assert classifier.probabilities(IMAGES) == pytest.approx(predict(network, IMAGES), abs=1e-4)
    with pytest.raises(FileNotFoundError, match="run the notebook that trains it"):
        Classifier.load(tmp_path)


def test_the_files_load_without_this_package(baseline, strong, tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    code = """
import json, sys, numpy as np, keras, tensorflow as tf
images, answers = np.load(sys.argv[1]), []
for folder in sys.argv[2:]:
    answers.append(np.asarray(keras.models.load_model(folder + "/model.keras")(images)).tolist())
    served = tf.saved_model.load(folder + "/saved_model")
    answers.append(np.asarray(served.serve(images)).tolist())
assert not [name for name in sys.modules if name.split(".")[0] == "utils"]
print(json.dumps(answers))
"""
    folders = [baseline[0], strong[0]]
    command = [sys.executable, "-c", code, str(tmp_path / "images.npy"), *map(str, folders)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = json.loads(result.stdout.splitlines()[-1])
    for position, network in enumerate((baseline[1], baseline[1], strong[1], strong[1])):
        assert np.array(answers[position]) == pytest.approx(predict(network, IMAGES), abs=1e-5)


def test_nothing_is_saved_that_older_versions_refuse(baseline, strong):
    """That they open the files and answer alike, helpers/opens_elsewhere.py tests."""
    for folder, network, *_ in (baseline, strong):
        for part in read_parts(folder / "model.keras"):
            assert None not in part["config"].values(), part
            assert not (".ops." in part["module"] and "name" in part["config"]), part
        saved = keras.models.load_model(folder / "model.keras")
        assert all(map(np.array_equal, saved.get_weights(), network.get_weights()))


def test_the_readmes_example_runs_and_floats_are_answered_as_it_says(monkeypatch, capsys):
    readme = (CHECKOUT / "models" / "README.md").read_text(encoding="utf-8")
    assert f"{VERSIONS[0].rpartition('.')[0]} to {keras.__version__.rpartition('.')[0]}" in readme
    example, names = re.search(r"```python\n(.*?)```", readme, re.S)[1], {}
    monkeypatch.chdir(CHECKOUT)
    exec(example, names)
    assert f"this prints `{capsys.readouterr().out.strip()}`" in readme
    floats = names["network"].predict(names["pictures"] / 256, verbose=0)
    assert floats == pytest.approx(names["network"].predict(np.zeros((1, 48, 48, 3), np.uint8), verbose=0), abs=1e-6)


def test_what_is_saved_answers_alike_and_only_what_may_be_fine_tuned_is_whole(strong, tmp_path):
    folder, network = strong
    saved = keras.models.load_model(folder / "model.keras")
    assert read_widths(saved) == ((4, 6), (8, 8))
    wanted = predict(saved, IMAGES)
    assert wanted == pytest.approx(predict(network, IMAGES), abs=1e-6)
    lite = (folder / "model.tflite").read_bytes()
    assert SharedNetwork(lite)(IMAGES)[0] == pytest.approx(wanted, abs=1e-5)
    served = tf.saved_model.load(folder / "saved_model")
    assert np.asarray(served.serve(IMAGES)) == pytest.approx(wanted, abs=1e-5)
    shapes = [tuple(variable.shape) for variable in served.variables]
    assert (3, 3, 5, 8) in shapes and (6, 3) in shapes
    save_model(tmp_path / "whole", network, {})
    assert len(lite) < (tmp_path / "whole" / "model.tflite").stat().st_size


def test_the_shipped_networks_answers_survive_the_rounding():
    _, pictures, _ = read_pictures(inspect_source(CHECKOUT / "data" / "sample" / "faces.zip"), 14, seed=0)
    network = keras.models.load_model(CHECKOUT / "models" / "shipped" / "EmotionDetector_2" / "model.keras")
    rng = np.random.default_rng(0)
    # what a training ends with: as far from the rounded weights as half of float16's last bit
    for weight in network.weights:
        weight.assign(weight * (1 + rng.uniform(-(2.0**-11), 2.0**-11, weight.shape)))
    before = predict(network, pictures)
    network.set_weights([round_to_float16(weight) for weight in network.get_weights()])
    assert np.abs(predict(network, pictures) - before).max() < 1e-3


def test_what_is_rounded_off_adds_up_to_nothing():
    kernel = np.random.default_rng(0).normal(0, 0.05, (3, 3, 16, 8)).astype(np.float32)
    rounded = round_to_float16(kernel)
    assert (rounded.dtype, rounded.shape) == (np.float16, kernel.shape)
    assert rounded.astype(np.float32) == pytest.approx(kernel, rel=2e-3, abs=1e-4)
    lost = np.abs((rounded - kernel).sum(axis=(0, 1, 2)))
    assert lost.max() < 0.01 * np.abs((kernel.astype(np.float16) - kernel).sum(axis=(0, 1, 2))).max()
    assert np.array_equal(round_to_float16(rounded.astype(np.float32)), rounded)
    bias = kernel[0, 0, 0]
    assert np.array_equal(round_to_float16(bias), bias.astype(np.float16))


def test_answers_stay_without_the_silent():
    network = build({0: [1], 1: [0, 5], 3: [2, 3, 4]})
    pruned = prune_dead_filters(network, IMAGES, VIEWS)
    assert read_widths(pruned) == ((3, 4), (8, 5))
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_what_answers_about_one_picture_in_one_view_stays(monkeypatch):
    monkeypatch.setattr("utils.models.save._PIECE", 2)
    network = build({})
    *_, layer = (layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    peaks = keras.Model(network.input, keras.ops.max(layer.output, axis=(1, 2)))
    found = np.stack([predict_views(peaks, IMAGES, (view,))[0][:, 0] for view in VIEWS])
    first, second = np.sort(found.ravel())[::-1][:2]
    kernel, bias = layer.get_weights()
    bias[0] -= (first + second) / 2
    layer.set_weights([kernel, bias])
    assert (np.stack([predict_views(peaks, IMAGES, (view,))[0][:, 0] for view in VIEWS]) > 0).sum() == 1
    assert read_widths(prune_dead_filters(network, IMAGES, VIEWS)) == read_widths(network)
    without = np.delete(IMAGES, np.unravel_index(found.argmax(), found.shape)[1], axis=0)
    assert read_widths(prune_dead_filters(network, without, VIEWS))[1] == (8, 7)


def test_a_layer_keeps_one_filter():
    network = build({2: list(range(8))})
    pruned = prune_dead_filters(network, IMAGES, VIEWS)
    assert read_widths(pruned)[1][0] == 1
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_one_convolution_is_enough():
    network = build_plain_network(build_strong_cnn(2, widths=((4,),)))
    pruned = prune_dead_filters(network, IMAGES, VIEWS)
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(network, IMAGES, VIEWS), abs=1e-6)


def test_what_is_added_to_something_stays():
    network = build_strong_cnn(2, widths=((4,), (8,) * 3))
    convolutions = [layer for layer in network.layers if isinstance(layer, ScaledConv2D)]
    for layer in convolutions:
        kernel, gain, bias = layer.get_weights()
        layer.set_weights([kernel, np.ones_like(gain), bias])
    silent = np.array([0, -1e3, -1e3, 0])
    for layer in convolutions[:3]:
        kernel, gain, bias = layer.get_weights()
        layer.set_weights([kernel, gain, np.resize(silent, bias.shape)])
    plain = build_plain_network(network)
    pruned = prune_dead_filters(plain, IMAGES, VIEWS)
    assert read_widths(pruned) == ((2,), (8, 4, 8))
    assert predict_views(pruned, IMAGES, VIEWS) == pytest.approx(predict_views(plain, IMAGES, VIEWS), abs=1e-6)


def test_so_many_pictures_are_drawn(monkeypatch):
    monkeypatch.setattr("utils.models.save.LOOKED_AT", 4)
    seen = []
    monkeypatch.setattr("utils.models.save.copy_images", lambda images, piece: seen.extend(piece) or images[piece])
    prune_dead_filters(build({}), IMAGES, VIEWS)
    assert len(seen) == len(set(seen)) == 4
