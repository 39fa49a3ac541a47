"""A person's head at rest, with hair on it, and then with an expression: vertices, no picture yet."""

from dataclasses import dataclass

import numpy as np

from facegen.assets import PARTS, Head
from facegen.paint import CHANNELS, to_chart
from facegen.people import Person
from facegen.raster import group_corners, vertex_normals

HAIR_PART = len(PARTS)
"""The number of long hair, after the parts of the head."""

_SHEET_COLUMNS, _SHEET_ROWS = 8, 12
_TEETH_OFFSET = np.array([0, -0.07, 0.02], np.float32)
"""The asset's upper teeth hide behind the lip even in a broad smile."""


@dataclass(frozen=True)
class Sculpture:
    """One person.

    Attributes:
        vertices: float32 (V, 3), the face at rest, hair included.
        face_height: from the eyes' line to the chin, decimetres.
    """

    vertices: np.ndarray
    face_height: float


class Sculptor:
    """Makes heads. One pair of sheets for long hair is appended to the head's vertices and triangles.

    Attributes:
        corners: intp (3, T), the triangles.
        parts: uint8 (T,), positions in PARTS, or HAIR_PART.
        chart_place: float32 (V, 2), where each vertex lies on the chart.
        units: float32 (U, 3 V'), offsets of the units for the head's own vertices.
    """

    def __init__(self, head: Head, chart: np.ndarray):
        self.head, self.chart = head, chart
        self.own = len(head.vertices)
        sheet = _sheet_triangles()
        both = [sheet, sheet[:, ::-1] + _SHEET_COLUMNS * _SHEET_ROWS]
        sheets = np.concatenate(both) + self.own
        outside = np.ascontiguousarray(np.concatenate([head.triangles, sheets]).T)
        self._groups = group_corners(outside)
        # the sheets are seen from inside as well
        self.corners = np.concatenate([outside, sheets[:, ::-1].T], axis=1)
        self.parts = np.concatenate([head.parts, np.full(4 * len(sheet), HAIR_PART, np.uint8)])
        self.units = head.units.reshape(len(head.units), -1)
        self._shapes = head.shapes.reshape(len(head.shapes), -1)
        self._skin = np.zeros(self.own, bool)
        self._skin[head.triangles[head.parts == 0]] = True
        self.eyes = [np.unique(head.triangles[head.parts == part]) for part in (1, 2)]
        self.rest_normals = vertex_normals(head.vertices, np.ones(self.own, bool), *group_corners(head.triangles.T))
        self._upper_teeth = np.unique(head.triangles[head.parts == PARTS.index("upper teeth")])
        place = to_chart(head.vertices)
        self.growth = {name: _read_chart(chart, place, name) for name in ("hair", "fringe", "hat", "scarf")}
        self.chart_place = np.concatenate([place, _sheet_chart(chart.shape)])

    def sculpt(self, person: Person, rng: np.random.Generator) -> Sculpture:
        """The person at rest."""
        head = self.head
        vertices = head.vertices + (person.shape @ self._shapes).reshape(-1, 3)
        eyes = np.array([vertices[eye].mean(0) for eye in self.eyes]).mean(axis=0, dtype=np.float32)
        lower = self._skin & (np.abs(head.vertices[:, 0]) < 0.1) & (head.vertices[:, 2] > 1.1)
        chin = vertices[lower & (head.vertices[:, 1] < 6.3) & (head.vertices[:, 1] > 6.05)]
        vertices = vertices - eyes
        vertices[self._upper_teeth] += _TEETH_OFFSET
        cover = person.hair_style if person.hair_style in ("hat", "scarf") else "hair"
        if person.hair_style != "bald":
            vertices += self.rest_normals * self._thickness(person, cover)[:, None]
        sheets = self._drape(vertices, person, rng)
        return Sculpture(
            vertices=np.concatenate([vertices, sheets]).astype(np.float32),
            face_height=float(eyes[1] - chin[:, 1].min()) if len(chin) else 1.1,
        )

    def _thickness(self, person: Person, cover: str) -> np.ndarray:
        """float32 (V',): decimetres of hair or cloth over each vertex of the head."""
        inside = self.growth[cover] - (person.hairline if cover == "hair" else 0)
        if person.hair_style == "fringe":
            inside = inside + self.growth["fringe"]
        ramp = np.clip(inside / np.float32(0.12), 0, 1)
        volume = person.hair_volume * (1 if cover == "hair" else 0.6)
        top = np.clip((self.head.vertices[:, 1] - np.float32(7.2)) / np.float32(1.2), 0, 1)
        height = volume * (np.float32(0.5) + top) * (1.6 if person.hair_style in ("full", "long") else 0.8)
        ears = self.head.masks["ears"] if cover != "scarf" else 0
        return (ramp * height * (1 - ears) * self._skin).astype(np.float32)

    def _drape(self, vertices: np.ndarray, person: Person, rng: np.random.Generator) -> np.ndarray:
        """float32 (2 * sheet, 3): long hair at both sides, or nothing: all points in one place behind the head."""
        count = _SHEET_COLUMNS * _SHEET_ROWS
        if person.hair_style not in ("long", "fringe") or (person.hair_style == "fringe" and person.sex == "male"):
            return np.tile(np.array([[0, 0, -2]], np.float32), (2 * count, 1))
        skull = vertices[self._skin & (np.abs(self.head.vertices[:, 1] - 7.7) < 0.15)]
        half, deep = np.abs(skull[:, 0]).max(), skull[:, 2]
        middle, depth = deep.mean(), (deep.max() - deep.min()) / 2
        down = np.linspace(0, 1, _SHEET_ROWS)[:, None]
        around = np.linspace(0, 1, _SHEET_COLUMNS)[None, :]
        front = np.deg2rad(rng.uniform(42, 60)) + down * np.deg2rad(rng.uniform(-6, 20))
        angle = front + around * np.deg2rad(100)
        wave = rng.uniform(0, 0.05) * np.sin(down * rng.uniform(5, 14) + rng.uniform(0, 6))
        width = rng.uniform(0.12, 0.32) * np.sin(np.pi / 2 * np.minimum(3 * down, 1)) - 0.05 + wave
        x = (half + width) * np.sin(angle)
        z = middle + (depth + width * 0.6) * np.cos(angle) - 0.15 * down
        y = 0.80 - down * rng.uniform(1.7, 3.0) - 0.25 * (1 - around) ** 2 * (1 - down)
        sheet = np.stack([x, np.broadcast_to(y, x.shape), z], axis=-1).reshape(-1, 3)
        return np.concatenate([sheet, sheet * [-1, 1, 1]]).astype(np.float32)

    def express(self, sculpture: Sculpture, weights: np.ndarray) -> np.ndarray:
        """float32 (V, 3): the person's vertices with units of the face at these weights."""
        used = np.flatnonzero(weights)
        vertices = sculpture.vertices.copy()
        if len(used):
            vertices[: self.own] += (weights[used] @ self.units[used]).reshape(-1, 3)
        return vertices

    def normals(self, vertices: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """float32 (V, 3): unit normals of the wanted vertices, bool (V,); 0 at the others."""
        return vertex_normals(vertices, wanted, *self._groups)


def _sheet_triangles() -> np.ndarray:
    """Of a grid, counter-clockwise seen from the face's left."""
    corner = np.arange(_SHEET_ROWS * _SHEET_COLUMNS).reshape(_SHEET_ROWS, _SHEET_COLUMNS)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])


def _sheet_chart(shape: tuple[int, ...]) -> np.ndarray:
    """Where the sheets' noise comes from on the chart: any place that is wide and high enough."""
    row, column = np.meshgrid(
        np.linspace(30, shape[0] - 2, _SHEET_ROWS), np.linspace(20, 110, _SHEET_COLUMNS), indexing="ij"
    )
    sheet = np.stack([column.ravel(), row.ravel()], 1)
    return np.concatenate([sheet, sheet + [180, 0]]).astype(np.float32)


def _read_chart(chart: np.ndarray, place: np.ndarray, name: str) -> np.ndarray:
    column, row = place.astype(np.intp).T
    rows = np.clip(row, 0, chart.shape[0] - 1)
    return chart[rows, np.clip(column, 0, chart.shape[1] - 1), CHANNELS.index(name)]
