"""What an answer's page carries with it, so that it can be shown in another language, or opened: nothing is kept."""

import base64
import binascii
import json
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from flask_babel import gettext as _
from PIL import Image, ImageDraw
from werkzeug.exceptions import BadRequest

from utils.inference.faces import Crop, find_turn, set_small_apart, take_crops
from utils.inference.quality import FAULTS
from utils.pictures import SIDE, full_size

_LONGEST_SIDE = 720
"""Pixels of the picture with its boxes."""

_BOX_COLOUR = "#e69f00"

_MOST_FACES = 200
"""That a page may ask about anew."""


@dataclass(frozen=True)
class Shown:
    """A picture that was looked at.

    Attributes:
        picture: a JPEG, with a numbered box around each face.
        crops: its faces, but for those that are too small beside others.
        small: how many these are.
    """

    picture: bytes
    crops: list[Crop]
    small: int

    def write(self) -> str:
        """As text, for a field of a form."""
        faces = [[_write(crop.pixels.tobytes()), *crop.box, crop.fault] for crop in self.crops]
        return json.dumps([_write(self.picture), faces, self.small], separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> "Shown":
        """What `write` wrote, and whatever else a browser sends in its place.

        Raises:
            BadRequest: it is nothing of the kind.
        """
        try:
            picture, faces, small = json.loads(text)
            crops = [_read_crop(*face) for face in faces[:_MOST_FACES]]
            return cls(_read(picture), crops, int(small))
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise BadRequest(_("This answer cannot be shown again. Send the picture once more.")) from None


def look(image: Image.Image, face: str) -> Shown:
    """The faces of a picture; arguments as `take_crops`."""
    crops, small = set_small_apart(take_crops(image, face))
    return Shown(_draw_boxes(image, crops), crops, small)


def look_turned(image: Image.Image, shown: Shown) -> Shown | None:
    """The same picture turned, where it seems to lie on its side or stand on its head, else None."""
    turn = find_turn(image, shown.crops)
    return look(image.transpose(turn), "detect") if turn is not None else None


def _read_crop(pixels: str, left: int, top: int, right: int, bottom: int, fault: str) -> Crop:
    box = int(left), int(top), int(right), int(bottom)
    if fault not in ("", *FAULTS):
        raise ValueError(fault)
    return Crop(np.frombuffer(_read(pixels), np.uint8).reshape(SIDE, SIDE, 3), box, fault)


def _write(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _draw_boxes(image: Image.Image, crops: list[Crop]) -> bytes:
    shrink, full = min(1, _LONGEST_SIDE / max(image.size)), full_size(image)
    size = [max(1, round(side * shrink)) for side in image.size]
    shown = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    scale, draw = shown.width / full[0], ImageDraw.Draw(shown)
    width = max(2, round(max(shown.size) / 150))
    for number, crop in enumerate(crops, 1):
        box = [side * scale for side in crop.box]
        if crop.box != (0, 0, *full):
            draw.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], outline=_BOX_COLOUR, width=width)
        if len(crops) > 1:
            draw.text(
                (box[0] + 2 * width, box[1] + width), str(number), fill=_BOX_COLOUR, font_size=max(shown.size) / 25
            )
    encoded = BytesIO()
    shown.save(encoded, "JPEG", quality=88)
    return encoded.getvalue()
