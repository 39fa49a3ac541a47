"""How long training from scratch takes to a validation accuracy: by the recipe, and in the seed project's way."""

import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from facts import spread
from training import (
    CHANGES,
    Amount,
    build_seed_network,
    generate_as_seed,
    reporting_to,
    without_warnings,
)

from utils.augmentation import RandomAffine
from utils.dataset import Split, load_split, make_batches, read_manifest
from utils.networks import build_strong_cnn
from utils.paths import Run
from utils.precision import compute_in
from utils.progress import make_bar
from utils.strong_recipe import scale_learning_rate
from utils.strong_training import train_strong_network
from utils.tensorflow_quietly import keras
from utils.training import set_seed

TARGET = 0.6


@dataclass(frozen=True)
class Plan:
    """What the recipe's training is to be.

    Attributes:
        epochs: all that it would take; the target may be reached before.
        sides: of the pictures, in pixels, in turn.
        batch_size: pictures a step.
    """

    epochs: int = 17
    sides: tuple[int, ...] = (24, 32, 40)
    batch_size: int = 128


def measure_race(run: Run, amount: Amount, precision: str, plan: Plan, minutes: float, races: int) -> dict:
    """`race` of reports/bench.json.

    Args:
        run: with processed pictures of several classes.
        precision, plan: of the recipe.
        minutes: after which either is stopped; the seed's way has no other end before the target.
        races: each from weights of its own, both ways in turn.
    """
    train, validation = load_split(run, "train"), load_split(run, "validation")
    classes = len(read_manifest(run)["class_names"])
    ways = {"ours": partial(train_by_recipe, precision=precision, plan=plan), "seed": train_as_seed}
    found = {name: [] for name in ways}
    for race in range(races):
        for name, way in ways.items():
            set_seed(race)
            line = FinishLine(TARGET, 60 * minutes, f"{name}, race {race + 1} of {races}")
            way(train, validation, classes, amount, line, race)
            found[name].append(line.describe())
    return (
        {"run": run.name, "classes": classes, "target": TARGET, "minutes": minutes}
        | asdict(plan)
        | found
        | {"times_seed": compare_times(found["ours"], found["seed"])}
    )


def compare_times(ours: list[dict], seed: list[dict]) -> dict | None:
    """The spread of the seed's time over ours, race by race; None unless both were there each time.

    Args:
        ours, seed: of every race, what `FinishLine.describe` says.
    """
    seconds = [(theirs["seconds"], own["seconds"]) for theirs, own in zip(seed, ours, strict=True)]
    if any(None in pair for pair in seconds):
        return None
    return spread([theirs / own for theirs, own in seconds])


class FinishLine(keras.callbacks.Callback):
    """Stops training where a validation accuracy is reached, or when the time is up. The clock starts at once."""

    def __init__(self, target: float, limit: float, name: str):
        super().__init__()
        self.target, self.limit = target, limit
        self.epochs, self.best, self.reached = 0, 0.0, None
        self.bar = make_bar(round(limit), "s", f"To {target:.0%}, {name}")
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        passed = time.perf_counter() - self.started
        self.bar.update(int(passed) - self.bar.n)
        if passed > self.limit:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        passed = time.perf_counter() - self.started
        self.epochs, self.best = epoch + 1, max(self.best, logs["val_accuracy"])
        self.bar.set_postfix_str(f"best validation accuracy {self.best:.3f}")
        if self.best >= self.target and passed <= self.limit:
            self.reached = passed
            self.model.stop_training = True

    def describe(self) -> dict:
        """Seconds to the target, or None; how long it ran, over how many epochs, and the best accuracy seen."""
        self.bar.close()
        ran = time.perf_counter() - self.started
        return {"seconds": self.reached, "ran": ran, "epochs": self.epochs, "best": self.best}


def train_by_recipe(
    train: Split,
    validation: Split,
    classes: int,
    amount: Amount,
    line: FinishLine,
    seed: int,
    precision: str,
    plan: Plan,
) -> None:
    with compute_in(precision):
        network = build_strong_cnn(classes, amount.widths)
    how = plan.epochs, plan.batch_size, scale_learning_rate(plan.batch_size)
    with reporting_to(line), tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        train_strong_network(
            network, RandomAffine(**CHANGES), train, validation, *how, seed, checkpoint=state, sides=plan.sides
        )


def train_as_seed(train: Split, validation: Split, classes: int, amount: Amount, line: FinishLine, seed: int) -> None:
    with without_warnings():
        build_seed_network(classes, amount.widths).fit(
            generate_as_seed(train, amount.batch_size, seed),
            validation_data=make_batches(validation, 256),
            epochs=10_000,
            verbose=0,
            callbacks=[line],
        )
