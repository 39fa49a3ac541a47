import io
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile
from support import draw_face, encode

from utils.pictures import MAX_SIDE, PictureError, encode_png, full_size, open_picture, to_input

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


def test_a_broken_exif_takes_nothing_from_a_picture():
    def tag(number, kind, value):
        return struct.pack(">HHI", number, kind, len(value) // 2) + value.ljust(4, b"\0")

    # the width as text, and the orientation as it should be
    entries = tag(0x0100, 2, b"7\0\0\0") + tag(0x0112, 3, b"\0\6")
    partly = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 2) + entries + bytes(4)
    whole = Image.Exif()
    whole[0x0112] = 6
    turned, straight = (to_input(open_picture(encode(FACE, "JPEG", exif=exif))) for exif in (partly, whole))
    assert np.array_equal(turned, straight)
    kept, plain = (to_input(open_picture(encode(FACE, "JPEG", **options))) for options in ({"exif": b"Exif\0\0"}, {}))
    assert np.array_equal(kept, plain)


@pytest.mark.parametrize("error", [struct.error, TypeError, IndexError, AssertionError])
def test_whatever_pillow_makes_of_damaged_bytes_the_picture_is_broken(monkeypatch, error):
    def fail(_image):
        raise error("of no use to a reader")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(PictureError, match="broken: of no use") as caught:
        open_picture(encode(FACE))
    assert caught.value.code == "broken"


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pictures_of_unknown_scale_are_refused(kind):
    data = encode(Image.fromarray(np.asarray(FACE.convert("L")).astype(kind)), "TIFF")
    with pytest.raises(PictureError, match=r"mode [FI]: expected 8 or 16 bits") as error:
        open_picture(data)
    assert error.value.code == "not_a_picture"


def test_hidden_pixels_are_white():
    hidden = FACE.convert("RGBA")
    hidden.putalpha(0)
    assert (to_input(open_picture(encode(hidden))) == 255).all()
    half = np.asarray(FACE.convert("RGBA")).copy()
    half[:, :24, 3] = 0
    pixels = to_input(open_picture(encode(Image.fromarray(half))))
    assert (pixels[:, :24] == 255).all()
    assert np.array_equal(pixels[:, 24:], np.asarray(FACE)[:, 24:])
    few = FACE.quantize(8)
    assert (to_input(open_picture(encode(few, transparency=3)))[np.asarray(few) == 3] == 255).all()


def test_of_an_animation_the_first_picture_is_taken():
    data = encode(FACE, save_all=True, append_images=[Image.new("RGB", FACE.size)], default_image=False)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert np.array_equal(to_input(open_picture(data)), np.asarray(FACE))


@pytest.mark.parametrize("form", ["GIF", "AVIF"])
def test_gif_and_avif_are_read_the_first_picture_of_several(form):
    options = {"quality": 95} if form == "AVIF" else {}
    data = encode(FACE, form, save_all=True, append_images=[Image.new("RGB", FACE.size)], **options)
    pixels = to_input(open_picture(data)).astype(int)
    assert np.abs(pixels - np.asarray(FACE)).mean() < 15


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


def test_heic_without_its_library_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"HEIC, .* -m pip install pillow-heif`, or save it as JPEG") as error:
        open_picture(HEIC)
    assert error.value.code == "not_a_picture"
    with pytest.raises(PictureError, match="expected PNG, JPEG"):
        open_picture(HEIC, ("PNG", "JPEG"))


def test_heic_is_read_by_its_library_where_that_is_installed(monkeypatch):
    class Opener(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self):
            self._size, self._mode, self.tile = (60, 50), "RGB", []
            self.im = Image.new("RGB", (60, 50), "red").im

    class Library:
        @staticmethod
        def register_heif_opener():
            Image.register_open("HEIF", Opener, lambda start: start[4:12] == b"ftypheic")

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    Image.OPEN.pop("HEIF", None)
    monkeypatch.setitem(sys.modules, "pillow_heif", Library)
    assert (to_input(open_picture(HEIC)) == [255, 0, 0]).all()
    with pytest.raises(PictureError, match="expected PNG"):
        open_picture(HEIC, ("PNG",))


def test_a_heic_picture_itself():
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    pillow_heif.register_heif_opener()
    assert np.abs(to_input(open_picture(encode(FACE, "HEIF", quality=95))).astype(int) - np.asarray(FACE)).mean() < 15


def test_64_million_pixels_are_refused_before_they_are_decoded(monkeypatch):
    data = encode(Image.new("1", (8000, 8000)))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="40 million") as error:
        open_picture(data)
    assert error.value.code == "too_large"


def test_a_long_side_is_refused_before_it_is_decoded(monkeypatch):
    data = encode(Image.new("1", (1, MAX_SIDE + 1)))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="20000 on a side") as error:
        open_picture(data)
    assert error.value.code == "too_large"


SMOOTH = FACE.resize((1001, 750), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("form", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "P"), ("PNG", "LA"), ("WEBP", "RGBA"), ("TIFF", "CMYK")],
)
@pytest.mark.parametrize(
    ("enough", "size"), [(2000, (750, 1001)), (500, (375, 501)), (250, (188, 251)), (9, (94, 126))]
)
def test_a_large_picture_comes_at_the_size_that_is_enough(form, mode, enough, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(SMOOTH.convert(mode), form, exif=exif)
    whole, small = open_picture(data), open_picture(data, enough=enough)
    assert small.size == size
    assert full_size(small) == full_size(whole) == whole.size == (750, 1001)
    inputs = [to_input(one).astype(int) for one in (whole, small)]
    assert np.abs(inputs[0] - inputs[1]).mean() < 4


def test_only_what_is_not_hidden_is_averaged():
    hidden = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    hidden.paste((255, 255, 255, 255), (0, 0, 201, 400))
    assert (np.asarray(open_picture(encode(hidden), enough=100)) == 255).all()


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch):
    monkeypatch.setattr("utils.pictures._LARGE", 1000)
    load, busy, most = ImageFile.ImageFile.load, [], []

    def watch(image):
        busy.append(image)
        most.append(len(busy))
        time.sleep(0.05)
        busy.pop()
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", watch)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_picture, [encode(FACE)] * 4))
    assert max(most) == 1


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
     (encode(FACE, "PPM"), "expected PNG")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(data, reason):
    with pytest.raises(PictureError, match=reason):
        open_picture(data)


def test_a_webp_may_have_fewer_pixels(monkeypatch):
    monkeypatch.setattr("utils.pictures._FEWER_PIXELS", {"WEBP": FACE.width * FACE.height - 1})
    open_picture(encode(FACE))
    with pytest.raises(PictureError, match="too large: more than 40 million pixels") as error:
        open_picture(encode(FACE, "WEBP"))
    assert error.value.code == "too_large"


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("utils.pictures.MAX_PIXELS", 2000)
    with pytest.raises(PictureError, match="too large"):
        open_picture(encode(FACE))
