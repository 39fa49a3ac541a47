"""The figures that the README quotes: frozen from runs into reports/published/, and written into both READMEs.

python -m reporting.published [RUN ...] [--check]
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from reporting.facts import RunFacts, StageFacts, read_facts, show_interval, show_percent
from utils.evaluation.scoring import SAMPLE_PICTURES, rescore
from utils.files import fill, read_json, write_json, write_text
from utils.paths import ROOT, SAMPLE, TEST_OPENINGS, Run

PUBLISHED = TEST_OPENINGS.parent / "published"

SHIPPED = ROOT / "models" / "shipped"

READMES = ("README.md", "README.fr.md")

MODEL_FILES = ("model.keras", "model.tflite")

_COLUMNS = (
    (("stress", "majority_accuracy"), True),
    (("stress", "accuracy"), True),
    (("stress", "auroc"), False),
    (("stress", "log_loss"), False),
    (("stress", "ece"), False),
    (("calibration", "after", "slope"), False),
    (("classes", "accuracy"), True),
)
"""Where in a model's metrics, and whether in percent."""

_HEADS = (
    "run and model",
    "test pictures",
    "always the commoner label",
    "accuracy",
    "AUROC",
    "log-loss",
    "ECE",
    "slope",
    "accuracy over the classes",
)
_NOTE = (
    "In brackets, 95 % intervals. Each row's file names model, data, code and machine. Slope: of the calibration, 1 is "
    "ideal. The classes are the data set's own, emotions for example."
)


def publish(run: Run) -> Path:
    """Copy a finished run's figures into reports/published/<run>.json.

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
    """The results of all published runs as a Markdown table."""
    paths = sorted(PUBLISHED.glob("*.json"))
    if not paths:
        return "No figures are published yet."
    lines = [f"| {' | '.join(_HEADS)} |", "|---|" + "---:|" * (len(_HEADS) - 1)]
    for path in paths:
        facts, shipped = read_published(path), find_shipped(path)
        for name, model in facts.models.items():
            note = " (shipped)" if shipped and name == facts.model_name else ""
            cells = [f"{model['stress']['count']:,}"]
            cells += [show_interval(_find(model, keys), percent) for keys, percent in _COLUMNS]
            link = f"[{facts.run.name}](reports/published/{path.name})"
            lines.append(f"| {link}: {name}{note} | {' | '.join(cells)} |")
    lines += ["", _NOTE, *_say_from_what(paths)]
    seed = next((facts.seed_project for facts in map(read_published, paths) if facts.seed_project), None)
    if seed:
        lines.append(
            "The student project that this one goes back to reported accuracy "
            f"{show_percent(seed['accuracy'])} and log-loss {seed['log_loss']:.3f}, on other pictures."
        )
    return "\n".join(lines)


def _find(content: dict | None, keys: tuple[str, ...]):
    """What lies under these keys, None where one is missing."""
    for key in keys:
        content = (content or {}).get(key)
    return content


def _say_from_what(paths: list[Path]) -> Iterator[str]:
    """Which other networks the published ones began with or learnt from."""
    for facts in map(read_published, paths):
        given, model = facts.parameters, f"`{facts.run.name}`'s {facts.model_name}"
        if given.get("STRONG") and given.get("INITIAL_MODEL"):
            yield f"{model} was initialised from that of `{given['INITIAL_MODEL']}`."
        if given.get("STRONG") and given.get("TEACHERS"):
            yield f"{model} also learnt from the answers of `{'`, `'.join(given['TEACHERS'])}`."


def find_outdated() -> dict[Path, str]:
    """The READMEs whose tables differ from the published figures, with the text that each should have."""
    outdated, results = {}, render_results()
    for name in READMES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        filled = fill(text, "results", results)
        if filled != text:
            outdated[path] = filled
    return outdated


def main(arguments: list[str] | None = None) -> int:
    """Publish runs and renew the READMEs' tables; 2 where a run is not fit, 1 where --check finds an old table."""
    parser = argparse.ArgumentParser(prog="python -m reporting.published", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", help="finished runs to publish the figures of")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a README's table is outdated")
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
