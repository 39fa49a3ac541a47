import numpy as np
import pytest
from support import draw_face

from utils.models.layers import ScaledConv2D
from utils.models.networks import (
    build_baseline_cnn,
    build_inference_network,
    build_plain_network,
    build_strong_cnn,
    describe_layers,
    find_inside,
    read_widths,
)
from utils.models.test_time_augmentation import View
from utils.models.train import predict
from utils.quiet import keras

FACE = np.asarray(draw_face("happy", np.random.default_rng(0)))
WIDTHS = ((4, 6), (8,))


@pytest.mark.parametrize("class_count", [2, 7, 10])
@pytest.mark.parametrize("build", [build_baseline_cnn, build_strong_cnn])
def test_both_give_probabilities_for_uint8_pictures(build, class_count):
    network = build(class_count)
    probabilities = np.asarray(network(FACE[np.newaxis]))
    assert probabilities.shape == (1, class_count)
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert (network.input_shape[-1], network.inputs[0].dtype) == (3, "uint8")


def test_baseline_takes_whole_pictures_only():
    assert build_baseline_cnn(7).input_shape == (None, 48, 48, 3)


@pytest.mark.parametrize("build", [build_baseline_cnn, build_strong_cnn])
def test_both_need_two_classes(build):
    with pytest.raises(ValueError, match="expected 2 or more"):
        build(1)


def test_the_strong_one_takes_small_pictures_and_blank_ones_of_any_brightness():
    network = build_strong_cnn(2)
    small = np.full((2, 16, 16, 3), [[[[0]]], [[[255]]]], np.uint8)
    assert np.ptp(predict(network, small), axis=0) == pytest.approx([0, 0], abs=1e-6)
    darker = predict(network, FACE[np.newaxis] // 2 * 2), predict(network, FACE[np.newaxis] // 2)
    assert darker[0] == pytest.approx(darker[1], abs=0.01)


@pytest.fixture(scope="module")
def strong():
    return build_strong_cnn(3, WIDTHS)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_saved_network_is_plain_and_answers_the_same(stripes, strong, tmp_path, temperature):
    build_inference_network(strong, temperature).save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    expected = predict(strong, stripes.images) ** (1 / temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    assert predict(loaded, stripes.images) == pytest.approx(expected, abs=1e-5)
    assert {type(layer).__module__.partition(".")[0] for layer in find_inside(loaded).layers} == {"keras"}


def test_a_temperature_of_nothing_is_refused(strong):
    with pytest.raises(ValueError, match=r"temperature 0\.0: expected a number above 0"):
        build_plain_network(strong, 0.0)


@pytest.mark.parametrize("views", [(View(),), (View(36), View(36, 40, True))])
def test_what_was_saved_tells_its_widths(strong, views):
    saved = build_inference_network(strong, views=views)
    assert read_widths(saved) == WIDTHS
    assert find_inside(saved).output_shape == (None, 3)


def test_two_more_convolutions_of_equal_width_are_a_residual_branch(stripes, tmp_path):
    widths = ((4,), (6, 6, 6), (8,) * 6)
    network = build_strong_cnn(3, widths)
    names = [type(layer).__name__ for layer in network.layers]
    assert (names.count("ScaledConv2D"), names.count("Add")) == (10, 3)
    # a new branch adds nothing, so that what lies in it cannot matter
    before = predict(network, stripes.images)
    first, *_ = (layer for layer in network.layers if layer.name == network.layers[names.index("Add") - 2].name)
    first.set_weights([weight + 1 for weight in first.get_weights()])
    assert np.array_equal(predict(network, stripes.images), before)
    for layer in network.layers:
        if isinstance(layer, ScaledConv2D):
            layer.set_weights([weight + 0.1 for weight in layer.get_weights()])
    build_inference_network(network).save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    assert read_widths(loaded) == widths
    assert predict(loaded, stripes.images) == pytest.approx(predict(network, stripes.images), abs=1e-5)
    assert not np.array_equal(predict(network, stripes.images), before)


def test_layer_table_counts_every_weight():
    network = build_baseline_cnn(7)
    table = describe_layers(network)
    assert table["weights"].sum() == network.count_params()
    assert table["layer"].tolist()[:3] == ["Rescaling", "Conv2D", "MaxPooling2D"]
