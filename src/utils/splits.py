"""Which records train, which validate, which test."""

import pandas as pd
from sklearn.model_selection import train_test_split

from utils.labels import CLASS_NAMES

SPLITS = ("train", "validation", "test", "none")
"""`none`: kept in the table, used for nothing."""


def assign_splits(records: pd.DataFrame, validation_fraction: float, seed: int) -> pd.Series:
    """Keep the published test split, drop copies of it from training, cut validation from the rest.

    A whole group goes to one side, so no picture of validation has a copy in training. The cut is
    stratified by the emotion of a group's first picture. A published validation split is kept.

    Args:
        records: with `split` (train, validation, test), `group`, `emotion` and `flags`.
        validation_fraction: share of the training groups, above 0 and below 1.
        seed: of the cut.

    Returns:
        One of SPLITS a record.

    Raises:
        ValueError: the fraction is out of range, or a class has too few groups to be cut.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction {validation_fraction}: expected a number above 0 and below 1.")
    test_groups = set(records.loc[records["split"] == "test", "group"])
    copied = (records["split"] != "test") & records["group"].isin(test_groups)
    split = records["split"].mask(copied, "none")
    if (split == "validation").any():
        validation_groups = set(records.loc[split == "validation", "group"])
        return split.mask((split == "train") & records["group"].isin(validation_groups), "none")
    first = records[split == "train"].drop_duplicates("group")
    fewest = first["emotion"].value_counts()
    if fewest.empty or fewest.min() < 2:
        raise ValueError(f"Each class needs 2 different training pictures or more; found {fewest.to_dict()}.")
    cut = max(round(validation_fraction * len(first)), len(fewest))
    _, validation = train_test_split(first["group"], test_size=cut, stratify=first["emotion"], random_state=seed)
    return split.mask((split == "train") & records["group"].isin(set(validation)), "validation")


def tabulate_splits(records: pd.DataFrame) -> pd.DataFrame:
    """Pictures of each label in each split: `split`, the names in CLASS_NAMES, `pictures`."""
    counts = records.groupby(["split", "label"]).size().unstack(fill_value=0)
    counts = counts.reindex([split for split in SPLITS if split in counts.index])
    counts.columns = [CLASS_NAMES[label] for label in counts.columns]
    return counts.assign(pictures=counts.sum(axis=1)).reset_index()
