"""Does 70 % mean right in 70 of 100 cases? Temperature, reliability, slope."""

import warnings

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import logit, softmax
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import ModelWarning, PerfectSeparationError

from utils.evaluation.bootstrap import add_chance, bootstrap
from utils.evaluation.metrics import ECE_BINS, calibration_error, cross_entropy, stress_log_loss

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
    probabilities: np.ndarray, share: np.ndarray, stress_columns: list[int], worth: float = WORTH_A_NUMBER
) -> float:
    """The temperature with the lowest log-loss of P(stress) on validation pictures, or 1 where that gains too little.

    Guo et al. 2017 (ICML), "On calibration of modern neural networks", for the sum over the stress classes. A fitted
    number lowers the log-loss of the pictures that it was fitted to even where the truth is 1: it pays on others only
    where it gains more than one nat (Akaike 1974, "A new look at the statistical model identification").

    Args:
        probabilities: float (n, classes), or (views, n, classes) where the network will answer with the mean
            over several views of a picture.
        share: float (n,), of people who see Stress; 0 or 1 where there is one label.
        stress_columns: the classes that count as Stress.
        worth: nats that it must gain over all pictures; 0 takes any.

    Returns:
        A number in TEMPERATURES.
    """

    def loss(log_temperature):
        softened = soften(probabilities, np.exp(log_temperature))
        p_stress = softened.reshape(-1, *probabilities.shape[-2:]).mean(axis=0)[:, stress_columns].sum(axis=1)
        return cross_entropy(share, p_stress).mean()

    best = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    gained = (loss(0.0) - best.fun) * len(share)
    return float(np.exp(best.x)) if gained > worth else 1.0


def measure_fit(share: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict:
    """Log-loss, ECE and calibration slope of P(stress); `fit` in reports/SCHEMA.md.

    Args:
        share: float (n,), of people who see Stress, or the label.
        p_stress: float (n,), 0 to 1.
        groups: (n,), as for `bootstrap.draw_weights`.
    """

    def score(weights):
        ece = calibration_error(share, p_stress, weights)
        return {"log_loss": stress_log_loss(share, p_stress, weights), "ece": ece}

    figures = bootstrap(score, groups)
    slope = measure_slope(share, p_stress, groups)
    return figures | {"ece": add_chance(figures["ece"], share, p_stress), "slope": slope}


def measure_slope(share: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict | None:
    """The slope of a logistic regression of label or share on logit P(stress): 1 is ideal, below 1 too sure.

    Cox 1958 (Biometrika 45), "Two further applications of a model for binary regression"; of shares: Papke &
    Wooldridge 1996 (Journal of Applied Econometrics 11). The 95 % interval is Wald's, with errors clustered by group.

    Returns:
        {"value", "low", "high"}, or None where it has no estimate: labels that P(stress) separates, one P(stress), no
        more groups than coefficients, or groups that all miss it alike.
    """
    ones = np.ones(len(share))
    design = np.column_stack([ones, logit(np.clip(p_stress, 1e-6, 1 - 1e-6))])
    return _tell(_regress_votes(np.asarray(share, dtype=np.float64), ones, design, 0 * ones, groups), 1)


def reliability_table(share: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """The bins behind the expected calibration error, those with pictures in them; `share` as in `measure_fit`.

    Returns:
        `from`, `to`, `pictures`, `probability` (mean P(stress)), `share` of Stress, `low`, `high` (its 95 % interval).
    """
    bins = np.minimum((p_stress * ECE_BINS).astype(int), ECE_BINS - 1)
    table = pd.DataFrame({"bin": bins, "probability": p_stress}).groupby("bin")["probability"].agg(["size", "mean"])
    members = np.stack([bins == number for number in table.index]).astype(np.float32)

    def score(weights):
        with np.errstate(invalid="ignore"):
            return {"share": (members * share) @ weights / (members @ weights)}

    found = bootstrap(score, groups)["share"]
    columns = {"from": table.index / ECE_BINS, "to": (table.index + 1) / ECE_BINS, "pictures": table["size"]}
    columns |= {"probability": table["mean"], "share": found["value"], "low": found["low"], "high": found["high"]}
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


def measure_fit_to_people(stress: np.ndarray, people: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict:
    """P(Stress) against the share of people who see Stress; `share` in reports/SCHEMA.md.

    `brier` is the mean squared distance. Of a model that knew the share among all people the `floor` would be left: few
    votes miss it by chance, m of them with share s by s (1 - s) / (m - 1), without bias, on average. `ceiling` is what
    always answering the mean share reaches.

    Slope and p-value are of a binomial logistic regression of the votes on logit P(Stress) (Cox 1958, Biometrika 45),
    the p-value of both that the slope is 1 and the intercept 0 (Wald's test). `intercept` is of another one, with the
    slope held at 1: by how much P(Stress) is too low as a whole, in logits. All errors are clustered by group.

    Args:
        stress: int (n,), how many people chose a stress class.
        people: int (n,), how many chose any class, at least 1.
        p_stress: float (n,), 0 to 1.
        groups: (n,), as for `bootstrap.draw_weights`.
    """
    share, several = stress / people, people > 1
    misses = share * (1 - share) / np.maximum(people - 1, 1) * several
    parts = np.stack([(p_stress - share) ** 2, misses, several, share, share**2])

    def score(weights):
        sums = parts.astype(weights.dtype) @ weights
        brier, mean, square = sums[[0, 3, 4]] / weights.sum(axis=0)
        with np.errstate(invalid="ignore"):
            floor = sums[1] / sums[2]
        return {"brier": brier, "floor": floor, "ceiling": square - mean**2}

    logits = logit(np.clip(p_stress, 1e-6, 1 - 1e-6))
    ones = np.ones(len(logits))
    both = _regress_votes(stress, people, np.column_stack([ones, logits]), 0 * ones, groups)
    shifted = _regress_votes(stress, people, ones[:, None], logits, groups)
    p_value = None if both is None else float(both.wald_test((np.eye(2), [0, 1]), scalar=True).pvalue)
    fits = {"slope": _tell(both, 1), "intercept": _tell(shifted, 0), "p_value": p_value}
    return bootstrap(score, groups) | fits


def _regress_votes(stress, people, design, offset, groups):
    """The fitted regression, or None where it has no estimate."""
    clusters = {"groups": pd.factorize(np.asarray(groups))[0]}
    columns = design.shape[1]
    # GLM itself takes what cannot be estimated without a word
    if not 0 < stress.sum() < people.sum() or np.linalg.matrix_rank(design) < columns:
        return None
    if clusters["groups"].max() < columns:
        return None
    model = GLM(np.column_stack([stress, people - stress]), design, family=Binomial(), offset=offset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = model.fit(cov_type="cluster", cov_kwds=clusters)
    except (ModelWarning, RuntimeWarning, PerfectSeparationError, np.linalg.LinAlgError):
        return None
    # few groups may miss it all in the same way: then nothing is known of how far it may be off
    spread = np.linalg.eigvalsh(fit.cov_params())
    return fit if spread[0] > 1e-9 * spread[-1] else None


def _tell(fit, position: int) -> dict | None:
    """A coefficient with Wald's 95 % interval."""
    if fit is None:
        return None
    low, high = fit.conf_int()[position]
    return {"value": float(fit.params[position]), "low": float(low), "high": float(high)}
