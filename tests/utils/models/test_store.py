"""Trainings are remembered: a finished one is taken, one that was stopped goes on, and another one is another."""

import json
import shutil
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from support import CHECKOUT

from utils.code import fingerprint_imports
from utils.data.dataset import Split
from utils.files import read_json
from utils.models.augmentation import RandomAffine, add_augmentation, make_random_erasing
from utils.models.callbacks import GrowSide
from utils.models.networks import build_baseline_cnn
from utils.models.store import Store, fingerprint_network, fingerprint_split
from utils.models.strong_training import train_strong
from utils.models.train import BaselineRecipe, set_seed, train_network
from utils.quiet import keras

CLASSES = ["lying", "standing"]
pytestmark = pytest.mark.usefixtures("eager")


class Stopped(Exception):
    pass


def stop(*_, **__):
    raise Stopped


@pytest.fixture
def train(stripes, recipe, store):
    """Trains the strong network, in the one store of this test."""

    def run(validation=stripes, seed=0, watch=None, store=store, **changes):
        found = train_strong(replace(recipe, **changes), stripes, validation, CLASSES, seed, store, watch)
        return found.network, found.history

    return run


@pytest.fixture
def known(monkeypatch):
    """Tells the settings by which a training is known, and does not run it."""
    found = []

    def tell(train, **options):
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(Store, "remember", lambda _self, settings, *_: found.append(settings) or stop())
            train(**options)
        return found.pop()

    return tell


class Network:
    """Weights alone."""

    def __init__(self):
        self.weights = [np.zeros((2, 3), np.float32), np.zeros(300, np.float32)]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        assert [each.shape for each in weights] == [(2, 3), (300,)]
        self.weights = weights


@pytest.fixture
def remember(store):
    """Asks a store for a training that draws its weights."""

    def ask(store=store, **settings):
        network = Network()

        def fit(_folder):
            network.set_weights([np.random.default_rng().random(each.shape, np.float32) for each in network.weights])
            return [{"loss": 0.1 + 0.2}], {"rates": {}}

        return store.remember(settings, network, fit)

    return ask


def find_entry(store) -> Path:
    (entry,) = store.folder.iterdir()
    return entry


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


def test_what_has_ended_is_taken(remember, store):
    first, again = remember(seed=0), remember(seed=0)
    assert (first.taken, again.taken) == (False, True)
    assert (again.history, again.ended, again.notes) == (first.history, first.ended, first.notes)
    assert all(map(np.array_equal, first.network.weights, again.network.weights))
    kept = {path.name for path in find_entry(store).iterdir()}
    assert kept == {".lock", "identity.json", "training.json", "weights.npz"}


def test_other_settings_code_or_versions_are_another_training(remember, store, monkeypatch):
    remember(seed=0)
    assert not remember(seed=1).taken
    assert not remember(replace(store, code="other"), seed=0).taken
    monkeypatch.setattr(keras, "__version__", "3.99.0")
    assert not remember(seed=0).taken
    assert len(list(store.folder.iterdir())) == 4


def test_fresh_trains_anew_and_that_is_kept(remember, store):
    remember(seed=0)
    anew = remember(replace(store, fresh=True), seed=0)
    assert not anew.taken
    again = remember(seed=0)
    assert again.taken
    assert np.array_equal(again.network.weights[0], anew.network.weights[0])


@pytest.mark.parametrize("file", ["weights.npz", "training.json"])
@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: content[:-1]])
def test_a_broken_one_is_thrown_away_with_a_line(remember, store, file, damage):
    remember()
    path = find_entry(store) / file
    path.write_bytes(damage(path.read_bytes().rstrip()))
    with pytest.warns(UserWarning, match=f"A training in {path.parent} is broken, and runs anew: ") as warned:
        assert not remember().taken
    assert len([each for each in warned if "runs anew" in str(each.message)]) == 1
    assert remember().taken


def test_a_damaged_weight_is_found(remember, store):
    remember()
    path = find_entry(store) / "weights.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="is broken, and runs anew"):
        assert not remember().taken


