"""One look for all figures: the same colour for the same thing everywhere, from Okabe and Ito's colour-blind safe set.

The rest of the look stands in `figures.mplstyle`, and every colour's counterpart for dark pages in
`reporting/templates/report/page.css`.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.layout_engine import ConstrainedLayoutEngine

LABEL_COLOURS = {"Non-stress": "#0072b2", "Stress": "#d55e00"}

MODEL_COLOURS = {"EmotionDetector_1": "#555555", "augmented": "#8c6d1f", "EmotionDetector_2": "#009e73"}

SEED_COLOUR = "#a8528a"
"""Of what the student project reported that this one goes back to."""

REFERENCE_COLOUR = "#767b82"
"""Of what is no result: guessing, the majority-class baseline, the ideal."""

PLAIN_COLOUR = "#1c1e21"
"""Of a result that is neither a label's nor a model's among others: the ink's."""

plt.style.use(Path(__file__).with_name("figures.mplstyle"))


def close_layout() -> ConstrainedLayoutEngine:
    """What sets pictures side by side with little between them, so that each is as large as can be."""
    return ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03, wspace=0, hspace=0)


def make_axes(ax, width: float = 7, height: float = 3.8):
    """`ax` itself, or the Axes of a new figure of that size in inches."""
    return ax if ax is not None else plt.subplots(figsize=(width, height))[1]
