"""Models side by side, and one model under several mappings."""

import matplotlib.pyplot as plt

from utils.plots.scores import draw_interval, name_rows
from utils.plots.style import PLAIN_COLOUR, REFERENCE_COLOUR, make_axes

# told apart by shape: colours are the labels' and the models'
_VERDICTS: dict[str, dict] = {
    "better": {"color": PLAIN_COLOUR, "marker": "o"},
    "worse": {"color": PLAIN_COLOUR, "marker": "s", "markerfacecolor": "#fefefe"},
    "cannot be told apart": {"color": REFERENCE_COLOUR, "marker": "|", "markersize": 11},
}


def differences(comparisons: list[dict], axes=None):
    """Second row minus first, with 95 % intervals, each marked with its verdict; three Axes.

    Args:
        comparisons: `comparison` in reports/SCHEMA.md.
        axes: three to draw on; None: new ones.
    """
    if axes is None:
        size = (9.5, 1.6 + 0.5 * len(comparisons))
        axes = plt.subplots(1, 3, sharey=True, figsize=size, layout="constrained")[1]
    titles = {"accuracy": "Accuracy (right is better)", "auroc": "AUROC (right is better)"}
    titles |= {"log_loss": "Log-loss (left is better)"}
    for ax, (figure, title) in zip(axes, titles.items(), strict=True):
        ax.axvline(0, color=PLAIN_COLOUR, linewidth=0.8)
        for height, comparison in enumerate(comparisons):
            difference = comparison["stress"][figure]
            draw_interval(ax, difference, height, **_VERDICTS[difference["verdict"]])
        ax.set(title=title, xlabel="difference" + (" [nats a picture]" if figure == "log_loss" else ""))
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=5)
    pictures = sum(comparisons[0]["agreement"].values())
    axes[0].set_xlabel(f"difference (n = {pictures:,})")
    name_rows(axes[0], [f"{comparison['second']}\nminus {comparison['first']}" for comparison in comparisons])
    handles = [plt.Line2D([], [], **look) for look in _VERDICTS.values()]
    axes[0].figure.legend(handles, list(_VERDICTS), loc="outside lower center", ncols=3)
    return axes


def mappings(scored: dict[str, dict], ax=None):
    """Accuracy under each mapping with its 95 % interval, beside what always giving the commoner label reaches.

    Args:
        scored: by name, `mapping` in reports/SCHEMA.md.
        ax: to draw on; None: a new one.
    """
    ax = make_axes(ax, 8, 0.5 * len(scored) + 1.7)
    for height, figures in enumerate(scored.values()):
        majority = figures["majority_accuracy"]["value"]
        ax.plot([majority, figures["accuracy"]["value"]], [height, height], color=REFERENCE_COLOUR, linewidth=0.8)
        ax.plot(majority, height, "|", color=REFERENCE_COLOUR, markersize=14, markeredgewidth=2.5)
        draw_interval(ax, figures["accuracy"], height, color=PLAIN_COLOUR)
    ax.plot([], [], "|", color=REFERENCE_COLOUR, markersize=10, markeredgewidth=2.5, label="always the commoner label")
    ax.plot([], [], "o-", color=PLAIN_COLOUR, label="the network, 95 % interval")
    shares = [
        f"{name.replace('-', ', ')}\n{figures['prevalence']['value']:.0%} Stress" for name, figures in scored.items()
    ]
    name_rows(ax, shares)
    right = f"share of test pictures answered right (n = {next(iter(scored.values()))['count']:,})"
    ax.set(title="One network, by which emotions count as Stress", xlabel=right)
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return ax
