"""What skin and hair look like, painted once on a chart of the head at rest, so that it moves with the skin.

The chart is a cylinder around the head: x is the angle about the vertical axis times `_RADIUS` (about decimetres on
the face, positive on the face's left), y the height in decimetres. All paint is the same on both sides.
"""

from itertools import pairwise

import numpy as np

_AXIS, _RADIUS = 0.25, 1.15
_WIDTH, _LOW, _HIGH = 2.3, 5.0, 8.6
_TEXEL = 0.0125

# the points (x, y) of each stroke, on the face's left, and its width
_STROKES = {
    "frown": ([(0.075, 7.36), (0.06, 7.44), (0.08, 7.54)], 0.016),
    "bridge": ([(-0.08, 7.33), (0.0, 7.32), (0.08, 7.33)], 0.014),
    "bunny": ([(0.07, 7.16), (0.13, 7.24)], 0.016),
    "forehead low": ([(-0.5, 7.62), (-0.3, 7.68), (0.0, 7.645), (0.3, 7.68), (0.5, 7.62)], 0.014),
    "forehead middle": ([(-0.5, 7.73), (-0.3, 7.79), (0.0, 7.76), (0.3, 7.79), (0.5, 7.73)], 0.014),
    "forehead high": ([(-0.45, 7.84), (-0.2, 7.89), (0.0, 7.87), (0.2, 7.89), (0.45, 7.84)], 0.014),
    "grief": ([(0.0, 7.64), (0.1, 7.65), (0.24, 7.58)], 0.017),
    "grief high": ([(0.0, 7.73), (0.1, 7.74), (0.22, 7.68)], 0.015),
    "nasolabial": ([(0.16, 6.93), (0.23, 6.84), (0.30, 6.72), (0.335, 6.6)], 0.026),
    "cheek": ([(0.40, 6.86), (0.45, 6.72), (0.44, 6.56)], 0.022),
    "crow high": ([(0.56, 7.31), (0.67, 7.38)], 0.012),
    "crow middle": ([(0.57, 7.27), (0.70, 7.28)], 0.012),
    "crow low": ([(0.56, 7.23), (0.67, 7.17)], 0.012),
    "lower lid": ([(0.21, 7.235), (0.28, 7.185), (0.36, 7.17), (0.47, 7.205)], 0.013),
    "eye bag": ([(0.19, 7.20), (0.26, 7.12), (0.36, 7.09), (0.48, 7.14)], 0.020),
    "lid fold": ([(0.22, 7.335), (0.30, 7.375), (0.40, 7.38), (0.50, 7.325)], 0.013),
    "chin fold": ([(-0.14, 6.45), (0.0, 6.475), (0.14, 6.45)], 0.020),
    "marionette": ([(0.265, 6.60), (0.29, 6.52), (0.295, 6.40)], 0.018),
    "mouth corner": ([(0.255, 6.635), (0.275, 6.63)], 0.020),
    "nose wing": ([(0.135, 6.93), (0.165, 6.87), (0.15, 6.82)], 0.014),
}

CHANNELS = (
    *_STROKES,
    "brow thin",
    "brow thick",
    "beard",
    "moustache",
    "stubble",
    "blush",
    "sockets",
    "chin dimples",
    "mottling",
    "freckles",
    "hair",
    "fringe",
    "hat",
    "scarf",
    "strands",
)
"""What the chart holds at each of its points: darkness of a stroke or of a growth (0 to 1), noise (about -1 to 1), or,
for hair, fringe, hat and scarf, how far inside its border the point lies (decimetres, negative outside)."""


def to_chart(vertices: np.ndarray) -> np.ndarray:
    """Chart coordinates of the head at rest: float32 (V, 3) -> float32 (V, 2), in texels (column, row)."""
    angle = np.arctan2(vertices[:, 0], vertices[:, 2] - _AXIS)
    place = np.stack([angle * _RADIUS + _WIDTH, _HIGH - vertices[:, 1]], axis=1) / _TEXEL
    return place.astype(np.float32)


def paint_chart() -> np.ndarray:
    """float32 (rows, columns, len(CHANNELS)). The noise is the same each time."""
    columns = np.arange(-_WIDTH, _WIDTH, _TEXEL)
    rows = np.arange(_HIGH, _LOW, -_TEXEL)
    x, y = np.meshgrid(columns, rows)
    x = np.abs(x)
    painted = {name: _stroke(x, y, points, width) for name, (points, width) in _STROKES.items()}
    painted |= _paint_growth(x, y) | _paint_skin(x, y) | _paint_covers(x, y)
    return np.stack([painted[name] for name in CHANNELS], axis=-1).astype(np.float32)


def _bump(x, y, centre_x, centre_y, width, height):
    return np.exp(-(((x - centre_x) / width) ** 2) - ((y - centre_y) / height) ** 2)


def _step(value, softness):
    return 1 / (1 + np.exp(-np.clip(value / softness, -30, 30)))


def _along(x, y, points):
    """Distance of each point of the chart to a line of points, and where along it (0 to 1) the nearest lies."""
    distance, along = np.full(x.shape, np.inf), np.zeros(x.shape)
    count = len(points) - 1
    for number, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        dx, dy = x1 - x0, y1 - y0
        share = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        here = np.hypot(x - x0 - share * dx, y - y0 - share * dy)
        along = np.where(here < distance, (number + share) / count, along)
        distance = np.minimum(distance, here)
    return distance, along


