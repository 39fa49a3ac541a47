"""Every layout and every kind of bad input, built small."""

import os
import shutil
import stat
import subprocess
import sys
import unicodedata
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from raw_sources import FACE, USABLE, found, make_folder, make_zip, pixel_csv
from support import draw_face, encode, write_faces_zip

from utils.csv_files import SourceError
from utils.data.ingest import inspect_source, read_pictures, sample_stratified
from utils.data.sources import fetch_source, find_decisions, fingerprint_source
from utils.files import list_files
from utils.labels import find_emotion, find_label, find_split

# layouts


@pytest.fixture
def few_rows(monkeypatch):
    """In a CSV of so few rows, one that names nothing is no sign that something else is wrong."""
    monkeypatch.setattr("utils.csv_files.MOST_ABSENT", 0.5)


@pytest.mark.parametrize("make", [make_zip, make_folder])
@pytest.mark.parametrize("wrap", ["", "data/", "a/b/"])
@pytest.mark.parametrize(
    ("layout", "split"),
    [("train/{0}/1.png train/{1}/2.png test/{0}/3.png", "train"),
     ("{0}/train/1.png {1}/train/2.png {0}/test/3.png", "train"),
     ("{0}/1.png {1}/2.png {0}/3.png", "")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("classes", "expected"),
    [(("happy", "Anger"), (("happy", 0), ("angry", 1))), (("no_stress", "Stress"), (("", 0), ("", 1))),
     (("joie", "colère"), (("happy", 0), ("angry", 1)))],
)  # fmt: skip
def test_layouts(tmp_path, make, wrap, layout, split, classes, expected):
    names = [wrap + name for name in layout.format(*classes).split()]
    source = inspect_source(make(tmp_path / "raw.zip", dict.fromkeys(names, FACE)))
    first, second = expected
    assert found(source) == {
        names[0]: (*first, split),
        names[1]: (*second, split),
        names[2]: (*first, split and "test"),
    }
    records, pixels, skipped = read_pictures(source)
    assert len(records) == len(pixels) == 3
    assert skipped.empty


@pytest.mark.parametrize(
    ("name", "label"),
    [("stress", 1), ("Stressed", 1), ("1_Stress", 1), ("stressé", 1), ("Non-Stress", 0), ("no_stress", 0),
     ("No Stress", 0),
     ("not stressed", 0), ("NonStress", 0), ("non_stress", 0), ("unstressed", 0), ("angry", None), ("distress", None)],
)  # fmt: skip
def test_spellings_of_stress(name, label):
    assert find_label(name) == label


@pytest.mark.parametrize(
    "split", ["Train", "TRAINING", "val", "Validation", "valid", "Test", "PublicTest", "PrivateTest"]
)
def test_spellings_of_splits(split):
    assert find_split(split) in ("train", "validation", "test")


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, Usage, pixels", "Emotion,Pixels"])
def test_a_csv_of_pixels(tmp_path, header):
    path = pixel_csv(tmp_path / "fer2013.csv", header, None if header == "emotion,pixels,Usage" else [])
    if header != "emotion,pixels,Usage":
        text = " ".join(["7"] * 2304)
        rows = {"emotion, Usage, pixels": [(0, "Training", text), (3, "Training", text), (3, "PublicTest", text)],
                "Emotion,Pixels": [(0, text), (3, text), (4, text)]}  # fmt: skip
        pixel_csv(path, header, rows[header])
    records, pixels, skipped = read_pictures(inspect_source(path))
    assert skipped.empty
    assert records["emotion"].iloc[0] == "angry"
    assert pixels.shape == (len(records), 48, 48, 3)
    if header == "emotion,pixels,Usage":
        assert records["emotion"].tolist()[::2] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
        assert records["split"].tolist() == ["train", "test"] * 7
        assert pixels[2, 0, 5].tolist() == [6, 6, 6]


@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_a_csv_of_pixels_inside_a_source(tmp_path, make):
    path = pixel_csv(tmp_path / "fer2013.csv")
    source = inspect_source(make(tmp_path / "raw", {"x/fer2013.csv": path.read_bytes(), "x/readme": b"hello"}))
    assert len(source.layout.entries) == 14


@pytest.mark.parametrize("kind", ["csv", "folder", "zip"])
def test_pictures_labelled_by_a_csv(few_rows, tmp_path, kind):
    rows = [
        "Image,Label,Split",
        "faces/a.png,stress,train",
        "faces/b.png,not stressed,train",
        "faces/c.png,stress,test",
    ]
    table = "\n".join([*rows, "gone.png,stress,test"]).encode()
    files = {"labels.csv": table, "faces/a.png": FACE, "faces/b.png": FACE, "faces/c.png": FACE, "faces/d.png": FACE}
    path = (make_zip if kind == "zip" else make_folder)(tmp_path / "raw", files)
    source = inspect_source(path / "labels.csv" if kind == "csv" else path)
    beside = {} if kind == "csv" else {"faces/d.png": "not in the CSV"}
    expected = {"faces/a.png": ("", 1, "train"), "faces/b.png": ("", 0, "train"), "faces/c.png": ("", 1, "test")}
    assert found(source) == expected
    assert dict(source.layout.ignored.to_numpy()) == {"gone.png": "in the CSV, but not there"} | beside
    assert len(read_pictures(source)[0]) == 3


@pytest.mark.parametrize("make", [make_zip, make_folder])
@pytest.mark.parametrize(
    ("train", "test", "beside"),
    [("train.csv", "test.csv", ("", "")), ("a/train_labels.csv", "a/labels-test.csv", ("a/", "a/")),
     ("train/labels.csv", "test/labels.csv", ("train/", "test/"))],
)  # fmt: skip
def test_a_csv_for_each_split(tmp_path, make, train, test, beside):
    files = {f"{folder}{name}": FACE for folder in beside for name in ("1.png", "2.png", "3.png")}
    files |= {train: b"file,label\n1.png,sad\n2.png,happy\n", test: b"file,label\n3.png,sad\n"}
    assert found(inspect_source(make(tmp_path / "raw", files))) == {
        f"{beside[0]}1.png": ("sad", 1, "train"),
        f"{beside[0]}2.png": ("happy", 0, "train"),
        f"{beside[1]}3.png": ("sad", 1, "test"),
    }


def test_a_csv_of_pixels_for_each_split(tmp_path):
    text = " ".join(["7"] * 2304)
    pixel_csv(tmp_path / "train.csv", "emotion,pixels", [(0, text), (3, text)])
    pixel_csv(tmp_path / "val.csv", "emotion,pixels", [(3, text)])
    pixel_csv(tmp_path / "test.csv", "pixels", [(text,)])
    (tmp_path / "more.csv").write_text("emotion,pixels\n")
    source = inspect_source(tmp_path)
    assert found(source) == {
        "train.csv#2": ("angry", 1, "train"),
        "train.csv#3": ("happy", 0, "train"),
        "val.csv#2": ("happy", 0, "validation"),
    }
    assert len(read_pictures(source)[0]) == 3


@pytest.mark.parametrize(
    ("tables", "message"),
    [({"a.csv": "file,label\n1.png,sad\n", "b.csv": "file,label\n2.png,happy\n"}, "several CSVs .*: a.csv, b.csv"),
     ({"train_test.csv": "file,label\n1.png,sad\n", "val.csv": "file,label\n2.png,happy\n"}, "train_test.csv, val.csv"),
     ({"train.csv": "file,label\n1.png,sad\n", "test.csv": f"emotion,pixels\n3,{' '.join(['7'] * 2304)}\n"}, "several"),
     ({"train.csv": "file,label\n1.png,sad\n", "test.csv": "file,label\n2.png,sad\n1.png,sad\n"},
      "'1.png' in test.csv, line 3 and train.csv, line 2")],
)  # fmt: skip
def test_csvs_that_cannot_be_put_together(tmp_path, tables, message):
    files = {"1.png": FACE, "2.png": FACE} | {name: text.encode() for name, text in tables.items()}
    with pytest.raises(SourceError, match=message):
        inspect_source(make_folder(tmp_path / "raw", files))


def test_the_folder_of_a_csv_may_hold_anything(few_rows, tmp_path, monkeypatch):
    text = "file,label\npics/1.png,sad\npics\\2.png,happy\n" + "x" * 5000 + ",sad\n"
    files = {"labels.csv": text.encode(), "pics/1.png": FACE, "pics/2.png": FACE, "other.csv": b"file,label\n1,sad\n",
             "more/attributes.csv": b"not for this", "Attributes.csv": b"file,subject\npics/1.png,x\n"}  # fmt: skip
    folder = make_folder(tmp_path / "raw", files)
    pixel_csv(folder / "fer2013.csv")

    def walk(*_, **__):
        raise AssertionError("it was searched")

    monkeypatch.setattr(os, "walk", walk)
    source = inspect_source(folder / "labels.csv")
    assert list(found(source)) == ["pics/1.png", "pics/2.png"]
    assert source.attributes["subject"].tolist() == ["x"]
    (folder / "Attributes.csv").unlink()
    source = inspect_source(folder / "fer2013.csv")
    assert len(found(source)) == 14
    assert source.attributes is None


# attributes.csv


@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_attributes_are_passed_through_and_name_persons(few_rows, tmp_path, make):
    table = "file, Subject,subject,yaw\ntrain/sad/2.png,x, 007 ,-3\ntrain/happy/1.png,y,007,4\ngone.png,z,008,5\n"
    files = {f"data/{name}": data for name, data in USABLE.items()}
    files |= {"data/attributes.csv": table.encode("utf-8-sig"), "data/train/sad/attributes.csv": b"File,x\n"}
    source = inspect_source(make(tmp_path / "raw", files))
    assert source.attributes["file"].tolist() == ["data/train/sad/2.png", "data/train/happy/1.png", "data/gone.png"]
    assert source.attributes["yaw"].tolist() == ["-3", "4", "5"]
    records, _, _ = read_pictures(source)
    assert dict(zip(records["file"].str[-5], records["subject"], strict=True)) == {"1": "007", "2": "007", "3": ""}
    assert dict(source.layout.ignored.to_numpy())["data/gone.png"] == "in attributes.csv, but not there"


def test_persons_are_known_however_their_column_is_written(tmp_path):
    files = USABLE | {"attributes.csv": b"File,SUBJECT,Light\ntrain/happy/1.png,7,day\n"}
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert list(source.attributes) == ["file", "subject", "Light"]


def test_without_attributes_nobody_is_known(tmp_path):
    source = inspect_source(make_zip(tmp_path / "a.zip", USABLE))
    assert source.attributes is None
    assert "subject" not in read_pictures(source)[0]


def test_attributes_label_nothing(tmp_path):
    files = USABLE | {"attributes.csv": b"file,label\ntrain/happy/1.png,sad\n"}
    assert found(inspect_source(make_folder(tmp_path / "raw", files)))["train/happy/1.png"] == ("happy", 0, "train")


@pytest.mark.parametrize(
    ("table", "message"),
    [(b"name,subject\na,1\n", "expected one column file; found name, subject"), (b"", "expected a CSV in UTF-8"),
     (b"file,subject\na.png,1\na.png,2\n", "'a.png' occurs twice"), (b"\xff\xfe\x00", "expected a CSV in UTF-8"),
     (b"file\na,1,2,3\nb,1\nc,1,2,3,4,5,6\n", "expected a CSV in UTF-8"),
     (b"file,subject\ntrain/sad/2.png,1,\n", r"a comma in quotes \(rows hold more fields than the header\)"),
     (b"file,subject\na,1\ntrain/sad/2.png,1,\n", "a comma in quotes")],
)  # fmt: skip
def test_unusable_attributes(tmp_path, table, message):
    path = make_zip(tmp_path / "a.zip", USABLE | {"attributes.csv": table})
    with pytest.raises(SourceError, match=message) as error:
        inspect_source(path)
    assert "attributes.csv" in str(error.value)
    assert "\n" not in str(error.value)


# a person's decisions beside the source


@pytest.mark.parametrize(("make", "name"), [(make_zip, "raw.zip"), (make_folder, "raw")])
def test_decisions_are_honoured_and_the_source_stays_untouched(few_rows, tmp_path, make, name):
    files = USABLE | {"train/sad/4.png": FACE, "train/happy/5.png": FACE}
    path = make(tmp_path / name, files)
    before = fingerprint_source(str(path))
    rows = ["file,decision,label,why", "train/sad/2.png,relabel,Fear,eyes", "train/sad/4.png,drop,,a cartoon",
            "train/happy/1.png,Keep,,", "train/happy/5.png,,sad,", "gone.png,drop,,"]  # fmt: skip
    (tmp_path / "raw.decisions.csv").write_text("\n".join(rows))
    source = inspect_source(path)
    assert fingerprint_source(str(path)) != before
    assert found(source) == {
        "test/happy/3.png": ("happy", 0, "test"),
        "train/happy/1.png": ("happy", 0, "train"),
        "train/happy/5.png": ("happy", 0, "train"),
        "train/sad/2.png": ("fear", 1, "train"),
    }
    assert source.decisions.to_numpy().tolist() == [
        ["train/sad/2.png", "relabel", "sad", "fear", "eyes"],
        ["train/sad/4.png", "drop", "sad", "", "a cartoon"],
        ["train/happy/1.png", "keep", "happy", "happy", ""],
    ]
    reasons = dict(source.layout.ignored.to_numpy())
    assert reasons == {"train/sad/4.png": "dropped: a cartoon", "gone.png": "in raw.decisions.csv, but not there"}
    assert dict(read_pictures(source)[0][["file", "decision"]].to_numpy())["train/sad/2.png"] == "relabel"


def test_stress_labels_are_relabelled_by_stress_labels(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"stress/1.png": FACE, "stress/2.png": FACE, "non_stress/3.png": FACE})
    (tmp_path / "a.decisions.csv").write_text("file,decision,label,why\nstress/1.png,relabel,No Stress,calm\n")
    assert found(inspect_source(path))["stress/1.png"] == ("", 0, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("file,decision,label\n", "missing: why"), ("", "expected a CSV in UTF-8"),
     ("file,decision,label,why\na,delete,,\n", "line 2: decision 'delete'; expected keep, relabel, drop"),
     ("file,decision,label,why\na,drop,,\na,keep,,\n", "'a' occurs twice"),
     ("file,decision,label,why\ntrain/sad/2.png,relabel,stress,\n", "line 2: label 'stress'; expected one of angry"),
     ("file,decision,label,why\ntrain/sad/2.png,relabel,,\n", "line 2: label ''"),
     ("file,decision,label,why\ntrain/sad/2.png,drop,,blurred, and dark\n", "a comma in quotes .*more fields"),
     ("file,decision,label,why\na,,,\ntrain/sad/2.png,drop,,blurred, and dark\n", "a comma in quotes")],
)  # fmt: skip
def test_unusable_decisions(tmp_path, text, message):
    path = make_zip(tmp_path / "a.zip", USABLE)
    (tmp_path / "a.decisions.csv").write_text(text)
    with pytest.raises(SourceError, match=message) as error:
        inspect_source(path)
    assert "a.decisions.csv" in str(error.value)


