"""Parameters of the notebooks: declared in their cells, given by profiles, sweeps and the command line."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import yaml

from utils.data.classes import read_classes
from utils.parameters import read_value
from utils.paths import PROFILES, SWEEPS, is_run_name

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


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        name: of its own within the sweep, "rotation-seeds-0".
        setting: the same without the seed: what is repeated from several, "rotation".
        varied: by name, what differs among the points but for the seeds; `point` is the one of the file.
        values: of the notebooks' parameters.
    """

    name: str
    setting: str
    varied: dict
    values: dict


@dataclass(frozen=True)
class Sweep:
    """What sweeps/<name>.yml asks for: its profile, "" for none, and its points, those of a setting together."""

    name: str
    profile: str
    points: tuple[Point, ...]


def read_sweep(name: str) -> Sweep:
    """The points of sweeps/<name>.yml: each of its `points`, with each combination of the values of its `parameters`.

    Raises:
        ValueError: there is no such file, or something in it is not as docs/many_runs.md says.
    """
    path = SWEEPS / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(sweep.stem for sweep in SWEEPS.glob("*.yml"))) or "none, for there is no file"
        raise ValueError(f"No sweep {name!r} in {SWEEPS}: expected SWEEP=name, one of {known}.")
    if not is_run_name(name):
        raise ValueError(f"Sweep name {name!r}: expected letters, digits, '_' and '-'.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not content or set(content) - {"profile", "points", "parameters"}:
        raise ValueError(f"{path}: expected `profile`, `points` and `parameters`, found {_list_keys(content)}.")
    profile, points, grid = content.get("profile"), content.get("points") or {}, content.get("parameters") or {}
    if not isinstance(grid, dict) or not all(isinstance(values, list) and values for values in grid.values()):
        raise ValueError(f"{path}: expected `parameters` as NAME: [value, value] lines, a list of values each.")
    if not isinstance(points, dict) or not all(isinstance(values, dict) for values in points.values()):
        raise ValueError(f"{path}: expected `points` as name: {{NAME: value, ...}} lines.")
    if unfit := [name for name in points if not isinstance(name, str) or not make_name([name])]:
        raise ValueError(
            f"{path}: point {unfit[0]!r}: expected a name of letters and digits, in quotes if YAML reads another."
        )
    if both := set(grid) & {name for values in points.values() for name in values}:
        raise ValueError(f"{path}: {', '.join(sorted(both))} stands among the points and among the parameters, too.")
    made = tuple(_list_points(points, grid))
    if twice := [name for name, count in Counter(point.name for point in made).items() if count > 1]:
        raise ValueError(f"{path}: several points would be called {twice[0]}: name them, under `points`.")
    return Sweep(name, str(profile or ""), made)


def _list_keys(content) -> str:
    return ", ".join(map(str, content)) if isinstance(content, dict) and content else repr(content)


def _list_points(points: dict, grid: dict) -> Iterator[Point]:
    """Seeds vary fastest: points that run at the same time then seldom wait for a training that both need."""
    names = sorted(grid, key=lambda name: name == "SEEDS")
    for point, values in (points or {"": {}}).items():
        for combination in product(*(grid[name] for name in names)):
            chosen = dict(zip(names, combination, strict=True))
            varied = {name: value for name, value in chosen.items() if len(grid[name]) > 1}
            seeds = {"SEEDS": varied.pop("SEEDS")} if "SEEDS" in varied else {}
            told = {"point": point} | varied if point else varied
            setting = make_name([*([point] if point else []), *(f"{name}-{value}" for name, value in varied.items())])
            name = make_name([setting, *(f"{name}-{value}" for name, value in seeds.items())])
            yield Point(name or "only", setting or "as given", told, values | chosen)


def make_name(parts: list[str]) -> str:
    """Words of what may stand in a run's name: ["SHIFT-2.5"] -> "shift-2-5"."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


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


def write_values(values: dict) -> str:
    """What `parse_overrides` reads: {"SEEDS": [0, 1], "FLIP": True} -> "SEEDS=[0,1] FLIP=true"."""
    texts = (
        f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}"
        for name, value in values.items()
    )
    return " ".join(text if re.fullmatch(r"[\w=.,:+/[\]-]+", text) else shlex.quote(text) for text in texts)


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
