"""How a model does on corrupted pictures, and on slices."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.transforms import offset_copy

from utils.plots.style import PLAIN_COLOUR, REFERENCE_COLOUR, make_axes


def robustness(table: pd.DataFrame, axes=None):
    """A panel a corruption: accuracy over strength with its 95 % band. Table from `robustness.measure_robustness`."""
    changes = list(table["change"].unique())
    if axes is None:
        columns = 4
        rows = -(-len(changes) // columns)
        axes = plt.subplots(rows, columns, figsize=(9.5, 2.5 * rows), sharey=True, squeeze=False)[1]
    for ax, change in zip(np.ravel(axes), changes, strict=False):
        part = table[table["change"] == change]
        ax.fill_between(part["step"], part["low"], part["high"], color=PLAIN_COLOUR, alpha=0.2, linewidth=0)
        ax.plot(part["step"], part["accuracy"], "o-", color=PLAIN_COLOUR, markersize=3.5)
        ax.axhline(table["majority_accuracy"].iloc[0], linestyle=":", color=REFERENCE_COLOUR)
        names = ["as is" if pd.isna(strength) else f"{strength:g}" for strength in part["strength"]]
        ax.set_xticks(part["step"], names, fontsize=8)
        ax.set_title(change, fontsize=10)
        ax.set_xlabel(part["unit"].iloc[0], fontsize=9)
    for ax in np.atleast_2d(axes)[:, 0]:
        ax.set_ylabel("accuracy")
    first = np.ravel(axes)[0]
    first.figure.suptitle(
        f"Stress or Non-stress on changed test pictures (n = {table['pictures'].iloc[0]:,}; band: 95 %, dotted: "
        "majority-class baseline)",
        fontsize=10,
    )
    return axes


def slices(table: pd.DataFrame, accuracy: float, ax=None):
    """A line a slice: accuracy with its 95 % interval, against that on all pictures.

    Args:
        table: from `slices.measure_slices`; of ways to slice in which nothing stands out, nothing is drawn.
        accuracy: on all pictures.
        ax: to draw on; None: a new one.
    """
    table = table[table["stands_out"].groupby(table["by"]).transform("any")]
    ax = make_axes(ax, 5, 0.5 * len(table) + 0.3 * table["by"].nunique() + 1.6)
    # a gap between one way to slice and the next
    height = np.arange(len(table)) + 0.7 * (table["by"] != table["by"].shift()).cumsum()
    for out, colour, marker in ((False, REFERENCE_COLOUR, "o"), (True, PLAIN_COLOUR, "D")):
        rows = (table["stands_out"] == out).to_numpy()
        part = table[rows]
        if len(part):
            spans = (part["accuracy"] - part["low"], part["high"] - part["accuracy"])
            label = "better or worse than the rest" if out else "cannot be told from the rest"
            ax.errorbar(part["accuracy"], height[rows], xerr=spans, fmt=marker, color=colour, markersize=4, label=label)
    ax.axvline(accuracy, linestyle=":", color=REFERENCE_COLOUR, label=f"all pictures: {accuracy:.3f}")
    names = [f"{row.by}:\n{row.slice}\nn = {row.pictures:,}".replace("_", " ") for row in table.itertuples()]
    ax.set_yticks(height, names, fontsize=9)
    ax.set_ylim(height.max() + 0.8, height.min() - 0.8)
    ax.set(title="Accuracy on slices", xlabel="accuracy, with 95 % interval", ylabel="")
    ax.locator_params(axis="x", nbins=5)
    below = offset_copy(ax.transAxes, ax.figure, y=-36, units="points")  # under the axis's numbers and name
    ax.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below)
    return ax
