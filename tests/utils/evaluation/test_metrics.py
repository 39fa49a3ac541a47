import numpy as np
import pytest
from sklearn import metrics as reference

from utils.evaluation.metrics import (
    calibration_error,
    perfect_calibration_error,
    rank_figures,
    roc_points,
    score_classes,
    score_stress,
)
from utils.inference.classifier import stress_probability

LABELS = np.array([0, 0, 0, 1, 1])


@pytest.fixture(scope="module")
def weighted():
    """(targets, probabilities, weights) of 300 pictures in three classes; one whole-number weight a picture."""
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=300)
    probabilities = rng.dirichlet(np.ones(3), 300) * 0.7 + 0.3 * np.eye(3)[targets]
    probabilities = probabilities.round(2) + 0.001  # with ties
    return targets, probabilities / probabilities.sum(axis=1, keepdims=True), rng.integers(4, size=(300, 1)) * 1.0


def test_a_perfect_prediction():
    figures = score_stress(LABELS, LABELS.astype(float))
    for name in ("accuracy", "balanced_accuracy", "mcc", "auroc", "average_precision"):
        assert figures[name] == pytest.approx(1.0)
    for name in ("log_loss", "brier", "ece"):
        assert figures[name] == pytest.approx(0.0, abs=1e-9)


def test_a_worked_example():
    figures = score_stress(LABELS, np.array([0.1, 0.2, 0.6, 0.9, 0.4]))
    assert figures["prevalence"] == pytest.approx(0.4)
    assert figures["majority_accuracy"] == pytest.approx(0.6)
    assert figures["accuracy"] == pytest.approx(3 / 5)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert figures["auroc"] == pytest.approx(5 / 6)
    assert figures["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.9, 0.4]).mean())
    assert figures["brier"] == pytest.approx(np.square([0.1, 0.2, 0.6, 0.1, 0.6]).mean())
    # each picture has a bin of its own
    assert figures["ece"] == pytest.approx(np.mean([0.1, 0.2, 0.6, 0.1, 0.6]))


def test_a_coin():
    figures = score_stress(LABELS, np.full(5, 0.5))
    assert (figures["auroc"][0], figures["log_loss"][0]) == (0.5, pytest.approx(np.log(2)))
    assert (figures["mcc"][0], figures["average_precision"][0]) == (0.0, pytest.approx(0.4))
    assert np.isnan(figures["per_class"]["Non-stress"]["precision"][0])


@pytest.mark.parametrize("case", ["as they are", "weighted"])
def test_two_labels_as_scikit_learn_counts_them(weighted, case):
    targets, probabilities, weights = weighted
    weights = weights if case == "weighted" else np.ones_like(weights)
    truth, p, w = targets == 1, probabilities[:, 1], weights[:, 0]
    answers = p >= 0.5
    figures = score_stress(truth.astype(int), p, weights)
    expected = {
        "accuracy": reference.accuracy_score(truth, answers, sample_weight=w),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, answers, sample_weight=w),
        "mcc": reference.matthews_corrcoef(truth, answers, sample_weight=w),
        "auroc": reference.roc_auc_score(truth, p, sample_weight=w),
        "average_precision": reference.average_precision_score(truth, p, sample_weight=w),
        "log_loss": reference.log_loss(truth, p, sample_weight=w),
        "brier": reference.brier_score_loss(truth, p, sample_weight=w),
        "prevalence": np.average(truth, weights=w),
    }
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1e-9), name


def test_several_classes_as_scikit_learn_counts_them(weighted):
    targets, probabilities, weights = weighted
    w, answers, one_hot = weights[:, 0], probabilities.argmax(axis=1), np.eye(3)[targets]
    figures = score_classes(targets, probabilities, "abc", weights)
    expected = {
        "accuracy": reference.accuracy_score(targets, answers, sample_weight=w),
        "balanced_accuracy": reference.balanced_accuracy_score(targets, answers, sample_weight=w),
        "mcc": reference.matthews_corrcoef(targets, answers, sample_weight=w),
        "auroc": reference.roc_auc_score(one_hot, probabilities, average="macro", sample_weight=w),
        "average_precision": reference.average_precision_score(one_hot, probabilities, sample_weight=w),
        "log_loss": reference.log_loss(targets, probabilities, sample_weight=w),
    }
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1e-9), name
    each = reference.precision_recall_fscore_support(targets, answers, sample_weight=w)
    assert figures["macro_f1"][0] == pytest.approx(each[2].mean())
    assert figures["weakest_recall"][0] == pytest.approx(each[1].min())
    for name, values in zip(("precision", "recall", "f1"), each, strict=False):
        assert [figures["per_class"][k][name][0] for k in "abc"] == pytest.approx(values.tolist())


