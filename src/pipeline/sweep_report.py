"""What the runs of a sweep show together: its page and sweep.json, and the sweeps that docs/many_runs.md tells of.

python -m pipeline.sweep_report [SWEEP ...]
"""

import argparse
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.profiles import SAMPLE_RUN, write_values
from pipeline.provenance import describe_machine, find_commit
from reporting.facts import read_facts
from reporting.first_page import write_overview
from reporting.html import inline_svg, render_page
from utils import plots
from utils.display import render_figure
from utils.evaluation.registry import POINTS, SHARE, show_difference, show_interval, show_p_value
from utils.evaluation.validation import METRICS, compare_runs
from utils.files import fill, read_json, write_json, write_text
from utils.paths import CHECKOUT, Run
from utils.plots.style import MODEL_COLOURS, plt

DOC = CHECKOUT / "docs" / "many_runs.md"


def write_report(title: str, best: str, words: tuple[str, ...], rows: list[dict]) -> Path:
    """Write a sweep's page and figures, and renew reports/index.html, which lists it.

    Args:
        title: its name, and that of its folder.
        best: a name for the run of the best setting.
        words: of the pipeline: data set and profile.
        rows: of each run `run`, `state`, the run whose `data` it took, and what `profiles.Point` has.
    """
    runs = [row | _read_run(row) for row in rows]
    figures = (
        {"runs": runs} | compare_runs(runs) | {"sweep": title, "machine": describe_machine(), "commit": find_commit()}
    )
    figures |= {"date": datetime.now(UTC).isoformat(timespec="seconds")}
    figures["command"] = write_command(figures, best, words)
    folder = Run(title).reports
    write_json(folder / "sweep.json", figures)
    write_text(folder / "index.html", render_page("sweep.html.j2", **describe(figures)))
    write_overview()
    return folder / "index.html"


def _read_run(row: dict) -> dict:
    """What a run left: `page`, `seed`, `seconds` and, by name, `models`; only the page where it is not there."""
    run = Run(row["run"])
    if row["state"] not in ("done", "up to date"):
        left = [path for name in (row["data"], run.name) for path in sorted(Run(name).reports.glob("*.failed.html"))]
        return {
            "page": f"{left[0].parent.name}/{left[0].name}" if left else "",
            "seed": None,
            "seconds": None,
            "models": {},
        }
    facts = read_facts(run)
    # a second classic network is left from other parameters where there is no stronger one
    saved = [name for name in MODEL_COLOURS if name != "augmented" or facts.parameters.get("NETWORK") != "baseline_cnn"]
    cards = {name: read_json(path) for name in saved if (path := run.models / name / "model.json").exists()}
    models = {name: {"stress": card["validation"]} for name, card in cards.items()}
    seed = next(iter(cards.values()))["seeds"][0]
    return {"page": f"{run.name}/index.html", "seed": seed, "seconds": facts.seconds, "models": models}


def write_command(figures: dict, best: str, words: tuple[str, ...]) -> str:
    """How the best setting is run whole, from all its seeds, with its test opened; "" where there is none."""
    runs = [run for run in figures["runs"] if run["setting"] == figures["best"] and run["models"]]
    if not runs:
        return ""
    values = runs[0]["values"] | {"SEEDS": [run["seed"] for run in runs]}
    given = [word for word in words if not word.endswith("=") and word != f"DATASET={SAMPLE_RUN}"]
    return shlex.join(["make", "pipeline", *given, f"RUN={best}", f"PARAMS={write_values(values)}"])


def describe(figures: dict) -> dict:
    """What the page says and shows: values for its template."""
    runs = [run for run in figures["runs"] if run["models"]]
    models = {name: _describe_model(figures, name) for name in figures["settings"]}
    return {
        "figures": figures,
        "runs": runs,
        "models": models,
        "metrics": METRICS,
        "tell": tell,
        "lead": describe_runs(figures),
    } | {"difference": show_difference, "p_value": show_p_value}


def describe_runs(figures: dict) -> str:
    """How many runs, settings and seeds, and what is missing."""
    runs = figures["runs"]
    settings, seeds = ({run[key] for run in runs} - {None} for key in ("setting", "seed"))
    missing = sum(not run["models"] for run in runs)
    text = f"{len(runs)} runs: {_count(settings, 'setting')}, from {_count(seeds, 'seed')}."
    return text + (f" {missing} of them are not there." if missing else "")


def _count(found: set, what: str) -> str:
    return f"{len(found)} {what}{'s' * (len(found) != 1)}"


