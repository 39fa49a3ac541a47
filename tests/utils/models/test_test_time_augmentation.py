"""What a network looks at before it answers."""

import numpy as np
import pytest

from utils.inference.tflite import SharedNetwork
from utils.models.augmentation import RandomAffine
from utils.models.networks import build_inference_network, build_strong_cnn, find_inside
from utils.models.save import save_model
from utils.models.test_time_augmentation import View, make_view, resize, round_to_grey
from utils.models.train import predict_views, set_seed
from utils.quiet import keras

VIEWS = (View(36), View(36, 40, mirrored=True), View(mirrored=True))


@pytest.fixture(scope="module")
def network():
    set_seed(0)
    return build_strong_cnn(2, widths=((4,), (8,), (8,)))


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (8, 48, 48, 3), np.uint8)


def test_a_picture_and_its_mirror_image_are_answered_alike_over_both(network, pictures):
    inference = build_inference_network(network, views=(View(), View(mirrored=True)))
    assert np.asarray(inference(pictures[:, :, ::-1])) == pytest.approx(np.asarray(inference(pictures)), abs=1e-5)


def test_the_saved_network_answers_with_the_mean_over_its_views(network, pictures, tmp_path):
    inference = build_inference_network(network, views=VIEWS)
    save_model(tmp_path / "model", inference, {})
    answers = predict_views(find_inside(inference), pictures, VIEWS)
    assert answers.shape == (3, 8, 2)
    assert len({answer.tobytes() for answer in answers}) == 3
    loaded = keras.models.load_model(tmp_path / "model" / "model.keras")
    lite = SharedNetwork((tmp_path / "model" / "model.tflite").read_bytes())
    for predicted in (np.asarray(loaded(pictures)), lite(pictures)[0]):
        assert predicted == pytest.approx(answers.mean(axis=0), abs=1e-5)


def test_a_view_is_the_middle_made_larger_or_smaller(pictures):
    assert np.array_equal(make_view(pictures, View()), pictures)
    assert np.array_equal(make_view(pictures, View(40, 40, mirrored=True)), pictures[:, 4:44, 43:3:-1])
    assert np.array_equal(make_view(pictures, View(32, 40)), resize(pictures[:, 4:44, 4:44], 32))


def test_half_way_between_two_greys_goes_up_everywhere():
    assert np.asarray(round_to_grey(np.float32([0, 0.49, 0.4999, 0.5, 1.5, 2.4996, 254.5, 255]))).tolist() == [
        *(0, 0, 1, 1, 2, 3, 255, 255)
    ]


def test_a_smaller_view_is_what_training_saw(pictures):
    augmentation = RandomAffine(0.0, 0.0, 0.0, False)
    augmentation.side.assign(36)
    seen, viewed = (np.asarray(some).astype(int) for some in (augmentation(pictures), resize(pictures, 36)))
    assert np.abs(seen - viewed).max() <= 1
