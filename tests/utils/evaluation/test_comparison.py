import re
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binomtest

from reporting.findings import describe_comparison, describe_mappings
from utils.evaluation.comparison import compare_rows, count_agreement, find_verdict, score_mappings
from utils.labels import STRESS_MAPPINGS

COUNT = 600
NAMES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def simulate_row(truth, skill, seed):
    """A model whose logit is the truth plus noise: the higher the skill, the less noise."""
    logit = (2 * truth - 1) * skill + np.random.default_rng(seed).normal(size=len(truth))
    p_stress = 1 / (1 + np.exp(-2 * logit))
    return SimpleNamespace(p_stress=p_stress, probabilities=np.column_stack([1 - p_stress, p_stress]))


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(0).integers(2, size=COUNT)


def compare(labels, rows, groups=None):
    return compare_rows(rows, labels, labels, np.arange(COUNT) if groups is None else groups)


@pytest.mark.parametrize(
    ("skill", "verdict", "sentence"),
    [(1.4, "better", "new is better than old on accuracy by +"),
     (0.3, "worse", "new is worse than old on accuracy by -"),
     (0.8, "cannot be told apart", "new and old cannot be told apart on accuracy at ")],
)  # fmt: skip
def test_three_pairs_three_sentences(labels, skill, verdict, sentence):
    rows = {"old": simulate_row(labels, 0.8, 1), "new": simulate_row(labels, skill, 2)}
    (comparison,) = compare(labels, rows)
    for figure in ("accuracy", "auroc", "log_loss"):
        assert comparison["stress"][figure]["verdict"] == verdict, figure
        # two classes that are the labels
        assert comparison["classes"][figure]["value"] == pytest.approx(comparison["stress"][figure]["value"], abs=1e-6)
    said = describe_comparison(comparison, [])
    assert said.startswith(sentence)
    by = "at" if verdict == "cannot be told apart" else "by"
    interval = r"\(\S+ to \S+\)"
    assert re.search(rf"accuracy {by} \S+ points {interval}, AUROC {by} \S+ {interval} and log-loss {by} ", said)
    assert (comparison["mcnemar_p"] < 0.05) == (verdict != "cannot be told apart")


def test_the_difference_is_that_of_the_figures(labels):
    old, new = simulate_row(labels, 0.8, 1), simulate_row(labels, 1.4, 2)
    (comparison,) = compare(labels, {"old": old, "new": new})
    expected = ((new.p_stress >= 0.5) == labels).mean() - ((old.p_stress >= 0.5) == labels).mean()
    assert comparison["stress"]["accuracy"]["value"] == pytest.approx(expected)


def test_pairing_narrows_the_interval(labels):
    old = simulate_row(labels, 0.8, 1)
    alike = SimpleNamespace(p_stress=old.p_stress.copy(), probabilities=old.probabilities.copy())
    alike.p_stress[:5] = 1 - alike.p_stress[:5]
    (paired,) = compare(labels, {"old": old, "new": alike})
    (apart,) = compare(labels, {"old": old, "new": simulate_row(labels, 0.8, 2)})
    width = [pair["stress"]["accuracy"]["high"] - pair["stress"]["accuracy"]["low"] for pair in (paired, apart)]
    assert width[0] < width[1] / 3


def test_copies_widen_the_interval(labels):
    quarter = labels[:150]
    rows = [simulate_row(quarter, skill, seed) for skill, seed in ((0.8, 1), (1.4, 2))]
    repeated = {
        str(i): SimpleNamespace(p_stress=np.tile(row.p_stress, 4), probabilities=np.tile(row.probabilities, (4, 1)))
        for i, row in enumerate(rows)
    }
    groups = np.tile(np.arange(150), 4)
    widths = []
    for chosen in (groups, np.arange(COUNT)):
        (pair,) = compare(np.tile(quarter, 4), repeated, chosen)
        widths.append(pair["stress"]["auroc"]["high"] - pair["stress"]["auroc"]["low"])
    assert widths[0] > 1.7 * widths[1]


def test_every_pair_of_three_rows_is_compared(labels):
    rows = {name: simulate_row(labels, 0.8, seed) for seed, name in enumerate("abc")}
    pairs = [(comparison["first"], comparison["second"]) for comparison in compare(labels, rows)]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]


