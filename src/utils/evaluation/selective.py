"""Selective classification: the confidence from which an accuracy can be promised, and accuracy against coverage."""

import numpy as np
import pandas as pd
from scipy.stats import binom

from utils.evaluation.bootstrap import bootstrap
from utils.labels import THRESHOLD

DELTA = 0.05
"""The largest chance that validation pictures drawn by bad luck certify a threshold that breaks the promise."""

THRESHOLDS = np.arange(199, 99, -1) / 200
"""The confidences tried, .995 down to .5: fixed beforehand, since a threshold taken from the data is no fair test."""

STARTS = (0.98, 0.95, 0.9, 0.8)
"""Where the tests set out: several, since at a threshold that few pictures reach, nothing can be shown."""

_FEWEST_ANSWERED = 30  # the curve's first point: of fewer, an accuracy says nothing


def _confidence_and_right(labels: np.ndarray, p_stress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(p_stress, 1 - p_stress), (p_stress >= THRESHOLD) == labels


def choose_threshold(
    labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray, target_accuracy: float, delta: float = DELTA
) -> dict | None:
    """The lowest confidence from which a stated accuracy can be promised of the answers given.

    The promise is about pictures like these, and fails for at most `delta` of all validation splits that might have
    been drawn. Each threshold is tested: were its answers less accurate, the wrong ones among n would be this few with
    a chance of at most P(Binomial(n, 1 - target) <= wrong) (Geifman & El-Yaniv 2017, "Selective classification for
    deep neural networks"; Angelopoulos et al. 2021, "Learn then test"). The tests run from the surest threshold down.
    Each of STARTS adds an equal share of `delta` to what may be spent; a threshold that passes hands that on to the
    next one, one that fails loses it (the fallback procedure, Wiens 2003, Pharmaceutical Statistics 2). The first that
    passes wrongly thus had at most the shares since the wrong one before it, and these sum to `delta` over all.

    Copies of a picture, or one person's pictures, are not independent, so one of each group is tested: drawn without a
    look at the answers, and the same one at each threshold, since the surest of a group would be another kind of
    picture. Not the first either: a person's pictures may begin with a neutral face. Not counted is that these pictures
    have chosen the temperature, too (in simulations that made the promise fail no more often), and, where a training
    stops early, its epoch.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        p_stress: float (n,), 0 to 1, calibrated.
        groups: (n,), any values; pictures with the same one count once.
        target_accuracy: .5 to 1; 1 can never be promised.
        delta: above 0, below 1.

    Returns:
        `abstention` in reports/SCHEMA.md without the figures of the test, or None: there is no such confidence.

    Raises:
        ValueError: the target is out of its range.
    """
    if not 0.5 <= target_accuracy <= 1:
        raise ValueError(f"target_accuracy {target_accuracy}: expected .5 to 1.")
    drawn = _draw_one_a_group(groups)
    confidence, right = (values[drawn] for values in _confidence_and_right(labels, p_stress))
    answered = confidence >= THRESHOLDS[:, None]
    given, wrong = answered.sum(axis=1), (answered & ~right).sum(axis=1)
    certified = _test_in_sequence(binom.cdf(wrong, given, 1 - target_accuracy), delta)
    if not certified:
        return None
    lowest = certified[-1]
    return {
        "target_accuracy": target_accuracy,
        "delta": delta,
        "confidence": float(THRESHOLDS[lowest]),
        "validation_groups": int(given[lowest]),
        "validation_accuracy": float(1 - wrong[lowest] / given[lowest]),
        "validation_coverage": float(given[lowest] / len(drawn)),
    }


def _draw_one_a_group(groups: np.ndarray) -> np.ndarray:
    """A position of each group, int (groups,)."""
    shuffled = np.random.default_rng(0).permutation(len(groups))
    return shuffled[np.unique(np.asarray(groups)[shuffled], return_index=True)[1]]


def _test_in_sequence(p_values: np.ndarray, delta: float) -> list[int]:
    """The positions in THRESHOLDS of those that pass."""
    passed, budget = [], 0.0
    for position, p_value in enumerate(p_values):
        budget += delta / len(STARTS) * (THRESHOLDS[position] in STARTS)
        if p_value < budget:
            passed.append(position)
        else:
            budget = 0.0
    return passed


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
    last = np.unique(np.linspace(min(_FEWEST_ANSWERED, len(order)) - 1, len(order) - 1, points).astype(int))

    def score(weights):
        ordered = weights[order]
        answered, correct = (np.cumsum(part, axis=0)[last] for part in (ordered, ordered * right[order, None]))
        with np.errstate(invalid="ignore"):
            return {"accuracy": correct / answered}

    accuracy = bootstrap(score, groups)["accuracy"]
    columns = {"pictures": last + 1, "coverage": (last + 1) / len(order), "accuracy": accuracy["value"]}
    return pd.DataFrame(columns | {"low": accuracy["low"], "high": accuracy["high"]})
