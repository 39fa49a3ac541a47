"""A saved model's answers scored: on the sealed test split, and anew from raw pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.data.dataset import Split, read_manifest
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sealed_test import find_copies, open_test
from utils.data.votes import UNSURE, judge_votes, list_classes
from utils.evaluation.bootstrap import measure_classes, measure_share, measure_stress
from utils.evaluation.calibration import count_right_by_confidence, measure_fit, soften
from utils.evaluation.comparison import compare_rows
from utils.evaluation.metrics import score_stress
from utils.evaluation.people import align_probabilities, measure_given, measure_label, measure_people
from utils.evaluation.selective import measure_abstention
from utils.files import read_json, write_json, write_text
from utils.inference.classifier import Classifier, stress_probability
from utils.paths import Run


@dataclass(frozen=True)
class Evaluation:
    """A model's answers on test pictures.

    Attributes:
        card: its model.json.
        test: the pictures.
        copies: bool (n,), whether a picture's group also occurs outside test.
        probabilities: float (n, classes).
        scores: `model` in reports/SCHEMA.md.
    """

    card: dict
    test: Split
    copies: np.ndarray
    probabilities: np.ndarray
    scores: dict = field(default_factory=dict)

    @property
    def groups(self) -> np.ndarray:
        """What intervals are drawn over, int (n,)."""
        return self.test.records["group"].to_numpy()

    @property
    def share(self) -> np.ndarray:
        """The share of people who see Stress, or the label where there is one for each picture: float64 (n,)."""
        columns = [self.card["class_names"].index(name) for name in self.card["stress_classes"]]
        # the sum of shares in float32 may lie beside what it is of, and above 1
        return self.test.targets[:, columns].sum(axis=1, dtype=np.float64).round(6)

    @property
    def p_stress(self) -> np.ndarray:
        """float64 (n,), as the saved network answers."""
        return stress_probability(self.probabilities, self.card["class_names"], self.card["stress_classes"])

    def take(self, chosen: np.ndarray) -> "Evaluation":
        """The same on some of the pictures; `chosen` is bool (n,)."""
        if chosen.all():
            return self
        test, copies, probabilities = self.test.take(chosen), self.copies[chosen], self.probabilities[chosen]
        return replace(self, test=test, copies=copies, probabilities=probabilities)

    @cached_property
    def judged(self) -> "Evaluation":
        """The same on the pictures of which people say a class."""
        return self.take(self.test.classes >= 0)

    @cached_property
    def decided(self) -> "Evaluation":
        """The same on the pictures on which most people agree whether it is Stress."""
        return self.take(self.test.labels >= 0)

    @property
    def p_stress_before(self) -> np.ndarray:
        """float64 (n,), with the temperature taken back: exact to about 1e-6 where the network has one view."""
        before = soften(self.probabilities, 1 / self.card["temperature"])
        return stress_probability(before, self.card["class_names"], self.card["stress_classes"])


def score_on_test(run: Run, stage: str, model_name: str) -> Evaluation:
    """Open the test split once for a saved model, score it, store its predictions, complete its model.json."""
    folder = run.models / model_name
    classifier, card = Classifier.load(folder), read_json(folder / "model.json")
    test = open_test(run, purpose=f"{stage}: evaluate {model_name}", model=folder)
    evaluation = Evaluation(card, test, find_copies(run, test.records), classifier.probabilities(test.images))
    evaluation = replace(evaluation, scores=measure(evaluation))
    table = test.records[["file", "label"]].assign(p_stress=evaluation.p_stress).replace({"label": {-1: ""}})
    table[classifier.class_names] = evaluation.probabilities
    write_text(run.predictions(model_name), table.to_csv(index=False))
    added = {key: evaluation.scores[key] for key in ("stress", "classes", "without_copies")}
    reliability = count_right_by_confidence(evaluation.decided.test.labels, evaluation.decided.p_stress)
    write_json(folder / "model.json", card | {"reliability": reliability, "metrics": added})
    return evaluation


def read_evaluation(run: Run, stage: str, model_name: str, test: Split) -> Evaluation:
    """What a stage found for a model, beside the same test pictures: none of them is opened again.

    Raises:
        FileNotFoundError: the stage has not run.
        ValueError: it had other test pictures or labels.
    """
    if not (run.predictions(model_name).exists() and run.metrics(stage).exists()):
        raise FileNotFoundError(f"No test predictions of {model_name} in the run {run.name!r}: run {stage} first.")
    table, card = pd.read_csv(run.predictions(model_name)), read_json(run.models / model_name / "model.json")
    if table["file"].tolist() != test.records["file"].tolist():
        raise ValueError(f"{stage} had other test pictures ({len(table):,}) than these ({len(test.records):,}): rerun.")
    if card["data"] != read_manifest(run)["fingerprint"]:
        raise ValueError(f"{stage} had other data than the run has now: run it again.")
    scores = read_json(run.metrics(stage))["models"][model_name]
    probabilities = table[card["class_names"]].to_numpy()
    return Evaluation(card, test, find_copies(run, test.records), probabilities, scores)


def look_again(run: Run, stage: str, scored_by: str, model_name: str) -> Evaluation:
    """Open the test split for a second look at a model that another stage has scored: its stored answers and figures.

    Raises:
        FileNotFoundError: as `read_evaluation`.
        ValueError: the same.
    """
    test = open_test(run, purpose=f"{stage}: a second look at {model_name}", model=run.models / model_name)
    return read_evaluation(run, scored_by, model_name, test)


def measure(evaluation: Evaluation) -> dict:
    """All figures of one model; `model` in reports/SCHEMA.md."""
    decided, judged, kept = evaluation.decided, evaluation.judged, ~evaluation.copies
    everything = _measure_split(evaluation)
    without_copies = everything if kept.all() else None
    if not kept.all() and {0, 1} <= set(evaluation.test.labels[kept]):
        without_copies = _measure_split(evaluation.take(kept))
    calibration = {
        "temperature": evaluation.card["temperature"],
        "before": measure_fit(judged.share, judged.p_stress_before, judged.groups),
        "after": measure_fit(judged.share, judged.p_stress, judged.groups),
    }
    abstention = measure_abstention(
        evaluation.card["abstention"], decided.test.labels, decided.p_stress, decided.groups
    )
    shown = {"without_copies": without_copies, "calibration": calibration, "abstention": abstention}
    return {"what": evaluation.card["what"]} | everything | shown | _measure_beside_people(evaluation)


def _measure_beside_people(evaluation: Evaluation) -> dict:
    """`people`, `label` and `given` of a model in reports/SCHEMA.md; None each where nobody voted."""
    test, groups, class_names = evaluation.test, evaluation.groups, evaluation.card["class_names"]
    if test.votes is None or test.unsure is None:
        return {"people": None, "label": None, "given": None}
    named: dict[str, Any] = {
        "class_names": class_names,
        "stress_classes": evaluation.card["stress_classes"],
        "groups": groups,
    }
    given = pd.Index(class_names).get_indexer(test.records["given"])
    return {
        "people": measure_people(test.votes, test.unsure, evaluation.probabilities, **named),
        "label": measure_label(given, test.votes, test.unsure, **named),
        "given": measure_given(given, evaluation.probabilities, **named),
    }


def _measure_split(evaluation: Evaluation) -> dict:
    decided, judged = evaluation.decided, evaluation.judged
    stress = measure_stress(decided.test.labels, decided.p_stress, decided.groups)
    if judged.test.votes is not None:
        # what P(Stress) says is how many people see it, not how surely most do
        stress |= measure_share(judged.share, judged.p_stress, judged.groups)
    return {
        "stress": stress,
        "classes": measure_classes(
            judged.test.classes, judged.probabilities, judged.card["class_names"], judged.groups
        ),
    }


def compare_models(rows: dict[str, Evaluation]) -> list[dict]:
    """Each pair of models on the same test pictures; `comparison` in reports/SCHEMA.md."""
    decided = {name: row.decided for name, row in rows.items()}
    first = next(iter(decided.values()))
    return compare_rows(decided, first.test.labels, first.test.classes, first.groups)


SAMPLE_PICTURES = 300


def rescore(folder: Path, source: Path, pictures: int = 0, split: str = "") -> dict:
    """Score a saved model on raw pictures, as `score_source` does; `folder` holds model.tflite and model.json."""
    classifier = Classifier.load(folder)
    return score_source(
        classifier.probabilities, classifier.class_names, classifier.stress_classes, source, pictures, split
    )


def score_source(
    answer: Callable[[np.ndarray], np.ndarray],
    class_names: list[str],
    stress_classes: list[str],
    source: Path,
    pictures: int = 0,
    split: str = "",
) -> dict:
    """Score whatever answers on raw pictures that people labelled or voted on.

    Args:
        answer: uint8 (n, 48, 48, 3), RGB -> class probabilities, float (n, classes).
        class_names: of its columns.
        stress_classes: those of them that count as Stress.
        source: anything that `ingest.inspect_source` reads.
        pictures: about that many, stratified, always the same ones; 0 takes all.
        split: only the pictures of this published split; "" takes all.

    Returns:
        `pictures` (number, of those with a majority where people voted), `accuracy`, `auroc`, `log_loss` of Stress
        against Non-stress, and `class_accuracy` over the classes; where people voted, also `people`, `given`, and
        `brier` and `ece` of `stress` as in reports/SCHEMA.md.
    """
    inspected = inspect_source(source)
    if split:
        entries = inspected.layout.entries
        chosen = entries[entries["split"] == split].reset_index(drop=True)
        inspected = replace(inspected, layout=replace(inspected.layout, entries=chosen))
    records, pixels, _ = read_pictures(inspected, pictures, seed=0)
    probabilities = answer(pixels)
    labels, answers = records["label"].to_numpy(), np.array(class_names)[probabilities.argmax(axis=1)]
    decided = labels >= 0
    p_stress = stress_probability(probabilities, class_names, stress_classes)
    figures = score_stress(labels[decided], p_stress[decided])
    found = {name: float(figures[name][0]) for name in ("accuracy", "auroc", "log_loss")}
    found |= {"pictures": int(decided.sum()), "class_accuracy": float((answers == records["class"])[decided].mean())}
    if inspected.votes is None:
        return found
    voted, counts = list_classes(inspected.votes), inspected.votes.reindex(records["file"], fill_value=0)
    aligned = align_probabilities(probabilities, class_names, voted)
    known: dict[str, Any] = {"class_names": voted, "stress_classes": stress_classes, "groups": np.arange(len(records))}
    votes, unsure = counts[voted].to_numpy(), counts[list(UNSURE)].to_numpy()
    judged = judge_votes(votes, unsure) == ""
    share = votes[judged][:, np.isin(voted, stress_classes)].sum(axis=1) / votes[judged].sum(axis=1)
    given = pd.Index(voted).get_indexer(records["given"])
    return found | {
        "stress": measure_share(share, p_stress[judged], np.flatnonzero(judged)),
        "people": measure_people(votes, unsure, aligned, **known),
        "given": measure_given(given, aligned, **known),
    }
