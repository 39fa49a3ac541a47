"""Which records train, which validate, which test."""

import pandas as pd
from sklearn.model_selection import train_test_split

from utils.data.audit import add_flag, has_flag, is_copied, is_near
from utils.data.votes import UNJUDGED
from utils.labels import CLASS_NAMES, NO_MAJORITY

SPLITS = ("train", "validation", "test", "none")
"""`none`: kept in the table, used for nothing."""

_SEVERAL = "several classes"


def assign_splits(records: pd.DataFrame, validation_fraction: float, test_fraction: float, seed: int) -> pd.DataFrame:
    """Keep published splits, cut missing ones from training, and let no group be on two sides.

    Pictures of which people say no class are taken out, but for those of a published test split. Pictures that are
    nearly the same as a test picture, or whose group is in test, are taken out of training and validation, then those
    that are so with validation out of training. A cut takes whole groups, stratified by class.

    Args:
        records: with `split` (train, validation, test, or empty where none is published), `group`, `class`, `label`,
            `judgement`, `sha256`, `near` and `flags`, as `audit.audit_pictures` gives them.
        validation_fraction: share of the training groups that validate, where no validation is published.
        test_fraction: share of the groups that test, where no test split is published.
        seed: of the cuts.

    Returns:
        The records with one of SPLITS each, and the flags `near-leak` on what was taken out for a near-duplicate,
        `copied` on test pictures of which something lies outside test.

    Raises:
        ValueError: a fraction is out of range, or a class or the test split has too few different pictures.
    """
    for name, fraction in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise ValueError(f"{name} {fraction}: expected a number above 0 and below 1.")
    unjudged = records["judgement"].isin(UNJUDGED)
    split = records["split"].replace("", "train").mask(unjudged & (records["split"] != "test"), "none")
    near_leak = pd.Series(False, index=records.index)
    for side, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if not (split == side).any():
            split = _cut(records, split, side, fraction, seed)
        chosen, learnt = split == side, split.isin(["train", "validation"]) & (split != side)
        near = learnt & is_near(records, chosen)
        split = split.mask(near | learnt & records["group"].isin(set(records.loc[chosen, "group"])), "none")
        near_leak |= near & ~has_flag(records, "leak")
    _require_classes(records[~unjudged], split[~unjudged])
    flagged = records.assign(split=split, flags=add_flag(records, "near-leak", near_leak))
    return flagged.assign(flags=add_flag(flagged, "copied", is_copied(records, split == "test")))


def _cut(records: pd.DataFrame, split: pd.Series, side: str, fraction: float, seed: int) -> pd.Series:
    """Move a share of the training groups to `side`: of those of each class, and of those of several classes."""
    classes = records[split == "train"].groupby("group", sort=False)["class"].agg(["first", "nunique"])
    stratum = classes["first"].where(classes["nunique"] == 1, _SEVERAL)
    counts = stratum.value_counts()
    several = counts.get(_SEVERAL, 0)
    if counts.empty:
        count = (split == "none").sum()
        raise ValueError(
            f"No picture is left to train on: each of the {count:,} outside test has a copy or near-duplicate in it, or"
            " is of a person in it. Expected others in train than in test."
        )
    if counts.drop(_SEVERAL, errors="ignore").lt(2).any() and several < 2:
        raise ValueError(
            f"Cutting {side} from training needs 2 or more different pictures of each class; found {counts.to_dict()}."
        )
    # a group that is alone in its kind stays in training
    stratum = stratum[stratum.map(counts) >= 2]
    kinds = stratum.nunique()
    # from one group, one person for example, no interval could be had
    if len(stratum) <= kinds:
        raise ValueError(
            f"Too few different pictures to cut {side} from training: {len(classes):,} left, copies of one another and"
            " pictures of one person counted once. Expected 4 or more: two to test, one to validate, one to train."
        )
    size = min(max(round(fraction * len(stratum)), kinds, 2 if side == "test" else 1), len(stratum) - kinds)
    _, moved = train_test_split(stratum.index, test_size=size, stratify=stratum, random_state=seed)
    return split.mask((split == "train") & records["group"].isin(set(moved)), side)


def _require_classes(records: pd.DataFrame, split: pd.Series) -> None:
    """Every class must be trained on, both labels must be validated and tested, the latter in more than one group."""
    for side in ("train", "validation", "test"):
        part = records[split == side]
        missing = set(records["class"]) - set(part["class"]) if side == "train" else set()
        if missing or not {0, 1} <= set(part["label"]):
            found = part["class"].value_counts().to_dict()
            expected = "every class" if side == "train" else f"both {' and '.join(CLASS_NAMES)}"
            raise ValueError(
                f"Too few different pictures: expected {expected} in {side}, found {found or 'none'}."
                + "".join(f" {_say_where(records, split, name)}" for name in sorted(missing))
            )
    if records.loc[split == "test", "group"].nunique() < 2:
        raise ValueError("All test pictures are of one person, or copies of one: expected two or more in test.")


def _say_where(records: pd.DataFrame, split: pd.Series, name: str) -> str:
    """Where all pictures of a class are that is not trained on."""
    sides = split[records["class"] == name].value_counts()
    where = " and ".join(f"{'set aside' if side == 'none' else side} ({count})" for side, count in sides.items())
    return f'{name} is only in {where}: add training pictures of it, or leave it out with CLASSES="{name}=skip".'


def tabulate_splits(records: pd.DataFrame) -> pd.DataFrame:
    """Pictures of each label in each split: `split`, the names in CLASS_NAMES, NO_MAJORITY if needed, `pictures`."""
    counts = records.groupby(["split", "label"]).size().unstack(fill_value=0)
    counts = counts.reindex([split for split in SPLITS if split in counts.index])
    counts = counts.rename(columns=dict(enumerate(CLASS_NAMES)) | {-1: NO_MAJORITY})
    counts = counts[[name for name in (*CLASS_NAMES, NO_MAJORITY) if name in counts]]
    return counts.assign(pictures=counts.sum(axis=1)).reset_index()
