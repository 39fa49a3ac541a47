"""What a data set looks like: classes, sizes, brightness, pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from utils.labels import CLASS_NAMES
from utils.plots.style import LABEL_COLOURS, make_axes

FEWEST_AVERAGED = 10
"""Different pictures, below which their mean would show who is in them."""


def class_balance(records: pd.DataFrame, ax=None):
    """Pictures per class, as bars coloured by label. Records have `class` and `label`."""
    order = records.groupby("class")["label"].first().sort_values(kind="stable").index
    ax = make_axes(ax, 7, 0.36 * len(order) + 1.2)
    counts = records.groupby(["class", "label"]).size().reset_index(name="pictures")
    counts["answer"] = counts["label"].map(lambda label: CLASS_NAMES[label])
    sns.barplot(
        counts, y="class", x="pictures", hue="answer", order=list(order), hue_order=list(CLASS_NAMES),
        palette=LABEL_COLOURS, saturation=1, dodge=False, ax=ax,
    )  # fmt: skip
    for bars in ax.containers:
        ax.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=9)
    ax.margins(x=0.12)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(title=f"Pictures per class (n = {len(records):,})", xlabel="pictures", ylabel="")
    ax.legend(title="counted as", loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def size_and_brightness(records: pd.DataFrame, axes=None):
    """Histograms of the raw pictures' longer side and of mean brightness by label; two Axes."""
    axes = axes if axes is not None else plt.subplots(1, 2, figsize=(10, 3.6))[1]
    side = records[["width", "height"]].max(axis=1)
    sns.histplot(x=side, ax=axes[0], color="#555555", discrete=side.nunique() < 20)
    axes[0].set(title=f"Size as delivered (n = {len(records):,})", xlabel="longer side [pixels]", ylabel="pictures")
    if side.nunique() == 1:
        axes[0].set_xlim(side.iloc[0] - 5, side.iloc[0] + 5)
    named = records.assign(answer=records["label"].map(lambda label: CLASS_NAMES[label]))
    sns.histplot(
        named, x="brightness", hue="answer", hue_order=list(CLASS_NAMES), palette=LABEL_COLOURS, bins=40,
        element="step", stat="density", common_norm=False, ax=axes[1],
    )  # fmt: skip
    axes[1].set(title="Brightness", xlabel="mean of the pixels [0 to 255]", ylabel="density")
    axes[1].get_legend().set_title("")
    return axes


def contact_sheet(records: pd.DataFrame, pixels: np.ndarray, columns: int = 10, seed: int = 0, axes=None):
    """A row of random pictures for each class. Records in the order of pixels, uint8 (n, 48, 48, 3)."""
    names = sorted(set(records["class"]))
    if axes is None:
        axes = plt.subplots(len(names), columns, figsize=(columns, len(names) + 0.2), squeeze=False)[1]
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


def pictures(pictures: np.ndarray, titles: list[str], columns: int = 6):
    """Pictures, uint8 (n, 48, 48, 3), with a short title above each."""
    rows = -(-len(pictures) // columns)
    axes = plt.subplots(rows, columns, figsize=(1.7 * columns, 2.1 * rows), squeeze=False)[1]
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
