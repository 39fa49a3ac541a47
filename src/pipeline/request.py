"""What a command asks of the pipeline: a run, its source, each notebook's parameters; one line where that is wrong."""

import sys
from dataclasses import dataclass

from filelock import FileLock, Timeout

from pipeline.profiles import (
    SAMPLE_RUN,
    choose_profile,
    parse_overrides,
    read_declared,
    read_profile,
    resolve_parameters,
)
from pipeline.stages import STAGES
from utils.data.sources import KAGGLE, fetch_source, fingerprint_source
from utils.paths import Run


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


def read_request(dataset: str = "", profile: str = "", source: str = "", run: str = "", params: str = "") -> Request:
    """Check what was asked for, and take the run's lock; exits with one line about what is wrong.

    Args:
        dataset: a name of the user's choice; "" is the embedded sample.
        profile: a name in profiles/, or "" for the data set's own.
        source: as of `sources.fetch_source`.
        run: its name; "" for that of data set and profile.
        params: NAME=value words that overlay the profile.
    """
    dataset = dataset or SAMPLE_RUN
    try:
        made = Run(run or (f"{dataset}-{profile}" if profile else dataset))
        made.require_own()
        if dataset != SAMPLE_RUN and not source:
            raise ValueError(
                f"DATASET={dataset} needs SOURCE=path each time: a folder, a zip or a CSV of labelled faces."
            )
        if dataset == SAMPLE_RUN and source:
            raise ValueError(
                f"SOURCE={source} needs DATASET=name, of your choice: the run 'sample' is the embedded sample's."
            )
        source_print = fingerprint_source(source)
        if not source.startswith(KAGGLE):
            source = str(fetch_source(source))
        chosen = choose_profile(dataset, profile)
        values = (read_profile(chosen) if chosen else {}) | parse_overrides(params)
        declared = {stage.name: read_declared(stage.notebook) for stage in STAGES}
        parameters = resolve_parameters(declared, values, {"RUN": made.name, "SOURCE": source})
        made.reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(made.reports / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        sys.exit(f"The run {made.name} is being made at this moment: wait for it, or give another RUN=name.")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    return Request(made, parameters, source_print, lock)
