import numpy as np
import pandas as pd
import pytest

from utils.audit import FLAGS, audit_pictures, count_findings, has_flag, tabulate_flags


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
        }
    )
    return audit_pictures(records, pixels)


def test_groups_join_pictures_with_the_same_pixels(audited):
    assert audited["group"].tolist() == [0, 0, 0, 1, 1, 2, 3]
    assert audited["sha256"].nunique() == 4


def test_flags(audited):
    assert audited["flags"].tolist() == [
        "duplicate leak emotion-conflict label-conflict",
        "duplicate leak emotion-conflict label-conflict",
        "duplicate emotion-conflict label-conflict",
        "duplicate emotion-conflict",
        "duplicate emotion-conflict",
        "blank",
        "",
    ]
    assert has_flag(audited, "blank").tolist() == [False] * 5 + [True, False]


def test_findings_in_numbers(audited):
    assert count_findings(audited) == {
        "blank pictures": 1,
        "groups of identical pictures": 2,
        "surplus copies": 3,
        "groups across training and test": 1,
        "test pictures with a copy outside test": 1,
        "pictures kept out of training for it": 2,
        "groups with conflicting emotions": 2,
        "groups with conflicting stress labels": 1,
    }
    assert tabulate_flags(audited)["pictures"].tolist() == [1, 5, 2, 5, 3]
    assert tabulate_flags(audited)["flag"].tolist() == list(FLAGS)


def test_a_black_picture_is_blank_and_a_coloured_gradient_is_not():
    gradient = np.broadcast_to(np.arange(48, dtype=np.uint8)[:, None, None], (48, 48, 3))
    records = pd.DataFrame({"file": ["a", "b"], "emotion": "sad", "split": "train", "label": 1})
    assert audit_pictures(records, np.stack([np.zeros_like(gradient), gradient]))["flags"].tolist() == ["blank", ""]
