import numpy as np
import pandas as pd
import pytest
from support import draw_face

from utils.data.audit import (
    FLAGS,
    audit_pictures,
    count_findings,
    describe_classes,
    describe_label_source,
    has_flag,
    tabulate_findings,
    tabulate_flags,
)
from utils.data.near_duplicates import find_near_duplicates


@pytest.fixture
def audited():
    """Seven pictures: 0 = 1 = 2 (train happy, train sad, test happy), 3 = 4 (train), 5 blank, 6 alone."""
    rng = np.random.default_rng(0)
    first, second, last = rng.integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    pixels = np.stack([first, first, first, second, second, np.full_like(first, 7), last])
    records = pd.DataFrame(
        {
            "file": [f"{i}.png" for i in range(7)],
            "emotion": ["happy", "sad", "happy", "fear", "angry", "happy", "sad"],
            "split": ["train", "train", "test", "train", "train", "train", "validation"],
            "label": [0, 1, 0, 1, 1, 0, 1],
            "decision": ["", "keep", "", "", "relabel", "", ""],
            "judgement": "",
        }
    )
    return audit_pictures(records, pixels)


def test_groups_join_pictures_with_the_same_pixels(audited):
    assert audited["group"].tolist() == [0, 0, 0, 1, 1, 2, 3]
    assert audited["sha256"].nunique() == 4


def test_flags(audited):
    assert audited["flags"].tolist() == [
        "duplicate leak emotion-conflict label-conflict",
        "duplicate leak emotion-conflict label-conflict kept",
        "duplicate emotion-conflict label-conflict",
        "duplicate emotion-conflict",
        "duplicate emotion-conflict relabelled",
        "blank",
        "",
    ]
    assert has_flag(audited, "blank").tolist() == [False] * 5 + [True, False]


def test_tinted_pictures_without_contrast_are_near_blank():
    grey = np.random.default_rng(0).integers(100, 104, (48, 48, 1), dtype=np.uint8)
    pixels = np.stack([np.broadcast_to(grey, (48, 48, 3)), grey + np.array([60, 0, 0], np.uint8)])
    records = pd.DataFrame(
        {"file": ["grey", "red"], "emotion": "happy", "split": "train", "label": 0, "decision": "", "judgement": ""}
    )
    assert audit_pictures(records, pixels)["flags"].str.contains("near-blank").tolist() == [True, True]


def test_findings_in_numbers(audited):
    assert count_findings(audited) == {
        "blank pictures": 1,
        "near-blank pictures": 0,
        "groups of identical pictures": 2,
        "surplus copies": 3,
        "groups across training and test": 1,
        "test pictures with a copy outside test": 1,
        "pictures kept out of training for it": 2,
        "groups with conflicting emotions": 2,
        "groups with conflicting stress labels": 1,
        "groups of near-duplicates": 0,
        "different pictures in the largest group of near-duplicates": 0,
        "test pictures with a copy or near-duplicate outside test": 1,
        "more pictures kept out of training for near-duplicates": 0,
        "more pictures kept out of training for a person in test": 0,
    }
    counted = dict(zip(FLAGS, [1, 0, 5, 2, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], strict=True))
    table = tabulate_flags(audited)
    assert dict(zip(table["flag"], table["pictures"], strict=True)) == {
        flag: count for flag, count in counted.items() if count
    }


def test_a_black_picture_is_blank_and_a_coloured_gradient_is_not():
    gradient = np.broadcast_to(np.arange(48, dtype=np.uint8)[:, None, None], (48, 48, 3))
    records = pd.DataFrame(
        {"file": ["a", "b"], "emotion": "sad", "split": "train", "label": 1, "decision": "", "judgement": ""}
    )
    assert audit_pictures(records, np.stack([np.zeros_like(gradient), gradient]))["flags"].tolist() == ["blank", ""]


def audit_faces(pictures, **columns):
    standard = {"emotion": "sad", "split": "train", "label": 1, "decision": "", "judgement": ""}
    records = pd.DataFrame({"file": [f"{i}.png" for i in range(len(pictures))]} | standard | columns)
    return audit_pictures(records, np.stack(pictures))


@pytest.fixture
def faces():
    rng = np.random.default_rng(0)
    return [np.asarray(draw_face("sad", rng)) for _ in range(4)]


