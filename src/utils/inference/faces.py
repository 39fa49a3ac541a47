"""Where the faces are in a picture, and the squares around them that the networks are shown. No TensorFlow.

Two small networks of MediaPipe (detectors/NOTICE) look at the whole picture and propose; then the smaller one looks
closer at each proposal, as it is and mirrored, and confirms it or not. docs/face_search.md says how this was chosen,
and how often it errs.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from utils.inference.blazeface import SAME_FACE, BlazeFace, Face, measure_overlap, merge_boxes
from utils.inference.quality import find_fault
from utils.parameters import FACE_MODES
from utils.pictures import full_size, to_input

_FOLDER = Path(__file__).with_name("detectors")

PROPOSED_FAR, PROPOSED_NEAR = 0.2, 0.4
"""Scores, 0 to 1, from which either network's box is a proposal."""

CONFIRMED_FROM, MEAN_FROM = 0.65, 0.5
"""Scores, 0 to 1, of the second look, the mean of its two, and of that one's mean with the proposal's."""

_SEEN_FROM = 0.3
"""Score, 0 to 1, below which neither of the second look's two can lead to such a mean."""

_CLOSER_LOOK = 2.0
"""Side of what the second network is shown, in sides of the proposed box."""


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
    """The face, at most one, that the second look confirms where one was proposed.

    What only resembles a face rarely does so mirrored, too.
    """
    half = max(1, round(proposal.side * _CLOSER_LOOK / 2))
    # around a large face the square reaches far beyond the picture: at full size it could fill the memory
    factor = max(1, half // near.side)
    seen, half = image.reduce(factor) if factor > 1 else image, half // factor
    left, top = (round(middle / factor) - half for middle in proposal.centre)
    square = seen.crop((left, top, left + 2 * half, top + 2 * half))
    plain = near(square, _SEEN_FROM)
    mirrored = [_mirror(face, 2 * half) for face in near(ImageOps.mirror(square), _SEEN_FROM)]
    sought = _move(proposal, factor, left, top)
    both = [face for found in (plain, mirrored) for face in [one for one in found if _is_same(one, sought)][:1]]
    if len(both) < 2:
        return []
    box = np.average([face.box for face in both], axis=0, weights=[face.score for face in both])
    score = (both[0].score + both[1].score) / 2
    if score < CONFIRMED_FROM or (score + proposal.score) / 2 < MEAN_FROM:
        return []
    return [Face(tuple((factor * (box + (left, top) * 2)).tolist()), score)]


def _mirror(face: Face, width: int) -> Face:
    left, top, right, bottom = face.box
    return Face((width - right, top, width - left, bottom), face.score)


def _move(face: Face, factor: int, left: int, top: int) -> Face:
    """The face as it lies in the part, from (left, top) on, of a picture that was reduced by a factor."""
    return Face(tuple((np.array(face.box) / factor - (left, top) * 2).tolist()), face.score)


def _is_same(one: Face, other: Face) -> bool:
    return bool(measure_overlap(np.array(one.box), np.array([other.box]))[0] > SAME_FACE)


_SURE, _SURER = 0.85, 0.05
"""The score, 0 to 1, from which nobody looks whether a picture lies on its side, and by how much another has to win."""

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
        box: left, top, right, bottom in pixels of the upright picture, at the size that it has in its file.
        fault: why it cannot be judged: "too_small", "too_dark", "too_blurred"; or "".
        score: the detector's, 0 to 1; 1 where the picture was taken for a face without a search.
    """

    pixels: np.ndarray
    box: tuple[int, int, int, int]
    fault: str = ""
    score: float = 1.0


def take_crops(image: Image.Image, face: str = "auto") -> list[Crop]:
    """The faces of a picture: the surest first, by tenths of the detector's score; of equally sure ones, the largest.

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
    # a sleeve that is taken for a face can be larger than the face, but is less sure
    faces = sorted(find_faces(image), key=lambda found: (round(found.score, 1), found.side), reverse=True)
    return [_cut(image, frame_face(found, image.size), found.score) for found in faces]


def set_small_apart(crops: list[Crop]) -> tuple[list[Crop], int]:
    """The faces to be answered, and how many more are too small; where all are, the first one is kept."""
    kept = [crop for crop in crops if crop.fault != "too_small"] or crops[:1]
    return kept, len(crops) - len(kept)


def find_turn(image: Image.Image, crops: list[Crop]) -> Image.Transpose | None:
    """How a picture on its side, or on its head, is to be turned to show a surer face; None where it is upright.

    Args:
        image: RGB.
        crops: what `take_crops` found in it.
    """
    best = max((crop.score for crop in crops), default=0.0)
    if best >= _SURE:
        return None
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)
    scores = [max((face.score for face in find_faces(image.transpose(turn))), default=0.0) for turn in turns]
    surest = int(np.argmax(scores))
    return turns[surest] if scores[surest] > best + _SURER else None


def frame_face(face: Face, size: tuple[int, int], margin: float = MARGIN, rise: float = RISE) -> tuple:
    """The square around a face, moved and if need be shrunk to lie within a picture of that (width, height)."""
    side = max(1, min(round(face.side * margin), *size))
    centre = face.centre[0], face.centre[1] - rise * face.side
    left, top = (
        int(np.clip(round(middle - side / 2), 0, limit - side)) for middle, limit in zip(centre, size, strict=True)
    )
    return left, top, left + side, top + side


def _cut(image: Image.Image, box: tuple[int, int, int, int], score: float = 1.0) -> Crop:
    whole, full = box == (0, 0, *image.size), full_size(image)
    pixels = to_input(image if whole else image.crop(box))
    if whole:
        box = (0, 0, *full)
    elif full != image.size:
        # a square stays one, and within the picture
        scale = max(full) / max(image.size)
        side = min(round(scale * (box[2] - box[0])), *full)
        left, top = (min(round(scale * start), length - side) for start, length in zip(box[:2], full, strict=True))
        box = (left, top, left + side, top + side)
    return Crop(pixels, box, find_fault(pixels, min(box[2] - box[0], box[3] - box[1])), score)
