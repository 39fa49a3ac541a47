import numpy as np
import pytest

from utils.evaluation import count_agreement, find_disagreements
from utils.inference import stress_probability
from utils.metrics import roc_points, score_classes, score_stress, tabulate_scores

LABELS = np.array([0, 0, 0, 1, 1])


def test_a_perfect_prediction():
    scores = score_stress(LABELS, LABELS.astype(float))
    assert scores["accuracy"] == scores["balanced_accuracy"] == scores["auroc"] == 1.0
    assert scores["log_loss"] < 1e-9
    assert scores["confusion"] == [[3, 0], [0, 2]]


def test_a_worked_example():
    scores = score_stress(LABELS, np.array([0.1, 0.2, 0.6, 0.9, 0.4]))
    assert scores["count"] == 5
    assert scores["prevalence"] == pytest.approx(0.4)
    assert scores["majority_accuracy"] == pytest.approx(0.6)
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores["auroc"] == pytest.approx(5 / 6)
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.9, 0.4]).mean())
    assert scores["confusion"] == [[2, 1], [1, 1]]


def test_a_coin():
    scores = score_stress(LABELS, np.full(5, 0.5))
    assert (scores["auroc"], scores["log_loss"]) == (0.5, pytest.approx(np.log(2)))


@pytest.mark.parametrize(
    ("labels", "p_stress", "message"),
    [(LABELS, np.zeros(4), "expected two arrays"), (np.zeros(5, int), np.zeros(5), "expected both 0 and 1")],
)
def test_bad_arrays(labels, p_stress, message):
    with pytest.raises(ValueError, match=message):
        score_stress(labels, p_stress)


def test_classes():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.2, 0.3]], dtype=np.float32)
    scores = score_classes(np.array([0, 1, 2]), probabilities)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["log_loss"] == pytest.approx(-np.log([0.7, 0.8, 0.3]).mean(), abs=1e-6)
    assert scores["confusion"] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert score_classes(np.array([0, 0, 1]), probabilities)["majority_accuracy"] == pytest.approx(2 / 3)


def test_p_stress_is_the_sum_over_the_stress_classes():
    probabilities = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]], dtype=np.float32)
    assert stress_probability(probabilities, ["angry", "happy", "sad"], ["angry", "sad"]) == pytest.approx([0.5, 1.0])
    with pytest.raises(ValueError, match="expected"):
        stress_probability(probabilities, ["angry", "happy"], ["angry"])


def test_roc_runs_from_corner_to_corner():
    false_positive, true_positive = roc_points(LABELS, np.array([0.1, 0.2, 0.6, 0.9, 0.4]))
    assert (false_positive[0], true_positive[0], false_positive[-1], true_positive[-1]) == (0, 0, 1, 1)


def test_agreement_and_disagreement():
    first, second = np.array([0.1, 0.9, 0.1, 0.9, 0.2]), np.array([0.2, 0.1, 0.9, 0.8, 0.3])
    agreement = count_agreement(LABELS, first, second)
    assert agreement == {"both": 2, "the first only": 1, "the second only": 1, "neither": 1}
    positions, titles = find_disagreements(LABELS, first, second, at_most=1)
    assert positions.tolist() == [1]
    assert titles == ["Non-stress\n1: 90%, 2: 10%"]


def test_table_has_a_row_a_model():
    scores = {
        "stress": score_stress(LABELS, LABELS * 0.8 + 0.1),
        "classes": {"accuracy": 0.5, "confusion": [[1, 0], [0, 1]]},
    }
    table = tabulate_scores({"a": scores, "b": scores})
    assert table["model"].tolist() == ["a", "b"]
    assert "accuracy over 2 classes" in table
