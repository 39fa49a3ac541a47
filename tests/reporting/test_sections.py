from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from reporting.findings import describe_scores
from reporting.sections import show_training, tabulate_scores, watch_training
from reporting.sentences import describe_seeds
from utils.evaluation.bootstrap import measure_classes, measure_stress
from utils.evaluation.registry import show_interval
from utils.evaluation.validation import measure_seeds


def measure(skill, count=400):
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=count)
    p_stress = 1 / (1 + np.exp(-(2 * labels - 1) * skill - rng.normal(size=count)))
    both = np.column_stack([1 - p_stress, p_stress])
    scores = {"stress": measure_stress(labels, p_stress, np.arange(count))}
    return scores | {"classes": measure_classes(labels, both, ["a", "b"], np.arange(count))}


@pytest.fixture(scope="module")
def good():
    return measure(1.5)


def test_a_column_a_model(good):
    table = tabulate_scores({"one": good, "two": good}).set_index("figure")
    assert table.loc["pictures", "one"] == "400"
    assert table.loc["accuracy", "two"] == show_interval(good["stress"]["accuracy"])
    assert table.loc["accuracy over the classes", "one"] == show_interval(good["classes"]["accuracy"])


def test_the_sentence_says_whether_the_majority_is_beaten(good):
    assert "the model beats it" in describe_scores(good | {"without_copies": good})
    assert "cannot be told apart from it" in describe_scores(measure(0) | {"without_copies": None})
    assert "the model does worse" in describe_scores(measure(-1.5) | {"without_copies": None})


def test_the_sentence_knows_labels_that_are_equally_common():
    labels = np.tile([0, 1], 20)
    stress = measure_stress(labels, labels * 0.8 + 0.1, np.arange(40))
    sentence = describe_scores({"stress": stress, "without_copies": None})
    assert (
        "50.0 % of them are Stress. The majority-class baseline, always giving the same label, gets 50.0 %" in sentence
    )


def test_the_sentence_says_what_is_left_without_copies(good):
    fewer = measure(1.5, count=390)
    assert "No test picture occurs outside test" in describe_scores(good | {"without_copies": good})
    assert "Without the 10 test pictures that have a copy or near-duplicate outside test" in describe_scores(
        good | {"without_copies": fewer}
    )
    assert "one label is missing" in describe_scores(good | {"without_copies": None})


def test_the_spread_over_seeds():
    labels = np.array([0, 0, 1, 1])
    answers = {
        7: np.array([[0.4, 0.5, 0.1], [0.9, 0.1, 0.0], [0.1, 0.2, 0.7], [0.1, 0.9, 0.0]]),
        8: np.array([[0.9, 0.0, 0.1], [0.9, 0.1, 0.0], [0.1, 0.2, 0.7], [0.1, 0.9, 0.0]]),
    }
    seeds = measure_seeds(labels, answers, [1, 2])
    assert seeds["seeds"] == [7, 8]
    assert seeds["accuracy"] == [0.75, 1.0]
    assert seeds["auroc"] == [1.0, 1.0]
    sentence = describe_seeds(seeds, {"value": 0.8, "low": 0.7, "high": 0.9})
    assert "validation accuracy is 75.0 % and 100.0 %." in sentence
    assert "±10.0 points" in sentence


def test_from_three_seeds_on_it_is_said_where_another_would_lie():
    sentence = describe_seeds({"accuracy": [0.70, 0.72, 0.74]}, None)
    # Student's t at 97.5 % with 2 degrees of freedom, 4.303, times .02 times the root of 4/3
    assert "72.0 % on average (standard deviation 2.0 points)" in sentence
    assert "another seed would lie between 62.1 % and 81.9 % 19 times of 20" in sentence


def test_one_seed_has_no_spread():
    seeds = measure_seeds(np.array([0, 1]), {0: np.eye(2)}, [1])
    assert "From one seed: how much another" in describe_seeds(seeds, {"value": 1.0, "low": 0.9, "high": 1.0})


@pytest.mark.parametrize(("watched", "first_epoch"), [(True, 1), (True, 8), (False, 1)])
def test_the_curves_grow_with_each_epoch_where_somebody_watches(monkeypatch, watched, first_epoch):
    seen = []

    def display(content, metadata, **_options):
        seen.append(metadata["image/svg+xml"]["alt"])

    monkeypatch.setattr("utils.display.is_watched", lambda: watched)
    monkeypatch.setattr("utils.display.display", display)
    open_before = plt.get_fignums()  # of tests that ran before
    watch, history = watch_training(), []
    for _ in range(2):
        history.append({"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5})
        watch(history, first_epoch)
    last = [first_epoch, first_epoch + 1] if watched else []
    assert seen == [f"Loss and accuracy up to epoch {epoch}, training and validation" for epoch in last]
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize(("epochs", "folded"), [(3, 0), (60, 1)])
def test_a_finished_training_leaves_a_line_an_epoch(monkeypatch, epochs, folded):
    shown = []
    monkeypatch.setattr("utils.display.display", lambda content: shown.append(content.data))
    epoch = {"loss": 1.2345, "accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.4, "learning_rate": 0.1}
    show_training(SimpleNamespace(taken=False, ended=None, history=[epoch] * epochs))
    assert shown[0] == "Trained just now."
    assert shown[1].count("<tr") == 1 + epochs and "1.234" in shown[1] and "learning" not in shown[1]
    assert shown[1].count("<details>") == folded
