"""What a temperature is worth on pictures that it was not fitted to: those of validation, halved again and again.

python benchmarks/temperature.py RUN [--model EmotionDetector_2] [--halvings 200]

For the log-loss of P(Stress) on the second half: temperature 1, the best one of the first half, and the best one where
it gains enough, as `calibration.fit_temperature` has it. The test pictures stay closed.
"""

import argparse

import numpy as np

from utils.calibration import fit_temperature, soften
from utils.dataset import load_split
from utils.files import read_json
from utils.metrics import score_stress
from utils.networks import find_inside
from utils.paths import Run
from utils.progress import track
from utils.tensorflow_quietly import keras
from utils.training import predict_views
from utils.views import read_views


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Run, help="a run with a trained network")
    parser.add_argument("--model", default="EmotionDetector_2", help="default: %(default)s")
    parser.add_argument("--halvings", type=int, default=200, help="default: %(default)s")
    options = parser.parse_args()
    for name, loss in measure_halves(*load_answers(options.run, options.model), options.halvings).items():
        print(f"{name}: {loss:.4f}")


def load_answers(run: Run, model: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """`probabilities`, `labels` and `stress_columns` of the validation pictures, as for `fit_temperature`."""
    folder, validation = run.models / model, load_split(run, "validation")
    card = read_json(folder / "model.json")
    network = find_inside(keras.models.load_model(folder / "model.keras"))
    answers = soften(predict_views(network, validation.images, read_views(card)), 1 / card["temperature"])
    return answers, validation.labels, [card["class_names"].index(name) for name in card["stress_classes"]]


def measure_halves(probabilities, labels, stress_columns: list[int], halvings: int, seed: int = 0) -> dict[str, float]:
    """Mean log-loss on the halves that fitted nothing, by what was done with the other half.

    Args:
        probabilities, labels, stress_columns: from `load_answers`.
    """
    rng = np.random.default_rng(seed)
    losses = {"left at 1": [], "fitted": [], "fitted where it gains enough": []}
    for _ in track(range(halvings), halvings, "halving", "Halving"):
        first, second = np.array_split(rng.permutation(len(labels)), 2)
        half = probabilities[:, first], labels[first], stress_columns
        temperatures = 1, fit_temperature(*half, worth=0), fit_temperature(*half)
        for found, temperature in zip(losses.values(), temperatures, strict=True):
            p_stress = soften(probabilities[:, second], temperature).mean(axis=0)[:, stress_columns].sum(axis=1)
            found.append(float(score_stress(labels[second], p_stress)["log_loss"][0]))
    return {name: float(np.mean(found)) for name, found in losses.items()}


if __name__ == "__main__":
    main()
