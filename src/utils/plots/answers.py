"""One picture's answer, and what the model saw."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.text import Text
from PIL import Image

from utils.explain import Explanation, overlay_map
from utils.inference import NO_FACE, OK, Prediction
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.plots.style import LABEL_COLOURS, REFERENCE_COLOUR, make_axes

_BOX_COLOUR = "#e69f00"

_LAYOUT = [[*"PPPPIIIIMMMM.CCCC"], [*"WWWWW..1122334455"]]


def plot_probabilities(probabilities: dict[str, float], stress_classes: list[str], ax=None):
    """One picture's probability of each class, as bars coloured by what the class counts as."""
    ax = make_axes(ax, 5.5, 0.36 * len(probabilities) + 1.2)
    names = sorted(probabilities, key=probabilities.get, reverse=True)
    colours = [LABEL_COLOURS[CLASS_NAMES[name in stress_classes]] for name in names]
    bars = ax.barh(names, [probabilities[name] for name in names], color=colours)
    ax.bar_label(bars, fmt="{:.0%}", padding=3, fontsize=9)
    ax.invert_yaxis()
    ax.set(title="Probability of each class", xlabel="probability", ylabel="", xlim=(0, 1.2), xticks=(0, 0.5, 1))
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in LABEL_COLOURS.values()]
    ax.legend(handles, [f"counts as {name}" for name in LABEL_COLOURS], fontsize=8, loc="lower right")
    return ax


def plot_boxes(image: Image.Image, faces: list[Prediction], ax=None):
    """A picture with a box around each face, and its answer."""
    ax = make_axes(ax, 4, 4)
    ax.imshow(image)
    for face in faces:
        left, top, right, bottom = face.box
        ax.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, ec=_BOX_COLOUR, lw=2))
    ax.set_title(say_answer(faces[0] if faces else NO_FACE), fontsize=10)
    ax.axis("off")
    return ax


def say_answer(face: Prediction) -> str:
    """ "Stress, 78%", or "Cannot say" and why, in a word or two."""
    if face.status == OK:
        return f"{face.label}, {face.confidence:.0%}"
    return f"Cannot say: {face.reason.replace('_', ' ')}"


def plot_wobble(wobble: dict[str, float], ax=None):
    """P(Stress) of the face as it is, and under small changes."""
    ax = make_axes(ax, 5, 3)
    names, values = list(wobble), np.array(list(wobble.values()))
    ax.axvline(THRESHOLD, color=REFERENCE_COLOUR, lw=1, ls="--")
    colours = [LABEL_COLOURS[CLASS_NAMES[int(value >= THRESHOLD)]] for value in values]
    ax.scatter(values, names, c=colours, zorder=3)
    ax.hlines(names, values[0], values, color=REFERENCE_COLOUR, lw=1)
    ax.invert_yaxis()
    ax.set(title="Under small changes", xlabel="P(Stress)", xlim=(-0.03, 1.03))
    return ax


def plot_panel(image: Image.Image, faces: list[Prediction], explanation: Explanation, stress_classes: list[str]):
    """What the model saw: the boxes, and for the first face its input, its occlusion map, its classes, the wobble and
    the most similar pictures of the sample; a list of Axes."""
    axes = plt.subplot_mosaic(_LAYOUT, figsize=(13, 6.6), height_ratios=(1.2, 1), layout="constrained")[1]
    plot_boxes(image, faces, axes["P"])
    axes["I"].imshow(faces[0].picture[0])
    axes["I"].set_title("Its input, 48x48", fontsize=10)
    axes["M"].imshow(overlay_map(faces[0].picture[0], explanation.occlusion))
    strongest = np.abs(explanation.occlusion).max()
    axes["M"].set_title(f"What moved it, up to {strongest:.0%}", fontsize=10)
    _write_below(axes["M"], "orange: for Stress; blue: against it")
    plot_probabilities(faces[0].probabilities, stress_classes, axes["C"])
    plot_wobble(explanation.wobble, axes["W"])
    for name in "IM12345":
        axes[name].axis("off")
    for name, neighbour in zip("12345", explanation.neighbours, strict=False):
        axes[name].imshow(neighbour.picture)
        axes[name].set_title(f"{neighbour.emotion}\n({neighbour.label})", fontsize=9, fontweight="normal")
    if explanation.neighbours:
        _write_below(axes["3"], "the most similar of the sample")
    for name in "PIM12345":
        for text in axes[name].findobj(Text):
            # it may reach beyond its picture, which stays as large as it is
            text.set_in_layout(False)
    return list(axes.values())


def _write_below(ax, text: str) -> None:
    ax.text(0.5, -0.04, text, transform=ax.transAxes, ha="center", va="top", fontsize=9)
