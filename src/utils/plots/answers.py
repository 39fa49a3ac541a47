"""One picture's answer, and what the model saw."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from utils.evaluation.registry import show_percent
from utils.inference.classifier import NO_FACE, OK, FacePrediction, Prediction
from utils.inference.explain import (
    AGAINST_STRESS,
    FOR_STRESS,
    FULL_SCALE,
    Explanation,
    ShuffledCheck,
    measure_strength,
    overlay_map,
)
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.plots.style import LABEL_COLOURS, REFERENCE_COLOUR, make_axes

_BOX_COLOUR = "#e69f00"

_LAYOUT = [[[["P", "I", "M"]]], [[["C", "W"]]], [[[*"12345"]]]]  # each row is laid out by itself


def probabilities(probabilities: dict[str, float], stress_classes: list[str], ax=None):
    """One picture's probability of each class, as bars coloured by what the class counts as."""
    ax = make_axes(ax, 5.5, 0.36 * len(probabilities) + 1.2)
    names = sorted(probabilities, key=lambda name: probabilities[name], reverse=True)
    colours = [LABEL_COLOURS[CLASS_NAMES[name in stress_classes]] for name in names]
    bars = ax.barh(names, [probabilities[name] for name in names], color=colours)
    ax.bar_label(bars, fmt=show_percent, padding=3, fontsize=9)
    ax.invert_yaxis()
    ax.set(title="Probability of each class", xlabel="probability", ylabel="", xlim=(0, 1.2), xticks=(0, 0.5, 1))
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in LABEL_COLOURS.values()]
    ax.legend(handles, [f"counts as {name}" for name in LABEL_COLOURS], fontsize=8, loc="lower right")
    return ax


def boxes(image: Image.Image, faces: list[FacePrediction], ax=None):
    """A picture with a box around each face, and its answer."""
    ax = make_axes(ax, 4, 4)
    ax.imshow(image, extent=(0, image.width, image.height, 0))
    for face in faces:
        left, top, right, bottom = face.box
        size = (right - left, bottom - top)
        # a box around the whole picture is drawn over its edge
        ax.add_patch(plt.Rectangle((left, top), *size, fill=False, ec=_BOX_COLOUR, lw=2, clip_on=False))
    ax.set_title(say_answer(faces[0] if faces else NO_FACE), fontsize=10)
    ax.axis("off")
    return ax


def say_answer(face: Prediction) -> str:
    """Tell it in a word or two: "Stress, 78.1 %", or "Cannot say" and why."""
    if face.status == OK:
        return f"{face.label}, {show_percent(face.confidence)}"
    return f"Cannot say: {face.reason.replace('_', ' ')}"


def sensitivity(p_stress: dict[str, float], ax=None):
    """P(Stress) of the face as it is, and under small changes."""
    ax = make_axes(ax, 5, 3)
    names, values = list(p_stress), np.array(list(p_stress.values()))
    ax.axvline(THRESHOLD, color=REFERENCE_COLOUR, lw=1, ls="--")
    colours = [LABEL_COLOURS[CLASS_NAMES[int(value >= THRESHOLD)]] for value in values]
    ax.scatter(values, names, c=colours, zorder=3)
    ax.hlines(names, values[0], values, color=REFERENCE_COLOUR, lw=1)
    ax.invert_yaxis()
    ax.set(title="Under small changes", xlabel="P(Stress)", xlim=(-0.03, 1.03))
    return ax


def panel(image: Image.Image, faces: list[FacePrediction], explanation: Explanation, stress_classes: list[str]):
    """What the model saw; a list of Axes.

    These are the boxes, and for the first face its input, its occlusion map, its classes, the sensitivity, and the most
    similar pictures of the sample.
    """
    heights = (3.2, 2.8, 2.4)[: 2 + bool(explanation.neighbours)]
    size, layout = (9.5, sum(heights) + 0.4), ConstrainedLayoutEngine(h_pad=0.1)
    axes = plt.subplot_mosaic(_LAYOUT[: len(heights)], figsize=size, height_ratios=heights, layout=layout)[1]
    boxes(image, faces, axes["P"])
    axes["I"].imshow(faces[0].picture[0])
    axes["I"].set_title("Its input, 48x48", fontsize=10)
    axes["M"].imshow(overlay_map(faces[0].picture[0], explanation.occlusion))
    moved = f"What moved it:\nup to {explanation.strongest} points on average"
    axes["M"].set_title(moved if explanation.strongest else "No part of it\nmoved the answer", fontsize=10)
    _add_colour_bar(axes["M"])
    probabilities(faces[0].probabilities, stress_classes, axes["C"])
    sensitivity(explanation.sensitivity, axes["W"])
    for name in axes.keys() - {"C", "W"}:
        axes[name].axis("off")
    for name, neighbour in zip("12345", explanation.neighbours, strict=False):
        axes[name].imshow(neighbour.picture)
        axes[name].set_title(f"{neighbour.emotion}\n({neighbour.label})", fontsize=9, fontweight="normal")
    if explanation.neighbours:
        _write_below(axes["3"], "the most similar of the sample")
    return list(axes.values())


def map_pairs(pictures: np.ndarray, check: ShuffledCheck):
    """Faces under their occlusion maps: above by the model, below by the same with shuffled weights; Axes (2, n).

    Args:
        pictures: uint8 (n, 48, 48, 3), RGB; those of the check's first maps.
        check: from `explain.compare_with_shuffled`.
    """
    count = len(pictures)
    size, layout = (1.9 * count + 0.4, 5.2), ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.05)
    axes = plt.subplots(2, count, figsize=size, squeeze=False, layout=layout)[1]
    for row, maps in zip(axes, (check.maps, check.shuffled), strict=True):
        for ax, picture, occlusion in zip(row, pictures, maps, strict=False):
            ax.imshow(overlay_map(picture, occlusion))
            strength = measure_strength(occlusion)
            moved = f"up to {strength} points" if strength else "nothing moved it"
            ax.set_title(moved, fontsize=9, loc="center", fontweight="normal")
            ax.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("as learnt", fontsize=10)
    axes[1, 0].set_ylabel("weights shuffled", fontsize=10)
    _add_colour_bar(axes[1])
    return axes


def _add_colour_bar(ax) -> None:
    """The fixed scale of every occlusion map, below one, or below a row of them."""
    ends = [np.array(colour) / 255 for colour in (AGAINST_STRESS, (255, 255, 255), FOR_STRESS)]
    points = plt.Normalize(-100 * FULL_SCALE, 100 * FULL_SCALE)
    scale = plt.cm.ScalarMappable(points, LinearSegmentedColormap.from_list("occlusion", ends))
    figure = np.ravel(ax)[0].figure
    bar = figure.colorbar(scale, ax=ax, orientation="horizontal", fraction=0.05, pad=0.03)
    bar.set_label("points of P(Stress): blue against it, orange for it", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _write_below(ax, text: str) -> None:
    ax.text(0.5, -0.04, text, transform=ax.transAxes, ha="center", va="top", fontsize=9)
