"""Each figure is written one way, and every table knows where it stands."""

import numpy as np
import pytest

from utils.evaluation.bootstrap import measure_classes, measure_stress
from utils.evaluation.registry import (
    BY_KEY,
    METRICS,
    NATS,
    POINTS,
    SLOPE,
    list_metrics,
    show_difference,
    show_interval,
    show_p_value,
    show_percent,
)

TABLES = "notebook card page readme comparison mapping mapping-card given class people"


@pytest.mark.parametrize(
    ("written", "expected"),
    [(show_interval({"value": 0.7512, "low": 0.737, "high": 0.765}), "75.1 % (73.7 to 76.5)"),
     (show_interval({"value": 0.61234, "low": 0.598, "high": 0.6261}, NATS), "0.612 (0.598 to 0.626)"),
     (show_interval(0.61234, NATS), "0.612"), (show_interval(np.float32(0.25)), "25.0 %"),
     (show_interval(1), "100.0 %"),
     (show_interval(None), "–"), (show_interval({"value": None, "low": None, "high": None}), "–"),
     (show_interval({"value": 0.995, "low": 0.93, "high": 1.067}, SLOPE), "0.99 (0.93 to 1.07)"),
     (show_interval(0.0352, POINTS), "3.5 points"), (show_percent(None), "–"), (show_percent(0.571), "57.1 %"),
     (show_difference({"value": 0.035, "low": -0.002, "high": 0.07}), "+3.5 points (-0.2 to +7.0)"),
     (show_difference({"value": -0.0123, "low": -0.02, "high": -0.004}, NATS), "-0.012 (-0.020 to -0.004)"),
     (show_p_value(0.0352), "p = 0.035"), (show_p_value(1e-9), "p < 0.001")],
)  # fmt: skip
def test_a_number_is_written_one_way(written, expected):
    assert written == expected


def test_each_figure_stands_there_once_under_a_name_of_its_own():
    assert len(BY_KEY) == len(METRICS)
    for table in TABLES.split():
        names = [metric.name for metric in list_metrics(table)]
        assert len(names) == len(set(names)) > 0, table
    assert {word for metric in METRICS for word in metric.where.split()} == set(TABLES.split())


def test_the_figures_are_those_that_are_measured():
    labels, p_stress = np.arange(40) % 2, np.random.default_rng(0).random(40)
    both = np.column_stack([1 - p_stress, p_stress])
    scores = {"stress": measure_stress(labels, p_stress, np.arange(40))}
    scores["classes"] = measure_classes(labels, both, ["a", "b"], np.arange(40))
    for block, figures in scores.items():
        named = {metric.figure for metric in METRICS if metric.block == block and metric.figure in figures}
        assert set(figures) - named <= {"count", "per_class", "confusion"}
    missing = [metric.key for metric in list_metrics("notebook") if metric.find(scores) is None]
    assert missing == []


def test_a_biased_figure_stands_beside_chance_and_never_beside_an_interval():
    ece = {"value": 0.0139, "low": 0.007, "high": 0.0169, "perfect_mean": 0.0085, "perfect_95th": 0.0114}
    assert BY_KEY["stress.ece"].show({"stress": {"ece": ece}}) == "0.014 (by chance 0.009, up to 0.011)"


def test_what_is_missing_is_a_dash():
    assert BY_KEY["stress.accuracy"].show({"stress": None}) == BY_KEY["stress.accuracy"].show(None) == "–"
    assert BY_KEY["stress.count"].show({"stress": {"count": 3589}}) == "3,589"
    assert BY_KEY["stress.log_loss"].direction == "lower is better"
