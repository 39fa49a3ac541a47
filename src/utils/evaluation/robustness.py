"""How a model's answers hold up when pictures get worse: arrays in, a table out."""

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from utils.evaluation.bootstrap import draw_weights
from utils.evaluation.metrics import cross_entropy
from utils.labels import THRESHOLD
from utils.quiet import track


def _blur(image: Image.Image, sigma: float, _rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma))


def _add_noise(image: Image.Image, deviation: float, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(image) + rng.normal(0, deviation, (image.height, image.width, 3))


def _compress(image: Image.Image, quality: float, _rng: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=int(quality))
    return Image.open(buffer)


def _darken(image: Image.Image, share: float, _rng: np.random.Generator) -> np.ndarray:
    return np.asarray(image) * (1 - share)


def _flatten(image: Image.Image, share: float, _rng: np.random.Generator) -> np.ndarray:
    pixels = np.asarray(image, dtype=np.float64)
    return pixels.mean() + (pixels - pixels.mean()) * (1 - share)


def _cover(image: Image.Image, share: float, rng: np.random.Generator) -> np.ndarray:
    """Grey square over that share of the picture, anywhere in it."""
    pixels, side = np.array(image), round(np.sqrt(share) * image.width)
    top, left = rng.integers(0, image.width - side + 1, 2)
    pixels[top : top + side, left : left + side] = 128
    return pixels


def _rotate(image: Image.Image, degrees: float, rng: np.random.Generator) -> Image.Image:
    """Turned to either side; what comes in from outside repeats the border."""
    margin = image.width // 2
    wide = Image.fromarray(np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="edge"))
    turned = wide.rotate(float(rng.choice([-degrees, degrees])), Image.Resampling.BILINEAR)
    return turned.crop((margin, margin, margin + image.width, margin + image.height))


def _shrink(image: Image.Image, side: float, _rng: np.random.Generator) -> Image.Image:
    small = image.resize((int(side), int(side)), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.BICUBIC)


CHANGES: dict[str, tuple[str, tuple[float, ...], Callable]] = {
    "blur": ("sigma [pixels]", (0.5, 1, 1.5, 2, 3), _blur),
    "noise": ("standard deviation [of 255]", (5, 10, 20, 30, 45), _add_noise),
    "JPEG": ("quality", (50, 30, 20, 10, 5), _compress),
    "darkness": ("share of light gone", (0.2, 0.4, 0.6, 0.75, 0.9), _darken),
    "low contrast": ("share of contrast gone", (0.2, 0.4, 0.6, 0.75, 0.9), _flatten),
    "occlusion": ("share covered", (0.05, 0.1, 0.2, 0.3, 0.4), _cover),
    "rotation": ("degrees", (5, 10, 15, 25, 40), _rotate),
    "low resolution": ("pixels a side", (32, 24, 16, 12, 8), _shrink),
}
"""By name: what the strengths mean, five of them from weak to strong, and the change."""


def change_pictures(images: np.ndarray, change: str, strength: float, seed: int = 0) -> np.ndarray:
    """Make pictures worse in one way: uint8 (n, 48, 48, 3), RGB.

    Args:
        images: uint8 (n, 48, 48, 3), RGB.
        change: a name in CHANGES.
        strength: in that change's unit.
        seed: of noise, of covered places, of the side turned to.

    Raises:
        ValueError: an unknown change.
    """
    if change not in CHANGES:
        raise ValueError(f"Change {change!r}: expected one of {', '.join(CHANGES)}.")
    rng = np.random.default_rng(seed)
    apply = CHANGES[change][2]
    changed = [np.asarray(apply(Image.fromarray(image), strength, rng)) for image in images]
    return np.stack(changed).clip(0, 255).round().astype(np.uint8)


