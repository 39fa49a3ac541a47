"""A strong network's training that was stopped goes on, where it is still the same."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.data.dataset import Split
from utils.models.augmentation import RandomAffine, cover_at_random
from utils.models.callbacks import GrowSide
from utils.models.checkpoints import delete_checkpoints, fingerprint_split, fingerprint_weights, open_checkpoint
from utils.models.networks import build_strong_cnn
from utils.models.train import train_strong
from utils.models.transfer import ask_teachers
from utils.quiet import keras

CLASSES = ["lying", "standing"]
pytestmark = pytest.mark.usefixtures("eager")


class Stopped(Exception):
    pass


def stop(*_, **__):
    raise Stopped


@pytest.fixture
def train(stripes, recipe, tmp_path):
    """Trains, in the one folder of this test."""

    def run(validation=stripes, seed=0, watch=None, **changes):
        changed = replace(recipe, **changes)
        return train_strong(changed, stripes, validation, CLASSES, seed, tmp_path / "state", watch)

    return run


@pytest.fixture
def began(monkeypatch) -> list[int]:
    """The epochs that began; add `stop_in` to stop the first time that one does."""

    class Began(list):
        stop_in = None

    found, real = Began(), GrowSide.on_epoch_begin

    def begin(self, epoch, logs=None):
        real(self, epoch, logs)
        found.append(epoch)
        if epoch == found.stop_in and found.count(epoch) == 1:
            raise Stopped

    monkeypatch.setattr(GrowSide, "on_epoch_begin", begin)
    return found


def test_what_another_recipe_left_is_thrown_away(tmp_path):
    state = tmp_path / "deeper" / "state"
    assert open_checkpoint(state, {"epochs": 3}) == 0
    (state / "history.csv").write_text("epoch,loss\n0,1.0\n1,0.9\n")
    assert open_checkpoint(state, {"epochs": 3}) == 2
    assert open_checkpoint(state, {"epochs": 4}) == 0
    assert [path.name for path in state.iterdir()] == ["settings.json"]


def test_a_torn_line_of_the_log_is_left_out(tmp_path):
    open_checkpoint(tmp_path / "state", {"epochs": 3})
    log = tmp_path / "state" / "history.csv"
    log.write_text("epoch,loss\n0,1.0\n1,0.")
    assert open_checkpoint(tmp_path / "state", {"epochs": 3}) == 1
    assert log.read_text() == "epoch,loss\n0,1.0\n"
    log.write_text("epoch,lo")
    assert open_checkpoint(tmp_path / "state", {"epochs": 3}) == 0


def test_checkpoints_are_deleted_where_there_are_any(tmp_path):
    open_checkpoint(tmp_path / "state" / "0", {})
    delete_checkpoints(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    delete_checkpoints(tmp_path / "state")


def test_a_network_is_known_by_its_weights(recipe):
    network, other = build_strong_cnn(2, recipe.widths), build_strong_cnn(2, recipe.widths)
    assert fingerprint_weights(network) != fingerprint_weights(other)
    other.set_weights(network.get_weights())
    assert fingerprint_weights(network) == fingerprint_weights(other)


def test_a_split_is_known_by_its_pictures_and_targets(stripes, tmp_path):
    np.save(tmp_path / "images.npy", stripes.images)
    mapped = replace(stripes, images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    assert fingerprint_split(mapped) == fingerprint_split(stripes)
    changed = stripes.images.copy()
    changed[-1, -1, -1, -1] ^= 1
    for other in (replace(stripes, images=changed), replace(stripes, targets=1 - stripes.targets)):
        assert fingerprint_split(other) != fingerprint_split(stripes)


@pytest.mark.parametrize("initial", [False, True])
def test_stopped_it_goes_on_at_the_last_whole_epoch(train, began, two, initial):
    told, began.stop_in = [], 2
    options = {"initial_model": two if initial else None, "watch": lambda history, first: told.append(first)}
    with pytest.raises(Stopped):
        train(**options)
    network, history = train(**options)
    assert began == [0, 1, 2, 2, 3]
    assert told == [1, 1, 3, 3]
    assert len(history) == 4
    again, same = train(**options)  # what has ended is taken
    assert began == [0, 1, 2, 2, 3]
    assert all(map(np.array_equal, network.get_weights(), again.get_weights()))
    assert same == history


def test_it_goes_on_with_the_weights_that_it_had(train, began, monkeypatch):
    kept, real = [], GrowSide.on_epoch_begin

    def remember(self, epoch, logs=None):
        if epoch == 3:
            kept.append(self.model.get_weights())
        real(self, epoch, logs)

    began.stop_in = 3
    monkeypatch.setattr(GrowSide, "on_epoch_begin", remember)
    with pytest.raises(Stopped):
        train()
    train()
    stopped_with, gone_on_with = kept
    assert all(map(np.array_equal, stopped_with, gone_on_with))


def test_resumed_it_does_not_draw_the_first_epochs_again(train, two, monkeypatch):
    orders, covered, drawn = [], [], []
    monkeypatch.setattr("utils.models.train.make_batches", lambda *words, **_: orders.append(words[2]) or stop())
    monkeypatch.setattr("utils.models.train.open_checkpoint", lambda *_: 4 * len(orders))
    real_affine, real_cover = RandomAffine.__init__, cover_at_random

    def remember(self, *words, **options):
        real_affine(self, *words, **options)
        drawn.append(self)

    monkeypatch.setattr(RandomAffine, "__init__", remember)
    monkeypatch.setattr(
        "utils.models.train.cover_at_random", lambda *words: covered.append(words[1]) or real_cover(*words)
    )
    for _ in range(2):
        with pytest.raises(Stopped):
            train(initial_model=two)
    assert orders == covered == [0, 4]
    first, again = (layer.generator.uniform((8,)).numpy() for layer in drawn)
    assert not np.array_equal(first, again)


def test_a_torn_state_loses_an_epoch_and_no_more(train, began, tmp_path):
    began.stop_in = 3
    with pytest.raises(Stopped):
        train()
    written = tmp_path / "state" / "0" / "state" / "latest.weights.h5"
    written.write_bytes(written.read_bytes()[:100])
    assert len(train()[1]) == 4
    assert began == [0, 1, 2, 3, 2, 3]


@pytest.mark.parametrize("file", ["latest.weights.h5", "training_metadata.json"])
def test_a_first_state_that_is_torn_is_removed(train, began, tmp_path, file):
    began.stop_in = 1
    with pytest.raises(Stopped):
        train()
    written = tmp_path / "state" / "0" / "state" / file
    written.write_bytes(written.read_bytes()[: written.stat().st_size // 2])
    with pytest.raises(ValueError, match="is damaged, and was removed: run this again"):
        train()
    assert len(train()[1]) == 4
    assert began == [0, 1, 0, 1, 2, 3]


def test_what_is_killed_between_log_and_backup_has_every_epoch_once(train, tmp_path, monkeypatch):
    real = keras.callbacks.BackupAndRestore.on_epoch_end

    def stop_in_third(self, epoch, logs=None):
        if epoch == 2:
            raise Stopped
        real(self, epoch, logs)

    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", stop_in_third)
    with pytest.raises(Stopped):
        train()
    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", real)
    _, history = train()
    logged = pd.read_csv(tmp_path / "state" / "0" / "history.csv")["epoch"].tolist()
    assert logged == [0, 1, 2, 2, 3]
    assert len(history) == 4


def test_each_seed_has_a_checkpoint_of_its_own(train, began, tmp_path):
    for seed in (0, 1, 0):
        train(seed=seed, sides=(24,))
    assert began == [0, 0]
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["0", "1"]


def test_where_the_teachers_answer_otherwise_it_begins_anew(train, began, stripes, two, monkeypatch):
    began.stop_in = 1
    with pytest.raises(Stopped):
        train(teachers=(two,))
    # the run of the same name was trained again
    answers = ask_teachers((two,), stripes.images)[:, ::-1]
    monkeypatch.setattr("utils.models.train.ask_teachers", lambda *_: answers)
    train(teachers=(two,))
    train(teachers=(two,))
    assert began == [0, 1, 0, 1, 2, 3]


@pytest.fixture
def opened(train, monkeypatch):
    """Tells the settings by which a training knows its checkpoint."""
    settings = []
    monkeypatch.setattr("utils.models.train.open_checkpoint", lambda _, each: settings.append(each) or 0)
    monkeypatch.setattr("utils.models.train.RandomAffine", stop)

    def run(**options):
        with pytest.raises(Stopped):
            train(**options)
        return settings.pop()

    return run


def test_other_settings_are_another_training(opened, stripes, recipe, two, seven, sure):
    swapped = Split(stripes.records, stripes.images, 1 - stripes.targets, 1 - stripes.labels)
    changes = [{name: value} for name, value in (("rotation", 1.0), ("zoom", 0.01), ("shift", 2.0), ("flip", False))]
    others = [
        *({"augmentation": recipe.augmentation | change} for change in changes),
        {"widths": ((4,), (8,))},
        {"sides": (24, 24, 24, 36)},
        {"batch_size": 8},
        {"seed": 1},
        {"validation": swapped},
        {"initial_model": two},
        {"initial_model": seven},
        {"teachers": (two,)},
        {"teachers": (two, sure)},
        {"teachers": (two,), "initial_model": two},
        {"precision": "float16"},
    ]
    usual = opened()
    assert opened() == usual
    found = [opened(**other) for other in others]
    for position, settings in enumerate(found):
        assert settings not in (usual, *found[:position]), others[position]


def test_another_network_of_a_run_of_the_same_name_is_another_training(opened, two, seven, tmp_path):
    again = shutil.copytree(seven, tmp_path / "two" / "EmotionDetector_2")
    first, other = opened(initial_model=two), opened(initial_model=again)
    assert {name for name in first if first[name] != other[name]} == {"weights"}


def test_a_training_may_go_on_in_another_precision_that_does_not_scale_the_loss(opened):
    assert opened(precision="bfloat16") == opened(precision="float32")
