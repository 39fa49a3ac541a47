"""What the audit must find in FER-2013. Needs the real pictures."""

import pytest

from utils.data.audit import audit_pictures, count_findings
from utils.data.ingest import inspect_source, read_pictures
from utils.data.splits import assign_splits


@pytest.fixture(scope="module")
def audited(shared):
    records, pixels, skipped = read_pictures(inspect_source(shared / "data" / "fer2013.zip", votes="off"))
    assert skipped.empty
    return audit_pictures(records, pixels)


def test_every_picture_is_read(audited):
    assert dict(audited.groupby("split").size()) == {"test": 3589, "train": 28709}
    assert audited["label"].mean() == pytest.approx(0.465, abs=0.001)


def test_known_defects_are_found(audited):
    findings = count_findings(audited)
    exact = {
        "blank pictures": 12,
        "groups of identical pictures": 1273,
        "surplus copies": 1532,
        "groups across training and test": 270,
        "test pictures with a copy outside test": 280,
        "pictures kept out of training for it": 351,
        "groups with conflicting emotions": 47,
        "groups with conflicting stress labels": 22,
    }
    assert {name: findings[name] for name in exact} == exact


def test_near_duplicates_come_in_small_groups(audited):
    findings = count_findings(audited)
    assert findings["groups of near-duplicates"] == pytest.approx(2777, rel=0.05)
    assert findings["different pictures in the largest group of near-duplicates"] <= 30
    assert findings["test pictures with a copy or near-duplicate outside test"] == pytest.approx(1026, rel=0.05)
    assert findings["near-blank pictures"] == 2


def test_no_training_picture_has_a_copy_in_test_or_validation(audited):
    used = assign_splits(audited, 0.1, 0.1, seed=0)
    train, test, validation = (used[used["split"] == split] for split in ("train", "test", "validation"))
    near_train = set(train["sha256"]) | set(" ".join(train["near"]).split())
    assert not near_train & (set(test["sha256"]) | set(validation["sha256"]))
    assert not set(validation["sha256"]) & set(" ".join(test["near"]).split())
    assert not set(train["group"]) & (set(test["group"]) | set(validation["group"]))
    assert len(train) > 23_500
