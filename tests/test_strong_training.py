"""The strong network's recipe, on a handful of drawn faces."""

import numpy as np
import pandas as pd
import pytest
from conftest import draw_face

from utils.augmentation import RandomAffine
from utils.dataset import Split
from utils.networks import build_inference_network, build_strong_cnn
from utils.strong_training import _open_checkpoint, plan_sides, train_strong_network
from utils.tensorflow_quietly import keras
from utils.training import set_seed

WIDTHS = ((4,), (8,), (8,))
EPOCHS = 9


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    images = np.stack([np.asarray(draw_face(emotion, rng)) for emotion in ("happy", "angry") * 16])
    targets = np.tile([0, 1], 16).astype(np.int64)
    return Split(pd.DataFrame(index=range(32)), images, targets, targets)


def train(faces, checkpoint):
    set_seed(0)
    network = build_strong_cnn(2, widths=WIDTHS)
    augmentation = RandomAffine(5.0, 0.05, 1.0, True)
    history = train_strong_network(network, augmentation, faces, faces, EPOCHS, 8, 0.02, 0, checkpoint)
    return network, history


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    checkpoint = tmp_path_factory.mktemp("trained") / "state"
    network, history = train(faces, checkpoint)
    assert not checkpoint.exists()
    return network, history


def test_sides_grow_and_end_whole():
    assert plan_sides(1) == [48]
    assert plan_sides(3) == [24, 36, 48]
    assert plan_sides(6) == [24, 24, 36, 36, 48, 48]
    with pytest.raises(ValueError, match="expected 1 or more"):
        plan_sides(0)


def test_it_learns(faces, trained):
    network, history = trained
    assert len(history) == EPOCHS
    assert set(history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    answers = np.asarray(network(faces.images)).argmax(axis=1)
    assert (answers == faces.targets).mean() >= 0.9


class Stopped(Exception):
    pass


def test_stopped_it_goes_on_at_the_last_whole_epoch(faces, tmp_path, monkeypatch):
    began = []

    def stop_in_third(self, epoch, logs=None):
        began.append(epoch)
        if began.count(2) == 1 and epoch == 2:
            raise Stopped

    monkeypatch.setattr("utils.strong_training._GrowSide.on_epoch_begin", stop_in_third)
    with pytest.raises(Stopped):
        train(faces, tmp_path / "state")
    _, history = train(faces, tmp_path / "state")
    assert began == [0, 1, 2, *range(2, EPOCHS)]
    assert len(history) == EPOCHS


def test_what_another_recipe_left_is_thrown_away(tmp_path):
    _open_checkpoint(tmp_path / "state", {"epochs": 3})
    (tmp_path / "state" / "history.csv").write_text("epoch,loss\n0,1.0\n")
    _open_checkpoint(tmp_path / "state", {"epochs": 3})
    assert (tmp_path / "state" / "history.csv").exists()
    _open_checkpoint(tmp_path / "state", {"epochs": 4})
    assert not (tmp_path / "state" / "history.csv").exists()


def test_the_same_seed_gives_the_same_weights(faces, trained, tmp_path):
    again, _ = train(faces, tmp_path / "state")
    for one, other in zip(trained[0].get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_saved_network_is_plain_and_answers_the_same(faces, trained, tmp_path, temperature):
    build_inference_network(trained[0], temperature).save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    expected = np.asarray(trained[0](faces.images)) ** (1 / temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.asarray(loaded(faces.images)) == pytest.approx(expected, abs=1e-5)


def test_two_views_do_not_care_about_left_and_right(faces, trained):
    inference = build_inference_network(trained[0], mirror=True)
    mirrored = faces.images[:, :, ::-1]
    assert np.asarray(inference(mirrored)) == pytest.approx(np.asarray(inference(faces.images)), abs=1e-5)
