"""Pictures that are nearly the same: cropped anew, shifted, mirrored, brightened, compressed again, marked.

Each picture, whole and in crops, is compared with every other one and its mirror image by 64 numbers that say what it
looks like from afar: matrix products propose pairs. The correlation of their detail, once aligned, confirms them.

The time grows with the square of the number of pictures, the memory with the number (a grey copy and 256 bytes each).
For millions, an index of vectors (faiss: inner products, of both mirrorings) can stand in for `_compare`.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from PIL import Image
from scipy import fft
from scipy.ndimage import gaussian_filter1d
from threadpoolctl import threadpool_limits

from utils.pictures import SIDE
from utils.quiet import track

LEAST_CORRELATION = 0.7
"""Of the fine detail, after alignment. Of 60 pairs of FER-2013 that were looked at in each band, one photo, or two of a
series, are 21 at .69 to .71, 28 at .71 to .73, 50 at .73 to .76, all at .76 to .8; at .72 to .82 lie the fewest pairs.
The limit is low because a copy that is learnt does more harm than a picture that is not."""

LEAST_COARSE = 0.8
"""Correlation from afar that a pair must reach."""

LEAST_PROMISING = 0.5
"""Correlation of the detail that a pair must reach after mere shifts, and again after a few steps of the alignment."""

SCALES = (0.94, 0.87)
"""Of the crops' sides: what shows 80 to 100 % of a picture's sides is near to one of these, or to the whole."""

_FREQUENCIES, _BLUR, _LIGHT = 8, 1.2, 8.0
"""A side, of the cosine transform (what is finer does not survive a slight shift), and standard deviations, in pixels,
of the two blurs between which lies what a picture looks like from afar."""

_DETAIL, _FINE_DETAIL = 4.0, 2.5
"""Pixels: what is coarser (light, hair, background) is alike in very different pictures and does not count."""

_REACH, _STEPS = 3, (2, 6)
"""Pixels of shift, each way, that are tried: as far as the crops lie apart; steps of the alignment, the first few of
which tell four in five pairs of different pictures from copies."""

_BLOCK, _CACHED = 512, 32
"""Pictures that are compared in one matrix product; pairs whose detail stays in the processor's cache."""

_MOST_CANDIDATES = 100 * _BLOCK
"""Pairs a block of pictures that are looked at, the likeliest: bounds the time on data of one scene."""


def _sample(scale: float, start: float) -> np.ndarray:
    """Matrix that stretches a part of SIDE pixels to all of them, linearly interpolated: float32 (SIDE, SIDE)."""
    positions = (start * SIDE + (np.arange(SIDE) + 0.5) * scale - 0.5).clip(0, SIDE - 1)
    return np.maximum(0, 1 - abs(positions[:, None] - np.arange(SIDE))).astype(np.float32)


_CROPS = [(1.0, 0.0, 0.0)]
_CROPS += [(of, top * (1 - of), left * (1 - of)) for of in SCALES for top, left in product((0, 0.5, 1), repeat=2)]
"""The whole frame, and nine places for each scale: scale, top, left, as shares of the frame's side."""

_ROWS, _COLUMNS = (np.stack([_sample(crop[0], crop[axis]) for crop in _CROPS]) for axis in (1, 2))
_POINTS = np.stack([*np.indices((SIDE, SIDE)).reshape(2, -1) - (SIDE - 1) / 2, np.ones(SIDE**2)]).astype(np.float32)


def find_near_duplicates(
    pixels: np.ndarray, known: np.ndarray | None = None, compared: np.ndarray | None = None
) -> np.ndarray:
    """Pairs of nearly equal pictures, mirror images included: int (pairs, 2), the lower position first, sorted.

    Args:
        pixels: uint8 (n, 48, 48, 3), RGB.
        known: bool (n,), pictures of which it is known who they are of; no two of these are compared. None: of none.
        compared: bool (n,), the pictures that count, none of them blank. None: all.
    """
    chosen = np.arange(len(pixels)) if compared is None else np.flatnonzero(compared)
    known = np.zeros(len(chosen), dtype=bool) if known is None else known[chosen]
    if known.all():
        return np.empty((0, 2), dtype=np.int64)
    count = len(chosen)
    grey = np.empty((count, SIDE, SIDE), np.uint8)  # filled one by one: the colours may not fit into memory
    for place, position in enumerate(chosen):
        grey[place] = np.asarray(Image.fromarray(pixels[position]).convert("L"))
    descriptors = np.concatenate([describe(grey[part], 0) for part in _split(count, _BLOCK)])

    blocks = list(_split(count, _BLOCK))
    # products of blocks are too small to be worth sharing: a block a core, each on one thread
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        pairs = threads.map(lambda block: _confirm(grey, *_propose(grey, descriptors, known, block)), blocks)
        found = list(track(pairs, len(blocks), f"{_BLOCK} pictures", "Comparing"))
    return chosen[np.unique(np.sort(np.concatenate(found), axis=1), axis=0)]