def test_lower_log_loss_is_better():
    lower = {"value": -0.02, "low": -0.03, "high": -0.01}
    assert find_verdict(lower, lower_is_better=True) == "better"
    assert find_verdict(lower) == "worse"
    assert find_verdict({"value": 0.01, "low": 0.0, "high": 0.02}) == "cannot be told apart"


def test_mcnemar_as_the_binomial_test_has_it():
    labels = np.ones(100, int)
    first, second = np.repeat([0.9, 0.1], 50), np.repeat([0.9, 0.1, 0.9, 0.1], [40, 10, 22, 28])
    counted = count_agreement(labels, first, second, np.arange(100))
    assert counted["agreement"] == {"both": 40, "first_only": 10, "second_only": 22, "neither": 28}
    assert counted["mcnemar_p"] == pytest.approx(binomtest(10, 32).pvalue)
    difference = {"value": 0.1, "low": 0.0, "high": 0.2, "verdict": "cannot be told apart"}
    pair = {"first": "old", "second": "new", "stress": {"accuracy": difference}}
    said = describe_comparison(pair | counted, ["new", "another"])
    assert "32 are answered right by one of the two alone: 10 by old, 22 by new (Mc" in said
    assert said.endswith(" new stopped at the limit of epochs, still improving on the validation pictures: with more "
                         "epochs, figures and verdicts might be others.")  # fmt: skip
    assert "at most 8 and 60" in describe_comparison(pair | counted, [], {"old": 8, "new": 60})


def test_copies_do_not_make_a_difference_surer():
    rng = np.random.default_rng(0)
    labels, first, second = np.ones(60, int), rng.random(60), rng.random(60) + 0.1
    once = count_agreement(labels, first, second, np.arange(60))["mcnemar_p"]
    copied = [np.repeat(part, 12) for part in (labels, first, second, np.arange(60))]
    assert count_agreement(*copied)["mcnemar_p"] == pytest.approx(once, abs=0.1)
    assert count_agreement(*copied[:3], np.arange(720))["mcnemar_p"] < once / 10


def test_two_models_that_always_agree():
    assert count_agreement(np.ones(3, int), np.ones(3), np.ones(3), np.arange(3))["mcnemar_p"] == 1.0


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    targets = rng.integers(7, size=400)
    probabilities = 0.5 * np.eye(7)[targets] + 0.5 * rng.dirichlet(np.ones(7), 400)
    return targets, probabilities


def test_each_mapping_is_scored_from_the_same_answers(answers):
    targets, probabilities = answers
    scored = score_mappings(np.eye(7)[targets], probabilities, NAMES, np.arange(400))
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
    assert "Under 4 mappings " in describe_mappings(scored)


def test_a_mapping_more_needs_nothing_else(answers):
    targets, probabilities = answers
    scored = score_mappings(
        np.eye(7)[targets], probabilities, NAMES, np.arange(400), {"all that is low": frozenset({"sad", "neutral"})}
    )
    assert scored["all that is low"]["stress_classes"] == ["neutral", "sad"]


def test_where_people_vote_the_truth_is_what_most_say_under_the_mapping():
    """The plurality is happy, and most people see one of two stress classes all the same; the last picture ties."""
    votes = np.array([[0.4, 0.3, 0.3], [0.9, 0.1, 0.0], [0.5, 0.3, 0.2]])
    probabilities = np.array([[0.2, 0.4, 0.4], [0.8, 0.1, 0.1], [0.9, 0.1, 0.0]])
    mapping = {"mine": frozenset({"fear", "sad"}), "sad alone": frozenset({"sad"})}
    scored = score_mappings(votes, probabilities, ["happy", "fear", "sad"], np.arange(3), mapping)
    assert list(scored) == ["mine"]
    assert (scored["mine"]["count"], scored["mine"]["accuracy"]["value"]) == (2, 1.0)


def test_a_mapping_without_its_emotions_is_left_out():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    scored = score_mappings(np.eye(2), probabilities, ["happy", "sad"], np.arange(2))
    assert list(scored) == ["angry-disgust-fear-sad", "angry-fear-sad"]


def test_two_classes_have_no_mapping():
    assert score_mappings(np.eye(2), np.eye(2), ["Non-stress", "Stress"], np.arange(2)) is None
