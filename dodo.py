"""The pipeline: its stages in order, their parameters, inputs and outputs. `doit` runs what is stale.

python -m doit DATASET=fer2013 SOURCE=~/fer2013.zip [PROFILE=smoke] [RUN=name] [PARAMS="EPOCHS=3 FLIP=false"]
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from doit import get_var
from doit.exceptions import TaskFailed
from doit.reporter import ConsoleReporter
from doit.tools import config_changed, result_dep
from filelock import FileLock, Timeout

import utils
from utils.paths import NOTEBOOKS, ROOT, Run
from utils.profiles import choose_profile, parse_overrides, read_declared, read_profile, resolve_parameters
from utils.report_facts import STAGES
from utils.sources import KAGGLE, fetch_source, fingerprint_source
from utils.staleness import fingerprint_code

DATASET = get_var("DATASET") or "sample"
PROFILE = get_var("PROFILE") or ""


def _configure():
    """(run, parameters by stage, what tells whether the source changed, lock), or one line about what is wrong."""
    try:
        run = Run(get_var("RUN") or (f"{DATASET}-{PROFILE}" if PROFILE else DATASET))
        source = get_var("SOURCE") or ""
        run.require_own()
        if DATASET != "sample" and not source:
            sys.exit(f"DATASET={DATASET} needs SOURCE=path each time: a folder, a zip or a CSV of labelled faces.")
        if DATASET == "sample" and source:
            sys.exit(f"SOURCE={source} needs DATASET=name, of your choice: the run 'sample' is the embedded sample's.")
        changes = fingerprint_source(source)
        if not source.startswith(KAGGLE):
            source = str(fetch_source(source))
        values = read_profile(choose_profile(DATASET, PROFILE)) | parse_overrides(get_var("PARAMS") or "")
        declared = {stage: read_declared(NOTEBOOKS / f"{stage}.ipynb") for stage in STAGES}
        parameters = resolve_parameters(declared, values, {"RUN": run.name, "SOURCE": source})
        run.reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.reports / ".lock")
        lock.acquire(timeout=0)
        return run, parameters, changes, lock
    except Timeout:
        sys.exit(f"The run {run.name} is being made at this moment: wait for it, or give another RUN=name.")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


# the lock is held until the process ends: two pipelines on one run would write the same files
RUN, PARAMETERS, SOURCE_PRINT, LOCK = _configure()

NEEDS = {"03_augmented_retraining": "02_baseline_cnn", "04_single_image_inference": "03_augmented_retraining"}
OUTPUTS = {
    "01_preprocessing": [RUN.data / name for name in ("manifest.json", "index.csv", "images.npy", "test_images.npy")],
    "02_baseline_cnn": [
        *(RUN.models / "EmotionDetector_1" / name for name in ("model.keras", "model.tflite", "model.json")),
        RUN.predictions("EmotionDetector_1"),
    ],
    "03_augmented_retraining": [
        *(RUN.models / "EmotionDetector_2" / name for name in ("model.keras", "model.tflite", "model.json")),
        RUN.predictions("EmotionDetector_2"),
    ],
    "04_single_image_inference": [],
}


def _run(stage):
    from utils.html_export import format_duration
    from utils.report_index import write_index
    from utils.reporting import StageFailed, run_stage

    try:
        seconds = run_stage(RUN, stage, NOTEBOOKS / f"{stage}.ipynb", PARAMETERS[stage])
    except StageFailed as failure:
        write_index(RUN)
        return TaskFailed(str(failure))
    except KeyboardInterrupt:
        return TaskFailed(f"{stage} was stopped. The same command goes on where it was.")
    print(f"{stage}: {format_duration(seconds)}, report in {_shown(RUN.reports / f'{stage}.html')}")
    # 03 depends on what 02 trained last in the pipeline, not on what somebody trains in Jupyter meanwhile.
    return {"ended": datetime.now(UTC).isoformat()}


def _write_index():
    from utils.report_index import write_index

    print(f"All reports: {_shown(write_index(RUN))}")


def _shown(path):
    return path.relative_to(ROOT)


def _reports(stage):
    pages = [RUN.reports / f"{stage}.{ending}" for ending in ("ipynb", "html")]
    return [*pages, RUN.metrics(stage), RUN.reports / "stages" / f"{stage}.json"]


def _other_networks():
    """Those that notebook 3 starts from, learns from or averages with; of one that is not there, it says so itself."""
    asked = PARAMETERS["03_augmented_retraining"]
    names = {str(name) for name in (asked["START"], *asked["TEACHERS"], *asked["AVERAGE_WITH"])} - {"", RUN.name}
    paths = [ROOT / "models" / name / "EmotionDetector_2" / "model.keras" for name in sorted(names)]
    return [path for path in paths if path.exists()]


def task_stage():
    """Each numbered notebook."""
    for stage, title in STAGES.items():
        code = fingerprint_code(NOTEBOOKS / f"{stage}.ipynb", Path(utils.__file__).parent)
        first = stage == "01_preprocessing"
        uptodate = [config_changed({"code": code, "parameters": PARAMETERS[stage], "source": SOURCE_PRINT * first})]
        if stage in NEEDS:
            uptodate.append(result_dep(f"stage:{NEEDS[stage]}"))
        needed = [] if first else [RUN.data / "manifest.json"]
        if stage == "03_augmented_retraining":
            needed += _other_networks()
        if PARAMETERS[stage].get("PICTURE"):
            needed.append(Path(PARAMETERS[stage]["PICTURE"]).expanduser())
        yield {
            "name": stage,
            "doc": title,
            "actions": [(_run, [stage])],
            "file_dep": needed,
            "targets": [*OUTPUTS[stage], *_reports(stage)],
            "uptodate": uptodate,
            "verbosity": 2,
        }


def task_index():
    """The run's first page."""
    return {
        "actions": [_write_index],
        "file_dep": [RUN.reports / "stages" / f"{stage}.json" for stage in STAGES],
        "targets": [RUN.reports / "index.html"],
        "verbosity": 2,
    }


class StageReporter(ConsoleReporter):
    """Says what runs, what failed, or that there was nothing to do."""

    desc = "the pipeline's own"
    ran = False

    def execute_task(self, task):
        self.ran = self.ran or bool(task.actions)  # a group of tasks has none

    def skip_uptodate(self, task):
        if task.name.startswith("stage:"):
            self.write(f"{task.name.removeprefix('stage:')}: up to date\n")

    def add_failure(self, task, fail):
        self.ran = True
        super().add_failure(task, fail)

    def _write_failure(self, result, write_exception=True):
        self.write(f"{result['exception'].get_msg()}\n")

    def complete_run(self):
        if self.runtime_errors:
            super().complete_run()
        elif not self.ran:
            self.write(f"Nothing to do: the run {RUN.name} is up to date. {_shown(RUN.reports / 'index.html')}\n")


DOIT_CONFIG = {
    "dep_file": str(RUN.reports / ".state.json"),
    "backend": "durable",
    "reporter": StageReporter,
    "default_tasks": ["stage", "index"],
}
