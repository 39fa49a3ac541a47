"""The shipped model, everything frozen, scored on a data set that it has never seen.

python -m pipeline.final_test --source PATH --trained-on PATH [--without-copies]
"""

import argparse
import re
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.provenance import describe_machine, find_commit
from pipeline.shipping import MODEL
from pipeline.unseen import Unseen, read_unseen
from reporting.facts import RunFacts, StageFacts
from reporting.first_page import tabulate_confusion, write_overview
from reporting.html import render_page
from reporting.published import SHIPPED, list_ledger_figures
from reporting.words import describe_run
from utils.csv_files import hash_tables
from utils.data.dataset import build_split
from utils.data.sealed_test import list_published, make_line, record_published
from utils.data.sources import KAGGLE, fetch_source
from utils.data.splits import tabulate_splits
from utils.data.votes import list_classes
from utils.evaluation.calibration import measure_fit
from utils.evaluation.people import align_probabilities
from utils.evaluation.registry import list_metrics
from utils.evaluation.scoring import Evaluation, measure
from utils.files import read_json, replaced_folder, write_json, write_text
from utils.inference.classifier import Classifier
from utils.labels import CLASS_NAMES, EMOTIONS, STRESS_CLASSES, name_classes
from utils.paths import Run

COPIES = "copies.csv"


def run_final_test(model: Path, source: str, trained_on: str, without_copies: bool = False, classes: str = "") -> Path:
    """Score a saved model on all labelled pictures of a source, whatever their splits, and write it down.

    Nothing is chosen, fitted or trained by these pictures. reports/final-test-<name>/ gets index.html, metrics.json
    and, where pictures were left out, copies.csv; the ledger of published models gets one line.

    Args:
        model: its folder.
        source: as for `sources.fetch_source`.
        trained_on: the data that it was trained on.
        without_copies: leave out the pictures that are also in training, or nearly so, and score the others.
        classes: what the source's class names mean, see `classes.read_classes`.

    Returns:
        The page.

    Raises:
        ValueError: a source is missing or cannot be used, or some pictures are known and are not to be left out:
            copies.csv then names them, and nothing else is written.
        OSError: something cannot be read or written.
    """
    _require_given(source, trained_on, model)
    path, training = fetch_source(source), fetch_source(trained_on)
    run = name_run(source, path)
    classifier, card = Classifier.load(model), read_json(model / "model.json")
    unseen = read_unseen(path, training, find_mapping(card), classes)
    copies = unseen.copies.to_csv(index=False)
    if len(unseen.copies) and not without_copies:
        write_text(run.reports / COPIES, copies)
        raise ValueError(
            f"{len(unseen.copies):,} of {len(unseen.records):,} pictures of {path.name} are in {training.name}, too, or"
            f" nearly so: {run.reports / COPIES} names them. Nothing was scored; give WITHOUT_COPIES=1 to leave them"
            " out and score the others."
        )
    kept = unseen.without_copies()
    _require_both_labels(kept, path)
    evaluation = evaluate(kept, classifier, card)
    facts, line = _describe(run, path, training, kept, evaluation, model)
    page = _render(facts, classifier.class_names, line)
    record_published(line)
    with replaced_folder(run.reports) as folder:
        write_text(folder / "index.html", page)
        write_json(folder / "metrics.json", facts.test)
        if len(unseen.copies):
            write_text(folder / COPIES, copies)
    write_overview()
    return run.reports / "index.html"


def _require_given(source: str, trained_on: str, model: Path) -> None:
    if not source:
        raise ValueError("A final test needs SOURCE=path: labelled pictures that the shipped model has never seen.")
    if not trained_on:
        raise ValueError(
            f"A final test needs TRAINED_ON=path, the data that {'/'.join(model.parts[-3:])} was trained on, for"
            " example TRAINED_ON=~/fer2013.zip: pictures that are in it, or nearly so, would flatter the model, and no"
            " trace of them is kept to tell them by."
        )


def name_run(source: str, path: Path) -> Run:
    """The run that owns the report on a source: "~/Other half.tar.gz" -> final-test-Other-half."""
    name = path.name if path.is_dir() else path.stem.removesuffix(".tar")
    name = source if source.startswith(KAGGLE) else name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return Run(f"final-test-{re.sub(r'[^A-Za-z0-9_]+', '-', plain).strip('-') or 'source'}")


def find_mapping(card: dict) -> list[str]:
    """The emotions that a model counts as Stress: those of its parameters, among them some that it may not know."""
    known = card.get("parameters", {}).get("STRESS_CLASSES") or card["stress_classes"]
    return [name for name in known if name in EMOTIONS] or list(STRESS_CLASSES)


def _require_both_labels(unseen: Unseen, path: Path) -> None:
    decided = unseen.records[unseen.records["label"] >= 0]
    if not {0, 1} <= set(decided["label"]) or decided["group"].nunique() < 2:
        raise ValueError(
            f"{path}: too little is left to test on, {len(decided):,} pictures with a label, after"
            f" {len(unseen.copies):,} were left out. Expected several pictures of each of {' and '.join(CLASS_NAMES)}."
        )


