"""Figures: arrays in, Axes out. Whoever calls shows (`utils.display`) or saves them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from utils.labels import CLASS_NAMES
from utils.metrics import SEED_PROJECT, roc_points

LABEL_COLOURS = {"Non-stress": "#0072B2", "Stress": "#D55E00"}
MODEL_COLOURS = {"EmotionDetector_1": "#555555", "EmotionDetector_2": "#009E73"}
"""The same colour for the same thing everywhere; from Okabe and Ito's colour-blind safe palette."""

sns.set_theme(style="whitegrid", rc={"figure.dpi": 110, "axes.titlelocation": "left", "axes.titleweight": "bold"})


def _axes(ax, width: float = 7, height: float = 3.8):
    return ax if ax is not None else plt.subplots(figsize=(width, height))[1]


def plot_class_balance(records: pd.DataFrame, ax=None):
    """Pictures per class, as bars coloured by label. Records have `class` and `label`."""
    ax = _axes(ax)
    order = records.groupby("class")["label"].first().sort_values(kind="stable").index
    counts = records.groupby(["class", "label"]).size().reset_index(name="pictures")
    counts["answer"] = counts["label"].map(lambda label: CLASS_NAMES[label])
    sns.barplot(
        counts, y="class", x="pictures", hue="answer", order=list(order), palette=LABEL_COLOURS, dodge=False, ax=ax
    )
    for bars in ax.containers:
        ax.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=9)
    ax.margins(x=0.12)
    ax.set(title=f"Pictures per class (n = {len(records):,})", xlabel="pictures", ylabel="")
    ax.legend(title="counted as")
    return ax


def plot_size_and_brightness(records: pd.DataFrame, axes=None):
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


def plot_contact_sheet(records: pd.DataFrame, pixels: np.ndarray, columns: int = 10, seed: int = 0, axes=None):
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


def plot_average_faces(records: pd.DataFrame, pixels: np.ndarray, axes=None):
    """The mean picture of each class: what the classes look like without showing anyone."""
    names = sorted(set(records["class"]))
    axes = axes if axes is not None else plt.subplots(1, len(names), figsize=(1.4 * len(names), 1.9))[1]
    for ax, name in zip(np.ravel(axes), names, strict=True):
        positions = np.flatnonzero(records["class"] == name)
        ax.imshow(pixels[positions].mean(axis=0).round().astype(np.uint8))
        ax.set_title(f"{name}\nn = {len(positions):,}", fontsize=9, loc="center", fontweight="normal")
        ax.axis("off")
    return axes


def plot_pictures(pictures: np.ndarray, titles: list[str], columns: int = 6):
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


def plot_history(histories: dict[str, list[dict]], axes=None):
    """Loss and accuracy over epochs, training dashed and validation solid; two Axes.

    Args:
        histories: by model name, one dict an epoch as `training.train_network` gives them.
    """
    axes = axes if axes is not None else plt.subplots(1, 2, figsize=(10, 3.8))[1]
    for model, history in histories.items():
        table = pd.DataFrame(history, index=range(1, len(history) + 1))
        best = table["val_loss"].idxmin()
        for ax, figure in zip(axes, ("loss", "accuracy"), strict=True):
            colour = MODEL_COLOURS.get(model)
            ax.plot(table.index, table[figure], "--", color=colour, alpha=0.6, label=f"{model}, training")
            ax.plot(table.index, table[f"val_{figure}"], color=colour, label=f"{model}, validation")
            ax.plot(best, table.loc[best, f"val_{figure}"], "o", color=colour)
    for ax, figure in zip(axes, ("loss [nats]", "accuracy"), strict=True):
        ax.set(title=figure.split()[0].capitalize(), xlabel="epoch (dot: the one kept)", ylabel=figure)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(fontsize=8)
    return axes


def plot_confusion(confusion: list[list[int]], names: list[str], title: str, ax=None):
    """A confusion matrix: counts written, colour by the share of each true class."""
    counts = np.asarray(confusion)
    ax = _axes(ax, 0.75 * len(names) + 2.4, 0.6 * len(names) + 1.6)
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
    ax = _axes(ax, 4.8, 4.6)
    for model, p_stress in p_stress_by_model.items():
        label = f"{model}, AUROC {scores_by_model[model]['auroc']:.3f}"
        ax.plot(*roc_points(labels, p_stress), color=MODEL_COLOURS.get(model), label=label)
    ax.plot([0, 1], [0, 1], ":", color="#999999", label="guessing, AUROC 0.5")
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
    axes[0].axvline(majority, color="#999999", linestyle=":", label=f"always the commoner label: {majority:.3f}")
    axes[0].set(title="Accuracy (higher is better)", xlabel="share of test pictures answered right")
    axes[1].set(title="Log-loss (lower is better)", xlabel="nats a picture", yticklabels=[])
    for ax in axes:
        ax.set_ylim(len(scores_by_model) + 0.4, -0.6)  # room for the legend below the bars
        ax.legend(fontsize=8, loc="lower left")
    return axes


def plot_probabilities(probabilities: dict[str, float], stress_classes: list[str], ax=None):
    """One picture's probability of each class, as bars coloured by what the class counts as."""
    ax = _axes(ax, 5.5, 0.36 * len(probabilities) + 1.2)
    names = sorted(probabilities, key=probabilities.get, reverse=True)
    colours = [LABEL_COLOURS[CLASS_NAMES[name in stress_classes]] for name in names]
    bars = ax.barh(names, [probabilities[name] for name in names], color=colours)
    ax.bar_label(bars, fmt="{:.1%}", padding=3, fontsize=9)
    ax.invert_yaxis()
    ax.set(title="Probability of each class", xlabel="probability", ylabel="", xlim=(0, 1.12))
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in LABEL_COLOURS.values()]
    ax.legend(handles, [f"counts as {name}" for name in LABEL_COLOURS], fontsize=8, loc="lower right")
    return ax
