"""The rendered faces: the same bytes again, the layout of a download, and what the data card promises."""

import csv
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from support import CHECKOUT

from facegen.__main__ import main
from facegen.assets import read_head
from facegen.expressions import EMOTIONS, Expression, blend_shapes, draw_expression
from facegen.people import draw_person
from facegen.raster import group_corners, rasterize, vertex_normals
from utils.data.ingest import inspect_source

SAMPLE = CHECKOUT / "data" / "sample" / "faces.zip"


def read_rows(path):
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read("attributes.csv").decode())))


def render(path, count, seed):
    """The command in a process of its own, as people run it."""
    words = ["--count", str(count), "--seed", str(seed), "--out", str(path)]
    subprocess.run([sys.executable, "-m", "facegen", *words], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return render(tmp_path_factory.mktemp("rendered") / "faces.zip", 100, 3)


def test_the_same_bytes_again(rendered, tmp_path):
    assert render(tmp_path / "again.zip", 100, 3).read_bytes() == rendered.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.zip"]


def test_another_seed_gives_other_people_and_count_changes_none(rendered, tmp_path):
    assert read_rows(render(tmp_path / "short.zip", 70, 3)) == read_rows(rendered)[:70]
    assert read_rows(render(tmp_path / "other.zip", 70, 4)) != read_rows(rendered)[:70]


def test_pictures_are_48x48_webp_and_differ(rendered):
    with zipfile.ZipFile(rendered) as archive:
        names = [name for name in archive.namelist() if name.endswith(".webp")]
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in names]
        assert {(picture.format, picture.size) for picture in pictures} == {("WEBP", (48, 48))}
        assert len({picture.tobytes() for picture in pictures}) == len(names) == 98


@pytest.mark.parametrize("which", ["rendered", "sample"])
def test_the_layout_is_that_of_a_download(which, rendered):
    path = {"rendered": rendered, "sample": SAMPLE}[which]
    entries = inspect_source(path).layout.entries
    counts = entries.groupby(["split", "emotion"]).size().unstack()
    assert set(counts.index) == {"train", "test"}
    assert set(counts.columns) == set(EMOTIONS)
    assert (counts.nunique(axis=1) == 1).all()
    assert sorted(entries["file"]) == sorted(row["file"] for row in read_rows(path))


def test_no_person_is_in_two_splits():
    splits = {}
    for row in read_rows(SAMPLE):
        splits.setdefault(row["subject"], set()).add(row["file"].split("/")[0])
    assert all(len(found) == 1 for found in splits.values())
    assert Counter(next(iter(found)) for found in splits.values()) == {"train": 800, "test": 200}


def test_the_card_states_the_committed_bytes():
    card = (CHECKOUT / "data" / "README.md").read_text(encoding="utf-8")
    assert re.search(r"`([0-9a-f]{64})`", card)[1] == hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    assert SAMPLE.stat().st_size <= 8_000_000


def test_mouth_and_brows_are_visible_in_nine_of_ten():
    rows = read_rows(SAMPLE)
    assert 7000 <= len(rows) <= 10_000
    seen = [min(float(row["mouth_visible"]), float(row["brows_visible"])) >= 0.5 for row in rows]
    assert 0.9 <= np.mean(seen) < 1


def test_a_hand_on_the_mouth_hides_it():
    visible = {"hand on mouth": [], "none": []}
    for row in read_rows(SAMPLE):
        if row["occluder"] in visible and row["hard"] == "no":
            visible[row["occluder"]].append(float(row["mouth_visible"]))
    assert np.mean(visible["hand on mouth"]) < 0.5 < 0.9 < np.mean(visible["none"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "6"], "count 6: expected 70 or more"),
        (["--seed", "-1"], "seed -1: expected 0 or more"),
        (["--out", "nowhere/faces.zip"], "there is no folder nowhere"),
    ],
)
def test_bad_arguments_are_one_line(words, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--count", "70", "--out", "faces.zip", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_neutral_face_has_no_intensity_and_others_do():
    for emotion in EMOTIONS:
        drawn = [draw_expression(emotion, np.random.default_rng(seed)).intensity for seed in range(20)]
        assert (max(drawn) == 0) == (emotion == "neutral")


def test_units_go_to_the_side_they_belong_to():
    names = read_head().unit_names
    weights = blend_shapes(Expression("happy", 1, {12: (1.0, 0.0)}, (0.0, 0.0)), names)
    assert weights[names.index("mouthSmileLeft")] > 0
    assert np.count_nonzero(weights) == 1


def test_the_same_draws_give_the_same_person():
    names = read_head().shape_names
    first, second = (draw_person(names, np.random.default_rng(5)) for _ in range(2))
    assert (first.shape == second.shape).all()
    assert (first.ethnicity, first.skin, first.hair_style) == (second.ethnicity, second.skin, second.hair_style)


def test_rasterising_two_triangles():
    """A far square of two triangles, and a near triangle on its left half; the reference is each pixel by hand."""
    points = np.float32([[1, 1, 0], [7, 1, 0], [7, 7, 0], [1, 7, 0], [1, 1, 1], [4, 1, 1], [1, 7, 1]])
    corners = np.array([[0, 3, 1], [1, 3, 2], [4, 6, 5]]).T
    covered, triangle, weights = rasterize(points, corners, 8)
    picture = np.full(64, -1)
    picture[covered] = triangle
    rows, columns = np.mgrid[:8, :8] + 0.5
    square = (rows > 1) & (rows < 7) & (columns > 1) & (columns < 7)
    near = square & ((columns - 1) / 3 + (rows - 1) / 6 <= 1)
    assert ((picture.reshape(8, 8) >= 0) == square).all()
    assert ((picture.reshape(8, 8) == 2) == near).all()
    found = np.einsum("nc,ncd->nd", weights, points[corners.T[triangle]])
    np.testing.assert_allclose(found[:, :2], np.stack([covered % 8, covered // 8], 1) + 0.5, atol=1e-5)
    assert rasterize(points, corners[::-1], 8)[0].size == 0


def test_normals_of_a_sphere_point_outward():
    head = read_head()
    eye = np.unique(head.triangles[head.parts == 1])
    corners = np.searchsorted(eye, head.triangles[head.parts == 1]).T
    centred = head.vertices[eye] - head.vertices[eye].mean(0)
    groups = group_corners(corners)
    normals = vertex_normals(centred, np.ones(len(eye), bool), *groups)
    outward = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert ((normals * outward).sum(axis=1) > 0.8).mean() > 0.9
    front = centred[:, 2] > 0
    assert (vertex_normals(centred, front, *groups) == normals * front[:, None]).all()
