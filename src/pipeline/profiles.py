"""Parameters of the notebooks: declared in their parameters cells, given by profiles and the command line."""

import shlex

import yaml

from utils.data.classes import read_classes
from utils.parameters import read_value
from utils.paths import PROFILES

SAMPLE_RUN = "sample"
"""Name of the embedded sample's run: the notebooks' defaults are its parameters, and it needs no source."""

GIVEN_BY_PIPELINE = ("RUN", "SOURCE")
"""What the pipeline itself fills in; no profile may."""


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
    for name in values:
        if name not in known or name in GIVEN_BY_PIPELINE:
            settable = ", ".join(sorted(set(known) - set(GIVEN_BY_PIPELINE)))
            raise ValueError(f"Unknown parameter {name}: expected one of {settable}.")
    values = {name: read_value(name, value, known[name]) for name, value in values.items()}
    if values.get("CLASSES"):
        read_classes(values["CLASSES"])
    values = values | given
    return {
        stage: {name: values.get(name, default) for name, default in defaults.items()}
        for stage, defaults in declared.items()
    }