def test_dropping_all_of_a_label_is_an_error(tmp_path):
    path = make_zip(tmp_path / "a.zip", USABLE)
    (tmp_path / "a.decisions.csv").write_text("file,decision,label,why\ntrain/sad/2.png,drop,,\n")
    with pytest.raises(SourceError, match="a single class"):
        inspect_source(path)


# files that are no pictures


def test_stray_files_are_ignored_with_a_reason(tmp_path):
    files = USABLE | {"readme.txt": b"", "cover.png": FACE, "docs/notes.md": b"", "__MACOSX/train/sad/._1.png": b"",
                      "train/sad/Thumbs.db": b"", "train/.DS_Store": b""}  # fmt: skip
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert set(found(source)) == set(USABLE)
    reasons = dict(source.layout.ignored.to_numpy())
    assert set(reasons) == set(files) - set(USABLE)
    assert set(reasons.values()) == {"left by a system", "not in a class folder"}


@pytest.mark.parametrize("name", ["README.txt", "README"])
def test_what_lies_in_a_wrapper_with_the_name_of_a_class_decides_nothing(tmp_path, name):
    files = {f"stress/{name}": b"hello", "stress/happy/1.png": FACE, "stress/sad/2.png": FACE}
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert set(found(source)) == {"stress/happy/1.png", "stress/sad/2.png"}
    assert dict(source.layout.ignored.to_numpy()) == {f"stress/{name}": "not in a class folder"}


