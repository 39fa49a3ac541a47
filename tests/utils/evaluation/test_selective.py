import numpy as np
import pytest
from simulated import simulate

from reporting.sentences import describe_abstention, describe_choice
from utils.evaluation.selective import choose_threshold, measure_abstention, risk_coverage


def test_a_worked_example():
    # 40 sure answers of which 38 are right, 60 unsure ones of which 30 are
    p_stress = np.repeat([0.9, 0.6], [40, 60])
    labels = np.concatenate([np.arange(40) < 38, np.arange(60) < 30]).astype(int)
    choice = choose_threshold(labels, p_stress, 0.9)
    assert choice == {
        "target_accuracy": 0.9, "confidence": 0.9, "validation_accuracy": 0.95, "validation_coverage": 0.4,
    }  # fmt: skip
    assert choose_threshold(labels, p_stress, 0.6)["validation_coverage"] == 1.0
    assert choose_threshold(labels, p_stress, 0.96) is None


def test_a_lucky_handful_sets_no_threshold():
    p_stress, labels = np.repeat([0.99, 0.6], [10, 90]), np.arange(100) < 55
    assert choose_threshold(labels.astype(int), p_stress, 0.9) is None


def test_the_target_is_kept_on_other_pictures():
    labels, p_stress = simulate(20_000)
    choice = choose_threshold(labels, p_stress, 0.9)
    others = simulate(20_000, seed=1)
    reached = measure_abstention(choice, *others, np.arange(20_000))
    assert reached["accuracy"]["value"] == pytest.approx(0.9, abs=0.01)
    assert reached["coverage"]["value"] == pytest.approx(choice["validation_coverage"], abs=0.02)
    assert "kept" in describe_abstention(reached)


def test_no_threshold_is_no_threshold():
    assert measure_abstention(None, np.array([0, 1]), np.array([0.1, 0.9]), np.arange(2)) is None
    assert "No threshold reaches 90%" in describe_choice(None, 0.9)
    assert "out of reach" in describe_abstention(None)


def test_a_target_that_is_missed_is_called_missed():
    figure = {"value": 0.8, "low": 0.78, "high": 0.82}
    assert describe_abstention({"accuracy": figure, "coverage": figure, "target_accuracy": 0.9}).endswith("missed.")


def test_a_target_outside_the_range():
    with pytest.raises(ValueError, match="expected"):
        choose_threshold(np.array([0, 1]), np.array([0.1, 0.9]), 90)


def test_the_curve_ends_at_the_accuracy_of_all_answers():
    labels, p_stress = simulate(1000)
    curve = risk_coverage(labels, p_stress, np.arange(1000))
    assert curve["coverage"].iloc[-1] == 1.0
    assert curve["accuracy"].iloc[-1] == pytest.approx(((p_stress >= 0.5) == labels).mean())
    assert curve["accuracy"].iloc[:5].mean() > curve["accuracy"].iloc[-1] + 0.1
    assert (curve["low"] <= curve["accuracy"]).all()
    assert (curve["accuracy"] <= curve["high"]).all()
