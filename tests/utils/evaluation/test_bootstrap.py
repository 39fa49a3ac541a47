import warnings

import numpy as np
import pytest
from simulated import simulate
from sklearn.metrics import roc_auc_score

from utils.evaluation.bootstrap import (
    add_chance,
    as_proportion,
    bootstrap,
    draw_weights,
    find_weakest,
    list_classes,
    measure_classes,
    measure_stress,
)
from utils.evaluation.metrics import calibration_error, rank_figures


def test_groups_are_drawn_whole():
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    blocks = list(draw_weights(groups, resamples=250))
    assert [block.shape[1] for block in blocks] == [100, 100, 50]
    weights = np.concatenate(blocks, axis=1)
    assert (weights[0] == weights[2]).all()
    assert (weights[1] == weights[4]).all()
    assert (weights[[0, 1, 3]].sum(axis=0) == 3).all()  # as many groups as there are
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_the_same_seed_draws_the_same():
    first, again, other = (next(draw_weights(np.arange(50), seed=seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()


def test_the_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(0).normal(3, 2, 900)
    figure = bootstrap(lambda weights: {"mean": values @ weights / weights.sum(axis=0)}, np.arange(900))["mean"]
    assert figure["value"] == pytest.approx(values.mean())
    assert figure["high"] - figure["low"] == pytest.approx(2 * 1.96 * values.std() / 30, rel=0.05)


def test_a_share_of_few_pictures_has_wilsons_interval():
    figure = {"value": 2 / 37, "low": 0.0, "high": 0.135}
    few = as_proportion(figure, 37)
    assert (few["value"], few["low"], few["high"]) == pytest.approx((2 / 37, 0.0150, 0.1770), abs=1e-4)
    assert as_proportion(figure, 370) == figure
    assert as_proportion({"value": 0.0, "low": 0.0, "high": 0.0}, 10)["high"] > 0.2
    assert as_proportion({"value": None, "low": None, "high": None}, 0) is None


def test_of_each_class_recall_is_of_its_pictures_and_precision_of_its_answers():
    targets, answers = np.repeat([0, 1], [150, 30]), np.repeat([0, 1, 0], [120, 32, 28])
    classes = measure_classes(targets, np.eye(2)[answers], ["happy", "fear"], np.arange(180))
    happy, fear = list_classes({"stress": None, "classes": classes})
    assert happy["recall"] == classes["per_class"]["happy"]["recall"]  # of 150
    assert fear["recall"] == as_proportion(classes["per_class"]["fear"]["recall"], 30)
    assert fear["precision"] == as_proportion(classes["per_class"]["fear"]["precision"], 32)
    assert fear["recall"]["high"] > classes["per_class"]["fear"]["recall"]["high"]
    assert find_weakest({"classes": classes})["name"] == "fear"
    assert find_weakest({}) is None


def test_a_guesser_decides_once_what_to_say():
    labels, p_stress = np.tile([0, 1], 500), np.tile([0.3, 0.6], 500)
    figure = measure_stress(labels, p_stress, np.arange(1000))["majority_accuracy"]
    assert (figure["value"], figure["low"] < 0.48, figure["high"] > 0.52) == (0.5, True, True)
    targets = np.tile(np.arange(7), 100)
    classes = measure_classes(targets, np.eye(7)[targets], list("abcdefg"), np.arange(700))
    assert classes["majority_accuracy"]["low"] < 1 / 7 < classes["majority_accuracy"]["high"]


def test_copies_widen_the_interval():
    labels, p_stress = (np.repeat(part, 4) for part in simulate(300))
    by_group = measure_stress(labels, p_stress, np.repeat(np.arange(300), 4))["accuracy"]
    by_picture = measure_stress(labels, p_stress, np.arange(1200))["accuracy"]
    assert by_group["high"] - by_group["low"] > 1.7 * (by_picture["high"] - by_picture["low"])


def test_most_intervals_hold_the_true_accuracy_and_auroc():
    labels, p_stress = simulate(200_000)
    right = (p_stress >= 0.5) == labels
    true = {"accuracy": right.mean(), "auroc": roc_auc_score(labels, p_stress)}
    holds = []
    for seed in range(40):
        chosen = np.random.default_rng(seed).integers(200_000, size=400)

        def score(weights, chosen=chosen):
            auroc, _ = rank_figures(labels[chosen], p_stress[chosen], weights)
            return {"accuracy": right[chosen] @ weights / weights.sum(axis=0), "auroc": auroc}

        figures = bootstrap(score, np.arange(400))
        holds.append([figures[name]["low"] <= true[name] <= figures[name]["high"] for name in true])
    assert (np.mean(holds, axis=0) >= 0.85).all()


@pytest.mark.parametrize("sharpness", [1.0, 2.5])
def test_most_intervals_hold_the_true_calibration_error(sharpness):
    labels, p_stress = simulate(300_000, sharpness=sharpness)
    true = calibration_error(labels, p_stress, np.ones((300_000, 1)))[0]
    holds = []
    for seed in range(30):
        chosen = np.random.default_rng(seed).integers(300_000, size=800)

        def score(weights, chosen=chosen):
            return {"ece": calibration_error(labels[chosen], p_stress[chosen], weights)}

        figure = add_chance(bootstrap(score, np.arange(800), resamples=300)["ece"], labels[chosen], p_stress[chosen])
        holds.append(figure["low"] <= true <= figure["high"])
    assert np.mean(holds) >= 0.75


def test_counts_stand_beside_the_figures():
    measured = measure_stress(np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9, 0.4]), np.arange(5))
    assert measured["count"] == 5
    assert measured["confusion"] == [[2, 1], [1, 1]]
    assert measured["per_class"]["Stress"]["count"] == 2
    assert measured["accuracy"]["low"] <= measured["accuracy"]["value"] == 0.6 <= measured["accuracy"]["high"]


def test_what_is_undefined_is_null_and_nothing_warns():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.9, 0.1, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = measure_classes(np.array([0, 1, 1, 0]), probabilities, ["a", "b", "c"], np.arange(4))
    assert measured["per_class"]["c"]["recall"] == {"value": None, "low": None, "high": None}
    assert measured["auroc"]["value"] == pytest.approx(1.0)
    assert measured["confusion"] == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
