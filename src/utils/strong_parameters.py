"""What a notebook's parameters ask of the strong network, checked before any training."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from utils.files import read_json
from utils.networks import STRONG_WIDTHS, read_widths
from utils.paths import Run
from utils.pictures import SIDE
from utils.tensorflow_quietly import keras
from utils.views import View


def choose_start(run: str, own: str, class_names: list[str], batch_norm: bool = False) -> Path | None:
    """Folder of the strong network to go on from; None where no run is named.

    Args:
        own: name of the run that asks: what it goes on from must not be replaced by it.
        class_names: that it must tell apart, in their order.
        batch_norm: whether the network that goes on has batch normalisation; it must where the start has.

    Raises:
        FileNotFoundError: the run has none.
        ValueError: not another run's name, or its network tells other classes apart, is not the stronger one, or has
            batch normalisation.
    """
    if not run:
        return None
    folder = _find_network(run, "START", own, class_names)
    _require_alike("START", folder, batch_norm)
    return folder


def choose_teachers(runs: list[str], own: str, class_names: list[str]) -> tuple[Path, ...]:
    """Folders of the networks to learn from, one for each run.

    Args:
        own: name of the run that asks.
        class_names: that they must tell apart, in their order.

    Raises:
        FileNotFoundError: a run has none.
        ValueError: not a list of other runs' names, or a network tells other classes apart or is not the stronger one.
    """
    return _find_networks(runs, "TEACHERS", own, class_names)


def _find_networks(runs: list[str], parameter: str, own: str, class_names: list[str]) -> tuple[Path, ...]:
    if not isinstance(runs, list) or not all(isinstance(run, str) and run for run in runs):
        raise ValueError(f'{parameter}: expected names of runs, as ["mine", "shipped"], found {runs!r}.')
    return tuple(_find_network(run, parameter, own, class_names) for run in runs)


def _find_network(run: str, parameter: str, own: str, class_names: list[str]) -> Path:
    if run == own:
        raise ValueError(f"{parameter}: {run!r} is this run, which replaces its network. Give the new one another RUN.")
    folder = Run(run).models / "EmotionDetector_2"
    if not (folder / "model.keras").exists():
        raise FileNotFoundError(f"{parameter}: no trained network in {folder}. Run the pipeline that makes it first.")
    card = read_json(folder / "model.json")
    known = card["class_names"]
    if known != class_names:
        raise ValueError(f"{parameter}: expected a network that tells {', '.join(class_names)} apart, found {known}.")
    if not isinstance(card["training"].get("views"), list):
        raise ValueError(
            f"{parameter}: expected a run that trained the stronger network, found one with STRONG off, or of an older"
            f" version, in {folder}. Run its pipeline again, with STRONG=true."
        )
    return folder


def _require_alike(parameter: str, folder: Path, batch_norm: bool) -> None:
    """Standardised filters cannot hold what a network with batch normalisation learnt: their weights have mean 0."""
    if read_json(folder / "model.json")["training"].get("batch_norm") and not batch_norm:
        raise ValueError(f"{parameter}: the network in {folder} needs STRONG_BATCH_NORM=true, as it was trained with.")


def choose_averaged(
    runs: list[str], own: str, class_names: list[str], widths: tuple[tuple[int, ...], ...], batch_norm: bool = False
) -> tuple[Path, ...]:
    """Folders of the networks whose weights are averaged with the strong network's, one for each run.

    Args:
        own: name of the run that asks.
        class_names: that they must tell apart, in their order.
        widths: that they must have, from `choose_widths`.
        batch_norm: as for `choose_start`.

    Raises:
        FileNotFoundError: a run has none.
        ValueError: not a list of other runs' names, or a network tells other classes apart, has other filters, or has
            batch normalisation.
    """
    folders = _find_networks(runs, "AVERAGE_WITH", own, class_names)
    for folder in folders:
        _require_alike("AVERAGE_WITH", folder, batch_norm)
        found = read_widths(keras.models.load_model(folder / "model.keras"))
        if found != widths:
            raise ValueError(f"AVERAGE_WITH: expected networks with filters {widths}, found {found} in {folder}.")
    return folders


def find_teachers(start: Path | None, teachers: tuple[Path, ...]) -> tuple[Path, ...]:
    """Folders of the networks whose answers are learnt: the teachers, else the start, if there is one."""
    return teachers or ((start,) if start else ())


def choose_epochs(epochs: int, start: Path | None = None, teachers: tuple[Path, ...] = ()) -> int:
    """How many are run; 0 takes the start as it is.

    Raises:
        ValueError: not a whole number, 0 or more; or none, but no start or something to learn from.
    """
    if not isinstance(epochs, int) or epochs < 0:
        raise ValueError(f"STRONG_EPOCHS: expected a whole number, 0 or more, found {epochs!r}.")
    if epochs == 0 and start is None:
        raise ValueError("STRONG_EPOCHS: without a START expected 1 or more, found 0.")
    if epochs == 0 and teachers:
        raise ValueError("STRONG_EPOCHS: to learn from TEACHERS expected 1 or more, found 0.")
    return epochs


def describe_plan(
    epochs: int, start: Path | None, teachers: tuple[Path, ...], averaged: tuple[Path, ...], data: str
) -> str:
    """Where the strong network begins, what it learns from for how long, and what that may do to its validation.

    Args:
        averaged: from `choose_averaged`.
        data: fingerprint of the run's data, from its manifest.
    """
    begins = f"as that of `{start.parent.name}`" if start else "from nothing"
    plan = f"The stronger network begins {begins}, and "
    if epochs == 0:
        plan += "stays so."
    else:
        names = _name(find_teachers(start, teachers))
        learns = f"half from the labels, half from the answers of {names}" if names else "from the labels"
        learns += f", and {'its' if len(teachers) == 1 else 'their'} features" if teachers and start is None else ""
        plan += f"learns for {epochs} epoch{'s' * (epochs > 1)}, {learns}."
    if averaged:
        plan += f" At the end its weights are averaged with those of {_name(averaged)}."
    known = dict.fromkeys(((start,) if start else ()) + teachers + averaged)
    others = [folder for folder in known if _find_data(folder) != {data}]
    if others:
        plan += (
            f" {_name(others)} learnt from other data than this run's, or from another cut of it, or from a network"
            " that did: if pictures that validate here were in it, the validation figures flatter."
        )
    return plan


def _find_data(folder: Path) -> set[str]:
    """Fingerprints of the data that a network and those it came from learnt from, as far as they are known."""
    card = read_json(folder / "model.json")
    ancestors = card["training"].get("ancestors", {}).values()
    return {card["data"]} | {ancestor["data"] for ancestor in ancestors if "data" in ancestor}


def _name(folders: Iterable[Path]) -> str:
    return " and ".join(f"`{folder.parent.name}`" for folder in folders)


def choose_widths(widths: list[list[int]], start: Path | None = None) -> tuple[tuple[int, ...], ...]:
    """Filters of the strong network's convolutions: those asked for, else those of the start, else the usual ones.

    Args:
        widths: a list for each stage between two poolings, see `build_strong_cnn`; may be empty.
        start: from `choose_start`.

    Raises:
        ValueError: not a list of lists of whole numbers, 1 or more; or other layers than the start's, or narrower ones.
    """
    known = None if start is None else read_widths(keras.models.load_model(start / "model.keras"))
    if not widths:
        return known or STRONG_WIDTHS
    stages = widths if isinstance(widths, list) else [widths]
    if not all(isinstance(stage, list) and stage for stage in stages) or not all(
        isinstance(filters, int) and filters >= 1 for stage in stages for filters in stage
    ):
        raise ValueError(f"STRONG_WIDTHS: expected lists of whole numbers, as [[16, 24], [48, 48]], found {widths!r}.")
    if len(stages) > len(STRONG_WIDTHS):
        # a picture of 16 pixels is halved to one by then
        raise ValueError(f"STRONG_WIDTHS: expected at most {len(STRONG_WIDTHS)} lists, found {len(stages)}.")
    if known and not (
        [len(stage) for stage in stages] == [len(stage) for stage in known]
        and all(asked >= found for asked, found in zip(chain(*stages), chain(*known), strict=True))
    ):
        raise ValueError(
            f"STRONG_WIDTHS: expected START's filters, {[list(stage) for stage in known]}, or more of each,"
            f" found {widths!r}."
        )
    return tuple(map(tuple, stages))


def choose_views(pairs: list[list[int]]) -> tuple[View, ...]:
    """A view for each pair of side and crop, every second one mirrored.

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
    """`sides` of `train_strong`; may be empty.

    Raises:
        ValueError: not a list of whole numbers from 16 on, the least that the network takes.
    """
    if not isinstance(sides, list) or not all(isinstance(side, int) and side >= 16 for side in sides):
        raise ValueError(f"STRONG_SIDES: expected whole numbers of pixels from 16 on, as [32, 40], found {sides!r}.")
    return tuple(sides)
