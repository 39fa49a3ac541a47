"""One picture, from bytes to the 48x48 RGB array that every network here takes."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

SIDE = 48
"""Pixels: the networks' input is (SIDE, SIDE, 3)."""

MAX_PIXELS = 40_000_000
"""Larger pictures are refused before they are decoded."""

# Pillow only warns of a bomb up to twice its own, higher limit; open_picture refuses earlier.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")

SUFFIXES = (".bmp", ".dib", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of the names of pictures, by which they are told from other files."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes an EXIF orientation; Pillow's `exif_transpose` also writes the EXIF anew and fails where it is broken."""


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
        PictureError: empty, broken, too large, or not one of the formats, or neither of 8 nor of 16 bits a channel.
    """
    data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    if not data:
        raise PictureError("empty: 0 bytes", "empty")
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
        return _to_rgb(_turn_upright(image))
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(
            f"not a picture ({len(data)} bytes); expected {', '.join(formats)}", "not_a_picture"
        ) from None
    except Image.DecompressionBombError:
        raise PictureError(f"too large: more than {MAX_PIXELS / 1e6:g} million pixels", "too_large") from None
    except Exception as error:
        # no list of Pillow's errors is long enough: damaged bytes have made it raise struct.error and TypeError
        raise PictureError(f"broken: {error}") from None


def _turn_upright(image: Image.Image) -> Image.Image:
    """The picture as its EXIF says that it was held; as it is where the EXIF is broken or says nothing."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return image
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        # nothing says which of their values is white
        raise PictureError(f"mode {image.mode}: expected 8 or 16 bits a channel", "not_a_picture")
    if image.mode.startswith("I;16"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        # hidden pixels hold anything; viewers show white in their place
        image = image.convert("RGBA")
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image)
        return opaque
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