def _describe_model(figures: dict, model: str) -> dict:
    """`same` where no setting changes it; `effects`, (parameter, figure as HTML); `verdict`; `pairs` that differ."""
    pairs = [pair for pair in figures["pairs"] if pair["model"] == model]
    runs = [run for run in figures["runs"] if model in run["models"]]
    if is_same(figures["settings"][model]):
        return {"same": True}
    varied = list(dict.fromkeys(name for run in runs for name in run["varied"])) or ["setting"]
    effects = [(name, draw_effect(runs, model, name)) for name in varied]
    return {
        "same": False,
        "effects": effects,
        "pairs": [p for p in pairs if p["verdict"] in _APART],
        "verdict": describe_pairs(pairs),
    }


_APART = ("better", "worse")


def is_same(settings: dict[str, dict]) -> bool:
    """Whether no setting changes a model, of which these are the figures by setting."""
    means = {tuple(found[metric.figure]["mean"] for metric in METRICS) for found in settings.values()}
    return len(settings) > 1 and len(means) == 1


def describe_pairs(pairs: list[dict]) -> str:
    """What of one model's pairs differs beyond chance."""
    if not pairs:
        return "There is nothing to tell apart: that takes settings of the same data, from the same two seeds or more."
    apart, each = sum(pair["verdict"] in _APART for pair in pairs), len(pairs) // len(METRICS)
    of = f"of {each} pair{'s' * (each > 1)} of settings, compared on {len(METRICS)} figures"
    if not apart:
        return f"Nothing: {of}, none can be told apart from chance."
    return f"{apart} of {len(pairs)} differences: {of}."


def draw_effect(runs: list[dict], model: str, parameter: str) -> str:
    """The figure of one parameter's effect on a model, as part of a page."""
    trained: dict[str, list[dict]] = {}
    for run in runs:
        trained.setdefault(str(run["varied"].get(parameter, run["setting"])), []).append(run["models"][model])
    axes = plots.effects(trained)
    _, svg, _ = render_figure(axes[0].figure, parameter)
    plt.close(axes[0].figure)
    names = ", ".join(trained)
    return inline_svg(
        svg, f"Validation figures of {model} by {parameter}, {names}: a point for each run, a line for means"
    )


def tell(found: dict, metric) -> str:
    """Mean, standard deviation and prediction interval, as text."""
    mean = show_interval({"value": found["mean"], "low": found["low"], "high": found["high"]}, metric.unit)
    return (
        mean
        if found["deviation"] is None
        else f"{mean} ± {show_interval(found['deviation'], POINTS if metric.unit == SHARE else metric.unit)}"
    )


def publish(name: str) -> None:
    """Keep the figures of a finished sweep in docs/, and renew the part of docs/many_runs.md that tells of it."""
    saved = read_json(Run(f"sweep-{name}").reports / "sweep.json")
    if missing := [run["run"] for run in saved["runs"] if not run["models"]]:
        raise ValueError(f"sweep-{name}: expected all its runs, {', '.join(missing)} not there.")
    write_json(DOC.parent / "sweeps" / f"{name}.json", saved)


def render(figures: dict) -> str:
    """A published sweep in Markdown."""
    lines = [f"{describe_runs(figures)} {figures['machine']}; commit {figures['commit']}; {figures['date'][:10]}.", ""]
    for model, settings in figures["settings"].items():
        pairs = [pair for pair in figures["pairs"] if pair["model"] == model]
        if is_same(settings):
            continue
        lines += [f"| {model} | {' | '.join(metric.name for metric in METRICS)} |", f"|---|{'---|' * len(METRICS)}"]
        lines += [
            f"| {setting} | {' | '.join(tell(found[metric.figure], metric) for metric in METRICS)} |"
            for setting, found in settings.items()
        ]
        told = [f"Beyond the chance of seeds: {describe_pairs(pairs)}", *_list_pairs(pairs), ""] if pairs else []
        lines += ["", *told]
    return "\n".join(lines).strip()


def _list_pairs(pairs: list[dict]) -> list[str]:
    by_figure = {metric.figure: metric for metric in METRICS}
    return [
        f"- {by_figure[pair['figure']].name}: {pair['second']} is {pair['verdict']} than {pair['first']}, "
        f"{show_difference(pair, by_figure[pair['figure']].unit)}, {show_p_value(pair['p_value'])}"
        for pair in pairs
        if pair["verdict"] in _APART
    ]


def main(arguments: list[str] | None = None) -> int:
    """Publish finished sweeps; without names, renew docs/many_runs.md from what was published."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.sweep_report", description=__doc__.splitlines()[0])
    parser.add_argument("sweeps", metavar="SWEEP", nargs="*", help="its name, as in sweeps/; of the sample")
    options = parser.parse_args(arguments)
    try:
        for name in options.sweeps:
            publish(name)
        text = DOC.read_text(encoding="utf-8")
        for path in sorted((DOC.parent / "sweeps").glob("*.json")):
            text = fill(text, path.stem, render(read_json(path)))
        write_text(DOC, text)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
