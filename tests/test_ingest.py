import zipfile

import numpy as np
import pytest
from conftest import draw_face, encode, write_faces_zip

from utils.ingest import inspect_source, read_pictures, sample_stratified

FACE = encode(draw_face("sad", np.random.default_rng(1)))


def make_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


USABLE = {"train/happy/1.png": FACE, "train/sad/2.png": FACE, "test/happy/3.png": FACE}


def test_reads_every_picture_of_a_zip(faces_zip):
    records, pixels, skipped = read_pictures(inspect_source(faces_zip))
    assert len(records) == 7 * 40
    assert pixels.shape == (280, 48, 48, 3)
    assert pixels.dtype == np.uint8
    assert skipped.empty
    assert dict(records.groupby("label").size()) == {0: 120, 1: 160}
    position = records.index[records["file"] == "test/angry/3.png"][0]
    with zipfile.ZipFile(faces_zip) as archive:
        assert encode(draw_face("angry", np.random.default_rng(0)))[:8] == archive.read("test/angry/3.png")[:8]
    assert records.loc[position, ["emotion", "split", "label", "width", "height"]].tolist() == [
        "angry",
        "test",
        1,
        48,
        48,
    ]


def test_pixels_are_in_the_order_of_the_records(tmp_path):
    shades = {f"train/{emotion}/{shade}.png": shade for emotion in ("happy", "sad") for shade in (9, 90, 200)}
    shades["test/fear/17.png"] = 17
    files = {
        name: encode(draw_face("sad", np.random.default_rng()).point(lambda _, s=s: s)) for name, s in shades.items()
    }
    records, pixels, _ = read_pictures(inspect_source(make_zip(tmp_path / "a.zip", files)))
    assert [int(picture[5, 5, 0]) for picture in pixels] == [shades[name] for name in records["file"]]


def test_broken_pictures_are_listed_and_skipped(tmp_path):
    files = USABLE | {"train/sad/empty.png": b"", "train/sad/text.png": b"hello", "train/sad/cut.png": FACE[:200]}
    records, pixels, skipped = read_pictures(inspect_source(make_zip(tmp_path / "a.zip", files)))
    assert len(records) == len(pixels) == 3
    assert dict(zip(skipped["file"], skipped["reason"].str.split(":").str[0], strict=True)) == {
        "train/sad/cut.png": "broken",
        "train/sad/empty.png": "empty",
        "train/sad/text.png": "not a picture (5 bytes); expected PNG, JPEG, WEBP, BMP, TIFF",
    }


def test_what_lies_elsewhere_is_ignored_with_a_reason(tmp_path):
    files = USABLE | {"readme.txt": b"", "train/bored/1.png": FACE, "extra/sad/1.png": FACE,
                      "__MACOSX/train/sad/._1.png": b"", "train/sad/Thumbs.db": b""}  # fmt: skip
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert set(source.entries["file"]) == set(USABLE)
    assert dict(zip(source.ignored["file"], source.ignored["reason"], strict=True)) == {
        "readme.txt": "not in a split/emotion folder",
        "train/bored/1.png": "unknown class folder 'bored'",
        "extra/sad/1.png": "unknown split folder 'extra'",
        "__MACOSX/train/sad/._1.png": "not a picture",
        "train/sad/Thumbs.db": "not a picture",
    }


def test_wrapping_folders_are_fine(tmp_path):
    source = inspect_source(make_zip(tmp_path / "a.zip", {f"a/b/{name}": data for name, data in USABLE.items()}))
    assert len(source.entries) == 3


@pytest.mark.parametrize(
    ("files", "message"),
    [({}, "no picture"), ({"a.png": FACE}, "no picture in a split/emotion folder"),
     ({"train/happy/1.png": FACE, "train/sad/1.png": FACE}, "no test folder"),
     ({"test/happy/1.png": FACE}, "no train folder"),
     ({"train/happy/1.png": FACE, "test/sad/1.png": FACE}, "single label")],
)  # fmt: skip
def test_unusable_sources_say_what_was_found_and_expected(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        inspect_source(make_zip(tmp_path / "a.zip", files))


def test_not_a_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no")
    with pytest.raises(ValueError, match="expected a zip"):
        inspect_source(tmp_path / "a.zip")


def test_nothing_readable(tmp_path):
    source = inspect_source(make_zip(tmp_path / "a.zip", dict.fromkeys(USABLE, b"")))
    with pytest.raises(ValueError, match="none of 3 pictures"):
        read_pictures(source)


def test_stratified_sample_keeps_the_shares_and_repeats(tmp_path):
    entries = inspect_source(write_faces_zip(tmp_path / "f.zip", 30, 10)).entries
    sample = sample_stratified(entries, 140, seed=3)
    assert (sample.groupby(["split", "emotion"]).size().unstack().T == [5, 15]).all(axis=None)
    assert sample.equals(sample_stratified(entries, 140, seed=3))
    assert not sample.equals(sample_stratified(entries, 140, seed=4))
    assert sample_stratified(entries, 0, seed=3).equals(entries)
