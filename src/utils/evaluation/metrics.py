"""How good probabilities are: arrays in, numbers out.

Every figure takes `weights`, float (n, resamples): how often each picture is in each resample. One column of ones gives
the figure itself, and the bootstrap (`utils.evaluation.bootstrap`) computes a hundred resamples as one matrix product.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.metrics import roc_curve

from utils.labels import CLASS_NAMES, THRESHOLD

ECE_BINS = 15

SEED_PROJECT = {"log_loss": 0.6236, "accuracy": 0.6434}
"""What the student project that this one goes back to reported, on its own data, not on these pictures."""

_TINY = float(np.finfo(np.float64).eps)


def score_stress(labels: np.ndarray, p_stress: np.ndarray, weights: np.ndarray | None = None) -> dict:
    """Binary figures, beside what a guesser that knows only the shares would reach.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress; both occur.
        p_stress: float (n,), 0 to 1.
        weights: float (n, resamples); None stands for one column of ones.

    Returns:
        By name, arrays (resamples,): `prevalence` (share of Stress), `majority_accuracy`, `accuracy`,
        `balanced_accuracy`, `mcc`, `auroc`, `average_precision`, `log_loss` (nats), `brier`, `ece` (of P(Stress));
        `per_class`, by label a dict of such arrays. NaN where a figure is undefined.
    """
    labels, p_stress = np.asarray(labels), np.asarray(p_stress, dtype=np.float64)
    if labels.shape != p_stress.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and p_stress {p_stress.shape}: expected two arrays (n,).")
    if set(np.unique(labels)) != {0, 1}:
        raise ValueError(f"labels {np.unique(labels)}: expected both 0 and 1.")
    weights = np.ones((len(labels), 1)) if weights is None else weights
    answers = (p_stress >= THRESHOLD).astype(int)
    counted = score_confusion(weigh_confusion(labels, answers, 2, weights), CLASS_NAMES)
    auroc, average_precision = rank_figures(labels, p_stress, weights)
    return (
        counted
        | {
            "majority_accuracy": _share_of_commonest(counted, labels),
            "prevalence": counted["per_class"][CLASS_NAMES[1]]["prevalence"],
            "auroc": auroc,
            "average_precision": average_precision,
            "log_loss": stress_log_loss(labels, p_stress, weights),
        }
        | score_share(labels, p_stress, weights)
    )


def score_share(share: np.ndarray, p_stress: np.ndarray, weights: np.ndarray) -> dict:
    """P(Stress) against the share of people who see it, or the label: `brier` and `ece`, each float (resamples,).

    Args:
        share: float (n,), 0 to 1.
        p_stress: float (n,), 0 to 1.
        weights: float (n, resamples).
    """
    brier = _mean((p_stress - share) ** 2, weights)
    return {"brier": brier, "ece": calibration_error(share, p_stress, weights)}


def score_classes(
    targets: np.ndarray, probabilities: np.ndarray, class_names: Iterable[str], weights: np.ndarray | None = None
) -> dict:
    """Figures over the data set's own classes.

    Args:
        targets: int (n,), column of the true class.
        probabilities: float (n, classes).
        class_names: of the columns, in their order.
        weights: as for `score_stress`.

    Returns:
        As `score_stress`, without `prevalence`. `auroc` and `average_precision` are means over the classes, each
        against all others; `brier` sums over the classes; `ece` is of the likeliest class's probability.
    """
    weights = np.ones((len(targets), 1)) if weights is None else weights
    probabilities = np.asarray(probabilities, dtype=np.float64)
    answers, truth = probabilities.argmax(axis=1), np.eye(probabilities.shape[1])[targets]
    # a class that no resample holds leaves the mean to the others
    ranks = [rank_figures(truth[:, k], probabilities[:, k], weights) for k in np.unique(targets)]
    auroc, average_precision = map(_mean_of_defined, zip(*ranks, strict=True))
    counted = score_confusion(weigh_confusion(targets, answers, probabilities.shape[1], weights), class_names)
    by_class = {key: np.stack([each[key] for each in counted["per_class"].values()]) for key in ("f1", "recall")}
    return counted | {
        "macro_f1": _mean_of_defined(by_class["f1"]),
        "weakest_recall": np.fmin.reduce(by_class["recall"], axis=0),
        "majority_accuracy": _share_of_commonest(counted, targets),
        "auroc": auroc,
        "average_precision": average_precision,
        "log_loss": _mean(_negative_log_likelihood((probabilities * truth).sum(axis=1)), weights),
        "brier": _mean(((probabilities - truth) ** 2).sum(axis=1), weights),
        "ece": calibration_error(answers == targets, probabilities.max(axis=1), weights),
    }


def _share_of_commonest(counted: dict, targets: np.ndarray) -> np.ndarray:
    """The share in each resample of the class that is the commonest of all: a guesser decides once what to say."""
    return list(counted["per_class"].values())[np.bincount(targets).argmax()]["prevalence"]


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values.astype(weights.dtype) @ weights / weights.sum(axis=0)


def _mean_of_defined(rows) -> np.ndarray:
    """Mean over the first axis without NaN; unlike np.nanmean it is silent where there is nothing else."""
    rows = np.asarray(rows)
    with np.errstate(invalid="ignore"):
        return np.nansum(rows, axis=0) / (~np.isnan(rows)).sum(axis=0)


def stress_log_loss(share: np.ndarray, p_stress: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean cross-entropy of P(Stress) to the share of people who see it, or the label, in nats: float (resamples,)."""
    return _mean(cross_entropy(share, p_stress), weights)


