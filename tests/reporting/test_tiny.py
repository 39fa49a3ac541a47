"""Every figure of the notebooks from test sets of a few pictures: a number, or a sentence that there are too few."""

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporting import sections
from utils.data.dataset import Split
from utils.evaluation.scoring import Evaluation, compare_models, measure
from utils.paths import Run

CLASSES = ["happy", "neutral", "sad"]
CHOICE = {"target_accuracy": 0.9, "delta": 0.05, "confidence": 0.6, "validation_groups": 30}
CHOICE |= {"validation_accuracy": 0.9, "validation_coverage": 0.5}


@st.composite
def draw_evaluations(draw):
    """Two models' answers on one to six test pictures, sure, unsure and equal ones among them."""
    count = draw(st.integers(1, 6))
    classes = np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    group = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    votes = None
    if draw(st.booleans()):
        rows = st.lists(st.sampled_from([0, 0, 1, 5]), min_size=3, max_size=3)
        votes = np.array(draw(st.lists(rows, min_size=count, max_size=count)), dtype=np.int64)
        targets = (votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    else:
        targets = np.eye(3, dtype=np.float32)[classes]
    stress = targets[:, 2]
    labels = np.where(~targets.any(axis=1) | (stress == 0.5), -1, stress > 0.5).astype(np.int64)
    columns = {"file": [f"{i}.png" for i in range(count)], "given": "sad", "emotion": "sad", "label": labels}
    records = pd.DataFrame(columns | {"split": "test", "group": group, "flags": ""})
    pictures = np.random.default_rng(0).integers(256, size=(count, 48, 48, 3), dtype=np.uint8)
    unsure = None if votes is None else np.zeros((count, 2), dtype=np.int64)
    test = Split(records, pictures, targets, labels, votes, unsure)
    copies = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    card = {"what": "a test", "class_names": CLASSES, "stress_classes": ["sad"], "temperature": 0.7}
    card |= {"abstention": draw(st.sampled_from([None, CHOICE])), "target": "labels" if votes is None else "votes"}
    kinds = [[1, 0, 0], [0, 0, 1], [0.25, 0.25, 0.5], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3]]
    answers = st.lists(st.sampled_from(kinds), min_size=count, max_size=count)
    return [Evaluation(card, test, copies, np.array(draw(answers), dtype=np.float32)) for _ in range(2)]


@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(evaluations=draw_evaluations())
def test_every_figure_has_an_answer(evaluations):
    labels = evaluations[0].decided.test.labels
    if not {0, 1} <= set(labels):
        return  # refused before anything is trained
    rows = {name: replace(row, scores=measure(row)) for name, row in zip("ab", evaluations, strict=True)}
    scores = {name: row.scores for name, row in rows.items()}
    json.dumps(scores, allow_nan=False)
    comparisons = compare_models(rows)
    json.dumps(comparisons, allow_nan=False)
    sections.show_scores(scores)
    sections.show_references(scores)
    sections.show_roc(rows)
    sections.show_calibration(rows["a"])
    sections.show_abstention(rows["a"], 0.9)
    sections.show_comparisons(comparisons, ["a"])
    json.dumps(sections.show_slices(Run("tiny"), rows["a"]), allow_nan=False)
    plt.close("all")
