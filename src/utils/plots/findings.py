"""What the audit found, to look at."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from utils.data.audit import has_flag
from utils.plots.style import close_layout

SHOWN_FLAGS = ("blank", "near-blank", "label-conflict", "near-duplicate", "near-conflict", "relabelled")
"""Of audit.FLAGS, those that a look at the pictures can judge."""


def has_findings(records: pd.DataFrame) -> bool:
    """Whether a record carries one of SHOWN_FLAGS: else `findings` has nothing to draw."""
    return any(has_flag(records, flag).any() for flag in SHOWN_FLAGS)


def findings(records: pd.DataFrame, pixels: np.ndarray, columns: int = 6, seed: int = 0):
    """A row for each flag in SHOWN_FLAGS that occurs: random pictures that carry it, those that are alike side by side.

    Records as `audit.audit_pictures` gives them, in the order of pixels, uint8 (n, 48, 48, 3).
    """
    flagged = {flag: np.flatnonzero(has_flag(records, flag)) for flag in SHOWN_FLAGS}
    flagged = {flag: positions for flag, positions in flagged.items() if len(positions)}
    size = (1.5 * columns, 1.8 * len(flagged))
    axes = plt.subplots(len(flagged), columns, figsize=size, squeeze=False, layout=close_layout())[1]
    rng = np.random.default_rng(seed)
    for row, (flag, positions) in zip(axes, flagged.items(), strict=True):
        scenes = records["scene"].iloc[positions]
        order = {scene: rank for rank, scene in enumerate(rng.permutation(scenes.unique()))}
        positions = positions[np.argsort(scenes.map(order), kind="stable")][:columns]
        names = records["class"].iloc[positions]
        for ax in row:
            ax.axis("off")
        for ax, position, name in zip(row, positions, names, strict=False):
            ax.imshow(pixels[position])
            ax.set_title(name, fontsize=8, loc="center", fontweight="normal")
        row[0].text(-0.1, 0.5, flag, transform=row[0].transAxes, ha="right", va="center", fontsize=9)
    return axes
