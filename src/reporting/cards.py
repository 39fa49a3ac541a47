"""Model card and data card of a run, written from its metrics: Markdown for a hub or a reader, HTML beside it.

The fields of the model card's head are those of Hugging Face's model cards; headings follow Mitchell et al. 2019
("Model cards for model reporting") and Gebru et al. 2021 ("Datasheets for datasets").
"""

from pathlib import Path

import yaml
from nbconvert.filters import markdown2html

from reporting.facts import RunFacts, as_figure
from reporting.html import render_page
from reporting.words import describe_run
from utils.files import write_text

CARDS = {"model_card": "Model card", "data_card": "Data card"}
"""Names of the files, and titles."""

_HUB_METRICS = {"accuracy": "accuracy", "roc_auc": "auroc", "matthews_correlation": "mcc", "log_loss": "log_loss"}


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
    figures = {kind: as_figure(facts.stress.get(key)) for kind, key in _HUB_METRICS.items()}
    results = {
        "task": {"type": "image-classification", "name": "Stress or Non-stress from a 48x48 face picture"},
        "dataset": {"name": facts.data.get("source", "unknown"), "type": "image", "split": "test"},
        "metrics": [{"type": kind, "value": round(figure["value"], 4)} for kind, figure in figures.items() if figure],
    }
    return {
        "license": "mit" if facts.is_sample else "other",
        **({} if facts.is_sample else {"license_name": "data-rights-unresolved"}),
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["facial-expression", "calibrated", "research-only"],
        "metrics": [kind for kind, figure in figures.items() if figure],
        "model-index": [{"name": facts.model_name or facts.run.name, "results": [results]}],
    }
