"""95 % intervals by bootstrap over groups: copies of a picture, or one person's pictures, are drawn together.

Shares of few pictures are shown with Wilson's interval instead.
"""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from utils.evaluation.metrics import (
    perfect_calibration_error,
    score_classes,
    score_share,
    score_stress,
    weigh_confusion,
)
from utils.evaluation.registry import as_figure
from utils.labels import CLASS_NAMES

RESAMPLES = 2000

FEW_PICTURES = 100
"""Below so many, a share of them gets Wilson's interval: a bootstrap of few is too narrow, and from 0 to 0 where none
is right."""

_AT_ONCE = 100  # resamples a block: small blocks stay in the processor's cache


def draw_weights(groups: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each picture occurs in each resample of the groups, with replacement.

    Args:
        groups: (n,), any values; pictures with the same one are drawn together.
        resamples: how many.
        seed: of the drawing.

    Yields:
        float32 (n, up to 100) blocks, `resamples` columns in all.
    """
    group, names = pd.factorize(np.asarray(groups))
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        columns = min(_AT_ONCE, resamples - start)
        drawn = rng.integers(len(names), size=(len(names), columns)) * columns + np.arange(columns)
        counts = np.bincount(drawn.ravel(), minlength=len(names) * columns).reshape(len(names), columns)
        yield counts.astype(np.float32)[group]


def bootstrap(score: Callable[[np.ndarray], dict], groups: np.ndarray, resamples: int = RESAMPLES, seed: int = 0):
    """A figure and its interval for whatever `score` computes.

    The interval is the percentile one. Expected calibration error (`ece`) is biased upwards by sampling, and a
    resample adds about as much again: its interval is the basic one, 2 x figure - percentiles, at least 0
    (Davison & Hinkley 1997, "Bootstrap Methods and their Application", 5.2); see also `add_chance`.

    Args:
        score: weights, float (n, resamples) -> dict of arrays (..., resamples), or of such dicts.
        groups: (n,), as for `draw_weights`.
        resamples: how many; the interval's ends settle slowly.
        seed: of the drawing.

    Returns:
        The dict, each array replaced by {"value", "low", "high"}: floats, None where not defined; arrays
        where `score` gives more than one number a resample.
    """
    point = score(np.ones((len(groups), 1)))
    blocks = [score(weights) for weights in draw_weights(groups, resamples, seed)]
    return _summarise("", point, blocks)


def _summarise(name: str, point, blocks: list):
    if isinstance(point, dict):
        return {key: _summarise(key, point[key], [block[key] for block in blocks]) for key in point}
    value, draws = point[..., 0], np.concatenate(blocks, axis=-1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # NaN is the answer there
        low, high = np.nanquantile(draws, [0.025, 0.975], axis=-1)
    if name == "ece":
        low, high = np.maximum(2 * value - high, 0), np.maximum(2 * value - low, 0)
    return {"value": _plain(value), "low": _plain(low), "high": _plain(high)}


def _plain(value):
    if np.ndim(value):
        return value
    return float(value) if np.isfinite(value) else None


def measure_stress(labels: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict:
    """The figures of `score_stress` with intervals, and counts; `stress` in reports/SCHEMA.md.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        p_stress: float (n,), 0 to 1.
        groups: (n,), as for `draw_weights`.
    """
    figures = bootstrap(lambda weights: score_stress(labels, p_stress, weights), groups)
    answers = (p_stress >= 0.5).astype(int)
    return _add_counts(figures, labels, answers, CLASS_NAMES, labels, p_stress)


def measure_share(share: np.ndarray, p_stress: np.ndarray, groups: np.ndarray) -> dict:
    """`brier` and `ece` of P(Stress) to the share of people who see it, with intervals, as in `measure_stress`.

    Args:
        share: float (n,), 0 to 1.
        p_stress: float (n,), 0 to 1.
        groups: (n,), as for `draw_weights`.
    """
    figures = bootstrap(lambda weights: score_share(share, p_stress, weights), groups)
    return figures | {"ece": add_chance(figures["ece"], share, p_stress)}


def measure_classes(targets: np.ndarray, probabilities: np.ndarray, class_names: list[str], groups: np.ndarray) -> dict:
    """The figures of `score_classes` with intervals, and counts; `classes` in reports/SCHEMA.md.

    Args:
        targets: int (n,), column of the true class.
        probabilities: float (n, classes), columns as `class_names`.
        class_names: of the network's outputs, in their order.
        groups: (n,), as for `draw_weights`.
    """
    figures = bootstrap(lambda weights: score_classes(targets, probabilities, class_names, weights), groups)
    answers = probabilities.argmax(axis=1)
    return _add_counts(figures, targets, answers, class_names, answers == targets, probabilities.max(axis=1))


def add_chance(ece: dict, happened: np.ndarray, probability: np.ndarray) -> dict:
    """An ECE beside what a perfectly calibrated model with the same probabilities would show.

    Where it would show as much in one of 20 test splits, the interval reaches from 0 to the figure at least: no
    bootstrap gets there by itself. In simulations with a true ECE of 0 to .13 and 800 or 3,589 pictures, 82 to 97 %
    of such intervals hold it.

    Args:
        ece: {"value", "low", "high"}, as `bootstrap` gives it.
        happened: (n,), 0 or 1, or a share, see `metrics.perfect_calibration_error`.
        probability: float (n,), whose calibration it is.

    Returns:
        `ece` in reports/SCHEMA.md.
    """
    mean, high = perfect_calibration_error(happened, probability)
    if ece["value"] <= high:
        ece = ece | {"low": 0.0, "high": max(ece["high"], ece["value"])}
    return ece | {"perfect_mean": mean, "perfect_95th": high}


def _add_counts(figures: dict, targets, answers, names, right: np.ndarray, probability: np.ndarray) -> dict:
    """Add what has no interval: pictures, confusion matrix, the ECE of a perfectly calibrated model."""
    confusion = weigh_confusion(targets, answers, len(names), np.ones((len(targets), 1)))[..., 0].astype(int)
    for name, count in zip(names, confusion.sum(axis=1), strict=True):
        figures["per_class"][name] = {"count": int(count)} | figures["per_class"][name]
    figures["ece"] = add_chance(figures["ece"], right, probability)
    return {"count": len(targets)} | figures | {"confusion": confusion.tolist()}


def as_proportion(content, count: int) -> dict | None:
    """A share of `count` pictures as of `as_figure`, with Wilson's interval where they are fewer than FEW_PICTURES."""
    figure = as_figure(content)
    if figure is None or figure["low"] is None or not 0 < count < FEW_PICTURES:
        return figure
    from statsmodels.stats.proportion import proportion_confint  # brings pandas

    low, high = proportion_confint(round(figure["value"] * count), count, method="wilson")
    return figure | {"low": float(low), "high": float(high)}


def list_classes(scores: dict) -> list[dict]:
    """The labels, then the classes that are none, each with its figures and how many pictures they are of.

    Args:
        scores: `model` in reports/SCHEMA.md.

    Returns:
        Rows of `class` there, with `name` and `block` ("stress" or "classes"); recall and precision are as of
        `as_proportion`.
    """
    rows: dict[str, dict] = {}
    for block in ("stress", "classes"):
        found = scores.get(block) or {}
        answers = [sum(column) for column in zip(*found.get("confusion", []), strict=True)]
        for position, (name, figures) in enumerate(found.get("per_class", {}).items()):
            row = {"name": name, "block": block, "recall": as_proportion(figures["recall"], figures["count"])}
            if answers:
                row["precision"] = as_proportion(figures["precision"], answers[position])
            rows.setdefault(name, figures | row)
    return list(rows.values())


def find_weakest(scores: dict) -> dict | None:
    """The class of `list_classes` that is recognised least, a label where there are no others; None without any."""
    rows = [row for row in list_classes(scores) if row["recall"]]
    classes = [row for row in rows if row["block"] == "classes"] or rows
    return min(classes, key=lambda row: row["recall"]["value"], default=None)
