"""Parameters of the notebooks: declared in their parameters cells, given by profiles and the command line."""

import ast
import math
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import yaml

from utils.files import read_cells
from utils.paths import PROFILES

SAMPLE_RUN = "sample"
"""Name of the embedded sample's run: the notebooks' defaults are its parameters, and it needs no source."""

GIVEN_BY_PIPELINE = ("RUN", "SOURCE")
"""What the pipeline itself fills in; no profile may."""


def read_declared(notebook: Path) -> dict:
    """Names and defaults in the parameters cell of a notebook, in their order.

    Raises:
        ValueError: not one parameters cell, or a line in it that is not `NAME = literal`.
    """
    cells = [cell for cell in read_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{notebook.name}: expected one cell tagged 'parameters', found {len(cells)}.")
    declared = {}
    for statement in ast.parse(cells[0]["source"]).body:
        try:
            (target,) = statement.targets
            declared[target.id] = ast.literal_eval(statement.value)
        except (AttributeError, ValueError):
            line = ast.unparse(statement)
            raise ValueError(
                f"{notebook.name}: expected NAME = literal in its parameters cell, found {line!r}."
            ) from None
    return declared


def read_profile(name: str) -> dict:
    """The flat mapping in profiles/<name>.yml.

    Raises:
        ValueError: there is no such profile, or it is not flat.
    """
    path = PROFILES / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(profile.stem for profile in PROFILES.glob("*.yml")))
        raise ValueError(f"No profile {name!r}: expected one of {known}.")
    profile = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(profile, dict) or any(isinstance(value, dict) for value in profile.values()):
        raise ValueError(f"{path}: expected a flat file of NAME: value lines.")
    return profile


def choose_profile(dataset: str, profile: str) -> str:
    """The profile asked for, else the data set's own, else `default`; "" for the embedded sample, which needs none."""
    if profile or dataset == SAMPLE_RUN:
        return profile
    return dataset if (PROFILES / f"{dataset}.yml").exists() else "default"


def parse_overrides(text: str) -> dict:
    """Read `EPOCHS=3 FLIP=false PICTURE='my face.png'`: {"EPOCHS": 3, "FLIP": False, "PICTURE": "my face.png"}.

    Words are split as a shell does, values are read as YAML.

    Raises:
        ValueError: a word without `=`, a quote that is not closed, or a value that is no YAML.
    """
    overrides = {}
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError(f"PARAMS: a quote that is not closed in {text!r}.") from None
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"PARAMS: expected NAME=value, found {word!r}.")
        try:
            overrides[name] = yaml.safe_load(value) if value else ""
        except yaml.YAMLError:
            raise ValueError(f"PARAMS: expected a number, true, false or a word for {name}, found {value!r}.") from None
    return overrides


def resolve_parameters(declared: dict[str, dict], values: dict, given: dict) -> dict[str, dict]:
    """What each notebook is run with: its defaults, overlaid by the values of the names it declares.

    Args:
        declared: by stage, names and defaults.
        values: from a profile and the command line.
        given: from the pipeline itself, GIVEN_BY_PIPELINE.

    Raises:
        ValueError: a name that no notebook declares, or a value of another type than its default or out of its limits.
    """
    known = {name: default for defaults in declared.values() for name, default in defaults.items()}
    values = {name: _read_number(value, known.get(name)) for name, value in values.items()}
    for name, value in values.items():
        if name not in known or name in GIVEN_BY_PIPELINE:
            settable = ", ".join(sorted(set(known) - set(GIVEN_BY_PIPELINE)))
            raise ValueError(f"Unknown parameter {name}: expected one of {settable}.")
        if not _fits(value, known[name]):
            kind = type(known[name]).__name__
            raise ValueError(f"Parameter {name}: expected {kind} like {known[name]!r}, found {value!r}.")
    require_within(values)
    values = values | given
    return {
        stage: {name: values.get(name, default) for name, default in defaults.items()}
        for stage, defaults in declared.items()
    }


def _read_number(value, default):
    """1e-3 is a text to YAML 1.1: the number, where one is wanted."""
    if isinstance(default, float) and isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


def _fits(value, default) -> bool:
    """Whether a value has its default's type; a whole number also fits where the default is a float."""
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)


def _are_classes(value: str) -> bool:
    from utils.data.classes import read_classes

    with suppress(ValueError):
        read_classes(value)
        return True
    return False


def _is_face_mode(value: str) -> bool:
    from utils.inference.faces import FACE_MODES

    return value in FACE_MODES


def _are_seeds(values: list) -> bool:
    return bool(values) and all(type(value) is int and value >= 0 for value in values)


def _is_share(value: float) -> bool:
    return 0 < value < 1


_COUNT = (lambda value: value >= 0, "a whole number, 0 or more")

_SOME = (lambda value: value >= 1, "a whole number, 1 or more")

_SHARE = (_is_share, "a number above 0 and below 1")

LIMITS: dict[str, tuple[Callable, str]] = {
    "CLASSES": (_are_classes, "words as 0=neutral angry_faces=angry, or the name of a data set"),
    "PICTURES": _COUNT,
    "VALIDATION_FRACTION": _SHARE,
    "TEST_FRACTION": _SHARE,
    "SEED": _COUNT,
    "EPOCHS": _SOME,
    "BATCH_SIZE": _SOME,
    "LEARNING_RATE": (lambda value: 0 < value < math.inf, "a number above 0"),
    "PATIENCE": _COUNT,
    "SEEDS": (_are_seeds, "a list of whole numbers, 0 or more, as [0, 1]"),
    "TARGET_ACCURACY": (lambda value: 0.5 <= value <= 1, "a number from 0.5 to 1"),
    "ROTATION": (lambda value: 0 <= value <= 180, "degrees from 0 to 180"),
    "ZOOM": (lambda value: 0 <= value < 1, "a number from 0 to below 1"),
    "SHIFT": (lambda value: 0 <= value < math.inf, "pixels, 0 or more"),
    "STRONG_EPOCHS": _SOME,
    "STRONG_BATCH_SIZE": _SOME,
    "PICTURE": (lambda value: not value or Path(value).expanduser().is_file(), "the path of a picture"),
    "FACE": (_is_face_mode, "auto, detect or crop"),
    "CHANGED_PICTURES": _COUNT,
    "DOUBTFUL": _COUNT,
}
"""By name, what tells whether a value of the right type will do, and what is expected in words."""


def require_within(values: dict) -> None:
    """Raises ValueError where one of the parameters is out of its limits."""
    for name, value in values.items():
        fits, expected = LIMITS.get(name, (None, ""))
        if fits and not fits(value):
            raise ValueError(f"Parameter {name}: expected {expected}, found {value!r}.")
