"""A saved model's answers scored: on the sealed test split, and anew from raw pictures."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.dataset import Split, read_manifest
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sealed_test import find_copies, open_test
from utils.evaluation.bootstrap import measure_classes, measure_stress
from utils.evaluation.calibration import count_right_by_confidence, measure_fit, soften
from utils.evaluation.metrics import score_stress
from utils.evaluation.selective import measure_abstention
from utils.files import read_json, write_json, write_text
from utils.inference.classifier import Classifier, stress_probability
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.paths import Run


@dataclass(frozen=True)
class Evaluation:
    """A model's answers on the test pictures.

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
    def p_stress(self) -> np.ndarray:
        """float64 (n,), as the saved network answers."""
        return stress_probability(self.probabilities, self.card["class_names"], self.card["stress_classes"])

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
    table = test.records[["file", "label"]].assign(p_stress=evaluation.p_stress)
    table[classifier.class_names] = evaluation.probabilities
    write_text(run.predictions(model_name), table.to_csv(index=False))
    added = {key: evaluation.scores[key] for key in ("stress", "classes", "without_copies")}
    reliability = count_right_by_confidence(test.labels, evaluation.p_stress)
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


def measure(evaluation: Evaluation) -> dict:
    """All figures of one model; `model` in reports/SCHEMA.md."""
    labels, groups, p_stress = evaluation.test.labels, evaluation.groups, evaluation.p_stress
    everything = _measure_split(evaluation, np.ones(len(labels), bool))
    kept = ~evaluation.copies
    without_copies = everything if kept.all() else None
    if not kept.all() and len(set(labels[kept])) == 2:
        without_copies = _measure_split(evaluation, kept)
    calibration = {
        "temperature": evaluation.card["temperature"],
        "before": measure_fit(labels, evaluation.p_stress_before, groups),
        "after": measure_fit(labels, p_stress, groups),
    }
    abstention = measure_abstention(evaluation.card["abstention"], labels, p_stress, groups)
    shown = {"without_copies": without_copies, "calibration": calibration, "abstention": abstention}
    return {"what": evaluation.card["what"]} | everything | shown


def _measure_split(evaluation: Evaluation, chosen: np.ndarray) -> dict:
    test, groups, class_names = evaluation.test, evaluation.groups[chosen], evaluation.card["class_names"]
    return {
        "stress": measure_stress(test.labels[chosen], evaluation.p_stress[chosen], groups),
        "classes": measure_classes(test.targets[chosen], evaluation.probabilities[chosen], class_names, groups),
    }


def find_disagreements(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, at_most: int
) -> tuple[np.ndarray, list[str]]:
    """Where two models give different answers: positions, int (k,), and a title for each picture."""
    positions = np.flatnonzero((first >= THRESHOLD) != (second >= THRESHOLD))[:at_most]
    titles = [f"{CLASS_NAMES[labels[i]]}\n1: {first[i]:.0%}, 2: {second[i]:.0%}" for i in positions]
    return positions, titles


SAMPLE_PICTURES = 300


def rescore(folder: Path, source: Path, pictures: int = 0, split: str = "") -> dict:
    """Score a saved model on raw labelled pictures.

    Args:
        folder: with model.tflite and model.json.
        source: anything that `ingest.inspect_source` reads.
        pictures: about that many, stratified, always the same ones; 0 takes all.
        split: only the pictures of this published split; "" takes all.

    Returns:
        `pictures` (number), `accuracy`, `auroc`, `log_loss` of Stress against Non-stress, and `class_accuracy` over the
        data set's own classes.
    """
    inspected = inspect_source(source)
    if split:
        entries = inspected.layout.entries
        chosen = entries[entries["split"] == split].reset_index(drop=True)
        inspected = replace(inspected, layout=replace(inspected.layout, entries=chosen))
    records, pixels, _ = read_pictures(inspected, pictures, seed=0)
    classifier = Classifier.load(folder)
    probabilities = classifier.probabilities(pixels)
    figures = score_stress(records["label"].to_numpy(), classifier.p_stress(probabilities))
    found = {"pictures": len(records)} | {name: float(figures[name][0]) for name in ("accuracy", "auroc", "log_loss")}
    answers = np.array(classifier.class_names)[probabilities.argmax(axis=1)]
    return found | {"class_accuracy": float((answers == records["class"].to_numpy()).mean())}
