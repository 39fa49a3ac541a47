from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_rel

from utils.data.dataset import Split
from utils.evaluation.calibration import fit_temperature, soften
from utils.evaluation.metrics import score_stress
from utils.evaluation.validation import choose_on_validation, compare_settings, predict_next
from utils.labels import find_majority

CLASSES = 3
STRESS_COLUMNS = [0, 2]


@pytest.fixture
def answered():
    """A split, and the answers of a network that sees the class unsurely, and is far too sure of it, in two views."""
    rng = np.random.default_rng(0)
    targets = rng.integers(CLASSES, size=900)
    views = []
    for _ in range(2):
        seen = np.where(rng.random(900) < 0.7, targets, rng.integers(CLASSES, size=900))
        logits = 8 * (rng.random((900, CLASSES)) * 0.9 + np.eye(CLASSES)[seen])
        views.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    labels = np.isin(targets, STRESS_COLUMNS).astype(np.int64)
    return Split(pd.DataFrame({"group": np.arange(900)}), None, np.eye(CLASSES)[targets], labels), np.stack(views)


def test_choices_fit_the_network_as_it_will_be_saved(answered):
    validation, views = answered
    labels = validation.labels
    one = choose_on_validation(views[:1], validation, STRESS_COLUMNS, 0.75)
    assert one.temperature > 1.5
    p_stress = soften(one.answers, one.temperature)[:, STRESS_COLUMNS].sum(axis=1)
    assert one.figures["log_loss"] == pytest.approx(float(score_stress(labels, p_stress)["log_loss"][0]))
    assert one.for_card()["validation"] == one.figures
    assert one.abstention["validation_accuracy"] >= 0.75


def test_two_views_are_softened_each_and_then_averaged(answered):
    validation, views = answered
    both = choose_on_validation(views, validation, STRESS_COLUMNS, 0.75)
    assert both.answers == pytest.approx(views.mean(axis=0))
    p_stress = np.mean([soften(view, both.temperature) for view in views], axis=0)[:, STRESS_COLUMNS].sum(axis=1)
    assert both.figures["accuracy"] == pytest.approx(float(score_stress(validation.labels, p_stress)["accuracy"][0]))


def test_one_picture_of_a_group_decides_on_abstention(answered):
    validation, views = answered
    alone = choose_on_validation(views, validation, STRESS_COLUMNS, 0.75)
    assert 30 < alone.abstention["validation_groups"] <= 900
    persons = Split(pd.DataFrame({"group": np.arange(900) % 9}), None, validation.targets, validation.labels)
    assert choose_on_validation(views, persons, STRESS_COLUMNS, 0.75).abstention is None


def test_ties_are_learnt_from_and_decide_nothing(answered):
    """Of ten people; the temperature is that of their shares, accuracy and threshold are of what most of them say."""
    validation, views = answered
    votes = np.random.default_rng(0).multinomial(10, [0.2, 0.5, 0.3], 900)
    labels = find_majority(votes[:, STRESS_COLUMNS].sum(axis=1), 10)
    asked = replace(validation, targets=votes / 10, labels=labels)
    assert (labels < 0).any()
    both = choose_on_validation(views, asked, STRESS_COLUMNS, 0.75)
    share = votes[:, STRESS_COLUMNS].sum(axis=1) / 10
    assert both.temperature == fit_temperature(views, share, STRESS_COLUMNS)
    decided = labels >= 0
    p_stress = np.mean([soften(view, both.temperature) for view in views], axis=0)[decided][:, STRESS_COLUMNS].sum(
        axis=1
    )
    assert both.figures["accuracy"] == pytest.approx(float(score_stress(labels[decided], p_stress)["accuracy"][0]))


def test_the_prediction_interval_holds_one_more_training_19_times_of_20():
    rng = np.random.default_rng(0)
    inside = 0
    for values in rng.normal(0.7, 0.02, (2000, 5)):
        found = predict_next(values[:4])
        inside += found["low"] <= values[4] <= found["high"]
    assert 0.935 < inside / 2000 < 0.965
    assert predict_next([0.7]) == {"mean": 0.7, "deviation": None, "count": 1, "low": None, "high": None}
    assert predict_next([0.6, 0.8])["low"] is None


def test_two_settings_are_compared_by_the_paired_t_test():
    first, second = {0: 0.70, 1: 0.74, 2: 0.71, 3: 0.60}, {0: 0.73, 1: 0.75, 2: 0.75, 4: 0.9}
    (pair,) = compare_settings({"a": first, "b": second})
    shared = [[values[seed] for seed in (0, 1, 2)] for values in (second, first)]
    expected = ttest_rel(*shared)
    assert pair["p_value"] == pytest.approx(expected.pvalue)
    assert (pair["low"], pair["high"]) == pytest.approx(expected.confidence_interval())
    assert (pair["first"], pair["second"], pair["value"]) == ("a", "b", pytest.approx(0.08 / 3))


def test_many_settings_share_their_chance_and_are_corrected():
    rng = np.random.default_rng(0)
    seeds, effects = rng.normal(0, 0.1, 5), {"a": 0.0, "b": 0.0, "c": 0.05}
    figures = {
        name: {seed: 0.7 + effect + seeds[seed] + rng.normal(0, 0.01) for seed in range(5)}
        for name, effect in effects.items()
    }
    pairs = {(pair["first"], pair["second"]): pair for pair in compare_settings(figures)}
    assert pairs["a", "b"]["p_value"] > 0.05
    assert pairs["a", "c"]["p_value"] < 0.01 > pairs["b", "c"]["p_value"]
    # the smallest is multiplied by the number of pairs
    table = np.array([list(values.values()) for values in figures.values()])
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    error = np.sqrt(2 * (left**2).sum() / 8 / 5)
    smallest = min(pairs.values(), key=lambda pair: pair["p_value"])
    assert smallest["p_value"] == pytest.approx(3 * 2 * t.sf(abs(smallest["value"]) / error, 8))


def test_chance_alone_seldom_tells_settings_apart(monkeypatch):
    # statsmodels has Python's memory searched at each correction: a second where much is loaded
    monkeypatch.setattr("gc.collect", lambda *_: 0)
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(300):
        figures = {name: dict(enumerate(rng.normal(0.7, 0.02, 3))) for name in "abcd"}
        wrong += min(pair["p_value"] for pair in compare_settings(figures)) < 0.05
    assert wrong / 300 < 0.08


def test_one_setting_or_seed_is_compared_with_nothing():
    assert compare_settings({}) == compare_settings({"a": {0: 1.0, 1: 2.0}}) == []
    assert compare_settings({"a": {0: 1.0}, "b": {0: 2.0}}) == []
    # the same networks: no difference, and no chance either
    (same,) = compare_settings({"a": {0: 1.0, 1: 2.0}, "b": {0: 1.0, 1: 2.0}})
    assert (same["value"], same["p_value"]) == (0, 1)
