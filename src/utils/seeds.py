"""How much of a figure is the luck of one training: the same training from other seeds."""

import numpy as np

from utils.metrics import score_stress


def measure_seeds(labels: np.ndarray, answers: dict[int, np.ndarray], stress_columns: list[int]) -> dict:
    """Validation figures of each seed's network; `seeds` in reports/SCHEMA.md.

    Validation, not test: every look at the test pictures is one too many for a network that is not kept.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress, of the validation pictures.
        answers: by seed, class probabilities, float (n, classes).
        stress_columns: the classes that count as Stress.
    """
    figures = [score_stress(labels, each[:, stress_columns].sum(axis=1)) for each in answers.values()]
    names = ("accuracy", "auroc", "log_loss")
    return {"seeds": list(answers)} | {name: [float(each[name][0]) for each in figures] for name in names}


def describe_seeds(seeds: dict, accuracy: dict) -> str:
    """The spread over seeds beside the interval over pictures.

    Args:
        seeds: from `measure_seeds`.
        accuracy: the saved network's figure on the test pictures, {"value", "low", "high"}.
    """
    values = seeds["accuracy"]
    if len(values) == 1:
        return (
            "From one seed: how much another would change is not known. "
            "Give `SEEDS` several numbers to see it, where something is trained; each costs a training."
        )
    half = (accuracy["high"] - accuracy["low"]) / 2
    return (
        f"Trained from {len(values)} seeds, validation accuracy runs from {min(values):.3f} to {max(values):.3f} "
        f"(standard deviation {np.std(values, ddof=1):.3f}). The interval over the test pictures, ±{half:.3f}, "
        "does not hold this chance: it is of the one network that was saved."
    )
