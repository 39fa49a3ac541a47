from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.data.dataset import Split
from utils.evaluation.calibration import fit_temperature, soften
from utils.evaluation.metrics import score_stress
from utils.evaluation.validation import choose_on_validation
from utils.labels import find_majority

CLASSES = 3
STRESS_COLUMNS = [0, 2]


@pytest.fixture
def answered():
    """A split, and the answers of a network that sees the class unsurely, and is far too sure of it, in two views."""
    rng = np.random.default_rng(0)
    targets = rng.integers(CLASSES, size=900)
    views = []
    for _ in range(2):
        seen = np.where(rng.random(900) < 0.7, targets, rng.integers(CLASSES, size=900))
        logits = 8 * (rng.random((900, CLASSES)) * 0.9 + np.eye(CLASSES)[seen])
        views.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    labels = np.isin(targets, STRESS_COLUMNS).astype(np.int64)
    return Split(pd.DataFrame({"group": np.arange(900)}), None, np.eye(CLASSES)[targets], labels), np.stack(views)


def test_choices_fit_the_network_as_it_will_be_saved(answered):
    validation, views = answered
    labels = validation.labels
    one = choose_on_validation(views[:1], validation, STRESS_COLUMNS, 0.75)
    assert one.temperature > 1.5
    p_stress = soften(one.answers, one.temperature)[:, STRESS_COLUMNS].sum(axis=1)
    assert one.figures["log_loss"] == pytest.approx(float(score_stress(labels, p_stress)["log_loss"][0]))
    assert one.for_card()["validation"] == one.figures
    assert one.abstention["validation_accuracy"] >= 0.75


def test_two_views_are_softened_each_and_then_averaged(answered):
    validation, views = answered
    both = choose_on_validation(views, validation, STRESS_COLUMNS, 0.75)
    assert both.answers == pytest.approx(views.mean(axis=0))
    p_stress = np.mean([soften(view, both.temperature) for view in views], axis=0)[:, STRESS_COLUMNS].sum(axis=1)
    assert both.figures["accuracy"] == pytest.approx(float(score_stress(validation.labels, p_stress)["accuracy"][0]))


def test_one_picture_of_a_group_decides_on_abstention(answered):
    validation, views = answered
    alone = choose_on_validation(views, validation, STRESS_COLUMNS, 0.75)
    assert 30 < alone.abstention["validation_groups"] <= 900
    persons = Split(pd.DataFrame({"group": np.arange(900) % 9}), None, validation.targets, validation.labels)
    assert choose_on_validation(views, persons, STRESS_COLUMNS, 0.75).abstention is None


def test_ties_are_learnt_from_and_decide_nothing(answered):
    """Of ten people; the temperature is that of their shares, accuracy and threshold are of what most of them say."""
    validation, views = answered
    votes = np.random.default_rng(0).multinomial(10, [0.2, 0.5, 0.3], 900)
    labels = find_majority(votes[:, STRESS_COLUMNS].sum(axis=1), 10)
    asked = replace(validation, targets=votes / 10, labels=labels)
    assert (labels < 0).any()
    both = choose_on_validation(views, asked, STRESS_COLUMNS, 0.75)
    share = votes[:, STRESS_COLUMNS].sum(axis=1) / 10
    assert both.temperature == fit_temperature(views, share, STRESS_COLUMNS)
    decided = labels >= 0
    p_stress = np.mean([soften(view, both.temperature) for view in views], axis=0)[decided][:, STRESS_COLUMNS].sum(
        axis=1
    )
    assert both.figures["accuracy"] == pytest.approx(float(score_stress(labels[decided], p_stress)["accuracy"][0]))
