import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data as photographs
from support import encode

from utils.inference.blazeface import Face, measure_overlap, merge_boxes
from utils.inference.faces import WHOLE_UP_TO, Crop, find_faces, find_turn, frame_face, set_small_apart, take_crops
from utils.inference.quality import DARKEST, FLATTEST, SMALLEST_FACE, find_fault, measure_sharpness
from utils.pictures import open_picture

PORTRAIT = Image.fromarray(photographs.astronaut())
# between the eyes, and half the face's width, as seen in the portrait
CENTRE, HALF = (223, 120), 50


def is_the_face(face: Face, centre=CENTRE, half=HALF) -> bool:
    return (
        abs(face.centre[0] - centre[0]) < half / 2
        and abs(face.centre[1] - centre[1]) < half / 2
        and face.side < 3 * half
    )


def test_the_portraits_face_is_found_and_nothing_else():
    (face,) = find_faces(PORTRAIT)
    assert is_the_face(face)
    assert 0.6 <= face.score <= 1


@pytest.mark.parametrize("light", [0.3, 1.5])
def test_light_does_not_hide_it(light):
    (face,) = find_faces(ImageEnhance.Brightness(PORTRAIT).enhance(light))
    assert is_the_face(face)


def test_a_turned_head_and_a_wide_picture():
    (face,) = find_faces(PORTRAIT.rotate(20, center=CENTRE))
    assert is_the_face(face)
    wide = Image.new("RGB", (1500, 512))
    wide.paste(PORTRAIT, (700, 0))
    (face,) = find_faces(wide)
    assert is_the_face(face, (CENTRE[0] + 700, CENTRE[1]))


@pytest.mark.parametrize("name", ["brick", "grass", "gravel", "coffee", "chelsea", "moon"])
def test_what_has_no_face_has_none(name):
    assert find_faces(Image.fromarray(getattr(photographs, name)()).convert("RGB")) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 2)])
def test_any_size_is_searched(size):
    assert find_faces(Image.new("RGB", size)) == []


def test_a_close_up_is_not_cut_out_at_full_size(monkeypatch):
    large = PORTRAIT.crop((180, 60, 270, 170)).resize((1800, 2200))
    # Pillow then refuses a crop of twice as many pixels as the picture
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", large.width * large.height)
    (face,) = find_faces(large)
    assert is_the_face(face, (20 * (CENTRE[0] - 180), 20 * (CENTRE[1] - 60)), 20 * HALF)


def test_overlap_by_hand():
    overlaps = measure_overlap(np.array([0, 0, 2, 2.0]), np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 3, 3.0]]))
    assert overlaps == pytest.approx([1, 1 / 3, 0])


def test_overlapping_boxes_are_averaged_by_score():
    boxes = np.array([[50, 50, 60, 60], [0, 0, 10, 10], [2, 0, 12, 10.0]])
    first, second = merge_boxes(boxes, np.array([0.4, 0.6, 0.2]))
    assert first == Face(pytest.approx((0.5, 0, 10.5, 10)), 0.6)
    assert second.box == (50, 50, 60, 60)
    assert merge_boxes(np.empty((0, 4)), np.empty(0)) == []


def test_the_square_lies_within_the_picture_and_around_the_face():
    assert frame_face(Face((40, 40, 60, 60), 1), (100, 100), margin=2, rise=0) == (30, 30, 70, 70)
    assert frame_face(Face((40, 40, 60, 60), 1), (100, 100), margin=2, rise=0.5) == (30, 20, 70, 60)
    assert frame_face(Face((-5, 90, 15, 110), 1), (100, 100), margin=2, rise=0) == (0, 60, 40, 100)
    assert frame_face(Face((0, 0, 90, 90), 1), (100, 50), margin=2, rise=0) == (20, 0, 70, 50)


def test_auto_takes_a_small_square_whole_and_searches_the_rest():
    small = PORTRAIT.resize((WHOLE_UP_TO, WHOLE_UP_TO - 8))
    assert [crop.box for crop in take_crops(small)] == [(0, 0, *small.size)]
    assert take_crops(small, "detect") == [] or take_crops(small, "detect")[0].box != (0, 0, *small.size)
    assert take_crops(Image.new("RGB", (48, 20))) == []
    assert take_crops(Image.new("RGB", (WHOLE_UP_TO + 1,) * 2)) == []
    assert [crop.box for crop in take_crops(PORTRAIT, "crop")] == [(0, 0, 512, 512)]
    with pytest.raises(ValueError, match="expected one of auto, detect, crop"):
        take_crops(small, "none")


