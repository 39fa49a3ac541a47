"""Pictures that are nearly the same: shifted, mirrored, brightened, compressed again, marked.

Two steps: perceptual hashes propose pairs, the correlation of the pictures' detail confirms them.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy import fft
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array

from utils.progress import make_bar

MOST_DIFFERENT_BITS = 14
"""Of the 64 in a hash: a shift by a pixel each way changes up to 12 in 95 of 100 faces."""

LEAST_CORRELATION = 0.8
"""Of the detail. In 99 of 100 cases a face and its copy, shifted a pixel each way, brightened or as JPEG of quality
50, reach .88; on FER-2013 the valley between another photo and the same one lies at .65."""

_DETAIL = 4.0
"""Pixels: what is coarser (light, hair, background) is alike in very different pictures and does not count."""

_REACH = 2
"""Pixels of shift, each way, that are tried."""

_CELL = 3
"""Pixels a side of the cells in which detail is compared first, unshifted."""

_LEAST_COARSE = 0.5
"""Correlation in cells that a pair must reach; 98 of 100 pairs of FER-2013 that are confirmed lie above."""

_BLOCK = 256

_MOST_CANDIDATES = 100 * _BLOCK
"""Pairs a block of pictures that are looked at, those with the closest hashes: bounds the time on data of one scene."""


def group_near_duplicates(pixels: np.ndarray) -> np.ndarray:
    """Number the groups of nearly equal pictures: int (n,), in no particular order.

    A group is a picture and those that are near-duplicates of it, never of one another only: no chain
    leads from one picture to a quite different one.

    Args:
        pixels: uint8 (n, 48, 48, 3), RGB; none of them blank.
    """
    return _group_pairs(find_near_duplicates(pixels), len(pixels))


def find_near_duplicates(pixels: np.ndarray) -> np.ndarray:
    """Pairs of nearly equal pictures, mirror images included: int (pairs, 2), the lower position first.

    Args:
        pixels: uint8 (n, 48, 48, 3), RGB.
    """
    if not len(pixels):
        return np.empty((0, 2), dtype=np.int64)
    grey = _to_grey(pixels)
    hashes, mirrored = hash_pictures(grey)
    detail = _find_detail(grey)
    coarse = _find_coarse(detail)
    bar = make_bar(len(grey), "picture", "Comparing")
    found = []
    try:
        for start in range(0, len(grey), _BLOCK):
            for flipped, others in ((False, hashes), (True, mirrored)):
                pairs = _propose(hashes, others, start)
                pairs = pairs[_compare_coarse(coarse, pairs, flipped) >= _LEAST_COARSE]
                found.append(pairs[correlate_detail(detail, pairs, flipped) >= LEAST_CORRELATION])
            bar.update(min(_BLOCK, len(grey) - start))
    finally:
        bar.close()
    return np.unique(np.concatenate(found), axis=0)


def _to_grey(pixels: np.ndarray) -> np.ndarray:
    """Luma of RGB pictures: uint8 (n, 48, 48)."""
    return np.stack([np.asarray(Image.fromarray(picture).convert("L")) for picture in pixels])


def hash_pictures(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Perceptual hashes of pictures and of their mirror images, each uint64 (n,).

    The bits of `imagehash.phash`: which of the 64 lowest frequencies of a 32x32 copy lie above their median.
    Here for many pictures at once; mirroring only changes the sign of the odd horizontal frequencies.

    Args:
        grey: uint8 (n, height, width).
    """
    frequencies = np.empty((len(grey), 8, 8))
    for part in _split(len(grey)):
        small = [Image.fromarray(picture).resize((32, 32), Image.Resampling.LANCZOS) for picture in grey[part]]
        frequencies[part] = fft.dctn(np.stack(list(map(np.asarray, small))).astype(np.float64), axes=(1, 2))[:, :8, :8]
    return _pack(frequencies), _pack(frequencies * np.resize([1, -1], 8))


