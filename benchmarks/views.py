"""Which views of a picture a run's network should answer over: what they bring on validation, and what they cost.

python benchmarks/views.py RUN [--sides 32 36 40 44 48] [--crops 48 44 42 40] [--most 4]

View after view is added, each time the one with which the network tells the classes apart best, whatever it costs.
Fewer sides make cheaper answers: views of one side are looked at together. The test pictures stay closed.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from answering import time_call
from sklearn.metrics import log_loss

from utils.calibration import soften
from utils.choices import choose_from_answers
from utils.dataset import load_split, read_manifest
from utils.networks import build_inference_network, find_inside
from utils.paths import Run
from utils.tensorflow_quietly import keras
from utils.tflite import SharedNetwork
from utils.training import predict_views, save_model
from utils.views import View


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Run, help="a run with a trained EmotionDetector_2")
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 36, 40, 44, 48], help="default: %(default)s")
    parser.add_argument("--crops", type=int, nargs="+", default=[48, 44, 42, 40], help="default: %(default)s")
    parser.add_argument("--most", type=int, default=4, help="views; default: %(default)s")
    options = parser.parse_args()
    for views, figures in measure_views(options.run, options.sides, options.crops, options.most):
        print([[view.side, view.crop] for view in views], end=": ")
        print(", ".join(f"{name} {figure:.4f}" for name, figure in figures.items()), flush=True)


def measure_views(run: Run, sides: list[int], crops: list[int], most: int):
    """Yields (views, figures) with one view more each time, every second one mirrored.

    On validation `classes_accuracy`, `classes_log_loss` and the figures of `choices.Choices`; `milliseconds`.
    """
    manifest, validation = read_manifest(run), load_split(run, "validation")
    columns = [manifest["class_names"].index(name) for name in manifest["stress_classes"]]
    network = find_inside(keras.models.load_model(run.models / "EmotionDetector_2" / "model.keras"))
    answers = {
        view: predict_views(network, validation.images, (view,))[0]
        for view in (View(*one) for one in product(sides, crops, (False, True)))
    }

    def measure(views):
        seen = np.stack([answers[view] for view in views])
        choices = choose_from_answers(seen, validation.labels, columns, 0.9)
        probabilities = soften(seen, choices.temperature).mean(axis=0)
        figures = {"classes_accuracy": np.mean(probabilities.argmax(axis=1) == validation.targets)}
        figures["classes_log_loss"] = log_loss(validation.targets, probabilities, labels=range(len(probabilities[0])))
        return figures | choices.figures

    views = ()
    for position in range(most):
        added = [views + (View(side, crop, position % 2 == 1),) for side, crop in product(sides, crops)]
        views = min(added, key=lambda some: measure(some)["classes_log_loss"])
        milliseconds = time_answer(network, views, validation.images)
        yield views, measure(views) | {"milliseconds": milliseconds}


def time_answer(network, views: tuple[View, ...], pictures: np.ndarray) -> float:
    """Median milliseconds of an answer about one picture by TFLite, on one core, without what is silent about these."""
    card = {"training": {"views": [view._asdict() for view in views]}}
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", build_inference_network(network, views=views), card, pictures)
        answer = SharedNetwork((Path(folder) / "model" / "model.tflite").read_bytes())
    return 1e3 * time_call(answer, pictures[:1], 100)


if __name__ == "__main__":
    main()
