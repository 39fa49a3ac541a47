"""`python -m utils.inference`, as a person runs it."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, ask, make_model_root, read_rows
from PIL import Image
from skimage import data as photographs
from support import EMOTIONS, draw_crowd, draw_face, encode, make_root

from utils import inference
from utils.inference.__main__ import COLUMNS, DETAILS
from utils.inference.classifier import find_model
from utils.inference.picture_files import find_pictures


def draw_faces(folder: Path, count: int) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(encode(draw_face(EMOTIONS[number % 7], rng)))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_model_root(tmp_path_factory.mktemp("command") / "root")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_one_row_a_picture_and_a_bad_one_ends_nothing(root, tmp_path, form):
    faces = draw_faces(tmp_path / "faces", 3)
    (faces / "001.png").write_bytes(b"P6 1 1")
    result = ask(root, faces, tmp_path / "nowhere.png", "--format", form)
    rows = read_rows(result, form)
    assert result.returncode == 1
    assert all(set(row) == {*COLUMNS, *(DETAILS if form == "json" else ())} for row in rows)
    assert [row["path"] for row in rows] == [str(faces / f"00{n}.png") for n in range(3)] + [f"{tmp_path}/nowhere.png"]
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "error"]
    assert "not a picture (6 bytes)" in rows[1]["reason"]
    assert rows[3]["reason"] == "No such file or directory"
    assert not rows[1]["label"] and not rows[1]["p_stress"]
    for row in rows[::2]:
        p_stress = float(row["p_stress"])
        assert row["label"] == ("Stress" if p_stress >= 0.5 else "Non-stress")
        assert float(row["confidence"]) == pytest.approx(max(p_stress, 1 - p_stress), abs=2e-6)


def test_the_table_is_aligned_and_one_picture_needs_no_bar(root, tmp_path):
    faces = draw_faces(tmp_path / "faces", 2)
    (faces / "a\nb.png").write_bytes((faces / "000.png").read_bytes())
    result = ask(root, faces)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert "a?b.png" in lines[3]
    assert len({line.index(word) for line, word in zip(lines, ["status", *["ok"] * 3], strict=True)}) == 1
    assert result.stderr == f"model: {root}/models/tiny/EmotionDetector_2\n"


def test_many_pictures_answer_as_one_does(root, tmp_path):
    faces = draw_faces(tmp_path / "faces", 150)
    result = ask(root, faces, "--format", "json")
    rows = read_rows(result, "json")
    assert [row["path"] for row in rows] == sorted(map(str, faces.iterdir()))
    assert "150/150" in result.stderr
    classifier = inference.Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")
    for row in rows[::10]:
        assert row["p_stress"] == pytest.approx(classifier.predict(Path(row["path"])).p_stress, abs=1e-5)


def test_folders_patterns_and_what_is_ignored(tmp_path):
    for name in ("b/2.PNG", "b/deep/1.jpg", "a[1].png", ".hidden.png", "b/.dir/3.png", "__MACOSX/4.png", "b/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()

    def names(*words):
        return [str(path.relative_to(tmp_path)) for path in find_pictures([f"{tmp_path}/{word}" for word in words])[0]]

    assert names("") == ["a[1].png", "b/2.PNG", "b/deep/1.jpg"]
    assert names("b", "b/deep/1.jpg") == ["b/2.PNG", "b/deep/1.jpg"]
    assert names("a[1].png", ".hidden.png", "b/notes.txt") == ["a[1].png", ".hidden.png", "b/notes.txt"]
    assert names("**/*.jpg") == ["b/deep/1.jpg"]
    assert names("*/") == ["b/2.PNG", "b/deep/1.jpg", "empty"]
    assert names("*.ppm") == ["*.ppm"]
    assert "a folder without pictures" in find_pictures([str(tmp_path / "empty")])[0][tmp_path / "empty"]
    assert find_pictures(["x" * 5000]) == ({Path("x" * 5000): ""}, [])


def test_nothing_in_a_folder_is_lost_without_a_word(root, tmp_path):
    face = draw_face("sad", np.random.default_rng(0))
    for name, form in {"a.jpg": "JPEG", "b.gif": "GIF", "c.avif": "AVIF"}.items():
        (tmp_path / name).write_bytes(encode(face, form))
    for name in ("d.HEIC", "e.heif"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    for name in ("f.mov", "g\rh.txt", "Thumbs.db"):
        (tmp_path / name).touch()
    result = ask(root, tmp_path, "--format", "json")
    assert result.returncode == 1
    rows = read_rows(result, "json")
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "error", "error"]
    assert all(row["reason"].startswith(("HEIC, which pillow-heif reads", "broken")) for row in rows[3:])
    assert result.stderr.splitlines()[1:] == [
        f"passed over 2 files that by name are no pictures: {tmp_path}/f.mov, {tmp_path}/g?h.txt"
    ]


def test_an_empty_word_is_refused(root, tmp_path):
    draw_faces(tmp_path / "faces", 1)
    result = ask(root, "", cwd=tmp_path / "faces")
    assert (result.returncode, result.stdout) == (2, "")
    assert "a PATH is empty: expected a picture, a folder (. is this one), or a pattern" in result.stderr


def test_a_name_with_a_line_break_stays_one_row(root, tmp_path):
    face = encode(draw_face("sad", np.random.default_rng(0)))
    names = ["a\rb.png", "a\nb.png", "a\r\nb.png", 'a",b.png']
    for name in names:
        (tmp_path / name).write_bytes(face)
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)}
    words = [*COMMAND, tmp_path, "--format", "csv"]
    output = subprocess.run(words, env=environment, capture_output=True, check=True).stdout.decode()
    rows = list(csv.reader(io.StringIO(output, newline="")))
    assert sorted(row[0] for row in rows[1:]) == sorted(f"{tmp_path}/{name}" for name in names)
    assert {len(row) for row in rows} == {6}


def test_a_name_in_another_encoding(root, tmp_path):
    face = encode(draw_face("sad", np.random.default_rng(0)))
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(face)
    for form in ("table", "csv", "json"):
        result = ask(root, tmp_path, "--format", form)
        assert result.returncode == 0, result.stderr


def test_wrong_usage_and_missing_models_exit_with_2(root, tmp_path):
    for words in ([], ["x.png", "--format", "xml"]):
        result = ask(root, *words)
        assert (result.returncode, result.stdout) == (2, "")
        assert "usage:" in result.stderr
    (tmp_path / "root").mkdir()
    result = ask(make_root(tmp_path / "root"), "x.png")
    assert result.returncode == 2
    assert result.stderr == f"error: No saved model in {tmp_path}/root/models: train one first, with `make pipeline`.\n"
    (tmp_path / "model.json").write_text("{}")
    result = ask(root, "x.png", "--model", tmp_path)
    assert result.returncode == 2
    assert "is not whole" in result.stderr and result.stderr.count("\n") == 1


def test_find_model_takes_the_shipped_and_else_the_newest_run(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.inference.classifier.ROOT", tmp_path)

    def add(name, age):
        card = tmp_path / "models" / name / "model.json"
        card.parent.mkdir(parents=True)
        card.touch()
        os.utime(card, (time.time() - age,) * 2)
        return card.parent

    with pytest.raises(FileNotFoundError, match="make pipeline"):
        find_model()
    first = add("old/EmotionDetector_1", 50)
    assert find_model() == first
    second = add("old/EmotionDetector_2", 90)
    assert find_model() == second
    newer = add("new/EmotionDetector_1", 10)
    assert find_model() == newer
    shipped = add("shipped/EmotionDetector_2", 99)
    assert find_model() == shipped


def test_a_picture_without_a_face_is_answered_with_cannot_say_and_a_crop_is_not_searched(root, tmp_path):
    wall = tmp_path / "wall.png"
    wall.write_bytes(encode(Image.fromarray(photographs.brick())))
    for face, status, code in (
        ("auto", "cannot say", "no_face"),
        ("detect", "cannot say", "no_face"),
        ("crop", "ok", ""),
    ):
        result = ask(root, wall, "--face", face, "--format", "json")
        (row,) = read_rows(result, "json")
        assert (result.returncode, row["status"]) == (0, status)
        assert (row["reason"] or "").startswith(code)
        assert (row["p_stress"] is None) == (row["box"] is None) == (face != "crop")


def test_every_face_has_a_row_and_of_equally_sure_ones_the_largest_is_first(root, tmp_path):
    portrait = Image.fromarray(photographs.astronaut())
    both = Image.new("RGB", (800, 512), "grey")
    both.paste(portrait.resize((256, 256)), (0, 100))
    both.paste(portrait, (280, 0))
    (tmp_path / "both.png").write_bytes(encode(both))
    result = ask(root, tmp_path / "both.png", "--format", "json")
    first, second = read_rows(result, "json")
    assert first["path"] == second["path"]
    assert first["box"][0] > 280 > second["box"][2]
    assert result.stdout.count("p_stress") == 2
    table = ask(root, tmp_path / "both.png", "--format", "csv")
    assert [row["p_stress"] for row in read_rows(table, "csv")] == [str(first["p_stress"]), str(second["p_stress"])]


def test_faces_that_are_too_small_share_a_row(root, tmp_path):
    (tmp_path / "crowd.png").write_bytes(encode(draw_crowd()))
    for form in ("csv", "json"):
        face, small = read_rows(ask(root, tmp_path / "crowd.png", "--format", form), form)
        assert float(face["p_stress"]) >= 0
        assert (small["status"], small["reason"]) == ("cannot say", "too_small: 3 more faces are too small.")
        assert not small["label"] and not small["p_stress"]


def test_quality_and_doubt_blank_the_label_and_never_p_stress(root, tmp_path):
    (tmp_path / "black.png").write_bytes(encode(Image.new("RGB", (48, 48))))
    for face in ("auto", "crop"):
        (row,) = read_rows(ask(root, tmp_path / "black.png", "--face", face, "--format", "json"), "json")
        assert (row["status"], row["label"], row["confidence"]) == ("cannot say", None, None)
        assert row["reason"].startswith("too_dark: ")
        assert 0 <= row["p_stress"] <= 1


def test_a_closed_pipe_ends_it_quietly(root, tmp_path):
    faces = draw_faces(tmp_path / "faces", 200)
    words = [*COMMAND, faces, "--format", "csv"]
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("path,")
        process.stdout.close()
        complaints = process.stderr.read()
        assert process.wait(30) == 1
    assert "Traceback" not in complaints and "Broken" not in complaints


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_full_disk_is_told_in_one_line(root, tmp_path, form):
    face = draw_faces(tmp_path / "faces", 1) / "000.png"
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)}
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, face, "--format", form], env=environment, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert result.returncode == 1
    assert result.stderr.splitlines()[1:] == ["error: [Errno 28] No space left on device"]


def test_without_stderr_the_rows_are_what_they_are_with_it(root, tmp_path):
    faces = draw_faces(tmp_path / "faces", 2)
    result = ask(root, faces, "--format", "csv")
    closed = ask(root, faces, "--format", "csv", preexec_fn=lambda: os.close(2))
    assert (closed.returncode, closed.stdout) == (0, result.stdout)
    closed = ask(root, faces, "--model", tmp_path, preexec_fn=lambda: os.close(2))
    assert (closed.returncode, closed.stdout) == (2, "")


def test_without_stdout_one_line_says_so(root, tmp_path):
    closed = ask(root, draw_faces(tmp_path / "faces", 1), preexec_fn=lambda: os.close(1))
    assert (closed.returncode, closed.stdout) == (1, "")
    assert closed.stderr == "error: stdout is closed, and the rows go there\n"


def test_it_loads_nothing_heavy(root, tmp_path):
    face = draw_faces(tmp_path / "faces", 1) / "000.png"
    code = f"""
import sys
from utils.inference.__main__ import main
assert main([{str(face)!r}]) == 0
heavy = {{"tensorflow", "keras", "pandas", "sklearn", "skimage", "seaborn", "matplotlib", "flask", "IPython"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"STRESS_FACES_ROOT": str(root)})
