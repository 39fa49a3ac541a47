"""Files, folders, links, and what must not be opened."""

import os
import socket
from pathlib import Path

import pytest

from utils.data.layouts import read_folders
from utils.inference.picture_files import find_pictures
from utils.pictures import SUFFIXES


def find(*words: Path) -> dict[str, str]:
    return {path.name: problem for path, problem in find_pictures(list(map(str, words)))[0].items()}


def test_what_is_no_regular_file_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.png").touch()
    os.mkfifo("pipe.png")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
    expected = {"face.png": "", "pipe.png": "not a regular file", "socket.png": "not a regular file"}
    assert find(tmp_path) == find(*sorted(tmp_path.iterdir())) == expected


def test_links_to_folders_are_followed_once(tmp_path):
    for name in ("here/1.png", "elsewhere/2.png"):
        path = tmp_path / name
        path.parent.mkdir()
        path.touch()
    (tmp_path / "here" / "link").symlink_to("../elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to("../here")
    assert list(find_pictures([str(tmp_path / "here")])[0]) == [tmp_path / "here/1.png", tmp_path / "here/link/2.png"]


@pytest.mark.parametrize(
    "pattern", ["**/*.png", "faces/**/*.png", "**/1.png", "faces/**", "**/**/*.png", "f*/**/*.png"]
)
def test_a_pattern_gives_each_file_once_however_links_lead_back(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces" / "deep").mkdir(parents=True)
    (tmp_path / "faces" / "deep" / "1.png").touch()
    # glob would follow these along 2^40 ways
    for name in ("a", "b", "deep/up"):
        (tmp_path / "faces" / name).symlink_to(tmp_path / "faces")
    assert find_pictures([pattern])[0] == {Path("faces/deep/1.png"): ""}
    assert find_pictures([f"{tmp_path}/{pattern}"])[0] == {tmp_path / "faces/deep/1.png": ""}


def test_a_home_folder_is_expanded_in_patterns_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("1.jpg", "2.jpg", "~"):
        (tmp_path / name).touch()
    assert list(find_pictures(["~/*.jpg"])[0]) == [tmp_path / "1.jpg", tmp_path / "2.jpg"]
    assert list(find_pictures(["~/1.jpg", "~nobody-here/*.jpg"])[0]) == [tmp_path / "1.jpg", Path("~nobody-here/*.jpg")]
    monkeypatch.chdir(tmp_path)
    assert list(find_pictures(["~"])[0]) == [Path("~")]


def test_what_is_passed_over_is_told(tmp_path):
    for name in ("1.png", "a.mp4", "deep/b.dng", ".hidden", "Thumbs.db", "__MACOSX/c.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found, passed_over = find_pictures([str(tmp_path), str(tmp_path / "a.mp4")])
    assert list(found) == [tmp_path / "1.png", tmp_path / "a.mp4"]
    assert passed_over == [tmp_path / "deep" / "b.dng"]


def test_a_folder_behind_a_link_that_cannot_be_read_has_a_row(tmp_path, monkeypatch):
    for folder in ("faces", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "faces" / "1.png").touch()
    (tmp_path / "faces" / "shut").symlink_to("../elsewhere")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert find(tmp_path / "faces") == {"1.png": "", "shut": "Permission denied"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_and_a_data_set_hold_the_same_kinds_of_pictures(tmp_path, suffix):
    (tmp_path / f"1{suffix}").touch()
    assert find(tmp_path) == {f"1{suffix}": ""}
    # beside other folders, only what ends as pictures do is one
    layout = read_folders([f"happy/1{suffix}", "happy/notes.txt", "happy/sad/2.png"])
    assert layout.entries["file"].tolist() == [f"happy/1{suffix}", "happy/sad/2.png"]
