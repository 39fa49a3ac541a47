"""Seven expressions as sums of the face's units of movement, after the Facial Action Coding System.

Sources of the sums: Ekman and Friesen, Unmasking the Face (1975); EMFACS. They are posed prototypes.
"""

from dataclasses import dataclass

import numpy as np

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

ACTION_UNITS = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 1.1},
    4: {"browDown": 1.25},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0},
    7: {"eyeSquint": 0.9},
    9: {"noseSneer": 1.2},
    10: {"mouthUpperUp": 1.0},
    12: {"mouthSmile": 1.2},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.1},
    16: {"mouthLowerDown": 1.0},
    17: {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.5},
    18: {"mouthPucker": 0.7},
    20: {"mouthStretch": 1.0},
    22: {"mouthFunnel": 0.7},
    23: {"mouthPress": 0.8},
    24: {"mouthRollLower": 0.5, "mouthRollUpper": 0.5, "mouthPress": 0.5},
    26: {"jawOpen": 0.8},
    43: {"eyeBlink": 0.95},
}
"""By number: the blend shapes that make an action unit at its full strength, without Left and Right."""

# (share of the emotion's pictures, {action unit: strength at full intensity})
_VARIANTS = {
    "angry": (
        (0.36, {4: 1.35, 5: 0.3, 7: 0.6, 23: 0.9, 24: 0.8, 17: 0.4}),
        (0.32, {4: 1.35, 5: 0.2, 7: 0.7, 10: 0.7, 16: 1.0, 20: 0.5, 26: 0.15}),
        (0.32, {4: 1.35, 5: 0.2, 7: 0.6, 10: 0.6, 16: 0.7, 22: 0.4, 26: 0.75}),
    ),
    "disgust": (
        (0.50, {4: 0.4, 6: 0.4, 7: 0.8, 9: 1.2, 10: 0.9, 15: 0.3, 17: 0.9}),
        (0.50, {4: 0.4, 6: 0.5, 7: 0.9, 9: 1.2, 10: 1.1, 16: 0.5, 15: 0.3, 26: 0.3}),
    ),
    "fear": (
        (0.60, {1: 1.1, 2: 0.5, 4: 0.5, 5: 1.1, 20: 1.1, 16: 0.7, 26: 0.3}),
        (0.40, {1: 1.1, 2: 0.6, 4: 0.4, 5: 1.1, 20: 1.0, 16: 0.9, 10: 0.3, 26: 0.65}),
    ),
    "happy": (
        (0.25, {6: 0.7, 7: 0.2, 12: 1.0}),
        (0.45, {6: 0.9, 7: 0.3, 10: 0.75, 12: 1.1, 16: 0.7, 26: 0.18}),
        (0.30, {6: 0.9, 7: 0.4, 10: 0.7, 12: 1.1, 16: 0.6, 26: 0.5}),
    ),
    "neutral": ((1.0, {}),),
    "sad": (
        (0.50, {1: 1.2, 4: 0.4, 15: 1.2, 17: 0.6}),
        (0.25, {1: 1.1, 4: 0.4, 15: 1.0, 17: 0.4, 43: 0.55}),
        (0.25, {1: 1.2, 4: 0.6, 6: 0.6, 7: 0.7, 15: 1.0, 16: 0.4, 20: 0.4, 26: 0.25}),
    ),
    "surprise": (
        (0.60, {1: 1.0, 2: 1.1, 5: 1.0, 26: 0.8}),
        (0.20, {1: 1.1, 2: 1.1, 5: 0.8, 26: 0.4, 18: 0.5}),
        (0.20, {1: 1.0, 2: 1.1, 5: 1.1, 26: 1.15}),
    ),
}

# movements that mean nothing, of any face: (chance, action unit, at most)
_HABITS = (
    (0.04, 26, 0.25),
    (0.04, 43, 0.35),
    (0.04, 7, 0.4),
    (0.04, 17, 0.35),
    (0.03, 1, 0.3),
    (0.03, 2, 0.35),
    (0.04, 4, 0.35),
    (0.03, 12, 0.2),
    (0.03, 15, 0.25),
    (0.04, 14, 0.5),
    (0.04, 18, 0.4),
)


@dataclass(frozen=True)
class Expression:
    """What a face does.

    Attributes:
        emotion: one of EMOTIONS.
        intensity: 0 (none) to 1 (full).
        units: strengths of the action units by number, left and right.
        gaze: degrees that the eyes turn to the picture's right and up.
    """

    emotion: str
    intensity: float
    units: dict[int, tuple[float, float]]
    gaze: tuple[float, float]


def draw_expression(emotion: str, rng: np.random.Generator) -> Expression:
    """An expression of that emotion: variant, intensity, strengths and sides drawn anew.

    One in twelve is weak: people would not agree on it.
    """
    shares, variants = zip(*_VARIANTS[emotion], strict=True)
    recipe = variants[rng.choice(len(variants), p=shares)]
    weak = rng.random() < 0.08
    intensity = 0.0 if not recipe else rng.uniform(0.15, 0.45) if weak else rng.uniform(0.85, 1.15)
    strengths = {unit: intensity * strength * rng.uniform(0.8, 1.2) for unit, strength in recipe.items()}
    for chance, unit, most in _HABITS:
        if rng.random() < chance:
            strengths[unit] = strengths.get(unit, 0.0) + rng.uniform(0, most)
    lean = rng.normal(0, 0.08)
    units = {}
    for unit, strength in sorted(strengths.items()):
        side = np.clip(lean + rng.normal(0, 0.06), -0.4, 0.4)
        units[unit] = (round(float(strength * (1 + side)), 3), round(float(strength * (1 - side)), 3))
    down = emotion == "sad" and rng.random() < 0.4
    gaze = (float(rng.normal(0, 9)), float(rng.uniform(-28, -10) if down else rng.normal(-1, 5)))
    return Expression(emotion, round(float(intensity), 3), units, gaze)


def blend_shapes(expression: Expression, names: tuple[str, ...]) -> np.ndarray:
    """Weights of the blend shapes: float32 (len(names),).

    A closing eye and a squint add up to less than their sum, or the lids would cross.
    """
    weights = dict.fromkeys(names, 0.0)
    for unit, sides in expression.units.items():
        for stem, scale in ACTION_UNITS[unit].items():
            if stem in weights:
                weights[stem] += scale * sum(sides) / 2
            else:
                for side, strength in zip(("Left", "Right"), sides, strict=True):
                    weights[stem + side] += scale * strength
    for side in ("Left", "Right"):
        blink = min(weights[f"eyeBlink{side}"], 1.0)
        weights[f"eyeBlink{side}"] = blink
        weights[f"eyeSquint{side}"] = min(weights[f"eyeSquint{side}"], 1.0) * (1 - blink)
        weights[f"eyeWide{side}"] *= 1 - blink
        _look(weights, side, expression.gaze)
    return np.array([weights[name] for name in names], np.float32)


def _look(weights: dict[str, float], side: str, gaze: tuple[float, float]) -> None:
    """Lids follow the eyes up and down."""
    up = gaze[1] / 30
    weights[f"eyeLookUp{side}"] += max(up, 0.0)
    weights[f"eyeLookDown{side}"] += max(-up, 0.0)
