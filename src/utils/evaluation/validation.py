"""What the validation pictures decide and show: temperature, abstention, and what chance does to a training."""

from dataclasses import dataclass

import numpy as np

from utils.data.dataset import Split
from utils.evaluation.calibration import fit_temperature, soften
from utils.evaluation.metrics import score_stress
from utils.evaluation.selective import choose_threshold


@dataclass(frozen=True)
class Choices:
    """Made on validation, before the test split is opened.

    Attributes:
        answers: class probabilities of the validation pictures without a temperature, float (n, classes).
        temperature: see `calibration.fit_temperature`.
        target_accuracy: what was to be promised of the answers that are given.
        abstention: see `selective.choose_threshold`.
        figures: `accuracy`, `auroc`, `log_loss` of Stress against Non-stress with the temperature.
    """

    answers: np.ndarray
    temperature: float
    target_accuracy: float
    abstention: dict | None
    figures: dict[str, float]

    def for_card(self) -> dict:
        """What model.json keeps of them."""
        promised = {"target_accuracy": self.target_accuracy, "abstention": self.abstention}
        return {"temperature": self.temperature} | promised | {"validation": self.figures}


def choose_on_validation(
    answers: np.ndarray, validation: Split, stress_columns: list[int], target_accuracy: float
) -> Choices:
    """Choose temperature and threshold for a network, as it will be saved.

    Args:
        answers: class probabilities of each view of the validation pictures, float (views, n, classes).
        validation: those pictures.
        stress_columns: the classes that count as Stress.
        target_accuracy: to be promised of the answers that are given, .5 to 1.
    """
    temperature = fit_temperature(answers, validation.targets[:, stress_columns].sum(axis=1), stress_columns)
    p_stress = soften(answers, temperature).mean(axis=0)[:, stress_columns].sum(axis=1)
    decided = validation.labels >= 0
    labels, p_stress, groups = validation.labels[decided], p_stress[decided], validation.records["group"][decided]
    abstention = choose_threshold(labels, p_stress, groups.to_numpy(), target_accuracy)
    scores = score_stress(labels, p_stress)
    figures = {name: float(scores[name][0]) for name in ("accuracy", "auroc", "log_loss")}
    return Choices(answers.mean(axis=0), temperature, target_accuracy, abstention, figures)


def measure_seeds(labels: np.ndarray, answers: dict[int, np.ndarray], stress_columns: list[int]) -> dict:
    """Validation figures of each seed's network; `seeds` in reports/SCHEMA.md.

    Validation, not test: every look at the test pictures is one too many for a network that is not kept.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress, -1 is left out, of the validation pictures.
        answers: by seed, class probabilities, float (n, classes).
        stress_columns: the classes that count as Stress.
    """
    decided = labels >= 0
    figures = [score_stress(labels[decided], each[decided][:, stress_columns].sum(axis=1)) for each in answers.values()]
    names = ("accuracy", "auroc", "log_loss")
    return {"seeds": list(answers)} | {name: [float(each[name][0]) for each in figures] for name in names}
