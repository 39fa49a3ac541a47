"""What the notebook's parameters ask of the strong network's training, checked before anything is trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from utils.files import write_json
from utils.models.networks import STRONG_WIDTHS
from utils.models.recipe import (
    FINE_TUNING_SIDES,
    SIDES,
    choose_initial_model,
    choose_sides,
    choose_teachers,
    choose_views,
    choose_widths,
    make_optimizer,
    scale_learning_rate,
    soften_targets,
)
from utils.models.test_time_augmentation import WHOLE, View
from utils.quiet import keras

CLASSES = ["lying", "standing"]


def test_from_nothing_it_learns_from_whole_pictures_and_smoothed_labels(recipe):
    described = recipe.describe()
    assert described == json.loads(json.dumps(described))
    assert described["network"] == "strong_cnn"
    assert (described["widths"], described["sides"]) == ([[4], [8], [8]], [24, 24, 24, 24])
    assert (described["epochs"], described["batch_size"], described["precision"]) == (4, 32, "float32")
    assert described["augmentation"] == {"rotation": 5.0, "zoom": 0.05, "shift": 1.0, "flip": True}
    assert (described["initial_model"], described["erased"], described["teachers"]) == (None, 0.0, [])
    assert (described["targets"], described["label_smoothing"]) == ("labels", 0.1)
    assert described["learning_rate"] == scale_learning_rate(32)


def test_fine_tuning_halves_the_learning_rate_and_covers_half_of_the_pictures(recipe, two):
    described = replace(recipe, initial_model=two).describe()
    assert (described["initial_model"], described["erased"]) == ("two", 0.5)
    assert described["learning_rate"] == scale_learning_rate(32) / 2
    assert (described["targets"], described["teachers"]) == ("labels", [])


def test_a_long_training_covers_half_of_the_pictures(recipe):
    assert replace(recipe, sides=(24,) * 29).erased == 0
    assert replace(recipe, sides=(24,) * 30).describe()["erased"] == 0.5


def test_teachers_are_named_and_replace_the_smoothing(recipe, two, sure):
    described = replace(recipe, teachers=(two, sure)).describe()
    assert described["teachers"] == ["two", "sure"]
    assert (described["targets"], described["label_smoothing"]) == ("half labels, half the teachers' answer", 0.0)
    assert (described["initial_model"], described["erased"]) == (None, 0.0)
    assert described["learning_rate"] == scale_learning_rate(32)


def test_the_learning_rate_goes_with_the_root_of_the_batch():
    assert scale_learning_rate(128) == 0.002
    assert scale_learning_rate(512) == pytest.approx(0.004)


def test_the_learning_rate_rises_then_falls_to_nothing():
    optimizer = make_optimizer(0.01, steps=100)
    rates = [float(optimizer._learning_rate(step)) for step in range(101)]
    assert (rates[0], rates[5], rates[100]) == (0, pytest.approx(0.01), pytest.approx(0, abs=1e-6))
    assert np.argmax(rates) == 5


def test_gains_and_biases_do_not_decay():
    optimizer = make_optimizer(0.01, steps=100)
    kernel, gain = (keras.Variable([1.0], name=name) for name in ("kernel", "gain"))
    optimizer.build([kernel, gain])
    for _ in range(6):
        optimizer.apply([np.zeros(1, np.float32)] * 2)
    assert float(kernel[0]) < 1
    assert float(gain[0]) == 1


def test_targets_are_half_the_label_and_half_the_teacher():
    teacher = np.array([[0.8, 0.2, 0.0], [0.1, 0.1, 0.8]], np.float32)
    assert soften_targets(np.eye(3)[:2], 0.1, teacher) == pytest.approx(np.array([[0.9, 0.1, 0.0], [0.05, 0.55, 0.4]]))
    smoothed = soften_targets(np.eye(4, dtype=np.float32)[2:3], 0.1)
    assert smoothed == pytest.approx(np.array([[0.025, 0.025, 0.925, 0.025]]))
    assert smoothed.dtype == np.float32


def test_sides_grow_and_end_whole():
    assert choose_sides([], 1) == (48,)
    assert choose_sides([], 3) == SIDES == (24, 36, 48)
    assert choose_sides([], 6) == (24, 24, 36, 36, 48, 48)
    assert choose_sides([32, 48], 4) == (32, 32, 48, 48)
    assert choose_sides([32, 44], 1) == (44,)


def test_fine_tuning_takes_larger_pictures_unless_others_are_asked_for(two):
    assert choose_sides([], 3, two) == FINE_TUNING_SIDES == (32, 40, 48)
    assert choose_sides([], 1, two) == (48,)
    assert choose_sides([24, 36], 2, two) == (24, 36)


def test_every_second_view_is_mirrored():
    assert choose_views([[36, 48], [36, 40], [48, 48]]) == (View(36), View(36, 40, True), View())


def test_another_network_has_its_own_widths_and_sees_whole_pictures_once(two):
    assert choose_widths([[6]], network="mine") == ()
    assert choose_sides([24, 32], 3, network="mine") == (48, 48, 48)
    assert choose_views([[36, 48], [36, 40]], "mine") == WHOLE
    with pytest.raises(ValueError, match="INITIAL_MODEL: expected none for NETWORK=mine, found 'two'"):
        choose_initial_model("two", "other", "mine")


def test_widths_are_those_asked_for_or_the_usual_ones():
    assert choose_widths([]) == STRONG_WIDTHS
    assert choose_widths([[6, 8], [12]]) == ((6, 8), (12,))


def test_the_initial_models_widths_are_taken(two):
    assert choose_widths([], two) == ((4,), (8,), (8,))
    assert choose_widths([[4], [8], [8]], two) == ((4,), (8,), (8,))


@pytest.mark.parametrize("wrong", [[[6], [8], [12]], [[4], [8], [8, 8]], [[4], [8]]])
def test_other_widths_than_the_initial_models_are_refused(two, wrong):
    with pytest.raises(ValueError) as error:
        choose_widths(wrong, two)
    assert str(error.value) == (
        f"STRONG_WIDTHS: expected INITIAL_MODEL's filters, [[4], [8], [8]], or none; found {wrong}."
    )


@pytest.fixture
def runs(models, monkeypatch) -> Path:
    """The folder of the runs, where they are looked for."""
    monkeypatch.setattr("utils.paths.ROOT", models.parent)
    return models


def test_initial_model_and_teachers_are_named_by_their_runs(runs, two, seven, sure):
    assert choose_initial_model("", "mine") is None
    assert choose_initial_model("two", "mine") == two
    assert choose_initial_model("seven", "mine") == seven
    assert choose_teachers([], "mine", CLASSES) == ()
    assert choose_teachers(["sure", "two"], "mine", CLASSES) == (sure, two)


def test_teachers_tell_the_same_classes_apart_in_the_same_order(runs):
    with pytest.raises(
        ValueError, match=r"TEACHERS: expected a network that tells standing, lying apart, found \['lying"
    ):
        choose_teachers(["two"], "mine", CLASSES[::-1])
    with pytest.raises(
        ValueError, match=r"TEACHERS: expected a network that tells lying, standing apart, found \['angry"
    ):
        choose_teachers(["two", "seven"], "mine", CLASSES)


def choose(parameter: str, run: str, own: str = "mine"):
    return choose_teachers([run], own, CLASSES) if parameter == "TEACHERS" else choose_initial_model(run, own)


@pytest.mark.parametrize("parameter", ["INITIAL_MODEL", "TEACHERS"])
def test_a_run_without_a_network_is_named(runs, parameter):
    with pytest.raises(FileNotFoundError, match=f"{parameter}: no trained network in .*nothing"):
        choose(parameter, "nothing")


@pytest.mark.parametrize("parameter", ["INITIAL_MODEL", "TEACHERS"])
def test_a_run_does_not_begin_with_what_it_replaces(runs, parameter):
    with pytest.raises(ValueError, match=f"{parameter}: 'two' is this run, which replaces its network"):
        choose(parameter, "two", own="two")


@pytest.mark.parametrize("views", [{}, {"views": {"sides": [36, 48], "mirror": True}}])
@pytest.mark.parametrize("parameter", ["INITIAL_MODEL", "TEACHERS"])
def test_a_network_that_is_not_the_stronger_one_is_refused(tmp_path, monkeypatch, parameter, views):
    monkeypatch.setattr("utils.paths.ROOT", tmp_path)
    folder = tmp_path / "models" / "small" / "EmotionDetector_2"
    write_json(folder / "model.json", {"class_names": CLASSES, "training": {"epochs": 1} | views})
    (folder / "model.keras").touch()
    with pytest.raises(ValueError, match=f"{parameter}: expected a run that trained the stronger network"):
        choose(parameter, "small")