def _pack(frequencies: np.ndarray) -> np.ndarray:
    above = frequencies > np.median(frequencies, axis=(1, 2), keepdims=True)
    return np.packbits(above.reshape(-1, 64), axis=1).view(np.uint64)[:, 0]


def _find_detail(grey: np.ndarray) -> np.ndarray:
    """What a blur takes away, with mean 0 and length 1 a picture: float32 (n, 48, 48)."""
    detail = np.empty(grey.shape, dtype=np.float32)
    for part in _split(len(grey)):
        values = grey[part].astype(np.float32)
        detail[part] = values - gaussian_filter(values, (0, _DETAIL, _DETAIL))
    return _normalise(detail)


def _find_coarse(detail: np.ndarray) -> np.ndarray:
    """Detail in cells, with mean 0 and length 1 a picture: float32 (n, 16, 16)."""
    cells = detail.shape[1] // _CELL
    return _normalise(detail.reshape(len(detail), cells, _CELL, cells, _CELL).mean(axis=(2, 4)))


def _normalise(pictures: np.ndarray) -> np.ndarray:
    pictures -= pictures.mean(axis=(1, 2), keepdims=True)
    pictures /= np.maximum(np.linalg.norm(pictures, axis=(1, 2), keepdims=True), 1e-6)
    return pictures


def _propose(hashes: np.ndarray, others: np.ndarray, start: int) -> np.ndarray:
    """Pairs of a block's pictures and later ones with close hashes: int (pairs, 2)."""
    bits = np.bitwise_count(hashes[start : start + _BLOCK, None] ^ others[None, start:])
    first, second = np.nonzero(bits <= MOST_DIFFERENT_BITS)
    later = second > first
    first, second = first[later], second[later]
    if len(first) > _MOST_CANDIDATES:
        closest = np.argsort(bits[first, second], kind="stable")[:_MOST_CANDIDATES]
        first, second = first[closest], second[closest]
    return np.stack([first, second], axis=1) + start


def _compare_coarse(coarse: np.ndarray, pairs: np.ndarray, flipped: bool) -> np.ndarray:
    """Correlation of the coarse detail of each pair, the second picture mirrored where `flipped`: float32 (pairs,)."""
    others = coarse[:, :, ::-1] if flipped else coarse
    return np.einsum("nij,nij->n", coarse[pairs[:, 0]], others[pairs[:, 1]])


def correlate_detail(detail: np.ndarray, pairs: np.ndarray, flipped: bool) -> np.ndarray:
    """The highest correlation of each pair of pictures over small shifts: float32 (pairs,), -1 to 1.

    By the correlation theorem: one inverse Fourier transform gives the correlation at every shift.

    Args:
        detail: float32 (n, 48, 48), mean 0 and length 1 a picture.
        pairs: int (pairs, 2), positions.
        flipped: mirror the second of each pair.
    """
    near = np.arange(-_REACH, _REACH + 1)
    others = detail[:, :, ::-1] if flipped else detail
    best = np.empty(len(pairs), dtype=np.float32)
    for part in _split(len(pairs)):
        first, second = (fft.rfft2(side) for side in (detail[pairs[part, 0]], others[pairs[part, 1]]))
        shifted = fft.irfft2(first * np.conj(second), s=detail.shape[1:])
        best[part] = shifted[:, near[:, None], near].max(axis=(1, 2))
    return best


def _split(count: int, size: int = 128) -> Iterator[slice]:
    """Slices that stay in the processor's cache."""
    return (slice(start, start + size) for start in range(0, count, size))


def _group_pairs(pairs: np.ndarray, count: int) -> np.ndarray:
    """Give each picture, the one with most partners first, those of its partners that are still free: int (count,)."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    partners = coo_array((np.ones(len(both), dtype=bool), both.T), shape=(count, count)).tocsr()
    group = np.full(count, -1)
    for position in np.argsort(-np.diff(partners.indptr), kind="stable"):
        if group[position] < 0:
            members = partners.indices[partners.indptr[position] : partners.indptr[position + 1]]
            group[members[group[members] < 0]] = position
            group[position] = position
    return group