def test_links_to_folders_are_followed_once(tmp_path):
    folder = make_folder(tmp_path / "raw", {"happy/1.png": FACE, ".git/config": b""})
    make_folder(tmp_path / "elsewhere", {"2.png": FACE, "deep/3.png": FACE})
    for link, target in {"sad": "../elsewhere", "angry": "happy", "happy/up": "..", "x": "x", ".#a": "gone"}.items():
        (folder / link).symlink_to(target)
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    files = [str(file.relative_to(folder)) for file in list_files(folder)]
    assert sorted(files) == [".#a", "happy/1.png", "sad/2.png", "sad/deep/3.png", "x"]
    (tmp_path / "elsewhere" / "deep" / "3.png").rename(tmp_path / "elsewhere" / "3.png")
    source = inspect_source(folder)
    assert list(found(source)) == ["happy/1.png", "sad/2.png", "sad/3.png"]
    assert len(read_pictures(source)[0]) == 3
    ignored = dict(source.layout.ignored.to_numpy())
    assert (ignored.pop(".#a"), ignored.pop("x")) == ("left by a system", "not in a class folder")
    assert ignored.pop(".git") == "a hidden folder, or one of a system"
    assert set(ignored.items()) == {
        (link, "a link to a folder that is read by another name") for link in ("angry", "happy/up", "sad/back")
    }


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    folder, scandir = make_folder(tmp_path / "raw", USABLE), os.scandir

    def refuse(path):
        if str(path).endswith("sad"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"the folder '.*train/sad' cannot be read \(Permission denied"):
        inspect_source(folder)


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    folder = make_folder(tmp_path / "raw", USABLE | {os.fsdecode(b"train/sad/caf\xe9.png"): FACE})
    with pytest.raises(SourceError, match=r"'train/sad/caf\\udce9.png' is no UTF-8; rename it"):
        inspect_source(folder)


