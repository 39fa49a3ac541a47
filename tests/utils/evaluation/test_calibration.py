import warnings

import numpy as np
import pytest
from simulated import simulate
from sklearn.calibration import calibration_curve

from reporting.findings import describe_calibration
from utils.evaluation.calibration import (
    count_right_by_confidence,
    fit_temperature,
    measure_fit,
    measure_slope,
    reliability_table,
    soften,
)


def draw(count, temperature, seed=0):
    """(targets, probabilities): a network whose logits are `temperature` times too large, over four classes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.2, (count, 4))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (rng.random((count, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return targets, soften(true, 1 / temperature)


def test_softening_is_the_softmax_of_divided_logits():
    logits = np.array([[1.0, -2.0, 0.5]])
    softmax = lambda x: np.exp(x) / np.exp(x).sum()  # noqa: E731
    assert soften(softmax(logits), 2.5) == pytest.approx(softmax(logits / 2.5))
    assert soften(soften(softmax(logits), 2.5), 1 / 2.5) == pytest.approx(softmax(logits))
    assert np.isfinite(soften(np.array([[1.0, 0.0]], dtype=np.float32), 3.0)).all()


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
def test_a_known_temperature_is_found(temperature):
    targets, probabilities = draw(20_000, temperature)
    found = fit_temperature(probabilities, np.isin(targets, [0, 2]).astype(int), [0, 2])
    assert found == pytest.approx(temperature, rel=0.06)


def test_a_temperature_that_chance_explains_is_not_taken():
    """A network that is right about itself keeps 1 five times in six; one that is not is corrected all the same."""
    found = {1.0: [], 1.5: []}
    for temperature, temperatures in found.items():
        for seed in range(30):
            targets, probabilities = draw(500, temperature, seed)
            temperatures.append(fit_temperature(probabilities, np.isin(targets, [0, 2]).astype(int), [0, 2]))
    assert 20 <= found[1.0].count(1.0) < 30
    assert found[1.5].count(1.0) <= 1


def test_the_temperature_of_several_views_is_that_of_their_mean():
    targets, probabilities = draw(4000, 2.0)
    labels = np.isin(targets, [0, 2]).astype(int)
    one = fit_temperature(probabilities, labels, [0, 2])
    assert fit_temperature(np.stack([probabilities, probabilities]), labels, [0, 2]) == pytest.approx(one)


def test_validation_without_a_mistake_keeps_the_temperature_in_range():
    labels = np.array([0, 1] * 10)
    probabilities = np.column_stack([0.9 - 0.8 * labels, 0.1 + 0.8 * labels])
    assert fit_temperature(probabilities, labels, [1]) >= 0.2


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_the_slope_of_a_known_model(sharpness):
    labels, p_stress = simulate(4000, sharpness=sharpness)
    slope = measure_slope(labels, p_stress, np.arange(4000))
    assert slope["low"] <= 1 / sharpness <= slope["high"]
    assert slope["high"] - slope["low"] < 0.4 / sharpness


def test_copies_widen_the_slopes_interval():
    labels, p_stress = (np.repeat(part, 4) for part in simulate(400))
    by_group = measure_slope(labels, p_stress, np.repeat(np.arange(400), 4))
    by_picture = measure_slope(labels, p_stress, np.arange(1600))
    assert by_group["value"] == by_picture["value"]
    assert by_group["high"] - by_group["low"] > 1.7 * (by_picture["high"] - by_picture["low"])


@pytest.mark.parametrize("p_stress", [np.array([0.2, 0.3, 0.7, 0.8] * 5), np.full(20, 0.4)])
def test_where_there_is_no_slope(p_stress):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure_slope((p_stress >= 0.5).astype(int), p_stress, np.arange(20)) is None


def test_bins_as_scikit_learn_has_them():
    labels, p_stress = simulate(2000)
    table = reliability_table(labels, p_stress, np.arange(2000))
    share, probability = calibration_curve(labels, p_stress, n_bins=15)
    assert table["share"].to_numpy() == pytest.approx(share)
    assert table["probability"].to_numpy() == pytest.approx(probability)
    assert table["pictures"].sum() == 2000
    assert (table["low"] <= table["share"]).all()
    assert (table["share"] <= table["high"]).all()


def test_right_answers_by_confidence():
    bins = count_right_by_confidence(np.array([1, 0, 1, 1, 0]), np.array([0.52, 0.53, 0.98, 1.0, 0.01]))
    assert bins[0] == {"from": 0.5, "to": 0.55, "count": 2, "right": 1}
    assert bins[-1] == {"from": 0.95, "to": 1.0, "count": 3, "right": 3}
    assert len(bins) == 10
    assert sum(each["count"] for each in bins) == 5


def test_the_sentence_says_what_the_figures_say():
    labels, too_sure = simulate(3000, sharpness=2.5)
    _, calibrated = simulate(3000)
    fits = {
        "before": measure_fit(labels, too_sure, np.arange(3000)),
        "after": measure_fit(labels, calibrated, np.arange(3000)),
    }
    good = describe_calibration(fits | {"temperature": 2.5})
    assert "corrected (temperature 2.50)" in good
    assert "no more than chance gives" in good
    assert "its interval holds the ideal, 1" in good
    bad = describe_calibration({"before": fits["before"], "after": fits["before"], "temperature": 1.0})
    assert "The temperature stayed 1." in bad
    assert "on average (expected calibration error), more than chance gives: a perfectly calibrated model" in bad
    assert "the network is too sure" in bad
    assert "cannot be estimated" in describe_calibration(
        fits | {"temperature": 1, "after": fits["after"] | {"slope": None}}
    )


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 1, 0, 1], [0, 1]])
def test_one_or_two_groups_are_too_few_for_a_slope(groups):
    labels, p_stress = np.array([0, 1, 1, 0])[: len(groups)], np.array([0.3, 0.4, 0.8, 0.6])[: len(groups)]
    assert measure_slope(labels, p_stress, np.array(groups)) is None


def test_groups_that_all_miss_it_alike_give_no_slope():
    labels, p_stress = np.array([0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 0.5])
    assert measure_slope(labels, p_stress, np.array([0, 0, 0, 1, 2])) is None
