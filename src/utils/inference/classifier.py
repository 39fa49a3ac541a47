"""From a picture to an answer: the one path of notebook, command line and page. No TensorFlow."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from utils.files import read_json
from utils.inference.faces import Crop, take_crops
from utils.inference.reasons import UNSURE
from utils.inference.tflite import SharedNetwork
from utils.labels import CLASS_NAMES, THRESHOLD
from utils.paths import ROOT
from utils.pictures import ENOUGH, SIDE, open_picture

OK, CANNOT_SAY = "ok", "cannot say"

_FEWEST_ANSWERS = 20
"""Test pictures with such a confidence, below which no frequency is told."""


@dataclass(frozen=True)
class Prediction:
    """The answer about one face, or about a picture without one.

    Attributes:
        status: "ok", or "cannot say".
        reason: a key of `utils.inference.reasons.REASONS` that says why not; "" where the status is "ok".
        label: "Stress" or "Non-stress"; None where the status is "cannot say".
        confidence: the calibrated probability of that label, .5 to 1; None where there is no label.
        frequency: of 100 test pictures answered with such a confidence, how many were answered right; None where
            there is no label, or too few such test pictures.
        p_stress: 0 to 1, also where the status is "cannot say"; None where there is no face.
        probabilities: by class name of the data set; empty where there is no face.
        box: left, top, right, bottom of the square that was cut out, in pixels of the upright picture; None where
            there is no face.
        picture: uint8 (1, 48, 48, 3), RGB: what the network saw; None where there is no face.
    """

    status: str
    reason: str = ""
    label: str | None = None
    confidence: float | None = None
    frequency: int | None = None
    p_stress: float | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    box: tuple[int, int, int, int] | None = None
    picture: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class FacePrediction(Prediction):
    """The answer about a face that is there: what the network saw, and its probabilities, are known."""

    p_stress: float
    probabilities: dict[str, float]
    box: tuple[int, int, int, int]
    picture: np.ndarray


NO_FACE = Prediction(CANNOT_SAY, "no_face")


def stress_probability(probabilities: np.ndarray, class_names: list[str], stress_classes: list[str]) -> np.ndarray:
    """P(stress): the sum over the stress classes.

    Args:
        probabilities: float (n, classes), rows sum to 1, columns in the order of `class_names`.
        class_names: of the network's outputs.
        stress_classes: those of them that count as Stress.

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
    """The folder of the model that answers where none is named: the shipped one, trained on real faces.

    A checkout without it answers with the newest run's: EmotionDetector_2, or 1 where there is no 2 yet. A run on
    the rendered sample must not change what the page says about real faces.

    Raises:
        FileNotFoundError: there is no saved model.
    """
    models = ROOT / "models"
    shipped = models / "shipped" / "EmotionDetector_2"
    if (shipped / "model.json").exists():
        return shipped
    cards = list(models.glob("*/EmotionDetector_[12]/model.json"))
    if not cards:
        raise FileNotFoundError(f"No saved model in {models}: train one first, with `make pipeline`.")
    newest = max(cards, key=lambda card: card.stat().st_mtime).parents[1]
    second = newest / "EmotionDetector_2"
    return second if (second / "model.json").exists() else newest / "EmotionDetector_1"


