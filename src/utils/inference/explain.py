"""What moved an answer: parts of the face, and small changes of it. No TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from utils.inference.classifier import Classifier, Prediction
from utils.inference.similar import Neighbour, find_similar
from utils.pictures import SIDE

_PATCH, _STEP = 12, 6
"""Pixels: the side of what is covered, and how far it moves: 49 covered pictures an answer."""


FULL_SCALE = 0.25
"""Change of P(stress) that has a map's full colour, in every map alike: few faces have a place beyond."""

FEWEST_POINTS = 2
"""Hundredths of P(stress): a map that reaches fewer says that nothing moved the answer."""

FOR_STRESS, AGAINST_STRESS = (213, 94, 0), (0, 114, 178)
"""RGB of a map's full colours."""

_STRONGEST = 0.75
"""Share, 0 to 1, of the full colour in what is drawn over the picture."""


@dataclass(frozen=True)
class Explanation:
    """What the model saw.

    Attributes:
        occlusion: float (48, 48), see `map_occlusion`.
        sensitivity: P(stress), 0 to 1, by name of a small change; "as it is" comes first.
        neighbours: the most similar pictures of the sample, the most similar first; none where none is much alike.
    """

    occlusion: np.ndarray
    sensitivity: dict[str, float]
    neighbours: list[Neighbour]

    @property
    def strongest(self) -> int:
        """Hundredths of P(stress) that the strongest place of the map reaches; 0: fewer than FEWEST_POINTS."""
        return measure_strength(self.occlusion)


def explain(classifier: Classifier, prediction: Prediction, sample: Path, count: int = 5) -> Explanation:
    """What moved the answer about one face.

    Args:
        classifier: the model that gave it.
        prediction: of a face: its `picture` is there.
        sample: a zip of split/emotion folders of faces; where there is none, there are no neighbours.
        count: of neighbours.
    """
    if prediction.picture is None:
        raise ValueError("a prediction without a face: expected one with a picture.")
    picture = prediction.picture[0]
    return Explanation(
        map_occlusion(classifier, picture),
        measure_sensitivity(classifier, picture),
        find_similar(picture, sample, count),
    )


def _p_stress(classifier: Classifier, pictures: np.ndarray) -> np.ndarray:
    return classifier.p_stress(classifier.probabilities(pictures))


def map_occlusion(classifier: Classifier, picture: np.ndarray, step: int = _STEP) -> np.ndarray:
    """How much P(stress) falls when a part of the picture is covered by the picture's mean colour.

    Zeiler and Fergus 2014 (doi 10.1007/978-3-319-10590-1_53). Each pixel has the mean over the squares of 12x12 pixels
    that cover it. Above 0: the part spoke for Stress; below 0: against it.

    Args:
        classifier: the model that answers.
        picture: uint8 (48, 48, 3), RGB.
        step: pixels from one square to the next.

    Returns:
        float64 (48, 48), -1 to 1.
    """
    starts = range(0, SIDE - _PATCH + 1, step)
    places = [(top, left) for top in starts for left in starts]
    pictures = np.repeat(picture[np.newaxis], len(places) + 1, axis=0)
    for covered, (top, left) in zip(pictures, places, strict=False):
        covered[top : top + _PATCH, left : left + _PATCH] = picture.mean(axis=(0, 1)).round()
    p_stress = _p_stress(classifier, pictures)
    total, count = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for p, (top, left) in zip(p_stress, places, strict=False):
        total[top : top + _PATCH, left : left + _PATCH] += p_stress[-1] - p
        count[top : top + _PATCH, left : left + _PATCH] += 1
    return total / count


def measure_sensitivity(classifier: Classifier, picture: np.ndarray) -> dict[str, float]:
    """P(stress), 0 to 1, of a picture and of the same picture with a small change, by the change's name.

    Args:
        classifier: the model that answers.
        picture: uint8 (48, 48, 3), RGB.
    """
    wide = np.pad(picture, ((2, 2), (2, 2), (0, 0)), mode="edge")
    changed = {
        "as it is": picture,
        "mirrored": picture[:, ::-1],
        "2 px left": wide[2:-2, 4:],
        "2 px right": wide[2:-2, :-4],
        "2 px up": wide[4:, 2:-2],
        "2 px down": wide[:-4, 2:-2],
        "darker by a fifth": _brighten(picture, 0.8),
        "brighter by a fifth": _brighten(picture, 1.2),
    }
    return dict(zip(changed, map(float, _p_stress(classifier, np.stack(list(changed.values())))), strict=True))


def _brighten(picture: np.ndarray, factor: float) -> np.ndarray:
    return (picture * factor).round().clip(0, 255).astype(np.uint8)


