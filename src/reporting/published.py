"""The figures that the README quotes: frozen from runs into reports/published/, and written into both READMEs.

What the figures are goes into reports/SCHEMA.md at the same time.

python -m reporting.published [RUN ...] [--check]
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from reporting.facts import RunFacts, StageFacts, read_facts
from utils.data.sealed_test import describe_evaluation, record_published
from utils.evaluation.registry import BY_KEY, METRICS, as_figure, list_metrics
from utils.evaluation.scoring import SAMPLE_PICTURES, rescore
from utils.files import fill, read_json, write_json, write_text
from utils.paths import PUBLISHED, ROOT, SAMPLE, Run

SHIPPED = ROOT / "models" / "shipped"

READMES = ("README.md", "README.fr.md")

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
        figures = {key: as_figure(BY_KEY[key].find(model)) for key in LEDGER_FIGURES}
        told = {key: round(figure["value"], 4) for key, figure in figures.items() if figure}
        record_published(evaluation | {"commit": content["commit"], "figures": told})
    return path


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


def render_results() -> str:
    """The results of all published runs as a Markdown table, and what its columns mean."""
    paths = sorted(PUBLISHED.glob("*.json"))
    if not paths:
        return "No figures are published yet."
    rows = [(path, read_published(path), name) for path in paths for name in read_published(path).models]
    metrics = [
        metric
        for metric in list_metrics("readme")
        if any(metric.find(facts.models[name]) is not None for _, facts, name in rows)
    ]
    lines = [
        f"| run and model | test pictures | {' | '.join(metric.name for metric in metrics)} |",
        "|---|---:|" + "---:|" * len(metrics),
    ]
    for path, facts, name in rows:
        model = facts.models[name]
        note = " (shipped)" if name == facts.model_name and find_shipped(path) else ""
        cells = [f"{model['stress']['count']:,}", *(metric.show(model) for metric in metrics)]
        lines.append(f"| [{facts.run.name}](reports/published/{path.name}): {name}{note} | {' | '.join(cells)} |")
    lines += ["", *_NOTE, *_say_from_what(paths)]
    seed = next((facts.seed_project for _, facts, _ in rows if facts.seed_project), None)
    if seed:
        metrics = [BY_KEY[f"stress.{name}"] for name in seed]
        told = " and ".join(f"{metric.name} {metric.show({'stress': seed})}" for metric in metrics)
        lines.append(f"The student project that this one goes back to reported {told}, on other pictures.")
    return "\n".join(lines)


_NOTE = (
    "In brackets, 95 % intervals. Each row's file names model, data, code and machine;",
    "[reports/SCHEMA.md](reports/SCHEMA.md#stress) says what each figure is.",
)


def _say_from_what(paths: list[Path]) -> Iterator[str]:
    """Which other networks the published ones began with or learnt from."""
    for facts in map(read_published, paths):
        given, model = facts.parameters, f"`{facts.run.name}`'s {facts.model_name}"
        if given.get("INITIAL_MODEL"):
            yield f"{model} was initialised from that of `{given['INITIAL_MODEL']}`."
        if given.get("TEACHERS"):
            yield f"{model} also learnt from the answers of `{'`, `'.join(given['TEACHERS'])}`."


def render_schema() -> dict[str, str]:
    """The figures of the registry as Markdown tables for reports/SCHEMA.md: by section."""
    kinds = {"ece": "[ece](#ece)"}
    sections = {
        block: [
            (metric.figure, kinds.get(metric.figure, "figure"), metric.means)
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


def find_outdated() -> dict[Path, str]:
    """The documents whose tables are not those of published figures and registry, with the text that each gets."""
    tables = {name: {"results": render_results()} for name in READMES}
    tables["reports/SCHEMA.md"] = render_schema()
    outdated = {}
    for name, contents in tables.items():
        path = ROOT / name
        text = filled = path.read_text(encoding="utf-8")
        for marker, content in contents.items():
            filled = fill(filled, marker, content)
        if filled != text:
            outdated[path] = filled
    return outdated


def main(arguments: list[str] | None = None) -> int:
    """Publish runs and renew the documents' tables; 2 where a run is not fit, 1 where --check finds an old one."""
    parser = argparse.ArgumentParser(prog="python -m reporting.published", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", help="finished runs to publish the figures of")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table is outdated")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            for name in options.runs:
                print(f"Published: {publish(Run(name)).relative_to(ROOT)}")
        outdated = find_outdated()
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for path, text in outdated.items():
        print(f"{'Outdated' if options.check else 'Written'}: {path.name}")
        if not options.check:
            write_text(path, text)
    return int(options.check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
