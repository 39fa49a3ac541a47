import numpy as np
import pytest
from PIL import Image, ImageFilter
from support import draw_face

from utils.models.augmentation import RandomAffine, add_augmentation, make_random_erasing
from utils.models.networks import build_baseline_cnn
from utils.quiet import keras

FACE = np.asarray(draw_face("happy", np.random.default_rng(0)))


def augment(count=64, picture=FACE, **changes):
    settings = {"rotation": 0.0, "zoom": 0.0, "shift": 0.0, "flip": False} | changes
    return RandomAffine(**settings)(np.repeat(picture[np.newaxis], count, axis=0), training=True).numpy()


def test_outside_training_and_with_all_limits_zero_nothing_changes():
    images = np.repeat(FACE[np.newaxis], 3, axis=0)
    assert np.array_equal(RandomAffine(20.0, 0.2, 5.0, True)(images, training=False), images)
    assert np.array_equal(augment(), np.repeat(FACE[np.newaxis], 64, axis=0))


def test_flip_mirrors_about_half_and_nothing_else():
    flipped = [np.array_equal(picture, FACE[:, ::-1]) for picture in augment(flip=True)]
    plain = [np.array_equal(picture, FACE) for picture in augment(flip=True)]
    assert sum(flipped) + sum(plain) == 64
    assert 16 <= sum(flipped) <= 48


def error(picture, reference):
    """Mean difference away from the border, where both know the pixels."""
    inside = (slice(12, 36), slice(12, 36))
    return np.abs(picture[inside].astype(float) - reference[inside]).mean()


def test_each_change_stays_within_its_limit_and_keeps_the_centre():
    """Each augmented picture is one that Pillow makes with some allowed angle or offset, and some reach far."""
    smooth = Image.fromarray(FACE).filter(ImageFilter.GaussianBlur(3))
    angles = [np.asarray(smooth.rotate(angle, Image.Resampling.BILINEAR)) for angle in range(-20, 21)]
    offsets = [np.roll(np.asarray(smooth), (y, x), (0, 1)) for y in range(-4, 5) for x in range(-4, 5)]
    for change, limit, candidates in (("rotation", 20.0, angles), ("shift", 4.0, offsets)):
        pictures = augment(32, np.asarray(smooth), **{change: limit})
        assert max(min(error(picture, candidate) for candidate in candidates) for picture in pictures) < 3
        assert max(error(picture, np.asarray(smooth)) for picture in pictures) > 6


def test_pictures_of_a_batch_change_differently_and_the_seed_repeats_them():
    first = augment(4, rotation=10.0, seed=1)
    assert len({picture.tobytes() for picture in first}) == 4
    assert np.array_equal(first, augment(4, rotation=10.0, seed=1))
    assert not np.array_equal(first, augment(4, rotation=10.0, seed=2))
    assert first.dtype == np.uint8


def test_zoom_out_of_range():
    with pytest.raises(ValueError, match="zoom"):
        RandomAffine(0.0, 1.0, 0.0, False)


def test_some_pictures_are_covered_in_part():
    pictures = np.repeat(FACE[np.newaxis], 64, axis=0)
    covered = np.asarray(make_random_erasing(0.5, seed=0)(pictures, training=True))
    shares = (covered != pictures).any(axis=-1).mean(axis=(1, 2))
    assert 0.3 < (shares > 0).mean() < 0.7
    assert shares.max() <= 0.25
    assert set(covered[covered != pictures]) == {127.5}
    assert np.array_equal(make_random_erasing(0.5)(pictures, training=False), pictures)


def test_augmented_network_shares_its_weights():
    network = build_baseline_cnn(2)
    augmented = add_augmentation(network, RandomAffine(10.0, 0.1, 2.0, True))
    network.layers[-1].bias.assign([5.0, 0.0])
    images = FACE[np.newaxis]
    assert np.array_equal(augmented(images, training=False), network(images, training=False))
    assert augmented.count_params() - network.count_params() < 10
    assert isinstance(augmented, keras.Model)
