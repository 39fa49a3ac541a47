"""How good the answers on the test pictures are."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.transforms import offset_copy

from utils.evaluation.bootstrap import as_proportion
from utils.evaluation.metrics import SEED_PROJECT, roc_points
from utils.evaluation.registry import BY_KEY
from utils.labels import THRESHOLD
from utils.plots.style import MODEL_COLOURS, PLAIN_COLOUR, REFERENCE_COLOUR, SEED_COLOUR, make_axes

_CORNERS = (0.15, 0.25, 0.4)
"""Sides of the corner of an ROC curve that may be drawn larger."""

_WITHOUT_COPIES = 0.22  # how far below a model's own row its figure without copies stands


def draw_interval(ax, figure: dict, height: float, **options) -> None:
    """A point and its 95 % interval at a height; nothing where the figure is undefined."""
    if figure["value"] is None:
        return
    (line,) = ax.plot([figure["low"], figure["high"]], [height, height], color=options.get("color"), linewidth=1.6)
    ax.plot(figure["value"], height, **{"marker": "o", "color": line.get_color(), "linestyle": ""} | options)


def name_rows(ax, names) -> None:
    """Write names to the left of the heights 0, 1, ..., the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)


def confusion(confusion: list[list[int]], names: list[str], title: str, ax=None):
    """A confusion matrix: counts written, colour by the share of each true class."""
    counts = np.asarray(confusion)
    ax = make_axes(ax, 0.75 * len(names) + 2.4, 0.6 * len(names) + 1.6)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    sns.heatmap(
        shares, annot=counts, fmt=",d", cmap="Blues", vmin=0, vmax=1, square=True, cbar=False,
        xticklabels=names, yticklabels=names, annot_kws={"fontsize": 9}, ax=ax,
    )  # fmt: skip
    ax.set(title=f"{title} (n = {counts.sum():,})", xlabel="answer", ylabel="truth")
    ax.tick_params(axis="y", rotation=0)
    return ax


def roc(labels: np.ndarray, p_stress_by_model: dict[str, np.ndarray], scores_by_model: dict[str, dict], ax=None):
    """ROC of Stress against Non-stress, a curve a model; scores give the AUROC in the legend.

    Where all models say Stress from 50 % on in the upper left corner, that is drawn larger in an inset.
    """
    ax = make_axes(ax, 5.2, 6)
    chosen = {
        model: [float((p_stress[labels == label] >= THRESHOLD).mean()) for label in (0, 1)]
        for model, p_stress in p_stress_by_model.items()
    }
    corner = next((side for side in _CORNERS if all(x < side and y > 1 - side for x, y in chosen.values())), None)
    drawn = [ax]
    if corner:
        drawn.append(ax.inset_axes((0.36, 0.1, 0.6, 0.6), xlim=(0, corner), ylim=(1 - corner, 1)))
        ax.indicate_inset_zoom(drawn[1], edgecolor=REFERENCE_COLOUR)
    for model, p_stress in p_stress_by_model.items():
        label = f"{model}, AUROC {scores_by_model[model]['stress']['auroc']['value']:.3f}"
        for axes in drawn:
            axes.plot(*roc_points(labels, p_stress), color=MODEL_COLOURS.get(model), label=label)
            axes.plot(*chosen[model], "o", color=MODEL_COLOURS.get(model), markersize=6)
    ax.plot([], [], "o", color=PLAIN_COLOUR, label="Stress said from 50 % on")
    ax.plot([0, 1], [0, 1], ":", color=REFERENCE_COLOUR, label="guessing, AUROC 0.5")
    ax.set(
        title=f"ROC on the test pictures (n = {len(labels):,})",
        xlabel="Non-stress pictures called Stress [share]",
        ylabel="Stress pictures called Stress [share]",
        aspect="equal",
    )
    ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    return ax


