"""The strong network's recipe: optimiser, schedule and picture sizes. Stopped, it resumes at the last whole epoch."""

import hashlib
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from utils.dataset import Split, copy_images, make_batches
from utils.files import read_json, write_json
from utils.networks import RandomAffine, add_augmentation, build_strong_cnn
from utils.pictures import SIDE
from utils.precision import compute_in
from utils.tensorflow_quietly import keras
from utils.training import ShowProgress, predict_views, set_seed

SIDES = (SIDE // 2, SIDE * 3 // 4, SIDE)
"""Pixels of a training picture's side in each third of the epochs: what is coarse is learnt first, and cheaply."""

LEARNING_RATE = 0.002
"""The highest, for steps of 128 pictures; see `scale_learning_rate`."""

LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.05
WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""

AVERAGED = 0.02
"""Share of the steps over which the weights are averaged."""


def plan_sides(epochs: int) -> list[int]:
    """The side of the training pictures in each epoch, in pixels; the last epochs see them whole.

    Raises:
        ValueError: there is no epoch.
    """
    if epochs < 1:
        raise ValueError(f"epochs {epochs}: expected 1 or more.")
    return [SIDES[len(SIDES) - 1 - (epochs - 1 - epoch) * len(SIDES) // epochs] for epoch in range(epochs)]


def scale_learning_rate(batch_size: int) -> float:
    """LEARNING_RATE for steps of another size: an adaptive optimiser's goes with the root of the batch.

    Malladi et al. 2022 (NeurIPS), "On the SDEs and scaling rules for adaptive gradient algorithms".
    """
    return LEARNING_RATE * math.sqrt(batch_size / 128)


def train_strong(
    train: Split,
    validation: Split,
    class_count: int,
    changes: dict,
    epochs: int,
    batch_size: int,
    precision: str,
    seed: int,
    checkpoint: Path,
) -> tuple:
    """Build the strong network and train it by its recipe.

    Args:
        changes: `rotation`, `zoom`, `shift`, `flip` of the augmentation.
        precision: from `precision.choose_precision`.

    Returns:
        The network, and one dict an epoch: see `train_strong_network`, also for the other arguments.
    """
    set_seed(seed)
    with compute_in(precision):
        network = build_strong_cnn(class_count)
    augmentation, learning_rate = RandomAffine(**changes, seed=seed), scale_learning_rate(batch_size)
    history = train_strong_network(
        network, augmentation, train, validation, epochs, batch_size, learning_rate, seed, checkpoint
    )
    return network, history


def train_strong_from_seeds(
    seeds: list[int], train: Split, validation: Split, class_count: int, **options
) -> dict[int, np.ndarray]:
    """The same training once a seed, to see what chance does to it; the networks are not kept.

    Args:
        options: of `train_strong`.

    Returns:
        By seed, class probabilities of the validation pictures, mean over two views, float32 (n, classes).
    """
    answers = {}
    for seed in seeds:
        network, _ = train_strong(train, validation, class_count, seed=seed, **options)
        answers[seed] = predict_views(network, validation.images, mirror=True).mean(axis=0)
    return answers


def describe_recipe(epochs: int, batch_size: int, precision: str) -> dict:
    """What a model.json says of the training."""
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "precision": precision,
        "optimizer": "AdamW",
        "learning_rate": scale_learning_rate(batch_size),
        "weight_decay": WEIGHT_DECAY,
        "warm_up": WARM_UP,
        "averaged": AVERAGED,
        "label_smoothing": LABEL_SMOOTHING,
        "sides": list(SIDES),
    }


def train_strong_network(
    network,
    augmentation: RandomAffine,
    train: Split,
    validation: Split,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    checkpoint: Path,
) -> list[dict]:
    """AdamW, warm-up and cosine, label smoothing, and the average of the weights over the last steps.

    Every epoch is run: the schedule ends at zero, so there is none to stop early at.

    Args:
        network: from `build_strong_cnn`; ends with the averaged weights.
        augmentation: what the training pictures go through.
        train, validation: test pictures never come here.
        learning_rate: the highest, reached after the warm-up.
        seed: of the order of the pictures.
        checkpoint: folder of the state after the last whole epoch. It is removed when training ends; one that
            was left by other settings or data is thrown away.

    Returns:
        One dict an epoch: `loss`, `accuracy`, `val_loss`, `val_accuracy`.
    """
    sides, steps = plan_sides(epochs), -(-len(train.targets) // batch_size)
    settings = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    settings |= {"weights": network.count_params(), "data": _fingerprint(train)}
    _open_checkpoint(checkpoint, settings)
    trained = add_augmentation(network, augmentation)
    class_count = network.output_shape[-1]

    def smoothed(targets, probabilities):
        one_hot = keras.ops.one_hot(keras.ops.cast(targets, "int32"), class_count)
        return keras.losses.categorical_crossentropy(one_hot, probabilities, label_smoothing=LABEL_SMOOTHING)

    trained.compile(_make_optimizer(learning_rate, epochs * steps), smoothed, metrics=["accuracy"])
    trained.fit(
        make_batches(train, batch_size, seed),
        validation_data=make_batches(validation, 256),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[
            keras.callbacks.BackupAndRestore(checkpoint / "state", delete_checkpoint=False),
            keras.callbacks.SwapEMAWeights(),
            keras.callbacks.CSVLogger(checkpoint / "history.csv", append=True),
            _SetSide(augmentation, sides),
            ShowProgress(epochs, steps),
        ],
    )
    history = pd.read_csv(checkpoint / "history.csv").drop_duplicates("epoch", keep="last").drop(columns="epoch")
    shutil.rmtree(checkpoint)
    return history.to_dict("records")


def _make_optimizer(learning_rate: float, steps: int):
    warm_up = max(1, round(WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=WEIGHT_DECAY, clipnorm=1.0, use_ema=True, ema_momentum=1 - 1 / max(2, AVERAGED * steps)
    )
    optimizer.exclude_from_weight_decay(var_names=["gain", "bias"])
    return optimizer


def _fingerprint(split: Split) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(split.images), 4096):
        digest.update(copy_images(split.images, slice(start, start + 4096)))
    digest.update(split.targets)
    return digest.hexdigest()


def _open_checkpoint(folder: Path, settings: dict) -> None:
    """Keep the folder where it was left by the same training; else begin with an empty one."""
    described = folder / "settings.json"
    if described.exists() and read_json(described) == settings:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(described, settings)


class _SetSide(keras.callbacks.Callback):
    """Tell the augmentation before each epoch how large the pictures are to come out."""

    def __init__(self, augmentation: RandomAffine, sides: list[int]):
        super().__init__()
        self.augmentation, self.sides = augmentation, sides

    def on_epoch_begin(self, epoch, logs=None):
        self.augmentation.side.assign(self.sides[epoch])
