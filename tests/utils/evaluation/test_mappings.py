import numpy as np
import pytest

from reporting.sentences import describe_mappings
from utils.evaluation.mappings import score_mappings
from utils.labels import STRESS_MAPPINGS

NAMES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    targets = rng.integers(7, size=400)
    probabilities = 0.5 * np.eye(7)[targets] + 0.5 * rng.dirichlet(np.ones(7), 400)
    return targets, probabilities


def test_each_mapping_is_scored_from_the_same_answers(answers):
    targets, probabilities = answers
    scored = score_mappings(targets, probabilities, NAMES, np.arange(400))
    assert list(scored) == list(STRESS_MAPPINGS)
    for name, figures in scored.items():
        columns = [NAMES.index(emotion) for emotion in STRESS_MAPPINGS[name]]
        labels = np.isin(targets, columns)
        assert figures["prevalence"]["value"] == pytest.approx(labels.mean())
        right = (probabilities[:, columns].sum(axis=1) >= 0.5) == labels
        assert figures["accuracy"]["value"] == pytest.approx(right.mean())
        assert set(figures["stress_classes"]) == STRESS_MAPPINGS[name]
    assert (
        scored["angry-disgust"]["majority_accuracy"]["value"] > scored["angry-fear-sad"]["majority_accuracy"]["value"]
    )
    assert "by mapping alone" in describe_mappings(scored)


def test_a_mapping_more_needs_nothing_else(answers):
    scored = score_mappings(*answers, NAMES, np.arange(400), {"all that is low": frozenset({"sad", "neutral"})})
    assert scored["all that is low"]["stress_classes"] == ["neutral", "sad"]


def test_a_mapping_without_its_emotions_is_left_out():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    scored = score_mappings(np.array([0, 1]), probabilities, ["happy", "sad"], np.arange(2))
    assert list(scored) == ["angry-disgust-fear-sad", "angry-fear-sad"]


def test_two_classes_have_no_mapping():
    assert score_mappings(np.array([0, 1]), np.eye(2), ["Non-stress", "Stress"], np.arange(2)) is None