class Classifier:
    """A saved model, ready to answer. Threads may share it.

    Args:
        model: the bytes of its model.tflite.
        class_names: of the network's outputs.
        stress_classes: those that count as stress.
        abstention: from model.json: `confidence` below which there is no answer; None: always answer.
        reliability: from model.json: bins of confidence with `from`, `to`, `count` and `right`.
        name: for the reader.
        target: what it has learnt, from model.json: people's "votes", or "labels".

    Raises:
        ValueError: the bytes are no such network, or its outputs, the names and the stress classes do not fit together.
    """

    def __init__(
        self,
        model: bytes,
        class_names: list[str],
        stress_classes: list[str],
        abstention: dict | None = None,
        reliability: list[dict] | None = None,
        name: str = "",
        target: str = "labels",
    ):
        self.target = target
        self.class_names, self.stress_classes = class_names, stress_classes
        self.abstention, self.reliability, self.name = abstention, reliability or [], name
        self._network = SharedNetwork(model)
        if self._network.input_shape != (SIDE, SIDE, 3):
            raise ValueError(f"a network for {self._network.input_shape}: expected ({SIDE}, {SIDE}, 3)")
        outputs = self.probabilities(np.zeros((1, SIDE, SIDE, 3), np.uint8)).shape[1]
        if len(class_names) != outputs:
            raise ValueError(f"class_names {class_names}: expected {outputs}, one for each output of the network")
        if not set(stress_classes) <= set(class_names):
            raise ValueError(f"stress_classes {stress_classes}: expected some of {class_names}")

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
            check_card(card)
            model = (folder / "model.tflite").read_bytes()
            doubt = card.get("abstention"), card.get("reliability")
            known = *doubt, "/".join(folder.parts[-2:]), card.get("target", "labels")
            return cls(model, card["class_names"], card["stress_classes"], *known)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"The saved model in {folder} is not whole: {str(error).rstrip('.')}. Train it again."
            ) from error

    def probabilities(self, pictures: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Class probabilities: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes), columns as `class_names`."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(f"pictures {pictures.dtype} {pictures.shape}: expected uint8 (n, 48, 48, 3).")
        starts = range(0, len(pictures), batch_size)
        parts = [self._network(np.ascontiguousarray(pictures[start : start + batch_size]))[0] for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, len(self.class_names)), np.float32)

    def p_stress(self, probabilities: np.ndarray) -> np.ndarray:
        """P(stress) of each row of `probabilities`: float64 (n,)."""
        return stress_probability(probabilities, self.class_names, self.stress_classes)

    def judge(self, crops: list[Crop]) -> list[FacePrediction]:
        """Answer about each crop, from `utils.inference.faces.take_crops`."""
        if not crops:
            return []
        probabilities = self.probabilities(np.stack([crop.pixels for crop in crops]))
        answers = zip(crops, probabilities, self.p_stress(probabilities), strict=True)
        return [self._judge(crop, row, float(p_stress)) for crop, row, p_stress in answers]

    def _judge(self, crop: Crop, row: np.ndarray, p_stress: float) -> FacePrediction:
        label, confidence = name_answer(p_stress)
        unsure = self.abstention is not None and confidence < self.abstention["confidence"]
        reason = crop.fault or (UNSURE[self.target] if unsure else "")
        seen = FacePrediction(
            CANNOT_SAY if reason else OK,
            reason,
            p_stress=p_stress,
            probabilities={name: float(p) for name, p in zip(self.class_names, row, strict=True)},
            box=crop.box,
            picture=crop.pixels[np.newaxis],
        )
        if reason:
            return seen
        return replace(seen, label=label, confidence=confidence, frequency=self._frequency(confidence))

    def _frequency(self, confidence: float) -> int | None:
        """Of 100 test pictures answered with such a confidence, how many were answered right; None: too few."""
        for part in self.reliability:
            if part["from"] <= confidence <= part["to"] and part["count"] >= _FEWEST_ANSWERS:
                return round(100 * part["right"] / part["count"])
        return None

    def predict_faces(self, picture: bytes | Path, face: str = "auto") -> list[FacePrediction]:
        """Answer about every face in a picture, the surest first; none where no face was found.

        Args:
            picture: encoded, or a path.
            face: how the faces are taken, see `take_crops`.

        Raises:
            PictureError: it cannot be read; the message is the reason.
        """
        return self.judge(take_crops(open_picture(picture, enough=ENOUGH), face))

    def predict(self, picture: bytes | Path, face: str = "auto") -> Prediction:
        """The answer about a picture's surest face, or NO_FACE; arguments and errors as `predict_faces`."""
        return next(iter(self.predict_faces(picture, face)), NO_FACE)


_BIN = ("from", "to", "count", "right")
"""What each bin of `reliability` holds."""


def check_card(card: dict) -> None:
    """Raise ValueError where what model.json holds is not of the kind that an answer needs."""
    for name in ("class_names", "stress_classes"):
        names = card.get(name)
        if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise ValueError(f"{name} {names!r}: expected a list of names")
    if card.get("target", "labels") not in UNSURE:
        raise ValueError(f"target {card['target']!r}: expected {' or '.join(UNSURE)}")
    abstention, reliability = card.get("abstention"), card.get("reliability") or []
    if not (abstention is None or _has_numbers(abstention, ("confidence",))):
        raise ValueError(f"abstention {abstention!r}: expected null, or an object with the number confidence")
    if not (isinstance(reliability, list) and all(_has_numbers(one, _BIN) for one in reliability)):
        raise ValueError(f"reliability {reliability!r}: expected objects with the numbers {', '.join(_BIN)}")


def _has_numbers(part: object, names: tuple[str, ...]) -> bool:
    return isinstance(part, dict) and all(isinstance(part.get(name), int | float) for name in names)
