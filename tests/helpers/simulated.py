"""Labels and probabilities of which the truth is known."""

import numpy as np


def simulate(count, seed=0, sharpness=1.0):
    """(labels, p_stress): each label drawn with its own probability; sharpness above 1 makes p_stress too sure."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(int)
    return labels, 1 / (1 + np.exp(-logit * sharpness))
