"""How a face is photographed: pose, crop, light, background, what spoils it, and the way from light to 48x48 pixels."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

LIGHTS = {
    "flat": (0.0, 0.3, 1.0),
    "front": (0.1, 0.45, 1.0),
    "left": (-0.9, 0.35, 0.75),
    "right": (0.9, 0.35, 0.75),
    "above": (0.1, 1.0, 0.55),
    "below": (0.1, -0.8, 0.8),
}
"""Where the main light comes from, seen by the camera: right, up, towards the camera."""

OCCLUDERS = ("hand on mouth", "hand on cheek", "cup", "strand", "caption")

_LIGHT_SHARES = (0.20, 0.38, 0.13, 0.13, 0.13, 0.03)


@dataclass(frozen=True)
class Shot:
    """The circumstances of one photograph.

    Attributes:
        yaw, pitch, roll: degrees that the head turns to the picture's right, up, and clockwise.
        distance: of the camera, in head heights.
        scale: pixels of a 48-pixel picture from the eyes' line to the chin of a face seen from the front.
        shift: pixels of a 48-pixel picture by which the face is off its place, right and down.
        light: a name of LIGHTS.
        direction: of the main light, unit vector (right, up, towards the camera).
        key, ambient, rim: strengths of the main light, of that from all around, of that from behind.
        background: reflectances (0 to 1) of its upper left, upper right, lower left and lower right.
        clutter: how much of blurred shapes is in the background, 0 to 1.
        white, gamma, floor: exposure: what becomes white (in multiples of the face's mean light), the curve's
            exponent, the darkest value (0 to 1).
        blur: pixels of a 48-pixel picture, standard deviation.
        small: side in pixels that the picture was once reduced to, 48 for never.
        noise: grey levels, standard deviation.
        occluder: one of OCCLUDERS, or empty.
        hard: "dark", "blurred", "turned" (far to a side), or "" for none of them.
        quality: of WebP, 0 to 100.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    scale: float
    shift: tuple[float, float]
    light: str
    direction: np.ndarray
    key: float
    ambient: float
    rim: float
    background: np.ndarray
    clutter: float
    white: float
    gamma: float
    floor: float
    blur: float
    small: int
    noise: float
    occluder: str
    hard: str
    quality: int

    @property
    def pose(self) -> str:
        """frontal, left, right (where the face looks in the picture), up or down: the largest turn above 15 degrees."""
        if max(abs(self.yaw), abs(self.pitch)) <= 15:
            return "frontal"
        if abs(self.yaw) >= abs(self.pitch):
            return "right" if self.yaw > 0 else "left"
        return "up" if self.pitch > 0 else "down"


def draw_shot(rng: np.random.Generator, downcast: bool) -> Shot:
    """One photograph's circumstances; about one in six is hard: dark, blurred, far turned or covered.

    Args:
        rng: where all draws come from.
        downcast: the head may hang (a sad one).
    """
    light = str(rng.choice(list(LIGHTS), p=_LIGHT_SHARES))
    direction = np.array(LIGHTS[light]) + rng.normal(0, 0.15, 3)
    hard = str(rng.choice(("", "dark", "blurred", "turned"), p=(0.905, 0.035, 0.03, 0.03)))
    yaw = rng.uniform(32, 48) * rng.choice((-1, 1)) if hard == "turned" else np.clip(rng.normal(0, 10), -28, 28)
    flat = light == "flat"
    return Shot(
        yaw=float(yaw),
        pitch=float(np.clip(rng.normal(-8 if downcast else 0, 5), -18, 14)),
        roll=float(np.clip(rng.normal(0, 4.5), -14, 14)),
        distance=float(rng.uniform(3.5, 8)),
        scale=float(np.clip(rng.normal(31, 1.6), 26, 36)),
        shift=(float(np.clip(rng.normal(0, 1.0), -3, 3)), float(np.clip(rng.normal(0, 1.0), -3, 3))),
        light=light,
        direction=(direction / np.linalg.norm(direction)).astype(np.float32),
        key=float(rng.uniform(0.25, 0.45) if flat else rng.uniform(0.6, 1.15)),
        ambient=float(rng.uniform(0.55, 0.75) if flat else rng.uniform(0.18, 0.45)),
        rim=float(rng.uniform(0, 0.5) * (rng.random() < 0.3)),
        background=_draw_background(rng),
        clutter=float(rng.uniform(0.1, 0.8) * (rng.random() < 0.55)),
        white=float(rng.uniform(1.5, 2.9) * (3.0 if hard == "dark" else 1)),
        gamma=float(rng.uniform(1.35, 2.1)),
        floor=float(rng.uniform(0, 0.1) * (rng.random() < 0.25)),
        blur=float(rng.uniform(1.0, 1.6) if hard == "blurred" else rng.uniform(0.0, 0.35)),
        small=int(rng.integers(20, 40)) if rng.random() < 0.08 else 48,
        noise=float(rng.uniform(3, 7) if hard == "dark" or rng.random() < 0.04 else rng.uniform(0, 2.5)),
        occluder=str(rng.choice(OCCLUDERS, p=(0.22, 0.30, 0.13, 0.15, 0.20))) if rng.random() < 0.09 else "",
        hard=hard,
        quality=int(rng.integers(55, 80)),
    )


def _draw_background(rng: np.random.Generator) -> np.ndarray:
    """float32 (4,), corners: white, dark or anything, even or not."""
    level = rng.choice((rng.uniform(0.6, 1.0), rng.uniform(0.01, 0.08), rng.uniform(0.05, 0.5)), p=(0.25, 0.35, 0.4))
    corners = level * np.exp(rng.normal(0, rng.choice((0.05, 0.5)), 4))
    return np.clip(corners, 0, 1.1).astype(np.float32)


def draw_background(shot: Shot, side: int, rng: np.random.Generator) -> np.ndarray:
    """float32 (side, side): an even or graded wall, perhaps with blurred things on it."""
    across = np.linspace(0, 1, side, dtype=np.float32)
    top, bottom = (left + across * (right - left) for left, right in shot.background.reshape(2, 2))
    wall = top + across[:, None] * (bottom - top)
    if shot.clutter:
        things = rng.random((int(rng.integers(3, 9)),) * 2, dtype=np.float32)
        blurred = Image.fromarray(things).resize((side, side), Image.Resampling.BICUBIC)
        wall = wall * (1 + np.float32(shot.clutter) * (2 * np.asarray(blurred) - 1))
    return np.maximum(wall, 0)


def develop(light: np.ndarray, face: float, shot: Shot) -> Image.Image:
    """Expose a picture for the face in it, if not wholly: dark skin stays darker than light skin.

    Args:
        light: float32 (side, side).
        face: mean light of the face.
        shot: the exposure.

    Returns:
        A grey picture of the same size.
    """
    white = np.float32(shot.white * face**0.7 * 0.3**0.3)
    exposed = np.clip(light / white, 0, 1) ** np.float32(1 / shot.gamma)
    return Image.fromarray(((shot.floor + (1 - shot.floor) * exposed) * np.float32(255)).astype(np.uint8))


def finish(picture: Image.Image, side: int, shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Reduce a developed picture and spoil it as the shot says: uint8 (side, side)."""
    scale = picture.width / side
    small = picture.filter(ImageFilter.GaussianBlur(shot.blur * scale))
    small = small.resize((shot.small, shot.small), Image.Resampling.BOX)
    if shot.small != side:
        small = small.resize((side, side), Image.Resampling.BICUBIC)
    grey = np.asarray(small, np.float32)
    if shot.noise > 1:
        grey = grey + np.float32(shot.noise) * rng.standard_normal((side, side), dtype=np.float32)
    return np.clip(grey, 0, 255).astype(np.uint8)
