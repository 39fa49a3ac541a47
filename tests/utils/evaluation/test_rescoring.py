from types import SimpleNamespace

import numpy as np
import pytest

from utils.evaluation import scoring


@pytest.fixture
def certain(monkeypatch):
    """A model that says Stress with 60 % of everything."""
    model = SimpleNamespace(
        probabilities=lambda pictures: np.tile([0.4, 0.6], (len(pictures), 1)),
        p_stress=lambda rows: rows[:, 1],
        class_names=["happy", "angry"],
        stress_classes=["angry"],
    )
    monkeypatch.setattr(scoring, "Classifier", SimpleNamespace(load=lambda folder: model))


def test_all_pictures_one_split_and_a_part_are_scored(certain, faces_zip, tmp_path):
    everything = scoring.rescore(tmp_path, faces_zip)
    assert everything["pictures"] == 7 * 40
    assert everything["accuracy"] == pytest.approx(4 / 7)  # four of seven emotions count as Stress
    assert everything["class_accuracy"] == pytest.approx(1 / 7)  # all are angry
    assert everything["auroc"] == 0.5
    assert everything["log_loss"] == pytest.approx(-(4 * np.log(0.6) + 3 * np.log(0.4)) / 7)
    assert scoring.rescore(tmp_path, faces_zip, split="test")["pictures"] == 7 * 10
    part = scoring.rescore(tmp_path, faces_zip, pictures=140)
    assert part["pictures"] == 140
    assert part == scoring.rescore(tmp_path, faces_zip, pictures=140)
