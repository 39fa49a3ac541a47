"""What is wrong with the pictures. Findings are flags on the records; nothing is deleted."""

import hashlib

import numpy as np
import pandas as pd

from utils.progress import track

FLAGS = {
    "blank": "all pixels equal",
    "duplicate": "another picture has the same pixels",
    "leak": "a training or validation picture with the same pixels as a test picture",
    "emotion-conflict": "pictures with the same pixels have different emotions",
    "label-conflict": "pictures with the same pixels have different stress labels",
}
"""What each flag means. `leak` is the only one that keeps a picture out of training."""


def audit_pictures(records: pd.DataFrame, pixels: np.ndarray) -> pd.DataFrame:
    """Find blank and duplicate pictures, conflicting labels, and copies across splits.

    Args:
        records: with `emotion`, `label` and `split` ("" where none is published).
        pixels: uint8 (n, 48, 48, 3), RGB, in the order of the records.

    Returns:
        The records with `sha256` (of the 48x48x3 pixels), `group` (pictures with the same pixels
        share a number; groups are numbered in the order of their first picture), `brightness` (mean,
        0 to 255) and `flags` (names from FLAGS, separated by spaces).
    """
    digests = [hashlib.sha256(picture).hexdigest() for picture in track(pixels, len(pixels), "picture", "Auditing")]
    records = records.assign(
        sha256=digests,
        group=pd.factorize(pd.Series(digests))[0],
        brightness=[round(float(picture.mean()), 1) for picture in pixels],
    )
    group = records.groupby("group")
    in_test = records["split"] == "test"
    found = {
        "blank": np.array([bool((picture == picture[0, 0]).all()) for picture in pixels]),
        "duplicate": group["file"].transform("size") > 1,
        "leak": ~in_test & in_test.groupby(records["group"]).transform("any"),
        "emotion-conflict": group["emotion"].transform("nunique") > 1,
        "label-conflict": group["label"].transform("nunique") > 1,
    }
    flags = pd.DataFrame(found, columns=list(FLAGS)).to_numpy()
    names = np.array(list(FLAGS))
    return records.assign(flags=[" ".join(names[row]) for row in flags])


def has_flag(records: pd.DataFrame, flag: str) -> pd.Series:
    """Whether each record carries the flag."""
    return records["flags"].str.split().map(lambda flags: flag in flags)


def tabulate_flags(records: pd.DataFrame) -> pd.DataFrame:
    """How many pictures carry each flag, and what it means: `flag`, `pictures`, `meaning`."""
    rows = [(flag, int(has_flag(records, flag).sum()), meaning) for flag, meaning in FLAGS.items()]
    return pd.DataFrame(rows, columns=["flag", "pictures", "meaning"])


def count_findings(records: pd.DataFrame) -> dict[str, int]:
    """The audit in numbers, for the report and the manifest."""
    groups = records.groupby("group")
    size = groups["file"].size()
    copied = size[size > 1]
    splits = records["split"].where(records["split"] == "test", "train")
    crossing = splits.groupby(records["group"]).nunique() > 1
    in_test = records["split"] == "test"
    return {
        "blank pictures": int(has_flag(records, "blank").sum()),
        "groups of identical pictures": len(copied),
        "surplus copies": int((copied - 1).sum()),
        "groups across training and test": int(crossing.sum()),
        "test pictures with a copy outside test": int((in_test & records["group"].map(crossing)).sum()),
        "pictures kept out of training for it": int(has_flag(records, "leak").sum()),
        "groups with conflicting emotions": int((groups["emotion"].nunique() > 1).sum()),
        "groups with conflicting stress labels": int((groups["label"].nunique() > 1).sum()),
    }
