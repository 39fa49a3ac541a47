from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from schema import find_mismatches, read_schema

from utils.data.ingest import inspect_source
from utils.data.votes import judge_votes
from utils.evaluation.calibration import measure_fit_to_people
from utils.evaluation.people import (
    align_probabilities,
    apply_ferplus_protocol,
    count_people,
    measure_given,
    measure_label,
    measure_people,
)
from utils.labels import EMOTIONS

NAMES = ["angry", "happy", "neutral"]
STRESS_EMOTIONS = ["angry", "disgust", "fear", "sad"]
NOBODY = np.zeros((1, 2), int)


def draw(count, seed=0, people=10):
    """(votes, unsure, probabilities): each picture's voters are drawn by its probabilities."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(8), count)
    unsure = rng.integers(0, 2, (count, 2))
    votes = np.array(
        [rng.multinomial(people - some, row) for some, row in zip(unsure.sum(1), probabilities, strict=True)]
    )
    return votes, unsure, probabilities


@pytest.fixture(scope="module")
def drawn():
    return draw(300)


@pytest.fixture(scope="module")
def people(drawn):
    return measure_people(*drawn, list(EMOTIONS), STRESS_EMOTIONS, np.arange(300))


def test_who_could_judge_a_picture():
    votes = np.array([[3, 0], [2, 2], [0, 0], [1, 1], [1, 0]])
    unsure = np.array([[3, 0], [3, 0], [0, 0], [1, 1], [0, 2]])
    assert (judge_votes(votes, unsure) == "").tolist() == [True, False, False, True, False]


def enumerate_draws(voters: list[list[int]], says_stress: list[bool], size: int) -> tuple[float, float]:
    """(people, model): every draw of every picture, one by one; 1 is a vote for Stress."""
    people = model = total = 0.0
    for stress_votes, says in zip(voters, says_stress, strict=True):
        draws = list(combinations(range(len(stress_votes)), size))
        for drawn in draws:
            rest = [vote for voter, vote in enumerate(stress_votes) if voter not in drawn]
            if 2 * sum(rest) == len(rest):
                continue
            weight, truth = len(stress_votes) / len(draws), 2 * sum(rest) > len(rest)
            total += weight
            people += weight * ((2 * sum(stress_votes[voter] for voter in drawn) > size) == truth)
            model += weight * (says == truth)
    return people / total, model / total


def test_panels_are_what_all_draws_come_to():
    voters = [[1, 1, 1, 0], [1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0], [1, 1, 0]]
    says_stress = [True, False, True, True, True, False]
    votes = np.array([[sum(each), len(each) - sum(each)] for each in voters])
    unsure, probabilities = (
        np.zeros((6, 2), int),
        np.array([[0.7, 0.3] if says else [0.2, 0.8] for says in says_stress]),
    )
    found = measure_people(votes, unsure, probabilities, ["Stress", "Non-stress"], ["Stress"], np.arange(6))
    assert [panel["size"] for panel in found["panels"]] == [1, 3, 5]
    assert [panel["pictures"] for panel in found["panels"]] == [5, 4, 2]
    for panel in found["panels"]:
        by_hand = enumerate_draws(voters, says_stress, panel["size"])
        assert (panel["people"]["value"], panel["model"]["value"]) == pytest.approx(by_hand)
        assert panel["difference"]["value"] == pytest.approx(by_hand[1] - by_hand[0])
    assert found["neutral"] is found["ferplus"] is None


def test_as_often_as_is_counted_from_one_person_upwards():
    def panels(*differences):
        return [{"size": 2 * i + 1, "difference": {"value": value}} for i, value in enumerate(differences)]

    assert count_people(panels(-0.1, 0.1)) == 0
    assert count_people(panels(0.1, 0.0, -0.1, 0.1)) == 3
    assert count_people(panels(0.1, 0.1)) == 3
    assert count_people([]) is None


def test_one_vote_a_picture_is_no_yardstick():
    votes = np.tile([[1, 0, 0], [0, 1, 0]], (10, 1))
    found = measure_people(votes, np.zeros((20, 2), int), votes * 0.8 + 0.1, NAMES, ["angry"], np.arange(20))
    assert found["panels"] == []
    assert found["as_often_as"] is None
    assert found["share"]["floor"]["value"] is None
    assert found["accuracy"]["value"] == 1.0
    assert find_mismatches(found, read_schema(), read_schema()["people"]) == []


def test_where_nobody_judged_there_is_nothing():
    assert measure_people(np.zeros((1, 3), int), NOBODY, np.eye(3)[:1], NAMES, ["angry"], np.zeros(1)) is None
    assert measure_label(np.array([-1]), np.ones((1, 3), int), NOBODY, NAMES, ["angry"], np.zeros(1)) is None
    assert measure_given(np.array([-1]), np.eye(3)[:1], NAMES, ["angry"], np.zeros(1)) is None


def test_votes_and_answers_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"probabilities \(1, 2\): expected"):
        measure_people(np.ones((1, 3), int), NOBODY, np.ones((1, 2)), NAMES, ["angry"], np.zeros(1))
    with pytest.raises(ValueError, match="The model knows sad"):
        align_probabilities(np.ones((1, 2)), ["angry", "sad"], NAMES)


def test_a_class_that_the_model_does_not_know_gets_nothing():
    aligned = align_probabilities(np.array([[0.3, 0.7]]), ["neutral", "angry"], NAMES)
    assert aligned.tolist() == [[0.7, 0, 0.3]]


def test_counts_of_a_few_pictures():
    votes = np.array([[0, 0, 8], [0, 1, 8], [5, 5, 0], [9, 1, 0], [0, 3, 2]])
    unsure = np.array([[2, 0], [2, 0], [0, 0], [0, 0], [4, 0]])
    probabilities = np.array([[0.6, 0.2, 0.2], [0.1, 0.1, 0.8], [0.9, 0.1, 0], [0.2, 0.7, 0.1], [1, 0, 0]])
    found = measure_people(votes, unsure, probabilities, NAMES, ["angry"], np.arange(5))
    # of eleven votes eight are fewer than .8; the last picture is not judged
    assert found["neutral"]["count"] == 1
    assert found["neutral"]["called_stress"]["value"] == 1.0
    assert (found["judged"], found["ties"], found["majority"]) == (4, 1, 3)
    assert found["accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["class_accuracy"]["value"] == pytest.approx(2 / 4)
    assert found["agreed"]["count"] == 3
    share, p_stress = np.array([0, 0, 0.5, 0.9]), probabilities[:4, 0]
    assert found["share"]["brier"]["value"] == pytest.approx(((share - p_stress) ** 2).mean())
    assert found["share"]["ceiling"]["value"] == pytest.approx(share.var())
    assert found["share"]["floor"]["value"] == pytest.approx((0.25 / 9 + 0.09 / 9) / 4)


def test_ferplus_protocol():
    votes = np.array([[4, 1, 1], [4, 2, 2], [5, 4, 0], [1, 1, 1], [3, 0, 0], [3, 2, 0]])
    unsure = np.array([[4, 0], [1, 1], [1, 0], [0, 0], [2, 2], [0, 5]])
    # halves are not more than half; of single votes nothing is left; the fifth: 3 of 7
    assert apply_ferplus_protocol(votes, unsure).tolist() == [-1, -1, 0, -1, -1, -1]
    assert apply_ferplus_protocol(np.array([[0, 0, 2]]), np.array([[1, 1]])).tolist() == [2]


def test_a_model_that_knows_the_shares_reaches_the_floor_and_beats_people(people):
    share = people["share"]
    assert share["floor"]["low"] < share["brier"]["value"] < share["floor"]["high"] * 1.1
    assert share["slope"]["low"] <= 1 <= share["slope"]["high"]
    assert people["panels"][0]["difference"]["low"] > 0
    assert people["as_often_as"] >= 3


def test_figures_are_as_documented(drawn, people):
    schema = read_schema()
    assert find_mismatches(people, schema, schema["people"]) == []
    given = drawn[0].argmax(axis=1)
    label = measure_label(given, *drawn[:2], list(EMOTIONS), STRESS_EMOTIONS, np.arange(300))
    assert find_mismatches(label, schema, schema["label"]) == []
    scores = measure_given(given, drawn[2], list(EMOTIONS), STRESS_EMOTIONS, np.arange(300))
    assert find_mismatches(scores, schema, schema["given"]) == []


def test_copies_widen_intervals(drawn, people):
    copied = [np.repeat(part, 4, axis=0) for part in drawn]
    by_group = measure_people(*copied, list(EMOTIONS), STRESS_EMOTIONS, np.repeat(np.arange(300), 4))
    for path in (("panels", 0, "model"), ("share", "brier"), ("share", "slope")):
        first, second = people, by_group
        for key in path:
            first, second = first[key], second[key]
        assert second["value"] == pytest.approx(first["value"], rel=1e-4)
        assert second["high"] - second["low"] == pytest.approx(first["high"] - first["low"], rel=0.15)


def simulate_votes(count, seed, sharpness=1.0, shift=0.0, people=10):
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, count)
    stress = rng.binomial(people, 1 / (1 + np.exp(-logit)))
    return stress, np.full(count, people), 1 / (1 + np.exp(-sharpness * logit - shift)), np.arange(count)


def test_the_slope_and_the_shift_of_a_known_model_are_found():
    fit = measure_fit_to_people(*simulate_votes(3000, seed=0, sharpness=2.0))
    assert fit["slope"]["low"] < 0.5 < fit["slope"]["high"]
    assert fit["p_value"] < 1e-6
    fit = measure_fit_to_people(*simulate_votes(3000, seed=0, shift=0.4))
    assert fit["intercept"]["low"] < -0.4 < fit["intercept"]["high"]
    assert fit["slope"]["low"] < 1 < fit["slope"]["high"]


def test_the_joint_test_of_calibrated_models_is_uniform(monkeypatch):
    monkeypatch.setattr("utils.evaluation.calibration.bootstrap", lambda score, groups: {})
    p_values = np.array([measure_fit_to_people(*simulate_votes(300, seed))["p_value"] for seed in range(200)])
    assert 0.01 < (p_values < 0.05).mean() < 0.1
    assert 0.4 < np.median(p_values) < 0.6


@pytest.mark.parametrize(
    ("stress", "p_stress"),
    [([3, 5, 7, 2] * 5, [0.4] * 20), ([0] * 20, np.linspace(0.1, 0.9, 20)), ([0, 10] * 10, [0.2, 0.8] * 10)],
)
def test_where_the_votes_have_no_slope(stress, p_stress):
    fit = measure_fit_to_people(np.array(stress), np.full(20, 10), np.array(p_stress), np.arange(20))
    assert fit["slope"] is None
    assert fit["p_value"] is None


def test_one_group_has_no_slope():
    stress, people, p_stress, _ = simulate_votes(50, seed=0)
    assert measure_fit_to_people(stress, people, p_stress, np.zeros(50))["slope"] is None


def test_labels_without_a_class_leave_its_probability_to_the_others():
    given = np.array([0, 2, 0, -1])
    probabilities = np.array([[0.3, 0.5, 0.2], [0.28, 0.5, 0.22], [0.45, 0.1, 0.45], [1, 0, 0]])
    found = measure_given(given, probabilities, NAMES, ["angry"], np.arange(4))
    assert (found["count"], found["dropped"]) == (3, ["happy"])
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["class_accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["auroc"]["value"] == 0.5
    assert found["log_loss"]["value"] == pytest.approx(-np.log([0.6, 0.44, 0.5]).mean(), rel=1e-6)


@pytest.fixture(scope="module")
def real(shared):
    """(given, votes, unsure) of FER-2013's test pictures."""
    if not (shared / "data" / "fer2013.votes.csv").exists():
        pytest.skip(f"no data/fer2013.votes.csv in {shared}")
    entries = inspect_source(shared / "data" / "fer2013.zip").layout.entries
    test = entries[entries["split"] == "test"]
    table = pd.read_csv(shared / "data" / "fer2013.votes.csv").set_index("file").reindex(test["file"]).fillna(0)
    given = test["given"].map(list(EMOTIONS).index).to_numpy()
    return given, table[list(EMOTIONS)].to_numpy(int), table[["unknown", "not_a_face"]].to_numpy(int)


