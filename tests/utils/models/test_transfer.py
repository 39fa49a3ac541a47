"""What a new network takes over from trained ones, and what the strong network's training makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from support import CHECKOUT, EMOTIONS

from utils.files import read_json
from utils.models.augmentation import make_random_erasing
from utils.models.networks import build_strong_cnn, find_inside, read_widths
from utils.models.recipe import scale_learning_rate
from utils.models.strong_training import average_teachers, initialise_from, train_strong
from utils.models.train import predict
from utils.quiet import keras

CLASSES = ["lying", "standing"]
pytestmark = pytest.mark.usefixtures("eager")


def load(folder):
    return keras.models.load_model(folder / "model.keras")


def read_weights(network) -> list[np.ndarray]:
    """Of plain layers, the head's kernel and bias at the end."""
    return find_inside(network).get_weights()


@pytest.fixture(scope="module")
def shipped():
    folder = CHECKOUT / "models" / "shipped" / "EmotionDetector_2"
    return load(folder), len(read_json(folder / "model.json")["class_names"])


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_new_network_answers_as_the_saved_one(stripes, recipe, two, precision):
    keras.config.set_dtype_policy(precision)
    network = build_strong_cnn(2, recipe.widths)
    keras.config.set_dtype_policy("float32")
    initialise_from(network, load(two), with_head=True)
    expected = predict(find_inside(load(two)), stripes.images)
    assert predict(network, stripes.images) == pytest.approx(expected, abs=1e-5 if precision == "float32" else 0.03)


