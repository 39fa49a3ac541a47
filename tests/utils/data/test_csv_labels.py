"""Damaged CSVs, numbers in them, and pictures that their rows name in other folders; test_ingest.py has the rest."""

import numpy as np
import pytest
from raw_sources import FACE, found, make_folder, make_zip, pixel_csv, read_ignored

from utils.csv_files import SourceError
from utils.data.ingest import inspect_source, read_pictures

GOOD = " ".join(["7"] * 2304)


def make_labels(folder, rows, header="file,label", count=20):
    lines = [header, *[f"{number}.png,{'sad' if number % 2 else 'happy'}" for number in range(count)]]
    make_folder(folder, {f"{number}.png": FACE for number in range(count + 1)})
    (folder / "labels.csv").write_text("\n".join(rows(lines)))
    return folder / "labels.csv"


@pytest.mark.parametrize(
    ("change", "reason"),
    [(lambda lines: [*lines[:5], ",", *lines[5:], ""], "line 6: it is blank"),
     (lambda lines: [*lines, "20.png"], "line 22: no label"), (lambda lines: [*lines, "20.png,"], "line 22: no label"),
     (lambda lines: [*lines, ",sad", ""], "line 22: no file"),
     (lambda lines: [*lines, "20.png,sad,x"], "line 22: more cells than the header"),
     (lambda lines: [*lines, "20.png,sa"], "line 22: the file breaks off (labels.csv, line 22: unknown class 'sa'")],
)  # fmt: skip
@pytest.mark.parametrize("given", [True, False])
def test_one_damaged_row_is_listed_and_skipped(tmp_path, change, reason, given):
    path = make_labels(tmp_path / "raw", change)
    source = inspect_source(path if given else path.parent)
    assert len(found(source)) == 20
    place, _, why = reason.partition(": ")
    assert read_ignored(source)[f"labels.csv, {place}"].startswith(why)


def test_a_class_that_is_unknown_elsewhere_than_at_the_end_is_an_error(tmp_path):
    for rows in (lambda lines: [*lines, "20.png,sa", ""], lambda lines: [*lines[:-1], "20.png,sa", lines[-1]]):
        with pytest.raises(SourceError, match="unknown class 'sa'"):
            inspect_source(make_labels(tmp_path / "raw", rows))


def test_empty_cells_behind_and_empty_lines_are_nothing(tmp_path):
    path = make_labels(tmp_path / "raw", lambda lines: [lines[0], "", *[f"{line},,\n" for line in lines[1:]]])
    source = inspect_source(path)
    assert len(found(source)) == 20
    assert source.layout.ignored.empty


def test_many_damaged_rows_are_an_error(tmp_path):
    path = make_labels(tmp_path / "raw", lambda lines: [*lines, ",", "x.png"])
    message = r"labels.csv: 2 of 22 rows cannot be used, the first in labels.csv, line 22: it is blank\. Mend or remove"
    with pytest.raises(SourceError, match=message):
        inspect_source(path)


def test_a_row_of_pixels_that_is_cut_is_listed(tmp_path):
    path = pixel_csv(tmp_path / "fer2013.csv")
    path.write_text(path.read_text() + "3," + GOOD[:3000])
    source = inspect_source(path)
    assert len(read_pictures(source)[0]) == 14
    assert read_ignored(source) == {"fer2013.csv, line 16": "no Usage"}
    path.write_text(path.read_text() + ",Training\n")
    assert "1500 pixels; expected 2304" in read_ignored(inspect_source(path))["fer2013.csv, line 16"]


@pytest.mark.parametrize("write", ["[{}]", "{}"])
@pytest.mark.parametrize(("separator", "number"), [(" ", "{}"), (", ", "{}"), (" ", "{}.0"), ("  ", "{}.")])
def test_pixels_in_brackets_and_with_points_are_read(tmp_path, write, separator, number):
    grey = np.arange(2304) % 256
    rows = [
        (code, '"' + write.format(separator.join(number.format(n) for n in grey)) + '"', "Training") for code in (0, 3)
    ]
    _, pixels, _ = read_pictures(inspect_source(pixel_csv(tmp_path / "f.csv", rows=rows)))
    assert np.array_equal(pixels[0, :, :, 0].ravel(), grey)


