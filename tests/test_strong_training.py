"""The strong network's recipe, on a handful of drawn faces."""

import numpy as np
import pandas as pd
import pytest
from conftest import draw_face

from utils.augmentation import RandomAffine
from utils.dataset import Split
from utils.files import read_json, write_json
from utils.lessons import ask_teachers
from utils.networks import (
    STRONG_WIDTHS,
    add_features,
    build_inference_network,
    build_strong_cnn,
    find_inside,
)
from utils.strong_callbacks import GrowSide
from utils.strong_parameters import (
    choose_averaged,
    choose_epochs,
    choose_sides,
    choose_start,
    choose_teachers,
    choose_views,
    choose_widths,
    describe_plan,
)
from utils.strong_recipe import (
    COVERED,
    SECOND_SIDES,
    SIDES,
    describe_recipe,
    plan_sides,
    scale_learning_rate,
    soften_targets,
)
from utils.strong_training import (
    _open_checkpoint,
    forget,
    train_strong,
    train_strong_from_seeds,
    train_strong_network,
)
from utils.tensorflow_quietly import keras
from utils.training import predict, save_model, set_seed
from utils.transfer import average_weights, settle, start_from
from utils.views import View

VIEWS = (View(36), View(36, 40, True), View(), View(mirrored=True))
WIDTHS = ((4,), (8,), (8,))
EPOCHS = 9


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    images = np.stack([np.asarray(draw_face(emotion, rng)) for emotion in ("happy", "angry") * 16])
    targets = np.tile([0, 1], 16).astype(np.int64)
    return Split(pd.DataFrame(index=range(32)), images, targets, targets)


def train(faces, checkpoint, batch_norm=False):
    set_seed(0)
    network = build_strong_cnn(2, widths=WIDTHS, batch_norm=batch_norm)
    augmentation = RandomAffine(5.0, 0.05, 1.0, True)
    history = train_strong_network(network, augmentation, faces, faces, EPOCHS, 8, 0.02, 0, checkpoint)
    return network, history


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    return train(faces, tmp_path_factory.mktemp("trained") / "state")


def test_sides_grow_and_end_whole():
    assert plan_sides(1) == [48]
    assert plan_sides(3) == [24, 36, 48]
    assert plan_sides(6) == [24, 24, 36, 36, 48, 48]
    assert plan_sides(4, (32, 48)) == [32, 32, 48, 48]
    with pytest.raises(ValueError, match="expected 1 or more"):
        plan_sides(0)