def test_one_split_alone_divides_nothing(tmp_path):
    source = inspect_source(make_zip(tmp_path / "a.zip", {"test/happy/1.png": FACE, "test/sad/1.png": FACE}))
    assert set(source.layout.entries["split"]) == {""}
    assert source.folder_table()["split"].tolist() == ["to be cut"] * 2


def test_the_table_says_what_each_folder_was_taken_for(tmp_path):
    table = inspect_source(make_zip(tmp_path / "a.zip", USABLE)).folder_table()
    assert table.to_numpy().tolist() == [
        ["test/happy", "test", "happy", "Non-stress", 1],
        ["train/happy", "train", "happy", "Non-stress", 1],
        ["train/sad", "train", "sad", "Stress", 1],
    ]


def test_every_picture_of_a_zip_in_the_order_of_the_records(faces_zip, tmp_path):
    records, pixels, skipped = read_pictures(inspect_source(faces_zip))
    assert (len(records), pixels.shape, pixels.dtype, len(skipped)) == (280, (280, 48, 48, 3), np.uint8, 0)
    assert dict(records.groupby("label").size()) == {0: 120, 1: 160}
    face = draw_face("sad", np.random.default_rng())
    shades = {f"train/{emotion}/{shade}.png": shade for emotion in ("happy", "sad") for shade in (9, 90, 200)}
    files = {name: encode(face.point(lambda _, value=shade: value)) for name, shade in shades.items()}
    records, pixels, _ = read_pictures(inspect_source(make_zip(tmp_path / "a.zip", files)))
    assert [int(picture[5, 5, 0]) for picture in pixels] == [shades[name] for name in records["file"]]


def test_pictures_are_known_by_content_not_by_ending(tmp_path):
    face = draw_face("sad", np.random.default_rng(2))
    files = {"sad/1.txt": encode(face, "JPEG"), "sad/2": encode(face, "WEBP"), "happy/3.png": encode(face, "BMP"),
             "happy/4.jpg": encode(face, "TIFF")}  # fmt: skip
    records, _, skipped = read_pictures(inspect_source(make_folder(tmp_path / "raw", files)))
    assert len(records) == 4
    assert skipped.empty


def test_stratified_sample_keeps_the_shares_and_repeats(tmp_path):
    entries = inspect_source(write_faces_zip(tmp_path / "f.zip", 30, 10)).layout.entries
    sample = sample_stratified(entries, 140, seed=3)
    assert (sample.groupby(["split", "emotion"]).size().unstack().T == [5, 15]).all(axis=None)
    assert sample.equals(sample_stratified(entries, 140, seed=3))
    assert not sample.equals(sample_stratified(entries, 140, seed=4))
    assert sample_stratified(entries, 0, seed=3).equals(entries)


# single bad pictures: listed, skipped, the run goes on


