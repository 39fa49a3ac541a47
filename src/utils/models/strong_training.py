"""The stronger network's training by its recipe, which may be initialised from trained networks or learn from them."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.dataset import Split, copy_images
from utils.files import read_json, write_json
from utils.models.augmentation import RandomAffine, add_augmentation, make_random_erasing
from utils.models.batches import make_batches
from utils.models.callbacks import Backup, GrowSide, ShowProgress, StopAtNoNumber, Watch, count_epochs
from utils.models.layers import ScaledConv2D
from utils.models.networks import Widths, build_plain_network, find_inside, make_network
from utils.models.precision import choose_precision, compute_in
from utils.models.recipe import Recipe, make_optimizer, soften_targets
from utils.models.store import Store, Training, fingerprint_network, fingerprint_split
from utils.models.test_time_augmentation import View
from utils.models.train import DIVERGED, choose_strategy, keep_order, predict_views, set_seed
from utils.quiet import keras


def train_strong(
    recipe: Recipe,
    train: Split,
    validation: Split,
    class_names: list[str],
    seed: int,
    store: Store,
    watch: Watch | None = None,
) -> Training:
    """Build the stronger network and train it by its recipe, or take that training from the store.

    Every epoch is run: the learning rate's schedule ends at zero, so there is none to stop early at. What was stopped
    goes on at its last whole epoch, in the precision in which it began.

    Args:
        recipe: see there.
        train: the pictures to learn from; test pictures never come here.
        validation: those whose loss is told.
        class_names: the data set's classes, in the order of the targets.
        seed: of first weights, augmentation and the order of the pictures.
        store: where the training is kept.
        watch: see `callbacks.ShowProgress`.

    Returns:
        The network, of plain layers in float32 as it will be saved, with the averaged weights; of each epoch `loss` to
        what `recipe.soften_targets` makes, `accuracy`, `val_loss` to the targets as they are, `val_accuracy`; and what
        `precision.choose_precision` gave.

    Raises:
        ValueError: it diverged, what was kept of it cannot be read, or the initial model has another shape.
    """

    def build():
        set_seed(seed)
        return recipe.build(len(class_names))

    def fit(folder: Path) -> tuple[list[dict], dict]:
        if not (folder / "precision.json").exists():
            precision, rates = recipe.precision, dict[str, float]()
            if precision == "auto":
                precision, rates = _time_precisions(recipe.network, recipe.widths, len(class_names), recipe.batch_size)
            write_json(folder / "precision.json", {"precision": precision, "rates": rates})
        chosen = read_json(folder / "precision.json")
        with choose_strategy().scope(), compute_in(chosen["precision"]):
            computing = build()
        computing.set_weights(network.get_weights())
        answers = average_teachers(recipe.teachers, train.images) if recipe.teachers else None
        history = _fit(computing, recipe, train, validation, answers, seed, folder, watch)
        network.set_weights(computing.get_weights())
        return history, chosen

    network = build()
    if recipe.initial_model:
        saved, card = keras.models.load_model(recipe.initial_model / "model.keras"), recipe.initial_model / "model.json"
        initialise_from(network, saved, with_head=read_json(card)["class_names"] == class_names)
    # other runs by what they trained, not by their names
    described = {name: value for name, value in recipe.describe().items() if name not in ("initial_model", "teachers")}
    teachers = [fingerprint_network(keras.models.load_model(folder / "model.keras")) for folder in recipe.teachers]
    settings = {"recipe": described, "seed": seed, "network": fingerprint_network(network), "teachers": teachers}
    settings |= {"data": fingerprint_split(train), "validation": fingerprint_split(validation)}
    training = store.remember(settings, network, fit)
    return replace(training, network=build_plain_network(network))


def train_strong_from_seeds(
    seeds: list[int], views: tuple[View, ...], validation: Split, **options
) -> dict[int, np.ndarray]:
    """As `train.train_from_seeds`, by the recipe.

    Args:
        seeds: of the trainings.
        views: over which the mean is taken.
        validation: the pictures that are answered.
        options: of `train_strong`.
    """
    answers = {}
    for seed in seeds:
        network = train_strong(validation=validation, seed=seed, **options).network
        answers[seed] = predict_views(network, validation.images, views).mean(axis=0)
    return answers


@cache
def _time_precisions(network: str, widths: Widths, class_count: int, batch_size: int) -> tuple[str, dict[str, float]]:
    """Once a process, so that all seeds compute alike."""
    return choose_precision("auto", partial(make_network, network, class_count, widths), batch_size)


def _fit(
    network,
    recipe: Recipe,
    train: Split,
    validation: Split,
    teacher: np.ndarray | None,
    seed: int,
    folder: Path,
    watch: Watch | None,
) -> list[dict]:
    """Fit a strong network by its recipe, or go on with what is in the folder; it ends with the averaged weights.

    Args are as of `train_strong`, but for `teacher`, float (n, classes), its answers about the training pictures. One
    dict an epoch is returned.
    """
    steps = -(-len(train.targets) // recipe.batch_size)
    targets = soften_targets(train.targets, recipe.label_smoothing, teacher)
    resumed = count_epochs(folder)
    # what was drawn for the first epochs would come again: the generators' states are not kept
    with choose_strategy().scope():
        augmentation = RandomAffine(**recipe.augmentation, seed=seed + resumed)
        erasing = [make_random_erasing(recipe.erased, seed + resumed)] if recipe.erased else []
        trained = add_augmentation(network, *erasing, augmentation)
        optimizer = make_optimizer(recipe.learning_rate, recipe.epochs * steps)
        if network.dtype_policy.name == "mixed_float16":
            # Keras does so by itself only where the outermost model was built in that precision
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        trained.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    keep_order(trained, train.images, targets)
    trained.fit(
        make_batches(train, recipe.batch_size, seed + resumed, targets),
        validation_data=make_batches(validation, 256),
        epochs=recipe.epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[
            keras.callbacks.SwapEMAWeights(),
            StopAtNoNumber(),
            # before the backup: what is killed between the two logs an epoch twice, not never
            keras.callbacks.CSVLogger(folder / "history.csv", append=True),
            Backup(folder),
            GrowSide(augmentation, recipe.sides),
            ShowProgress(recipe.epochs, steps, watch),
        ],
    )
    history = pd.read_csv(folder / "history.csv").drop_duplicates("epoch", keep="last").drop(columns="epoch")
    if not np.isfinite(history["val_loss"].iloc[-1]):
        raise ValueError(f"The training came to a loss that is no number, in {network.compute_dtype}: {DIVERGED}")
    return history.to_dict("records")


def initialise_from(network, saved, with_head: bool) -> None:
    """Give a new strong network the weights of one that was saved as an inference network: fine-tuning begins there.

    Args:
        network: from `networks.build_strong_cnn`.
        saved: a loaded model.keras, from `networks.build_inference_network`.
        with_head: also those of the last layer, where both tell the same classes apart; else it stays new.

    Raises:
        ValueError: what was saved is a network of another shape.
    """
    new, old = ([layer for layer in part.layers if layer.weights] for part in (network, find_inside(saved)))
    taken = None if with_head else -1
    wanted, found = ([layer.get_weights()[0].shape for layer in part[:taken]] for part in (new, old))
    if wanted != found:
        raise ValueError(f"To be initialised from: expected a network with weights of shapes {wanted}, found {found}.")
    for layer, plain in zip(new[:taken], old[:taken], strict=True):
        if isinstance(layer, ScaledConv2D):
            layer.set_plain_weights(*plain.get_weights())
        else:
            layer.set_weights(plain.get_weights())


def average_teachers(folders: tuple[Path, ...], images: np.ndarray) -> np.ndarray:
    """The mean answer of saved networks about pictures, which a student learns: float32 (n, classes), rows sum to 1.

    Hinton et al. 2015 (arXiv 1503.02531), "Distilling the knowledge in a neural network".

    Args:
        folders: with model.keras, from `recipe.choose_teachers`; one at least.
        images: uint8 (n, 48, 48, 3), RGB.
    """
    return np.mean([_ask(keras.models.load_model(folder / "model.keras"), images) for folder in folders], axis=0)


def _ask(network, images: np.ndarray) -> np.ndarray:
    """Its answers, in pieces: all the pictures of a mapped file would not fit into memory at once."""
    pieces = np.array_split(np.arange(len(images)), range(4096, len(images), 4096))
    return np.concatenate([network.predict(copy_images(images, piece), batch_size=256, verbose=0) for piece in pieces])
