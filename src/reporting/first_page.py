"""The first page of a run and its cards, and the page over all runs.

The fields of the model card's head are those of Hugging Face's model cards; headings follow Mitchell et al. 2019
("Model cards for model reporting") and Gebru et al. 2021 ("Datasheets for datasets").
"""

import sys
from pathlib import Path

import yaml
from matplotlib.ticker import MaxNLocator
from nbconvert.filters import markdown2html

from reporting.facts import RunFacts, read_facts
from reporting.html import MOST_TELLING, Picture, find_figures, render_page
from reporting.words import caption_figure, describe_data, describe_run, list_terms
from utils.evaluation.registry import BY_KEY, METRICS, as_figure, list_metrics, show_interval
from utils.files import write_text
from utils.labels import CLASS_NAMES
from utils.paths import TEST_EVALUATIONS, Run, is_run_name
from utils.plots.style import LABEL_COLOURS, MODEL_COLOURS, PLAIN_COLOUR

_REPORTS = TEST_EVALUATIONS.parent

CARDS = {"model_card": "Model card", "data_card": "Data card"}
"""Names of the files, and titles."""

_DRAWN_HERE = ("references", "confusion", "per class", "people")
"""Figures whose numbers stand on the first page itself."""

_ON_CARD = ("reliability", "people", "differences", "robustness")
"""Figures of a run's model card."""


def write_index(run: Run) -> Path:
    """Write reports/<run>/index.html and the cards beside it, and renew reports/index.html."""
    facts = read_facts(run)
    write_cards(facts, run.reports)
    page = run.reports / "index.html"
    told = describe_run(facts)
    values = told | {
        "faces": find_figures(run, names=("faces",)) if facts.parameters.get("SHOW_PICTURES") else [],
        "accuracies": place_accuracies(facts),
        "recalls": place_recalls(told["classes"]),
        "figures": _caption(facts, tuple(name for name in MOST_TELLING if name not in _DRAWN_HERE)),
        "table": tabulate_models(facts),
        "terms": list_terms(facts),
        "confusion": tabulate_confusion(facts),
        "emotions": tabulate_emotions(facts),
    }
    write_text(page, render_page("index.html.j2", **values))
    write_overview()
    return page


def _caption(facts: RunFacts, names: tuple[str, ...]) -> list[tuple[Picture, str]]:
    return [(figure, caption_figure(figure.name, facts)) for figure in find_figures(facts.run, names=names)]


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
    """A row a model: `name`, `folder`, `what`, `maker` (its notebook), and `figures`, each as text."""
    return [
        {
            "name": facts.names[name],
            "folder": name,
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


def tabulate_emotions(facts: RunFacts) -> list[dict]:
    """A row a class: `name`, `count`, and of 100 such pictures how many got which class, `answers`, by name.

    [] where the classes are the labels themselves.
    """
    scores = facts.model.get("classes") or {}
    names = list(scores.get("per_class", {}))
    if set(names) <= set(CLASS_NAMES):
        return []
    return [
        {"name": name, "count": sum(row)}
        | {"answers": {each: round(100 * n / max(sum(row), 1)) for each, n in zip(names, row, strict=True)}}
        for name, row in zip(names, scores["confusion"], strict=True)
    ]


def place_accuracies(facts: RunFacts) -> dict:
    """The models' accuracies on one axis: `place_on_axis`, each with `folder` and `maker`."""
    rows = [
        {"name": facts.names[folder], "folder": folder, "maker": facts.find_maker(folder)}
        | {"figure": as_figure(model.get("stress", {}).get("accuracy"))}
        | {"colour": MODEL_COLOURS.get(folder, PLAIN_COLOUR).lstrip("#")}
        for folder, model in facts.models.items()
    ]
    return place_on_axis(rows)


def place_recalls(classes: list[dict]) -> dict:
    """The recall of each class on one axis, of the labels where there are no others; rows of `list_classes`."""
    shown = [row for row in classes if row["block"] == "classes"] or classes
    rows = [
        {"name": row["name"], "count": row["count"], "figure": row["recall"]}
        | {"colour": LABEL_COLOURS.get(row["name"], PLAIN_COLOUR).lstrip("#")}
        for row in shown
    ]
    return place_on_axis(rows)


def place_on_axis(rows: list[dict]) -> dict:
    """Shares with their intervals on an axis that holds all of them.

    Args:
        rows: `figure`, as of `as_figure`, and what else is to be shown; those without one are left out.

    Returns:
        `ticks` (`text`, `at`) and `rows` with `text`, `at`, `left` and `width`: percentages of the axis' width. {}
        where there are none.
    """
    rows = [row for row in rows if row["figure"]]
    known = [row["figure"][end] for row in rows for end in ("value", "low", "high")]
    ends = [100 * share for share in known if share is not None]
    if not ends:
        return {}
    found = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(min(ends), max(ends))
    ticks = [tick for tick in found if -1e-6 < tick < 100 + 1e-6]

    def place(share: float) -> float:
        return 100 * (100 * share - ticks[0]) / (ticks[-1] - ticks[0])

    placed = []
    for row in rows:
        figure = row["figure"]
        at = place(figure["value"])
        left, right = (at if figure[end] is None else place(figure[end]) for end in ("low", "high"))
        placed.append(row | {"at": at, "left": left, "width": right - left, "text": show_interval(figure)})
    return {"rows": placed, "ticks": [{"text": f"{tick:g} %", "at": place(tick / 100)} for tick in ticks]}


_FIGURES_END = '<h2 id="Known-failures-and-doubts">'
"""The heading of a model card before which its figures stand."""


def write_cards(facts: RunFacts, folder: Path) -> None:
    """Write the CARDS into a folder, each as .md and .html."""
    for name, title in CARDS.items():
        text = render_card(name, facts)
        write_text(folder / f"{name}.md", text)
        body = markdown2html(text.split("---\n", 2)[2] if text.startswith("---\n") else text)
        body = body.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")
        # drawings are the page's alone: nothing that is committed holds one
        before, figures, after = body.partition(_FIGURES_END)
        shown = _caption(facts, _ON_CARD) if figures else []
        parts = {"before": before, "after": figures + after, "figures": shown}
        write_text(folder / f"{name}.html", render_page("card.html.j2", title=title, **parts))


def render_card(name: str, facts: RunFacts) -> str:
    """A card as Markdown; `name` is one of CARDS."""
    head = yaml.safe_dump(describe_for_hub(facts), sort_keys=False, allow_unicode=True)
    return render_page(f"{name}.md.j2", head=head, **describe_run(facts)).rstrip() + "\n"


def describe_for_hub(facts: RunFacts) -> dict:
    """The head of a model card as Hugging Face's hub reads it."""
    found = {metric.hub: as_figure(metric.find(facts.model)) for metric in METRICS if metric.hub}
    figures = {kind: round(figure["value"], 4) for kind, figure in found.items() if figure}
    kind = "fer2013" if facts.data_set.startswith("FER-2013") else "imagefolder"
    results = {
        "task": {"type": "image-classification", "name": "Stress or Non-stress from a 48x48 face picture"},
        "dataset": {"name": facts.data_set, "type": kind, "split": "test"}
        | ({"args": {"test": facts.test_name}} if facts.test_name else {}),
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
