"""The pictures of the sample that a face resembles. No TensorFlow."""

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from utils.labels import CLASS_NAMES, find_emotion, stress_label
from utils.pictures import SIDE, open_picture, to_input

_SAMPLE_SIZE = 500
"""Pictures of the sample that are searched; evenly spaced over it."""


ALIKE_FROM = 0.65
"""Similarity below which neighbours tell nothing. Of 300 rendered test faces, half have one beyond it, and the two
share the label in 61% (chance: 51%) and the emotion in 26% (chance: 14%); less alike ones do so hardly more often than
by chance. Real faces nearly never have one."""


@dataclass(frozen=True)
class Neighbour:
    """A picture of the sample that resembles another.

    Attributes:
        picture: uint8 (48, 48, 3), RGB.
        emotion: what it is labelled.
        label: "Stress" or "Non-stress", what that counts as.
        similarity: -1 to 1, see `describe_shape`.
    """

    picture: np.ndarray
    emotion: str
    label: str
    similarity: float


def find_similar(picture: np.ndarray, sample: Path, count: int = 5) -> list[Neighbour]:
    """The training pictures of the sample that resemble a picture most, from ALIKE_FROM on, the most similar first.

    Args:
        picture: uint8 (48, 48, 3), RGB.
        sample: a zip of split/emotion folders of faces; read once, then remembered.
        count: of pictures, at most.
    """
    if not sample.exists():
        return []
    pictures, emotions, shapes = _read_sample(sample)
    similarities = shapes @ describe_shape(picture[np.newaxis])[0]
    chosen = [i for i in np.argsort(-similarities, kind="stable")[:count] if similarities[i] >= ALIKE_FROM]
    labels = {emotion: CLASS_NAMES[stress_label(emotion)] for emotion in set(emotions)}
    return [Neighbour(pictures[i], emotions[i], labels[emotions[i]], float(similarities[i])) for i in chosen]


@cache
def _read_sample(sample: Path) -> tuple[np.ndarray, list[str], np.ndarray]:
    """At most _SAMPLE_SIZE training pictures, their emotions, and their shapes."""
    with zipfile.ZipFile(sample) as archive:
        names = [name for name in archive.namelist() if "train/" in name]
        known = [(name, emotion) for name in names if (emotion := find_emotion(Path(name).parent.name))]
        known = known[:: max(1, len(known) // _SAMPLE_SIZE)][:_SAMPLE_SIZE]
        pictures = np.stack([to_input(open_picture(archive.read(name))) for name, _ in known])
    return pictures, [emotion for _, emotion in known], describe_shape(pictures)


def describe_shape(pictures: np.ndarray) -> np.ndarray:
    """Where a face has edges, and in which direction: a histogram of gradients, which light changes little.

    Dalal and Triggs 2005 (doi 10.1109/CVPR.2005.177), without overlapping blocks: cells of 8x8 pixels, 8 unsigned
    directions, the square root of each sum. The product of two rows is their similarity, -1 to 1.

    Args:
        pictures: uint8 (n, 48, 48, 3), RGB.

    Returns:
        float32 (n, 288); rows have mean 0 and length 1 (0 for a flat picture).
    """
    down, right = np.gradient(pictures.mean(axis=3, dtype=np.float32), axis=(1, 2))
    direction = (np.arctan2(down, right) * (8 / np.pi) + 8).astype(np.int32) % 8
    cell = np.arange(SIDE) // 8
    place = (np.arange(len(pictures))[:, np.newaxis, np.newaxis] * 36 + cell[:, np.newaxis] * 6 + cell) * 8 + direction
    sums = np.bincount(place.ravel(), np.hypot(down, right).ravel(), minlength=len(pictures) * 288)
    shapes = np.sqrt(sums.reshape(-1, 288)).astype(np.float32)
    shapes -= shapes.mean(axis=1, keepdims=True)
    return shapes / np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
