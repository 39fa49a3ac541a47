"""What the notebooks' parameters may be: one check for the pipeline and for each notebook, however it is started."""

import ast
import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from utils.files import read_cells
from utils.labels import EMOTIONS
from utils.paths import NOTEBOOKS
from utils.pictures import SIDE

LARGEST_SEED = 2**32 - 1
"""What NumPy and TensorFlow take."""

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
"""In which a network may be trained; auto takes the fastest."""

FACE_MODES = ("auto", "detect", "crop")
"""How a picture's faces are found; see `inference.faces.take_crops`."""


def _are_seeds(values: list) -> bool:
    return bool(values) and all(type(value) is int and 0 <= value <= LARGEST_SEED for value in values)


def _are_emotions(values: list) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values) and set(values) < set(EMOTIONS)


def _is_picture(value: str) -> bool:
    from utils.pictures import open_picture

    with suppress(OSError, ValueError):
        open_picture(Path(value).expanduser().read_bytes())
        return True
    return not value


SMALLEST_SIDE = 16
"""Pixels: the strong network halves a picture up to four times."""


def _are_widths(stages: list) -> bool:
    return len(stages) <= 5 and all(
        isinstance(stage, list) and stage and all(type(filters) is int and filters >= 1 for filters in stage)
        for stage in stages
    )


def _are_sides(values: list) -> bool:
    return all(type(value) is int and value >= SMALLEST_SIDE for value in values)


def _are_views(pairs: list) -> bool:
    pixels = range(SMALLEST_SIDE, SIDE + 1, 2)  # an odd crop would not be in the middle
    return bool(pairs) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(number) is int and number in pixels for number in pair)
        for pair in pairs
    )


def _one_of(*values: str) -> tuple[Callable, str]:
    return lambda value: value in values, f"{', '.join(values[:-1])} or {values[-1]}"


_COUNT = (lambda value: value >= 0, "a whole number, 0 or more")

_SOME = (lambda value: value >= 1, "a whole number, 1 or more")

_SHARE = (lambda value: 0 < value < 1, "a number above 0 and below 1")

LIMITS: dict[str, tuple[Callable, str]] = {
    "VOTES": _one_of("auto", "required", "off"),
    "STRESS_CLASSES": (_are_emotions, f"a list of some of {', '.join(EMOTIONS)}"),
    "PICTURES": _COUNT,
    "VALIDATION_FRACTION": _SHARE,
    "TEST_FRACTION": _SHARE,
    "SEED": (lambda value: 0 <= value <= LARGEST_SEED, f"a whole number from 0 to {LARGEST_SEED}"),
    "EPOCHS": _SOME,
    "BATCH_SIZE": _SOME,
    "LEARNING_RATE": (lambda value: value > 0, "a number above 0"),
    "PATIENCE": _COUNT,
    "SEEDS": (_are_seeds, f"a list of whole numbers from 0 to {LARGEST_SEED}, as [0, 1]"),
    "TARGET_ACCURACY": (lambda value: 0.5 <= value < 1, "a number from 0.5 to below 1"),
    "ROTATION": (lambda value: 0 <= value <= 180, "degrees from 0 to 180"),
    "ZOOM": (lambda value: 0 <= value < 1, "a number from 0 to below 1"),
    "SHIFT": (lambda value: value >= 0, "pixels, 0 or more"),
    "STRONG_WIDTHS": (_are_widths, "at most 5 lists of whole numbers, as [[16, 24], [48, 48]]"),
    "STRONG_SIDES": (_are_sides, f"whole numbers of pixels from {SMALLEST_SIDE} on, as [32, 40]"),
    "STRONG_VIEWS": (
        _are_views,
        f"pairs of even numbers of pixels from {SMALLEST_SIDE} to {SIDE}, as [[32, 48], [32, 40]]",
    ),
    "STRONG_EPOCHS": _SOME,
    "STRONG_BATCH_SIZE": _SOME,
    "TEACHERS": (
        lambda values: all(isinstance(value, str) and value for value in values),
        'a list of names of runs, as ["mine", "shipped"]',
    ),
    "PRECISION": _one_of(*PRECISIONS),
    "PICTURE": (_is_picture, "the path of a picture that can be read"),
    "FACE": _one_of(*FACE_MODES),
    "CHANGED_PICTURES": _COUNT,
    "LABEL_ERRORS": _COUNT,
}
"""By name, what tells whether a finite value of the right type will do, and what is expected in words."""

_WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list, as [0, 1]",
}


class ParameterError(ValueError):
    """A parameter that will not do. In a notebook its message is all that is shown, without the way to it."""

    def _render_traceback_(self) -> list[str]:
        """IPython asks for it."""
        return [str(self)]


def check(notebook: str, namespace: dict) -> None:
    """Check a notebook's parameters where they stand, and give what came in another form the type of its default.

    Papermill hands `-p FLIP false` over as text, which would count as true, and `-p RUN 2024` as a number.

    Args:
        notebook: its file's name, without the ending.
        namespace: its `globals()`.

    Raises:
        ParameterError: see `read_value`.
    """
    declared = read_declared(NOTEBOOKS / f"{notebook}.ipynb")
    namespace |= {name: read_value(name, namespace[name], default) for name, default in declared.items()}


def read_value(name: str, value, default):
    """A parameter's value, in the type of its default.

    Raises:
        ParameterError: of another type, not finite, or out of LIMITS.
    """
    wanted = type(default)
    fits, expected = LIMITS.get(name, (lambda _: True, _WORDS[wanted]))
    read = _convert(value, wanted)
    if type(read) is not wanted or (wanted is float and not math.isfinite(read)) or not fits(read):
        raise ParameterError(f"Parameter {name}: expected {expected}, found {value!r}.")
    return read


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


def _convert(value, wanted: type):
    """What a value means where that type is wanted; itself where it means nothing."""
    if wanted is str and type(value) in (int, float):
        return str(value)
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is float and isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    if wanted in (bool, int, list) and isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value.lower() if wanted is bool else value)
    return value
