"""What a run's network is worth on its validation pictures, by the sides of the views that it looks at.

python benchmarks/views.py RUN [--sides 32 36 40 44 48]

Every side alone and every two together, always with the mirror images; the test pictures stay closed.
"""

import argparse
from itertools import combinations

import numpy as np

from utils.choices import choose_on_validation
from utils.dataset import load_split, read_manifest
from utils.networks import find_inside
from utils.paths import Run
from utils.tensorflow_quietly import keras


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Run, help="a run with a trained EmotionDetector_2")
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 36, 40, 44, 48], help="default: %(default)s")
    options = parser.parse_args()
    for sides, figures in measure_views(options.run, options.sides):
        print(f"{sides}: " + ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items()), flush=True)


def measure_views(run: Run, sides: list[int]):
    """Yields (sides, figures on validation): `classes_accuracy`, and those of `choices.Choices`."""
    manifest, validation = read_manifest(run), load_split(run, "validation")
    columns = [manifest["class_names"].index(name) for name in manifest["stress_classes"]]
    network = find_inside(keras.models.load_model(run.models / "EmotionDetector_2" / "model.keras"))
    for views in [*combinations(sides, 1), *combinations(sides, 2)]:
        choices = choose_on_validation(network, validation, columns, 0.9, views, mirror=True)
        right = np.mean(choices.answers.argmax(axis=1) == validation.targets)
        yield views, {"classes_accuracy": right} | choices.figures


if __name__ == "__main__":
    main()