def test_what_is_known_of_the_labels_of_fer2013(real):
    label = measure_label(*real, list(EMOTIONS), STRESS_EMOTIONS, np.arange(len(real[0])))
    assert label["majority"] == 3465
    assert label["accuracy"]["value"] == pytest.approx(0.760, abs=0.002)
    assert label["neutral"]["count"] == 719
    assert label["neutral"]["called_stress"]["value"] == pytest.approx(0.42, abs=0.002)
    people = [panel["people"]["value"] for panel in label["panels"]]
    assert people[:3] == pytest.approx([0.868, 0.905, 0.914], abs=0.002)


def test_what_is_known_of_the_votes_on_fer2013(real):
    given, votes, unsure = real
    assert (apply_ferplus_protocol(votes, unsure) >= 0).sum() == 3199
    constant = np.tile(np.eye(8)[5], (len(given), 1))
    people = measure_people(votes, unsure, constant, list(EMOTIONS), STRESS_EMOTIONS, np.arange(len(given)))
    assert (people["judged"], people["ties"], people["majority"]) == (3553, 88, 3465)
    assert people["accuracy"]["value"] == pytest.approx(1 - 0.243, abs=0.002)
    assert people["share"]["floor"]["value"] == pytest.approx(0.010, abs=0.002)
    assert people["share"]["ceiling"]["value"] == pytest.approx(0.113, abs=0.002)
    assert people["ferplus"]["count"] == 3199
