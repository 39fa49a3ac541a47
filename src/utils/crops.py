"""What the networks are shown of a picture: the squares around its faces, and whether they can be judged."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from utils.faces import Face, find_faces
from utils.pictures import to_input

FACE_MODES = ("auto", "detect", "crop")

WHOLE_UP_TO = 100
"""Pixels: a square picture up to this size is taken for a face that has been cut out already (`auto`)."""

MARGIN = 1.1
"""Side of the square around a found face, in sides of the face's box (docs/face_search.md says how it was chosen)."""

RISE = 0.05
"""How far the square's centre lies above the box's, in sides of the box: a forehead belongs to it."""

SMALLEST_FACE = 24
"""Pixels: the side of the square below which an expression cannot be told."""

DARKEST = 30.0
"""Mean brightness, 0 to 255, below which a face is too dark."""

FLATTEST = 0.04
"""Sharpness (see `measure_sharpness`) below which a face is too blurred."""


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


def find_fault(pixels: np.ndarray, side: int) -> str:
    """Why a face cannot be judged, or "".

    Args:
        pixels: uint8 (48, 48, 3), RGB.
        side: pixels of the picture that the face had before it was scaled.
    """
    if side < SMALLEST_FACE:
        return "too_small"
    grey = pixels.mean(axis=2)
    if grey.mean() < DARKEST:
        return "too_dark"
    return "too_blurred" if measure_sharpness(grey) < FLATTEST else ""


def measure_sharpness(grey: np.ndarray) -> float:
    """How much of a picture's contrast is in its finest details: 0 where flat, about 1 for noise.

    The standard deviation of the discrete Laplacian, over that of the picture, over that ratio for white noise
    (the square root of 20): blurring lowers it, darkening and contrast leave it.

    Args:
        grey: float (48, 48).
    """
    contrast = grey.std()
    if contrast < 1:
        return 0.0
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.std() / contrast / np.sqrt(20))