def shuffle_weights(model: bytes, seed: int = 0) -> bytes:
    """The same TFLite network with its weights in random order: what it says has nothing to do with its training.

    For checking a map of the answer: one that stays the same shows the picture, not what was learnt (Adebayo et al.
    2018, arXiv 1810.03292).

    Args:
        model: the bytes of a .tflite file.
        seed: of the order.
    """
    rng = np.random.default_rng(seed)
    from ai_edge_litert import schema_py_generated as schema

    shuffled = bytearray(model)
    network = schema.Model.GetRootAs(shuffled, 0)
    graph = network.Subgraphs(0)
    for tensor in map(graph.Tensors, range(graph.TensorsLength())):
        kind = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}.get(tensor.Type())
        stored = network.Buffers(tensor.Buffer()).DataAsNumpy()
        if kind and isinstance(stored, np.ndarray):
            stored.view(kind)[:] = rng.permutation(stored.view(kind))
    return bytes(shuffled)


@dataclass(frozen=True)
class ShuffledCheck:
    """The occlusion maps of a model, and of the same with its weights in random order.

    Attributes:
        maps: float (n, 48, 48), the model's, as of `map_occlusion`, of squares that do not overlap.
        shuffled: the same of the other.
    """

    maps: np.ndarray
    shuffled: np.ndarray

    @property
    def likeness(self) -> np.ndarray:
        """The correlation of each picture's two maps, float (n,), -1 to 1; 0 where one of them is flat."""
        first, second = (maps.reshape(len(maps), -1) for maps in (self.maps, self.shuffled))
        first, second = (maps - maps.mean(axis=1, keepdims=True) for maps in (first, second))
        lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        return (first * second).sum(axis=1) / np.where(lengths > 0, lengths, 1)

    def summarise(self) -> dict:
        """How many `pictures`; of their likenesses the `median`, and the 5 % and 95 % quantiles `low` and `high`."""
        low, middle, high = np.quantile(self.likeness, (0.05, 0.5, 0.95))
        return {"pictures": len(self.maps), "median": float(middle), "low": float(low), "high": float(high)}


def compare_with_shuffled(classifier: Classifier, model: Path, pictures: np.ndarray) -> ShuffledCheck:
    """The occlusion maps of some pictures, by a model and by the same with shuffled weights.

    Args:
        classifier: the model, loaded.
        model: its .tflite file.
        pictures: uint8 (n, 48, 48, 3), RGB; one at least.
    """
    shuffled = Classifier(shuffle_weights(model.read_bytes()), classifier.class_names, classifier.stress_classes)
    # squares side by side: a third of the work
    both = ([map_occlusion(network, face, _PATCH) for face in pictures] for network in (classifier, shuffled))
    return ShuffledCheck(*map(np.stack, both))


def say_likeness(check: ShuffledCheck) -> str:
    """What the check found, in two sentences."""
    found = check.summarise()
    moved = sum(measure_strength(occlusion) > 0 for occlusion in check.shuffled)
    correlation = f"{found['median']:.2f}"
    if found["pictures"] > 1:
        correlation = f"{correlation} (median of {found['pictures']} pictures; 90 % lie between {found['low']:.2f} and "
        correlation += f"{found['high']:.2f})"
    return (
        f"Correlation of the two maps: {correlation}; 1 would be the same map. With the weights in random order, "
        f"{moved} of {found['pictures']} maps reach {FEWEST_POINTS} points of P(Stress)."
    )


_ANOTHER_MAP = 0.5
"""Correlation below which two maps are called different."""


def sum_up_answer(kept: dict) -> str:
    """Notebook 4 in short: its metrics."""
    said = f"{kept['label']}, {kept['confidence']:.1%}" if kept["label"] else "cannot say"
    text = f"{kept['model']} answers: {said}."
    check = kept["map_check"]
    if check:
        verdict = "are the model's own" if check["median"] < _ANOTHER_MAP else "show the picture more than the model"
        text += (
            f" The maps of what moved it {verdict}: they correlate with those of shuffled weights at "
            f"{check['median']:.2f} (median of {check['pictures']:,})."
        )
    return text


def measure_strength(occlusion: np.ndarray) -> int:
    """Hundredths of P(stress) that the strongest place of a map reaches; 0: fewer than FEWEST_POINTS."""
    points = 100 * float(np.abs(occlusion).max())
    return round(points) if points >= FEWEST_POINTS else 0


def overlay_map(picture: np.ndarray, occlusion: np.ndarray, side: int = 4 * SIDE) -> np.ndarray:
    """The picture in grey under its occlusion map: orange spoke for Stress, blue against it, on a fixed scale.

    Args:
        picture: uint8 (48, 48, 3), RGB.
        occlusion: float (48, 48), from `map_occlusion`.
        side: of the result, in pixels.

    Returns:
        uint8 (side, side, 3), RGB.
    """
    strength = (occlusion / FULL_SCALE).clip(-1, 1)
    colour = np.where(strength[..., np.newaxis] > 0, FOR_STRESS, AGAINST_STRESS)
    grey = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    weight = _STRONGEST * np.abs(strength)[..., np.newaxis]
    blended = (grey * (1 - weight) + colour * weight).round().astype(np.uint8)
    return np.asarray(Image.fromarray(blended).resize((side, side), Image.Resampling.BICUBIC))
