"""Whether a face can be judged: it may be too small, too dark or too blurred."""

import numpy as np

FAULTS = ("too_small", "too_dark", "too_blurred")

SMALLEST_FACE = 24
"""Pixels: the side of the square below which an expression cannot be told."""

DARKEST = 30.0
"""Mean brightness, 0 to 255, below which a face is too dark."""

FLATTEST = 0.04
"""Sharpness (see `measure_sharpness`) below which a face is too blurred."""


def find_fault(pixels: np.ndarray, side: int) -> str:
    """Why a face cannot be judged, one of FAULTS, or "".

    Args:
        pixels: uint8 (48, 48, 3), RGB.
        side: pixels of the picture that the face had before it was scaled.
    """
    if side < SMALLEST_FACE:
        return "too_small"
    grey = pixels.mean(axis=2)
    if grey.mean() < DARKEST:
        return "too_dark"
    return "too_blurred" if measure_sharpness(grey) < FLATTEST else ""


def measure_sharpness(grey: np.ndarray) -> float:
    """How much of a picture's contrast is in its finest details: 0 where flat, about 1 for noise.

    The standard deviation of the discrete Laplacian, over that of the picture, over that ratio for white noise
    (the square root of 20): blurring lowers it, darkening and contrast leave it.

    Args:
        grey: float (48, 48).
    """
    contrast = grey.std()
    if contrast < 1:
        return 0.0
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.std() / contrast / np.sqrt(20))
