"""From a picture to an answer: the one path of notebook, command line and page. No TensorFlow."""

import importlib
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.files import read_json
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.paths import ROOT
from utils.pictures import SIDE, open_picture, to_input
from utils.quiet import quiet_stderr


@dataclass(frozen=True)
class Prediction:
    """The answer about one picture.

    Attributes:
        label: "Stress" or "Non-stress".
        confidence: the probability of that label, .5 to 1.
        p_stress: 0 to 1.
        probabilities: by class name of the data set.
        picture: uint8 (1, 48, 48, 3), RGB: what the network saw.
    """

    label: str
    confidence: float
    p_stress: float
    probabilities: dict[str, float]
    picture: np.ndarray


def stress_probability(probabilities: np.ndarray, class_names: list[str], stress_classes: list[str]) -> np.ndarray:
    """P(stress): the sum over the stress classes.

    Args:
        probabilities: float (n, classes), rows sum to 1, columns in the order of `class_names`.

    Returns:
        float64 (n,), 0 to 1.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(class_names):
        raise ValueError(f"probabilities of shape {probabilities.shape}: expected (n, {len(class_names)}).")
    columns = [class_names.index(name) for name in stress_classes]
    # float32 rows sum to 1 within rounding only
    return np.clip(probabilities[:, columns].sum(axis=1, dtype=np.float64), 0.0, 1.0)


def name_answer(p_stress: float) -> tuple[str, float]:
    """(label, confidence) for P(stress): the likelier answer and its probability, .5 to 1."""
    label = int(p_stress >= THRESHOLD)
    return CLASS_NAMES[label], p_stress if label else 1 - p_stress


def find_model() -> Path:
    """The folder of the newest run's model: EmotionDetector_2, or 1 where there is no 2 yet; else the shipped one.

    Raises:
        FileNotFoundError: there is no saved model.
    """
    models = ROOT / "models"
    shipped = models / "shipped"
    cards = [card for card in models.glob("*/EmotionDetector_[12]/model.json") if shipped not in card.parents]
    run = max(cards, key=lambda card: card.stat().st_mtime).parents[1] if cards else shipped
    for folder in (run / "EmotionDetector_2", run / "EmotionDetector_1"):
        if (folder / "model.json").exists():
            return folder
    raise FileNotFoundError(f"No saved model in {models}: train one first, with `make pipeline`.")


class Classifier:
    """A saved model, ready to answer. Threads may share it."""

    def __init__(self, model: bytes, class_names: list[str], stress_classes: list[str]):
        from ai_edge_litert.interpreter import Interpreter

        self.class_names, self.stress_classes = class_names, stress_classes
        # One interpreter is not safe under several threads.
        self._lock = threading.Lock()
        self._allocated = None
        with quiet_stderr():
            self._interpreter = Interpreter(model_content=model)
            self._input = self._interpreter.get_input_details()[0]["index"]
            self._output = self._interpreter.get_output_details()[0]["index"]
            self._invoke(np.zeros((1, SIDE, SIDE, 3), np.uint8))

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Read a saved model's folder.

        Raises:
            FileNotFoundError: there is no model in the folder.
            ValueError: there is one, but part of it is missing or broken.
        """
        if not (folder / "model.json").exists():
            raise FileNotFoundError(f"No saved model in {folder}: run the notebook that trains it first.")
        try:
            card = read_json(folder / "model.json")
            return cls((folder / "model.tflite").read_bytes(), card["class_names"], card["stress_classes"])
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"The saved model in {folder} is not whole: {error!r}. Train it again.") from error

    def probabilities(self, pictures: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Class probabilities: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes), columns as `class_names`."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(f"pictures {pictures.dtype} {pictures.shape}: expected uint8 (n, 48, 48, 3).")
        starts = range(0, len(pictures), batch_size)
        parts = [self._invoke(np.ascontiguousarray(pictures[start : start + batch_size])) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, len(self.class_names)), np.float32)

    def _invoke(self, batch: np.ndarray) -> np.ndarray:
        with self._lock:
            if batch.shape != self._allocated:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._allocated = batch.shape
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output).copy()

    def p_stress(self, probabilities: np.ndarray) -> np.ndarray:
        """P(stress) of each row of `probabilities`: float64 (n,)."""
        return stress_probability(probabilities, self.class_names, self.stress_classes)

    def predict(self, picture: bytes | Path) -> Prediction:
        """Answer about one picture.

        Raises:
            PictureError: it cannot be read; the message is the reason.
        """
        pixels = to_input(open_picture(picture))[np.newaxis]
        probabilities = self.probabilities(pixels)
        p_stress = float(self.p_stress(probabilities)[0])
        label, confidence = name_answer(p_stress)
        return Prediction(
            label=label,
            confidence=confidence,
            p_stress=p_stress,
            probabilities={name: float(p) for name, p in zip(self.class_names, probabilities[0], strict=True)},
            picture=pixels,
        )


if __name__ == "__main__":
    # by name: notebooks that import this module must not depend on the command line's code
    sys.exit(importlib.import_module("utils.command_line").main())