def against_references(scores_by_model: dict[str, dict], axes=None):
    """Accuracy, AUROC and log-loss of each model with 95 % intervals, hollow without copies; three Axes.

    Args:
        scores_by_model: `model` in reports/SCHEMA.md.
        axes: three to draw on; None: new ones.
    """
    if axes is None:
        size = (9.5, 1.9 + 0.5 * len(scores_by_model))
        axes = plt.subplots(1, 3, sharey=True, figsize=size, layout="constrained")[1]
    kept = {
        model: scores["without_copies"]["stress"]
        for model, scores in scores_by_model.items()
        if scores["without_copies"] and scores["without_copies"]["stress"]["count"] < scores["stress"]["count"]
    }
    hollow = {"marker": "o", "markerfacecolor": "#fefefe"}
    metrics = [BY_KEY[f"stress.{figure}"] for figure in ("accuracy", "auroc", "log_loss")]
    for ax, metric in zip(axes, metrics, strict=True):
        ax.set_title(f"{metric.title} ({metric.direction})")
        for height, (model, scores) in enumerate(scores_by_model.items()):
            colour = MODEL_COLOURS.get(model)
            draw_interval(ax, scores["stress"][metric.figure], height, color=colour)
            if model in kept:
                draw_interval(ax, kept[model][metric.figure], height + _WITHOUT_COPIES, color=colour, **hollow)
    name_rows(axes[0], list(scores_by_model))
    stress = next(iter(scores_by_model.values()))["stress"]
    prevalence = stress["prevalence"]["value"]
    guesser = -(prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
    references = (stress["majority_accuracy"]["value"], 0.5, guesser)
    for ax, reference in zip(axes, references, strict=True):
        ax.axvline(reference, color=REFERENCE_COLOUR, linestyle=":", label=f"without looking: {reference:.3f}")
    for ax, figure in ((axes[0], "accuracy"), (axes[2], "log_loss")):
        seed = SEED_PROJECT[figure]
        ax.axvline(seed, color=SEED_COLOUR, linestyle="--", label=f"student project, other pictures: {seed:.3f}")
    if kept:
        axes[1].plot([], [], linestyle="", color=REFERENCE_COLOUR, label="hollow: without copies", **hollow)
    axes[0].set_xlabel(f"answered right [share] (n = {stress['count']:,})")
    axes[1].set_xlabel("pairs in the right order [share]")
    axes[2].set_xlabel(metrics[2].unit.axis)
    for ax in axes:
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=5)
        # under the axis's numbers and name, however high the panel
        below = offset_copy(ax.transAxes, ax.figure, y=-36, units="points")
        ax.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, borderpad=0, borderaxespad=0)
    return axes


def per_class(per_class: dict[str, dict], ax=None):
    """Precision, recall and F1 of each class with 95 % intervals.

    Args:
        per_class: by name, `class` in reports/SCHEMA.md.
        ax: to draw on; None: a new one.
    """
    ax = make_axes(ax, 7, 0.55 * len(per_class) + 1.6)
    # told apart by shape: colours are the labels' and the models'
    looks = {
        "recall": {"color": PLAIN_COLOUR, "marker": "o", "markersize": 5},
        "precision": {"color": PLAIN_COLOUR, "marker": "s", "markersize": 5, "markerfacecolor": "#fefefe"},
        "f1": {"color": REFERENCE_COLOUR, "marker": "D", "markersize": 5},
    }
    for height, figures in enumerate(per_class.values()):
        for position, (figure, look) in enumerate(looks.items()):
            shown = as_proportion(figures[figure], figures["count"]) if figure == "recall" else figures[figure]
            draw_interval(ax, shown or figures[figure], height + 0.24 * (position - 1), **look)
    for figure, look in looks.items():
        ax.plot([], [], linestyle="", label="F1" if figure == "f1" else figure, **look)
    name_rows(ax, [f"{name} (n = {figures['count']:,})" for name, figures in per_class.items()])
    ax.set(title="Each class, with 95 % intervals", xlabel="share", xlim=(-0.02, 1.02))
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return ax
