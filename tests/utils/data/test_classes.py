"""What names and numbers of other data sets mean: as it is said, and in the formats that they are published in."""

import subprocess
import sys

import numpy as np
import pytest
from raw_sources import FACE, found, make_folder, make_tar, make_zip, read_ignored
from support import draw_face, encode

from utils.csv_files import SourceError
from utils.data.audit import audit_pictures
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sources import fingerprint_source
from utils.data.splits import assign_splits

NUMBERED = {f"train/{number}/{copy}.png": FACE for number in range(8) for copy in range(4)}
AFFECTNET = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"]
SAID = b"given,class\n0,neutral\n1,happy\n2,sad\n3.0,Surprised\n4,fear\n5,disgust\n6,angry\n7,skip\n"


def tell_emotions(source):
    return {name: emotion for name, (emotion, _, _) in found(source).items()}


def test_affectnets_folders(tmp_path):
    path = make_zip(tmp_path / "a.zip", NUMBERED | {"val/8/1.png": FACE, "val/0/1.png": FACE})
    with pytest.raises(SourceError, match=r"'train/0' \(4\).*CLASSES=fer2013\|affectnet"):
        inspect_source(path)
    source = inspect_source(path, "AffectNet")
    assert tell_emotions(source) == {name: AFFECTNET[int(name.split("/")[1])] for name in [*NUMBERED, "val/0/1.png"]}
    assert read_ignored(source) == {"val/8/1.png": "of a class that is left out"}


def test_affectnets_csv(tmp_path):
    rows = [f"1/{number}.jpg,{number % 11}" for number in range(22)]
    table = "\n".join(["subDirectory_filePath,expression", *rows, ""]).encode()
    pictures = {f"Manually_Annotated_Images/1/{number}.jpg": FACE for number in range(22)}
    source = inspect_source(make_zip(tmp_path / "a.zip", pictures | {"training.csv": table}), "affectnet")
    assert tell_emotions(source) == {
        f"Manually_Annotated_Images/1/{number}.jpg": AFFECTNET[number % 11] for number in range(22) if number % 11 < 8
    }
    assert sum(reason == "of a class that is left out" for reason in read_ignored(source).values()) == 6


RAF_DB = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]


@pytest.mark.parametrize("classes", ["", "rafdb"])
@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_raf_dbs_list(tmp_path, classes, make):
    names = [f"{split}_{number:05}" for split in ("train", "test") for number in range(1, 15)]
    table = "\n".join(f"{name}.jpg {int(name[-2:]) % 7 + 1}" for name in names).encode()
    files = {
        f"basic/Image/{kind}.jpg": FACE for name in names for kind in (f"aligned/{name}_aligned", f"original/{name}")
    }
    source = inspect_source(make(tmp_path / "raw", files | {"basic/EmoLabel/list_patition_label.txt": table}), classes)
    assert found(source).keys() == {f"basic/Image/aligned/{name}_aligned.jpg" for name in names}
    for name, (emotion, _, split) in found(source).items():
        assert emotion == RAF_DB[int(name[-14:-12]) % 7]
        assert split in name


def test_raf_dbs_list_without_aligned_pictures(tmp_path):
    table = b"train_00001.jpg 5\ntest_00001.jpg 4\n"
    files = {"train_00001.jpg": FACE, "test_00001.jpg": FACE, "list_patition_label.txt": table}
    assert found(inspect_source(make_folder(tmp_path / "raw", files))) == {
        "train_00001.jpg": ("sad", 1, "train"),
        "test_00001.jpg": ("happy", 0, "test"),
    }


def test_raf_db_as_folders_with_csvs_that_name_files_alone(tmp_path):
    files = {f"D/{split}/{n}/{split}_0000{n}_aligned.jpg": FACE for split in ("train", "test") for n in (4, 5)}
    for split in ("train", "test"):
        rows = [f"{split}_0000{n}_aligned.jpg,{n}" for n in (4, 5)]
        files[f"{split}_labels.csv"] = "\n".join(["image,label", *rows]).encode()
    source = inspect_source(make_zip(tmp_path / "a.zip", files), "rafdb")
    assert found(source)["D/test/5/test_00005_aligned.jpg"] == ("sad", 1, "test")
    assert len(found(source)) == 4


