"""The first page of a run, and the page over all runs."""

from pathlib import Path

from reporting.cards import write_cards
from reporting.facts import RunFacts, as_figure, read_facts, show_interval, show_percent
from reporting.figures import find_figures
from reporting.html import render_page
from reporting.words import caption_figure, describe_data, describe_run, list_terms
from utils.files import write_text
from utils.labels import CLASS_NAMES
from utils.paths import TEST_OPENINGS, Run, is_run_name
from utils.plots.style import MODEL_COLOURS, PLAIN_COLOUR, REFERENCE_COLOUR, SEED_COLOUR

_REPORTS = TEST_OPENINGS.parent

_TABLE = {
    "accuracy": ("accuracy", True),
    "AUROC": ("auroc", False),
    "log-loss": ("log_loss", False),
    "ECE": ("ece", False),
}

_COLOURS = {"reference": REFERENCE_COLOUR, "seed": SEED_COLOUR}

_SHOW = {"percent": show_percent, "interval": show_interval}


def write_index(run: Run) -> Path:
    """Write reports/<run>/index.html and the cards beside it, and renew reports/index.html."""
    facts = read_facts(run)
    write_cards(facts, run.reports)
    page = run.reports / "index.html"
    values = describe_run(facts) | {
        "strip": place_on_strip(facts),
        "figures": [(figure, caption_figure(figure.name, facts)) for figure in find_figures(run)],
        "table": tabulate_models(facts),
        "terms": list_terms(facts),
        "confusion": tabulate_confusion(facts),
    }
    write_text(page, render_page("index.html.j2", **values))
    write_overview()
    return page


def write_overview() -> Path:
    """Write reports/index.html: every run with its headline, the newest first, and every comparison."""
    folders = [path for path in _REPORTS.glob("*") if (path / "stages").is_dir() or (path / "metrics").is_dir()]
    # a copy that somebody put beside the runs, `sample.bak`, is none
    runs = [read_facts(Run(path.name)) for path in sorted(folders) if is_run_name(path.name)]
    runs.sort(key=lambda facts: facts.started, reverse=True)
    comparisons = sorted(path.name for path in _REPORTS.glob("compare-*.html"))
    page = _REPORTS / "index.html"
    write_text(
        page, render_page("overview.html.j2", runs=runs, comparisons=comparisons, describe=describe_data, **_SHOW)
    )
    return page


def tabulate_models(facts: RunFacts) -> list[dict]:
    """A row a model: `name`, `what`, `maker` (its notebook), and `figures`, each with its interval as text."""
    return [
        {
            "name": name,
            "what": model.get("what", ""),
            "maker": facts.find_maker(name),
            "figures": {
                title: show_interval(model.get("stress", {}).get(key), percent)
                for title, (key, percent) in _TABLE.items()
            },
        }
        for name, model in facts.models.items()
    ]


def tabulate_confusion(facts: RunFacts) -> list[dict]:
    """A row a label, Stress first: `label`, `count`, and of 100 such pictures how many got which label, `answers`."""
    rows = []
    for label, (others, stress) in zip(CLASS_NAMES, facts.stress.get("confusion", []), strict=False):
        share = round(100 * stress / max(others + stress, 1))
        answers = {"Stress": share, "Non-stress": 100 - share}
        rows.append({"label": label, "count": others + stress, "answers": answers})
    return rows[::-1]


def place_on_strip(facts: RunFacts) -> dict:
    """Accuracies on one axis: the models with their intervals as in the table, the commoner label, the seed project.

    Returns:
        `ticks` and `rows`; positions are percentages of the axis' width. {} where nothing was tested.
    """
    rows = [("model", name, model.get("stress", {}).get("accuracy")) for name, model in facts.models.items()]
    rows.append(("reference", "always the commoner label", facts.majority_accuracy))
    rows.append(("seed", "student project, other pictures", facts.seed_project.get("accuracy")))
    known = [(kind, name, figure) for kind, name, content in rows if (figure := as_figure(content))]
    if not facts.models or not known:
        return {}
    lowest = min(figure["value"] if figure["low"] is None else figure["low"] for _, _, figure in known)
    start = 10 * int(10 * lowest)  # percent
    step = 10 if start >= 50 else 20
    start = 100 - step * -(-(100 - start) // step)
    placed = []
    for kind, name, figure in known:
        low, high = (figure["value"] if figure[end] is None else figure[end] for end in ("low", "high"))
        at, left, right = (100 * (100 * value - start) / (100 - start) for value in (figure["value"], low, high))
        text = show_percent(figure["value"]) if kind != "model" else show_interval(figure)
        row = {"kind": kind, "name": name, "at": at, "left": left, "width": right - left, "text": text}
        colour = _COLOURS[kind] if kind in _COLOURS else MODEL_COLOURS.get(name, PLAIN_COLOUR)
        maker = facts.find_maker(name) if kind == "model" else None
        placed.append(row | {"colour": colour.lstrip("#"), "maker": maker})
    ticks = [{"text": f"{tick} %", "at": 100 * (tick - start) / (100 - start)} for tick in range(start, 101, step)]
    return {"rows": placed, "ticks": ticks}
