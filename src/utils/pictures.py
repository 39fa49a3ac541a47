"""One picture, from bytes to the 48x48 RGB array that every network here takes; many such arrays in one file."""

import contextlib
import io
import threading
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

SIDE = 48
"""Pixels: the networks' input is (SIDE, SIDE, 3)."""

MAX_PIXELS = 40_000_000
"""Larger pictures are refused before they are decoded."""

_FEWER_PIXELS = {"WEBP": 25_000_000}
"""By format, a lower limit: WebP is decoded whole, in four copies of four bytes a pixel."""

MAX_SIDE = 20_000
"""Pixels: pictures with a longer side are refused, too: Pillow keeps some bytes a row besides its pixels."""

ENOUGH = 1536
"""Pixels: a longest side of which every face that is found at all has more than a network takes."""

_LARGE = 8_000_000
"""Pixels: of pictures with more, one is decoded at a time."""

_decoding_large = threading.Lock()

# Pillow only warns of a bomb up to twice its own, higher limit; open_picture refuses earlier.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_HEIF = "HEIF"

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", _HEIF)
"""HEIF, which phones call HEIC, is read where pillow-heif is installed: what it brings along is large and under the
GPL, and nothing else that is kept up reads it."""

SUFFIXES = (
    *(".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpeg", ".jpg", ".png"),
    *(".tif", ".tiff", ".webp"),
)
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

_SIDEWAYS = {_TURNS[orientation] for orientation in (5, 6, 7, 8)}
"""Those by which width and height change places."""


class PictureError(ValueError):
    """A picture that cannot be read; the message is the reason.

    Attributes:
        code: "empty", "not_a_picture", "too_large" or "broken".
    """

    def __init__(self, message: str, code: str = "broken"):
        super().__init__(message)
        self.code = code


def open_picture(picture: bytes | Path, formats: tuple[str, ...] = FORMATS, enough: int | None = None) -> Image.Image:
    """Decode a picture, upright and in RGB; of an animation, the first picture.

    Args:
        picture: an encoded picture, or the path of one.
        formats: of FORMATS, those that are taken.
        enough: pixels of the longest side that are enough: a larger picture comes at a half, a quarter or an eighth
            of its size as long as it has so many; None: at its own size. `full_size` tells what that is.

    Raises:
        PictureError: empty, broken, too large, or not one of the formats, or neither of 8 nor of 16 bits a channel.
    """
    data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    if not data:
        raise PictureError("empty: 0 bytes", "empty")
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=_choose_openers(data, formats))
        pixels = image.width * image.height
        if pixels > min(MAX_PIXELS, _FEWER_PIXELS.get(image.format or "", MAX_PIXELS)) or max(image.size) > MAX_SIDE:
            raise Image.DecompressionBombError
        full = image.size
        with _decoding_large if pixels > _LARGE else contextlib.nullcontext():
            turn, image = _decode(image, enough)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(
            f"not a picture ({len(data)} bytes); expected {', '.join(formats)}", "not_a_picture"
        ) from None
    except Image.DecompressionBombError:
        fewer = ", ".join(f"{name}: {pixels / 1e6:g}" for name, pixels in _FEWER_PIXELS.items())
        limits = f"{MAX_PIXELS / 1e6:g} million pixels ({fewer}), or {MAX_SIDE} on a side"
        raise PictureError(f"too large: more than {limits}", "too_large") from None
    except Exception as error:
        # no list of Pillow's errors is long enough: damaged bytes have made it raise struct.error and TypeError
        raise PictureError(f"broken: {error}") from None
    image.info["full_size"] = full[::-1] if turn in _SIDEWAYS else full
    return image


def _choose_openers(data: bytes, formats: tuple[str, ...]) -> list[str]:
    """The formats that Pillow can open; HEIF is among them where the picture is one.

    Raises:
        PictureError: it is one, and pillow-heif is not installed.
    """
    others = [name for name in formats if name != _HEIF]
    # the kinds that a file is of stand behind the length of its first box and the word "ftyp"
    kinds = data[8 : int.from_bytes(data[:4])][:64] if data[4:8] == b"ftyp" else b""
    if _HEIF not in formats or not any(kind in kinds for kind in (b"heic", b"heix", b"heim", b"heis", b"hevc")):
        return others
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(
            "HEIC, which pillow-heif reads: run `.venv/bin/python -m pip install pillow-heif`, or save it as JPEG",
            "not_a_picture",
        ) from None
    if _HEIF not in Image.OPEN:
        pillow_heif.register_heif_opener()
    return [*others, _HEIF]


def full_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) in pixels that an upright picture from `open_picture` has in its file."""
    return image.info.get("full_size", image.size)


def _decode(image: Image.Image, enough: int | None) -> tuple[Image.Transpose | None, Image.Image]:
    """How an opened picture has to be turned, and its pixels: upright, in RGB, at its size or less."""
    longest = max(image.size)
    factor = max(part for part in (1, 2, 4, 8) if part == 1 or (enough and longest >= part * enough))
    if factor > 1:
        # a JPEG, and only one, is decoded at no more than that
        image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
    image.load()
    turn, left = _find_turn(image), factor * max(image.size) // longest
    # palettes and hidden pixels must not be averaged
    first = image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data
    image = _to_rgb(image.reduce(left) if first and left > 1 else image)
    image = image if first or left == 1 else image.reduce(left)
    return turn, image if turn is None else image.transpose(turn)


def _find_turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a picture upright, by its EXIF; None where the EXIF is broken or says nothing."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        # nothing says which of their values is white
        raise PictureError(f"mode {image.mode}: expected 8 or 16 bits a channel", "not_a_picture")
    if image.mode.startswith("I;16"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        # hidden pixels hold anything; viewers show white in their place
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image)
        return opaque
    return image if image.mode == "RGB" else image.convert("RGB")


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


def save_pictures(path: Path, pixels: np.ndarray, rows: np.ndarray) -> None:
    """Write pixels[rows] as .npy, a part at a time. A mapped file would crash, not raise, on a full disk.

    Args:
        path: of the file.
        pixels: uint8 (n, height, width, 3).
        rows: int (k,), positions.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *pixels.shape[1:])}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), 4096):
            file.write(pixels[rows[start : start + 4096]].tobytes())
