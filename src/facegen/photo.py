"""From light to a 48x48 picture: background, exposure, blur, noise."""

import numpy as np
from PIL import Image, ImageFilter

from facegen.shots import Shot


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
