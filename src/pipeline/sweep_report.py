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
from utils.evaluation.comparison import LEVEL, find_verdict
from utils.evaluation.registry import POINTS, SHARE, list_metrics, show_difference, show_interval, show_p_value
from utils.evaluation.validation import compare_settings, predict_next
from utils.files import fill, read_json, write_json, write_text
from utils.paths import CHECKOUT, Run
from utils.plots.style import MODEL_COLOURS, plt

DOC = CHECKOUT / "docs" / "many_runs.md"

METRICS = list_metrics("comparison", "stress")
"""Those that are known on validation: `validation` in each model.json."""


def write_report(title: str, best: str, words: tuple[str, ...], rows: list[dict]) -> Path:
    """Write a sweep's page and figures, and renew reports/index.html, which lists it.

    Args:
        title: its name, and that of its folder.
        best: a name for the run of the best setting.
        words: of the pipeline: data set and profile.
        rows: of each run `run`, `state`, and what `profiles.Point` has.
    """
    runs = [row | _read_run(row) for row in rows]
    figures = compare_runs(runs) | {"sweep": title, "machine": describe_machine(), "commit": find_commit()}
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
        left = sorted(run.reports.glob("*.failed.html"))
        return {"page": f"{run.name}/{left[0].name}" if left else "", "seed": None, "seconds": None, "models": {}}
    facts = read_facts(run)
    # a second classic network is left from other parameters where there is no stronger one
    saved = [name for name in MODEL_COLOURS if name != "augmented" or facts.parameters.get("NETWORK") != "baseline_cnn"]
    cards = {name: read_json(path) for name in saved if (path := run.models / name / "model.json").exists()}
    models = {name: {"stress": card["validation"]} for name, card in cards.items()}
    seed = next(iter(cards.values()))["seeds"][0]
    return {"page": f"{run.name}/index.html", "seed": seed, "seconds": facts.seconds, "models": models}


def compare_runs(runs: list[dict]) -> dict:
    """The content of sweep.json but for where and when: `runs`, `settings`, `pairs`, and the name of the `best`.

    Returns:
        `settings`: by model and setting, what `predict_next` gives of each figure. `pairs`: what `compare_settings`
        gives, of each `model` and `figure`, with a `verdict` on the second. The best setting has the lowest mean
        log-loss of the last model; "" where no run is there.
    """
    there = [run for run in runs if run["models"]]
    settings: dict[str, dict] = {}
    pairs = []
    for model in there[0]["models"] if there else ():
        by_setting: dict[str, dict[int, dict]] = {}
        for run in there:
            by_setting.setdefault(run["setting"], {})[run["seed"]] = run["models"][model]
        settings[model] = {
            setting: {
                metric.figure: predict_next([metric.find(scores) for scores in seeds.values()]) for metric in METRICS
            }
            for setting, seeds in by_setting.items()
        }
        for metric in METRICS:
            figures = {name: {seed: metric.find(s) for seed, s in seeds.items()} for name, seeds in by_setting.items()}
            for pair in compare_settings(figures):
                pairs.append({"model": model, "figure": metric.figure} | pair | {"verdict": _judge(pair, metric)})
    last = list(settings.values())[-1] if settings else {}
    best = min(last, key=lambda setting: last[setting]["log_loss"]["mean"], default="")
    return {"runs": runs, "settings": settings, "pairs": pairs, "best": best}


def _judge(pair: dict, metric) -> str:
    return (
        find_verdict({"value": pair["value"], "low": pair["value"], "high": pair["value"]}, metric.lower_is_better)
        if pair["p_value"] < LEVEL
        else "cannot be told apart"
    )


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
    runs = [run for run in figures["runs"] if run["models"]]
    if pairs and not any(pair["value"] for pair in pairs):
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


def describe_pairs(pairs: list[dict]) -> str:
    """What of one model's pairs differs beyond chance."""
    if not pairs:
        return "There is nothing to tell apart: that takes several settings, trained from the same two seeds or more."
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
        if pairs and not any(pair["value"] for pair in pairs):
            continue
        lines += [f"| {model} | {' | '.join(metric.name for metric in METRICS)} |", f"|---|{'---|' * len(METRICS)}"]
        lines += [
            f"| {setting} | {' | '.join(tell(found[metric.figure], metric) for metric in METRICS)} |"
            for setting, found in settings.items()
        ]
        lines += ["", f"Beyond chance: {describe_pairs(pairs)}", *_list_pairs(pairs), ""]
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
