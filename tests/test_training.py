import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT, draw_face, encode
from keras.src.trainers.trainer import model_supports_jit

from utils.augmentation import RandomAffine, add_augmentation, cover_at_random
from utils.dataset import Split
from utils.inference import Classifier
from utils.ingest import inspect_source, read_pictures
from utils.networks import build_baseline_cnn, build_inference_network, build_strong_cnn
from utils.tensorflow_quietly import keras, tf
from utils.training import (
    ShowProgress,
    best_epoch,
    compile_network,
    predict,
    round_to_float16,
    save_model,
    set_seed,
    train_from_seeds,
    train_network,
)
from utils.views import View

CLASSES = ["happy", "sad"]


def make_split(count, seed):
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    images = np.stack([np.asarray(draw_face(CLASSES[target], rng)) for target in targets])
    return Split(pd.DataFrame({"file": range(count)}), images, targets, targets)


def train(seed, epochs=3, patience=9):
    set_seed(seed)
    network = compile_network(build_baseline_cnn(2, widths=(4, 8), dropout=0.0), 0.003)
    return network, train_network(network, make_split(96, 0), make_split(32, 1), epochs, 16, patience, seed)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "EmotionDetector_1"
    network, history = train(0, epochs=6)
    save_model(folder, network, {"class_names": CLASSES, "stress_classes": ["sad"], "history": history})
    return folder, network, history


def test_it_learns(saved):
    _, network, history = saved
    validation = make_split(32, 1)
    assert history[-1]["loss"] < history[0]["loss"]
    assert (predict(network, validation.images).argmax(axis=1) == validation.targets).mean() > 0.9


@pytest.mark.parametrize("augmented", [False, True])
def test_it_trains_where_keras_would_take_xla(monkeypatch, augmented):
    """As beside a GPU: layers that XLA does not know must say so."""
    monkeypatch.setattr("keras.src.trainers.trainer.Trainer._resolve_auto_jit_compile", model_supports_jit)
    network = build_baseline_cnn(2, widths=(4, 8), dropout=0.0)
    trained = (
        add_augmentation(network, cover_at_random(0.5), RandomAffine(5.0, 0.1, 1.0, True)) if augmented else network
    )
    compile_network(trained, 0.003)
    assert trained.jit_compile == (not augmented)
    assert len(train_network(trained, make_split(16, 0), make_split(8, 1), 1, 8, 1, 0)) == 1


def test_epochs_after_a_loss_that_is_no_number_do_not_count(monkeypatch):
    losses = {"loss": [0.7, 0.6, np.nan, np.nan], "val_loss": [0.7, 0.6, np.nan, np.nan]}
    network = SimpleNamespace(fit=lambda *_, **__: SimpleNamespace(history=losses))
    history = train_network(network, make_split(16, 0), make_split(8, 1), 4, 8, 2, 0)
    assert history == [{"loss": 0.7, "val_loss": 0.7}, {"loss": 0.6, "val_loss": 0.6}]
    assert best_epoch(history) == 2
    losses["loss"][0] = np.inf
    with pytest.raises(ValueError, match="The loss of the first epoch is no number: start it again"):
        train_network(network, make_split(16, 0), make_split(8, 1), 4, 8, 2, 0)


