"""Training networks while watching validation: by early stopping, or by the strong network's recipe."""

import hashlib
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.dataset import Split
from utils.files import read_json
from utils.models.augmentation import RandomAffine, add_augmentation, cover_at_random
from utils.models.batches import make_batches
from utils.models.callbacks import GrowSide, ShowProgress, StopAtNoNumber, Watch
from utils.models.checkpoints import (
    Backup,
    delete_checkpoints,
    fingerprint_split,
    fingerprint_weights,
    open_checkpoint,
)
from utils.models.networks import build_plain_network, build_strong_cnn
from utils.models.precision import compute_in
from utils.models.recipe import (
    Recipe,
    make_optimizer,
    soften_targets,
)
from utils.models.test_time_augmentation import WHOLE, View, make_view
from utils.models.transfer import ask_teachers, initialise_from
from utils.quiet import keras

DIVERGED = "start it again with a lower learning rate, or in float32, or look for what is wrong with the pictures."
"""What to do about a training whose loss is no number any more."""


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow: the same settings on the same machine give the same weights."""
    keras.utils.set_random_seed(seed)


def compile_network(network, learning_rate: float):
    """Adam on the cross-entropy of the data set's own classes; returns the network."""
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


def train_network(
    network,
    train: Split,
    validation: Split,
    epochs: int,
    batch_size: int,
    patience: int,
    seed: int,
    watch: Watch | None = None,
) -> list[dict]:
    """Fit until validation loss has not fallen for `patience` epochs; the best epoch's weights stay.

    Args:
        network: compiled.
        train: the pictures to learn from; test pictures never come here.
        validation: those to stop by.
        epochs: at most that many.
        batch_size: pictures a step.
        patience: epochs without a lower validation loss before it stops.
        seed: of the order of the pictures.
        watch: see `callbacks.ShowProgress`.

    Returns:
        One dict an epoch: `loss`, `accuracy`, `val_loss`, `val_accuracy`, up to the last whose losses are numbers.

    Raises:
        ValueError: that of the first epoch is none.
    """
    early_stopping = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    history = network.fit(
        make_batches(train, batch_size, seed),
        validation_data=make_batches(validation, batch_size),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[early_stopping, ShowProgress(epochs, -(-len(train.targets) // batch_size), watch)],
    ).history
    rows = [dict(zip(history, map(float, row), strict=True)) for row in zip(*history.values(), strict=True)]
    sound = list(takewhile(lambda row: np.isfinite(list(row.values())).all(), rows))
    if not sound:
        raise ValueError(f"The loss of the first epoch is no number: {DIVERGED}")
    return sound


def train_from_seeds(
    build: Callable, seeds: list[int], train: Split, validation: Split, learning_rate: float, **options
) -> dict[int, np.ndarray]:
    """The same training once a seed, to see what chance does to it; the networks are not kept.

    Args:
        build: seed -> a new, uncompiled network.
        seeds: of first weights and order.
        train: the pictures to learn from.
        validation: those to stop by, and to answer.
        learning_rate: of Adam.
        options: `epochs`, `batch_size`, `patience` of `train_network`.

    Returns:
        By seed, class probabilities of the validation pictures, float32 (n, classes).
    """
    answers = {}
    for seed in seeds:
        set_seed(seed)
        network = compile_network(build(seed), learning_rate)
        train_network(network, train, validation, seed=seed, **options)
        answers[seed] = predict(network, validation.images)
    return answers


def best_epoch(history: list[dict]) -> int:
    """The epoch, counted from 1, whose validation loss is lowest: the one whose weights were kept."""
    return 1 + int(np.argmin([epoch["val_loss"] for epoch in history]))


def predict(network, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Class probabilities of uint8 (n, 48, 48, 3) pictures: float32 (n, classes)."""
    return np.asarray(network.predict(images, batch_size=batch_size, verbose=0))


def predict_views(network, images: np.ndarray, views: tuple[View, ...] = WHOLE) -> np.ndarray:
    """Class probabilities of each view of the pictures: float32 (views, n, classes)."""
    return np.stack([predict(network, np.asarray(make_view(images, view))) for view in views])


def train_strong(
    recipe: Recipe,
    train: Split,
    validation: Split,
    class_names: list[str],
    seed: int,
    checkpoint: Path,
    watch: Watch | None = None,
) -> tuple:
    """Build the strong network and train it by its recipe.

    Every epoch is run: the learning rate's schedule ends at zero, so there is none to stop early at.

    Args:
        recipe: see there.
        train: the pictures to learn from; test pictures never come here.
        validation: those whose loss is told.
        class_names: the data set's classes, in the order of the targets.
        seed: of first weights, augmentation and the order of the pictures.
        checkpoint: folder of the seeds' states after their last whole epochs: the same training goes on from its own,
            or takes its result where it has ended. One that was left by other settings or data is thrown away.
            `checkpoints.delete_checkpoints` removes it.
        watch: see `callbacks.ShowProgress`.

    Returns:
        The network, of plain layers in float32 as it will be saved, with the averaged weights; and one dict an epoch:
        `loss` to the softened labels, `accuracy`, `val_loss` to the labels as they are, `val_accuracy`.

    Raises:
        ValueError: it diverged, what was kept of it cannot be read, or the initial model has another shape.
    """
    set_seed(seed)
    with compute_in(recipe.precision):
        network = build_strong_cnn(len(class_names), recipe.widths)
    if recipe.initial_model:
        saved, card = keras.models.load_model(recipe.initial_model / "model.keras"), recipe.initial_model / "model.json"
        initialise_from(network, saved, with_head=read_json(card)["class_names"] == class_names)
    answers = ask_teachers(recipe.teachers, train.images) if recipe.teachers else None
    history = _fit(network, recipe, train, validation, answers, seed, checkpoint / str(seed), watch)
    return build_plain_network(network), history


def train_strong_from_seeds(
    seeds: list[int], views: tuple[View, ...], validation: Split, **options
) -> dict[int, np.ndarray]:
    """As `train_from_seeds`, by the recipe.

    Args:
        seeds: of the trainings.
        views: over which the mean is taken.
        validation: the pictures that are answered.
        options: of `train_strong`.
    """
    answers = {}
    for seed in seeds:
        network, _ = train_strong(validation=validation, seed=seed, **options)
        answers[seed] = predict_views(network, validation.images, views).mean(axis=0)
    return answers


def _fit(
    network,
    recipe: Recipe,
    train: Split,
    validation: Split,
    teacher: np.ndarray | None,
    seed: int,
    checkpoint: Path,
    watch: Watch | None,
) -> list[dict]:
    """Fit a strong network by its recipe, or go on with that; it ends with the averaged weights.

    Args and what is returned: as of `train_strong`, but for `teacher`, float (n, classes), of the training pictures,
    and `checkpoint`, of this seed.
    """
    class_count, steps = network.output_shape[-1], -(-len(train.targets) // recipe.batch_size)
    targets = soften_targets(train.targets, class_count, teacher)
    # the scaled loss has an optimizer with other variables; between other precisions a training may go on
    scaled = network.dtype_policy.name == "mixed_float16"
    settings = recipe.describe() | {"precision": "scaled" if scaled else "plain", "seed": seed}
    settings |= {"weights": fingerprint_weights(network), "targets": hashlib.sha256(targets.tobytes()).hexdigest()}
    settings |= {"data": fingerprint_split(train), "validation": fingerprint_split(validation)}
    resumed = open_checkpoint(checkpoint, settings)
    # what was drawn for the first epochs would come again: the generators' states are not kept
    augmentation = RandomAffine(**recipe.augmentation, seed=seed + resumed)
    erasing = [cover_at_random(recipe.erased, seed + resumed)] if recipe.erased else []
    trained = add_augmentation(network, *erasing, augmentation)
    optimizer = make_optimizer(recipe.learning_rate, recipe.epochs * steps)
    if scaled:
        # Keras does so by itself only where the outermost model was built in that precision
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    trained.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    trained.fit(
        make_batches(train, recipe.batch_size, seed + resumed, targets),
        validation_data=make_batches(
            validation, 256, targets=np.eye(class_count, dtype=np.float32)[validation.targets]
        ),
        epochs=recipe.epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[
            keras.callbacks.SwapEMAWeights(),
            StopAtNoNumber(),
            # before the backup: what is killed between the two logs an epoch twice, not never
            keras.callbacks.CSVLogger(checkpoint / "history.csv", append=True),
            Backup(checkpoint),
            GrowSide(augmentation, recipe.sides),
            ShowProgress(recipe.epochs, steps, watch),
        ],
    )
    history = pd.read_csv(checkpoint / "history.csv").drop_duplicates("epoch", keep="last").drop(columns="epoch")
    if not np.isfinite(history["val_loss"].iloc[-1]):
        delete_checkpoints(checkpoint)
        raise ValueError(f"The training came to a loss that is no number, in {recipe.precision}: {DIVERGED}")
    return history.to_dict("records")
