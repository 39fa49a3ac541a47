"""Where the faces are in a picture, and the squares around them that the networks are shown. No TensorFlow.

Two small networks of MediaPipe (detectors/NOTICE) look at the whole picture and propose; then the smaller one looks
closer at each proposal and confirms it or not. docs/face_search.md says how this was chosen, and how often it errs.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from utils.inference.quality import find_fault
from utils.inference.tflite import SharedNetwork
from utils.pictures import to_input

_FOLDER = Path(__file__).with_name("detectors")

PROPOSED_FAR, PROPOSED_NEAR = 0.2, 0.4
"""Scores, 0 to 1, from which either network's box is a proposal."""

CONFIRMED_FROM, MEAN_FROM = 0.6, 0.55
"""Scores, 0 to 1, of the second look, and of its mean with the proposal's."""

_SAME_FACE = 0.3
"""Boxes whose intersection is more than this part of their union are one face."""

_CLOSER_LOOK = 2.0
"""Side of what the second network is shown, in sides of the proposed box."""


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes:
        box: left, top, right, bottom in pixels; it may reach beyond the picture.
        score: 0 to 1.
    """

    box: tuple[float, float, float, float]
    score: float

    @property
    def side(self) -> float:
        """The longer of the box's sides, in pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def centre(self) -> tuple[float, float]:
        """The box's, x and y in pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


class BlazeFace:
    """One of MediaPipe's BlazeFace networks (Bazarevsky et al. 2019, arXiv 1907.05047).

    Args:
        path: a .tflite file: float32 (1, side, side, 3), RGB, -1 to 1 -> 16 numbers and a score for each anchor.
        grids: (step between anchors in pixels, anchors at each place), as in MediaPipe's graph of the network.
        threads: processor threads that one call may use.
    """

    def __init__(self, path: Path, grids: tuple[tuple[int, int], ...], threads: int = 2):
        self._network = SharedNetwork(path.read_bytes(), threads)
        self.side = self._network.input_shape[0]
        self._anchors = np.concatenate([_make_anchors(self.side, step, count) for step, count in grids])

    def __call__(self, image: Image.Image, score: float) -> list[Face]:
        """The faces with at least that score, the surest first; overlapping boxes are averaged into one.

        Args:
            image: RGB, any size.
            score: 0 to 1.
        """
        scale = self.side / max(image.size)
        small = image.resize(
            [max(1, round(length * scale)) for length in image.size], Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        offset = np.array([self.side - small.width, self.side - small.height]) // 2
        # what lies outside the picture is black
        canvas = np.full((1, self.side, self.side, 3), -1, np.float32)
        canvas[0, offset[1] : offset[1] + small.height, offset[0] : offset[0] + small.width] = (
            np.asarray(small, np.float32) / 127.5 - 1
        )
        shapes, logits = sorted(self._network(canvas), key=lambda output: -output.shape[-1])
        scores = 1 / (1 + np.exp(-logits[0, :, 0].clip(-80, 80)))
        chosen = scores >= score
        centres = self._anchors[chosen] + shapes[0, chosen, :2]
        halves = shapes[0, chosen, 2:4] / 2
        boxes = (np.concatenate([centres - halves, centres + halves], axis=1) - np.tile(offset, 2)) / scale
        return merge_boxes(boxes, scores[chosen])


def _make_anchors(side: int, step: int, count: int) -> np.ndarray:
    """Centres of a grid's cells, row by row, each `count` times: float (n, 2), x and y in pixels."""
    centres = np.arange(side // step) * step + step / 2
    x, y = np.meshgrid(centres, centres)
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), count, axis=0)