def test_what_failed_leaves_nothing_to_go_on_from(store):
    def fail(folder):
        (folder / "state").mkdir()
        raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        store.remember({}, Network(), fail)
    assert [path.name for path in find_entry(store).iterdir()] == [".lock"]


def test_who_asks_for_a_training_that_runs_waits_for_it(remember, store, capsys):
    remember()
    held, let_go = threading.Event(), threading.Event()

    def hold():
        with FileLock(find_entry(store) / ".lock"):
            held.set()
            let_go.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    threading.Timer(0.2, let_go.set).start()
    assert remember().taken
    assert let_go.is_set()
    holder.join()
    assert "Another process trains the same: waiting for it" in capsys.readouterr().err


def test_what_the_classic_training_depends_on(known, stripes, store):
    def train(seed=0, dropout=0.3, split=stripes, validation=stripes, augmentation=None, **changes):
        set_seed(seed)
        network = build_baseline_cnn(2, (4,), dropout)
        network = add_augmentation(network, RandomAffine(**augmentation, seed=seed)) if augmentation else network
        options = {"epochs": 1, "batch_size": 16, "patience": 1, "learning_rate": 0.003} | changes
        recipe = BaselineRecipe(**options, augmentation=augmentation)
        train_network(network, recipe, split, validation, seed, store)

    augmentation = {"rotation": 5.0, "zoom": 0.05, "shift": 1.0, "flip": True}
    others = [
        {"seed": 1}, {"epochs": 2}, {"batch_size": 8}, {"patience": 2}, {"learning_rate": 0.002}, {"dropout": 0.5},
        {"split": replace(stripes, targets=stripes.targets[::-1].copy())},
        {"validation": replace(stripes, images=stripes.images[::-1].copy())},
        {"augmentation": augmentation}, {"augmentation": augmentation | {"zoom": 0.1}},
    ]  # fmt: skip
    usual = known(train)
    assert known(train) == usual
    found = [known(train, **other) for other in others]
    for position, settings in enumerate(found):
        assert settings not in (usual, *found[:position]), others[position]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the code."""
    return shutil.copytree(CHECKOUT / "src", tmp_path_factory.mktemp("code") / "src")


@pytest.mark.parametrize(
    ("file", "before", "after", "trains"),
    [
        ("utils/plots/style.py", "= ", "= 1 or ", False),
        ("utils/evaluation/metrics.py", "return ", "return 0 and ", False),
        ("utils/display.py", "150_000", "140_000", False),
        ("utils/models/save.py", "16_384", "8_192", False),
        ("reporting/templates/index.html.j2", "sealed", "shut", False),
        ("reporting/sentences.py", "Temperature", "The temperature", False),
        ("utils/models/recipe.py", "WEIGHT_DECAY = 0.05", "WEIGHT_DECAY = 0.04", True),
        ("utils/models/networks.py", "MaxPooling2D", "AveragePooling2D", True),
        ("utils/data/dataset.py", "FORMAT = ", "FORMAT = 1 + ", True),
        ("utils/models/recipe.py", "Shares of the steps", "Parts of the steps", False),
    ],
)
def test_no_figure_word_metric_or_report_trains_again(sources, file, before, after, trains):
    start, path = "import utils.models.train, utils.models.strong_training", sources / file
    first, text = fingerprint_imports(start, sources), path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    changed = fingerprint_imports(start, sources)
    path.write_text(text, encoding="utf-8")
    assert (changed != first) == trains


def test_the_code_of_a_training_is_that_of_models_and_below():
    start = "import utils.models.train, utils.models.strong_training"
    above = ("utils.plots", "utils.evaluation", "utils.inference", "utils.display", "reporting", "pipeline")
    assert [name for name in fingerprint_imports(start) if name.startswith(above)] == []


def test_a_network_is_known_by_weights_and_layers_whatever_numbers_keras_gives_them():
    def build(seed=0, dropout=0.3):
        set_seed(seed)
        return fingerprint_network(build_baseline_cnn(2, (4,), dropout))

    assert build() == build()
    assert len({build(), build(seed=1), build(dropout=0.2)}) == 3


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
    monkeypatch.setattr(
        "utils.models.strong_training.make_batches", lambda *words, **_: orders.append(words[2]) or stop()
    )
    monkeypatch.setattr("utils.models.strong_training.count_epochs", lambda *_: 4 * len(orders))
    real_affine, real_cover = RandomAffine.__init__, make_random_erasing

    def remember(self, *words, **options):
        real_affine(self, *words, **options)
        drawn.append(self)

    monkeypatch.setattr(RandomAffine, "__init__", remember)
    monkeypatch.setattr(
        "utils.models.strong_training.make_random_erasing",
        lambda *words: covered.append(words[1]) or real_cover(*words),
    )
    for _ in range(2):
        with pytest.raises(Stopped):
            train(initial_model=two)
    assert orders == covered == [0, 4]
    first, again = (layer.generator.uniform((8,)).numpy() for layer in drawn)
    assert not np.array_equal(first, again)


def test_a_torn_state_loses_an_epoch_and_no_more(train, began, store):
    began.stop_in = 3
    with pytest.raises(Stopped):
        train()
    written = find_entry(store) / "state" / "latest.weights.h5"
    written.write_bytes(written.read_bytes()[:100])
    assert len(train()[1]) == 4
    assert began == [0, 1, 2, 3, 2, 3]


@pytest.mark.parametrize("file", ["latest.weights.h5", "training_metadata.json"])
def test_a_first_state_that_is_torn_is_removed(train, began, store, file):
    began.stop_in = 1
    with pytest.raises(Stopped):
        train()
    written = find_entry(store) / "state" / file
    written.write_bytes(written.read_bytes()[: written.stat().st_size // 2])
    with pytest.raises(ValueError, match="is damaged, and was removed: run this again"):
        train()
    assert len(train()[1]) == 4
    assert began == [0, 1, 0, 1, 2, 3]


def test_what_is_killed_between_log_and_backup_has_every_epoch_once(train, store, monkeypatch):
    real = keras.callbacks.BackupAndRestore.on_epoch_end

    def stop_in_third(self, epoch, logs=None):
        if epoch == 2:
            raise Stopped
        real(self, epoch, logs)

    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", stop_in_third)
    with pytest.raises(Stopped):
        train()
    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", real)
    logged = pd.read_csv(find_entry(store) / "history.csv")["epoch"].tolist()
    assert logged == [0, 1, 2]
    assert len(train()[1]) == 4


def test_what_is_stopped_goes_on_in_the_precision_that_was_chosen(train, began, store, monkeypatch):
    rates = {"float32": 100.0, "bfloat16": 300.0}
    monkeypatch.setattr("utils.models.strong_training._time_precisions", lambda *_: ("bfloat16", rates))
    began.stop_in = 1
    with pytest.raises(Stopped):
        train(precision="auto")
    monkeypatch.setattr("utils.models.strong_training._time_precisions", stop)
    train(precision="auto")
    done = read_json(find_entry(store) / "training.json")
    assert done["notes"] == {"precision": "bfloat16", "rates": rates}
    assert json.loads((find_entry(store) / "identity.json").read_text())["recipe"]["precision"] == "auto"


@pytest.fixture
def opened(train, known):
    return partial(known, train)


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
        {"precision": "auto"},
    ]
    usual = opened()
    assert opened() == usual
    found = [opened(**other) for other in others]
    for position, settings in enumerate(found):
        assert settings not in (usual, *found[:position]), others[position]


def test_another_network_of_a_run_of_the_same_name_is_another_training(opened, two, seven, tmp_path):
    again = shutil.copytree(seven, tmp_path / "two" / "EmotionDetector_2")
    first, other = opened(initial_model=two), opened(initial_model=again)
    assert {name for name in first if first[name] != other[name]} == {"network"}


def test_a_teacher_is_known_by_its_weights_not_by_its_run(opened, two, seven, tmp_path):
    again = shutil.copytree(two, tmp_path / "renamed" / "EmotionDetector_2")
    assert opened(teachers=(two,)) == opened(teachers=(again,)) != opened(teachers=(seven,))