def test_many_resamples_are_scored_as_one_by_one(weighted):
    targets, probabilities, _ = weighted
    weights = np.random.default_rng(1).integers(3, size=(300, 4)).astype(np.float32)
    together = score_classes(targets, probabilities, "abc", weights)
    for column in range(4):
        alone = score_classes(targets, probabilities, "abc", weights[:, [column]].astype(np.float64))
        for name in ("accuracy", "mcc", "auroc", "average_precision", "log_loss", "brier", "ece"):
            assert together[name][column] == pytest.approx(alone[name][0], rel=1e-4), name


def test_a_resample_of_one_side_has_no_rank_figures():
    auroc, average_precision = rank_figures(LABELS, LABELS / 2, np.array([[1.0, 1.0, 1.0, 0.0, 0.0]]).T)
    assert np.isnan(auroc).all()
    assert np.isnan(average_precision).all()


def test_calibration_error_of_a_known_model():
    probability = np.repeat([0.25, 0.85], 200)
    right = np.concatenate([np.arange(200) < 100, np.arange(200) < 170])  # .5 for .25, .85 for .85
    assert calibration_error(right, probability, np.ones((400, 1))) == pytest.approx(0.25 / 2)


def test_a_perfectly_calibrated_model_is_no_better_than_chance_allows():
    rng = np.random.default_rng(0)
    probability = rng.random(3589)
    mean, high = perfect_calibration_error(np.zeros(3589), probability)
    errors = [calibration_error(rng.random(3589) < probability, probability, np.ones((3589, 1)))[0] for _ in range(200)]
    assert np.mean(errors) == pytest.approx(mean, rel=0.1)
    assert 0.01 <= np.mean(np.array(errors) > high) <= 0.12


def test_what_chance_gives_where_several_people_are_asked():
    """Ten people a picture, who differ more between pictures than the probability says: the mean of it is right."""
    rng = np.random.default_rng(0)

    def ask():
        return rng.binomial(10, rng.beta(2 * probability, 2 * (1 - probability))) / 10

    probability = rng.uniform(0.05, 0.95, 2000)
    mean, high = perfect_calibration_error(ask(), probability)
    errors = [calibration_error(ask(), probability, np.ones((2000, 1)))[0] for _ in range(200)]
    assert np.mean(errors) == pytest.approx(mean, rel=0.15)
    assert 0.01 <= np.mean(np.array(errors) > high) <= 0.12


@pytest.mark.parametrize(
    ("labels", "p_stress", "message"),
    [(LABELS, np.zeros(4), "expected two arrays"), (np.zeros(5, int), np.zeros(5), "expected both 0 and 1")],
)
def test_bad_arrays(labels, p_stress, message):
    with pytest.raises(ValueError, match=message):
        score_stress(labels, p_stress)


def test_p_stress_is_the_sum_over_the_stress_classes():
    probabilities = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]], dtype=np.float32)
    assert stress_probability(probabilities, ["angry", "happy", "sad"], ["angry", "sad"]) == pytest.approx([0.5, 1.0])
    with pytest.raises(ValueError, match="expected"):
        stress_probability(probabilities, ["angry", "happy"], ["angry"])


def test_roc_runs_from_corner_to_corner():
    false_positive, true_positive = roc_points(LABELS, np.array([0.1, 0.2, 0.6, 0.9, 0.4]))
    assert (false_positive[0], true_positive[0], false_positive[-1], true_positive[-1]) == (0, 0, 1, 1)
