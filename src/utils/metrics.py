"""How good probabilities are: arrays in, numbers out."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    roc_auc_score,
    roc_curve,
)

from utils.labels import THRESHOLD

SEED_PROJECT = {"log_loss": 0.6236, "accuracy": 0.6434}
"""What the student project that this one goes back to reported, on its own data, not on these pictures."""


def score_stress(labels: np.ndarray, p_stress: np.ndarray) -> dict:
    """Binary figures, beside what a guesser that knows only the shares would reach.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress; both occur.
        p_stress: float (n,), 0 to 1.

    Returns:
        `count`, `prevalence` (share of Stress), `majority_accuracy`, `accuracy`, `balanced_accuracy`,
        `auroc`, `log_loss` (nats), `confusion` (rows truth, columns answer, Non-stress first).
    """
    labels, p_stress = np.asarray(labels), np.asarray(p_stress, dtype=np.float64)
    if labels.shape != p_stress.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and p_stress {p_stress.shape}: expected two arrays (n,).")
    if set(np.unique(labels)) != {0, 1}:
        raise ValueError(f"labels {np.unique(labels)}: expected both 0 and 1.")
    answers = (p_stress >= THRESHOLD).astype(int)
    prevalence = float(labels.mean())
    return {
        "count": len(labels),
        "prevalence": prevalence,
        "majority_accuracy": max(prevalence, 1 - prevalence),
        "accuracy": float(accuracy_score(labels, answers)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, answers)),
        "auroc": float(roc_auc_score(labels, p_stress)),
        "log_loss": float(log_loss(labels, p_stress)),
        "confusion": confusion_matrix(labels, answers).tolist(),
    }


def score_classes(targets: np.ndarray, probabilities: np.ndarray) -> dict:
    """Figures over the data set's own classes.

    Args:
        targets: int (n,), column of the true class.
        probabilities: float (n, classes).

    Returns:
        `accuracy`, `majority_accuracy`, `log_loss` (nats), `confusion` (rows truth, columns answer).
    """
    classes = np.arange(probabilities.shape[1])
    answers = probabilities.argmax(axis=1)
    normalised = probabilities.astype(np.float64) / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    return {
        "accuracy": float(accuracy_score(targets, answers)),
        "majority_accuracy": float(np.bincount(targets).max() / len(targets)),
        "log_loss": float(log_loss(targets, normalised, labels=classes)),
        "confusion": confusion_matrix(targets, answers, labels=classes).tolist(),
    }


def roc_points(labels: np.ndarray, p_stress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false positive rate, true positive rate) over all thresholds, each float (points,)."""
    false_positive, true_positive, _ = roc_curve(labels, p_stress)
    return false_positive, true_positive


def tabulate_scores(scores_by_model: dict[str, dict]) -> pd.DataFrame:
    """A row a model from {"stress": figures of score_stress, "classes": figures of score_classes}."""
    rows = {
        model: {
            "log-loss": scores["stress"]["log_loss"],
            "accuracy": scores["stress"]["accuracy"],
            "balanced accuracy": scores["stress"]["balanced_accuracy"],
            "AUROC": scores["stress"]["auroc"],
            f"accuracy over {len(scores['classes']['confusion'])} classes": scores["classes"]["accuracy"],
        }
        for model, scores in scores_by_model.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model").reset_index()