def measure_robustness(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    is_stress: np.ndarray,
    count: int = 0,
    seed: int = 0,
    confidence: float = 0.5,
) -> pd.DataFrame:
    """Accuracy under each change at each strength, with 95 % intervals by bootstrap over groups.

    Args:
        predict: uint8 (n, 48, 48, 3), RGB -> class probabilities, float (n, classes).
        images: uint8 (n, 48, 48, 3), RGB.
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        targets: int (n,), column of the true class.
        groups: (n,), pictures with the same one are drawn together.
        is_stress: bool (classes,), which classes count as Stress.
        count: of pictures, drawn at random; 0, or more than there are, takes all.
        seed: of the drawing and of the changes.
        confidence: from which on an answer is given, .5 to 1.

    Returns:
        `change`, `unit`, `step` (0 = unchanged, 1 to 5), `strength`, `pictures`, `majority_accuracy` (the baseline of
        these very pictures); `accuracy`, `low`, `high` of Stress or Non-stress; `lost`, `lost_low`, `lost_high` against
        the same pictures unchanged; `class_accuracy`,
        `class_low`, `class_high` over the classes; `coverage`, the share that is answered, `answered_accuracy`, the
        share of these that is right (missing where none is answered), and `log_loss` of Stress or Non-stress.
    """
    chosen = np.arange(len(images))
    if 0 < count < len(images):
        chosen = np.sort(np.random.default_rng(seed).choice(len(images), count, replace=False))
    images = images[chosen]
    labels, targets, groups = (np.asarray(values)[chosen] for values in (labels, targets, groups))
    cases = [
        (change, unit, step, strength)
        for change, (unit, strengths, _) in CHANGES.items()
        for step, strength in enumerate(strengths, start=1)
    ]
    answers = [predict(images)]
    for change, _, _, strength in track(cases, len(cases), "change", "Changing pictures"):
        answers.append(predict(change_pictures(images, change, strength, seed)))
    p_stress = np.stack([each[:, is_stress].sum(axis=1, dtype=np.float64) for each in answers])
    right, right_class = (p_stress >= THRESHOLD) == labels, np.argmax(answers, axis=-1) == targets
    over_classes = _resample(right_class, groups, seed)[["accuracy", "low", "high"]].add_prefix("class_")
    given = np.maximum(p_stress, 1 - p_stress) >= confidence
    with np.errstate(invalid="ignore"):
        answered = {
            "coverage": given.mean(axis=1),
            "answered_accuracy": (right & given).sum(axis=1) / given.sum(axis=1),
        }
    answered["log_loss"] = cross_entropy(labels, p_stress).mean(axis=1)
    figures = pd.concat([_resample(right, groups, seed), over_classes, pd.DataFrame(answered)], axis=1)
    unchanged = [(change, unit, 0, None) for change, (unit, _, _) in CHANGES.items()]
    rows = pd.DataFrame(unchanged + cases, columns=["change", "unit", "step", "strength"])
    taken = [0] * len(unchanged) + list(range(1, len(cases) + 1))
    table = pd.concat([rows, figures.iloc[taken].reset_index(drop=True)], axis=1)
    table = table.assign(pictures=len(images), majority_accuracy=float(max(labels.mean(), 1 - labels.mean())))
    return table.sort_values(["change", "step"], key=_in_order, ignore_index=True)


def _in_order(column: pd.Series) -> pd.Series:
    return column.map(list(CHANGES).index) if column.name == "change" else column


def _resample(right: np.ndarray, groups: np.ndarray, seed: int) -> pd.DataFrame:
    """Accuracy and loss of each row of `right`, bool (cases, n), against the first, with percentile intervals."""
    right = right.astype(np.float32)
    blocks = [right @ weights / weights.sum(axis=0) for weights in draw_weights(groups, seed=seed)]
    drawn, accuracy = np.concatenate(blocks, axis=1), right.mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    lost_low, lost_high = np.quantile(drawn[0] - drawn, [0.025, 0.975], axis=1)
    lost = accuracy[0] - accuracy
    figures = {"accuracy": accuracy, "low": low, "high": high, "lost": lost}
    return pd.DataFrame(figures | {"lost_low": lost_low, "lost_high": lost_high})
