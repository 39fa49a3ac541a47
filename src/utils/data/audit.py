"""What is wrong with the pictures. Findings are flags on the records; nothing is deleted."""

import hashlib

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from utils.data.near_duplicates import group_near_duplicates
from utils.progress import track

FLAGS = {
    "blank": "all pixels equal",
    "near-blank": "hardly any contrast",
    "duplicate": "another picture has the same pixels",
    "leak": "a training or validation picture with the same pixels as a test picture",
    "emotion-conflict": "pictures with the same pixels have different emotions",
    "label-conflict": "pictures with the same pixels have different stress labels",
    "near-duplicate": "another picture is nearly the same: shifted, mirrored, brightened, compressed again",
    "near-leak": "a training or validation picture that is nearly the same as a test picture",
    "near-conflict": "pictures that are nearly the same have different stress labels",
    "person-leak": "a training or validation picture of a person who is also in a test picture",
    "kept": "a person looked at its label and kept it",
    "relabelled": "a person looked at its label and changed it",
}
"""What each flag means. The three leaks keep a picture out of training; nothing else does."""

LEAST_CONTRAST = 5.0
"""Standard deviation of a picture's pixels, of 0 to 255, below which it is near-blank."""


def audit_pictures(records: pd.DataFrame, pixels: np.ndarray) -> pd.DataFrame:
    """Find blank, duplicate and nearly equal pictures, conflicting labels, and copies across splits.

    Args:
        records: with `emotion`, `label`, `split` ("" where none is published), `decision` (a person's on the
            label; "" where none) and, where it is known, `subject` (the person; "" where not).
        pixels: uint8 (n, 48, 48, 3), RGB, in the order of the records.

    Returns:
        The records with `sha256` (of the 48x48x3 pixels), `scene` (the same number for pictures that are the
        same or nearly so), `group` (joins scenes and persons: what no split may divide), both numbered in the
        order of their first picture, `brightness` (mean, 0 to 255) and `flags` (names from FLAGS, separated
        by spaces).
    """
    seen = track(pixels, len(pixels), "picture", "Auditing")
    measured = [(hashlib.sha256(picture).hexdigest(), picture.mean(), picture.mean(axis=2).std()) for picture in seen]
    digests, brightness, contrast = map(np.array, zip(*measured, strict=True))
    records = records.assign(
        sha256=digests, scene=_find_scenes(digests, contrast, pixels), brightness=brightness.round(1)
    )
    records["group"] = _join_persons(records)
    blank = np.array([bool((picture == picture[0, 0]).all()) for picture in pixels])
    found = {"blank": blank, "near-blank": ~blank & (contrast < LEAST_CONTRAST)} | _find_relations(records)
    flags = pd.DataFrame(found, columns=list(FLAGS)).to_numpy()
    names = np.array(list(FLAGS))
    return records.assign(flags=[" ".join(names[row]) for row in flags])


def _find_scenes(digests: np.ndarray, contrast: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Number pictures so that copies and near-duplicates share a number; blank ones only with their copies."""
    copies, first = pd.factorize(digests)[0], ~pd.Series(digests).duplicated().to_numpy()
    compared = np.flatnonzero(first & (contrast >= LEAST_CONTRAST))
    scene = np.arange(copies.max() + 1)
    scene[copies[compared]] = copies[compared[group_near_duplicates(pixels[compared])]]
    return pd.factorize(scene[copies])[0]


def _join_persons(records: pd.DataFrame) -> np.ndarray:
    """Number pictures so that all of a scene, and all of a person where known, share a number: int (n,)."""
    if "subject" not in records:
        return records["scene"].to_numpy()
    known = records["subject"] != ""
    person = pd.factorize(records["subject"])[0] + records["scene"].max() + 1
    links = records["scene"][known], person[known]
    size = int(person.max()) + 1
    _, group = connected_components(coo_array((np.ones(known.sum()), links), shape=(size, size)), directed=False)
    return pd.factorize(group[records["scene"]])[0]


def _find_relations(records: pd.DataFrame) -> dict[str, pd.Series]:
    """The flags that come from a picture's copies, near-duplicates, person, and a person's decision."""
    same, alike = records.groupby("sha256"), records.groupby("scene")
    in_test = records["split"] == "test"
    leaks = {key: ~in_test & in_test.groupby(records[key]).transform("any") for key in ("sha256", "scene", "group")}
    duplicate = same["sha256"].transform("size") > 1
    near = alike["sha256"].transform("nunique") > 1
    conflict = same["label"].transform("nunique") > 1
    return {
        "duplicate": duplicate,
        "leak": leaks["sha256"],
        "emotion-conflict": same["emotion"].transform("nunique") > 1,
        "label-conflict": conflict,
        "near-duplicate": near,
        "near-leak": leaks["scene"] & ~leaks["sha256"],
        "near-conflict": near & (alike["label"].transform("nunique") > 1),
        "person-leak": leaks["group"] & ~leaks["scene"],
        "kept": records["decision"] == "keep",
        "relabelled": records["decision"] == "relabel",
    }


def has_flag(records: pd.DataFrame, flag: str) -> pd.Series:
    """Whether each record carries the flag."""
    return records["flags"].str.split().map(lambda flags: flag in flags)


def tabulate_flags(records: pd.DataFrame) -> pd.DataFrame:
    """How many pictures carry each flag, and what it means: `flag`, `pictures`, `meaning`."""
    rows = [(flag, int(has_flag(records, flag).sum()), meaning) for flag, meaning in FLAGS.items()]
    return pd.DataFrame(rows, columns=["flag", "pictures", "meaning"])


def count_findings(records: pd.DataFrame) -> dict[str, int]:
    """The audit in numbers, for the report and the manifest."""
    groups, scenes = records.groupby("sha256"), records.groupby("scene")
    copied = groups.size()[lambda size: size > 1]
    distinct = scenes["sha256"].nunique()[lambda count: count > 1]
    in_test = records["split"] == "test"
    crossing = in_test.groupby(records["sha256"]).nunique() > 1
    near_crossing = in_test.groupby(records["scene"]).nunique() > 1
    flagged = {flag: int(has_flag(records, flag).sum()) for flag in FLAGS}
    return {
        "blank pictures": flagged["blank"],
        "near-blank pictures": flagged["near-blank"],
        "groups of identical pictures": len(copied),
        "surplus copies": int((copied - 1).sum()),
        "groups across training and test": int(crossing.sum()),
        "test pictures with a copy outside test": int((in_test & records["sha256"].map(crossing)).sum()),
        "pictures kept out of training for it": flagged["leak"],
        "groups with conflicting emotions": int((groups["emotion"].nunique() > 1).sum()),
        "groups with conflicting stress labels": int((groups["label"].nunique() > 1).sum()),
        "groups of near-duplicates": len(distinct),
        "different pictures in the largest group of near-duplicates": int(distinct.max()) if len(distinct) else 0,
        "test pictures with a copy or near-duplicate outside test": int(
            (in_test & records["scene"].map(near_crossing)).sum()
        ),
        "more pictures kept out of training for near-duplicates": flagged["near-leak"],
        "more pictures kept out of training for a person in test": flagged["person-leak"],
    }