@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_bad_pictures_are_listed_and_skipped(tmp_path, make, monkeypatch):
    huge = encode(draw_face("sad", np.random.default_rng(3)).resize((90, 90)))
    monkeypatch.setattr("utils.pictures.MAX_PIXELS", 60 * 60)
    bad = {"train/sad/empty.png": b"", "train/sad/text.png": b"hello", "train/sad/cut.png": FACE[:200],
           "train/sad/huge.png": huge}  # fmt: skip
    records, pixels, skipped = read_pictures(inspect_source(make(tmp_path / "raw", USABLE | bad)))
    assert len(records) == len(pixels) == 3
    reasons = dict(zip(skipped["file"], skipped["reason"].str.split("[:(]").str[0].str.strip(), strict=True))
    assert reasons == {
        "train/sad/empty.png": "empty",
        "train/sad/text.png": "not a picture",
        "train/sad/cut.png": "broken",
        "train/sad/huge.png": "too large",
    }


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    folder = make_folder(tmp_path / "raw", USABLE)
    os.mkfifo(folder / "train" / "sad" / "pipe.png")
    (folder / "train" / "sad" / "link.png").symlink_to("gone")
    skipped = read_pictures(inspect_source(folder))[2]
    reasons = dict(skipped.to_numpy())
    assert reasons["train/sad/pipe.png"] == "unreadable: not a regular file"
    assert "No such file" in reasons["train/sad/link.png"]
    with pytest.raises(SourceError, match=r"pipe\.png: not a regular file"):
        inspect_source(folder / "train" / "sad" / "pipe.png")


def test_damage_in_a_zip_is_listed(tmp_path):
    path = make_zip(tmp_path / "a.zip", USABLE)
    data = bytearray(path.read_bytes())
    data[data.index(FACE) + 60] ^= 255
    path.write_bytes(data)
    records, _, skipped = read_pictures(inspect_source(path))
    assert len(records) == 2
    assert "damaged in the zip" in skipped["reason"].iloc[0]


# sources that are bad as a whole: one message


@pytest.mark.parametrize("make", [make_zip, make_folder])
@pytest.mark.parametrize(
    ("files", "message"),
    [({"readme.txt": b""}, "no picture in a class folder"),
     (USABLE | {"train/bored/1.png": FACE}, r"folders that name no class: 'train/bored' \(1\)"),
     ({"stress/train/bored/1.png": FACE, "stress/train/stress/1.png": FACE}, "no class"),
     ({"a.png": FACE}, "name no class"),
     ({"train/sad/1.png": FACE, "test/fear/1.png": FACE}, "a single class: all 2 pictures are Stress"),
     ({"happy/1.png": FACE, "stress/1.png": FACE}, "expected one kind"),
     ({"test/happy/1.png": FACE, "val/sad/1.png": FACE}, "no training pictures")],
)  # fmt: skip
def test_unusable_folders(tmp_path, make, files, message):
    path = make(tmp_path / "raw", files)
    with pytest.raises(SourceError, match=message) as error:
        inspect_source(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("emotion,pixels\n0,1 2 3\n", "line 2: 3 pixels; expected 2304"),
     ("pixels,usage\n1,Training\n", "expected columns"),
     ("file,subject\na.png,1\n", "expected columns .* found file, subject"), ("", "found none"),
     ("file,label\na.png,angry\na.png,sad\n", "'a.png' in labels.csv, line 2 and labels.csv, line 3"),
     ("file,label\na.png,bored\n", "line 2: unknown class 'bored'"),
     ("file,label\na.png,3\n", "unknown class '3'; .* 0 and 1 are .* in a column label, other numbers .* CLASSES="),
     ("file,label\n/data/a.png,sad\n", "line 2: file '/data/a.png'; expected a path relative to the CSV"),
     ("file,label\nC:\\a.png,sad\n", "relative to the CSV"), ("file,label\n../a.png,sad\n", "relative to the CSV"),
     ("file,label\ngone.png,sad\n", "1 of 1 rows name files that are not there: 'gone.png'. Expected paths from the"),
     ("file,emotion\na.png,9\n", "unknown class '9'"),
     ("file,label,split\na.png,sad,later\n", "unknown split 'later'")],
)  # fmt: skip
def test_unusable_csvs(tmp_path, text, message):
    (tmp_path / "a.png").write_bytes(FACE)
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=message):
        inspect_source(path)


@pytest.mark.parametrize("given", [True, False])
def test_pixels_of_larger_pictures_are_refused(tmp_path, given):
    path = pixel_csv(tmp_path / "f.csv", "emotion,pixels", [(0, " ".join(["128"] * 224 * 224))])
    with pytest.raises(SourceError, match="line 2: 50176 pixels; expected 2304"):
        inspect_source(path if given else tmp_path)


def test_a_pixel_out_of_range_is_skipped(tmp_path):
    good = " ".join(["7"] * 2304)
    rows = [(0, good, "Training"), (3, good, "Training"), (3, good.replace("7", "999", 1), "Training")]
    source = inspect_source(pixel_csv(tmp_path / "f.csv", rows=rows))
    assert len(read_pictures(source)[0]) == 2
    assert source.layout.ignored.to_numpy().tolist() == [
        ["f.csv, line 4", "a pixel 999; expected whole numbers from 0 to 255"]
    ]


def encrypted(path):
    make_zip(path, USABLE)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := data.find(signature, start)) >= 0:
            data[start + offset] |= 1
            start += 4
    path.write_bytes(data)


def linked(path):
    make_zip(path, USABLE)
    info = zipfile.ZipInfo("train/sad/link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/sad/1.png", bytes(50 * 2**20))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def twice(path):
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("train/sad/1.png", FACE)


