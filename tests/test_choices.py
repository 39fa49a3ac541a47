from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.calibration import soften
from utils.choices import choose_on_validation
from utils.dataset import Split
from utils.metrics import score_stress
from utils.views import View

CLASSES = 3
STRESS_COLUMNS = [0, 2]


class Overconfident:
    """Sees the class in the left half of a picture, unsurely, and is four times too sure of it; blind to the right."""

    def predict(self, images, **_):
        logits = images[:, 0, 0, :].astype(float) / 255 * 8
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.fixture
def validation():
    rng = np.random.default_rng(0)
    targets = rng.integers(CLASSES, size=900)
    images = rng.integers(0, 256, (900, 48, 48, 3), np.uint8)
    seen = np.where(rng.random(900) < 0.7, targets, rng.integers(CLASSES, size=900))
    images[np.arange(900), 0, 0, seen] = 255
    labels = np.isin(targets, STRESS_COLUMNS).astype(np.int64)
    return Split(pd.DataFrame(index=range(900)), images, targets, labels)


def test_choices_fit_the_network_as_it_will_be_saved(validation):
    one = choose_on_validation(Overconfident(), validation, STRESS_COLUMNS, 0.75)
    assert one.temperature > 1.5
    assert one.describe_temperature() == f"Temperature {one.temperature:.2f}: the network was too sure."
    assert "stays 1" in replace(one, temperature=1.0).describe_temperature()
    p_stress = soften(one.answers, one.temperature)[:, STRESS_COLUMNS].sum(axis=1)
    assert one.figures["log_loss"] == pytest.approx(float(score_stress(validation.labels, p_stress)["log_loss"][0]))
    assert one.for_card()["validation"] == one.figures
    assert one.abstention["validation_accuracy"] >= 0.75


def test_two_views_are_softened_each_and_then_averaged(validation):
    network = Overconfident()
    both = choose_on_validation(network, validation, STRESS_COLUMNS, 0.75, (View(), View(mirrored=True)))
    views = [network.predict(validation.images), network.predict(validation.images[:, :, ::-1])]
    assert both.answers == pytest.approx(np.mean(views, axis=0))
    p_stress = np.mean([soften(view, both.temperature) for view in views], axis=0)[:, STRESS_COLUMNS].sum(axis=1)
    assert both.figures["accuracy"] == pytest.approx(float(score_stress(validation.labels, p_stress)["accuracy"][0]))
