"""What a run found, frozen into reports/published/, with a line a model in the ledger of test evaluations."""

import hashlib
from pathlib import Path

from reporting.facts import RunFacts, StageFacts, read_facts
from utils.data.sealed_test import describe_evaluation, record_published
from utils.evaluation.registry import BY_KEY, METRICS, as_figure, list_metrics
from utils.evaluation.scoring import SAMPLE_PICTURES, rescore
from utils.files import read_json, write_json
from utils.paths import PUBLISHED, ROOT, SAMPLE, Run

SHIPPED = ROOT / "models" / "shipped"

MODEL_FILES = ("model.keras", "model.tflite")


LEDGER_FIGURES = (
    "stress.accuracy",
    "stress.auroc",
    "stress.log_loss",
    "classes.accuracy",
    "people.share.brier",
    "people.neutral.called_stress",
)
"""Of the registry: what the ledger tells of an evaluation."""


def publish(run: Run) -> Path:
    """Copy a finished run's figures into reports/published/<run>.json, and its evaluations into the ledger there.

    Raises:
        FileNotFoundError: the run has no tested model, or its file is gone.
        ValueError: a stage has not come to its end, or had other data than the one before.
    """
    facts = read_facts(run)
    folder = run.models / facts.model_name
    missing = [name for name in MODEL_FILES if not (folder / name).exists()]
    if not facts.models or missing:
        raise FileNotFoundError(f"Run {run.name!r}: expected a tested model with {', '.join(MODEL_FILES)} in {folder}.")
    unfinished = [stage.name for stage in facts.stages.values() if stage.state != "done"]
    if unfinished or len({stage.made["data"] for stage in facts.stages.values()}) > 1:
        what = f"{', '.join(unfinished)} did not end well" if unfinished else "its stages had different data"
        raise ValueError(f"Run {run.name!r}: {what}. Run the pipeline to its end first.")
    content = {
        "run": run.name,
        "data": facts.fingerprint,
        "commit": facts.commits[-1] if facts.commits else "",
        "machine": facts.machine,
        "model": {"name": facts.model_name, "sha256": {name: hash_file(folder / name) for name in MODEL_FILES}},
        "on_sample": rescore(folder, SAMPLE, SAMPLE_PICTURES) if SAMPLE.exists() else None,
        "stages": {
            name: {"made": _without_paths(stage.made), "metrics": stage.metrics} for name, stage in facts.stages.items()
        },
    }
    path = PUBLISHED / f"{run.name}.json"
    write_json(path, content)
    for name, model in facts.models.items():
        evaluation = describe_evaluation(run, f"{facts.find_maker(name).name}: evaluate {name}", run.models / name)
        record_published(evaluation | {"commit": content["commit"], "figures": list_ledger_figures(model)})
    return path


def list_ledger_figures(model: dict) -> dict[str, float]:
    """Those of LEDGER_FIGURES that a model has, by key; `model` is as in reports/SCHEMA.md."""
    figures = {key: as_figure(BY_KEY[key].find(model)) for key in LEDGER_FIGURES}
    return {key: round(figure["value"], 4) for key, figure in figures.items() if figure}


def _without_paths(made: dict) -> dict:
    """A stage's manifest that tells nothing of somebody's folders."""
    parameters = made.get("parameters", {})
    paths = {name: Path(parameters[name]) for name in ("SOURCE", "PICTURE") if parameters.get(name)}
    kept = {
        name: path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        for name, path in paths.items()
    }
    return made | {"parameters": parameters | kept} if kept else made


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_published(path: Path) -> RunFacts:
    """A published run as the cards and tables take it."""
    content = read_json(path)
    stages = {
        name: StageFacts(name, name, "", "", stage["made"], stage["metrics"])
        for name, stage in content["stages"].items()
    }
    return RunFacts(Run(content["run"]), stages)


def find_shipped(path: Path) -> Path | None:
    """The folder in models/shipped/ that holds a published file's model, byte for byte, or None."""
    digests = read_json(path)["model"]["sha256"]
    for folder in sorted(SHIPPED.glob("*/")):
        present = [name for name in digests if (folder / name).exists()]
        if present and all(hash_file(folder / name) == digests[name] for name in present):
            return folder
    return None


def render_schema() -> dict[str, str]:
    """The figures of the registry as Markdown tables for reports/SCHEMA.md: by section."""
    sections = {
        block: [
            (metric.figure, "[ece](#ece)" if metric.figure == "ece" else "figure", metric.means)
            for metric in METRICS
            if metric.block == block and metric.means
        ]
        for block in ("stress", "classes")
    }
    sections["class"] = [(metric.key, "figure", metric.means) for metric in list_metrics("class")]
    sections["mapping"] = [(metric.figure, "figure", metric.means) for metric in list_metrics("mapping")]
    sections["comparison"] = [
        (metric.key, "[difference](#difference)", f"second minus first: {metric.direction}")
        for metric in list_metrics("comparison")
    ]
    head = "| key | type | what |\n|---|---|---|\n"
    return {
        section: head + "\n".join(f"| `{key}` | {kind} | {what} |" for key, kind, what in rows)
        for section, rows in sections.items()
    }
