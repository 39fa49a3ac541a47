"""Triangles to pixels, in numpy alone: all triangles of one size at a time."""

from itertools import pairwise

import numpy as np

_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 24, 32, 48, 64, 96, 128)
_CLASSES = np.searchsorted(_SIZES, np.arange(_SIZES[-1] + 2)).astype(np.uint8)
"""By pixels wide or high: the place in _SIZES of the smallest box that is enough, or len(_SIZES) if none is."""


def vertex_normals(vertices: np.ndarray, wanted: np.ndarray, fans: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Unit normals, outward, each the mean of its triangles' weighted by area.

    Args:
        vertices: float32 (V, 3).
        wanted: bool (V,), vertices whose normals are asked for.
        fans: intp (3, 3 T), the triangles around each vertex, from `group_corners`.
        sizes: intp (V,), how many they are, from there too.

    Returns:
        float32 (V, 3), 0 at vertices that are not wanted.
    """
    corners = fans.take(np.flatnonzero(np.repeat(wanted, sizes)), axis=1)
    x, y, z = (np.ascontiguousarray(axis).take(corners) for axis in vertices.T)
    ax, ay, az, bx, by, bz = x[1] - x[0], y[1] - y[0], z[1] - z[0], x[2] - x[0], y[2] - y[0], z[2] - z[0]
    face = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    ends = sizes[wanted].cumsum()
    total = np.add.reduceat(face, ends - sizes[wanted], axis=1)
    normals = np.zeros((3, len(vertices)), np.float32)
    normals[:, wanted] = total / np.maximum(np.sqrt((total * total).sum(axis=0)), np.float32(1e-12))
    return normals.T


def group_corners(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles around each vertex, which is in one at least.

    Args:
        corners: intp (3, T), numbers of vertices, counter-clockwise seen from outside.

    Returns:
        fans: intp (3, 3 T), the triangles around the first vertex, those around the second, and so on.
        sizes: intp (V,), how many are around each.
    """
    flat = corners.ravel()
    triangles = np.argsort(flat, kind="stable") % corners.shape[1]
    return corners.take(triangles, axis=1), np.bincount(flat)


def rasterize(points: np.ndarray, corners: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest front-facing triangle at each pixel's centre.

    Args:
        points: float32 (V, 3): x to the right and y down in pixels, and nearness (larger is nearer).
        corners: intp (3, T), rows of `points`; front faces run counter-clockwise in the picture.
        side: pixels of the square picture.

    Returns:
        covered: intp (n,), the pixels (row * side + column) that a triangle covers.
        triangle: intp (n,), which one.
        weights: float32 (n, 3), of its corners; rows sum to 1.
    """
    x, y = (np.ascontiguousarray(axis).take(corners) for axis in points.T[:2])
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    left, right = _first_and_last(x)
    top, bottom = _first_and_last(y)
    hit = (right >= left) & (bottom >= top) & (right >= 0) & (bottom >= 0) & (left < side) & (top < side)
    front = np.flatnonzero(hit & (area < np.float32(-1e-4)))
    extent = np.maximum(right[front] - left[front], bottom[front] - top[front]) + 1
    box = _CLASSES[np.minimum(extent, len(_CLASSES) - 1).astype(np.intp)]
    by_size = np.argsort(box, kind="stable")
    bounds = np.searchsorted(box[by_size], np.arange(len(_SIZES) + 1))
    front = front[by_size[: bounds[-1]]]
    if not len(front):
        return np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 3), np.float32)
    left, top, near = left[front], top[front], points[:, 2].take(corners.take(front, 1))
    planes = _weigh(x.take(front, 1), y.take(front, 1), left, top, area[front])
    filled = [
        _fill(planes[..., start:end], start, size)
        for size, (start, end) in zip(_SIZES, pairwise(bounds), strict=True)
        if start < end
    ]
    row, line, column, first, second = (np.concatenate(part) for part in zip(*filled, strict=True))
    pixel_x, pixel_y = left[row] + column, top[row] + line
    seen = np.flatnonzero((pixel_x >= 0) & (pixel_x < side) & (pixel_y >= 0) & (pixel_y < side))
    row, first, second, pixel_x, pixel_y = (v.take(seen) for v in (row, first, second, pixel_x, pixel_y))
    pixel = (pixel_y * side + pixel_x).astype(np.intp)
    depth = near[2][row] + first * (near[0] - near[2])[row] + second * (near[1] - near[2])[row]
    low, high = depth.min(), depth.max()
    steps = ((depth - low) * np.float32(2**30 / max(high - low, 1e-6))).astype(np.int64)
    # one number that grows with nearness and names the triangle: a pixel's largest is the visible one
    rank = (steps << 24) | row
    nearest = np.full(side * side, -1, np.int64)
    np.maximum.at(nearest, pixel, rank)
    won = np.flatnonzero(nearest[pixel] == rank)
    nearest[pixel[won]] = won
    covered = np.flatnonzero(nearest >= 0)
    won = nearest[covered]
    first, second = first[won], second[won]
    return covered, front[row[won]], np.stack([first, second, 1 - first - second], axis=1)


def _first_and_last(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last pixel whose centre may be inside: float32 (3, n) -> twice (n,)."""
    first, second, third = place
    low, high = np.minimum(np.minimum(first, second), third), np.maximum(np.maximum(first, second), third)
    return np.ceil(low - np.float32(0.5)), np.floor(high - np.float32(0.5))


def _weigh(x, y, left, top, area) -> np.ndarray:
    """The weights of the first two corners, which are linear over a triangle's box.

    Returns:
        float32 (3, 2, n): at the box's first pixel, and the changes a pixel to the right and a pixel below.
    """
    inverse = 1 / area
    right = np.stack([y[1] - y[2], y[2] - y[0]]) * inverse
    below = np.stack([x[2] - x[1], x[0] - x[2]]) * inverse
    across, down = left + np.float32(0.5) - x[2], top + np.float32(0.5) - y[2]
    return np.stack([right * across + below * down, right, below])


def _fill(planes: np.ndarray, start: int, size: int) -> tuple[np.ndarray, ...]:
    """Fragments of triangles whose boxes are at most `size` pixels wide and high, the first of them number `start`.

    Returns:
        the triangle's number, the line and the column in its box, and the weights of its first two corners.
    """
    corner, right, below = planes[:, :, None]
    step = np.arange(size, dtype=np.float32)[:, None]
    # triangles come last, so that each step is a long run through memory
    first, second = (corner + right * step)[:, None] + (below * step)[:, :, None]
    inside = np.flatnonzero(np.minimum(np.minimum(first, second), 1 - first - second) >= 0)
    line, column, row = np.unravel_index(inside, first.shape)
    return row + start, line, column, first.take(inside), second.take(inside)