def evaluate(unseen: Unseen, classifier: Classifier, card: dict) -> Evaluation:
    """A model's answers on unseen pictures, scored: `model` in reports/SCHEMA.md, `classes` None without emotions.

    The classes are those of the model and of the pictures together: one that the model does not know gets probability
    0. Where the pictures tell Stress and Non-stress alone, so do the answers.

    Args:
        unseen: the pictures.
        classifier: the model.
        card: its model.json.

    Raises:
        ValueError: the pictures show emotions, of which the model knows none.
    """
    answers, known = classifier.probabilities(unseen.images), classifier.class_names
    shown = set(name_classes(unseen.records))
    if unseen.votes is not None:
        counts = unseen.votes[list_classes(unseen.votes)].reindex(unseen.records["file"], fill_value=0)
        shown |= set(counts.columns[counts.any()])
    has_emotions, knows_emotions = bool(shown & set(EMOTIONS)), bool(set(known) & set(EMOTIONS))
    if has_emotions and not knows_emotions:
        raise ValueError(f"The model knows {' and '.join(known)}, no emotions: expected a source with these classes.")
    if has_emotions == knows_emotions:
        names = [name for name in (*EMOTIONS, *CLASS_NAMES) if name in {*known, *shown}]
        probabilities = align_probabilities(answers, known, names)
    else:
        p_stress = classifier.p_stress(answers)
        names, probabilities = list(CLASS_NAMES), np.column_stack([1 - p_stress, p_stress])
    stress = [name for name in names if name in (*find_mapping(card), CLASS_NAMES[1])]
    test, copies = build_split(unseen.records, unseen.images, names, unseen.votes), np.zeros(len(answers), dtype=bool)
    evaluation = Evaluation(card | {"class_names": names, "stress_classes": stress}, test, copies, probabilities)
    scores = measure(evaluation)
    if not has_emotions and knows_emotions:
        # of the sum of several classes the temperature is not taken back by itself
        before, judged = Evaluation(card, test, copies, answers).p_stress_before, test.classes >= 0
        fit = measure_fit(evaluation.judged.share, before[judged], evaluation.judged.groups)
        scores["calibration"] |= {"before": fit}
        scores |= {"classes": None, "without_copies": scores["without_copies"] | {"classes": None}}
    return replace(evaluation, scores=scores)


def _describe(
    run: Run, path: Path, training: Path, unseen: Unseen, evaluation: Evaluation, model: Path
) -> tuple[RunFacts, dict]:
    """What the page and metrics.json say, and the ledger's line."""
    records, scores = unseen.records, evaluation.scores
    voted = [] if unseen.votes is None else [unseen.votes.reindex(records["file"], fill_value=0)]
    line = make_line(
        run, f"final test on {path.name}", model, hash_tables(records, *voted), hash_tables(records[["sha256"]])
    )
    line |= {"trained_on": training.name, "left_out": len(unseen.copies), "commit": find_commit()}
    line["figures"] = list_ledger_figures(scores)
    (counts,) = tabulate_splits(records).drop(columns=["split", "pictures"]).to_dict("records")
    metrics = {
        "source": path.name,
        "trained_on": training.name,
        "compared": unseen.compared,
        "left_out": len(unseen.copies),
        "skipped": len(unseen.skipped),
        "pictures": len(records),
        "counts": {"test": counts},
        "class_names": evaluation.card["class_names"],
        "fingerprint": line["data"],
        **{name: line[name] for name in ("test", "model", "commit", "time")},
        "machine": describe_machine(),
        "models": {MODEL: scores},
    }
    made = {"parameters": {"SOURCE": str(path)}, "started": line["time"]}
    return RunFacts(run, {"final_test": StageFacts("final_test", "", "", "", made, metrics)}), line


def _render(facts: RunFacts, known: list[str], line: dict) -> str:
    """The page; `known` are the classes that the model tells apart."""
    opened = list_published(line["test"])
    if line["model"] not in {past["model"] for past in opened}:
        opened = [*opened, line]
    per_class = (facts.model["classes"] or {}).get("per_class", {})
    metrics = (*list_metrics("notebook"), *list_metrics("people"))
    values = describe_run(facts) | {
        "figures": [metric for metric in metrics if metric.find(facts.model) is not None],
        "confusion": tabulate_confusion(facts),
        "unknown": [name for name in per_class if name not in known],
        "absent": [name for name, figures in per_class.items() if not figures["count"]],
        "opened": opened,
        "folder": COPIES,
    }
    return render_page("final_test.html.j2", **values)


def main(arguments: list[str] | None = None) -> int:
    """Make a final test; 2 where it cannot be made, or pictures are known."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.final_test", description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="", help="labelled pictures that the shipped model has never seen")
    parser.add_argument("--trained-on", default="", help="the data that it was trained on")
    parser.add_argument(
        "--without-copies", nargs="?", const="1", default="", help="leave out pictures that are in training, too"
    )
    parser.add_argument("--classes", default="", help='what its class names mean, as "0=neutral 1=happy"')
    given = parser.parse_args(arguments)
    try:
        if given.without_copies not in ("", "1"):
            raise ValueError(f"WITHOUT_COPIES={given.without_copies}: expected 1, or nothing.")
        wanted = given.source, given.trained_on, bool(given.without_copies), given.classes
        page = run_final_test(SHIPPED / MODEL, *wanted)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    metrics = read_json(page.with_name("metrics.json"))
    print(f"Scored {metrics['pictures']:,} pictures, {metrics['left_out']:,} were left out: {page}")
    print("The ledger reports/published/test_ledger.jsonl tells of it: commit that.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
