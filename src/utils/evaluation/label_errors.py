"""Which labels are most likely wrong: outvoted by people, or judged by classifiers that never saw the picture."""

import numpy as np
import pandas as pd
from skimage.feature import hog
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold

from utils.data.annotations import COLUMNS
from utils.data.audit import has_flag
from utils.quiet import track

METHOD = "histograms of oriented gradients and linear discriminant analysis"
"""What gives the probabilities, for the report."""

_SHRINKAGE = 0.2
"""Of the covariance towards a multiple of the identity, 0 to 1."""


def out_of_fold_probabilities(
    images: np.ndarray, targets: np.ndarray, groups: np.ndarray, folds: int = 5, seed: int = 0
) -> np.ndarray:
    """Class probabilities of each picture from a classifier that learnt from the other folds.

    Args:
        images: uint8 (n, 48, 48, 3), RGB.
        targets: int (n,), 0 to classes - 1.
        groups: (n,), pictures with the same one stay in one fold.
        folds: how often the pictures are divided; fewer where a class has fewer pictures.
        seed: of the division.

    Returns:
        float64 (n, classes), rows sum to 1; NaN where no other fold holds the picture's class: everywhere, where all
        are of one group, or no class has two.
    """
    if len(np.unique(groups)) < 2 or np.bincount(targets).max() < 2:
        return np.full((len(images), int(targets.max()) + 1), np.nan)
    features = _describe(images)
    mirrored = _describe(images[:, :, ::-1])
    classes = int(targets.max()) + 1
    folds = max(2, min(folds, np.bincount(targets).min(), len(np.unique(groups))))
    division = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    probabilities = np.full((len(images), classes), np.nan)
    for learnt, judged in track(division.split(features, targets, groups), folds, "fold", "Judging labels"):
        known = np.unique(targets[learnt])
        judged = judged[np.isin(targets[judged], known)]
        if len(known) < 2 or not len(judged):
            continue
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE)
        model.fit(np.concatenate([features[learnt], mirrored[learnt]]), np.tile(targets[learnt], 2))
        views = [model.predict_proba(view[judged]) for view in (features, mirrored)]
        probabilities[judged] = 0
        probabilities[np.ix_(judged, known)] = np.mean(views, axis=0)
    return probabilities


def _describe(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs 2005): float32 (n, 1568)."""
    pictures = track(images, len(images), "picture", "Describing pictures")
    settings = {"orientations": 8, "pixels_per_cell": (6, 6), "cells_per_block": (2, 2)}
    return np.stack([hog(picture.mean(axis=2), **settings) for picture in pictures]).astype(np.float32)


def rank_doubt(
    records: pd.DataFrame, targets: np.ndarray, probabilities: np.ndarray, class_names: list[str]
) -> pd.DataFrame:
    """The labels, the likeliest errors first, without those that could not be judged or that a person has decided on.

    The score is the self-confidence of Northcutt et al. 2021 (JAIR 70), "Confident learning": the probability of the
    label that was given.

    Args:
        records: with `file` and `flags`.
        targets: int (n,), column of the given class.
        probabilities: from `out_of_fold_probabilities`.
        class_names: of the columns.

    Returns:
        `position` (in the records), `file`, `given`, `suggested`, `score` (0 to 1, low is likely wrong).
    """
    decided = (has_flag(records, "kept") | has_flag(records, "relabelled")).to_numpy()
    asked = np.flatnonzero(~decided & is_judged(probabilities))
    names, targets, probabilities = np.array(class_names), targets[asked], probabilities[asked]
    table = pd.DataFrame(
        {
            "position": asked,
            "file": records["file"].to_numpy()[asked],
            "given": names[targets],
            "suggested": names[probabilities.argmax(axis=1)],
            "score": probabilities[np.arange(len(asked)), targets],
        }
    )
    return table.sort_values("score", kind="stable", ignore_index=True)


def rank_outvoted(records: pd.DataFrame, votes: np.ndarray, class_names: list[str]) -> pd.DataFrame:
    """The data set's own labels that more people gave another class, those with the smallest share of votes first.

    Args:
        records: with `file`, `given` and `flags`.
        votes: int (n, classes), how many people saw each class.
        class_names: of the columns.

    Returns:
        As `rank_doubt`; `score` is the share of people who saw the given class.
    """
    decided = (has_flag(records, "kept") | has_flag(records, "relabelled")).to_numpy()
    given = np.array([class_names.index(name) if name in class_names else -1 for name in records["given"]])
    for_given = votes[np.arange(len(votes)), given]
    asked = np.flatnonzero(~decided & (given >= 0) & (for_given < votes.max(axis=1)))
    names, people = np.array(class_names), votes[asked].sum(axis=1)
    table = pd.DataFrame(
        {
            "position": asked,
            "file": records["file"].to_numpy()[asked],
            "given": names[given[asked]],
            "suggested": names[votes[asked].argmax(axis=1)],
            "score": for_given[asked] / people,
            "agreed": votes[asked].max(axis=1) / people,
        }
    )
    ordered = table.sort_values(["score", "agreed"], ascending=[True, False], kind="stable", ignore_index=True)
    return ordered.drop(columns="agreed")


def is_judged(probabilities: np.ndarray) -> np.ndarray:
    """Which pictures could be judged: bool (n,)."""
    return ~np.isnan(probabilities).any(axis=1)


def propose_decisions(ranking: pd.DataFrame, count: int) -> pd.DataFrame:
    """The form that a person fills: the likeliest label errors, `decision` and `why` empty, the suggested class given.

    Args:
        ranking: from `rank_doubt` or `rank_outvoted`.
        count: rows, at most.
    """
    rows = ranking.head(count)
    form = pd.DataFrame({"file": rows["file"], "decision": "", "label": rows["suggested"], "why": ""})
    return form[COLUMNS]