def _split(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def _normalise(pictures: np.ndarray) -> np.ndarray:
    return pictures / np.maximum(np.linalg.norm(pictures, axis=(1, 2), keepdims=True), 1e-6)


def describe(grey: np.ndarray, crop: int) -> np.ndarray:
    """What a crop of each picture looks like from afar, of length 1: float32 (n, 2, 32).

    Its lowest frequencies (discrete cosine transform): the even horizontal ones, then the odd ones, of which mirroring
    changes the sign and nothing else.

    Args:
        grey: uint8 (n, 48, 48).
        crop: position in _CROPS.
    """
    waves = fft.dct(np.eye(SIDE, dtype=np.float32), axis=0, norm="ortho")[:_FREQUENCIES]
    angle = np.pi * np.arange(_FREQUENCIES, dtype=np.float32) / SIDE
    square = angle[:, None] ** 2 + angle**2
    passed = np.exp(-square * _BLUR**2 / 2) * (1 - np.exp(-square * _LIGHT**2 / 2))
    found = _normalise((waves @ _ROWS[crop]) @ grey.astype(np.float32) @ (waves @ _COLUMNS[crop]).T * passed)
    return np.stack([found[:, :, ::2], found[:, :, 1::2]], axis=1).reshape(len(grey), 2, -1)


def _propose(
    grey: np.ndarray, descriptors: np.ndarray, known: np.ndarray, block: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a block's pictures and any others that look alike from afar: positions, int (pairs, 2).

    And the crop of the first that is likest, int (pairs,), and whether to the second's mirror image, bool (pairs,).
    """
    bank = np.stack([describe(grey[block], crop) for crop in range(len(_CROPS))])
    pairs, likeness = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    for part in _split(len(descriptors), _BLOCK):
        best = _compare(bank, descriptors[part])
        first, second = np.nonzero(best >= LEAST_COARSE)
        found = np.stack([first + block.start, second + part.start], axis=1)
        asked = (found[:, 0] != found[:, 1]) & ~known[found].all(axis=1)
        likeness = np.append(likeness, best[first, second][asked])
        pairs = np.concatenate([pairs, found[asked]])
        if len(pairs) > _MOST_CANDIDATES:
            kept = np.argsort(-likeness, kind="stable")[:_MOST_CANDIDATES]
            pairs, likeness = pairs[kept], likeness[kept]
    halves = np.empty((len(pairs), len(_CROPS), 2), dtype=np.float32)
    for part in _split(len(pairs), _BLOCK):
        first, second = pairs[part].T
        halves[part] = np.einsum("cnhf,nhf->nch", bank[:, first - block.start], descriptors[second])
    crops = (halves[:, :, 0] + abs(halves[:, :, 1])).argmax(axis=1)
    flipped = halves[np.arange(len(pairs)), crops, 1] < 0
    asked = (crops > 0) | (pairs[:, 0] < pairs[:, 1])  # whole against whole once, not in both orders
    return pairs[asked], crops[asked], flipped[asked]


def _compare(bank: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How like any crop (crops, n, 2, 32) of each picture is to others (m, 2, 32) or their mirrors: float32 (n, m)."""
    best = np.full((bank.shape[1], len(others)), -1, dtype=np.float32)
    for crops in bank:
        even, odd = (crops[:, half] @ others[:, half].T for half in (0, 1))
        even += np.abs(odd, out=odd)
        np.maximum(best, even, out=best)
    return best


def _confirm(grey: np.ndarray, pairs: np.ndarray, crops: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """Those of the pairs whose detail is the same, after alignment: int (pairs, 2)."""
    confirmed = [pairs[:0]]
    for part in _split(len(pairs), _CACHED):
        first, second = (grey[side].astype(np.float32) for side in pairs[part].T)
        second = np.where(flipped[part, None, None], second[:, :, ::-1], second)
        left = pairs[part]
        correlation, warps = find_shifts(first, second, crops[part])
        for steps in _STEPS:
            promising = correlation >= LEAST_PROMISING
            left, first, second, warps = (each[promising] for each in (left, first, second, warps))
            correlation, warps = align(first, second, warps, steps)
        confirmed.append(left[correlation >= LEAST_CORRELATION])
    return np.concatenate(confirmed)


def _find_detail(grey: np.ndarray, blur: float) -> np.ndarray:
    """What a blur takes away, with mean 0 and length 1 a picture: float32 (n, 48, 48)."""
    smooth = gaussian_filter1d(np.eye(SIDE, dtype=np.float32), blur, axis=0)
    detail = grey - smooth @ grey @ smooth.T
    return _normalise(detail - detail.mean(axis=(1, 2), keepdims=True))


def find_shifts(first: np.ndarray, second: np.ndarray, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay a crop of each first picture on the second, at the shift (correlation theorem) where their detail fits best.

    Args:
        first: float32 (n, 48, 48), grey.
        second: the same.
        crops: int (n,), positions in _CROPS.

    Returns:
        The correlation, float32 (n,); where in the first a point of the second lies, both (row, column, 1) in pixels
        from the centre: float32 (n, 3, 3).
    """
    near = np.arange(-_REACH, _REACH + 1)
    cropped = _find_detail(_ROWS[crops] @ first @ _COLUMNS[crops].transpose(0, 2, 1), _DETAIL)
    product = fft.rfft2(cropped) * np.conj(fft.rfft2(_find_detail(second, _DETAIL)))
    tried = fft.irfft2(product)[:, near[:, None], near].reshape(len(first), len(near) ** 2)
    shift = np.stack(np.unravel_index(tried.argmax(axis=1), (len(near), len(near))), axis=1) - _REACH
    scale, start = np.split(np.array(_CROPS, dtype=np.float32)[crops], [1], axis=1)
    warps = np.eye(3, dtype=np.float32) * np.hstack([scale, scale, np.ones_like(scale)])[:, :, None]
    warps[:, :2, 2] = (start + scale / 2 - 0.5) * SIDE + shift * scale
    return tried.max(axis=1), warps


def align(first: np.ndarray, second: np.ndarray, warps: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Warp each first picture onto the second, by a few steps of the inverse compositional algorithm, affine.

    S. Baker, I. Matthews: Lucas-Kanade 20 years on, International Journal of Computer Vision, 2004.

    Args:
        first: float32 (n, 48, 48), grey.
        second: the same.
        warps: where to begin, as `find_shifts` gives them.
        steps: how often the warp is made better.

    Returns:
        The highest correlation of their fine detail on the way, float32 (n,); the warps in the end.
    """
    count = len(first)
    first, second = _find_detail(first, _FINE_DETAIL), _find_detail(second, _FINE_DETAIL)
    slopes = np.stack(np.gradient(second, axis=(1, 2)), axis=1).reshape(count, 2, 1, SIDE**2)
    steepest = (slopes * _POINTS).reshape(count, 6, SIDE**2)
    curvature = steepest @ steepest.transpose(0, 2, 1) + 1e-6 * np.eye(6, dtype=np.float32)
    second, best = second.reshape(count, SIDE**2, 1), np.full(count, -1, dtype=np.float32)
    for step in range(steps + 1):
        warped = _normalise(_warp(first, warps @ _POINTS))
        best = np.maximum(best, (warped * second).sum(axis=(1, 2)))
        if step < steps:
            change = np.linalg.solve(curvature, steepest @ (warped - second)).reshape(count, 2, 3)
            undone = np.linalg.inv(np.eye(3) + np.pad(change, ((0, 0), (0, 1), (0, 0))))
            warps = (warps @ undone).astype(np.float32)
    return best, warps


def _warp(pictures: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values at points (n, 3, points), linearly interpolated, less their mean: float32 (n, points, 1)."""
    points = (points[:, :2] + (SIDE - 1) / 2).clip(0, SIDE - 1.001)
    corner = np.floor(points)
    down, right = (points - corner).transpose(1, 0, 2)
    row, column = corner.astype(np.int64).transpose(1, 0, 2)
    position = (np.arange(len(pictures))[:, None] * SIDE + row) * SIDE + column
    top, bottom = (
        pictures.take(position + line) * (1 - right) + pictures.take(position + line + 1) * right for line in (0, SIDE)
    )
    values = top * (1 - down) + bottom * down
    return (values - values.mean(axis=1, keepdims=True))[:, :, None]
