"""One picture's answer."""

import matplotlib.pyplot as plt

from utils.labels import CLASS_NAMES
from utils.plots.style import LABEL_COLOURS, make_axes


def plot_probabilities(probabilities: dict[str, float], stress_classes: list[str], ax=None):
    """One picture's probability of each class, as bars coloured by what the class counts as."""
    ax = make_axes(ax, 5.5, 0.36 * len(probabilities) + 1.2)
    names = sorted(probabilities, key=probabilities.get, reverse=True)
    colours = [LABEL_COLOURS[CLASS_NAMES[name in stress_classes]] for name in names]
    bars = ax.barh(names, [probabilities[name] for name in names], color=colours)
    ax.bar_label(bars, fmt="{:.1%}", padding=3, fontsize=9)
    ax.invert_yaxis()
    ax.set(title="Probability of each class", xlabel="probability", ylabel="", xlim=(0, 1.12))
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in LABEL_COLOURS.values()]
    ax.legend(handles, [f"counts as {name}" for name in LABEL_COLOURS], fontsize=8, loc="lower right")
    return ax
