"""One picture of one person: posed, rasterised, lit, developed to 48x48 grey pixels."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from facegen.assets import read_head
from facegen.covers import draw_glasses, draw_occluder
from facegen.expressions import Expression, blend_shapes
from facegen.paint import CHANNELS, paint_chart
from facegen.people import Person
from facegen.raster import rasterize
from facegen.sculpt import Sculptor, Sculpture
from facegen.shade import colour_surface, light_surface, mix_paint
from facegen.shots import Shot, develop, draw_background, finish

SIDE = 48
_SCALE = 2
_FINE = SIDE * _SCALE
_HEAD_HEIGHT = 2.3
_CENTRE = 32.8
"""The row of a 48-pixel picture where the middle between eyes and chin lies."""

_COLLAR = 228
"""The row of the chart where clothes begin."""


@dataclass(frozen=True)
class Portrait:
    """A picture, and how much of it shows what.

    Attributes:
        pixels: uint8 (48, 48), grey.
        mouth_visible, brows_visible: share of the lips' and the brows' points that are in the picture, turned to the
            camera, and under nothing else, 0 to 1.
    """

    pixels: np.ndarray
    mouth_visible: float
    brows_visible: float


@dataclass(frozen=True)
class Camera:
    """Where the head's points fall in the fine picture, `_SCALE` times as wide as the portrait.

    Attributes:
        rotation: float32 (3, 3), of the head.
        centre: float32 (3,), the turned point that is framed.
        scale: fine pixels a decimetre.
        offset: where in the fine picture `centre` falls.
        distance: decimetres.
    """

    rotation: np.ndarray
    centre: np.ndarray
    scale: np.float32
    offset: tuple[float, float]
    distance: np.float32

    def project(self, points: np.ndarray) -> np.ndarray:
        """float32 (n, 3) on the head -> (n, 3): x, y in fine pixels, nearness in decimetres."""
        turned = points @ self.rotation.T - self.centre
        scale = self.scale * self.distance / (self.distance - turned[:, 2])
        turned[:, 0] = np.float32(self.offset[0]) + turned[:, 0] * scale
        turned[:, 1] = np.float32(self.offset[1]) - turned[:, 1] * scale
        return turned


def make_camera(shot: Shot, face_height: float) -> Camera:
    """A camera that frames the face as a face finder would crop it."""
    yaw, pitch, roll = np.deg2rad([shot.yaw, shot.pitch, shot.roll])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    lean = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = (lean @ nod @ turn).astype(np.float32)
    return Camera(
        rotation=rotation,
        centre=rotation @ np.array([0, -0.5 * face_height, 0], np.float32),
        scale=np.float32(_SCALE * shot.scale / face_height),
        offset=(_SCALE * (SIDE / 2 + shot.shift[0]), _SCALE * (_CENTRE + shot.shift[1])),
        distance=np.float32(shot.distance * _HEAD_HEIGHT),
    )


class Studio:
    """Holds the head and its paint, and takes portraits."""

    def __init__(self):
        self.head, chart = read_head(), paint_chart()
        self.sculptor = Sculptor(self.head, chart)
        self._chart = chart
        sculptor, masks = self.sculptor, self.head.masks
        # what `_vertex_values` returns, as far as it is the same in all portraits
        self._values = np.zeros((len(sculptor.chart_place), 10), np.float32)
        self._values[:, 3:5] = sculptor.chart_place
        marks = (masks["lips"], self._find_lashes(), masks["inside-mouth"], masks["ears"])
        self._values[: sculptor.own, 5:9] = np.stack(marks, 1)
        outside = sculptor.rest_normals[:, 2] > 0.3
        brow = self._look_up(sculptor.chart_place[: sculptor.own])[:, CHANNELS.index("brow thick")]
        self._brows = np.flatnonzero((brow > 0.5) & outside)
        self._lips = np.flatnonzero((masks["lips"] > 0.5) & outside)

    def _find_lashes(self) -> np.ndarray:
        """float32 (V',): how near each vertex is to the edge of a lid, less on lower lids."""
        vertices = self.head.vertices
        near = np.zeros(len(vertices), np.float32)
        for eye in self.sculptor.eyes:
            centre = vertices[eye].mean(0)
            radius = np.linalg.norm(vertices[eye] - centre, axis=1).mean()
            gap = np.linalg.norm(vertices - centre, axis=1) - radius
            near = np.maximum(near, np.exp(-((gap / 0.028) ** 2)) * np.where(vertices[:, 1] > centre[1], 1.0, 0.4))
        near[np.concatenate(self.sculptor.eyes)] = 0
        return near

    def _look_up(self, place: np.ndarray) -> np.ndarray:
        """The chart's channels at places on it: float32 (n, 2) -> (n, len(CHANNELS))."""
        rows, columns, channels = self._chart.shape
        column, row = place.astype(np.intp).T
        texel = np.clip(row, 0, rows - 1) * columns + np.clip(column, 0, columns - 1)
        return self._chart.reshape(-1, channels).take(texel, axis=0)

    def take(self, person: Person, sculpture: Sculpture, expression: Expression, shot: Shot, rng) -> Portrait:
        """A portrait. What is left to chance (noise, background, place of an occluder) comes from `rng`."""
        weights = blend_shapes(expression, self.head.unit_names)
        vertices = self.sculptor.express(sculpture, weights)
        camera = make_camera(shot, sculpture.face_height)
        points = camera.project(vertices)
        covered, triangle, corner = rasterize(points, self.sculptor.corners, _FINE)
        corners = self.sculptor.corners.take(triangle, axis=1)
        values = self._vertex_values(vertices, points, corners, camera)
        surface = sum(corner[:, number, None] * values.take(corners[number], axis=0) for number in range(3))
        part = self.sculptor.parts[triangle]
        nearness = _spread(surface[:, 9], covered, np.full((_FINE, _FINE), -9, np.float32))
        albedo, gloss, hidden = self._paint(surface, part, person, weights, expression.gaze)
        light = light_surface(surface[:, :3], albedo, gloss, part, nearness, covered, shot, float(camera.scale))
        canvas = _spread(light, covered, draw_background(shot, _FINE, rng))
        picture = develop(canvas, float(light[~hidden].mean()), shot)
        concealed = _spread(hidden, covered, np.zeros((_FINE, _FINE), bool))
        self._cover(picture, concealed, person, vertices, camera, shot, rng)
        seen = self._measure(points, nearness.ravel(), concealed.ravel())
        return Portrait(finish(picture, SIDE, shot, rng), *seen)

    def _vertex_values(self, vertices, points, seen, camera: Camera) -> np.ndarray:
        """float32 (V, 10): normal (3), place on the chart (2), marks or at eyes the look (4), nearness.

        Only the vertices in `seen` have normals.
        """
        wanted = np.zeros(len(vertices), bool)
        wanted[seen] = True
        values = self._values.copy()
        values[:, :3] = self.sculptor.normals(vertices, wanted) @ camera.rotation.T
        for eye in self.sculptor.eyes:
            away = vertices[eye] - vertices[eye].mean(0)
            values[eye, 5:8] = away / np.linalg.norm(away, axis=1)[:, None]
        values[:, 9] = points[:, 2]
        return values

    def _paint(self, surface, part, person: Person, weights: np.ndarray, gaze: tuple[float, float]):
        """What `colour_surface` returns for the pixels."""
        place = surface[:, 3:5]
        paint = self._look_up(place) @ mix_paint(person, self._merge_sides(weights))
        across, up = np.deg2rad(gaze)
        look = np.array([np.sin(across), np.sin(up), np.cos(across) * np.cos(up)], np.float32)
        away = surface[:, 5:8]
        cosine = (away @ look) / np.maximum(np.sqrt(np.einsum("ij,ij->i", away, away)), np.float32(1e-6))
        return colour_surface(paint, surface[:, 5:9], part, cosine, place[:, 1] > _COLLAR, person)

    def _merge_sides(self, weights: np.ndarray) -> dict[str, float]:
        """Weights of the blend shapes in use by name, left and right averaged."""
        merged: dict[str, float] = {}
        for number in np.flatnonzero(weights):
            name, weight = self.head.unit_names[number], float(weights[number])
            stem = name.removesuffix("Left").removesuffix("Right")
            merged[stem] = merged.get(stem, 0.0) + (weight if stem == name else weight / 2)
        return merged

    def _cover(self, picture, hidden, person, vertices, camera, shot, rng) -> None:
        """Glasses and occluders, in place; what an occluder covers is marked in `hidden`, bool (_FINE, _FINE)."""
        eyes = [vertices[eye].mean(0) for eye in self.sculptor.eyes]
        draw_glasses(picture, person.glasses, eyes, camera.project, float(camera.rotation[2, 2]), rng)
        if not shot.occluder:
            return
        lips = vertices[self._lips].mean(0)
        cheek = np.array([0.45, lips[1] * 0.75, lips[2] - 0.1], np.float32)
        other_cheek = cheek * np.array([-1, 1, 1], np.float32)
        spots = np.stack([lips, cheek, other_cheek, np.array([0, 0.6, lips[2]], np.float32)])
        flat = camera.project(spots)[:, :2]
        places = dict(zip(("mouth", "left cheek", "right cheek", "forehead"), flat, strict=True))
        x, y = np.clip(flat[1:3].astype(int), 0, _FINE - 1).T
        skin = int(np.asarray(picture)[y, x].mean())
        mask = Image.new("L", picture.size)
        draw_occluder(picture, mask, shot.occluder, places, float(camera.scale), skin, rng)
        hidden |= np.asarray(mask) > 0

    def _measure(self, points: np.ndarray, nearness: np.ndarray, hidden: np.ndarray) -> tuple[float, float]:
        """The visible shares of mouth and brows."""
        shares = []
        for vertices in (self._lips, self._brows):
            x, y = np.floor(points[vertices, :2]).astype(np.intp).T
            inside = (x >= 0) & (y >= 0) & (x < _FINE) & (y < _FINE)
            pixel = np.where(inside, y * _FINE + x, 0)
            seen = inside & (nearness[pixel] < points[vertices, 2] + 0.06) & ~hidden[pixel]
            shares.append(round(float(seen.mean()), 3))
        return shares[0], shares[1]


def _spread(values: np.ndarray, covered: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Put the values of the covered pixels on a picture; returns the picture."""
    ground.ravel()[covered] = values
    return ground
