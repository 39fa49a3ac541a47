import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from schema import find_mismatches, read_schema

from utils.data.dataset import Split, read_manifest, write_dataset
from utils.data.sealed_test import count_evaluations
from utils.evaluation.comparison import find_disagreements, find_faces
from utils.evaluation.scoring import Evaluation, read_evaluation, score_on_test
from utils.files import write_json
from utils.labels import CLASS_NAMES
from utils.models.networks import build_baseline_cnn, build_inference_network
from utils.models.save import save_model
from utils.models.train import set_seed
from utils.paths import Run

CLASSES = ["happy", "sad"]
TEMPERATURE = 0.5
STAGE = "02_baseline_cnn"


def make_dataset(run, count=160):
    """Half of it test; every eighth test picture shares its group with a training picture."""
    rng = np.random.default_rng(0)
    split = np.repeat(["train", "test"], count // 2)
    group = np.arange(count)
    group[count // 2 :: 8] = np.arange(0, count // 2, 8)
    emotion = np.array(CLASSES)[np.arange(count) % 2]
    records = pd.DataFrame({"file": [f"{i}.png" for i in range(count)], "emotion": emotion, "split": split})
    records = records.assign(sha256="", given=emotion, label=np.arange(count) % 2, group=group, flags="")
    pixels = rng.integers(256, size=(count, 48, 48, 3), dtype=np.uint8)
    write_dataset(run, records, pixels, pd.DataFrame(columns=["file", "reason"]), run.data, {})


@pytest.fixture(scope="module")
def run():
    run = Run("evaluation-test")
    make_dataset(run)
    set_seed(0)
    network = build_baseline_cnn(2, widths=(4,))
    network.layers[-1].set_weights([5 * network.layers[-1].get_weights()[0], np.zeros(2)])  # answers that differ
    choice = {"target_accuracy": 0.6, "delta": 0.05, "confidence": 0.55, "validation_groups": 900}
    choice |= {"validation_accuracy": 0.63, "validation_coverage": 0.9}
    card = {"what": "a test", "class_names": CLASSES, "stress_classes": ["sad"]}
    card |= {"temperature": TEMPERATURE, "abstention": choice, "data": read_manifest(run)["fingerprint"]}
    save_model(run.models / "EmotionDetector_1", build_inference_network(network, TEMPERATURE), card)
    return run


@pytest.fixture(scope="module")
def evaluation(run):
    evaluation = score_on_test(run, STAGE, "EmotionDetector_1")
    write_json(run.metrics(STAGE), {"models": {"EmotionDetector_1": evaluation.scores}})
    return evaluation


def test_its_figures_are_as_documented(evaluation):
    schema = read_schema()
    assert find_mismatches(evaluation.scores, schema, schema["model"]) == []


def test_copies_are_taken_out_and_counted(evaluation):
    assert evaluation.copies.sum() == 10
    assert evaluation.scores["stress"]["count"] == 80
    assert evaluation.scores["without_copies"]["stress"]["count"] == 70
    right = ((evaluation.p_stress >= 0.5) == evaluation.test.labels)[~evaluation.copies]
    assert evaluation.scores["without_copies"]["stress"]["accuracy"]["value"] == pytest.approx(right.mean())


def test_the_temperature_is_taken_back(evaluation):
    def logit(p):
        return np.log(p / (1 - p))

    assert np.ptp(evaluation.p_stress) > 0.1
    assert logit(evaluation.p_stress_before) == pytest.approx(logit(evaluation.p_stress) * TEMPERATURE, abs=1e-3)


def test_the_card_is_completed(run, evaluation):
    card = json.loads((run.models / "EmotionDetector_1" / "model.json").read_text())
    assert card["what"] == "a test"
    assert sum(each["count"] for each in card["reliability"]) == 80
    assert card["metrics"]["stress"] == evaluation.scores["stress"]


def test_a_model_scored_again_is_one_opening(run, evaluation):
    assert count_evaluations(run) == 1
    score_on_test(run, STAGE, "EmotionDetector_1")
    assert count_evaluations(run) == 1


def test_what_was_stored_is_read_without_an_opening(run, evaluation):
    before = count_evaluations(run)
    stored = read_evaluation(run, STAGE, "EmotionDetector_1", evaluation.test)
    assert count_evaluations(run) == before
    assert stored.p_stress == pytest.approx(evaluation.p_stress, abs=1e-6)
    assert stored.scores == evaluation.scores


def test_other_test_pictures_are_refused(run, evaluation):
    shorter = type(evaluation.test)(evaluation.test.records[:-1], None, None, None)
    with pytest.raises(ValueError, match="other test pictures"):
        read_evaluation(run, STAGE, "EmotionDetector_1", shorter)
    with pytest.raises(FileNotFoundError, match="run 03 first"):
        read_evaluation(run, "03", "EmotionDetector_1", evaluation.test)


def test_figures_of_other_data_are_refused(run, evaluation):
    manifest = read_manifest(run)
    write_json(run.data / "manifest.json", manifest | {"fingerprint": "other labels"})
    with pytest.raises(ValueError, match="other data than the run has now: run it again"):
        read_evaluation(run, STAGE, "EmotionDetector_1", evaluation.test)
    write_json(run.data / "manifest.json", manifest)


def test_faces_to_look_at_are_of_three_kinds():
    votes = np.array([[10, 0], [9, 1], [1, 9], [6, 4], [5, 5], [0, 10]])
    targets, labels = (votes / 10).astype(np.float32), np.array([0, 0, 1, 0, -1, 1])
    test = Split(pd.DataFrame({"group": range(6)}), None, targets, labels, votes, np.zeros((6, 2), int))
    p_stress = np.array([0.1, 0.7, 0.02, 0.3, 0.9, 0.8])
    card = {"class_names": CLASSES, "stress_classes": ["sad"]}
    evaluation = Evaluation(card, test, np.zeros(6, bool), np.stack([1 - p_stress, p_stress], 1))
    faces = find_faces(evaluation, of_each=6, seed=0)
    assert faces["wrong, at its surest"] == [2, 1]
    assert {kind: set(found) for kind, found in faces.items()} == {
        "right": {0, 3, 5}, "wrong, at its surest": {1, 2}, "people disagree": {3, 4}
    }  # fmt: skip
    assert "people disagree" not in find_faces(replace(evaluation, test=replace(test, votes=None)), 6, 0)
    assert find_faces(evaluation, of_each=1, seed=0)["wrong, at its surest"] == [2]


def test_disagreements():
    """Of a tie nothing is said."""
    labels = np.array([-1, 0, 0, 1, 1])
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 48, 48, 3), np.uint8)
    test = Split(pd.DataFrame({"group": range(5)}), images, np.full((5, 2), 0.5), labels)
    first, second = np.array([0.1, 0.9, 0.1, 0.9, 0.6]), np.array([0.9, 0.1, 0.9, 0.8, 0.3])
    before, final = (
        Evaluation(
            {"class_names": CLASSES, "stress_classes": ["sad"]}, test, np.zeros(5, bool), np.stack([1 - p, p], 1)
        )
        for p in (first, second)
    )
    pictures, titles = find_disagreements(before, final, of_each=1, seed=0)
    title = dict(zip(pictures[:, 0, 0, 0].tolist(), titles, strict=True))
    assert title[1] == f"{CLASS_NAMES[0]}\nbefore 10.0 %\nfinal 90.0 %"
    alone = [picture for picture in title if picture != 1]
    assert len(title) == 2 and alone[0] in (2, 4) and alone == list(title)[:1]
    assert (
        title.get(4, f"{CLASS_NAMES[1]}\nbefore 60.0 %\nfinal 30.0 %")
        == f"{CLASS_NAMES[1]}\nbefore 60.0 %\nfinal 30.0 %"
    )
    every = find_disagreements(before, final, of_each=6, seed=0)[0][:, 0, 0, 0]
    assert (set(every[:2].tolist()), every[2:].tolist()) == ({2, 4}, [1])
