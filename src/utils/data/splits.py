"""Which records train, which validate, which test."""

import pandas as pd
from sklearn.model_selection import train_test_split

from utils.labels import CLASS_NAMES

SPLITS = ("train", "validation", "test", "none")
"""`none`: kept in the table, used for nothing."""

_SEVERAL = "several classes"


def assign_splits(records: pd.DataFrame, validation_fraction: float, test_fraction: float, seed: int) -> pd.Series:
    """Keep published splits, cut missing ones from training, and let no group be on two sides.

    Pictures whose group is in test are taken out of training and validation, those whose group is in
    validation out of training. A cut takes whole groups, stratified by class.

    Args:
        records: with `split` (train, validation, test, or empty where none is published), `group`, `class`.
        validation_fraction: share of the training groups that validate, where no validation is published.
        test_fraction: share of the groups that test, where no test split is published.
        seed: of the cuts.

    Returns:
        One of SPLITS a record.

    Raises:
        ValueError: a fraction is out of range, or a class or the test split has too few different pictures.
    """
    for name, fraction in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise ValueError(f"{name} {fraction}: expected a number above 0 and below 1.")
    split = records["split"].replace("", "train")
    for side, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if not (split == side).any():
            split = _cut(records, split, side, fraction, seed)
        copied = split.isin(["train", "validation"]) & (split != side)
        split = split.mask(copied & records["group"].isin(set(records.loc[split == side, "group"])), "none")
    _require_classes(records, split)
    return split


def _cut(records: pd.DataFrame, split: pd.Series, side: str, fraction: float, seed: int) -> pd.Series:
    """Move a share of the training groups to `side`: of those of each class, and of those of several classes."""
    classes = records[split == "train"].groupby("group", sort=False)["class"].agg(["first", "nunique"])
    stratum = classes["first"].where(classes["nunique"] == 1, _SEVERAL)
    counts = stratum.value_counts()
    several = counts.get(_SEVERAL, 0)
    if counts.empty or (counts.drop(_SEVERAL, errors="ignore").lt(2).any() and several < 2):
        raise ValueError(
            f"Cutting {side} from training needs 2 or more different pictures of each class; found {counts.to_dict()}."
        )
    # a group that is alone in its kind stays in training
    stratum = stratum[stratum.map(counts) >= 2]
    kinds = stratum.nunique()
    # from one group, one person for example, no interval could be had
    size = min(max(round(fraction * len(stratum)), kinds, 2 if side == "test" else 1), len(stratum) - kinds)
    _, moved = train_test_split(stratum.index, test_size=size, stratify=stratum, random_state=seed)
    return split.mask((split == "train") & records["group"].isin(set(moved)), side)


def _require_classes(records: pd.DataFrame, split: pd.Series) -> None:
    """Every class must be trained on, both labels must be validated and tested, the latter in more than one group."""
    for side in ("train", "validation", "test"):
        part = records[split == side]
        missing = set(records["class"]) - set(part["class"]) if side == "train" else set()
        if missing or part["label"].nunique() < 2:
            found = part["class"].value_counts().to_dict()
            expected = "every class" if side == "train" else f"both {' and '.join(CLASS_NAMES)}"
            raise ValueError(f"Too few different pictures: expected {expected} in {side}, found {found or 'none'}.")
    if records.loc[split == "test", "group"].nunique() < 2:
        raise ValueError("All test pictures are of one person, or copies of one: expected two or more in test.")


def tabulate_splits(records: pd.DataFrame) -> pd.DataFrame:
    """Pictures of each label in each split: `split`, the names in CLASS_NAMES, `pictures`."""
    counts = records.groupby(["split", "label"]).size().unstack(fill_value=0)
    counts = counts.reindex([split for split in SPLITS if split in counts.index])
    counts.columns = [CLASS_NAMES[label] for label in counts.columns]
    return counts.assign(pictures=counts.sum(axis=1)).reset_index()
