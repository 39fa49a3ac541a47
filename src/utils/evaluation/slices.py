"""Whether a model is worse on some slice of the pictures: arrays in, a table out."""

import numpy as np
import pandas as pd
from scipy.ndimage import laplace
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.05

FEWEST_PICTURES = 20
"""In a slice, and outside it: fewer give no figure worth reading."""

FEWEST_GROUPS = 5
"""As many persons, where they are known: from fewer, how much persons differ cannot be told."""

MOST_VALUES = 12
"""A column with more different texts is a name, not a kind; one with more different numbers is cut into thirds."""

_NO_KIND = ("file", "subject")


def slice_by_condition(images: np.ndarray) -> pd.DataFrame:
    """Thirds of brightness, contrast and sharpness, as text: `brightness`, `contrast`, `sharpness`.

    Brightness is the mean of the pixels, contrast their standard deviation, sharpness the logarithm of the
    variance of the Laplacian (Pech-Pacheco et al. 2000).

    Args:
        images: uint8 (n, 48, 48, 3), RGB.
    """
    grey = np.stack([picture.mean(axis=2) for picture in images])
    sharpness = np.log1p([laplace(picture).var() for picture in grey])
    measured = {"brightness": grey.mean(axis=(1, 2)), "contrast": grey.std(axis=(1, 2)), "sharpness": sharpness}
    return pd.DataFrame({name: _cut_in_thirds(pd.Series(values)) for name, values in measured.items()})


def slice_by_attributes(attributes: pd.DataFrame | None, files: pd.Series) -> pd.DataFrame:
    """The columns of attributes.csv that give slices, as text, missing where not known.

    Args:
        attributes: key `file`, as `dataset.read_attributes` gives them, or None.
        files: of the pictures, in their order.
    """
    slices = pd.DataFrame(index=range(len(files)))
    if attributes is None:
        return slices
    rows = attributes.set_index("file").reindex(files).reset_index(drop=True)
    for name, column in rows.drop(columns=list(_NO_KIND), errors="ignore").items():
        if column.nunique() > MOST_VALUES and pd.api.types.is_numeric_dtype(column):
            slices[name] = _cut_in_thirds(column)
        elif 1 < column.nunique() <= MOST_VALUES:
            slices[name] = column.map(str, na_action="ignore")
    return slices


def _cut_in_thirds(values: pd.Series) -> pd.Series:
    bins = pd.qcut(values, 3, duplicates="drop")
    # pandas opens the first interval a little below the smallest value
    least = values.min()
    whole = len(f"{values.abs().max():.0f}")
    # numbers may differ in the last digits alone; 17 tell any two apart
    for digits in range(min(max(3, whole), 17), 18):
        names = {each: f"{max(each.left, least):.{digits}g} to {each.right:.{digits}g}" for each in bins.cat.categories}
        if len(set(names.values())) == len(names):
            break
    return bins.map(names, na_action="ignore").astype(object)


def measure_slices(right: np.ndarray, slices: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """Accuracy in each slice and outside it; which differences are more than chance among so many slices.

    Pictures of one group are not independent. The variance of an accuracy and of a difference is that of
    group totals (linearised: Cochran 1977, "Sampling Techniques", 9A), at least the binomial one; Wilson's
    interval is taken at the number of independent pictures that would have that variance. P-values are
    two-sided, and corrected over all slices by Holm's method; two slices that make up all pictures count once.

    Args:
        right: bool (n,), whether each picture was answered right.
        slices: n rows, a column a way to slice, missing where not known.
        groups: (n,), any values.

    Returns:
        `by`, `slice`, `pictures`, `accuracy`, `low`, `high`, `difference` (from the pictures outside the
        slice), `difference_low`, `difference_high` (its 95 % interval), `detectable` (what would have been seen four
        times of five, before the correction), `p_holm`, `stands_out`; slices of fewer than FEWEST_PICTURES or
        FEWEST_GROUPS are left out.

    Raises:
        ValueError: lengths differ.
    """
    if not len(right) == len(slices) == len(groups):
        raise ValueError(f"{len(right)} answers, {len(slices)} rows, {len(groups)} groups: expected one length.")
    right, group = np.asarray(right, dtype=np.float64), pd.factorize(np.asarray(groups))[0]
    rows = []
    for by in slices:
        known = slices[by].notna().to_numpy()
        values = sorted(slices[by][known].unique(), key=_by_number)
        for value in values:
            inside = (slices[by] == value).to_numpy()
            parts = inside, known & ~inside
            if all(_is_large_enough(group[part]) for part in parts):
                # the second of two complementary slices has the first one's difference, turned
                twice = {"twice": value == values[1] if len(values) == 2 else False}
                rows.append({"by": by, "slice": value} | twice | _compare(right, *parts, group))
    table = pd.DataFrame(
        rows,
        columns=["by", "slice", "twice", "pictures", "accuracy", "low", "high", "difference", "difference_low",
                 "difference_high", "detectable", "p", "p_holm", "stands_out"],
    )  # fmt: skip
    if len(table):
        counted = ~table["twice"].astype(bool)
        table.loc[counted, "p_holm"] = multipletests(table.loc[counted, "p"], LEVEL, method="holm")[1]
        table["p_holm"] = table["p_holm"].astype(float).ffill()
    table["stands_out"] = table["p_holm"] < LEVEL
    return table.drop(columns=["p", "twice"])


def _is_large_enough(group: np.ndarray) -> bool:
    return len(group) >= FEWEST_PICTURES and len(np.unique(group)) >= FEWEST_GROUPS


def _by_number(value: str) -> tuple[float, str]:
    """Sort "5 to 10" before "10 to 20", and words by themselves."""
    try:
        return float(value.split(" to ")[0]), value
    except ValueError:
        return np.inf, value


def _compare(right: np.ndarray, inside: np.ndarray, outside: np.ndarray, group: np.ndarray) -> dict:
    count, rest = inside.sum(), outside.sum()
    accuracy, other = right[inside].mean(), right[outside].mean()
    # a picture's pull on the accuracy in the slice, and on the one outside
    pull, other_pull = inside * (right - accuracy) / count, outside * (right - other) / rest
    binomial = accuracy * (1 - accuracy) / count
    variance = max(_sum_over_groups(pull, group), binomial)
    effective = count * binomial / variance if variance else count
    low, high = proportion_confint(accuracy * effective, effective, method="wilson")
    pooled = right[inside | outside].mean()
    spread = max(_sum_over_groups(pull - other_pull, group), pooled * (1 - pooled) * (1 / count + 1 / rest))
    p = 2 * norm.sf(abs(accuracy - other) / np.sqrt(spread)) if spread else 1.0
    return {
        "pictures": int(count),
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "difference": accuracy - other,
        "difference_low": accuracy - other - norm.ppf(1 - LEVEL / 2) * np.sqrt(spread),
        "difference_high": accuracy - other + norm.ppf(1 - LEVEL / 2) * np.sqrt(spread),
        "detectable": (norm.ppf(1 - LEVEL / 2) + norm.ppf(0.8)) * np.sqrt(spread),
        "p": p,
    }


def _sum_over_groups(pull: np.ndarray, group: np.ndarray) -> float:
    """The variance of a sum whose terms go together within groups."""
    totals = np.bincount(group, weights=pull)
    touched = len(np.unique(group[pull != 0]))
    return float((totals**2).sum() * touched / max(touched - 1, 1))