def merge_boxes(boxes: np.ndarray, scores: np.ndarray) -> list[Face]:
    """One face for each group of overlapping boxes: their mean weighted by score, and the best score.

    Args:
        boxes: float (n, 4): left, top, right, bottom.
        scores: float (n,), 0 to 1.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores, faces = boxes[order], scores[order], []
    while len(boxes):
        same = measure_overlap(boxes[0], boxes) > _SAME_FACE
        # a box without area overlaps nothing, not even itself
        same[0] = True
        left, top, right, bottom = map(float, np.average(boxes[same], axis=0, weights=scores[same]))
        faces.append(Face((left, top, right, bottom), float(scores[0])))
        boxes, scores = boxes[~same], scores[~same]
    return faces


def measure_overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box (4,) with each of boxes (n, 4): float (n,), 0 to 1."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = sides.clip(0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common
    return common / np.maximum(union, 1e-9)


@cache
def _networks() -> tuple[BlazeFace, BlazeFace]:
    """The one for smaller faces, and the one for a face that nearly fills its picture."""
    far = BlazeFace(_FOLDER / "face_detection_back.tflite", ((16, 2), (32, 6)))
    return far, BlazeFace(_FOLDER / "face_detection_short_range.tflite", ((8, 2), (16, 6)))


def find_faces(image: Image.Image) -> list[Face]:
    """The faces in a picture, the surest first. Threads may call it.

    Args:
        image: upright, RGB, any size.
    """
    far, near = _networks()
    proposals = _merge([*far(image, PROPOSED_FAR), *near(image, PROPOSED_NEAR)])
    return _merge([face for proposal in proposals for face in _look_closer(near, image, proposal)])


def _merge(faces: list[Face]) -> list[Face]:
    return merge_boxes(np.array([face.box for face in faces]).reshape(-1, 4), np.array([face.score for face in faces]))


def _look_closer(near: BlazeFace, image: Image.Image, proposal: Face) -> list[Face]:
    """The face, at most one, that the second look confirms where one was proposed."""
    half = max(1, round(proposal.side * _CLOSER_LOOK / 2))
    # around a large face the square reaches far beyond the picture: at full size it could fill the memory
    factor = max(1, half // near.side)
    seen, half = image.reduce(factor) if factor > 1 else image, half // factor
    left, top = (round(middle / factor) - half for middle in proposal.centre)
    found = near(seen.crop((left, top, left + 2 * half, top + 2 * half)), CONFIRMED_FROM)
    moved = [Face(tuple((factor * np.add(face.box, (left, top) * 2)).tolist()), face.score) for face in found]
    return [
        face
        for face in moved
        if measure_overlap(np.array(proposal.box), np.array([face.box]))[0] > _SAME_FACE
        and (face.score + proposal.score) / 2 >= MEAN_FROM
    ][:1]


FACE_MODES = ("auto", "detect", "crop")

WHOLE_UP_TO = 100
"""Pixels: a square picture up to this size is taken for a face that has been cut out already (`auto`)."""

MARGIN = 1.1
"""Side of the square around a found face, in sides of the face's box (docs/face_search.md says how it was chosen)."""

RISE = 0.05
"""How far the square's centre lies above the box's, in sides of the box: a forehead belongs to it."""


@dataclass(frozen=True)
class Crop:
    """One face, ready for a network.

    Attributes:
        pixels: uint8 (48, 48, 3), RGB.
        box: left, top, right, bottom in pixels of the upright picture.
        fault: why it cannot be judged: "too_small", "too_dark", "too_blurred"; or "".
    """

    pixels: np.ndarray
    box: tuple[int, int, int, int]
    fault: str = ""


def take_crops(image: Image.Image, face: str = "auto") -> list[Crop]:
    """The faces of a picture, the largest first.

    Args:
        image: upright, RGB.
        face: "crop": the whole picture is one face; "detect": faces are searched for; "auto": a small square picture
            (sides of at most WHOLE_UP_TO pixels that differ by a tenth at most) is one face, any other is searched.

    Raises:
        ValueError: `face` is none of these.
    """
    if face not in FACE_MODES:
        raise ValueError(f"face {face!r}: expected one of {', '.join(FACE_MODES)}.")
    short, long = sorted(image.size)
    if face == "crop" or (face == "auto" and long <= WHOLE_UP_TO and long <= 1.1 * short):
        return [_cut(image, (0, 0, *image.size))]
    faces = sorted(find_faces(image), key=lambda found: found.side, reverse=True)
    return [_cut(image, frame_face(found, image.size)) for found in faces]


def frame_face(face: Face, size: tuple[int, int], margin: float = MARGIN, rise: float = RISE) -> tuple:
    """The square around a face, moved and if need be shrunk to lie within a picture of that (width, height)."""
    side = max(1, min(round(face.side * margin), *size))
    centre = face.centre[0], face.centre[1] - rise * face.side
    left, top = (
        int(np.clip(round(middle - side / 2), 0, limit - side)) for middle, limit in zip(centre, size, strict=True)
    )
    return left, top, left + side, top + side


def _cut(image: Image.Image, box: tuple[int, int, int, int]) -> Crop:
    pixels = to_input(image if box == (0, 0, *image.size) else image.crop(box))
    return Crop(pixels, box, find_fault(pixels, min(box[2] - box[0], box[3] - box[1])))
