"""Triangles to pixels, in numpy alone: all triangles of one size at a time."""

import numpy as np

_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 24, 32, 48, 64, 96, 128)


def vertex_normals(vertices: np.ndarray, corners: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Unit normals, outward, each the mean of its triangles' weighted by area.

    Args:
        vertices: float32 (V, 3).
        corners: intp (3, T), rows of `vertices`, counter-clockwise seen from outside; every vertex is in a triangle.
        order, starts: from `group_corners(corners)`.

    Returns:
        float32 (V, 3).
    """
    x, y, z = (np.ascontiguousarray(axis).take(corners) for axis in vertices.T)
    ax, ay, az, bx, by, bz = x[1] - x[0], y[1] - y[0], z[1] - z[0], x[2] - x[0], y[2] - y[0], z[2] - z[0]
    face = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    total = np.add.reduceat(face[:, order], starts, axis=1)
    total /= np.maximum(np.sqrt((total * total).sum(axis=0)), np.float32(1e-12))
    return total.T


def group_corners(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles around each vertex: `order` lists triangles by vertex, `starts` where each vertex begins."""
    flat = corners.ravel()
    order = np.argsort(flat, kind="stable")
    return order % corners.shape[1], np.searchsorted(flat[order], np.arange(flat.max() + 1))


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
    x, y, near = (np.ascontiguousarray(axis).take(corners) for axis in points.T)
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    front = np.flatnonzero(area < np.float32(-1e-4))
    x, y, near, area = x.take(front, 1), y.take(front, 1), near.take(front, 1), area[front]
    left, right = _first_and_last(x)
    top, bottom = _first_and_last(y)
    extent = np.maximum(right - left, bottom - top) + 1
    hit = (right >= left) & (bottom >= top) & (right >= 0) & (bottom >= 0) & (left < side) & (top < side)
    size = np.where(hit, np.searchsorted(_SIZES, extent), len(_SIZES))
    found = [
        _fill(x[:, rows], y[:, rows], near[:, rows], left[rows], top[rows], area[rows], rows, _SIZES[number], side)
        for number in range(len(_SIZES))
        if len(rows := np.flatnonzero(size == number))
    ]
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 3), np.float32)
    pixel, row, depth, first, second = (np.concatenate(part) for part in zip(*found, strict=True))
    low, high = depth.min(), depth.max()
    steps = ((depth - low) * np.float32(2**30 / max(high - low, 1e-6))).astype(np.int64)
    # one number that grows with nearness and names the fragment: its maximum is the visible one
    nearest = np.full(side * side, -1, np.int64)
    np.maximum.at(nearest, pixel, (steps << 24) | np.arange(len(pixel)))
    covered = np.flatnonzero(nearest >= 0)
    winner = nearest[covered] & (2**24 - 1)
    weights = np.stack([first[winner], second[winner], 1 - first[winner] - second[winner]], axis=1)
    return covered, front[row[winner]], weights


def _first_and_last(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last pixel whose centre may be inside: float32 (3, n) -> twice (n,)."""
    first, second, third = place
    low, high = np.minimum(np.minimum(first, second), third), np.maximum(np.maximum(first, second), third)
    return np.ceil(low - np.float32(0.5)), np.floor(high - np.float32(0.5))


def _fill(x, y, near, left, top, area, rows, size, side):
    """Fragments of triangles whose boxes are at most `size` pixels wide and high.

    Returns:
        pixel, the triangle's place in `rows`' numbering, nearness, and the weights of its first two corners.
    """
    step = np.arange(size, dtype=np.float32)
    inverse = 1 / area
    across, down = left + np.float32(0.5) - x[2], top + np.float32(0.5) - y[2]

    def weigh(right, below):
        # linear over the box: its value at the first pixel, and its changes a pixel to the right and below
        along = (right * across + below * down)[:, None] + right[:, None] * step
        return along[:, None, :] + (below[:, None] * step)[:, :, None]

    first = weigh((y[1] - y[2]) * inverse, (x[2] - x[1]) * inverse)
    second = weigh((y[2] - y[0]) * inverse, (x[0] - x[2]) * inverse)
    inside = np.flatnonzero(np.minimum(np.minimum(first, second), 1 - first - second) >= 0)
    first, second = first.ravel()[inside], second.ravel()[inside]
    which, place = np.divmod(inside, size * size)
    line, column = np.divmod(place, size)
    pixel_x, pixel_y = left[which] + column, top[which] + line
    seen = (pixel_x >= 0) & (pixel_x < side) & (pixel_y >= 0) & (pixel_y < side)
    if not seen.all():
        which, first, second, pixel_x, pixel_y = (v[seen] for v in (which, first, second, pixel_x, pixel_y))
    depth = near[2, which] + first * (near[0, which] - near[2, which]) + second * (near[1, which] - near[2, which])
    return (pixel_y * side + pixel_x).astype(np.intp), rows[which], depth, first, second
