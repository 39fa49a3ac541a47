"""Training the strong network by its recipe. Stopped, it resumes at the last whole epoch."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from utils.augmentation import RandomAffine, add_augmentation, cover_at_random
from utils.dataset import Split, copy_images, make_batches
from utils.files import read_json, write_json, write_text
from utils.lessons import Lesson, ask_teachers, learn_features
from utils.networks import add_features, build_plain_network, build_strong_cnn
from utils.precision import compute_in
from utils.strong_callbacks import Backup, DrawSide, GrowSide, LogAnswersAlone, Settle, StopAtNoNumber
from utils.strong_parameters import find_teachers
from utils.strong_recipe import (
    AVERAGED,
    COVERED,
    FEATURES,
    LABEL_SMOOTHING,
    SETTLED_ON,
    SIDES,
    WARM_UP,
    WEIGHT_DECAY,
    choose_learning_rate,
    choose_usual_sides,
    make_optimizer,
    plan_sides,
    soften_targets,
)
from utils.tensorflow_quietly import keras
from utils.training import DIVERGED, ShowProgress, predict_views, set_seed
from utils.transfer import average_weights, has_batch_norm, settle, start_from
from utils.views import View, make_view


def train_strong(
    train: Split,
    validation: Split,
    class_names: list[str],
    changes: dict,
    widths: tuple[tuple[int, ...], ...],
    epochs: int,
    batch_size: int,
    precision: str,
    seed: int,
    checkpoint: Path,
    start: Path | None = None,
    sides: tuple[int, ...] = (),
    teachers: tuple[Path, ...] = (),
    averaged: tuple[Path, ...] = (),
    batch_norm: bool = False,
) -> tuple:
    """Build the strong network and train it by its recipe.

    Args:
        class_names: the data set's classes, in the order of the targets.
        changes: `rotation`, `zoom`, `shift`, `flip` of the augmentation.
        widths: from `strong_parameters.choose_widths`.
        precision: from `precision.choose_precision`.
        epochs: from `strong_parameters.choose_epochs`; 0 takes the start's network, and history, as they are.
        start: from `strong_parameters.choose_start`, to go on from its weights; it may be narrower. None: from nothing.
        sides: from `strong_parameters.choose_sides`; empty: the usual ones.
        teachers: from `strong_parameters.choose_teachers`, to learn from their mean answer and, from nothing, from
            their features; empty: the start.
        averaged: from `strong_parameters.choose_averaged`, for the mean of their weights and its own at the end.
        batch_norm: of `build_strong_cnn`.
        checkpoint: folder of the seeds' states, see `train_strong_network`; `forget` removes it.

    Returns:
        The network, of plain layers in float32 as it will be saved, and one dict an epoch: see `train_strong_network`,
        also for the other arguments.

    Raises:
        ValueError: the start is another network, or a wider one.
    """
    set_seed(seed)
    with compute_in(precision):
        network = build_strong_cnn(len(class_names), widths, batch_norm=batch_norm)
    sides = sides or choose_usual_sides(start)
    seen = make_view(_draw_pictures(train, seed), View(sides[-1])) if batch_norm else None
    if start is not None:
        start_from(network, _load(start), seen)
    if epochs == 0:
        history = read_json(start / "model.json")["history"]
    else:
        folders = find_teachers(start, teachers)
        # what starts from a trained network has features already
        lesson = ask_teachers(folders, train.images, features=start is None) if folders else None
        history = train_strong_network(
            network,
            RandomAffine(**changes, seed=seed),
            train,
            validation,
            epochs,
            batch_size,
            choose_learning_rate(batch_size, start),
            seed,
            checkpoint / str(seed),
            lesson,
            sides,
            drawn=start is not None,
            covered=0.0 if start is None else COVERED,
        )
    if averaged:
        average_weights(network, [_load(folder) for folder in averaged], seen)
    return build_plain_network(network), history


def _draw_pictures(train: Split, seed: int) -> np.ndarray:
    """Training pictures for `transfer.settle`: uint8 (n, 48, 48, 3)."""
    rows = np.random.default_rng(seed).permutation(len(train.targets))[:SETTLED_ON]
    return copy_images(train.images, np.sort(rows))


def forget(checkpoint: Path) -> None:
    """Remove what trainings could go on from, when all that comes of them is saved."""
    shutil.rmtree(checkpoint, ignore_errors=True)


def _load(folder: Path):
    return keras.models.load_model(folder / "model.keras")


def train_strong_from_seeds(
    seeds: list[int], train: Split, validation: Split, class_names: list[str], views: tuple[View, ...], **options
) -> dict[int, np.ndarray]:
    """The same training once a seed, to see what chance does to it; the networks are not kept.

    Args:
        views: of the validation pictures.
        options: of `train_strong`.

    Returns:
        By seed, class probabilities of the validation pictures, mean over the views, float32 (n, classes). Without
        an epoch to train there is nothing for chance to do, and none.
    """
    answers = {}
    for seed in seeds if options["epochs"] else ():
        network, _ = train_strong(train, validation, class_names, seed=seed, **options)
        answers[seed] = predict_views(network, validation.images, views).mean(axis=0)
    return answers


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
    lesson: Lesson | None = None,
    sides: tuple[int, ...] = SIDES,
    drawn: bool = False,
    covered: float = 0.0,
) -> list[dict]:
    """AdamW, warm-up and cosine, softened labels, and the average of the weights over the last steps.

    Every epoch is run: the schedule ends at zero, so there is none to stop early at.

    Args:
        network: from `build_strong_cnn`; ends with the averaged weights.
        augmentation: what the training pictures go through.
        train, validation: test pictures never come here.
        learning_rate: the highest, reached after the warm-up.
        seed: of the order of the pictures.
        checkpoint: folder of the state after the last whole epoch, which stays: the same training goes on from it,
            or takes its result where it has ended. One that was left by other settings or data is thrown away.
        lesson: from `lessons.ask_teachers`, of the training pictures.
        sides: of the training pictures, in pixels.
        drawn: draw one of `sides` for each step, instead of taking them in turn.
        covered: share of the training pictures that are partly covered.

    Returns:
        One dict an epoch: `loss`, of the answers to the softened labels, `accuracy`, `val_loss`, to the labels as
        they are, `val_accuracy`.

    Raises:
        ValueError: it diverged, or what was kept of it cannot be read.
    """
    class_count, steps = network.output_shape[-1], -(-len(train.targets) // batch_size)
    targets = soften_targets(train.targets, class_count, lesson and lesson.answers)
    validation_targets = np.eye(class_count, dtype=np.float32)[validation.targets]
    settings = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    settings |= {"sides": list(sides), "drawn": drawn, "covered": covered, "batch_norm": has_batch_norm(network)}
    settings |= {name: getattr(augmentation, name) for name in ("rotation", "zoom", "shift", "flip")}
    settings |= {"recipe": [LABEL_SMOOTHING, WEIGHT_DECAY, WARM_UP, AVERAGED], "weights": _fingerprint_weights(network)}
    settings |= {"data": _fingerprint(train), "validation": _fingerprint(validation)}
    # the scaled loss has an optimizer with other variables; between other precisions a training may go on
    settings |= {"scaled": network.dtype_policy.name == "mixed_float16"}
    if lesson is not None:
        settings |= {"teachers": list(lesson.teachers), "features": 0.0 if lesson.features is None else FEATURES}
    resumed = _open_checkpoint(checkpoint, settings)
    if resumed:
        # what was drawn for the first epochs would come again: the generators' states are not kept
        augmentation.generator.reset_from_seed(seed + resumed)
    augmentations = [*([cover_at_random(covered, seed + resumed)] if covered else []), augmentation]
    taught, unknown = lesson and lesson.features, None
    if taught is None:
        trained = add_augmentation(network, *augmentations)
    else:
        trained = add_augmentation(add_features(network), *augmentations)
        trained = learn_features(trained, class_count, taught.shape[1], FEATURES)
        unknown = np.broadcast_to(np.float32(0), (len(validation.targets), taught.shape[1]))
    sample = _draw_pictures(train, seed) if has_batch_norm(network) else None
    sizing = DrawSide(augmentation, sides, seed) if drawn else GrowSide(augmentation, plan_sides(epochs, sides))
    loss, optimizer = "categorical_crossentropy", make_optimizer(learning_rate, epochs * steps)
    if settings["scaled"]:
        # Keras does so by itself only where the outermost model was built in that precision
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    trained.compile(optimizer, loss, metrics=["accuracy", loss])
    trained.fit(
        make_batches(train, batch_size, seed + resumed, targets, taught),
        validation_data=make_batches(validation, 256, targets=validation_targets, taught=unknown),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[
            keras.callbacks.SwapEMAWeights(),
            LogAnswersAlone(),
            StopAtNoNumber(),
            # before the backup: what is killed between the two logs an epoch twice, not never
            keras.callbacks.CSVLogger(checkpoint / "history.csv", append=True),
            Backup(checkpoint),
            sizing,
            *([] if sample is None else [Settle(network, augmentation, sample)]),
            ShowProgress(epochs, steps),
        ],
    )
    if sample is not None:
        augmentation.side.assign(sides[-1])
        settle(network, augmentation(sample))
    history = pd.read_csv(checkpoint / "history.csv").drop_duplicates("epoch", keep="last").drop(columns="epoch")
    if not np.isfinite(history["val_loss"].iloc[-1]):
        forget(checkpoint)
        raise ValueError(f"The training came to a loss that is no number, in {network.dtype_policy.name}: {DIVERGED}")
    return history.to_dict("records")


def _fingerprint_weights(network) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()


def _fingerprint(split: Split) -> str:
    digest = hashlib.sha256()
    count = len(split.images)
    for start in range(0, count, 4096):
        digest.update(copy_images(split.images, np.arange(start, min(start + 4096, count))))
    digest.update(split.targets)
    return digest.hexdigest()


def _open_checkpoint(folder: Path, settings: dict) -> int:
    """Keep the folder where it was left by the same training; else begin with an empty one. How many epochs it ran."""
    described, history = folder / "settings.json", folder / "history.csv"
    if described.exists() and read_json(described) == settings:
        lines = history.read_text().splitlines(keepends=True) if history.exists() else []
        if lines and not lines[-1].endswith("\n"):  # a full disk; its epoch was not kept either
            write_text(history, "".join(lines[:-1]))
        return max(0, sum(line.endswith("\n") for line in lines) - 1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(described, settings)
    return 0
