"""What a command asks of the pipeline: a run, its source, each notebook's parameters; one line where that is wrong."""

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from difflib import get_close_matches

from filelock import FileLock, Timeout

from pipeline.profiles import (
    SAMPLE_RUN,
    Point,
    choose_profile,
    make_name,
    parse_overrides,
    read_profile,
    read_sweep,
    resolve_parameters,
    write_values,
)
from utils.data.sources import KAGGLE, fetch_source, fingerprint_source
from utils.files import read_json
from utils.parameters import read_declared
from utils.paths import STAGES, Run

VARIABLES = ("DATASET", "PROFILE", "SOURCE", "RUN", "PARAMS", "CLASSES", "DATA")
"""What a command may give: a name of the user's choice ("" is the embedded sample), a name in profiles/, as of
`sources.fetch_source`, the run's own name, NAME=value words that overlay the profile, as of `classes.read_classes`, and
a run whose data it takes over, as those of a sweep do."""


SWEEP_VARIABLES = ("SWEEP", "DATASET", "PROFILE", "SOURCE", "PARAMS", "CLASSES")
"""What a command may give: the name of a file in sweeps/, and as of VARIABLES."""


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        run: what is made.
        parameters: by stage, for its notebook's parameters cell.
        source_print: tells whether the source changed.
        data: the run whose data are taken over, None where its own notebook 1 is run.
        lock: held until the process ends: two pipelines on one run would write the same files.
    """

    run: Run
    parameters: dict[str, dict]
    source_print: str
    data: Run | None
    lock: FileLock


def read_request(variables: dict[str, str]) -> Request:
    """Check what was asked for, and take the run's lock; exits with one line about what is wrong.

    Args:
        variables: by name, of VARIABLES; what is missing or "" counts as not given.
    """
    try:
        declared = {stage.name: read_declared(stage.notebook) for stage in STAGES}
        require_known(variables, VARIABLES, {name for names in declared.values() for name in names})
        dataset, profile, source, run, params, classes, data = (variables.get(name, "") for name in VARIABLES)
        made = choose_run(dataset or SAMPLE_RUN, profile, source, run)
        source_print = fingerprint_source(source)
        if not source.startswith(KAGGLE):
            source = str(fetch_source(source))
        chosen = choose_profile(dataset or SAMPLE_RUN, profile)
        values = (read_profile(chosen) if chosen else {}) | parse_overrides(params)
        if classes:
            values["CLASSES"] = classes
        parameters = resolve_parameters(declared, values, {"RUN": made.name, "SOURCE": source})
        shared = _find_shared(data, parameters[STAGES[0].name]) if data else None
        made.reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(made.reports / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        sys.exit(f"The run {made.name} is being made at this moment: wait for it, or give another RUN=name.")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    return Request(made, parameters, source_print, shared, lock)


def _find_shared(name: str, parameters: dict) -> Run:
    """A run that has data. Raises ValueError where it has none, or its notebook 1 was run with other parameters."""
    shared = Run(name)
    manifest = shared.reports / "stages" / f"{STAGES[0].name}.json"
    if not manifest.exists():
        raise ValueError(f"DATA={name}: expected a run whose notebook 1 has ended.")
    made = read_json(manifest)["parameters"]
    if {**made, "RUN": ""} != {**parameters, "RUN": ""}:
        raise ValueError(f"DATA={name}: its notebook 1 was run with other parameters, {made}, than {parameters}.")
    return shared


def require_known(variables: dict[str, str], expected: tuple[str, ...], parameters: set[str]) -> None:
    """Raise ValueError where a name is none of those expected: it would be left out without a word."""
    for name, value in variables.items():
        if name in expected:
            continue
        meant = ""
        if name.upper() in parameters - {"RUN", "SOURCE"}:
            meant = f' Did you mean PARAMS="{name.upper()}={value}"?'
        elif close := get_close_matches(name.upper(), expected, n=1):
            meant = f" Did you mean {close[0]}={value}?"
        raise ValueError(f"Unknown variable {name}: expected {', '.join(expected)}.{meant}")


def choose_run(dataset: str, profile: str, source: str, run: str) -> Run:
    """The run that is asked for. Raises ValueError where it is a committed one, or the sample's with other data."""
    made = Run(run or (f"{dataset}-{profile}" if profile else dataset))
    made.require_own()
    if dataset != SAMPLE_RUN and not source:
        raise ValueError(f"DATASET={dataset} needs SOURCE=path each time: a folder, a zip or a CSV of labelled faces.")
    if dataset == SAMPLE_RUN and source:
        raise ValueError(f"SOURCE={source} needs DATASET=name, of your choice: 'sample' is the embedded sample.")
    if dataset != SAMPLE_RUN and made.name == SAMPLE_RUN:
        raise ValueError(f"RUN={SAMPLE_RUN} is the embedded sample's run: give the one of {dataset} another name.")
    return made


