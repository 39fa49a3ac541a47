"""What a new network learns from trained ones besides the labels: their answers, and the features these rest on."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.dataset import copy_images
from utils.files import read_json
from utils.networks import add_features, find_inside
from utils.pictures import SIDE
from utils.tensorflow_quietly import keras
from utils.training import predict
from utils.views import answer_over, read_views


class Lesson(NamedTuple):
    """What the teachers say of the training pictures.

    Attributes:
        answers: their mean, float32 (n, classes), rows sum to 1.
        features: of one teacher after the other, float32 (n, features), each of mean 0 and variance 1, or of less where
            it hardly varies; or None, where they are not to be learnt.
        teachers: sha256 of each one's model.keras.
    """

    answers: np.ndarray
    features: np.ndarray | None
    teachers: tuple[str, ...]


def ask_teachers(folders: tuple[Path, ...], images: np.ndarray, features: bool) -> Lesson:
    """Let saved networks look at pictures.

    Args:
        folders: with model.keras and model.json, from `strong_parameters.find_teachers`; one at least.
        images: uint8 (n, 48, 48, 3), RGB.
        features: whether their features are asked for, too.
    """
    said = [_look(folder, images, features) for folder in folders]
    answers = np.mean([answers for answers, _ in said], axis=0)
    prints = tuple(hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest() for folder in folders)
    return Lesson(answers, np.hstack([_standardise(part) for _, part in said]) if features else None, prints)


def _look(folder: Path, images: np.ndarray, features: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """A network's answers and, if asked for, its features, each the mean over the views that it answers over."""
    saved = keras.models.load_model(folder / "model.keras")
    if not features:
        return _predict_in_pieces(saved, images), None
    card = read_json(folder / "model.json")
    said = _predict_in_pieces(answer_over(add_features(find_inside(saved)), read_views(card)), images)
    return tuple(np.split(said, [len(card["class_names"])], axis=1))


def _predict_in_pieces(network, images: np.ndarray) -> np.ndarray:
    """As `predict`, which would hold all the pictures of a mapped file in memory at once."""
    pieces = np.array_split(np.arange(len(images)), range(4096, len(images), 4096))
    return np.concatenate([predict(network, copy_images(images, piece)) for piece in pieces])


def _standardise(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)


def learn_features(network, class_count: int, feature_count: int, weight: float):
    """A network to train whose loss also counts how far its features are from its teachers'.

    A picture's few probabilities say little of what a teacher sees in it; the features say the most part, and hold no
    label: Romero et al. 2015 (ICLR), "FitNets: hints for thin deep nets"; Chen et al. 2022 (CVPR), "Knowledge
    distillation with the reused teacher classifier". The network's own features may be more or fewer, since a layer of
    no further use translates them.

    Args:
        network: uint8 (n, 48, 48, 3) -> float32 (n, classes + features), from `networks.add_features`.
        feature_count: of the teachers.
        weight: of the distance, where the loss of the answers weighs 1. It is the mean of Huber's loss, half the
            square up to 1, since a feature that is there in a few pictures only is far from its mean in those.

    Returns:
        An uncompiled keras.Model with the same weights: pictures, and the teachers' features of them, float32
        (n, feature_count) -> float32 (n, classes). Outside training the latter change nothing.
    """
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    taught = keras.Input((feature_count,), name="taught")
    found = network(picture)
    answers = _FeatureLoss(feature_count, weight)(found[:, :class_count], found[:, class_count:], taught)
    return keras.Model([picture, taught], answers)


class _FeatureLoss(keras.layers.Layer):
    """The answers as they are; in training the loss grows by the features' distance from those taught."""

    def __init__(self, feature_count: int, weight: float, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.translate = keras.layers.Dense(feature_count)

    def build(self, answers_shape, features_shape, taught_shape):
        self.translate.build(features_shape)

    def call(self, answers, features, taught, training=False):
        if training:
            distance = keras.losses.huber(taught, self.translate(features))
            self.add_loss(self.weight * keras.ops.mean(distance))
        return answers
