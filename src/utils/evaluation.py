"""A saved model on the sealed test split: figures for the report, predictions for comparing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from utils.dataset import Split, open_test, read_manifest
from utils.files import write_text
from utils.inference import Classifier
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.metrics import score_classes, score_stress
from utils.paths import Run

_KEYS = ["file", "label", "p_stress"]


@dataclass(frozen=True)
class Evaluation:
    """A model's answers on the test pictures.

    Attributes:
        test: the pictures.
        probabilities: float32 (n, classes).
        p_stress: float64 (n,).
        scores: {"stress": figures of `score_stress`, "classes": figures of `score_classes`}.
    """

    test: Split
    probabilities: np.ndarray
    p_stress: np.ndarray
    scores: dict


def evaluate_on_test(run: Run, stage: str, model_name: str) -> Evaluation:
    """Open the test split once for a saved model, score it, and store its predictions for comparing."""
    classifier = Classifier.load(run.models / model_name)
    test = open_test(run, purpose=f"{stage}: evaluate {model_name}", model=run.models / model_name)
    probabilities = classifier.probabilities(test.images)
    p_stress = classifier.p_stress(probabilities)
    table = test.records[["file", "label"]].assign(p_stress=p_stress)
    table[classifier.class_names] = probabilities
    write_text(run.predictions(stage), table.to_csv(index=False))
    scores = {"stress": score_stress(test.labels, p_stress), "classes": score_classes(test.targets, probabilities)}
    return Evaluation(test, probabilities, p_stress, scores)


def read_predictions(run: Run, stage: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The test predictions that a stage stored: (`file`, `label`, `p_stress`), float (n, classes).

    Raises:
        FileNotFoundError: the stage has not run.
    """
    path = run.predictions(stage)
    if not path.exists():
        raise FileNotFoundError(f"No test predictions of {stage} in the run {run.name!r}: run {stage} first.")
    table = pd.read_csv(path)
    return table[_KEYS], table[read_manifest(run)["class_names"]].to_numpy()


def count_agreement(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, int]:
    """How many pictures both, one or neither of two models answer right.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        first, second: P(stress) of the two models, float (n,).
    """
    first_right, second_right = ((p >= THRESHOLD) == labels for p in (first, second))
    return {
        "both": int((first_right & second_right).sum()),
        "the first only": int((first_right & ~second_right).sum()),
        "the second only": int((~first_right & second_right).sum()),
        "neither": int((~first_right & ~second_right).sum()),
    }


def find_disagreements(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, at_most: int
) -> tuple[np.ndarray, list[str]]:
    """Where two models give different answers: positions, int (k,), and a title for each picture."""
    positions = np.flatnonzero((first >= THRESHOLD) != (second >= THRESHOLD))[:at_most]
    titles = [f"{CLASS_NAMES[labels[i]]}\n1: {first[i]:.0%}, 2: {second[i]:.0%}" for i in positions]
    return positions, titles