def test_near_duplicates_share_a_group_and_carry_their_own_flags(faces):
    pictures = [faces[0], faces[0][:, ::-1], faces[0], faces[1], faces[1] // 2, faces[2]]
    split, label = ["train", "train", "test", "train", "train", "test"], [1, 1, 1, 0, 1, 1]
    audited = audit_faces(pictures, split=split, label=label)
    assert audited["group"].tolist() == audited["scene"].tolist() == [0, 0, 0, 1, 1, 2]
    assert audited["flags"].tolist() == [
        "duplicate leak near-duplicate",
        "near-duplicate near-leak",
        "duplicate near-duplicate",
        "near-duplicate near-conflict",
        "near-duplicate near-conflict",
        "",
    ]
    findings = count_findings(audited)
    assert findings["groups of near-duplicates"] == 2
    assert findings["different pictures in the largest group of near-duplicates"] == 2
    assert findings["more pictures kept out of training for near-duplicates"] == 1


def test_blank_and_near_blank_pictures_are_not_joined_with_one_another():
    rng = np.random.default_rng(0)
    blank = [np.full((48, 48, 3), level, dtype=np.uint8) for level in (0, 90, 90, 255)]
    nearly = [(100 + rng.normal(0, 2, (48, 48, 3))).astype(np.uint8) for _ in range(3)]
    audited = audit_faces(blank + nearly)
    assert audited["group"].tolist() == [0, 1, 1, 2, 3, 4, 5]
    assert audited["flags"].tolist() == ["blank", "blank duplicate", "blank duplicate", "blank", *["near-blank"] * 3]


def test_a_persons_pictures_share_a_group_and_are_no_duplicates(faces):
    pictures = [*faces, faces[3][:, ::-1]]
    audited = audit_faces(
        pictures, subject=["a", "b", "a", "", "b"], split=["test", "train", "train", "train", "train"]
    )
    assert audited["group"].tolist() == [0, 1, 0, 1, 1]
    assert audited["scene"].tolist() == [0, 1, 2, 3, 3]
    assert audited["flags"].tolist() == ["", "", "person-leak", "near-duplicate", "near-duplicate"]
    assert audited["near"].tolist() == ["", "", "", audited["sha256"][4], audited["sha256"][3]]
    assert count_findings(audited)["more pictures kept out of training for a person in test"] == 1


def test_pairs_that_no_group_holds_together_are_told_all_the_same(faces):
    """One face fades into another: the second picture is joined with its two partners, the last with nothing."""
    first, last = faces[0].astype(float), faces[1].astype(float)
    fading = [(first + (last - first) * share).round().astype(np.uint8) for share in (0, 0.35, 0.7, 1)]
    audited = audit_faces(fading, split=["test", "test", "test", "train"], label=[0, 0, 0, 1])
    assert find_near_duplicates(np.stack(fading)).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert audited["scene"].tolist() == [0, 0, 0, 1]
    assert audited["near"].str.split().map(len).tolist() == [1, 2, 2, 1]
    assert audited["near"].iloc[3] == audited["sha256"].iloc[2]
    assert has_flag(audited, "near-leak").tolist() == [False, False, False, True]
    assert has_flag(audited, "near-conflict").tolist() == [False, False, True, True]
    assert count_findings(audited)["test pictures with a copy or near-duplicate outside test"] == 1


def test_persons_that_are_not_known_are_not_one_person(faces):
    assert audit_faces(faces, subject="")["group"].tolist() == [0, 1, 2, 3]


def test_no_chain_from_one_face_into_another():
    """One face fades into another in 25 steps: neighbours are near-duplicates, the two ends are not."""
    rng = np.random.default_rng(5)
    first, last = (np.asarray(draw_face("happy", rng), dtype=float) for _ in range(2))
    steps = np.stack([first + (last - first) * share for share in np.linspace(0, 1, 25)]).round().astype(np.uint8)
    linked = {tuple(pair) for pair in find_near_duplicates(steps)}
    assert {(i, i + 1) for i in range(24)} <= linked
    assert (0, 24) not in linked
    group = audit_faces(list(steps))["scene"].to_numpy()
    assert group[0] != group[-1]
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        partners = [sum((min(i, j), max(i, j)) in linked for j in members if j != i) for i in members]
        assert max(partners) == len(members) - 1


def test_pictures_of_known_persons_are_no_near_duplicates_unless_they_are_equal(faces):
    pictures = [faces[0], faces[0][:, ::-1], faces[0]]
    audited = audit_faces(pictures, subject=["a", "b", "c"])
    assert audited["flags"].tolist() == ["duplicate", "", "duplicate"]
    assert audited["group"].tolist() == [0, 1, 0]


def test_where_labels_come_from_is_one_sentence():
    assert "no people have seen" in describe_label_source(rendered=True, people=None)
    assert "some 10 people saw" in describe_label_source(rendered=False, people={"pictures": 5, "people": 10})
    assert "what somebody said" in describe_label_source(rendered=False, people=None)


def test_equal_classes_are_a_sentence():
    said = describe_classes({"happy": 50, "angry": 50}, ["angry", "sad"])
    assert said == "Each of the 2 classes has 50 pictures. angry count as Stress; happy as Non-stress."


def test_only_what_was_found_is_tabulated():
    table = tabulate_findings({"blank pictures": 0, "surplus copies": 3})
    assert table.values.tolist() == [["surplus copies", 3]]
