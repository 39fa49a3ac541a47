"""How long training from scratch takes to a validation accuracy: by the recipe, and in the seed project's way."""

import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

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


def measure_race(run: Run, amount: Amount, precision: str, plan: Plan, minutes: float) -> dict:
    """`race` of reports/bench.json.

    Args:
        run: with processed pictures of several classes.
        precision, plan: of the recipe.
        minutes: after which either is stopped; the seed's way has no other end before the target.
    """
    train, validation = load_split(run, "train"), load_split(run, "validation")
    classes = len(read_manifest(run)["class_names"])
    ways = {"ours": partial(train_by_recipe, precision=precision, plan=plan), "seed": train_as_seed}
    found = {}
    for name, way in ways.items():
        set_seed(0)
        line = FinishLine(TARGET, 60 * minutes, name)
        way(train, validation, classes, amount, line)
        found[name] = line.describe()
    seconds = [found[name]["seconds"] for name in ("seed", "ours")]
    times_seed = seconds[0] / seconds[1] if None not in seconds else None
    return (
        {"run": run.name, "classes": classes, "target": TARGET, "minutes": minutes}
        | asdict(plan)
        | found
        | {"times_seed": times_seed}
    )


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
    train: Split, validation: Split, classes: int, amount: Amount, line: FinishLine, precision: str, plan: Plan
) -> None:
    with compute_in(precision):
        network = build_strong_cnn(classes, amount.widths)
    how = plan.epochs, plan.batch_size, scale_learning_rate(plan.batch_size)
    with reporting_to(line), tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        train_strong_network(
            network, RandomAffine(**CHANGES), train, validation, *how, seed=0, checkpoint=state, sides=plan.sides
        )


def train_as_seed(train: Split, validation: Split, classes: int, amount: Amount, line) -> None:
    with without_warnings():
        build_seed_network(classes, amount.widths).fit(
            generate_as_seed(train, amount.batch_size),
            validation_data=make_batches(validation, 256),
            epochs=10_000,
            verbose=0,
            callbacks=[line],
        )
