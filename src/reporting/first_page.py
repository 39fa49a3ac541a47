"""The first page of a run and its cards, and the page over all runs.

The fields of the model card's head are those of Hugging Face's model cards; headings follow Mitchell et al. 2019
("Model cards for model reporting") and Gebru et al. 2021 ("Datasheets for datasets").
"""

import sys
from pathlib import Path

import yaml
from nbconvert.filters import markdown2html

from reporting.facts import RunFacts, read_facts
from reporting.html import find_figures, render_page
from reporting.words import caption_figure, describe_data, describe_run, list_terms
from utils.evaluation.registry import BY_KEY, METRICS, as_figure, list_metrics, show_interval, show_percent
from utils.files import write_text
from utils.labels import CLASS_NAMES
from utils.paths import TEST_EVALUATIONS, Run, is_run_name
from utils.plots.style import MODEL_COLOURS, PLAIN_COLOUR, REFERENCE_COLOUR, SEED_COLOUR

_REPORTS = TEST_EVALUATIONS.parent

CARDS = {"model_card": "Model card", "data_card": "Data card"}
"""Names of the files, and titles."""

_COLOURS = {"reference": REFERENCE_COLOUR, "seed": SEED_COLOUR}


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
    """Write reports/index.html: every run with its headline, the newest first, every sweep, comparison and final test.

    The runs of a sweep stand on its own page.

    A run with a broken file is left out, and the file named on stderr.
    """
    folders = [path for path in _REPORTS.glob("*") if (path / "stages").is_dir() or (path / "metrics").is_dir()]
    # a copy that somebody put beside the runs, `sample.bak`, is none
    runs = []
    for name in sorted(path.name for path in folders if is_run_name(path.name) and not path.name.startswith("sweep-")):
        try:
            runs.append(read_facts(Run(name)))
        except ValueError as error:
            print(f"The run {name} is not among all runs: {error}", file=sys.stderr)
    runs.sort(key=lambda facts: facts.started, reverse=True)
    comparisons = sorted(path.name for path in _REPORTS.glob("compare-*.html"))
    page = _REPORTS / "index.html"
    values = {"runs": runs, "comparisons": comparisons, "describe": describe_data, "metrics": BY_KEY}
    values["final_tests"] = sorted(path.parent.name for path in _REPORTS.glob("final-test-*/index.html"))
    values["sweeps"] = sorted(path.parent.name for path in _REPORTS.glob("sweep-*/sweep.json"))
    write_text(page, render_page("overview.html.j2", **values))
    return page


def tabulate_models(facts: RunFacts) -> list[dict]:
    """A row a model: `name`, `what`, `maker` (its notebook), and `figures`, each with its interval as text."""
    return [
        {
            "name": name,
            "what": model.get("what", ""),
            "maker": facts.find_maker(name),
            "figures": {metric.name: metric.show(model) for metric in list_metrics("page")},
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
    """Accuracies on one axis: the models with their intervals as in the table, the baseline, the seed project.

    Returns:
        `ticks` and `rows`; positions are percentages of the axis' width. {} where nothing was tested.
    """
    rows = [("model", name, model.get("stress", {}).get("accuracy")) for name, model in facts.models.items()]
    rows.append(("reference", "majority-class baseline", facts.majority_accuracy))
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


def write_cards(facts: RunFacts, folder: Path) -> None:
    """Write the CARDS into a folder, each as .md and .html."""
    for name, title in CARDS.items():
        text = render_card(name, facts)
        write_text(folder / f"{name}.md", text)
        body = markdown2html(text.split("---\n", 2)[2] if text.startswith("---\n") else text)
        body = body.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")
        write_text(folder / f"{name}.html", render_page("card.html.j2", title=title, body=body))


def render_card(name: str, facts: RunFacts) -> str:
    """A card as Markdown; `name` is one of CARDS."""
    head = yaml.safe_dump(describe_for_hub(facts), sort_keys=False, allow_unicode=True)
    return render_page(f"{name}.md.j2", head=head, **describe_run(facts)).rstrip() + "\n"


def describe_for_hub(facts: RunFacts) -> dict:
    """The head of a model card as Hugging Face's hub reads it."""
    found = {metric.hub: as_figure(metric.find(facts.model)) for metric in METRICS if metric.hub}
    figures = {kind: round(figure["value"], 4) for kind, figure in found.items() if figure}
    results = {
        "task": {"type": "image-classification", "name": "Stress or Non-stress from a 48x48 face picture"},
        "dataset": {"name": facts.data.get("source", "unknown"), "type": "image", "split": "test"},
        "metrics": [{"type": kind, "value": value} for kind, value in figures.items()],
    }
    return {
        "license": "mit" if facts.is_sample else "other",
        **({} if facts.is_sample else {"license_name": "data-rights-unresolved"}),
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["facial-expression", "calibrated", "research-only"],
        "metrics": list(figures),
        "model-index": [{"name": facts.model_name or facts.run.name, "results": [results]}],
    }