def test_it_answers_as_the_shipped_one(stripes, shipped):
    saved, class_count = shipped
    network = build_strong_cnn(class_count, read_widths(saved))
    initialise_from(network, saved, with_head=True)
    expected = predict(find_inside(saved), stripes.images[:4])
    assert predict(network, stripes.images[:4]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("class_count, with_head", [(2, True), (3, False)])
@pytest.mark.parametrize("widths", [((4,), (8,), (7,)), ((4,), (8,)), ((4,), (8,), (8, 8)), ((6,), (8,), (8,))])
def test_a_network_of_another_shape_says_which(two, widths, class_count, with_head):
    with pytest.raises(ValueError, match=r"To be initialised from: expected a network with .* found \[\(3, 3, 1, 4\)"):
        initialise_from(build_strong_cnn(class_count, widths), load(two), with_head)


def test_with_its_head_a_network_of_other_classes_has_another_shape(recipe, two):
    with pytest.raises(ValueError, match="To be initialised from: expected"):
        initialise_from(build_strong_cnn(3, recipe.widths), load(two), with_head=True)


@pytest.fixture
def fine_tune(stripes, recipe, store):
    """Trains for an epoch from another run's network."""

    def run(initial_model, class_names=CLASSES, **changes):
        changed = replace(recipe, **{"sides": (24,), "initial_model": initial_model} | changes)
        targets = np.pad(stripes.targets, ((0, 0), (0, len(class_names) - 2)))
        learnt = replace(stripes, targets=targets)
        return train_strong(changed, learnt, learnt, class_names, 0, store).network

    return run


@pytest.fixture
def standstill(monkeypatch):
    """A learning rate of nothing: what was trained is what it began with."""
    monkeypatch.setattr("utils.models.recipe.LEARNING_RATE", 0.0)


def test_fine_tuning_begins_with_the_answers_of_the_saved_one(stripes, two, standstill, fine_tune):
    network = fine_tune(two)
    assert predict(network, stripes.images) == pytest.approx(predict(find_inside(load(two)), stripes.images), abs=1e-5)
    for one, other in zip(read_weights(network), read_weights(load(two)), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("run, class_names", [("two", list(EMOTIONS)), ("seven", CLASSES), ("two", CLASSES[::-1])])
def test_of_other_classes_the_trunk_is_taken_and_the_head_is_new(models, standstill, fine_tune, run, class_names):
    saved = load(models / run / "EmotionDetector_2")
    network = fine_tune(models / run / "EmotionDetector_2", class_names)
    *trunk, kernel, bias = read_weights(network)
    *saved_trunk, saved_kernel, _ = read_weights(saved)
    for one, other in zip(trunk, saved_trunk, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert kernel.shape == (8, len(class_names))
    assert not np.array_equal(kernel, saved_kernel)
    assert np.array_equal(bias, np.zeros(len(class_names)))


def test_fine_tuning_from_another_shape_is_refused_before_it_begins(two, fine_tune, store):
    with pytest.raises(ValueError, match="To be initialised from: expected a network with weights of shapes"):
        fine_tune(two, widths=((4,), (8,)))
    assert not store.folder.exists()


class Stopped(Exception):
    pass


@pytest.fixture
def asked(monkeypatch) -> dict:
    """What the training asks for: `rate` and `steps`, `erased`, `targets` and `seed`. Then it is stopped."""
    found = {"erased": 0.0}

    def cover(share, seed):
        found["erased"] = share
        return make_random_erasing(share, seed)

    def stop(split, batch_size, seed, targets):
        found.update(targets=targets, seed=seed)
        raise Stopped

    real = keras.optimizers.AdamW
    monkeypatch.setattr("utils.models.strong_training.make_random_erasing", cover)
    monkeypatch.setattr("utils.models.strong_training.make_batches", stop)
    monkeypatch.setattr(
        "utils.models.strong_training.make_optimizer",
        lambda rate, steps: found.update(rate=rate, steps=steps) or real(),
    )
    return found


def test_fine_tuning_takes_half_the_rate_and_covers_half_of_the_pictures(two, seven, asked, fine_tune):
    usual = scale_learning_rate(32)
    for initial_model, rate, erased in ((None, usual, 0.0), (two, usual / 2, 0.5), (seven, usual / 2, 0.5)):
        asked["erased"] = 0.0
        with pytest.raises(Stopped):
            fine_tune(initial_model)
        assert (asked["rate"], asked["erased"], asked["steps"]) == (rate, erased, 1)


def test_teachers_answer_with_their_mean(stripes, two, sure):
    answers = [predict(load(folder), stripes.images) for folder in (two, sure)]
    assert not np.allclose(*answers, atol=0.1)
    assert average_teachers((two,), stripes.images) == pytest.approx(answers[0], abs=1e-6)
    both = average_teachers((two, sure), stripes.images)
    assert both == pytest.approx(np.mean(answers, axis=0), abs=1e-6)
    assert both.dtype == np.float32


def test_teachers_are_asked_piece_by_piece_and_keep_the_order(monkeypatch, stripes, two):
    seen = []
    monkeypatch.setattr(
        "utils.models.strong_training.copy_images", lambda images, piece: seen.append(piece) or images[piece]
    )
    many = np.concatenate([np.broadcast_to(stripes.images[:1], (4096, 48, 48, 3)), stripes.images])
    answers = average_teachers((two,), many)
    assert [len(piece) for piece in seen] == [4096, 32]
    assert answers[-32:] == pytest.approx(predict(load(two), stripes.images), abs=1e-5)


@pytest.mark.parametrize("initial", [None, "two"])
def test_half_of_each_target_is_the_label_and_half_the_teachers_answer(
    stripes, models, two, sure, asked, fine_tune, initial
):
    initial_model = initial and models / initial / "EmotionDetector_2"
    with pytest.raises(Stopped):
        fine_tune(initial_model, teachers=(two, sure))
    taught = average_teachers((two, sure), stripes.images)
    assert asked["targets"] == pytest.approx((stripes.targets + taught) / 2, abs=1e-6)
    with pytest.raises(Stopped):
        fine_tune(initial_model)
    assert set(asked["targets"].ravel()) == {np.float32(0.95), np.float32(0.05)}