def _stroke(x, y, points, width):
    """A crease: dark in its valley, a little light beside it, fading at its ends."""
    # farther away than 13 widths it is less than the least float32
    (left, low), (right, high) = np.min(points, axis=0) - 13 * width, np.max(points, axis=0) + 13 * width
    near = (x > left) & (x < right) & (y > low) & (y < high)
    distance, along = _along(x[near], y[near], points)
    ends = 1 if points[0][0] <= 0 else np.clip(8 * along, 0.4, 1) * np.clip(8 * (1 - along), 0.2, 1)
    painted = np.zeros(x.shape)
    painted[near] = np.exp(-((distance / width) ** 2)) - 0.15 * np.exp(-(((distance - 2.2 * width) / width) ** 2))
    painted[near] *= ends
    return painted


def _paint_growth(x, y):
    rng = np.random.default_rng(1)
    grain = _noise(rng, x.shape, (1.2, 1.2))
    middle, along = _along(x, y, [(0.15, 7.485), (0.26, 7.515), (0.40, 7.53), (0.50, 7.51), (0.61, 7.455)])
    taper = np.clip(1.15 - 0.75 * along**2, 0, 1)
    hairs = 0.85 + 0.25 * _noise(rng, x.shape, (0.8, 2.5))
    cheek_line = 6.62 + np.interp(x, [0.0, 0.25, 0.45, 0.8, 0.95, 1.1], [-0.04, -0.02, 0.06, 0.30, 0.5, 0.65])
    jaw = _step(cheek_line - y, 0.035) * _step(y - 6.02, 0.05) * _step(1.15 - x, 0.04)
    lip = _step(x - 0.27, 0.03) + _step(6.49 - y, 0.02)
    moustache = _step(0.30 - x, 0.025) * _step(y - 6.70, 0.012) * _step(6.815 - y, 0.012)
    return {
        "brow thin": hairs * np.exp(-((middle / (0.022 * taper + 0.006)) ** 4)),
        "brow thick": hairs * np.exp(-((middle / (0.038 * taper + 0.008)) ** 4)),
        "beard": np.clip(jaw * np.clip(lip, 0, 1) * (0.85 + 0.1 * grain), 0, 1),
        "moustache": np.clip(moustache * (0.9 + 0.2 * grain), 0, 1),
        "stubble": np.clip(np.maximum(jaw, moustache) * (0.7 + 0.45 * grain), 0, 1),
    }


def _paint_skin(x, y):
    rng = np.random.default_rng(2)
    spots = np.clip(_noise(rng, x.shape, (1.0, 1.0)) - 1.6, 0, 1)
    return {
        "blush": _bump(x, y, 0.48, 6.98, 0.22, 0.17),
        "sockets": _bump(x, y, 0.24, 7.29, 0.14, 0.12) + 0.6 * _bump(x, y, 0.33, 7.16, 0.16, 0.06),
        "chin dimples": _bump(x, y, 0.0, 6.35, 0.14, 0.09) * (0.5 + 0.5 * _noise(rng, x.shape, (1.5, 1.5))),
        "mottling": 0.6 * _noise(rng, x.shape, (14, 14)) + 0.4 * _noise(rng, x.shape, (3, 3)),
        "freckles": spots * _bump(x, y, 0.25, 7.05, 0.4, 0.25),
    }


def _paint_covers(x, y):
    rng = np.random.default_rng(3)
    border = np.interp(
        x / _RADIUS,
        [0, 0.30, 0.50, 0.62, 0.72, 0.82, 0.93, 1.08, 1.2, 1.4, 1.7, 1.9, 2.0],
        [8.0, 8.0, 7.95, 7.85, 7.68, 7.48, 7.24, 7.05, 7.3, 7.45, 7.4, 6.8, 6.4],
    )
    ragged = 0.02 * _noise(rng, x.shape, (2, 6))
    oval = 1 - np.hypot(x / 0.86, (y - 7.05) / np.where(y > 7.05, 0.80, 0.98))
    return {
        "hair": np.clip(y - border, -1, 1) + ragged,
        "fringe": 0.35 * np.exp(-((x / 0.62) ** 4)) + 1.5 * ragged,
        "hat": y - 7.78 + 0.12 * np.clip(x - 0.5, 0, 1),
        "scarf": -0.7 * oval,
        "strands": _noise(rng, x.shape, (1.2, 22)),
    }


def _noise(rng, shape, blur):
    """Smooth noise of mean 0 and deviation 1; `blur` is its grain in texels, across and down. Even in x."""
    rows, columns = shape
    white = np.fft.rfft2(rng.standard_normal(shape))
    down, across = np.meshgrid(np.fft.fftfreq(rows), np.fft.rfftfreq(columns), indexing="ij")
    smooth = np.fft.irfft2(white * np.exp(-2 * np.pi**2 * ((across * blur[0]) ** 2 + (down * blur[1]) ** 2)), shape)
    return (smooth - smooth.mean()) / smooth.std()
