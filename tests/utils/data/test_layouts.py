"""Folders: splits by other words, two that contradict each other, what is passed over."""

import subprocess
import sys
from pathlib import Path

import pytest
from raw_sources import FACE, found, make_folder, make_zip, read_ignored

from utils.csv_files import SourceError
from utils.data.ingest import inspect_source
from utils.paths import CHECKOUT


def make_faces(path, *folders):
    return make_zip(path / "faces.zip", {f"{folder}/{n}.png": FACE for folder in folders for n in range(2)})


def read_splits(source):
    return {name.split("/")[0]: split for name, (_, _, split) in found(source).items()}


@pytest.mark.parametrize(
    ("train", "test"),
    [("apprentissage", "essai"), ("entrenamiento", "Prueba"), ("Training", "Prüfung"), ("treino", "teste"),
     ("train_v2", "test_v2"), ("Train Images (new)", "test-imgs")],
)  # fmt: skip
def test_splits_in_other_words(tmp_path, train, test):
    folders = [f"{split}/{name}" for split in (train, test) for name in ("happy", "sad")]
    assert read_splits(inspect_source(make_faces(tmp_path, *folders))) == {train: "train", test: "test"}


@pytest.mark.parametrize("splits", [("1", "2"), ("训练", "测试"), ("fold0", "fold1", "fold2"), ("a b", "c")])
def test_what_looks_like_splits_is_asked_for(tmp_path, splits):
    path = make_faces(tmp_path, *[f"in/{split}/{name}" for split in splits for name in ("happy", "sad")])
    with pytest.raises(SourceError, match="lie side by side with the same classes, as splits do, and name none"):
        inspect_source(path)
    words = [f"'{split}={'train' if split == splits[0] else 'test'}'" for split in splits]
    published = {split for _, _, split in found(inspect_source(path, " ".join(words))).values()}
    assert published == {"train", "test"}
    none = " ".join(f"'{split}=train'" for split in splits)
    assert {split for _, _, split in found(inspect_source(path, none)).values()} == {""}


def test_a_folder_beside_splits_may_be_said_to_be_one_or_to_be_skipped(tmp_path):
    path = make_faces(tmp_path, *[f"{split}/{name}" for split in ("train", "eval") for name in ("happy", "sad")])
    with pytest.raises(SourceError, match=r"'eval' lies beside 'train' and names no split.*CLASSES=eval=test"):
        inspect_source(path)
    assert read_splits(inspect_source(path, "eval=test")) == {"train": "train", "eval": "test"}
    unlabelled = make_zip(tmp_path / "a.zip", {f"{name}/1.png": FACE for name in ("train/happy", "train/sad", "Test")})
    assert read_ignored(inspect_source(unlabelled, "test=skip")) == {"Test/1.png": "of a class that is left out"}


def test_persons_and_wholly_split_sources_are_no_splits(tmp_path):
    many = [f"{person}/{name}" for person in ("a", "b", "c", "d") for name in ("happy", "sad")]
    assert set(read_splits(inspect_source(make_faces(tmp_path, *many))).values()) == {""}
    parts = [f"{part}/{split}/{name}" for part in "ab" for split in ("train", "test") for name in ("happy", "sad")]
    inspect_source(make_faces(tmp_path, *parts))


@pytest.mark.parametrize(
    "folders", [("happy/angry", "happy", "sad"), ("stress/happy", "stress/sad", "no stress/neutral"),
                ("happy/train/sad", "happy/test", "sad/test")],
)  # fmt: skip
def test_two_folders_that_contradict_each_other_are_an_error(tmp_path, folders):
    with pytest.raises(SourceError, match=r"names two classes, '(happy|stress)' and '(angry|happy|sad)'"):
        inspect_source(make_faces(tmp_path, *folders))


def test_folders_that_agree_are_none(tmp_path):
    kinds = ["stress/sad", "stress/surprise", "no stress/happy", "no stress/neutral"]
    path = make_faces(tmp_path, *kinds)
    assert len(found(inspect_source(path, stress_classes=["sad", "surprise"]))) == 8
    with pytest.raises(SourceError, match="'stress/surprise' names two classes"):
        inspect_source(path)
    # a folder around everything may be called as it likes
    assert len(found(inspect_source(make_faces(tmp_path, *[f"Stress/{name}" for name in ("happy", "sad")])))) == 4


def test_hidden_folders_and_links_to_what_is_read_are_told(tmp_path):
    folder = make_folder(tmp_path / "raw", {f"{name}/1.png": FACE for name in ("happy", "sad", ".more/sad")})
    (folder / "angry").symlink_to("sad")
    assert read_ignored(inspect_source(folder)) == {
        ".more": "a hidden folder, or one of a system",
        "angry": "a link to a folder that is read by another name",
    }


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_inspecting_onto_a_full_disk_is_one_line():
    command = [sys.executable, "-m", "utils.data.ingest", CHECKOUT / "data" / "sample" / "faces.zip"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "[Errno 28] No space left on device\n")
