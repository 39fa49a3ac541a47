"""What a run's network is worth on its validation pictures, and what it costs, by the sides of the views it looks at.

python benchmarks/views.py RUN [--sides 32 36 40 44 48]

Every side alone and every two together, always with the mirror images; the test pictures stay closed.
"""

import argparse
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from answering import time_call

from utils.choices import choose_on_validation
from utils.dataset import load_split, read_manifest
from utils.networks import build_inference_network, find_inside
from utils.paths import Run
from utils.tensorflow_quietly import keras
from utils.tflite import SharedNetwork
from utils.training import save_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Run, help="a run with a trained EmotionDetector_2")
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 36, 40, 44, 48], help="default: %(default)s")
    options = parser.parse_args()
    for sides, figures in measure_views(options.run, options.sides):
        print(f"{sides}: " + ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items()), flush=True)


def measure_views(run: Run, sides: list[int]):
    """Yields (sides, figures): on validation `classes_accuracy` and those of `choices.Choices`; `milliseconds`."""
    manifest, validation = read_manifest(run), load_split(run, "validation")
    columns = [manifest["class_names"].index(name) for name in manifest["stress_classes"]]
    network = find_inside(keras.models.load_model(run.models / "EmotionDetector_2" / "model.keras"))
    for views in [*combinations(sides, 1), *combinations(sides, 2)]:
        choices = choose_on_validation(network, validation, columns, 0.9, views, mirror=True)
        right = np.mean(choices.answers.argmax(axis=1) == validation.targets)
        milliseconds = time_answer(build_inference_network(network, sides=views, mirror=True), validation.images[:1])
        yield views, {"classes_accuracy": right} | choices.figures | {"milliseconds": milliseconds}


def time_answer(network, picture: np.ndarray) -> float:
    """Median milliseconds of an answer about one picture by TFLite, on one core."""
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", network, {})
        answer = SharedNetwork((Path(folder) / "model" / "model.tflite").read_bytes())
    return 1e3 * time_call(answer, picture, 100)


if __name__ == "__main__":
    main()
