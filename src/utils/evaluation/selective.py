"""When to say nothing: accuracy against the share of pictures that are answered."""

import numpy as np
import pandas as pd

from utils.evaluation.bootstrap import bootstrap
from utils.labels import THRESHOLD

LEAST_ANSWERED = 30
"""Validation pictures that must be left, so that no lucky handful sets the threshold."""


def _confidence_and_right(labels: np.ndarray, p_stress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(p_stress, 1 - p_stress), (p_stress >= THRESHOLD) == labels


def choose_threshold(labels: np.ndarray, p_stress: np.ndarray, target_accuracy: float) -> dict | None:
    """The lowest confidence from which the answers on validation reach a stated accuracy.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        p_stress: float (n,), 0 to 1, calibrated.
        target_accuracy: .5 to 1.

    Returns:
        `target_accuracy`, `confidence` (.5 to 1, four decimals), `validation_accuracy`, `validation_coverage`;
        None where no threshold that leaves LEAST_ANSWERED pictures reaches it.
    """
    if not 0.5 <= target_accuracy <= 1:
        raise ValueError(f"target_accuracy {target_accuracy}: expected .5 to 1.")
    confidence, right = _confidence_and_right(labels, p_stress)
    # rounded down: a picture that set the threshold is answered at it
    for threshold in np.unique(np.floor(confidence * 1e4) / 1e4):
        answered = confidence >= threshold
        if answered.sum() >= LEAST_ANSWERED and right[answered].mean() >= target_accuracy:
            return {
                "target_accuracy": target_accuracy,
                "confidence": float(threshold),
                "validation_accuracy": float(right[answered].mean()),
                "validation_coverage": float(answered.mean()),
            }
    return None


def measure_abstention(choice: dict | None, labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray):
    """A chosen threshold on other pictures: the choice with `accuracy` and `coverage`, or None without one."""
    if choice is None:
        return None
    confidence, right = _confidence_and_right(labels, p_stress)
    answered = (confidence >= choice["confidence"]).astype(np.float32)

    def score(weights):
        with np.errstate(invalid="ignore"):
            given = answered @ weights
            return {"accuracy": (answered * right) @ weights / given, "coverage": given / weights.sum(axis=0)}

    return choice | bootstrap(score, groups)


def risk_coverage(labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray, points: int = 50) -> pd.DataFrame:
    """Accuracy of the surest answers, from a few of them to all: `pictures`, `coverage`, `accuracy`, `low`, `high`.

    El-Yaniv & Wiener 2010 (JMLR 11), "On the foundations of noise-free selective classification".
    """
    confidence, right = _confidence_and_right(labels, p_stress)
    order = np.argsort(-confidence, kind="stable")
    last = np.unique(np.linspace(min(LEAST_ANSWERED, len(order)) - 1, len(order) - 1, points).astype(int))

    def score(weights):
        ordered = weights[order]
        answered, correct = (np.cumsum(part, axis=0)[last] for part in (ordered, ordered * right[order, None]))
        with np.errstate(invalid="ignore"):
            return {"accuracy": correct / answered}

    accuracy = bootstrap(score, groups)["accuracy"]
    columns = {"pictures": last + 1, "coverage": (last + 1) / len(order), "accuracy": accuracy["value"]}
    return pd.DataFrame(columns | {"low": accuracy["low"], "high": accuracy["high"]})
