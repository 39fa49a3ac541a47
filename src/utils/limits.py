"""Which values a parameter may have: looked at before anything runs, not when hours of training are done."""

import math
from collections.abc import Callable
from pathlib import Path


def _is_face_mode(value: str) -> bool:
    from utils.crops import FACE_MODES

    return value in FACE_MODES


def _are_seeds(values: list) -> bool:
    return bool(values) and all(type(value) is int and value >= 0 for value in values)


def _is_share(value: float) -> bool:
    return 0 < value < 1


_COUNT = (lambda value: value >= 0, "a whole number, 0 or more")
_SOME = (lambda value: value >= 1, "a whole number, 1 or more")
_SHARE = (_is_share, "a number above 0 and below 1")

LIMITS: dict[str, tuple[Callable, str]] = {
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
