"""The stronger network's recipe: what a notebook's parameters ask of it, and what its training does with them."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.files import read_json
from utils.models.networks import STRONG, STRONG_WIDTHS, Widths, make_network, read_widths
from utils.models.test_time_augmentation import WHOLE, View
from utils.paths import Run
from utils.pictures import SIDE
from utils.quiet import keras

SIDES = (SIDE // 2, SIDE * 3 // 4, SIDE)
"""Progressive resizing: pixels of a training picture's side in each third of the epochs. What is coarse is learnt
first, and cheaply."""

FINE_TUNING_SIDES = (SIDE * 2 // 3, SIDE * 5 // 6, SIDE)
"""The same for a network that is initialised from a trained one, which knows what is coarse."""

LEARNING_RATE = 0.002
"""The highest, for steps of 128 pictures; half of it for fine-tuning. See `scale_learning_rate`."""

ERASED, LONG = 0.5, 30
"""Random erasing: share of the training pictures that are partly covered in fine-tuning, and in a training from nothing
of so many epochs or more, which would learn its pictures by heart; a shorter one has enough to learn without."""

LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.05
WARM_UP, AVERAGED = 0.05, 0.02
"""Shares of the steps in which the learning rate rises, and over which the weights are averaged."""


@dataclass(frozen=True)
class Recipe:
    """How the stronger network is trained.

    Attributes:
        network: of `networks.make_network`.
        widths: filters of the strong network's convolutions, from `choose_widths`; () in another one.
        sides: pixels of a training picture's side in each epoch, from `choose_sides`.
        batch_size: pictures a step.
        precision: "auto" or a key of `precision.POLICIES`.
        augmentation: `rotation`, `zoom`, `shift`, `flip` of `augmentation.RandomAffine`.
        initial_model: from `choose_initial_model`, to be initialised from; None: from nothing.
        teachers: from `choose_teachers`, whose mean answer is half of each target; empty: the data are all.
        target: what the data give: "votes" or "labels".
    """

    network: str
    widths: Widths
    sides: tuple[int, ...]
    batch_size: int
    precision: str
    augmentation: dict
    initial_model: Path | None = None
    teachers: tuple[Path, ...] = ()
    target: str = "labels"

    def build(self, class_count: int):
        """The untrained network."""
        return make_network(self.network, class_count, self.widths)

    @property
    def epochs(self) -> int:
        """How often all training pictures are seen."""
        return len(self.sides)

    @property
    def learning_rate(self) -> float:
        """The highest, reached after the warm-up."""
        return scale_learning_rate(self.batch_size) / (1 if self.initial_model is None else 2)

    @property
    def erased(self) -> float:
        """Share of the training pictures that are partly covered."""
        return ERASED if self.initial_model or self.epochs >= LONG else 0.0

    @property
    def label_smoothing(self) -> float:
        """Share of each target that is spread over the classes; votes and teachers say themselves what is unsure."""
        return LABEL_SMOOTHING if self.target == "labels" and not self.teachers else 0.0

    def describe(self) -> dict:
        """What a model.json says of the training."""
        teachers = [folder.parent.name for folder in self.teachers]
        return {
            "network": self.network,
            "widths": [list(stage) for stage in self.widths],
            "epochs": self.epochs,
            "sides": list(self.sides),
            "batch_size": self.batch_size,
            "precision": self.precision,
            "augmentation": self.augmentation,
            "erased": self.erased,
            "initial_model": self.initial_model and self.initial_model.parent.name,
            "teachers": teachers,
            "targets": f"half {self.target}, half the teachers' answer" if teachers else self.target,
            "label_smoothing": self.label_smoothing,
            "optimizer": "AdamW",
            "learning_rate": self.learning_rate,
            "weight_decay": WEIGHT_DECAY,
            "warm_up": WARM_UP,
            "averaged": AVERAGED,
        }


def scale_learning_rate(batch_size: int) -> float:
    """LEARNING_RATE for steps of another size: with its root (Malladi et al. 2022 (NeurIPS), on adaptive methods)."""
    return LEARNING_RATE * math.sqrt(batch_size / 128)


def soften_targets(targets: np.ndarray, smoothing: float, teacher: np.ndarray | None = None) -> np.ndarray:
    """What the training pictures are to be answered with: float32 (n, classes), rows sum to 1.

    Half the target and half a trained network's answer where there is one, since many labels are wrong and a
    network that saw all pictures often knows which (Furlanello et al. 2018 (ICML), "Born-again neural networks");
    else the target, smoothed over the classes.

    `targets` and `teacher` are float32 (n, classes), rows sum to 1; `smoothing` is a share, 0 to 1.
    """
    if teacher is not None:
        return (targets + teacher) / 2
    return (1 - smoothing) * targets + np.float32(smoothing / targets.shape[1])


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


def choose_initial_model(run: str, own: str, network: str = STRONG) -> Path | None:
    """Folder of the strong network to be initialised from; None where no run is named.

    Args:
        run: whose EmotionDetector_2 it is, or shipped; or "".
        own: name of the run that asks, which must not replace what it begins with.
        network: that is to be initialised, of `networks.make_network`.

    Raises:
        FileNotFoundError: the run has none.
        ValueError: not another run's name, or one of the two networks is not the stronger one.
    """
    if run and network != STRONG:
        raise ValueError(
            f"INITIAL_MODEL: expected none for NETWORK={network}, found {run!r}: {STRONG} alone takes one."
        )
    return _find_network(run, "INITIAL_MODEL", own) if run else None


def choose_teachers(runs: list[str], own: str, class_names: list[str]) -> tuple[Path, ...]:
    """Folders of the networks to learn from, one for each run.

    Args:
        runs: whose EmotionDetector_2 they are.
        own: name of the run that asks.
        class_names: that they must tell apart, in their order.

    Raises:
        FileNotFoundError: a run has none.
        ValueError: not another run's name, or a network tells other classes apart or is not the stronger one.
    """
    folders = tuple(_find_network(run, "TEACHERS", own) for run in runs)
    for folder in folders:
        known = read_json(folder / "model.json")["class_names"]
        if known != class_names:
            raise ValueError(f"TEACHERS: expected a network that tells {', '.join(class_names)} apart, found {known}.")
    return folders


def _find_network(run: str, parameter: str, own: str) -> Path:
    if run == own:
        raise ValueError(f"{parameter}: {run!r} is this run, which replaces its network. Give the new one another RUN.")
    folder = Run(run).models / "EmotionDetector_2"
    if not (folder / "model.keras").exists():
        raise FileNotFoundError(f"{parameter}: no trained network in {folder}. Run the pipeline that makes it first.")
    if not isinstance(read_json(folder / "model.json")["training"].get("views"), list):
        raise ValueError(
            f"{parameter}: expected a run that trained the stronger network, found one with another NETWORK, or of an"
            f" older version, in {folder}. Run its pipeline again, with NETWORK={STRONG}."
        )
    return folder


def choose_widths(widths: list[list[int]], initial_model: Path | None = None, network: str = STRONG) -> Widths:
    """Filters of the strong network's convolutions: the initial model's, else those asked for, else the usual ones.

    Args:
        widths: a list for each stage between two poolings, see `networks.build_strong_cnn`; may be empty.
        initial_model: from `choose_initial_model`.
        network: of `networks.make_network`; any other than the strong one has its own, ().

    Raises:
        ValueError: others than the initial model's.
    """
    if network != STRONG:
        return ()
    asked = tuple(map(tuple, widths))
    if initial_model is None:
        return asked or STRONG_WIDTHS
    known = read_widths(keras.models.load_model(initial_model / "model.keras"))
    if asked and asked != known:
        found = [list(stage) for stage in known]
        raise ValueError(f"STRONG_WIDTHS: expected INITIAL_MODEL's filters, {found}, or none; found {widths!r}.")
    return known


def choose_views(pairs: list[list[int]], network: str = STRONG) -> tuple[View, ...]:
    """A view for each pair of side and crop, every second one mirrored; one view where it is not the strong network."""
    if network != STRONG:
        return WHOLE
    return tuple(View(side, crop, mirrored=bool(position % 2)) for position, (side, crop) in enumerate(pairs))


def choose_sides(
    sides: list[int], epochs: int, initial_model: Path | None = None, network: str = STRONG
) -> tuple[int, ...]:
    """The side of the training pictures in each epoch, in pixels: each of `sides` for a share, the last at the end.

    Args:
        sides: empty takes SIDES, or FINE_TUNING_SIDES where there is an initial model.
        epochs: of the training, 1 or more.
        initial_model: from `choose_initial_model`.
        network: of `networks.make_network`; any other than the strong one sees whole pictures.
    """
    usual = SIDES if initial_model is None else FINE_TUNING_SIDES
    taken = (tuple(sides) or usual) if network == STRONG else (SIDE,)
    return tuple(taken[len(taken) - 1 - (epochs - 1 - epoch) * len(taken) // epochs] for epoch in range(epochs))
