import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter
from support import EMOTIONS, draw_face

from utils.data import near_duplicates
from utils.data.near_duplicates import find_near_duplicates


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    return np.stack([np.asarray(draw_face(emotion, rng)) for emotion in EMOTIONS * 20])


def shift(picture):
    return np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")[:-2, 2:]


def brighten(picture):
    return (picture.astype(int) + 30).clip(0, 255).astype(np.uint8)


def compress(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=50)
    return np.asarray(Image.open(buffer))


def mirror(picture):
    return picture[:, ::-1]


def crop(picture):
    """86 % of the sides, off the centre: between the scales and places that are compared."""
    image = Image.fromarray(picture)
    return np.asarray(image.resize(image.size, Image.Resampling.BICUBIC, box=(4.3, 1.2, 45.6, 42.5)))


def turn(picture):
    return np.asarray(Image.fromarray(picture).rotate(3, Image.Resampling.BICUBIC))


def crop_and_more(picture):
    return mirror(compress(crop(picture)))


CROPPED = [crop, crop_and_more]
CHANGES = [shift, brighten, compress, mirror, turn, *CROPPED]


@pytest.mark.parametrize("change", CHANGES)
def test_planted_near_duplicates_are_found(faces, change):
    planted = np.stack([change(face) for face in faces])
    pairs = find_near_duplicates(np.concatenate([faces, planted]))
    right = pairs[:, 1] - pairs[:, 0] == len(faces)
    assert right.sum() >= 0.95 * len(faces)
    # cropped, drawn faces lose the surroundings that set them apart: what counts is whether a crop is another face's
    across = (pairs[:, 0] < len(faces)) & (pairs[:, 1] >= len(faces))
    wrong = (~right & across) if change in CROPPED else ~right
    assert wrong.sum() <= (0.2 if change in CROPPED else 0.02) * len(faces)


def test_different_faces_are_no_pairs(faces):
    assert len(find_near_duplicates(faces)) <= 0.02 * len(faces)


def test_pairs_are_given_once_and_in_order(faces):
    pairs = find_near_duplicates(np.concatenate([faces[:5], faces[:5, :, ::-1]]))
    assert pairs.tolist() == [[i, i + 5] for i in range(5)]
    assert find_near_duplicates(faces[:0]).shape == find_near_duplicates(faces[:1]).shape == (0, 2)


def test_pictures_in_several_blocks_are_compared_with_one_another(faces, monkeypatch):
    pictures = np.concatenate([faces, [crop(face) for face in faces]])
    whole = find_near_duplicates(pictures)
    monkeypatch.setattr(near_duplicates, "_BLOCK", 32)
    assert np.array_equal(find_near_duplicates(pictures), whole)
    assert np.array_equal(find_near_duplicates(pictures), whole)


def test_of_too_many_candidates_the_likeliest_are_looked_at(faces, monkeypatch):
    monkeypatch.setattr(near_duplicates, "_MOST_CANDIDATES", 20)
    pairs = find_near_duplicates(np.concatenate([faces[:10], [brighten(face) for face in faces[:10]]]))
    assert pairs.tolist() == [[i, i + 10] for i in range(10)]


def test_two_pictures_of_known_persons_are_not_compared(faces):
    pictures = np.stack([faces[0], mirror(faces[0]), brighten(faces[0])])
    assert find_near_duplicates(pictures, np.array([True, True, False])).tolist() == [[0, 2], [1, 2]]
    assert find_near_duplicates(pictures, np.array([True, True, True])).shape == (0, 2)


def test_only_those_that_count_are_compared(faces):
    pictures = np.concatenate([faces[:1], faces[:3, :, ::-1], faces[:3]])
    known = np.array([False, True, False, False, True, False, True])
    assert find_near_duplicates(pictures, compared=np.arange(7) > 1).tolist() == [[2, 5], [3, 6]]
    assert find_near_duplicates(pictures, known, np.arange(7) < 5).tolist() == [[0, 1], [0, 4]]
    assert find_near_duplicates(pictures, compared=np.zeros(7, dtype=bool)).shape == (0, 2)


def test_alignment_finds_a_small_turn_and_stretch():
    """Of smooth noise, which unlike a face has detail everywhere."""
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(4, 80, 80)), (0, 1.5, 1.5))
    turned = affine_transform(noise[0], [[0.95, 0.05], [-0.04, 1.02]], offset=1)
    first, second = noise[:, 16:64, 16:64].astype(np.float32), turned[None, 16:64, 16:64].astype(np.float32)
    crops = np.zeros(4, dtype=int)
    second = second.repeat(4, axis=0)
    correlation, warps = near_duplicates.find_shifts(first, second, crops)
    aligned, _ = near_duplicates.align(first, second, warps, 8)
    assert correlation[0] < 0.9 < 0.95 < aligned[0]
    assert (aligned[1:] < 0.5).all()
