"""MediaPipe's networks that find faces (detectors/NOTICE), and what becomes of overlapping boxes. No TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from utils.inference.tflite import SharedNetwork

SAME_FACE = 0.3
"""Boxes whose intersection is more than this part of their union are one face."""


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
        same = measure_overlap(boxes[0], boxes) > SAME_FACE
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
