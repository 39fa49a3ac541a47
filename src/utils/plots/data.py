"""What a data set looks like: classes, sizes, brightness, pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from utils.evaluation.registry import show_percent
from utils.labels import CLASS_NAMES, NO_MAJORITY
from utils.plots.style import LABEL_COLOURS, PLAIN_COLOUR, REFERENCE_COLOUR, close_layout, make_axes

_ANSWERS = dict(enumerate(CLASS_NAMES)) | {-1: NO_MAJORITY}
_ANSWER_COLOURS = LABEL_COLOURS | {NO_MAJORITY: REFERENCE_COLOUR}

FEWEST_AVERAGED = 10
"""Different pictures, below which their mean would show who is in them."""


def class_balance(records: pd.DataFrame, ax=None):
    """Pictures per class, as bars in which each label has its part. Records have `class` and `label`."""
    counts = records.groupby(["class", "label"]).size().unstack(fill_value=0)
    shown = [label for label in _ANSWERS if label >= 0 or label in counts]
    counts = counts.reindex(columns=shown, fill_value=0)
    # classes of mostly one label stand together
    counts = counts.iloc[counts.idxmax(axis=1).argsort(kind="stable")].rename(columns=_ANSWERS)
    ax = make_axes(ax, 7, 0.36 * len(counts) + 1.2)
    counts.iloc[::-1].plot.barh(stacked=True, ax=ax, color=_ANSWER_COLOURS, width=0.8)
    ax.bar_label(ax.containers[-1], [f"{total:,}" for total in counts.sum(axis=1)[::-1]], padding=3, fontsize=9)
    ax.set_xlim(0, 1.15 * counts.sum(axis=1).max())  # room for the numbers
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(title=f"Pictures per class (n = {len(records):,})", xlabel="pictures", ylabel="")
    ax.legend(title="counted as", loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def agreement(votes: pd.DataFrame, ax=None):
    """Pictures by how many of the people who voted on each agree. Votes: a row a picture, a column an answer."""
    ax = make_axes(ax, 7, 3.2)
    agreed = votes.max(axis=1).value_counts().sort_index()
    bars = ax.bar(agreed.index, agreed, color=PLAIN_COLOUR)
    ax.bar_label(bars, [show_percent(count / len(votes)) for count in agreed], padding=2, fontsize=9)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set(title=f"How far people agree (n = {len(votes):,})", ylabel="pictures")
    ax.set_xlabel("people who gave the commonest answer on a picture")
    return ax


def sizes(records: pd.DataFrame, ax=None):
    """A histogram of the raw pictures' longer side, `width` or `height`."""
    ax = make_axes(ax, 6, 3.4)
    side = records[["width", "height"]].max(axis=1)
    sns.histplot(x=side, ax=ax, color="#555555", discrete=side.nunique() < 20)
    ax.set(title=f"Size as delivered (n = {len(records):,})", xlabel="longer side [pixels]", ylabel="pictures")
    return ax


def brightness(records: pd.DataFrame, ax=None):
    """Histograms of mean brightness, one a label."""
    ax = make_axes(ax, 6, 3.4)
    named = records[records["label"] >= 0].assign(answer=records["label"].map(_ANSWERS))
    sns.histplot(
        named, x="brightness", hue="answer", hue_order=list(CLASS_NAMES), palette=LABEL_COLOURS, bins=40,
        element="step", stat="density", common_norm=False, ax=ax,
    )  # fmt: skip
    ax.set(title=f"Brightness (n = {len(named):,})", xlabel="mean of the pixels [0 to 255]", ylabel="density")
    ax.get_legend().set_title("")
    return ax


def contact_sheet(records: pd.DataFrame, pixels: np.ndarray, columns: int = 6, seed: int = 0, axes=None):
    """A row of random pictures for each class. Records in the order of pixels, uint8 (n, 48, 48, 3)."""
    names = sorted(set(records["class"]))
    if axes is None:
        size = (1.5 * columns, 1.75 * len(names))
        axes = plt.subplots(len(names), columns, figsize=size, squeeze=False, layout=close_layout())[1]
    rng = np.random.default_rng(seed)
    for row, name in zip(axes, names, strict=True):
        positions = np.flatnonzero(records["class"] == name)
        chosen = rng.permutation(positions)[:columns]
        _fill_row(row, [pixels[position] for position in chosen], name)
    return axes


def average_faces(records: pd.DataFrame, pixels: np.ndarray, axes=None):
    """The mean picture of each class: what the classes look like without showing anyone.

    A mean of fewer than FEWEST_AVERAGED different pictures, which may be one of them, is not shown.

    Args:
        records: with `class` and `scene`, as `audit.audit_pictures` gives them.
        pixels: uint8 (n, 48, 48, 3), RGB, in the order of the records.
        axes: one for each class.
    """
    names = sorted(set(records["class"]))
    axes = axes if axes is not None else plt.subplots(1, len(names), figsize=(1.4 * len(names), 1.9))[1]
    for ax, name in zip(np.ravel(axes), names, strict=True):
        positions = np.flatnonzero(records["class"] == name)
        if records["scene"].iloc[positions].nunique() >= FEWEST_AVERAGED:
            ax.imshow(pixels[positions].mean(axis=0).round().astype(np.uint8))
        else:
            ax.text(0.5, 0.5, "too few\nto average", transform=ax.transAxes, ha="center", va="center", fontsize=8)
        ax.set_title(f"{name}\nn = {len(positions):,}", fontsize=9, loc="center", fontweight="normal")
        ax.axis("off")
    return axes


def pictures(pictures: np.ndarray, titles: list[str], columns: int = 6, inches: float = 1.6):
    """Pictures, uint8 (n, 48, 48, 3), each so many inches wide, with a short title above."""
    rows = -(-len(pictures) // columns)
    axes = plt.subplots(
        rows, columns, figsize=(inches * columns, (inches + 0.5) * rows), squeeze=False, layout=close_layout()
    )[1]
    for ax in np.ravel(axes):
        ax.axis("off")
    for ax, picture, title in zip(np.ravel(axes), pictures, titles, strict=False):
        ax.imshow(picture)
        ax.set_title(title, fontsize=9, loc="center", fontweight="normal")
    return axes


def _fill_row(row, pictures: list[np.ndarray], name: str) -> None:
    for ax in row:
        ax.axis("off")
    for ax, picture in zip(row, pictures, strict=False):
        ax.imshow(picture)
    row[0].set_title(name, fontsize=10)
