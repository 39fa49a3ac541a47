import io

import numpy as np
import pytest
from conftest import draw_face, encode
from PIL import Image, ImageFile

from utils.pictures import PictureError, encode_png, open_picture, to_input

FACE = draw_face("happy", np.random.default_rng(0))


def test_a_48x48_picture_is_taken_as_it_is():
    assert np.array_equal(to_input(open_picture(encode(FACE))), np.asarray(FACE))


def test_png_round_trip():
    pixels = np.asarray(FACE)
    assert np.array_equal(to_input(open_picture(encode_png(pixels))), pixels)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_48x48_rgb(mode):
    grey = np.asarray(FACE.convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else FACE.convert(mode)
    pixels = to_input(open_picture(encode(image, "TIFF" if mode == "CMYK" else "PNG")))
    assert (pixels.shape, pixels.dtype) == ((48, 48, 3), np.uint8)
    if mode in ("L", "LA", "I;16"):
        assert np.array_equal(pixels, np.repeat(grey[:, :, np.newaxis], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation):
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    stored = FACE.transpose(undo[orientation]) if orientation > 1 else FACE
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(to_input(open_picture(encode(stored, exif=exif))), np.asarray(FACE))


def test_of_an_animation_the_first_picture_is_taken():
    data = encode(FACE, save_all=True, append_images=[Image.new("RGB", FACE.size)], default_image=False)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert np.array_equal(to_input(open_picture(data)), np.asarray(FACE))


def test_64_million_pixels_are_refused_before_they_are_decoded(monkeypatch):
    data = encode(Image.new("1", (8000, 8000)))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="40 million") as error:
        open_picture(data)
    assert error.value.code == "too_large"


def test_only_the_formats_asked_for_are_taken():
    with pytest.raises(PictureError, match="expected PNG") as error:
        open_picture(encode(FACE, "TIFF"), ("PNG",))
    assert error.value.code == "not_a_picture"


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (500, 400)])
def test_every_size_becomes_48x48(size):
    assert to_input(open_picture(encode(FACE.resize(size)))).shape == (48, 48, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"not a picture", "not a picture"), (encode(FACE, "JPEG")[:400], "broken"),
     (encode(FACE, "GIF"), "expected PNG")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(data, reason):
    with pytest.raises(PictureError, match=reason):
        open_picture(data)


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("utils.pictures.MAX_PIXELS", 2000)
    with pytest.raises(PictureError, match="too large"):
        open_picture(encode(FACE))
