"""The strong network's training: on a few pictures it learns, and learns the same again."""

from dataclasses import replace

import numpy as np
import pytest

from utils.models.callbacks import GrowSide
from utils.models.networks import build_inference_network, find_inside, read_widths
from utils.models.recipe import FINE_TUNING_SIDES, SIDES, choose_sides
from utils.models.save import save_model
from utils.models.store import Store
from utils.models.strong_training import train_strong, train_strong_from_seeds
from utils.models.test_time_augmentation import View
from utils.models.train import predict
from utils.quiet import keras

CLASSES = ["lying", "standing"]
VIEWS = (View(36), View(36, 40, True), View(), View(mirrored=True))


@pytest.fixture(scope="module", autouse=True)
def hurry():
    """A learning rate at which a few dozen steps are enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("utils.models.recipe.LEARNING_RATE", 0.04)
        yield


@pytest.fixture(scope="module")
def long(recipe):
    """Six epochs of four steps, of growing pictures."""
    return replace(recipe, sides=choose_sides([], 6), batch_size=8)


@pytest.fixture(scope="module")
def trained(stripes, long, tmp_path_factory):
    """The one training with graphs, as outside of tests."""
    store = Store(tmp_path_factory.mktemp("trained"))
    found = train_strong(long, stripes, stripes, CLASSES, 0, store)
    return found.network, found.history


@pytest.fixture
def train(stripes, recipe, tmp_path, eager):
    """Trains for an epoch, in a folder of its own."""

    def run(seed=0, **changes):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        changed = replace(recipe, **{"sides": (24,), "batch_size": 16} | changes)
        found = train_strong(changed, stripes, stripes, CLASSES, seed, Store(folder))
        return found.network, found.history

    return run


def test_it_learns(stripes, trained, long):
    network, history = trained
    assert len(history) == long.epochs
    assert set(history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history[-1]["loss"] < history[0]["loss"]
    assert (predict(network, stripes.images).argmax(axis=1) == stripes.labels).mean() >= 0.9
    assert history[-1]["val_accuracy"] >= 0.9


def test_what_is_handed_back_is_what_is_saved(stripes, trained, long):
    network, history = trained
    assert read_widths(network) == long.widths
    assert all(type(layer).__module__.startswith("keras.") for layer in network.layers)
    answers = predict(network, stripes.images)
    assert -np.log(answers[range(32), stripes.labels]).mean() == pytest.approx(history[-1]["val_loss"], abs=1e-5)
    assert predict(build_inference_network(network), stripes.images) == pytest.approx(answers, abs=1e-6)


@pytest.mark.parametrize("change", [{}, {"initial_model": "two", "teachers": ("two", "sure")}])
def test_the_same_seed_gives_the_same_weights(models, train, change):
    folders = {run: models / run / "EmotionDetector_2" for run in ("two", "sure")}
    if change:
        change = {"initial_model": folders["two"], "teachers": tuple(folders.values())}
    first, again, other = (train(seed, **change)[0].get_weights() for seed in (1, 1, 2))
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(first[0], other[0])


def test_the_pictures_sides_are_the_recipes(train, monkeypatch):
    seen = []
    monkeypatch.setattr(GrowSide, "on_epoch_end", lambda self, *_: seen.append(int(self.augmentation.side)))
    for sides in (SIDES, (28, 24)):
        train(sides=sides)
    assert seen == [*SIDES, 28, 24]


def test_fine_tuning_goes_on_where_the_first_training_ended(stripes, trained, train, tmp_path):
    """Read from what a run saves: rounded to float16, and its confidence lowered."""
    folder = tmp_path / "first" / "EmotionDetector_2"
    card = {"class_names": CLASSES, "training": {"views": [view._asdict() for view in VIEWS]}}
    save_model(folder, build_inference_network(trained[0], 1.5, VIEWS), card, stripes.images)
    sides = choose_sides([], 3, folder)
    assert sides == FINE_TUNING_SIDES
    network, history = train(sides=sides, initial_model=folder)
    assert history[0]["val_accuracy"] >= 0.9
    assert history[0]["val_loss"] < 0.6
    saved = find_inside(keras.models.load_model(folder / "model.keras"))
    for one, other, original in zip(*(each.get_weights() for each in (network, saved, trained[0])), strict=True):
        assert not np.array_equal(one, other)
        assert other == pytest.approx(original if other.shape[-1] > 2 else original / 1.5, rel=2e-3, abs=1e-3)


def test_each_seed_answers_with_the_mean_over_the_views(stripes, recipe, store, eager):
    options = {"recipe": replace(recipe, sides=(24,)), "train": stripes, "class_names": CLASSES, "store": store}
    views = (View(), View(mirrored=True))
    answers = train_strong_from_seeds([1, 2], views, validation=stripes, **options)
    assert list(answers) == [1, 2]
    taken = train_strong(validation=stripes, seed=2, **options)
    assert taken.taken
    network = taken.network
    both = predict(network, stripes.images), predict(network, stripes.images[:, :, ::-1])
    assert answers[2] == pytest.approx(np.mean(both, axis=0), abs=1e-6)
    assert not np.array_equal(answers[1], answers[2])


def test_half_precision_scales_the_loss(train, monkeypatch):
    scaled, real = [], keras.optimizers.LossScaleOptimizer
    monkeypatch.setattr(keras.optimizers, "LossScaleOptimizer", lambda inner: scaled.append(real(inner)) or scaled[-1])
    for precision in ("float32", "float16"):
        _, history = train(precision=precision)
        assert np.isfinite(history[-1]["loss"])
    assert len(scaled) == 1


def test_whatever_trained_it_what_is_chosen_for_computes_as_what_is_saved(stripes, train):
    network, _ = train(precision="bfloat16")
    assert all(layer.compute_dtype == "float32" for layer in network.layers if layer.weights)
    saved = build_inference_network(network)
    assert predict(network, stripes.images) == pytest.approx(predict(saved, stripes.images), abs=1e-6)


def test_a_training_that_diverged_is_no_result(train, monkeypatch, tmp_path):
    began = []
    monkeypatch.setattr(GrowSide, "on_epoch_begin", lambda self, epoch, _: began.append(epoch))
    monkeypatch.setattr("utils.models.recipe.LEARNING_RATE", 1e30)
    with pytest.raises(ValueError, match="a loss that is no number, in float32: start it again with a lower"):
        train(sides=(24, 24, 24))
    assert began == [0]
    assert [path.name for path in tmp_path.glob("0/*/*")] == [".lock"]
