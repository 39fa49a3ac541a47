"""Does 70 % mean right in 70 of 100 cases? Temperature, reliability, slope."""

import warnings

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import logit, softmax
from statsmodels.discrete.discrete_model import Logit
from statsmodels.tools.sm_exceptions import ModelWarning, PerfectSeparationError

from utils.evaluation.bootstrap import add_chance, bootstrap
from utils.evaluation.metrics import ECE_BINS, calibration_error, stress_log_loss

TEMPERATURES = (0.2, 10.0)
"""The range searched: validation pictures that a network tells apart without a mistake must not drive it to 0."""

WORTH_A_NUMBER = 1.0
"""Nats of log-likelihood that a temperature must gain on the pictures that it is fitted to; see `fit_temperature`."""

CONFIDENCE_EDGES = np.linspace(0.5, 1, 11)

_TINY = float(np.finfo(np.float32).tiny)


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """What the softmax gives when its logits are divided by `temperature`: float64 of the same shape.

    Args:
        probabilities: float (..., classes), rows sum to 1.
        temperature: above 0; above 1 lowers the confidence, and 1 / temperature takes it back.
    """
    return softmax(np.log(np.maximum(probabilities, _TINY), dtype=np.float64) / temperature, axis=-1)


def fit_temperature(
    probabilities: np.ndarray, labels: np.ndarray, stress_columns: list[int], worth: float = WORTH_A_NUMBER
) -> float:
    """The temperature with the lowest log-loss of P(stress) on validation pictures, or 1 where that gains too little.

    Guo et al. 2017 (ICML), "On calibration of modern neural networks", for the sum over the stress classes. A fitted
    number lowers the log-loss of the pictures that it was fitted to even where the truth is 1: it pays on others only
    where it gains more than one nat (Akaike 1974, "A new look at the statistical model identification").

    Args:
        probabilities: float (n, classes), or (views, n, classes) where the network will answer with the mean
            over several views of a picture.
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        stress_columns: the classes that count as Stress.
        worth: nats that it must gain over all pictures; 0 takes any.

    Returns:
        A number in TEMPERATURES.
    """

    def loss(log_temperature):
        softened = soften(probabilities, np.exp(log_temperature))
        p_stress = softened.reshape(-1, *probabilities.shape[-2:]).mean(axis=0)[:, stress_columns].sum(axis=1)
        return -np.log(np.maximum(np.where(labels == 1, p_stress, 1 - p_stress), _TINY)).mean()

    best = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    gained = (loss(0.0) - best.fun) * len(labels)
    return float(np.exp(best.x)) if gained > worth else 1.0


def measure_fit(labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict:
    """Log-loss, ECE and calibration slope of P(stress); `fit` in reports/SCHEMA.md.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        p_stress: float (n,), 0 to 1.
        groups: (n,), as for `bootstrap.draw_weights`.
    """

    def score(weights):
        ece = calibration_error(labels, p_stress, weights)
        return {"log_loss": stress_log_loss(labels, p_stress, weights), "ece": ece}

    figures = bootstrap(score, groups)
    slope = measure_slope(labels, p_stress, groups)
    return figures | {"ece": add_chance(figures["ece"], p_stress), "slope": slope}


def measure_slope(labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict | None:
    """The slope of a logistic regression of the label on logit P(stress): 1 is ideal, below 1 too sure.

    Cox 1958 (Biometrika 45), "Two further applications of a model for binary regression"; the 95 % interval is
    Wald's, with errors clustered by group.

    Returns:
        {"value", "low", "high"}, or None where it has no estimate: labels that P(stress) separates, or one P(stress).
    """
    design = np.column_stack([np.ones(len(labels)), logit(np.clip(p_stress, 1e-6, 1 - 1e-6))])
    clusters = {"groups": pd.factorize(np.asarray(groups))[0]}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = Logit(labels, design).fit(disp=0, cov_type="cluster", cov_kwds=clusters)
    except (ModelWarning, RuntimeWarning, PerfectSeparationError, np.linalg.LinAlgError):
        return None
    low, high = fit.conf_int()[1]
    return {"value": float(fit.params[1]), "low": float(low), "high": float(high)}


def reliability_table(labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """The bins behind the expected calibration error, those with pictures in them.

    Returns:
        `from`, `to`, `pictures`, `probability` (mean P(stress)), `share` of Stress, `low`, `high` (its 95 % interval).
    """
    bins = np.minimum((p_stress * ECE_BINS).astype(int), ECE_BINS - 1)
    table = pd.DataFrame({"bin": bins, "probability": p_stress}).groupby("bin")["probability"].agg(["size", "mean"])
    members = np.stack([bins == number for number in table.index]).astype(np.float32)

    def score(weights):
        with np.errstate(invalid="ignore"):
            return {"share": (members * labels) @ weights / (members @ weights)}

    share = bootstrap(score, groups)["share"]
    columns = {"from": table.index / ECE_BINS, "to": (table.index + 1) / ECE_BINS, "pictures": table["size"]}
    columns |= {"probability": table["mean"], "share": share["value"], "low": share["low"], "high": share["high"]}
    return pd.DataFrame(columns).reset_index(drop=True)


def count_right_by_confidence(labels: np.ndarray, p_stress: np.ndarray) -> list[dict]:
    """Ten bins of the answer's confidence, .5 to 1: `from`, `to`, `count` of pictures, `right` among them."""
    confidence, right = np.maximum(p_stress, 1 - p_stress), (p_stress >= 0.5) == labels
    counts = np.histogram(confidence, CONFIDENCE_EDGES)[0]
    right_counts = np.histogram(confidence[right], CONFIDENCE_EDGES)[0]
    edges = CONFIDENCE_EDGES.round(2).tolist()
    return [
        {"from": low, "to": high, "count": int(count), "right": int(correct)}
        for low, high, count, correct in zip(edges, edges[1:], counts, right_counts, strict=False)
    ]
