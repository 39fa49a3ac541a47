"""The strong network's recipe: optimiser, schedule and picture sizes. Stopped, it resumes at the last whole epoch."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd

from utils.dataset import Split, make_batches
from utils.files import read_json, write_json
from utils.networks import RandomAffine, add_augmentation
from utils.pictures import SIDE
from utils.tensorflow_quietly import keras
from utils.training import ShowProgress

SIDES = (SIDE // 2, SIDE * 3 // 4, SIDE)
"""Pixels of a training picture's side in each third of the epochs: what is coarse is learnt first, and cheaply."""

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
    return hashlib.sha256(split.images.tobytes() + split.targets.tobytes()).hexdigest()


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