@dataclass(frozen=True)
class Job:
    """One run of the pipeline, for a worker.

    Attributes:
        run: its name.
        words: of `python -m doit`.
        point: of the sweep, None for the run that makes data for several.
    """

    run: str
    words: tuple[str, ...]
    point: Point | None = None


@dataclass(frozen=True)
class Plan:
    """What a command asks for.

    Attributes:
        title: the name of the sweep's report, "sweep-augmentation-mine".
        best: the name for the run of the best setting.
        words: of the pipeline, for each run, before those of its own.
        jobs: by name of the run whose data they take, those of its points; its own comes first, without a point.
    """

    title: str
    best: str
    words: tuple[str, ...]
    jobs: dict[str, list[Job]]

    @property
    def points(self) -> list[Job]:
        """The jobs but for those that make data."""
        return [job for jobs in self.jobs.values() for job in jobs[1:]]


def plan_sweep(variables: dict[str, str]) -> Plan:
    """Check a command and what its sweep's file says, before anything runs.

    Raises:
        ValueError: something in it is wrong.
        OSError: a source cannot be read.
    """
    declared = {stage.name: read_declared(stage.notebook) for stage in STAGES}
    require_known(variables, SWEEP_VARIABLES, {name for names in declared.values() for name in names})
    name, dataset, profile, source, params, classes = (variables.get(name, "") for name in SWEEP_VARIABLES)
    sweep, dataset = read_sweep(name), dataset or SAMPLE_RUN
    given = parse_overrides(params)
    fixed = given | ({"CLASSES": classes} if classes else {})
    told = make_name([f"{key}-{value}" for key, value in sorted(fixed.items())])
    known = "-".join(filter(None, [name, dataset if dataset != SAMPLE_RUN else "", profile, told]))
    title, profile = f"sweep-{known}", profile or sweep.profile
    choose_run(dataset, profile, source, title)
    if source and not source.startswith(KAGGLE):
        source = str(fetch_source(source).absolute())
    chosen = choose_profile(dataset, profile)
    base = (read_profile(chosen) if chosen else {}) | ({"CLASSES": classes} if classes else {})
    words = (f"DATASET={dataset}", f"SOURCE={source}", f"PROFILE={profile}", f"CLASSES={classes}")
    varied = {name for name in fixed if len({str(point.values.get(name)) for point in sweep.points}) > 1}
    if varied:
        raise ValueError(f"The command gives {', '.join(sorted(varied))}, which the sweep varies.")
    jobs: dict[str, list[Job]] = {}
    for point in sweep.points:
        point = replace(point, values=point.values | given)
        run = Run(f"{title}-{point.name}")
        parameters = resolve_parameters(declared, base | point.values, {"RUN": run.name, "SOURCE": source})
        if len(seeds := parameters[STAGES[1].name]["SEEDS"]) > 1:
            raise ValueError(f"SEEDS {seeds}: expected one for each run of a sweep, as SEEDS: [[0], [1]] in its file.")
        of_data = {name: value for name, value in parameters[STAGES[0].name].items() if name != "RUN"}
        shared = f"{title}-data-{hashlib.sha256(json.dumps(of_data).encode()).hexdigest()[:6]}"
        asked = f"PARAMS={write_values(point.values)}"
        jobs.setdefault(shared, [Job(shared, (*words, f"RUN={shared}", asked, f"stage:{STAGES[0].name}"))])
        jobs[shared].append(Job(run.name, (*words, f"RUN={run.name}", asked, f"DATA={shared}"), point))
    return Plan(title, f"best-{known}", words, jobs)
