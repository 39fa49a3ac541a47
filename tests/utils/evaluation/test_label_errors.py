import numpy as np
import pandas as pd
import pytest
from support import CHECKOUT, EMOTIONS, draw_face

from reporting.doubts import describe_label_errors
from reporting.sections import show_label_errors
from utils.data.annotations import read_decisions
from utils.data.dataset import Split
from utils.data.ingest import inspect_source, read_pictures
from utils.evaluation.label_errors import out_of_fold_probabilities, propose_decisions, rank_doubt
from utils.paths import Run


@pytest.fixture(scope="module")
def judged():
    """420 drawn faces, 21 of them (5 %) with a wrong emotion."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(7), 60)
    images = np.stack([np.asarray(draw_face(EMOTIONS[target], rng)) for target in truth])
    flipped = rng.choice(len(truth), 21, replace=False)
    targets = truth.copy()
    targets[flipped] = (truth[flipped] + rng.integers(1, 7, 21)) % 7
    groups = np.arange(len(truth)) // 2
    return targets, flipped, out_of_fold_probabilities(images, targets, groups)


@pytest.fixture
def records():
    return pd.DataFrame({"file": [f"{i}.png" for i in range(420)], "flags": ""})


def test_probabilities(judged):
    probabilities = judged[2]
    assert probabilities.shape == (420, 7)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(420))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_of_one_person_is_not_judged(classes):
    rng = np.random.default_rng(0)
    targets = np.append(np.arange(60) % (classes - 1), [classes - 1] * 4)
    images = np.stack([np.asarray(draw_face(EMOTIONS[target], rng)) for target in targets])
    probabilities = out_of_fold_probabilities(images, targets, np.append(np.arange(60), [60] * 4))
    assert np.isnan(probabilities[60:]).all()
    records = pd.DataFrame({"file": [f"{i}.png" for i in range(64)], "flags": ""})
    ranking = rank_doubt(records, targets, probabilities, list(EMOTIONS[:classes]))
    assert not np.isin(np.arange(60, 64), ranking["position"]).any()
    assert " of 64 pictures" not in describe_label_errors(ranking, probabilities, targets)


def test_most_flipped_labels_are_among_the_most_doubtful(judged, records):
    targets, flipped, probabilities = judged
    ranking = rank_doubt(records, targets, probabilities, list(EMOTIONS))
    assert np.isin(flipped, ranking["position"].head(21)).mean() >= 0.6
    assert ranking["score"].is_monotonic_increasing
    first = ranking.iloc[0]
    assert first["given"] == EMOTIONS[targets[first["position"]]]
    assert first["suggested"] == EMOTIONS[probabilities[first["position"]].argmax()]


def test_flipped_labels_of_the_sample_are_found():
    source = inspect_source(CHECKOUT / "data" / "sample" / "faces.zip")
    records, pixels, _ = read_pictures(source)
    learnt = (records["split"] == "train").to_numpy()
    names = sorted(set(records["class"]))
    truth = records["class"].map(names.index).to_numpy()[learnt]
    rng = np.random.default_rng(0)
    count = round(0.05 * len(truth))
    flipped = rng.choice(len(truth), count, replace=False)
    targets = truth.copy()
    targets[flipped] = (truth[flipped] + rng.integers(1, len(names), count)) % len(names)
    people = records["subject"].to_numpy()[learnt]
    probabilities = out_of_fold_probabilities(pixels[learnt], targets, people)
    ranking = rank_doubt(records[learnt].assign(flags=""), targets, probabilities, names)
    assert np.isin(flipped, ranking["position"].head(count)).mean() >= 0.6


def test_what_a_person_decided_is_not_asked_again(judged, records):
    targets, _, probabilities = judged
    first, second = rank_doubt(records, targets, probabilities, list(EMOTIONS))["position"][:2]
    records.loc[[first, second], "flags"] = ["blank kept", "relabelled"]
    ranking = rank_doubt(records, targets, probabilities, list(EMOTIONS))
    assert len(ranking) == 418
    assert not set(ranking["position"]) & {first, second}


def test_a_group_is_never_judged_by_its_own():
    """Two pictures of pure noise a group, each with the group's label: only memory could tell it."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 256, (30, 48, 48, 3), dtype=np.uint8)
    targets = np.repeat(rng.permutation(np.tile([0, 1], 15)), 2)
    images, groups = np.repeat(pairs, 2, axis=0), np.repeat(np.arange(30), 2)
    apart = out_of_fold_probabilities(images, targets, np.arange(60)).argmax(axis=1)
    together = out_of_fold_probabilities(images, targets, groups).argmax(axis=1)
    assert (apart == targets).mean() > 0.8
    assert (together == targets).mean() < 0.7


def test_the_form_is_one_that_01_reads(judged, records, tmp_path):
    targets, _, probabilities = judged
    form = propose_decisions(rank_doubt(records, targets, probabilities, list(EMOTIONS)), 10)
    path = tmp_path / "faces.decisions.csv"
    form.to_csv(path, index=False)
    assert read_decisions(path).empty
    form.loc[0, "decision"] = "Drop"
    form.to_csv(path, index=False)
    assert read_decisions(path)["decision"].tolist() == ["drop"]


def test_the_sentence(judged, records):
    targets, _, probabilities = judged
    text = describe_label_errors(rank_doubt(records, targets, probabilities, list(EMOTIONS)), probabilities, targets)
    assert f"in {(probabilities.argmax(axis=1) == targets).mean() * 100:.1f} % of 420 pictures" in text


@pytest.mark.parametrize(("count", "flags"), [(0, ""), (5, "kept")])
def test_where_no_label_is_listed_no_picture_is_shown(count, flags):
    rng, targets = np.random.default_rng(0), np.tile([0, 1], 10)
    images = np.stack([np.asarray(draw_face(EMOTIONS[target], rng)) for target in targets])
    records = pd.DataFrame({"file": [f"{i}.png" for i in range(20)], "flags": flags, "group": range(20)})
    half = Split(records, images, np.eye(2)[targets], targets)
    assert show_label_errors(Run("undoubted"), half, half, list(EMOTIONS[:2]), count, show_pictures=True, seed=0) == []


@pytest.mark.parametrize(("targets", "groups"), [([0, 1, 0, 1], [0, 0, 0, 0]), ([0, 1], [0, 1])])
def test_pictures_of_one_person_or_one_of_a_class_cannot_judge_one_another(targets, groups):
    images = np.random.default_rng(0).integers(256, size=(len(targets), 48, 48, 3), dtype=np.uint8)
    probabilities = out_of_fold_probabilities(images, np.array(targets), np.array(groups))
    assert probabilities.shape == (len(targets), 2) and np.isnan(probabilities).all()