def test_the_same_seed_gives_the_same_weights():
    first, again, other = (train(seed, epochs=1)[0].get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_each_seed_gives_its_own_network():
    split = make_split(32, 0)
    answers = train_from_seeds(
        lambda seed: build_baseline_cnn(2, widths=(4,)),
        [1, 2],
        split,
        split,
        0.003,
        epochs=1,
        batch_size=16,
        patience=1,
    )
    again = train_from_seeds(
        lambda seed: build_baseline_cnn(2, widths=(4,)), [2], split, split, 0.003, epochs=1, batch_size=16, patience=1
    )
    assert list(answers) == [1, 2]
    assert answers[1].shape == (32, 2)
    assert not np.array_equal(answers[1], answers[2])
    assert np.array_equal(answers[2], again[2])


def test_the_best_epochs_weights_are_kept():
    network, history = train(0, epochs=4)
    validation = make_split(32, 1)
    loss = network.evaluate(validation.images, validation.targets, verbose=0)[0]
    assert loss == pytest.approx(history[best_epoch(history) - 1]["val_loss"], abs=1e-5)
    assert best_epoch([{"val_loss": 2.0}, {"val_loss": 1.0}, {"val_loss": 1.5}]) == 2


def test_training_stops_when_validation_no_longer_improves():
    set_seed(0)
    network = compile_network(build_baseline_cnn(2, widths=(4,)), 0.0)
    history = train_network(network, make_split(32, 0), make_split(16, 1), 20, 16, 2, 0)
    assert len(history) == 3


@pytest.fixture
def shown(monkeypatch):
    """The epochs of the curves that somebody who watches would see: a list a drawing."""
    found = []

    def show(self, draw, alt):
        axes = draw()
        found.append(axes[1].lines[0].get_xdata().tolist())
        plt.close(axes[1].figure)

    monkeypatch.setattr("utils.display.LiveFigure.show", show)
    return found


def test_the_curves_grow_with_each_epoch(shown):
    train(0, epochs=3)
    assert shown == [[1], [1, 2], [1, 2, 3]]


def test_a_resumed_training_goes_on_at_its_epoch(shown):
    progress = ShowProgress(epochs=10, steps=5)
    progress.on_train_begin()
    for epoch in (7, 8):
        progress.on_epoch_begin(epoch)
        for batch in range(5):
            progress.on_train_batch_end(batch)
        progress.on_epoch_end(epoch, {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5})
    assert shown == [[8], [8, 9]]
    assert progress.bar.n == 9 * 5
    progress.on_train_end()


def test_where_nobody_watches_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr("utils.training.plot_history", lambda *_, **__: pytest.fail("a figure was drawn"))
    assert len(train(0, epochs=1)[1]) == 1


def test_many_networks_answer_without_a_word(caplog):
    tf.get_logger().addHandler(caplog.handler)
    for _ in range(8):
        predict(build_strong_cnn(2, widths=((4,),)), np.zeros((2, 16, 16, 3), np.uint8))
    tf.get_logger().removeHandler(caplog.handler)
    assert not caplog.records


def test_keras_and_tflite_give_the_same_probabilities(saved):
    folder, network, _ = saved
    images = make_split(70, 5).images
    classifier = Classifier.load(folder)
    assert np.abs(classifier.probabilities(images) - predict(network, images)).max() < 1e-4
    assert classifier.probabilities(images[:0]).shape == (0, 2)


@pytest.fixture(params=["baseline", "strong", "batch_norm"])
def plain(request, saved, tmp_path):
    """A saved model's folder and its network, of each kind."""
    if request.param == "baseline":
        return saved[:2]
    network = build_strong_cnn(2, ((4,), (8,)), batch_norm=request.param == "batch_norm")
    inference = build_inference_network(network, 1.5, (View(36, 40), View(mirrored=True)))
    save_model(tmp_path / "model", inference, {})
    return tmp_path / "model", inference


def test_the_keras_file_and_the_saved_model_load_without_this_package(plain, tmp_path):
    folder, network = plain
    images = make_split(5, 7).images
    np.save(tmp_path / "images.npy", images)
    code = f"""
import json, sys, numpy as np, keras, tensorflow as tf
images = np.load({str(tmp_path / "images.npy")!r})
plain = np.asarray(keras.models.load_model({str(folder / "model.keras")!r})(images))
server = tf.saved_model.load({str(folder / "saved_model")!r})
served = np.asarray(server.serve(images))
assert not [name for name in sys.modules if name.split(".")[0] == "utils"]
print(json.dumps([plain.tolist(), served.tolist()]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for probabilities in json.loads(result.stdout.splitlines()[-1]):
        assert np.abs(np.array(probabilities) - predict(network, images)).max() < 1e-5


def test_the_weights_take_two_bytes_each(tmp_path):
    set_seed(0)
    network = build_baseline_cnn(7)
    images = make_split(20, 7).images
    before, size = predict(network, images), 4 * network.count_params()
    save_model(tmp_path / "model", network, {})
    assert np.abs(predict(network, images) - before).max() < 1e-3
    for name in ("model.keras", "model.tflite"):
        assert (tmp_path / "model" / name).stat().st_size < 0.6 * size, name


def test_the_shipped_networks_answers_survive_the_rounding():
    _, pictures, _ = read_pictures(inspect_source(CHECKOUT / "data" / "sample" / "faces.zip"), 140, seed=0)
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


def test_one_picture(saved):
    classifier = Classifier.load(saved[0])
    prediction = classifier.predict(encode(draw_face("sad", np.random.default_rng(8), side=200)), "crop")
    assert prediction.picture.shape == (1, 48, 48, 3)
    assert prediction.label in ("Stress", "Non-stress")
    assert prediction.p_stress == pytest.approx(prediction.probabilities["sad"], abs=1e-6)
    assert prediction.confidence == max(prediction.p_stress, 1 - prediction.p_stress)


def test_threads_may_share_a_classifier(saved):
    classifier = Classifier.load(saved[0])
    images = make_split(40, 9).images
    alone = [classifier.probabilities(images[i : i + 1 + i % 3]) for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: classifier.probabilities(images[i : i + 1 + i % 3]), range(40)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_wrong_pictures_and_missing_models_say_what_was_expected(saved, tmp_path):
    classifier = Classifier.load(saved[0])
    with pytest.raises(ValueError, match=r"expected uint8 \(n, 48, 48, 3\)"):
        classifier.probabilities(np.zeros((1, 48, 48, 3), np.float32))
    with pytest.raises(FileNotFoundError, match="run the notebook that trains it"):
        Classifier.load(tmp_path)


def test_inference_loads_nothing_heavy(saved):
    code = f"""
import sys
from pathlib import Path
import utils
from utils.inference import Classifier
Classifier.load(Path({str(saved[0])!r}))
heavy = sorted({{"tensorflow", "keras", "seaborn", "pandas", "sklearn", "matplotlib"}} & set(sys.modules))
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
