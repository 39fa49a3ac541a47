"""How good the answers on the test pictures are."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from utils.metrics import SEED_PROJECT, roc_points
from utils.plots.style import MODEL_COLOURS, REFERENCE_COLOUR, make_axes


def plot_confusion(confusion: list[list[int]], names: list[str], title: str, ax=None):
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


def plot_roc(labels: np.ndarray, p_stress_by_model: dict[str, np.ndarray], scores_by_model: dict[str, dict], ax=None):
    """ROC of Stress against Non-stress, a curve a model; scores give the AUROC in the legend."""
    ax = make_axes(ax, 4.8, 4.6)
    for model, p_stress in p_stress_by_model.items():
        label = f"{model}, AUROC {scores_by_model[model]['auroc']:.3f}"
        ax.plot(*roc_points(labels, p_stress), color=MODEL_COLOURS.get(model), label=label)
    ax.plot([0, 1], [0, 1], ":", color=REFERENCE_COLOUR, label="guessing, AUROC 0.5")
    ax.set(
        title=f"ROC on the test pictures (n = {len(labels):,})",
        xlabel="Non-stress pictures called Stress [share]",
        ylabel="Stress pictures called Stress [share]",
        aspect="equal",
    )
    ax.legend(fontsize=8, loc="lower right")
    return ax


def plot_against_references(scores_by_model: dict[str, dict], axes=None):
    """Test accuracy and log-loss of each model beside the majority class and the seed project; two Axes."""
    axes = axes if axes is not None else plt.subplots(1, 2, figsize=(10, 2.4 + 0.4 * len(scores_by_model)))[1]
    for ax, figure in zip(axes, ("accuracy", "log_loss"), strict=True):
        for model, scores in scores_by_model.items():
            bars = ax.barh(model, scores[figure], color=MODEL_COLOURS.get(model), height=0.6)
            ax.bar_label(bars, fmt="{:.3f}", padding=3, fontsize=9)
        seed = SEED_PROJECT[figure]
        ax.axvline(seed, color="#CC79A7", linestyle="--", label=f"seed project, on its own data: {seed}")
        ax.margins(x=0.15)
    majority = next(iter(scores_by_model.values()))["majority_accuracy"]
    axes[0].axvline(majority, color=REFERENCE_COLOUR, linestyle=":", label=f"always the commoner label: {majority:.3f}")
    axes[0].set(title="Accuracy (higher is better)", xlabel="share of test pictures answered right")
    axes[1].set(title="Log-loss (lower is better)", xlabel="nats a picture", yticklabels=[])
    for ax in axes:
        ax.set_ylim(len(scores_by_model) + 0.4, -0.6)  # room for the legend below the bars
        ax.legend(fontsize=8, loc="lower left")
    return axes
