"""The strong network's recipe: picture sizes, learning rate, targets, optimiser, and what a model.json says of it."""

import math
from pathlib import Path

import numpy as np

from utils.files import read_json
from utils.pictures import SIDE
from utils.strong_parameters import find_teachers
from utils.tensorflow_quietly import keras

SIDES = (SIDE // 2, SIDE * 3 // 4, SIDE)
"""Pixels of a training picture's side in each third of the epochs: what is coarse is learnt first, and cheaply."""

SECOND_SIDES = (SIDE * 2 // 3, SIDE * 5 // 6, SIDE)
"""Where the training starts from a trained network: the side is drawn from these for each step."""

LEARNING_RATE = 0.002
"""The highest, for steps of 128 pictures; half of it from a trained network. See `scale_learning_rate`."""

COVERED = 0.5
"""Share of the training pictures that are partly covered, where the training starts from a trained network: one that
starts from nothing has enough to learn without."""

FEATURES = 10.0
"""Weight in the loss of how far the features are from those taught, see `lessons.learn_features`."""

SETTLED_ON = 1024
"""Training pictures by whose mean and variance a network with batch normalisation answers, see `transfer.settle`."""

LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.05
WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""

AVERAGED = 0.02
"""Share of the steps over which the weights are averaged."""


def plan_sides(epochs: int, sides: tuple[int, ...] = SIDES) -> list[int]:
    """The side of the training pictures in each epoch, in pixels: each of `sides` for a share, the last at the end.

    Raises:
        ValueError: there is no epoch.
    """
    if epochs < 1:
        raise ValueError(f"epochs {epochs}: expected 1 or more.")
    return [sides[len(sides) - 1 - (epochs - 1 - epoch) * len(sides) // epochs] for epoch in range(epochs)]


def scale_learning_rate(batch_size: int) -> float:
    """LEARNING_RATE for steps of another size: an adaptive optimiser's goes with the root of the batch.

    Malladi et al. 2022 (NeurIPS), "On the SDEs and scaling rules for adaptive gradient algorithms".
    """
    return LEARNING_RATE * math.sqrt(batch_size / 128)


def choose_learning_rate(batch_size: int, start: Path | None) -> float:
    """The highest: that of `scale_learning_rate`, or half of it where the training starts from a trained network."""
    return scale_learning_rate(batch_size) / (1 if start is None else 2)


def choose_usual_sides(start: Path | None) -> tuple[int, ...]:
    """SIDES, or SECOND_SIDES where the training starts from a trained network."""
    return SIDES if start is None else SECOND_SIDES


def soften_targets(targets: np.ndarray, class_count: int, teacher: np.ndarray | None = None) -> np.ndarray:
    """What the training pictures are to be answered with: float32 (n, classes), rows sum to 1.

    Half the label and half a trained network's answer where there is one, since many labels are doubtful and a
    network that saw all pictures often knows which (Furlanello et al. 2018 (ICML), "Born-again neural networks");
    else the label, smoothed over the classes.

    Args:
        targets: int (n,), positions in the classes.
        teacher: float (n, classes), rows sum to 1.
    """
    one_hot = np.eye(class_count, dtype=np.float32)[targets]
    if teacher is not None:
        return (one_hot + teacher) / 2
    return (1 - LABEL_SMOOTHING) * one_hot + np.float32(LABEL_SMOOTHING / class_count)


def make_optimizer(learning_rate: float, steps: int):
    """AdamW with a warm-up, then a cosine to zero, and the average of the weights over the last steps.

    Args:
        learning_rate: the highest.
        steps: of the whole training.
    """
    warm_up = max(1, round(WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=WEIGHT_DECAY, clipnorm=1.0, use_ema=True, ema_momentum=1 - 1 / max(2, AVERAGED * steps)
    )
    optimizer.exclude_from_weight_decay(var_names=["gain", "bias"])
    return optimizer


def describe_recipe(
    widths: tuple[tuple[int, ...], ...],
    epochs: int,
    batch_size: int,
    precision: str,
    start: Path | None = None,
    sides: tuple[int, ...] = (),
    teachers: tuple[Path, ...] = (),
    averaged: tuple[Path, ...] = (),
    batch_norm: bool = False,
) -> dict:
    """What a model.json says of the training; `ancestors` is that of every network it came from, by run."""
    teachers = find_teachers(start, teachers)
    described = {
        "widths": [list(stage) for stage in widths],
        "batch_norm": batch_norm,
        "epochs": epochs,
        "start": start and start.parent.name,
        "averaged_with": [folder.parent.name for folder in averaged],
        "ancestors": _describe_ancestors([*([start] if start else []), *teachers, *averaged]),
    }
    if epochs == 0:
        return described
    return described | {
        "batch_size": batch_size,
        "precision": precision,
        "optimizer": "AdamW",
        "learning_rate": choose_learning_rate(batch_size, start),
        "weight_decay": WEIGHT_DECAY,
        "warm_up": WARM_UP,
        "averaged": AVERAGED,
        "sides": list(sides or choose_usual_sides(start)),
        "teachers": [folder.parent.name for folder in teachers],
        "targets": "half label, half the teachers' answer" if teachers else f"labels, smoothed by {LABEL_SMOOTHING:g}",
        "features": FEATURES if teachers and start is None else 0.0,
        "covered": COVERED if start else 0.0,
    }


def _describe_ancestors(folders: list[Path]) -> dict[str, dict]:
    found = {}
    for folder in folders:
        card = read_json(folder / "model.json")
        training = dict(card["training"])
        found |= training.pop("ancestors", {})
        # without an epoch of its own, its history is that of its start
        history = {"history": card["history"]} if training["epochs"] else {}
        kept = {name: card[name] for name in ("seeds", "data", "versions")}
        # what is shipped keeps the name of its run: another may be shipped by now
        found[card.get("run", folder.parent.name)] = training | kept | history
    return found