@pytest.mark.parametrize(
    ("pixel", "message"),
    [("0.27", "a pixel 0.27; expected whole numbers from 0 to 255"), ("-1", "a pixel -1;"), ("256", "a pixel 256;"),
     ("nan", "a pixel nan;"), ("x", "pixels that are no numbers;")],
)  # fmt: skip
def test_pixels_that_are_none_are_told_before_anything_is_read(tmp_path, pixel, message):
    rows = [(code, f"{GOOD[:-1]}{pixel}", "Training") for code in (0, 3)]
    with pytest.raises(SourceError, match=f"2 of 2 rows cannot be used, the first in f.csv, line 2: {message}"):
        inspect_source(pixel_csv(tmp_path / "f.csv", rows=rows))


def test_what_lies_beside_a_csv_of_pixels_is_named(tmp_path):
    table = pixel_csv(tmp_path / "fer2013.csv").read_bytes()
    files = {"fer2013.csv": table, "train/happy/1.png": FACE, "more.csv": b"x,y\n", "old.tar.gz": b""}
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert read_ignored(source) == dict.fromkeys(sorted(set(files) - {"fer2013.csv"}), "beside a CSV of pixels")


@pytest.mark.parametrize(
    "table", [b"file|label\n1.png|sad\n", "file,\u00e9motion\n1.png,joie\n".encode("latin-1"), b"1.png,sad\n"]
)
def test_a_csv_that_is_not_understood_is_named_where_classes_are_missing(tmp_path, table):
    with pytest.raises(SourceError, match=r"'l.csv' labels nothing: expected UTF-8 and columns file and label"):
        inspect_source(make_zip(tmp_path / "a.zip", {"1.png": FACE, "2.png": FACE, "l.csv": table}))


# numbers


def test_ck_plus_pixels_have_a_code_for_contempt(tmp_path):
    path = pixel_csv(tmp_path / "ckextended.csv", rows=[(code, GOOD, "Training") for code in range(8)])
    emotions = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"]
    assert inspect_source(path).layout.entries["emotion"].tolist() == emotions
    with pytest.raises(SourceError, match="CK+'s CSV of pixels is numbered as FER-2013's".replace("+", r"\+")):
        inspect_source(path, "ckplus")


def test_pixels_beside_stress_labels_are_no_emotions(tmp_path):
    path = pixel_csv(tmp_path / "f.csv", "label,pixels", [(0, GOOD), (1, GOOD)])
    assert list(found(inspect_source(path)).values()) == [("", 0, ""), ("", 1, "")]
    pixel_csv(path, "label,pixels", [(0, GOOD), (4, GOOD)])
    with pytest.raises(SourceError, match="unknown class '4'"):
        inspect_source(path)


@pytest.mark.parametrize("column", ["class", "category", "emotion", "expression"])
def test_0_and_1_are_stress_labels_in_columns_that_say_so_alone(tmp_path, column):
    files = {"1.png": FACE, "2.png": FACE}
    for name in ("label", "Stress"):
        path = make_folder(tmp_path / name, files | {"l.csv": f"file,{name}\n1.png,1.0\n2.png,0\n".encode()})
        assert found(inspect_source(path))["1.png"] == ("", 1, "")
    with pytest.raises(SourceError, match="unknown class '1'"):
        inspect_source(make_folder(tmp_path / "x", files | {"l.csv": f"file,{column}\n1.png,1\n2.png,0\n".encode()}))


# pictures in other folders than the CSV says


@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_files_are_found_by_the_ends_of_their_paths(tmp_path, make):
    table = b"Image Name,emotion\n1.png,sad\nb/2.png,happy\n3.png,fear\n"
    files = {"set/csv/labels.csv": table, "set/images/1.png": FACE, "set/images/b/2.png": FACE, "set/c/2.png": FACE}
    source = inspect_source(make(tmp_path / "raw", files | {"set/3.png": FACE, "set/images/13.png": FACE}))
    emotions = {name: emotion for name, (emotion, _, _) in found(source).items()}
    assert emotions == {"set/images/1.png": "sad", "set/images/b/2.png": "happy", "set/3.png": "fear"}


def test_files_that_two_paths_end_in_are_told_apart_by_split_or_not_at_all(tmp_path):
    files = {f"{split}/{number}.png": FACE for split in ("train", "test") for number in (1, 2)}
    table = b"file,label\n1.png,sad\n2.png,happy\n"
    source = inspect_source(make_zip(tmp_path / "a.zip", files | {"train.csv": table, "test.csv": table}))
    assert {name: split for name, (_, _, split) in found(source).items()} == {
        name: name.split("/")[0] for name in files
    }
    with pytest.raises(
        SourceError, match=r"labels.csv, line 2: '1.png' may be '\w+/1.png' or '\w+/1.png'; expected paths"
    ):
        inspect_source(make_zip(tmp_path / "b.zip", files | {"labels.csv": table}))


