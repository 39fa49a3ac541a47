"""One picture, from bytes to the 48x48 RGB array that every network here takes."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 48
"""Pixels: the networks' input is (SIDE, SIDE, 3)."""

MAX_PIXELS = 40_000_000
"""Larger pictures are refused before they are decoded."""

# Pillow only warns of a bomb up to twice its own, higher limit; open_picture refuses earlier.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")


class PictureError(ValueError):
    """A picture that cannot be read; the message is the reason.

    Attributes:
        code: "empty", "not_a_picture", "too_large" or "broken".
    """

    def __init__(self, message: str, code: str = "broken"):
        super().__init__(message)
        self.code = code


def open_picture(picture: bytes | Path, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Decode a picture, upright and in RGB, at its own size; of an animation, the first picture.

    Args:
        picture: an encoded picture, or the path of one.
        formats: of FORMATS, those that are taken.

    Raises:
        PictureError: empty, broken, too large, or not one of the formats.
    """
    data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    if not data:
        raise PictureError("empty: 0 bytes", "empty")
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        return _to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise PictureError(
            f"not a picture ({len(data)} bytes); expected {', '.join(formats)}", "not_a_picture"
        ) from None
    except Image.DecompressionBombError:
        raise PictureError(f"too large: more than {MAX_PIXELS / 1e6:g} million pixels", "too_large") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError(f"broken: {error}") from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def to_input(image: Image.Image) -> np.ndarray:
    """Scale an RGB picture to the networks' input: uint8 (48, 48, 3), RGB, 0 to 255."""
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image, dtype=np.uint8)


def encode_png(pixels: np.ndarray) -> bytes:
    """uint8 (height, width, 3), RGB -> the bytes of a PNG with the same pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
