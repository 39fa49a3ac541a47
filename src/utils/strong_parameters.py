"""What a notebook's parameters ask of the strong network, checked before a training."""

from pathlib import Path

from utils.files import read_json
from utils.networks import STRONG_WIDTHS, read_widths
from utils.paths import Run
from utils.pictures import SIDE
from utils.tensorflow_quietly import keras
from utils.views import View


def choose_widths(widths: list[list[int]], start: Path | None = None) -> tuple[tuple[int, ...], ...]:
    """Filters of the strong network's convolutions: those asked for, else those of the start, else the usual ones.

    Args:
        widths: a list for each stage between two poolings, see `build_strong_cnn`; may be empty.
        start: folder of a saved strong network.

    Raises:
        FileNotFoundError: nothing is asked for, and there is no saved network at `start`.
        ValueError: not a list of lists of whole numbers, 1 or more.
    """
    if not widths:
        return STRONG_WIDTHS if start is None else read_widths(load_trained(start, "START"))
    stages = widths if isinstance(widths, list) else [widths]
    if not all(isinstance(stage, list) and stage for stage in stages) or not all(
        isinstance(filters, int) and filters >= 1 for stage in stages for filters in stage
    ):
        raise ValueError(f"STRONG_WIDTHS: expected lists of whole numbers, as [[16, 24], [48, 48]], found {widths!r}.")
    return tuple(map(tuple, stages))


def choose_views(pairs: list[list[int]]) -> tuple[View, ...]:
    """A view for each pair of side and crop, every second one mirrored; checked before a training.

    Raises:
        ValueError: not a list of pairs of even numbers from 16, the least that the strong network takes, to SIDE.
    """
    pixels = range(16, SIDE + 1, 2)  # an odd crop would not be in the middle
    shaped = isinstance(pairs, list) and pairs and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    if not shaped or not all(isinstance(number, int) and number in pixels for pair in pairs for number in pair):
        raise ValueError(
            f"STRONG_VIEWS: expected pairs of even numbers of pixels from {pixels[0]} to {pixels[-1]}, as"
            f" [[32, 48], [32, 40]], found {pairs!r}."
        )
    return tuple(View(side, crop, mirrored=bool(position % 2)) for position, (side, crop) in enumerate(pairs))


def choose_sides(sides: list[int]) -> tuple[int, ...]:
    """`sides` of `train_strong`, checked before the training; may be empty.

    Raises:
        ValueError: not a list of whole numbers from 16 on, the least that the network takes.
    """
    if not isinstance(sides, list) or not all(isinstance(side, int) and side >= 16 for side in sides):
        raise ValueError(f"STRONG_SIDES: expected whole numbers of pixels from 16 on, as [32, 40], found {sides!r}.")
    return tuple(sides)


def choose_teachers(runs: list[str]) -> tuple[Path, ...]:
    """Folders of the `teachers` of `train_strong`, one for each run.

    Raises:
        ValueError: not a list of runs' names.
    """
    if not isinstance(runs, list) or not all(isinstance(run, str) and run for run in runs):
        raise ValueError(f'TEACHERS: expected names of runs, as ["mine", "shipped"], found {runs!r}.')
    return tuple(Run(run).models / "EmotionDetector_2" for run in runs)


def load_trained(folder: Path, parameter: str, class_names: list[str] | None = None):
    """The network that was saved in a folder.

    Args:
        parameter: that named it, for the messages.
        class_names: that it must tell apart, in their order; None: any.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it tells other classes apart.
    """
    if not (folder / "model.keras").exists():
        raise FileNotFoundError(f"{parameter}: no trained network in {folder}. Run the pipeline that makes it first.")
    known = read_json(folder / "model.json")["class_names"]
    if class_names and known != class_names:
        raise ValueError(f"{parameter}: expected a network that tells {', '.join(class_names)} apart, found {known}.")
    return keras.models.load_model(folder / "model.keras")
