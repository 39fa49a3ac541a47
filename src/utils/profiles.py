"""Parameters of the notebooks: declared in their parameters cells, given by profiles and the command line."""

import ast
import shlex
from contextlib import suppress
from pathlib import Path

import nbformat
import yaml

from utils.limits import require_within
from utils.paths import PROFILES

GIVEN_BY_PIPELINE = ("RUN", "SOURCE")
"""What the pipeline itself fills in; no profile may."""


def read_declared(notebook: Path) -> dict:
    """Names and defaults in the parameters cell of a notebook, in their order.

    Raises:
        ValueError: not one parameters cell, or a line in it that is not `NAME = literal`.
    """
    cells = [
        cell for cell in nbformat.read(notebook, as_version=4).cells if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise ValueError(f"{notebook.name}: expected one cell tagged 'parameters', found {len(cells)}.")
    declared = {}
    for statement in ast.parse(cells[0].source).body:
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
    """The profile asked for, else the data set's own, else `default`."""
    if profile:
        return profile
    return dataset if (PROFILES / f"{dataset}.yml").exists() else "default"


def parse_overrides(text: str) -> dict:
    """ "EPOCHS=3 FLIP=false PICTURE='my face.png'" -> {"EPOCHS": 3, "FLIP": False, "PICTURE": "my face.png"}.

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
