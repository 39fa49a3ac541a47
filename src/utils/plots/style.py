"""One look for all figures: the same colour for the same thing everywhere."""

import matplotlib.pyplot as plt
import seaborn as sns

LABEL_COLOURS = {"Non-stress": "#0072B2", "Stress": "#D55E00"}
MODEL_COLOURS = {"EmotionDetector_1": "#555555", "EmotionDetector_2": "#009E73"}
"""From Okabe and Ito's colour-blind safe palette."""

REFERENCE_COLOUR = "#999999"
"""Of what is no result: guessing, the commoner label, the ideal."""

sns.set_theme(style="whitegrid", rc={"figure.dpi": 110, "axes.titlelocation": "left", "axes.titleweight": "bold"})


def make_axes(ax, width: float = 7, height: float = 3.8):
    """`ax` itself, or the Axes of a new figure of that size in inches."""
    return ax if ax is not None else plt.subplots(figsize=(width, height))[1]