KDEF = {"AN": "angry", "DI": "disgust", "AF": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_kdefs_file_names(tmp_path, make):
    names = [
        f"KDEF/{session}{person}/{session}{person}{code}{angle}.JPG"
        for session in "AB" for person in ("F01", "M02", "M35") for code in KDEF for angle in ("FL", "HL", "S")
    ]  # fmt: skip
    source = inspect_source(make(tmp_path / "raw", dict.fromkeys(names, FACE) | {"KDEF/AF01/AF01V.JPG": FACE}))
    assert tell_emotions(source) == {name: KDEF[name.split("/")[2][4:6]] for name in names}
    assert read_ignored(source) == {"KDEF/AF01/AF01V.JPG": "its name gives no class"}
    records, _, _ = read_pictures(source)
    assert dict(zip(records["file"], records["subject"], strict=True)) == {name: name[6:9] for name in names}


JAFFE = KDEF | {"FE": "fear"}


def test_jaffes_file_names(tmp_path):
    codes = [code for code in JAFFE if code != "AF"]
    names = [f"jaffe/{person}.{code}{n}.{n + 30}.tiff" for person in ("KA", "YM") for code in codes for n in (1, 2)]
    source = inspect_source(make_zip(tmp_path / "a.zip", dict.fromkeys(names, FACE) | {"jaffe/README": b""}))
    assert tell_emotions(source) == {name: JAFFE[name.split(".")[1][:2]] for name in names}
    assert source.attributes["subject"].tolist() == [name[6:8] for name in sorted(names)]


def test_a_few_names_of_that_kind_tell_nothing_of_the_others(tmp_path):
    files = {"AF01ANS.JPG": FACE, "AF01HAS.JPG": FACE, "me.jpg": FACE}
    with pytest.raises(SourceError, match=r"folders that name no class: '.' \(1\)"):
        inspect_source(make_zip(tmp_path / "a.zip", files))


def test_a_folder_that_names_a_class_goes_before_the_files_name(tmp_path):
    files = {"happy/AF01HAS.JPG": FACE, "sad/AF01SAS.JPG": FACE, "sad/AF02NES.JPG": FACE}
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert tell_emotions(source)["sad/AF02NES.JPG"] == "sad"
    assert source.attributes["subject"].tolist() == ["F01", "F01", "F02"]


def test_ck48s_names_tell_persons_and_no_person_is_on_two_sides(tmp_path):
    names = [
        f"CK+48/{emotion}/S{person:03}_00{n}_0000001{frame}.png"
        for person in range(12) for n, emotion in enumerate(("anger", "happy")) for frame in range(3)
    ]  # fmt: skip

    rng = np.random.default_rng(0)
    files = {name: encode(draw_face("sad" if "anger" in name else "happy", rng)) for name in names}
    records, pixels, _ = read_pictures(inspect_source(make_zip(tmp_path / "CK+48.zip", files)))
    assert sorted(set(records["subject"])) == [f"S{person:03}" for person in range(12)]
    records = audit_pictures(records, pixels)
    sides = assign_splits(records, 0.2, 0.2, 0).groupby("subject")["split"].nunique()
    assert (sides == 1).all()


def test_persons_in_attributes_go_before_those_of_names(tmp_path):
    files = {"happy/S010_004_00000017.png": FACE, "sad/S011_004_00000017.png": FACE, "sad/x.png": FACE}
    table = b"file,subject\nhappy/S010_004_00000017.png,ann\n"
    source = inspect_source(make_zip(tmp_path / "a.zip", files | {"attributes.csv": table}))
    assert source.attributes.to_numpy().tolist() == [["happy/S010_004_00000017.png", "ann"]]
    table = b"file,light\nhappy/S010_004_00000017.png,dark\n"
    source = inspect_source(make_zip(tmp_path / "b.zip", files | {"attributes.csv": table}))
    assert sorted(source.attributes.to_numpy().tolist()) == [
        ["happy/S010_004_00000017.png", "dark", "S010"],
        ["sad/S011_004_00000017.png", "", "S011"],
        ["sad/x.png", "", ""],
    ]


# classes.csv


@pytest.mark.parametrize("place", ["in", "deep", "beside", "named"])
@pytest.mark.parametrize(("make", "name"), [(make_zip, "raw.zip"), (make_folder, "raw"), (make_tar, "raw.tar.gz")])
def test_a_csv_says_what_classes_mean(tmp_path, place, make, name):
    inside = {"in": {"classes.csv": SAID}, "deep": {"train/Classes.csv": SAID}}.get(place, {})
    path = make(tmp_path / name, NUMBERED | inside)
    before = fingerprint_source(str(path))
    if not inside:
        (tmp_path / {"beside": "classes.csv", "named": "raw.classes.csv"}[place]).write_bytes(SAID)
        assert fingerprint_source(str(path)) != before
    source = inspect_source(path)
    expected = {name: AFFECTNET[int(name.split("/")[1])] for name in NUMBERED}
    assert tell_emotions(source) == {name: emotion for name, emotion in expected.items() if emotion != "contempt"}
    assert set(read_ignored(source).values()) == {"of a class that is left out"}
    assert source.said.lower().endswith("classes.csv")
    source = inspect_source(path, "affectnet")
    assert tell_emotions(source) == expected
    assert source.said == "CLASSES"


def test_a_csv_of_other_things_says_nothing(tmp_path):
    files = {"sad/1.png": FACE, "joie/2.png": FACE, "classes.csv": b"id,name\n0,sad\n"}
    (tmp_path / "classes.csv").write_text("file,class\nx.png,sad\n")
    source = inspect_source(make_zip(tmp_path / "a.zip", files))
    assert source.said == ""
    assert len(found(source)) == 2


def test_it_stands_beside_a_csv_of_labels(tmp_path):
    files = {"1.png": FACE, "2.png": FACE, "labels.csv": b"file,emotion\n1.png,A\n2.png,B\n"}
    folder = make_folder(tmp_path / "raw", files | {"classes.csv": b"given,class\nA,sad\nB,happy\n"})
    assert tell_emotions(inspect_source(folder / "labels.csv")) == {"1.png": "sad", "2.png": "happy"}


@pytest.mark.parametrize(
    ("table", "message"),
    [(b"given,class\n0,bored\n", "a.classes.csv: '0=bored' names no class; .* or skip to leave it out"),
     (b"given,class\n0,sad\n0,happy\n", "a.classes.csv: expected each name once, found '0=happy'"),
     (b"given,class\n0,\n", "'0=' names no class"), (b"\xff\xfe\x00", "a.classes.csv: expected a CSV in UTF-8")],
)  # fmt: skip
def test_what_it_says_wrongly_is_named(tmp_path, table, message):
    path = make_zip(tmp_path / "a.zip", NUMBERED)
    (tmp_path / "a.classes.csv").write_bytes(table)
    with pytest.raises(SourceError, match=message):
        inspect_source(path)


def test_two_of_them_are_one_too_many(tmp_path):
    path = make_zip(tmp_path / "a.zip", NUMBERED | {"classes.csv": SAID})
    (tmp_path / "classes.csv").write_bytes(SAID)
    with pytest.raises(SourceError, match=r"said in .*classes\.csv and in classes\.csv; expected one file"):
        inspect_source(path)


def test_inspecting_shows_what_each_class_is_taken_for_with_three_names(tmp_path):
    path = make_zip(tmp_path / "a.zip", NUMBERED | {"notes.md": b""})
    (tmp_path / "a.classes.csv").write_bytes(SAID)
    shown = subprocess.run([sys.executable, "-m", "utils.data.ingest", path], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert f"What each class is taken for, as {tmp_path / 'a.classes.csv'} says:" in shown.stdout
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["2", "sad", "Stress", "4", "train/2/0.png,", "train/2/1.png,", "train/2/2.png"] in rows
    assert "  4 of a class that is left out: train/7/0.png, train/7/1.png, train/7/2.png, ..." in shown.stdout
    assert "  1 not in a class folder: notes.md" in shown.stdout


def test_inspecting_for_a_reader_that_has_enough_and_asking_for_help(tmp_path):
    names = [f"{n}/{emotion}/{n}.png" for n in range(4000) for emotion in ("happy", "sad")]
    path = make_zip(tmp_path / "a.zip", dict.fromkeys(names, b""))
    command = [sys.executable, "-m", "utils.data.ingest", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().split()[:2] == ["folder", "split"]
        process.stdout.close()
        assert process.stderr.read() == ""
    shown = subprocess.run([*command[:3], "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "default: the embedded sample" in shown.stdout


def test_what_was_said_of_names_that_are_not_there_is_told(tmp_path):
    files = {"faces/sad/1.png": FACE, "faces/happy/2.png": FACE}
    path = make_zip(tmp_path / "a.zip", files)
    reason = "said in CLASSES, and nothing is called so"
    assert read_ignored(inspect_source(path, "hapy=skip SAD=sad")) == {"hapy": reason}
    assert read_ignored(inspect_source(path, "affectnet")) == {}
    make_zip(path, files | {"classes.csv": b"given,class\nsad,angry\ncalm,neutral\n"})
    assert read_ignored(inspect_source(path)) == {"calm": reason.replace("CLASSES", "classes.csv")}