def with_first_entry(changes):
    """Writes a zip with some bytes of its table of contents' first entry changed: place -> byte."""

    def write(path):
        data = bytearray(make_zip(path, USABLE).read_bytes())
        for place, byte in changes.items():
            data[data.index(b"PK\x01\x02") + place] = byte
        path.write_bytes(data)

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [(encrypted, "encrypted"), (linked, "is a link"), (bomb, "bomb"), (twice, "occurs twice"),
     (lambda path: make_zip(path, USABLE | {"train\\sad\\2.png": FACE}), "occurs twice"),
     (lambda path: make_zip(path, USABLE | {"../out.png": FACE}), "leads outside"),
     (lambda path: make_zip(path, USABLE | {"/etc/out.png": FACE}), "leads outside"),
     (lambda path: make_zip(path, USABLE | {"C:/out.png": FACE}), "leads outside"),
     (lambda path: path.write_bytes(b"not a zip"), "expected a folder, a zip, a tar archive or a CSV"),
     (lambda path: path.write_bytes(make_zip(path, USABLE).read_bytes()[:-40]), "no whole zip"),
     (with_first_entry({6: 65}), r"no whole zip \(zip file version 6.5"),
     (with_first_entry({9: 8, 46: 255}), "no whole zip .*decode")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unusable_zips(tmp_path, write, message):
    path = tmp_path / "a.zip"
    write(path)
    with pytest.raises(SourceError, match=message):
        inspect_source(path)


def test_zips_that_only_look_bad(tmp_path):
    blank = encode(Image.new("RGB", (640, 480), "white"), "BMP")
    files = {name.replace("/", "\\"): data for name, data in USABLE.items()} | {"train\\": b"", ".": b"x"}
    path = make_zip(tmp_path / "a.zip", files)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/sad/blank.bmp", blank)
    source = inspect_source(path)
    assert set(found(source)) == {*USABLE, "train/sad/blank.bmp"}
    assert len(read_pictures(source)[0]) == 4


def test_nothing_readable(tmp_path):
    source = inspect_source(make_zip(tmp_path / "a.zip", dict.fromkeys(USABLE, b"")))
    with pytest.raises(SourceError, match=r"0 of 3 pictures could be read; .* is empty"):
        read_pictures(source)


def test_a_source_that_vanishes(tmp_path):
    folder = make_folder(tmp_path / "raw", USABLE)
    source = inspect_source(folder)
    shutil.rmtree(folder)
    with pytest.raises(SourceError, match="vanished while it was being read"):
        read_pictures(source)
    with pytest.raises(SourceError, match="there is nothing there"):
        inspect_source(folder)


# where sources come from


def test_fetching(tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip", USABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch_source("~/a.zip") == path.resolve()
    with pytest.raises(FileNotFoundError, match=r"SOURCE=~/b\.zip"):
        fetch_source("~/b.zip")
    with pytest.raises(FileNotFoundError, match=r"SOURCE=~mine\.zip: there is nothing at"):
        fetch_source("~mine.zip")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FileNotFoundError, match="SOURCE=~/loop"):
        fetch_source("~/loop")
    with pytest.raises(ValueError, match=r"SOURCE='/caf\\udce9': the path is no UTF-8"):
        fetch_source(os.fsdecode(b"/caf\xe9"))
    with pytest.raises(FileNotFoundError, match="No SOURCE given"):
        fetch_source("")


def test_kaggle_without_its_package_or_credentials_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(ValueError, match=r"pip install kagglehub.*by hand.*SOURCE=<the zip>"):
        fetch_source("kaggle:janithukwattage/stress-faces-dataset")

    class Hub:
        @staticmethod
        def dataset_download(dataset):
            raise RuntimeError(f"401 for {dataset}\nmore")

    monkeypatch.setitem(sys.modules, "kagglehub", Hub)
    with pytest.raises(ValueError, match=r"401 for a/b\).*kaggle\.json") as error:
        fetch_source("kaggle:a/b")
    assert "\n" not in str(error.value)


def test_kaggle_downloads(monkeypatch, tmp_path):
    class Hub:
        @staticmethod
        def dataset_download(dataset):
            return str(tmp_path) if dataset == "a/b" else ""

    monkeypatch.setitem(sys.modules, "kagglehub", Hub)
    assert fetch_source("kaggle:a/b") == tmp_path


def test_a_fingerprint_changes_with_the_files(tmp_path):
    folder = make_folder(tmp_path / "raw", USABLE)
    before = fingerprint_source(str(folder))
    assert fingerprint_source(str(folder)) == before
    (folder / "train/sad/9.png").write_bytes(FACE)
    assert fingerprint_source(str(folder)) != before


def test_a_fingerprint_passes_over_what_cannot_be_looked_at(tmp_path):
    folder = make_folder(tmp_path / "raw", USABLE)
    before = fingerprint_source(str(folder))
    (folder / ".#notes.txt").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    assert fingerprint_source(str(folder)) == before
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(FACE)
    assert fingerprint_source(str(folder)) != before


def test_the_fingerprint_of_a_csv_changes_with_what_belongs_to_it(tmp_path):
    files = {"labels.csv": b"file,label\na/1.png,sad\na/2.png,happy\n", "a/1.png": FACE, "a/2.png": FACE}
    path = make_folder(tmp_path, files) / "labels.csv"
    prints = [fingerprint_source(str(path))]
    (tmp_path / "other.png").write_bytes(FACE)
    assert fingerprint_source(str(path)) == prints[0]
    for change in (lambda: (tmp_path / "a" / "1.png").write_bytes(FACE + b"x"), (tmp_path / "a" / "2.png").unlink,
                   lambda: (tmp_path / "attributes.csv").write_text("file\n")):  # fmt: skip
        change()
        prints.append(fingerprint_source(str(path)))
    assert len(set(prints)) == 4
    for bad in (b"\xff\xfe\x00", b"x", pixel_csv(tmp_path / "fer2013.csv").read_bytes()):
        path.write_bytes(bad)
        prints.append(fingerprint_source(str(path)))
    assert len(set(prints)) == 7


def test_inspecting_from_the_command_line(tmp_path):
    good = subprocess.run(
        [sys.executable, "-m", "utils.data.ingest", make_zip(tmp_path / "a.zip", USABLE)],
        capture_output=True,
        text=True,
    )
    assert good.returncode == 0
    assert "train/sad" in good.stdout
    assert "folders: 3 pictures, 0 files ignored" in good.stdout
    bad = subprocess.run([sys.executable, "-m", "utils.data.ingest", "/nowhere"], capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stderr.strip() == "SOURCE=/nowhere: there is nothing at /nowhere."


# anything at all

NAMES = st.sampled_from(
    ["train", "Test", "val", "angry", "Sadness", "joie", "stress", "no stress", "bored", "a", "x y", "..", ".git", "0"]
)
FILES = st.dictionaries(
    st.lists(NAMES, max_size=4).flatmap(
        lambda folders: st.sampled_from(["1.png", "2.jpg", "r.txt", "labels.csv", "Thumbs.db"]).map(
            lambda file: "/".join([*folders, file])
        )
    ),
    st.sampled_from(["face", "cut", "empty", "table", "noise"]),
    max_size=8,
)
CONTENT = {
    "face": FACE,
    "cut": FACE[:80],
    "empty": b"",
    "table": b"file,label\n1.png,sad\n",
    "noise": b"\xff\xfe\x00",
}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, damage=st.integers(0, 2000), broken=st.booleans())
def test_random_archives_give_right_labels_or_a_message(tmp_path, files, damage, broken):
    path = make_zip(tmp_path / "random.zip", {name: CONTENT[content] for name, content in files.items()})
    if broken:
        data = bytearray(path.read_bytes())
        data[damage % len(data)] ^= 85
        path.write_bytes(data)
    try:
        source = inspect_source(path)
        records, pixels, skipped = read_pictures(source)
    except SourceError as error:
        assert "\n" not in str(error)
        return
    assert len(records) == len(pixels)
    assert len(records) + len(skipped) == len(source.layout.entries)
    if source.layout.kind == "folders" and not broken:
        for record in records.itertuples():
            folders = record.file.split("/")[:-1]
            classes = [folder for folder in folders if find_label(folder) is not None or find_emotion(folder)]
            assert record.emotion == (find_emotion(classes[-1]) or "")
            if not record.emotion:
                assert record.label == find_label(classes[-1])


ACCENTED = ("colère", "neutre", "joie")


def write_zip_without_utf8_flag(path, names):
    """As Info-ZIP and the macOS Finder do: UTF-8 in the names, and no flag that says so."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, FACE)
    data = bytearray(path.read_bytes())
    for position in range(len(data) - 4):
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            if data[position : position + 4] == signature:
                data[position + offset + 1] &= ~0x08
    path.write_bytes(data)
    return path


def test_names_of_a_zip_without_the_utf8_flag_are_read_as_utf8(tmp_path):
    names = [f"train/{emotion}/é{number}.png" for emotion in ACCENTED for number in range(2)]
    source = inspect_source(write_zip_without_utf8_flag(tmp_path / "a.zip", names))
    assert sorted(source.layout.entries["file"]) == sorted(names)
    assert set(source.layout.entries["emotion"]) == {"angry", "neutral", "happy"}
    records, _, skipped = read_pictures(source)
    assert len(records) == 6 and skipped.empty


@pytest.mark.parametrize(("on_disk", "in_csv"), [("NFD", "NFC"), ("NFC", "NFD")])
@pytest.mark.parametrize("given", ["csv", "folder", "zip"])
def test_names_meet_in_whatever_form_of_unicode(tmp_path, on_disk, in_csv, given):
    folder = tmp_path / "raw"
    folder.mkdir()
    rows, attributes, files = ["file,label"], ["file,subject"], []
    for number, label in enumerate(("stress", "non-stress") * 2):
        name = f"é{number}.png"
        files.append(unicodedata.normalize(on_disk, name))
        (folder / files[-1]).write_bytes(FACE)
        rows.append(f"{unicodedata.normalize(in_csv, name)},{label}")
        attributes.append(f"{unicodedata.normalize(in_csv, name)},p{number}")
    (folder / "labels.csv").write_text("\n".join(rows))
    (folder / "attributes.csv").write_text("\n".join(attributes))
    decided = f"file,decision,label,why\n{unicodedata.normalize(in_csv, 'é0.png')},keep,,seen"
    if given == "zip":
        shutil.make_archive(str(tmp_path / "raw"), "zip", folder)
    path = {"csv": folder / "labels.csv", "folder": folder, "zip": tmp_path / "raw.zip"}[given]
    find_decisions(path).write_text(decided)
    source = inspect_source(path)
    records, _, skipped = read_pictures(source)
    assert sorted(unicodedata.normalize("NFC", name) for name in records["file"]) == [f"é{n}.png" for n in range(4)]
    if given != "csv":
        assert sorted(records["file"]) == sorted(files)  # as they are in the source
    assert set(records["subject"]) == {f"p{number}" for number in range(4)}
    assert source.decisions["decision"].tolist() == ["keep"]
    assert skipped.empty and source.layout.ignored.empty


@pytest.mark.parametrize("kind", ["labels", "attributes", "decisions"])
def test_a_csv_of_which_much_names_nothing_is_refused(tmp_path, kind):
    folder = tmp_path / "raw"
    for number in range(40):
        path = folder / ("sad" if number % 2 else "happy") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FACE)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png")) + ["gone.png"]
    line = {"labels": "{},sad", "attributes": "{},p", "decisions": "{},keep,,"}[kind]
    head = {"labels": "file,label", "attributes": "file,subject", "decisions": "file,decision,label,why"}[kind]
    target = find_decisions(folder) if kind == "decisions" else folder / f"{kind}.csv"
    target.write_text("\n".join([head, *map(line.format, names)]))
    with pytest.raises(SourceError, match=r"1 of 41 rows name files that are not there: 'gone.png'\. Expected paths"):
        inspect_source(folder)


def label_by_csv(folder, header, values):
    folder.mkdir()
    rows = [header]
    for number, value in enumerate(values):
        (folder / f"{number}.png").write_bytes(FACE)
        rows.append(f"{number}.png,{value}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.mark.parametrize("column", ["emotion", "expression"])
def test_numbers_of_emotions_are_not_guessed(tmp_path, column):
    """AffectNet's 0 is neutral, FER-2013's angry."""
    folder = label_by_csv(tmp_path / "raw", f"image,{column}", range(7))
    with pytest.raises(SourceError, match=r"unknown class '0'.*differ between data sets: say what they mean: CLASSES="):
        inspect_source(folder)


@pytest.mark.parametrize(
    ("classes", "numbers", "emotions"),
    [("affectnet", range(8), "neutral happy sad surprise fear disgust angry contempt"),
     ("RAFDB", range(1, 8), "surprise fear disgust happy sad angry neutral"),
     ("ckplus", range(8), "neutral angry contempt disgust fear happy sad surprise"),
     ("fer2013", range(7), "angry disgust fear happy sad surprise neutral"),
     ("3=joy 9=sad", (3, 9), "happy sad")],
)  # fmt: skip
def test_numbers_mean_what_is_said(tmp_path, classes, numbers, emotions):
    for folder, header in ((tmp_path / "a", "image,expression"), (tmp_path / "b", "file,label")):
        entries = inspect_source(label_by_csv(folder, header, numbers), classes).layout.entries
        assert entries["emotion"].tolist() == emotions.split()


def test_folders_mean_what_is_said(tmp_path):
    names = ["train/angry_faces/1.png", "train/relaxed/1.png", "test/Stressed Faces/1.png"]
    path = make_zip(tmp_path / "a.zip", dict.fromkeys(names, FACE))
    with pytest.raises(SourceError, match=r"Rename or remove those folders, or say what they mean: CLASSES="):
        inspect_source(path)
    said = inspect_source(path, "angry_faces=stress relaxed='no stress' 'stressed faces'=stress").layout.entries
    assert dict(zip(said["file"], said["label"], strict=True)) == dict(zip(names, (1, 0, 1), strict=True))


def test_a_typing_error_is_told_the_nearest_class(tmp_path):
    with pytest.raises(SourceError, match=r"did you mean surprise\?"):
        inspect_source(make_zip(tmp_path / "a.zip", {"Suprise/1.png": FACE, "happy/1.png": FACE}))


@pytest.mark.parametrize(
    ("classes", "message"),
    [("0", "expected name=class words, or one of fer2013"), ("0=bored", "'0=bored' names no class"),
     ("0=sad 0=happy", "expected each name once"), ("0=suprise", "did you mean surprise"), ("0='sad", "not closed")],
)  # fmt: skip
def test_what_is_said_wrongly_is_named(tmp_path, classes, message):
    with pytest.raises(ValueError, match=f"CLASSES: .*{message}"):
        inspect_source(make_zip(tmp_path / "a.zip", USABLE), classes)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("Train Data", "Test Data"),
        ("01_train", "02_test"),
        ("train-images", "test-images"),
    ],
)
def test_folders_of_splits_are_read_by_words(tmp_path, train, test):
    names = [f"{split}/{emotion}/1.png" for split in (train, test) for emotion in ("happy", "sad")]
    entries = inspect_source(make_zip(tmp_path / "a.zip", dict.fromkeys(names, FACE))).layout.entries
    assert dict(zip(entries["file"], entries["split"], strict=True)) == {
        name: "train" if name.startswith(train) else "test" for name in names
    }


@pytest.mark.parametrize("other", ["eval", "holdout", "part2"])
def test_a_folder_beside_splits_that_is_none_is_an_error(tmp_path, other):
    names = [f"data/{split}/{emotion}/1.png" for split in ("train", other) for emotion in ("happy", "sad")]
    with pytest.raises(
        SourceError, match=f"'{other}' lies beside 'train' in 'data' and names no split; expected train"
    ):
        inspect_source(make_zip(tmp_path / "a.zip", dict.fromkeys(names, FACE)))
