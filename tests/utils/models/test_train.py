"""The classic network's training: early stopping, seeds, and what somebody who watches is told."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from keras.src.trainers.trainer import model_supports_jit

from utils.models.augmentation import RandomAffine, add_augmentation, make_random_erasing
from utils.models.networks import build_baseline_cnn, build_strong_cnn
from utils.models.store import Store
from utils.models.test_time_augmentation import View, make_view
from utils.models.train import (
    BaselineRecipe,
    best_epoch,
    compile_network,
    predict,
    predict_views,
    set_seed,
    train_from_seeds,
    train_network,
)
from utils.quiet import tf


@pytest.fixture
def train(store):
    return partial(train_in, store)


def train_in(store, split, validation, seed=0, epochs=1, learning_rate=0.003, patience=9, watch=None):
    set_seed(seed)
    network = compile_network(build_baseline_cnn(2, widths=(4, 8), dropout=0.0), learning_rate)
    recipe = BaselineRecipe(epochs, 8, patience, learning_rate)
    return network, train_network(network, recipe, split, validation, seed, store, watch).history


@pytest.fixture(scope="module")
def trained(stripes, tmp_path_factory):
    """The one training with graphs, as outside of tests."""
    told = []
    store = Store(tmp_path_factory.mktemp("store"))
    network, history = train_in(store, stripes, stripes, epochs=10, watch=lambda *words: told.append(words))
    return network, history, told


def test_it_learns(trained, stripes):
    network, history, _ = trained
    assert history[-1]["loss"] < history[0]["loss"]
    assert set(history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert (predict(network, stripes.images).argmax(axis=1) == stripes.labels).mean() > 0.9


@pytest.mark.usefixtures("eager")
def test_the_best_epochs_weights_are_kept(stripes, train):
    """The more it learns, the less it knows of pictures whose targets are swapped."""
    swapped = replace(stripes, targets=1 - stripes.targets)
    network, history = train(stripes, swapped, epochs=4, learning_rate=0.01)
    best = best_epoch(history)
    assert best < len(history) == 4
    loss = -np.log(predict(network, swapped.images)[range(32), swapped.classes]).mean()
    assert loss == pytest.approx(history[best - 1]["val_loss"], abs=1e-5)
    assert loss == pytest.approx(min(epoch["val_loss"] for epoch in history), abs=1e-5)
    assert best_epoch([{"val_loss": 2.0}, {"val_loss": 1.0}, {"val_loss": 1.5}]) == 2


def test_who_watches_is_told_each_epoch(trained):
    _, history, told = trained
    final, first_epoch = told[-1]
    assert len(told) == len(history)
    assert first_epoch == 1
    assert [row["val_loss"] for row in final] == pytest.approx([row["val_loss"] for row in history])


@pytest.mark.usefixtures("eager")
def test_training_stops_when_validation_no_longer_improves(stripes, train):
    assert len(train(stripes, stripes, epochs=20, learning_rate=0.0, patience=2)[1]) == 3


@pytest.mark.usefixtures("eager")
def test_the_same_seed_gives_the_same_weights(stripes, tmp_path):
    first, again, other = (
        train_in(Store(tmp_path / str(number)), stripes, stripes, seed)[0].get_weights()
        for number, seed in enumerate((1, 1, 2))
    )
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.usefixtures("eager")
def test_each_seed_gives_its_own_network(stripes, store):
    def answer(*seeds):
        recipe = BaselineRecipe(1, 16, 1, 0.003)
        return train_from_seeds(lambda _: build_baseline_cnn(2, (4,)), list(seeds), recipe, stripes, stripes, store)

    answers, again = answer(1, 2), answer(2)
    assert list(answers) == [1, 2]
    assert answers[1].shape == (32, 2)
    assert not np.array_equal(answers[1], answers[2])
    assert np.array_equal(answers[2], again[2])


@pytest.mark.parametrize("augmented", [False, True])
def test_it_trains_where_keras_would_take_xla(monkeypatch, stripes, store, augmented):
    """As beside a GPU: layers that XLA does not know must say so."""
    monkeypatch.setattr("keras.src.trainers.trainer.Trainer._resolve_auto_jit_compile", model_supports_jit)
    network = build_baseline_cnn(2, widths=(4,), dropout=0.0)
    augmentations = [make_random_erasing(0.5), RandomAffine(5.0, 0.1, 1.0, True)]
    trained = compile_network(add_augmentation(network, *augmentations) if augmented else network, 0.003)
    assert trained.jit_compile == (not augmented)
    assert len(train_network(trained, BaselineRecipe(1, 16, 1, 0.003), stripes, stripes, 0, store).history) == 1


def test_epochs_after_a_loss_that_is_no_number_do_not_count(stripes, store):
    losses = {"loss": [0.7, 0.6, np.nan, np.nan], "val_loss": [0.7, 0.6, np.nan, np.nan]}
    without_weights = {"get_config": dict, "variables": [], "get_weights": list, "set_weights": lambda _: None}
    network = SimpleNamespace(fit=lambda *_, **__: SimpleNamespace(history=losses), **without_weights)
    recipe = BaselineRecipe(4, 8, 2, 0.003)
    history = train_network(network, recipe, stripes, stripes, 0, store).history
    assert history == [{"loss": 0.7, "val_loss": 0.7}, {"loss": 0.6, "val_loss": 0.6}]
    assert best_epoch(history) == 2
    losses["loss"][0] = np.inf
    with pytest.raises(ValueError, match="The loss of the first epoch is no number: start it again"):
        train_network(network, recipe, stripes, stripes, 1, store)


@pytest.mark.usefixtures("eager")
def test_each_view_is_answered(stripes):
    network, views = build_strong_cnn(2, widths=((4,),)), (View(), View(24, 40, mirrored=True))
    answers = predict_views(network, stripes.images, views)
    assert (answers.shape, answers.dtype) == ((2, 32, 2), np.float32)
    for answer, view in zip(answers, views, strict=True):
        assert np.array_equal(answer, predict(network, np.asarray(make_view(stripes.images, view))))
    assert np.array_equal(predict_views(network, stripes.images)[0], answers[0])


def test_many_networks_answer_without_a_word(caplog):
    tf.get_logger().addHandler(caplog.handler)
    for _ in range(8):
        predict(build_strong_cnn(2, widths=((4,),)), np.zeros((2, 16, 16, 3), np.uint8))
    tf.get_logger().removeHandler(caplog.handler)
    assert not caplog.records


def test_two_devices_get_the_batches_and_the_weights_of_one(tmp_path):
    """In a process of its own, which can be told that the processor is two."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "devices", str(tmp_path / "weights.npz")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    with np.load(tmp_path / "weights.npz") as weights:
        names = [name.removeprefix("one/") for name in weights if name.startswith("one/")]
        assert {name.partition("/")[0] for name in names} == {"baseline", "strong"}
        for name in names:
            # a batch of another order would move them by hundreds of this
            np.testing.assert_allclose(weights[f"two/{name}"], weights[f"one/{name}"], atol=3e-5, err_msg=name)
