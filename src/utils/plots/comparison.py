"""Models side by side, one beside people, one under several mappings, and one trained with several settings."""

import matplotlib.pyplot as plt

from utils.evaluation.registry import list_metrics, show_percent
from utils.plots.scores import draw_interval, name_rows
from utils.plots.style import PLAIN_COLOUR, REFERENCE_COLOUR, make_axes

# told apart by shape: colours are the labels' and the models'
_VERDICTS: dict[str, dict] = {
    "better": {"color": PLAIN_COLOUR, "marker": "o"},
    "worse": {"color": PLAIN_COLOUR, "marker": "s", "markerfacecolor": "#fefefe"},
    "cannot be told apart": {"color": REFERENCE_COLOUR, "marker": "|", "markersize": 11},
}


def differences(comparisons: list[dict], axes=None):
    """Second model minus first, with 95 % intervals, each marked with its verdict; an Axes a compared figure.

    Args:
        comparisons: `comparison` in reports/SCHEMA.md.
        axes: as many to draw on; None: new ones.
    """
    metrics = list_metrics("comparison", "stress")
    axes = _make_row(axes, len(metrics), 1.6 + 0.5 * len(comparisons))
    for ax, metric in zip(axes, metrics, strict=True):
        ax.axvline(0, color=PLAIN_COLOUR, linewidth=0.8)
        for height, comparison in enumerate(comparisons):
            difference = metric.find(comparison)
            draw_interval(ax, difference, height, **_VERDICTS[difference["verdict"]])
        title = f"{metric.title} ({'left' if metric.lower_is_better else 'right'} is better)"
        ax.set(title=title, xlabel="difference" + (f" [{metric.unit.axis}]" if metric.unit.axis else ""))
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=5)
    pictures = sum(comparisons[0]["agreement"].values())
    axes[0].set_xlabel(f"{axes[0].get_xlabel()} (n = {pictures:,})")
    name_rows(axes[0], [f"{comparison['second']}\nminus {comparison['first']}" for comparison in comparisons])
    handles = [plt.Line2D([], [], **look) for look in _VERDICTS.values()]
    axes[0].figure.legend(handles, list(_VERDICTS), loc="outside lower center", ncols=3)
    return axes


def _make_row(axes, count: int, height: float):
    """`axes` themselves, or so many new ones side by side, that many inches high."""
    if axes is not None:
        return axes
    return plt.subplots(1, count, sharey=True, figsize=(9.5, height), layout="constrained")[1]


def effects(trained: dict[str, list[dict]], axes=None):
    """Validation figures of repeated trainings by setting: a point a run, a line for the means; an Axes a figure.

    Args:
        trained: by setting, of each run `stress` as in reports/SCHEMA.md, as far as `choose_on_validation` gives it.
        axes: as many to draw on; None: new ones.
    """
    metrics = list_metrics("comparison", "stress")
    axes = _make_row(axes, len(metrics), 1.5 + 0.4 * len(trained))
    for ax, metric in zip(axes, metrics, strict=True):
        found = [[metric.find(run) for run in runs] for runs in trained.values()]
        means = [sum(values) / len(values) for values in found]
        ax.plot(means, range(len(means)), "|-", color=PLAIN_COLOUR, linewidth=1.2, markersize=14, markeredgewidth=2)
        for height, values in enumerate(found):
            ax.plot(values, [height] * len(values), "o", color=REFERENCE_COLOUR, markersize=5, alpha=0.7)
        title = f"{metric.title} ({'left' if metric.lower_is_better else 'right'} is better)"
        ax.set(title=title, xlabel=metric.unit.axis or metric.figure.upper())
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=5)
    name_rows(axes[0], list(trained))
    handles = [
        plt.Line2D([], [], linestyle="", marker="o", color=REFERENCE_COLOUR, label="a run"),
        plt.Line2D([], [], marker="|", markersize=11, color=PLAIN_COLOUR, label="mean"),
    ]
    axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return axes


def mappings(scored: dict[str, dict], ax=None):
    """Accuracy under each mapping with its 95 % interval, beside the majority-class baseline.

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
    ax.plot([], [], "|", color=REFERENCE_COLOUR, markersize=10, markeredgewidth=2.5, label="majority-class baseline")
    ax.plot([], [], "o-", color=PLAIN_COLOUR, label="the network, 95 % interval")
    shares = [
        f"{name.replace('-', ', ')}\n{show_percent(figures['prevalence']['value'])} Stress"
        for name, figures in scored.items()
    ]
    name_rows(ax, shares)
    right = f"share of test pictures answered right (n = {next(iter(scored.values()))['count']:,})"
    ax.set(title="One network, by which emotions count as Stress", xlabel=right)
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def people_and_model(panels: list[dict], label: dict | None = None, ax=None):
    """How often drawn people, and the model, agree with the majority of the remaining people, with 95 % bands.

    Args:
        panels: of `people` in reports/SCHEMA.md.
        label: from there, too: the data set's own labels on the same people; None where there are none.
        ax: to draw on; None: a new one.
    """
    ax = make_axes(ax, 6.4, 3.8)
    sizes = [panel["size"] for panel in panels]
    # told apart by shape: colours are the labels' and the models'
    rows = [
        (panels, "people", "as many people", {"color": REFERENCE_COLOUR, "marker": "s", "markerfacecolor": "#fefefe"}),
        (panels, "model", "the model", {"color": PLAIN_COLOUR, "marker": "o"}),
    ]
    for table, key, name, look in rows:
        low, value, high = ([panel[key][end] for panel in table] for end in ("low", "value", "high"))
        ax.fill_between(sizes, low, high, color=look["color"], alpha=0.2, linewidth=0)
        ax.plot(sizes, value, label=f"{name}, 95 % band", markersize=5, **look)
    if label:
        agreed = [panel["model"]["value"] for panel in label["panels"]]
        own = [panel["size"] for panel in label["panels"]]
        ax.plot(own, agreed, "--", color=REFERENCE_COLOUR, label="the data set's own label")
    ax.set_xticks(sizes)
    ax.margins(x=0.06)
    pictures = sorted({panel["pictures"] for panel in panels})
    counted = f"people drawn (n = {' to '.join(f'{count:,}' for count in pictures[:: max(len(pictures) - 1, 1)])})"
    ax.set(
        title="Agreement with the majority of the remaining people", xlabel=counted, ylabel="agree on Stress [share]"
    )
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return ax
