"""Whether the probabilities mean what they say, and what is gained by not always answering."""

import matplotlib.pyplot as plt
import pandas as pd

from utils.plots.style import PLAIN_COLOUR, REFERENCE_COLOUR, make_axes


def reliability(before: pd.DataFrame | None, after: pd.DataFrame, axes=None):
    """Share of Stress, or of people who see it, against P(Stress), pictures a bin below; two Axes for each of both.

    Args:
        before: from `calibration.reliability_table`, without the temperature; None: it is 1, there is one column.
        after: from there too, with it.
        axes: (2, columns) of them to draw on; None: new ones.
    """
    columns = [(before, REFERENCE_COLOUR, "Without the temperature"), (after, PLAIN_COLOUR, "With it, as saved")]
    if before is None:
        columns = [(after, PLAIN_COLOUR, "As saved")]
    if axes is None:
        size = (4.3 * len(columns), 5.2)
        axes = plt.subplots(
            2, len(columns), sharex=True, sharey="row", height_ratios=(3, 1), squeeze=False, figsize=size
        )[1]
    for column, (table, colour, title) in enumerate(columns):
        above, below = axes[0, column], axes[1, column]
        above.plot([0, 1], [0, 1], ":", color=REFERENCE_COLOUR, label="perfectly calibrated")
        errors = [table["share"] - table["low"], table["high"] - table["share"]]
        above.errorbar(
            table["probability"], table["share"], errors, fmt="o", color=colour, markersize=4, linewidth=1.4,
            label="pictures in a bin, 95 % interval",
        )  # fmt: skip
        above.set(title=title, xlim=(0, 1), ylim=(-0.03, 1.03))
        width = table["to"] - table["from"]
        below.bar(table["from"], table["pictures"], width, align="edge", color=colour, alpha=0.6)
        below.set(xlabel=f"P(Stress), 15 bins (n = {table['pictures'].sum():,})")
    axes[0, 0].set_ylabel("Stress [mean share]")
    axes[1, 0].set_ylabel("pictures")
    axes[0, 0].legend(fontsize=8, loc="upper left")
    return axes


def risk_coverage(curve: pd.DataFrame, target_accuracy: float, abstention: dict | None, ax=None):
    """Accuracy of the surest answers against how many are given, with a 95 % band.

    Args:
        curve: from `selective.risk_coverage`, on the test pictures.
        target_accuracy: what was to be promised.
        abstention: `abstention` in reports/SCHEMA.md; what the threshold reached is marked.
        ax: to draw on; None: a new one.
    """
    ax = make_axes(ax, 7, 3.6)
    ax.fill_between(curve["coverage"], curve["low"], curve["high"], color=PLAIN_COLOUR, alpha=0.2, linewidth=0)
    ax.plot(curve["coverage"], curve["accuracy"], color=PLAIN_COLOUR, label="the surest answers on test, 95 % band")
    target = f"target: {100 * target_accuracy:g} % right"
    ax.axhline(target_accuracy, color=REFERENCE_COLOUR, linestyle=":", label=target)
    if abstention:
        chosen = (abstention["validation_coverage"], abstention["validation_accuracy"])
        ax.plot(
            *chosen, "D", color=PLAIN_COLOUR, markerfacecolor="#fefefe", label="threshold, where chosen: validation"
        )
        if abstention["accuracy"]["value"] is not None:
            reached = (abstention["coverage"]["value"], abstention["accuracy"]["value"])
            ax.plot(*reached, "D", color=PLAIN_COLOUR, label="the same threshold on test")
    answered = f"test pictures answered [share] (n = {curve['pictures'].iloc[-1]:,})"
    ax.set(title="Answering only when sure", xlabel=answered, ylabel="answered right [share]", xlim=(0, 1.02))
    ax.legend(fontsize=8)
    return ax