@pytest.mark.parametrize("angle", [5, 85, 90])
def test_what_resembles_a_face_never_comes_before_one(angle):
    turned = PORTRAIT.rotate(angle, Image.Resampling.BICUBIC, fillcolor="white", expand=angle > 5)
    middle = (CENTRE[0] - 255.5, CENTRE[1] - 255.5)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    centre = (
        turned.width / 2 + middle[0] * cos + middle[1] * sin,
        turned.height / 2 - middle[0] * sin + middle[1] * cos,
    )
    left, top, right, bottom = take_crops(turned)[0].box
    assert np.hypot((left + right) / 2 - centre[0], (top + bottom) / 2 - centre[1]) < HALF


def test_the_surest_face_comes_first_and_of_equally_sure_ones_the_largest(monkeypatch):
    found = [Face((0, 0, 40, 40), 0.92), Face((50, 0, 100, 50), 0.88), Face((0, 60, 90, 150), 0.7)]
    monkeypatch.setattr("utils.inference.faces.find_faces", lambda image: found)
    assert [crop.score for crop in take_crops(PORTRAIT)] == [0.88, 0.92, 0.7]


def test_faces_that_are_too_small_are_counted_apart():
    crop, tiny = take_crops(PORTRAIT)[0], Crop(np.zeros((48, 48, 3), np.uint8), (0, 0, 9, 9), "too_small")
    assert set_small_apart([crop, tiny, tiny]) == ([crop], 2)
    assert set_small_apart([tiny, tiny]) == ([tiny], 1)
    assert set_small_apart([]) == ([], 0)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_picture_on_its_side_is_to_be_turned_back(turn):
    lying = PORTRAIT.transpose(turn)
    back = find_turn(lying, take_crops(lying))
    assert back is not None and lying.transpose(back) == PORTRAIT


def test_what_is_upright_or_has_no_face_stays():
    assert find_turn(PORTRAIT, take_crops(PORTRAIT)) is None
    wall = Image.fromarray(photographs.brick()).convert("RGB")
    assert find_turn(wall, []) is None


def test_a_crop_is_what_lies_in_its_box():
    (crop,) = take_crops(PORTRAIT)
    again = PORTRAIT.crop(crop.box).resize((48, 48), Image.Resampling.LANCZOS, reducing_gap=3.0)
    assert np.array_equal(crop.pixels, np.asarray(again))
    assert crop.fault == ""


def test_boxes_are_in_the_pixels_of_the_file():
    large = PORTRAIT.resize((1025, 1027))
    (whole,), (half,) = (take_crops(open_picture(encode(large), enough=enough)) for enough in (None, 512))
    assert np.abs(np.subtract(whole.box, half.box)).max() < 20
    left, top, right, bottom = half.box
    assert right - left == bottom - top
    assert np.abs(whole.pixels.astype(int) - half.pixels).mean() < 8
    assert [crop.box for crop in take_crops(open_picture(encode(large), enough=512), "crop")] == [(0, 0, 1025, 1027)]


def test_faults():
    (crop,) = take_crops(PORTRAIT)
    assert find_fault(crop.pixels, SMALLEST_FACE) == ""
    assert find_fault(crop.pixels, SMALLEST_FACE - 1) == "too_small"
    assert find_fault((crop.pixels * (DARKEST / 2 / crop.pixels.mean())).astype(np.uint8), 48) == "too_dark"
    blurred = Image.fromarray(crop.pixels).resize((6, 6)).resize((48, 48), Image.Resampling.BICUBIC)
    assert find_fault(np.asarray(blurred), 48) == "too_blurred"
    assert find_fault(np.full((48, 48, 3), 200, np.uint8), 48) == "too_blurred"


def test_sharpness_is_one_for_noise_and_ignores_contrast():
    noise = np.random.default_rng(0).normal(128, 40, (48, 48))
    assert measure_sharpness(noise) == pytest.approx(1, abs=0.05)
    assert measure_sharpness(noise / 10) == pytest.approx(measure_sharpness(noise))
    assert measure_sharpness(np.add.outer(np.arange(48.0), np.arange(48.0))) < FLATTEST
    assert measure_sharpness(np.zeros((48, 48))) == 0
