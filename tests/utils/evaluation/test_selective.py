import numpy as np
import pytest
from scipy.special import expit, ndtri
from scipy.stats import binom
from simulated import simulate

from reporting.findings import describe_abstention
from reporting.sentences import describe_choice
from utils.evaluation.selective import DELTA, STARTS, choose_threshold, measure_abstention, risk_coverage

TARGET = 0.95
DRAWS = 1000
GROUPS = 1400
SPREAD = 3.3  # of the logits: where calibrated, 86 % of all answers are right


def worked_example(wrong):
    """400 pictures: 200 sure answers of which a few are wrong, 200 unsure ones of which 100 are."""
    labels = np.concatenate([np.arange(200) >= wrong, np.arange(200) < 100]).astype(int)
    return labels, np.repeat([0.9, 0.6], 200)


def test_a_worked_example():
    assert binom.cdf(2, 200, 0.05) < DELTA / len(STARTS) < DELTA < binom.cdf(6, 200, 0.05)
    choice = choose_threshold(*worked_example(wrong=2), np.arange(400), TARGET)
    assert choice == {
        "target_accuracy": 0.95, "delta": 0.05, "confidence": 0.605, "validation_groups": 200,
        "validation_accuracy": 0.99, "validation_coverage": 0.5,
    }  # fmt: skip
    # 97 % right, which chance explains
    assert choose_threshold(*worked_example(wrong=6), np.arange(400), TARGET) is None


def test_copies_count_once():
    labels, p_stress = worked_example(wrong=2)
    copied = [values.repeat(10) for values in (labels, p_stress, np.arange(400))]
    assert choose_threshold(*copied, TARGET) == choose_threshold(labels, p_stress, np.arange(400), TARGET)
    assert choose_threshold(labels, p_stress, np.arange(400) // 10, TARGET) is None


def test_a_handful_certifies_nothing_however_right():
    assert choose_threshold(np.ones(50, int), np.full(50, 0.99), np.arange(50), TARGET) is None
    assert choose_threshold(np.ones(500, int), np.full(500, 0.99), np.arange(500), TARGET)["confidence"] == 0.5
    assert choose_threshold(np.ones(500, int), np.full(500, 0.99), np.arange(500), 1.0) is None


def accuracy_where_calibrated():
    """By confidence from the surest down, the accuracy of all answers that are as sure, without chance."""
    confidence = np.sort(expit(SPREAD * np.abs(ndtri((np.arange(200_000) + 0.5) / 200_000))))[::-1]
    return confidence, np.cumsum(confidence) / np.arange(1, 200_001)


def choose_what_reaches(labels, p_stress):
    """The lowest confidence from which the answers are as right as asked for on these very pictures."""
    order = np.argsort(-p_stress)
    accuracy = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    return p_stress[order][np.flatnonzero(accuracy >= TARGET)[-1]]


@pytest.mark.parametrize("copies", [1, 5])
def test_of_1000_promises_no_more_fail_than_stated_where_confidence_is_calibrated(copies):
    rng, groups = np.random.default_rng(0), np.arange(GROUPS).repeat(copies)
    surest, accuracy = accuracy_where_calibrated()
    lowest_kept = surest[accuracy >= TARGET][-1]
    chosen, reaching = [], []
    for confidence in expit(SPREAD * np.abs(rng.normal(size=(DRAWS, GROUPS)))):
        right = rng.random(GROUPS) < confidence
        choice = choose_threshold(right.repeat(copies).astype(int), confidence.repeat(copies), groups, TARGET)
        chosen.append(choice["confidence"] if choice else 1.0)
        reaching.append(choose_what_reaches(right, confidence))
    chosen, reaching = np.array(chosen), np.array(reaching)
    # more than that would come about by chance in one of 1,000 tests
    assert np.sum(chosen < lowest_kept) <= binom.isf(1e-3, DRAWS, DELTA)
    assert np.mean(reaching < lowest_kept) > 0.4
    assert np.mean(chosen < 1) > 0.95


@pytest.mark.parametrize("copies", [1, 5])
def test_of_1000_promises_no_more_fail_than_stated_where_each_would_break(copies):
    """The hardest case: at every threshold the answers are right a little less often than asked for."""
    rng, groups = np.random.default_rng(0), np.arange(GROUPS // copies).repeat(copies)
    failed, failed_by_picture = 0, 0
    for confidence in rng.uniform(0.5, 1, size=(DRAWS, GROUPS // copies)):
        labels = (rng.random(GROUPS // copies) < TARGET - 1e-3).repeat(copies).astype(int)
        answers = labels, confidence.repeat(copies)
        failed += choose_threshold(*answers, groups, TARGET) is not None
        failed_by_picture += choose_threshold(*answers, np.arange(len(labels)), TARGET) is not None
    assert failed <= binom.isf(1e-3, DRAWS, DELTA)
    assert copies == 1 or failed_by_picture > 2 * binom.isf(1e-3, DRAWS, DELTA)


def test_the_target_is_kept_on_other_pictures():
    choice = choose_threshold(*simulate(20_000), np.arange(20_000), 0.9)
    reached = measure_abstention(choice, *simulate(20_000, seed=1), np.arange(20_000))
    assert 0.9 <= reached["accuracy"]["value"] < 0.93
    assert reached["coverage"]["value"] == pytest.approx(choice["validation_coverage"], abs=0.02)
    clearly = reached | {"accuracy": {"value": 0.92, "low": 0.9, "high": 0.94}}
    assert describe_abstention(clearly).endswith("are right, as promised.")
    barely = reached | {"accuracy": {"value": 0.92, "low": 0.899, "high": 0.94}}
    assert describe_abstention(barely).endswith("are right, no fewer than promised, though the interval reaches below.")
    for said in (describe_abstention(reached), describe_choice(choice, 0.9)):
        assert "at least 90 % of the answers given are right, for pictures like the validation pictures" in said
        assert "at most 1 chance in 20" in said


def test_no_threshold_is_no_threshold():
    assert measure_abstention(None, np.array([0, 1]), np.array([0.1, 0.9]), np.arange(2)) is None
    assert "at least 95 % of the answers are right: this network always answers" in describe_choice(None, TARGET)
    assert "Every picture is answered" in describe_abstention(None)


@pytest.mark.parametrize("high", [0.93, 0.96])
def test_a_promise_that_the_test_pictures_miss_is_called_missed(high):
    figure = {"value": 0.92, "low": 0.88, "high": high}
    missed = {"accuracy": figure, "coverage": figure, "target_accuracy": TARGET, "delta": DELTA}
    missed |= {"confidence": 0.8}
    assert "fewer than promised; that may happen once in 20 times" in describe_abstention(missed)


def test_a_target_outside_the_range():
    with pytest.raises(ValueError, match="expected"):
        choose_threshold(np.array([0, 1]), np.array([0.1, 0.9]), np.arange(2), 90)


def test_the_curve_ends_at_the_accuracy_of_all_answers():
    labels, p_stress = simulate(1000)
    curve = risk_coverage(labels, p_stress, np.arange(1000))
    assert curve["coverage"].iloc[-1] == 1.0
    assert curve["accuracy"].iloc[-1] == pytest.approx(((p_stress >= 0.5) == labels).mean())
    assert curve["accuracy"].iloc[:5].mean() > curve["accuracy"].iloc[-1] + 0.1
    assert (curve["low"] <= curve["accuracy"]).all()
    assert (curve["accuracy"] <= curve["high"]).all()
