"""What the validation pictures decide for a trained network: its temperature, and when it says nothing."""

from dataclasses import dataclass

import numpy as np

from utils.abstention import choose_threshold
from utils.calibration import fit_temperature, soften
from utils.dataset import Split
from utils.metrics import score_stress
from utils.training import predict_views
from utils.views import WHOLE, View


@dataclass(frozen=True)
class Choices:
    """Made on validation, before the test split is opened.

    Attributes:
        answers: class probabilities of the validation pictures without a temperature, float (n, classes).
        temperature: see `calibration.fit_temperature`.
        abstention: see `abstention.choose_threshold`.
        figures: `accuracy`, `auroc`, `log_loss` of Stress against Non-stress with the temperature.
    """

    answers: np.ndarray
    temperature: float
    abstention: dict | None
    figures: dict[str, float]

    def for_card(self) -> dict:
        """What model.json keeps of them."""
        return {"temperature": self.temperature, "abstention": self.abstention, "validation": self.figures}

    def describe_temperature(self) -> str:
        """What the validation pictures said of the network's confidence."""
        if self.temperature == 1:
            return "The temperature stays 1: on the validation pictures, another would gain too little to count on."
        too = "too sure" if self.temperature > 1 else "not sure enough"
        return f"Temperature {self.temperature:.2f}: the network was {too}."


def choose_on_validation(
    network,
    validation: Split,
    stress_columns: list[int],
    target_accuracy: float,
    views: tuple[View, ...] = WHOLE,
) -> Choices:
    """Choose for a network as it will be saved.

    Args:
        network: uint8 (n, 48, 48, 3) -> class probabilities.
        views: it will answer with the mean over these.
        stress_columns, target_accuracy: see `choose_from_answers`.
    """
    answers = predict_views(network, validation.images, views)
    return choose_from_answers(answers, validation.labels, stress_columns, target_accuracy)


def choose_from_answers(
    answers: np.ndarray, labels: np.ndarray, stress_columns: list[int], target_accuracy: float
) -> Choices:
    """Choose for a network that answered so.

    Args:
        answers: class probabilities of each view of the validation pictures, float (views, n, classes).
        labels: int (n,), 1 is Stress.
        stress_columns: the classes that count as Stress.
        target_accuracy: stated accuracy of the answers that are given, .5 to 1.
    """
    temperature = fit_temperature(answers, labels, stress_columns)
    p_stress = soften(answers, temperature).mean(axis=0)[:, stress_columns].sum(axis=1)
    abstention = choose_threshold(labels, p_stress, target_accuracy)
    scores = score_stress(labels, p_stress)
    figures = {name: float(scores[name][0]) for name in ("accuracy", "auroc", "log_loss")}
    return Choices(answers.mean(axis=0), temperature, abstention, figures)
