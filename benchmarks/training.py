"""How fast the strong network trains: beside the seed project's way, its own pipeline, and the processor's best.

The seed project's way is the same layers in plain Keras, in float32, fed by ImageDataGenerator.
"""

import math
import tempfile
import time
import timeit
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from facts import spread, spreads

from utils.data.dataset import Split
from utils.models import strong_training
from utils.models.batches import make_batches
from utils.models.layers import ScaledConv2D
from utils.models.networks import STRONG_WIDTHS, Widths, build_plain_network, build_strong_cnn
from utils.models.precision import choose_precision
from utils.models.recipe import LABEL_SMOOTHING, SIDES, Recipe, soften_targets
from utils.models.store import Store
from utils.models.train import compile_network
from utils.pictures import SIDE
from utils.quiet import keras, tf, track

CLASSES = 7
AUGMENTATION = {"rotation": 12.0, "zoom": 0.12, "shift": 4.0, "flip": True}
SEED_AUGMENTATION = {"rotation_range": 12.0, "zoom_range": 0.12, "horizontal_flip": True}
SEED_LEARNING_RATE = 0.001


@dataclass(frozen=True)
class Amount:
    """How much is measured.

    Attributes:
        widths: of the strong network.
        batch_size: pictures a step.
        pictures: in each timed stretch.
        rounds: how often everything is timed, in turn.
        matrices: sides of the square matrices.
        calls: about one picture, in each round of answers; their median counts.
        asked: pictures in each call about many.
    """

    widths: Widths = STRONG_WIDTHS
    batch_size: int = 128
    pictures: int = 1024
    rounds: int = 5
    matrices: tuple[int, ...] = (1024, 2048, 4096)
    calls: int = 200
    asked: int = 256


QUICK = Amount(widths=((4,), (8,)), batch_size=16, pictures=32, rounds=2, matrices=(64, 128), calls=3, asked=8)


def measure_training(amount: Amount) -> dict:
    """`training`, `pipeline` and `products` of reports/bench.json.

    Everything is timed in turn within each round, and ratios are taken within rounds: what slows the machine for a
    while slows both sides of a ratio.
    """
    precision, timed = choose_precision("auto", partial(build_strong_cnn, CLASSES, amount.widths), amount.batch_size)
    split = make_noise(amount.pictures)
    model, augmentation = compile_as_trained(amount, precision, split)
    seed_model = build_seed_network(amount.widths)
    augment = tf.function(partial(augmentation, training=True))
    targets = soften_targets(split.targets, LABEL_SMOOTHING)

    def train_by_recipe():
        model.fit(make_batches(split, amount.batch_size, 0, targets), verbose=0, shuffle=False)

    def train_as_seed():
        seed_model.fit(generate_as_seed(split, amount.batch_size), verbose=0)

    def feed():
        for images, _targets in make_batches(split, amount.batch_size, seed=0):
            augment(images)

    def time_round() -> dict:
        rates = {"seed": _rate(train_as_seed, amount.pictures), "training": {}, "pipeline": {}}
        for side in SIDES:
            augmentation.side.assign(side)
            rates["training"][str(side)] = _rate(train_by_recipe, amount.pictures)
            rates["pipeline"][str(side)] = _rate(feed, amount.pictures)
        return rates | {"products": time_product(precision, amount.matrices)}

    with warnings.catch_warnings(action="ignore"):  # ImageDataGenerator warns about SciPy once a picture
        time_round()  # not counted: it compiles
        rounds = [time_round() for _ in track(range(amount.rounds), amount.rounds, "round", "Training")]
    operations = {str(side): 3 * 2 * count_multiply_adds(model.layers[-1], side) for side in SIDES}
    found = {"precision": precision, "precisions_timed": timed, "batch_size": amount.batch_size}
    return found | summarise(rounds, operations)


def summarise(rounds: list[dict], operations: dict[str, int]) -> dict:
    """Rates and ratios of all rounds: by side, and as `recipe` over an equal number of pictures of each side.

    Args:
        rounds: pictures a second of `seed`, by side of `training` and `pipeline`; and `products`, operations a second.
        operations: by side, floating-point operations of training on one picture.
    """
    seed, products = (pd.Series([each[name] for each in rounds]) for name in ("seed", "products"))
    training, pipeline = (pd.DataFrame([each[name] for each in rounds]) for name in ("training", "pipeline"))
    for rates in (training, pipeline):
        rates["recipe"] = len(operations) / (1 / rates).sum(axis=1)
    done = training * pd.Series(operations | {"recipe": np.mean(list(operations.values()))})
    return {
        "training": {
            "pictures_per_second": spreads(training.assign(seed=seed)),
            "times_seed": spreads(training.div(seed, axis=0)),
        },
        "pipeline": {"pictures_per_second": spreads(pipeline), "times_training": spreads(pipeline / training)},
        "products": {
            "best_gflops": spread(list(products / 1e9)),
            "share": spreads(done.div(products, axis=0)),
            "operations_per_picture": operations,
            "counted": "3 x forward multiply-adds of convolutions and the dense layer x 2",
        },
    }


def _rate(work: Callable, count: int) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def make_noise(count: int) -> Split:
    """Random pixels: what a picture shows does not change how long it takes."""
    images = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(count) % CLASSES]
    return Split(pd.DataFrame(index=range(count)), images, targets, np.arange(count) % 2)


def compile_as_trained(amount: Amount, precision: str, split: Split) -> tuple:
    """The strong network behind its augmentation, compiled by the recipe itself, and the augmentation.

    The recipe hands on neither: an epoch of it is run, and a callback in the place of its progress bar sees them.
    """
    recipe = Recipe("strong_cnn", amount.widths, (SIDE,), amount.batch_size, precision, AUGMENTATION)
    seen, names = keras.callbacks.Callback(), [str(number) for number in range(CLASSES)]
    with mock.patch.object(strong_training, "ShowProgress", lambda *_: seen), tempfile.TemporaryDirectory() as folder:
        strong_training.train_strong(recipe, split, split, names, 0, Store(Path(folder)))
    _picture, augmentation, _network = seen.model.layers
    return seen.model, augmentation


def build_seed_network(widths: Widths):
    """The strong network's layers without standardised weights, compiled as the seed project does."""
    return compile_network(build_plain_network(build_strong_cnn(CLASSES, widths)), SEED_LEARNING_RATE)


def generate_as_seed(split: Split, batch_size: int):
    """The seed project's augmentation: batches of float32 pictures, turned, zoomed and mirrored one by one."""
    generator = tf.keras.preprocessing.image.ImageDataGenerator(**SEED_AUGMENTATION)
    return generator.flow(split.images, split.targets, batch_size, seed=0)


def count_multiply_adds(network, side: int) -> int:
    """Of the forward pass on one picture: the weights of each kernel, times the places where it is applied.

    Args:
        network: from `build_strong_cnn`.
        side: of the picture, in pixels.
    """
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.MaxPooling2D):
            side //= 2
        elif isinstance(layer, ScaledConv2D):
            total += math.prod(layer.kernel.shape) * side**2
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def time_product(precision: str, sides: tuple[int, ...]) -> float:
    """Floating-point operations a second of the fastest product of two square matrices."""

    def time_one(side: int) -> float:
        matrix = tf.cast(tf.random.stateless_normal((side, side), (0, 1)), precision)
        # reading one number back waits for the whole product
        seconds = timeit.repeat(lambda: tf.matmul(matrix, matrix)[0, 0].numpy(), number=1, repeat=3)
        return 2 * side**3 / min(seconds)

    return max(time_one(side) for side in sides)