def test_splits_of_the_folders_are_kept_where_a_csv_says_none(tmp_path):
    rows = [
        f"{split}/{number}.png,{('sad', 'happy')[number]}" for split in ("training", "holdout") for number in (0, 1)
    ]
    files = {row.split(",")[0]: FACE for row in rows}
    table = "\n".join(["file,label", *rows])
    with pytest.raises(SourceError, match="'holdout' lies beside 'training' and names no split"):
        inspect_source(make_zip(tmp_path / "a.zip", files | {"labels.csv": table.encode()}))
    files = {name.replace("holdout", "Test Set"): FACE for name in files}
    path = make_folder(tmp_path / "raw", files | {"labels.csv": table.replace("holdout", "Test Set").encode()})
    for given in (path, path / "labels.csv"):
        splits = {name: split for name, (_, _, split) in found(inspect_source(given)).items()}
        assert splits == {name: "test" if name.startswith("Test") else "train" for name in files}


def test_a_csv_and_folders_that_disagree_are_an_error(tmp_path):
    table = b"file,label\nsad/1.png,sad\nhappy/2.png,fear\nhappy/3.png,happy\n"
    files = {"sad/1.png": FACE, "happy/2.png": FACE, "happy/3.png": FACE}
    folder = make_folder(tmp_path / "raw", files | {"labels.csv": table})
    message = (
        "labels.csv says 'fear' of 'happy/2.png', its folder 'happy'; they disagree on 1 of 3 pictures. .* remove it"
    )
    with pytest.raises(SourceError, match=message):
        inspect_source(folder)
    assert found(inspect_source(folder / "labels.csv"))["happy/2.png"] == ("fear", 1, "")
    table = b"file,label\nsad/1.png,1\nhappy/2.png,1\nhappy/3.png,0\n"
    with pytest.raises(SourceError, match=r"says '1' of 'happy/2.png'"):
        inspect_source(make_folder(folder, {"labels.csv": table}))


def test_a_wrapper_with_the_name_of_a_class_disagrees_with_nothing(tmp_path):
    table = b"file,label\n1.png,sad\n2.png,happy\n"
    files = {"stress/1.png": FACE, "stress/2.png": FACE, "stress/labels.csv": table}
    assert len(found(inspect_source(make_zip(tmp_path / "a.zip", files)))) == 2


# columns


def make_table(path, header, rows, name="labels.csv", **how):
    """A folder of pictures that a CSV labels; `how` it is written: `encoding`, `separator`."""
    separator = how.get("separator", ",")
    text = "\r\n".join(separator.join(row) for row in (header, *rows))
    pictures = {row[0]: FACE for row in rows}
    return make_folder(path, pictures | {name: text.encode(how.get("encoding", "utf-8"))})


EMOTIONS = [("sad", "1"), ("happy", "0"), ("angry", "1"), ("neutral", "0")]
ROWS = [(f"{n}.png", emotion, label) for n, (emotion, label) in enumerate(EMOTIONS)]


def test_which_of_two_columns_of_classes_was_read_is_told(tmp_path):
    source = inspect_source(make_table(tmp_path / "a", ("file", "emotion", "label"), ROWS))
    assert source.layout.kind == "pictures labelled by a CSV (by its column emotion, not by label)"
    assert [emotion for emotion, _, _ in found(source).values()] == ["sad", "happy", "angry", "neutral"]
    # one in numbers that are nobody's
    other = [(file, emotion, str(number)) for number, (file, emotion, _) in enumerate(ROWS)]
    assert len(found(inspect_source(make_table(tmp_path / "b", ("file", "emotion", "class"), other)))) == 4


@pytest.mark.parametrize("header", [("file", "emotion", "label"), ("file", "label", "stress")])
@pytest.mark.parametrize("wrong", ["0", "Non-stress", "happy"])
def test_two_columns_that_contradict_each_other_are_an_error(tmp_path, header, wrong):
    with pytest.raises(SourceError, match=f"line 2: the column {header[2]} contradicts 'sad'; so it does in 1 of 4"):
        inspect_source(make_table(tmp_path / "a", header, [("0.png", "sad", wrong), *ROWS[1:]]))


