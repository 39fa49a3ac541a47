"""What a command asks of the pipeline: a run, its source, each notebook's parameters; one line where that is wrong."""

import sys
from dataclasses import dataclass
from difflib import get_close_matches

from filelock import FileLock, Timeout

from pipeline.profiles import (
    SAMPLE_RUN,
    choose_profile,
    parse_overrides,
    read_profile,
    resolve_parameters,
)
from utils.data.sources import KAGGLE, fetch_source, fingerprint_source
from utils.parameters import read_declared
from utils.paths import STAGES, Run

VARIABLES = ("DATASET", "PROFILE", "SOURCE", "RUN", "PARAMS", "CLASSES")
"""What a command may give: a name of the user's choice ("" is the embedded sample), a name in profiles/, as of
`sources.fetch_source`, the run's own name, NAME=value words that overlay the profile, as of `classes.read_classes`."""


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        run: what is made.
        parameters: by stage, for its notebook's parameters cell.
        source_print: tells whether the source changed.
        lock: held until the process ends: two pipelines on one run would write the same files.
    """

    run: Run
    parameters: dict[str, dict]
    source_print: str
    lock: FileLock


def read_request(variables: dict[str, str]) -> Request:
    """Check what was asked for, and take the run's lock; exits with one line about what is wrong.

    Args:
        variables: by name, of VARIABLES; what is missing or "" counts as not given.
    """
    try:
        declared = {stage.name: read_declared(stage.notebook) for stage in STAGES}
        _require_known(variables, {name for names in declared.values() for name in names})
        dataset, profile, source, run, params, classes = (variables.get(name, "") for name in VARIABLES)
        made = _choose_run(dataset or SAMPLE_RUN, profile, source, run)
        source_print = fingerprint_source(source)
        if not source.startswith(KAGGLE):
            source = str(fetch_source(source))
        chosen = choose_profile(dataset or SAMPLE_RUN, profile)
        values = (read_profile(chosen) if chosen else {}) | parse_overrides(params)
        if classes:
            values["CLASSES"] = classes
        parameters = resolve_parameters(declared, values, {"RUN": made.name, "SOURCE": source})
        made.reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(made.reports / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        sys.exit(f"The run {made.name} is being made at this moment: wait for it, or give another RUN=name.")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    return Request(made, parameters, source_print, lock)


def _require_known(variables: dict[str, str], parameters: set[str]) -> None:
    """Raise ValueError where a name is none of VARIABLES: it would be left out without a word."""
    for name, value in variables.items():
        if name in VARIABLES:
            continue
        meant = ""
        if name.upper() in parameters - {"RUN", "SOURCE"}:
            meant = f' Did you mean PARAMS="{name.upper()}={value}"?'
        elif close := get_close_matches(name.upper(), VARIABLES, n=1):
            meant = f" Did you mean {close[0]}={value}?"
        raise ValueError(f"Unknown variable {name}: expected {', '.join(VARIABLES)}.{meant}")


def _choose_run(dataset: str, profile: str, source: str, run: str) -> Run:
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
