import io

import numpy as np
import pytest
from PIL import Image
from support import EMOTIONS, draw_face

from utils.data.near_duplicates import find_near_duplicates, group_near_duplicates, hash_pictures


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


@pytest.mark.parametrize("change", [shift, brighten, compress, mirror, lambda picture: mirror(compress(picture))])
def test_planted_near_duplicates_are_joined(faces, change):
    planted = np.stack([change(face) for face in faces])
    group = group_near_duplicates(np.concatenate([faces, planted]))
    assert (group[: len(faces)] == group[len(faces) :]).mean() >= 0.95
    assert np.bincount(group).max() <= 4


def test_different_faces_are_not_joined(faces):
    assert len(np.unique(group_near_duplicates(faces))) >= 0.98 * len(faces)


def test_the_hash_of_the_mirror_image_comes_with_each(faces):
    grey = np.stack([np.asarray(Image.fromarray(face).convert("L")) for face in faces])
    hashes, mirrored = hash_pictures(grey)
    assert np.array_equal(mirrored, hash_pictures(grey[:, :, ::-1])[0])
    assert not np.isin(hashes, mirrored).any()
    assert (np.bitwise_count(hashes) == 32).all()  # as many of the frequencies lie above their median as below


def test_pairs_are_given_once_and_in_order(faces):
    pairs = find_near_duplicates(np.concatenate([faces[:5], faces[:5, :, ::-1]]))
    assert pairs.tolist() == [[i, i + 5] for i in range(5)]
    assert find_near_duplicates(faces[:0]).shape == (0, 2)
    assert group_near_duplicates(faces[:1]).tolist() == [0]


def test_no_chain_from_one_face_into_another():
    """One face fades into another in 25 steps: neighbours are near-duplicates, the two ends are not."""
    rng = np.random.default_rng(5)
    first, last = (np.asarray(draw_face("happy", rng), dtype=float) for _ in range(2))
    steps = np.stack([first + (last - first) * share for share in np.linspace(0, 1, 25)]).round().astype(np.uint8)
    linked = {tuple(pair) for pair in find_near_duplicates(steps)}
    assert {(i, i + 1) for i in range(24)} <= linked
    assert (0, 24) not in linked
    group = group_near_duplicates(steps)
    assert group[0] != group[-1]
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        partners = [sum((min(i, j), max(i, j)) in linked for j in members if j != i) for i in members]
        assert max(partners) == len(members) - 1