def test_a_label_by_another_mapping_contradicts_nothing_where_it_is_asked_for(tmp_path):
    path = make_table(tmp_path / "a", ("file", "emotion", "label"), [*ROWS, ("4.png", "surprise", "1")])
    with pytest.raises(SourceError, match="the column label contradicts 'surprise'"):
        inspect_source(path)
    assert len(found(inspect_source(path, stress_classes=["angry", "sad", "surprise"]))) == 5


@pytest.mark.parametrize("column", ["phase", "partition", "Subset"])
@pytest.mark.parametrize("test", ["TEST", "prueba"])
def test_columns_and_words_of_splits(tmp_path, column, test):
    rows = [(*row[:2], test if row[0] < "2" else "train") for row in ROWS]
    source = inspect_source(make_table(tmp_path / "a", ("file", "emotion", column), rows))
    assert [split for _, _, split in found(source).values()] == ["test", "test", "train", "train"]


@pytest.mark.parametrize(
    ("column", "values"),
    [("is_train", "1100"), ("test", ("False", "True", "False", "False")), ("my_part", ("train", "train", "test", ""))],
)
def test_a_split_in_a_column_by_another_name_is_an_error(tmp_path, column, values):
    rows = [(*row[:2], value) for row, value in zip(ROWS, values, strict=True)]
    with pytest.raises(SourceError, match=f"the column '{column}' tells splits; expected a column split"):
        inspect_source(make_table(tmp_path / "a", ("file", "emotion", column), rows))


def test_other_columns_tell_no_splits(tmp_path):
    rows = [(*row, "train", "0.5") for row in ROWS]
    assert (
        len(found(inspect_source(make_table(tmp_path / "a", ("file", "emotion", "label", "source", "v"), rows)))) == 4
    )


@pytest.mark.parametrize(
    "how", [{"separator": ";"}, {"separator": "\t"}, {"separator": "\t", "encoding": "utf-16"},
            {"separator": ";", "encoding": "utf-8-sig"}],
)  # fmt: skip
def test_what_spreadsheets_write_is_read(tmp_path, how):
    rows = [(f"{emotion}/{n}.png", emotion, "test" if n else "train") for emotion in ("sad", "happy") for n in range(2)]
    source = inspect_source(make_table(tmp_path / "a", ("File", "Label", "Split"), rows, **how))
    assert [split for _, _, split in found(source).values()] == ["train", "test"] * 2
    attributes = [(file, f"p{n}") for n, (file, _, _) in enumerate(rows)]
    make_table(tmp_path / "a", ("file", "subject"), attributes, "attributes.csv", **how)
    assert inspect_source(tmp_path / "a").attributes["subject"].tolist() == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("table", "message"),
    [("file,label,split\nsad/1.png,sad,test\né.png,sad,train\n".encode("latin-1"), "expected a CSV in UTF-8"),
     (b"id,label,split\n1,sad,test\n", "expected columns emotion and pixels, or file and label; found id, label")],
)  # fmt: skip
def test_a_csv_of_splits_that_cannot_be_read_is_not_passed_over(tmp_path, table, message):
    files = {"sad/1.png": FACE, "happy/2.png": FACE, "labels.csv": table}
    with pytest.raises(SourceError, match=f"labels.csv: {message}"):
        inspect_source(make_zip(tmp_path / "a.zip", files))


def test_a_csv_and_folders_that_say_different_splits_are_an_error(tmp_path):
    rows = [(f"{split}/{n}.png", EMOTIONS[n][0], split) for split in ("train", "test") for n in range(4)]
    wrong = [("train/0.png", "sad", "test"), *rows[1:]]
    path = make_table(tmp_path / "a", ("file", "label", "split"), wrong)
    with pytest.raises(SourceError, match=r"labels.csv says 'test' of 'train/0.png', its folder 'train'"):
        inspect_source(path)
    assert found(inspect_source(path / "labels.csv"))["train/0.png"][2] == "test"
    # of one folder around all pictures nothing is to be learnt
    within = [(f"train/{row[0]}", row[1], "test" if row[0] == "0.png" else "train") for row in ROWS]
    assert len(found(inspect_source(make_table(tmp_path / "b", ("file", "label", "split"), within)))) == 4


def test_pixels_numbered_from_1_to_7_are_not_taken_for_fer_2013s(tmp_path):
    path = pixel_csv(tmp_path / "raf.csv", rows=[(code, GOOD, "Training") for code in range(1, 8)])
    with pytest.raises(SourceError, match="numbers from 1 to 7, which FER-2013's are not: say what they mean"):
        inspect_source(path)
    assert inspect_source(path, "rafdb").layout.entries["emotion"].tolist()[0] == "surprise"
