"""The pipeline for doit, which runs what is stale: a task for each stage of `utils.paths`, and the first page.

python -m doit DATASET=fer2013 SOURCE=~/fer2013.zip [PROFILE=smoke] [RUN=name] [PARAMS="EPOCHS=3 FLIP=false"]
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from doit.exceptions import TaskFailed
from doit.tools import config_changed, result_dep

from pipeline.doit_parts import StageReporter
from pipeline.request import read_request
from utils.code import fingerprint_code
from utils.paths import CHECKOUT, ROOT, RUN_STAGES, SEALED, STAGES

if Path(__file__).resolve().parent != CHECKOUT:
    sys.exit(
        f"The installed code is that of {CHECKOUT}, not of {Path(__file__).resolve().parent}: run `make setup` here."
    )
# the words that doit takes for variables
REQUEST = read_request(dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word and not word.startswith("-")))
RUN = REQUEST.run


def _run(stage):
    from pipeline.run import StageFailed, run_stage
    from reporting.html import format_duration

    try:
        seconds = run_stage(RUN, stage.name, stage.notebook, REQUEST.parameters[stage.name])
    except StageFailed as failure:
        trouble = _write_index()
        return TaskFailed("\n".join(filter(None, [str(failure), trouble and trouble.get_msg()])))
    except OSError as error:
        return TaskFailed(f"{stage.name} failed: {error}. The next run goes on from here.")
    except KeyboardInterrupt:
        return TaskFailed(f"{stage.name} was stopped. The same command goes on where it was.")
    print(f"{stage.name}: {format_duration(seconds)}, report in {_shown(RUN.reports / f'{stage.name}.html')}")
    # 03 depends on what 02 trained last in the pipeline, not on what somebody trains in Jupyter meanwhile.
    return {"ended": datetime.now(UTC).isoformat()}


def _take_data():
    from pipeline.run import take_data

    try:
        take_data(REQUEST.data, RUN)
    except OSError as error:
        return TaskFailed(
            f"The data of {REQUEST.data.name} could not be taken: {error}. The next run goes on from here."
        )
    print(f"{STAGES[0].name}: taken from {REQUEST.data.name}")
    return None


def _write_index():
    from reporting.first_page import write_index

    try:
        page = write_index(RUN)
    except (OSError, ValueError) as error:
        return TaskFailed(f"The first page could not be written: {error}")
    print(f"All reports: {_shown(page)}")
    return None


def _shown(path):
    return path.relative_to(ROOT)


def task_stage():
    """Each numbered notebook."""
    for stage in RUN_STAGES:
        depends = {"code": fingerprint_code(stage.notebook), "parameters": REQUEST.parameters[stage.name]}
        depends["source"] = REQUEST.source_print if stage is STAGES[0] else ""
        action, inputs = (_run, [stage]), stage.list_inputs(RUN, REQUEST.parameters[stage.name])
        if SEALED:
            depends["sealed"] = True
        if stage is STAGES[0] and REQUEST.data:
            action, inputs = (_take_data, []), [REQUEST.data.data / "manifest.json"]
        yield {
            "name": stage.name,
            "actions": [action],
            "file_dep": inputs,
            "targets": stage.list_outputs(RUN),
            "uptodate": [
                config_changed(depends),
                not REQUEST.parameters[stage.name].get("FRESH"),
                *([result_dep(f"stage:{stage.needs}")] if stage.needs else []),
            ],
            "verbosity": 2,
        }


def task_index():
    """The run's first page."""
    return {
        "actions": [_write_index],
        "file_dep": [RUN.reports / "stages" / f"{stage.name}.json" for stage in RUN_STAGES],
        "targets": [RUN.reports / "index.html"],
        "verbosity": 2,
    }


StageReporter.nothing_to_do = f"Nothing to do: the run {RUN.name} is up to date. {_shown(RUN.reports / 'index.html')}"
DOIT_CONFIG = {
    "dep_file": str(RUN.reports / ".state.json"),
    "backend": "durable",
    "reporter": StageReporter,
    "default_tasks": ["stage", "index"],
}