def cross_entropy(share: np.ndarray, p_stress: np.ndarray) -> np.ndarray:
    """-log of the probability that was given to what people said, in nats, the mean over people: float (n,).

    Args:
        share: float (n,), of people who see Stress; a label is a share of 0 or 1.
        p_stress: float (n,), 0 to 1.
    """
    return share * _negative_log_likelihood(p_stress) + (1 - share) * _negative_log_likelihood(1 - p_stress)


def _negative_log_likelihood(p_truth: np.ndarray) -> np.ndarray:
    """-log of the probability that the truth was given; certain and wrong costs 36 nats, not infinity."""
    return -np.log(np.clip(p_truth, _TINY, 1))


def weigh_confusion(targets: np.ndarray, answers: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """Confusion matrices, float (classes, classes, resamples): truth, answer."""
    cells = np.eye(classes**2, dtype=weights.dtype)[targets * classes + answers]
    return (cells.T @ weights).reshape(classes, classes, -1)


def score_confusion(confusion: np.ndarray, class_names: Iterable[str]) -> dict:
    """Figures that need the answers alone: as `score_stress`, up to `mcc`, and `per_class`.

    The correlation over several classes is Gorodkin's R_K (Computational Biology and Chemistry 28, 2004).
    """
    right = np.einsum("kkb->kb", confusion).astype(np.float64)
    true, answered = confusion.sum(axis=1, dtype=np.float64), confusion.sum(axis=0, dtype=np.float64)
    total = true.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision = right / true, right / answered
        f1, prevalence = 2 * right / (true + answered), true / total
        spread = (total**2 - (true**2).sum(axis=0)) * (total**2 - (answered**2).sum(axis=0))
        mcc = (right.sum(axis=0) * total - (true * answered).sum(axis=0)) / np.sqrt(spread)
    return {
        "accuracy": right.sum(axis=0) / total,
        "balanced_accuracy": _mean_of_defined(recall),
        "mcc": np.where(spread > 0, mcc, 0.0),  # always one answer: no better than chance
        "per_class": {
            name: {"prevalence": prevalence[k], "precision": precision[k], "recall": recall[k], "f1": f1[k]}
            for k, name in enumerate(class_names)
        },
    }


def rank_figures(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(AUROC, average precision), each float (resamples,); NaN where a resample holds one side only.

    Args:
        truth: (n,), 1 where the picture is of the class that high scores mean, else 0.
        scores: float (n,); equal scores share a rank.
        weights: float (n, resamples), how often each picture counts.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    ordered, is_true = weights[order], truth[order].astype(bool)[:, None]
    positive, negative = ordered * is_true, ordered * ~is_true
    if len(starts) < len(order):
        positive, negative = (np.add.reduceat(side, starts, axis=0) for side in (positive, negative))
    caught, mistaken = np.cumsum(positive, axis=0), np.cumsum(negative, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = 1 - (positive * (mistaken - negative / 2)).sum(axis=0) / (caught[-1] * mistaken[-1])
        precision = caught / np.maximum(caught + mistaken, _TINY)
        average_precision = (positive * precision).sum(axis=0) / caught[-1]
    return auroc, average_precision


def calibration_error(right: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expected calibration error over ECE_BINS bins of equal width, 0 to 1: float (resamples,).

    Naeini et al. 2015 (AAAI), "Obtaining well calibrated probabilities using Bayesian binning".

    Args:
        right: (n,), 1 where what the probability is about happened, else 0; or the share of people who say so.
        probability: float (n,), 0 to 1.
        weights: float (n, resamples), how often each picture counts.
    """
    gaps = _in_bins(probability) * (right - probability)[:, None]
    return np.abs(gaps.T.astype(weights.dtype) @ weights).sum(axis=0) / weights.sum(axis=0)


def perfect_calibration_error(
    happened: np.ndarray, probability: np.ndarray, simulations: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """(mean, 95th percentile) of the ECE where probabilities are true: what chance alone gives.

    Labels are drawn by the probabilities. Of shares of people nobody knows by how much those of alike pictures differ:
    their distances keep their sizes and get random signs (the wild bootstrap, Liu 1988, Annals of Statistics 16).

    Args:
        happened: (n,), 0 or 1, or a share.
        probability: float (n,), 0 to 1.
        simulations: how many.
        seed: of the draws.
    """
    drawn = np.random.default_rng(seed).random((simulations, len(probability)), np.float32)
    distances: np.ndarray = (drawn < probability) - probability.astype(np.float32)
    if not np.isin(happened, (0, 1)).all():
        distances = np.where(drawn < 0.5, 1, -1) * (happened - probability).astype(np.float32)
    gaps = distances @ _in_bins(probability)
    errors = np.abs(gaps).sum(axis=1) / len(probability)
    return float(errors.mean()), float(np.quantile(errors, 0.95))


def _in_bins(probability: np.ndarray) -> np.ndarray:
    """float32 (n, ECE_BINS): 1 in the column of each probability's bin."""
    bins = np.minimum((probability * ECE_BINS).astype(int), ECE_BINS - 1)
    return np.eye(ECE_BINS, dtype=np.float32)[bins]


def roc_points(labels: np.ndarray, p_stress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false positive rate, true positive rate) over all thresholds, each float (points,)."""
    false_positive, true_positive, _ = roc_curve(labels, p_stress)
    return false_positive, true_positive