def test_it_learns(faces, trained):
    network, history = trained
    assert len(history) == EPOCHS
    assert set(history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    answers = np.asarray(network(faces.images)).argmax(axis=1)
    assert (answers == faces.targets).mean() >= 0.9


def test_with_batch_norm_it_learns_and_is_saved_as_plain_layers(faces, tmp_path):
    network, history = train(faces, tmp_path / "state", batch_norm=True)
    assert history[-1]["val_accuracy"] >= 0.9
    answers = np.asarray(network(faces.images))
    assert (answers.argmax(axis=1) == faces.targets).mean() >= 0.9
    saved = find_inside(build_inference_network(network))
    assert np.asarray(saved(faces.images)) == pytest.approx(answers, abs=1e-5)
    assert [len(layer.weights) for layer in saved.layers if layer.weights] == [2, 2, 2, 2]


def test_settled_it_answers_outside_training_as_in_a_batch_of_what_it_saw(faces):
    set_seed(0)
    network = build_strong_cnn(2, widths=WIDTHS, dropout=0.0, batch_norm=True)
    pictures = np.concatenate([faces.images] * 9)  # in more than one piece
    in_training = np.asarray(network(pictures, training=True))
    assert np.abs(np.asarray(network(pictures)) - in_training).max() > 0.01
    settle(network, pictures)
    assert np.asarray(network(pictures)) == pytest.approx(in_training, abs=1e-3)


class Stopped(Exception):
    pass


def stop(*_):
    raise Stopped


def stop_at(last):
    """As GrowSide.on_epoch_begin: up to that epoch."""
    return lambda self, epoch, logs=None: stop() if epoch == last else None


def test_stopped_it_goes_on_at_the_last_whole_epoch(faces, tmp_path, monkeypatch):
    began = []

    def stop_in_third(self, epoch, logs=None):
        began.append(epoch)
        if began.count(2) == 1 and epoch == 2:
            raise Stopped

    monkeypatch.setattr("utils.strong_callbacks.GrowSide.on_epoch_begin", stop_in_third)
    with pytest.raises(Stopped):
        train(faces, tmp_path / "state")
    _, history = train(faces, tmp_path / "state")
    assert began == [0, 1, 2, *range(2, EPOCHS)]
    assert len(history) == EPOCHS


def test_resumed_it_does_not_draw_the_first_epochs_again(faces, tmp_path, monkeypatch):
    seeds, drawn = [], []
    monkeypatch.setattr("utils.strong_training.make_batches", lambda *words, **_: seeds.append(words[2]) or stop())
    monkeypatch.setattr("utils.strong_training._open_checkpoint", lambda *_: 4 * len(seeds))
    real = RandomAffine.__init__

    def remember(self, *words, **options):
        real(self, *words, **options)
        drawn.append(self)

    monkeypatch.setattr(RandomAffine, "__init__", remember)
    for _ in range(2):
        with pytest.raises(Stopped):
            train(faces, tmp_path / "state")
    assert seeds == [0, 4]
    first, again = (layer.generator.uniform((8,)).numpy() for layer in drawn)
    assert not np.array_equal(first, again)


def test_what_has_ended_is_not_trained_again(faces, tmp_path, monkeypatch):
    first = train(faces, tmp_path / "state")
    monkeypatch.setattr("utils.strong_callbacks.GrowSide.on_epoch_begin", stop)
    network, history = train(faces, tmp_path / "state")
    assert all(map(np.array_equal, first[0].get_weights(), network.get_weights()))
    assert history == first[1]
    forget(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    forget(tmp_path / "state")


def test_a_torn_state_loses_an_epoch_and_no_more(faces, tmp_path, monkeypatch):
    real, began = GrowSide.on_epoch_begin, []

    def stop_in_fourth(self, epoch, logs=None):
        real(self, epoch)
        began.append(epoch)
        if began == [0, 1, 2, 3]:
            raise Stopped

    monkeypatch.setattr("utils.strong_callbacks.GrowSide.on_epoch_begin", stop_in_fourth)
    with pytest.raises(Stopped):
        train(faces, tmp_path / "state")
    written = tmp_path / "state" / "state" / "latest.weights.h5"
    written.write_bytes(written.read_bytes()[:100])
    assert len(train(faces, tmp_path / "state")[1]) == EPOCHS
    assert began == [0, 1, 2, 3, *range(2, EPOCHS)]


@pytest.mark.parametrize("file", ["latest.weights.h5", "training_metadata.json"])
def test_a_first_state_that_is_torn_is_removed(faces, tmp_path, monkeypatch, file):
    monkeypatch.setattr("utils.strong_callbacks.GrowSide.on_epoch_begin", stop_at(1))
    with pytest.raises(Stopped):
        train(faces, tmp_path / "state")
    written = tmp_path / "state" / "state" / file
    written.write_bytes(written.read_bytes()[: written.stat().st_size // 2])
    monkeypatch.undo()
    with pytest.raises(ValueError, match="is damaged, and was removed: run this again"):
        train(faces, tmp_path / "state")
    assert len(train(faces, tmp_path / "state")[1]) == EPOCHS


def test_a_torn_line_of_the_log_is_left_out(tmp_path):
    _open_checkpoint(tmp_path / "state", {"epochs": 3})
    log = tmp_path / "state" / "history.csv"
    log.write_text("epoch,loss\n0,1.0\n1,0.")
    assert _open_checkpoint(tmp_path / "state", {"epochs": 3}) == 1
    assert log.read_text() == "epoch,loss\n0,1.0\n"


def test_half_precision_scales_the_loss(faces, tmp_path, monkeypatch):
    scaled = []
    real = keras.optimizers.LossScaleOptimizer
    monkeypatch.setattr(keras.optimizers, "LossScaleOptimizer", lambda inner: scaled.append(real(inner)) or scaled[-1])
    for precision in ("float32", "float16"):
        _, history = go_on(faces, None, tmp_path / precision, precision=precision)
    assert len(scaled) == 1
    assert np.isfinite(history[-1]["loss"])


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


CLASSES = ["happy", "angry"]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of the runs' models."""
    monkeypatch.setattr("utils.paths.ROOT", tmp_path)
    return tmp_path / "models"


@pytest.fixture
def start(trained, runs):
    """The strong network of a run `first`."""
    inference = build_inference_network(trained[0], 1.5, VIEWS)
    training = {"epochs": 1, "start": None, "views": [view._asdict() for view in VIEWS]}
    card = {"class_names": CLASSES, "history": [{"val_loss": 0.5}], "training": training, "data": "faces", "seeds": [0]}
    save_model(runs / "first" / "EmotionDetector_2", inference, card)
    return runs / "first" / "EmotionDetector_2"


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("widths", [WIDTHS, ((6,), (8,), (12,))])
def test_a_new_network_goes_on_where_a_saved_one_ended(faces, trained, start, widths, batch_norm):
    network = build_strong_cnn(2, widths, batch_norm=batch_norm)
    start_from(network, keras.models.load_model(start / "model.keras"), faces.images[:8] if batch_norm else None)
    softened = np.asarray(trained[0](faces.images)) ** (1 / 1.5)
    softened /= softened.sum(axis=1, keepdims=True)
    assert np.asarray(network(faces.images)) == pytest.approx(softened, abs=1e-3)  # saved in float16


@pytest.mark.parametrize("classes, widths", [(3, WIDTHS), (2, ((4,), (8,), (7,))), (2, ((4,), (8,)))])
def test_a_network_that_cannot_go_on_from_another_says_so(start, classes, widths):
    with pytest.raises(ValueError, match=r"expected weights of shapes .* or narrower, found"):
        start_from(build_strong_cnn(classes, widths), keras.models.load_model(start / "model.keras"))


def test_widths_are_those_asked_for_or_the_starts_or_the_usual_ones(start):
    assert choose_widths([]) == STRONG_WIDTHS
    assert choose_widths([], start) == WIDTHS
    assert choose_widths([[6], [8], [12]], start) == ((6,), (8,), (12,))
    for wrong in ([[6], [8], [7]], [[6], [8], [8, 8]], [[6], [8]]):
        with pytest.raises(
            ValueError, match=r"STRONG_WIDTHS: expected START's filters, \[\[4\], \[8\], \[8\]\], or more"
        ):
            choose_widths(wrong, start)
    for wrong in ([16, 24], [[16], []], [[0]], [[1.5]], [["16"]], "wide", 16):
        with pytest.raises(ValueError, match="STRONG_WIDTHS: expected lists of whole numbers"):
            choose_widths(wrong)


CHANGES = {"rotation": 5.0, "zoom": 0.05, "shift": 1.0, "flip": True}


def go_on(faces, start, checkpoint, widths=WIDTHS, **options):
    options = {"checkpoint": checkpoint, "start": start, "changes": CHANGES, "precision": "float32"} | options
    return train_strong(faces, faces, CLASSES, widths=widths, epochs=2, batch_size=8, seed=0, **options)


@pytest.fixture
def sides(monkeypatch):
    """Fills with the side of each step's pictures."""
    seen = []
    monkeypatch.setattr(
        "utils.strong_callbacks.DrawSide.on_train_batch_end",
        lambda self, batch, logs=None: seen.append(int(self.augmentation.side)),
        raising=False,
    )
    return seen


def test_sides_can_be_asked_for(faces, start, tmp_path, sides):
    go_on(faces, start, tmp_path / "state", sides=(24, 28))
    assert set(sides) == {24, 28}


def test_a_second_sitting_starts_where_the_first_ended(faces, start, tmp_path, sides):
    network, history = go_on(faces, start, tmp_path / "state")
    assert history[0]["val_accuracy"] >= 0.9
    assert len(sides) == 8
    assert set(sides) <= set(SECOND_SIDES)
    assert len(set(sides)) > 1
    again, _ = go_on(faces, start, tmp_path / "again")
    for one, other in zip(network.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_every_second_view_is_mirrored():
    assert choose_views([[36, 48], [36, 40], [48, 48]]) == (View(36), View(36, 40, True), View())


@pytest.mark.parametrize(
    "wrong", [[], [36], [[36]], [[36, 48, 48]], [[14, 48]], [[48, 41]], [[48, 50]], [["36", 48]], [[36.0, 48]], 4]
)
def test_wrong_views_are_named_before_the_training(wrong):
    with pytest.raises(ValueError, match="STRONG_VIEWS: expected pairs of even numbers of pixels from 16 to 48"):
        choose_views(wrong)


def test_sides_are_checked_before_the_training():
    assert choose_sides([]) == ()
    assert choose_sides([32, 44]) == (32, 44)
    for wrong in ([8, 48], [36.5], 48, ["48"]):
        with pytest.raises(ValueError, match="STRONG_SIDES: expected whole numbers of pixels from 16 on"):
            choose_sides(wrong)


def test_a_wider_network_trains_from_its_start(faces, start, tmp_path):
    network, history = go_on(faces, start, tmp_path / "state", widths=((6,), (12,), (12,)), batch_norm=True)
    assert [layer.filters for layer in network.layers if hasattr(layer, "filters")] == [6, 12, 12]
    assert history[0]["val_accuracy"] >= 0.9


def test_with_no_epoch_it_is_the_starts_network(faces, start, tmp_path):
    options = [WIDTHS, 0, 8, "float32", 0, tmp_path / "state"]
    network, history = train_strong(faces, faces, CLASSES, CHANGES, *options, start)
    loaded = keras.models.load_model(start / "model.keras")
    assert np.asarray(build_inference_network(network, views=VIEWS)(faces.images)) == pytest.approx(
        np.asarray(loaded(faces.images)), abs=1e-3
    )
    assert history == [{"val_loss": 0.5}]


def test_seeds_are_compared_where_something_is_trained(faces, start, tmp_path):
    options = {"changes": CHANGES, "widths": WIDTHS, "batch_size": 8, "precision": "float32", "checkpoint": tmp_path}

    def answer(epochs):
        return train_strong_from_seeds([1, 2], faces, faces, CLASSES, VIEWS, epochs=epochs, start=start, **options)

    assert answer(0) == {}
    answers = answer(1)
    assert list(answers) == [1, 2]
    assert not np.array_equal(answers[1], answers[2])


@pytest.fixture
def moved(trained, runs):
    """The strong network of a run `moved`: the first one's, each weight a little elsewhere."""
    network = build_strong_cnn(2, WIDTHS)
    start_from(network, build_inference_network(trained[0]))
    rng = np.random.default_rng(0)
    network.set_weights([weight * (1 + rng.normal(0, 0.2, weight.shape)) for weight in network.get_weights()])
    folder = runs / "moved" / "EmotionDetector_2"
    save_model(
        folder, build_inference_network(network), {"class_names": CLASSES, "data": "faces", "training": {"views": []}}
    )
    return folder


def plain_weights(network):
    return find_inside(build_inference_network(network)).get_weights()


@pytest.mark.parametrize("batch_norm", [False, True])
def test_weights_are_averaged_as_the_saved_networks_have_them(faces, trained, moved, batch_norm):
    network, seen = build_strong_cnn(2, WIDTHS, batch_norm=batch_norm), faces.images[:8] if batch_norm else None
    start_from(network, build_inference_network(trained[0]), seen)
    average_weights(network, [keras.models.load_model(moved / "model.keras")] * 2, seen)
    versions = zip(plain_weights(network), plain_weights(trained[0]), saved_weights(moved), strict=True)
    for mean, one, other in versions:
        assert mean == pytest.approx((one + 2 * other) / 3, abs=1e-3)  # saved in float16
        assert not np.allclose(one, other)


def saved_weights(folder):
    return find_inside(keras.models.load_model(folder / "model.keras")).get_weights()


def test_networks_of_other_shapes_have_no_mean(moved):
    with pytest.raises(ValueError, match=r"To average: expected weights of shapes .*, found"):
        average_weights(build_strong_cnn(2, ((6,), (8,), (8,))), [keras.models.load_model(moved / "model.keras")])


def test_the_mean_is_taken_at_the_end_of_the_training_or_of_what_is_there(faces, start, moved, tmp_path):
    for epochs in (0, 1):
        options = [WIDTHS, epochs, 8, "float32", 0, tmp_path / "state", start]
        alone, _ = train_strong(faces, faces, CLASSES, CHANGES, *options)
        mean, history = train_strong(faces, faces, CLASSES, CHANGES, *options, averaged=(moved,))
        assert len(history) == 1
        for one, other, both in zip(plain_weights(alone), saved_weights(moved), plain_weights(mean), strict=True):
            assert both == pytest.approx((one + other) / 2, abs=1e-4)


def test_what_is_averaged_is_checked_before_the_training(start, moved):
    assert choose_averaged([], "mine", CLASSES, WIDTHS) == ()
    assert choose_averaged(["moved", "first"], "mine", CLASSES, WIDTHS) == (moved, start)
    with pytest.raises(ValueError, match=r"AVERAGE_WITH: expected networks with filters .*, found .* in .*moved"):
        choose_averaged(["moved"], "mine", CLASSES, ((4,), (8,), (9,)))
    with pytest.raises(ValueError, match="AVERAGE_WITH: expected names of runs"):
        choose_averaged("moved", "mine", CLASSES, WIDTHS)


def test_no_epoch_needs_a_start_and_nothing_to_learn(tmp_path):
    assert (choose_epochs(5), choose_epochs(0, tmp_path)) == (5, 0)
    with pytest.raises(ValueError, match="STRONG_EPOCHS: without a START expected 1 or more, found 0"):
        choose_epochs(0)
    with pytest.raises(ValueError, match="STRONG_EPOCHS: to learn from TEACHERS expected 1 or more, found 0"):
        choose_epochs(0, tmp_path, (tmp_path,))
    for wrong in (-1, 2.5, "5"):
        with pytest.raises(ValueError, match="STRONG_EPOCHS: expected a whole number, 0 or more"):
            choose_epochs(wrong)


def test_the_recipe_keeps_the_history_of_every_network_it_came_from(start, runs):
    kept = {"seeds": [0], "data": "faces", "versions": {}}

    def go_on_from(name, epochs, start, *teachers):
        described = describe_recipe(WIDTHS, epochs, 8, "float32", start, (), teachers)
        folder = runs / name / "EmotionDetector_2"
        write_json(folder / "model.json", {"training": described, "history": [{"val_loss": epochs}]} | kept)
        return described, folder

    alone, taught = go_on_from("taught", 3, None, start)
    same, folder = go_on_from("same", 0, start)
    last, _ = go_on_from("last", 2, folder, taught)
    histories = {name: one.get("history") for name, one in last["ancestors"].items()}
    assert histories == {"first": [{"val_loss": 0.5}], "same": None, "taught": [{"val_loss": 3}]}
    assert (last["start"], last["teachers"], last["ancestors"]["same"]["start"]) == ("same", ["taught"], "first")
    assert kept.items() <= last["ancestors"]["taught"].items()
    assert list(alone["ancestors"]) == list(same["ancestors"]) == ["first"]
    assert describe_recipe(WIDTHS, 2, 8, "float32")["ancestors"] == {}


@pytest.fixture
def teachers(start, runs):
    """Two saved networks: one that tells the faces apart, and one, of a run `sure`, that always says happy."""
    sure = build_strong_cnn(2, ((2,), (2,)))
    sure.layers[-1].set_weights([np.zeros((2, 2)), np.array([9.0, -9.0])])
    folder = runs / "sure" / "EmotionDetector_2"
    card = {"class_names": CLASSES, "data": "other faces", "seeds": [0], "history": []}
    card["training"] = {"epochs": 1, "views": [View()._asdict()]}
    save_model(folder, build_inference_network(sure), card)
    return start, folder


def test_a_network_from_nothing_can_learn_from_others(faces, teachers, tmp_path, monkeypatch):
    learnt = []
    monkeypatch.setattr(
        "utils.strong_training.train_strong_network",
        lambda *arguments, **options: learnt.append((arguments, options)) or [],
    )
    go_on(faces, None, tmp_path / "state", teachers=teachers)
    (_, _, _, _, _, _, rate, _, _, lesson, sides), options = learnt.pop()
    answers = [np.asarray(keras.models.load_model(folder / "model.keras")(faces.images)) for folder in teachers]
    assert lesson.answers == pytest.approx(np.mean(answers, axis=0), abs=1e-5)
    assert lesson.features.shape == (len(faces.images), 8 + 2)
    assert (rate, sides, options) == (scale_learning_rate(8), SIDES, {"drawn": False, "covered": 0.0})
    go_on(faces, teachers[0], tmp_path / "state", teachers=teachers[1:])
    (*_, rate, _, _, lesson, sides), options = learnt.pop()
    assert lesson.answers == pytest.approx(answers[1], abs=1e-5)
    assert lesson.features is None
    assert (rate, sides, options) == (scale_learning_rate(8) / 2, SECOND_SIDES, {"drawn": True, "covered": COVERED})


def test_features_taught_are_of_one_size_and_say_what_the_answers_rest_on(faces, teachers):
    lesson = ask_teachers(teachers, faces.images, features=True)
    assert lesson.features.mean(axis=0) == pytest.approx(np.zeros(8 + 2), abs=1e-4)
    assert lesson.features.std(axis=0) == pytest.approx(np.ones(8 + 2), abs=1e-3)
    # straight lines through the features tell the classes apart as the answers do
    straight = np.column_stack([lesson.features[:, :8], np.ones(len(faces.images))])
    answers = ask_teachers(teachers[:1], faces.images, features=False).answers[:, 0]
    guessed = straight @ np.linalg.lstsq(straight, answers, rcond=None)[0]
    assert np.corrcoef(guessed, answers)[0, 1] > 0.9


def test_a_network_comes_to_see_as_its_teacher_does(faces, start, tmp_path, monkeypatch):
    def distance(weight):
        """Of the taught features from what can be told of them by its own: 0 to 1."""
        monkeypatch.setattr("utils.strong_training.FEATURES", weight)
        set_seed(0)
        network = build_strong_cnn(2, ((4,), (8,), (4,)), dropout=0.0)
        lesson = ask_teachers((start,), faces.images, features=True)
        augmentation = RandomAffine(0.0, 0.0, 0.0, False)
        options = (12, 8, 0.02, 0, tmp_path / "state", lesson, (48,))
        history = train_strong_network(network, augmentation, faces, faces, *options)
        assert set(history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert history[-1]["loss"] < 1  # of the answers alone, whatever the features weigh
        own = np.asarray(add_features(network)(faces.images))
        own = np.column_stack([own[:, 2:], np.ones(len(own))])
        return np.mean((own @ np.linalg.lstsq(own, lesson.features, rcond=None)[0] - lesson.features) ** 2)

    assert distance(20.0) < 0.8 * distance(0.0)


def test_taught_again_it_learns_the_same(faces, teachers, tmp_path):
    one, other = (go_on(faces, None, tmp_path / name, teachers=teachers)[0].get_weights() for name in "ab")
    assert all(map(np.array_equal, one, other))


def test_the_recipe_names_the_teachers(teachers):
    described = describe_recipe(WIDTHS, 2, 8, "float32", None, (), teachers, teachers[1:])
    assert described["teachers"] == ["first", "sure"]
    assert described["averaged_with"] == ["sure"]
    assert (described["start"], described["covered"], described["features"]) == (None, 0.0, 10.0)
    going_on = describe_recipe(WIDTHS, 2, 8, "float32", teachers[0])
    assert (going_on["covered"], going_on["features"]) == (COVERED, 0.0)
    assert describe_recipe(WIDTHS, 2, 8, "float32")["targets"] == "labels, smoothed by 0.1"


@pytest.fixture
def opened(monkeypatch):
    """The settings of each training that was begun; none goes on from there."""
    settings = []
    monkeypatch.setattr("utils.strong_training._open_checkpoint", lambda _, each: settings.append(each))
    monkeypatch.setattr("utils.strong_training.make_optimizer", stop)
    return settings


def test_another_teacher_is_another_training(faces, teachers, tmp_path, opened):
    for folders in ((), teachers[:1], teachers[:1], teachers, teachers[::-1]):
        with pytest.raises(Stopped):
            go_on(faces, None, tmp_path / "state", teachers=folders)
    assert [opened.index(settings) for settings in opened] == [0, 1, 1, 3, 4]


@pytest.mark.parametrize("change", [{"rotation": 1.0}, {"zoom": 0.01}, {"shift": 2.0}, {"flip": False}])
def test_another_augmentation_is_another_training(faces, tmp_path, opened, change):
    for changes in (CHANGES, CHANGES | change):
        with pytest.raises(Stopped):
            go_on(faces, None, tmp_path / "state", changes=changes)
    assert opened[0] != opened[1]


def test_a_scaled_loss_is_another_training(faces, tmp_path, opened):
    for precision in ("float32", "bfloat16", "float16"):
        with pytest.raises(Stopped):
            go_on(faces, None, tmp_path / "state", precision=precision)
    assert [opened.index(settings) for settings in opened] == [0, 0, 2]


def test_other_validation_pictures_are_another_training(faces, tmp_path, opened):
    swapped = Split(faces.records, faces.images, 1 - faces.targets, 1 - faces.labels)
    for validation in (faces, swapped):
        with pytest.raises(Stopped):
            train_strong(faces, validation, CLASSES, CHANGES, WIDTHS, 1, 8, "float32", 0, tmp_path / "state")
    assert opened[0] != opened[1]


def test_what_is_killed_between_log_and_backup_has_every_epoch_once(faces, tmp_path, monkeypatch):
    real = keras.callbacks.BackupAndRestore.on_epoch_end

    def stop_in_third(self, epoch, logs=None):
        if epoch == 2:
            raise Stopped
        real(self, epoch, logs)

    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", stop_in_third)
    with pytest.raises(Stopped):
        train(faces, tmp_path / "state")
    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", real)
    _, history = train(faces, tmp_path / "state")
    logged = pd.read_csv(tmp_path / "state" / "history.csv")["epoch"].tolist()
    assert logged == [0, 1, 2, *range(2, EPOCHS)]
    assert len(history) == EPOCHS


def test_a_training_that_diverged_is_no_result(faces, tmp_path, monkeypatch):
    began = []
    monkeypatch.setattr("utils.strong_callbacks.GrowSide.on_epoch_begin", lambda self, epoch, _: began.append(epoch))
    monkeypatch.setattr("utils.strong_training.choose_learning_rate", lambda *_: 1e30)
    with pytest.raises(ValueError, match="a loss that is no number, in float32: start it again with a lower"):
        go_on(faces, None, tmp_path / "state")
    assert began == [0]
    assert not (tmp_path / "state" / "0").exists()


def test_the_network_that_is_chosen_for_computes_as_the_saved_one(faces, tmp_path):
    network, _ = go_on(faces, None, tmp_path / "state", precision="bfloat16")
    saved = build_inference_network(network)
    assert all(layer.compute_dtype == "float32" for layer in network.layers if layer.weights)
    assert predict(network, faces.images) == pytest.approx(predict(saved, faces.images), abs=1e-6)


def test_start_and_teachers_are_named_by_their_runs(teachers):
    start, sure = teachers
    assert choose_start("", "mine", CLASSES) is None
    assert choose_start("first", "mine", CLASSES) == start
    assert choose_teachers([], "mine", CLASSES) == ()
    assert choose_teachers(["sure", "first"], "mine", CLASSES) == (sure, start)
    for wrong in ("mine", [3], [""], {"mine": 1}):
        with pytest.raises(ValueError, match="TEACHERS: expected names of runs"):
            choose_teachers(wrong, "mine", CLASSES)


@pytest.mark.parametrize("parameter", ["START", "TEACHERS"])
def test_a_network_that_is_missing_or_tells_other_classes_apart_is_named(start, parameter):
    def choose(run, class_names):
        choose, asked = (choose_start, run) if parameter == "START" else (choose_teachers, [run])
        return choose(asked, "mine", class_names)

    with pytest.raises(FileNotFoundError, match=f"{parameter}: no trained network in .*nothing"):
        choose("nothing", CLASSES)
    with pytest.raises(ValueError, match=f"{parameter}: expected a network that tells sad, angry apart, found"):
        choose("first", ["sad", "angry"])


@pytest.mark.parametrize("views", [None, {"sides": [36, 48], "mirror": True}])
def test_a_network_that_is_not_the_stronger_one_is_named(start, views):
    card = read_json(start / "model.json")
    write_json(start / "model.json", card | {"training": {"epochs": 1} | ({"views": views} if views else {})})
    for choose, run in ((choose_start, "first"), (choose_teachers, ["first"])):
        with pytest.raises(ValueError, match="expected a run that trained the stronger network"):
            choose(run, "mine", CLASSES)


def test_a_run_does_not_go_on_from_itself(start):
    with pytest.raises(ValueError, match="START: 'first' is this run, which replaces its network"):
        choose_start("first", "first", CLASSES)
    with pytest.raises(ValueError, match="TEACHERS: 'first' is this run"):
        choose_teachers(["first"], "first", CLASSES)


def test_batch_normalisation_goes_on_with_batch_normalisation_alone(start):
    card = read_json(start / "model.json")
    write_json(start / "model.json", card | {"training": card["training"] | {"batch_norm": True}})
    with pytest.raises(ValueError, match=r"START: the network in .*first.* needs STRONG_BATCH_NORM=true"):
        choose_start("first", "mine", CLASSES)
    with pytest.raises(ValueError, match=r"AVERAGE_WITH: the network in .* needs STRONG_BATCH_NORM=true"):
        choose_averaged(["first"], "mine", CLASSES, WIDTHS)
    assert choose_start("first", "mine", CLASSES, batch_norm=True) == start
    assert choose_averaged(["first"], "mine", CLASSES, WIDTHS, batch_norm=True) == (start,)
    assert choose_teachers(["first"], "mine", CLASSES) == (start,)


def test_the_plan_is_said_in_a_sentence(teachers):
    start, _ = teachers
    begins = "The stronger network begins"
    plans = {
        (5, None, (), ()): f"{begins} from nothing, and learns for 5 epochs, from the labels.",
        (1, None, (), ()): f"{begins} from nothing, and learns for 1 epoch, from the labels.",
        (0, start, (), ()): f"{begins} as that of `first`, and stays so.",
        (0, start, (), (start,)): f"{begins} as that of `first`, and stays so. At the end its weights are averaged with"
        " those of `first`.",
        (2, start, (), ()): f"{begins} as that of `first`, and learns for 2 epochs, half from the labels, half from the"
        " answers of `first`.",
    }
    for plan, said in plans.items():
        assert describe_plan(*plan, "faces") == said
    taught = f"{begins} from nothing, and learns for 2 epochs, half from the labels, half from the answers of"
    said = describe_plan(2, None, teachers, (), "faces")
    assert said.startswith(f"{taught} `first` and `sure`, and their features. `sure` learnt from")
    assert "`first`, and its features." in describe_plan(2, None, teachers[:1], (), "faces")


def test_the_plan_says_which_networks_may_know_the_validation_pictures(teachers):
    start, sure = teachers
    assert "validation figures flatter" not in describe_plan(2, start, (start,), (), "faces")
    assert " `sure` learnt from other data than" in describe_plan(2, start, (sure,), (), "faces")
    assert " `first` learnt from other data than" in describe_plan(0, start, (), (), "new faces")
    assert " `sure` learnt from other data than" in describe_plan(0, start, (), (sure,), "faces")
    assert " `first` and `sure` learnt from other data than" in describe_plan(2, start, teachers, (), "new faces")


def test_targets_are_half_the_label_and_half_the_teacher():
    teacher = np.array([[0.8, 0.2, 0.0], [0.1, 0.1, 0.8]], np.float32)
    assert soften_targets(np.array([0, 1]), 3, teacher) == pytest.approx(np.array([[0.9, 0.1, 0.0], [0.05, 0.55, 0.4]]))
    smoothed = soften_targets(np.array([2]), 4)
    assert smoothed == pytest.approx(np.array([[0.025, 0.025, 0.925, 0.025]]))
    assert smoothed.dtype == np.float32
