"""Paint and light: what the surface at each pixel reflects, and how much light it gets."""

import numpy as np

from facegen.paint import CHANNELS
from facegen.people import Person
from facegen.sculpt import HAIR_PART
from facegen.shots import Shot

_TEETH, _TONGUE = (3, 4), 5
_SHADOW_STEPS = (2, 4, 7, 11, 16)

# how dark each crease is: (channel, {blend shape: weight}, share of a person's wrinkles)
_CREASES = (
    ("frown", {"browDown": 0.75}, 0.15),
    ("bridge", {"noseSneer": 0.5, "browDown": 0.15}, 0.1),
    ("bunny", {"noseSneer": 0.7}, 0.0),
    ("forehead low", {"browOuterUp": 0.45}, 0.35),
    ("forehead middle", {"browOuterUp": 0.5}, 0.4),
    ("forehead high", {"browOuterUp": 0.35}, 0.3),
    ("grief", {"browInnerUp": 0.5, "browOuterUp": -0.3}, 0.1),
    ("grief high", {"browInnerUp": 0.4, "browOuterUp": -0.25}, 0.1),
    ("nasolabial", {"mouthSmile": 0.4, "noseSneer": 0.35, "mouthUpperUp": 0.25, "mouthStretch": 0.15}, 0.5),
    ("cheek", {"mouthSmile": 0.3, "mouthDimple": 0.3}, 0.1),
    ("crow high", {"cheekSquint": 0.5}, 0.3),
    ("crow middle", {"cheekSquint": 0.5}, 0.3),
    ("crow low", {"cheekSquint": 0.5}, 0.3),
    ("lower lid", {"cheekSquint": 0.5, "eyeSquint": 0.4}, 0.3),
    ("eye bag", {"cheekSquint": 0.2}, 0.6),
    ("chin fold", {"mouthShrugLower": 0.6, "mouthFrown": 0.25}, 0.15),
    ("chin dimples", {"mouthShrugLower": 0.7}, 0.1),
    ("marionette", {"mouthFrown": 0.6, "mouthShrugLower": 0.2, "mouthStretch": 0.15}, 0.4),
)


def mix_paint(person: Person, weights: dict[str, float]) -> np.ndarray:
    """How each of the chart's channels counts for a person with an expression.

    Args:
        person: whose wrinkles, brows, beard, freckles, make-up and hair count.
        weights: of the blend shapes, left and right averaged, by name without side.

    Returns:
        float32 (len(CHANNELS), 6): columns darkness of the skin, brows, beard, strands, how far inside the hair,
        how far inside hat or scarf (decimetres).
    """
    table = np.zeros((len(CHANNELS), 6), np.float32)
    mix = dict(zip(CHANNELS, table, strict=True))
    for name, units, share in _CREASES:
        moved = sum(factor * weights.get(unit, 0.0) for unit, factor in units.items())
        mix[name][0] = max(moved, 0.0) * (0.5 + 0.4 * person.wrinkles) + share * person.wrinkles
    mix["lid fold"][0] = 0.35 + 0.2 * person.wrinkles
    mix["mouth corner"][0] = 0.5
    mix["nose wing"][0] = 0.35
    mix["sockets"][0] = 0.05 + 0.2 * person.wrinkles + 0.35 * person.make_up
    mix["blush"][0] = 0.06
    mix["mottling"][0] = 0.02 + 0.03 * person.wrinkles
    mix["freckles"][0] = 0.5 * person.freckles
    mix["brow thin"][1] = (1 - person.thick_brows) * person.brows
    mix["brow thick"][1] = person.thick_brows * person.brows
    mix["beard"][2], mix["moustache"][2], mix["stubble"][2] = person.beard, person.moustache, 0.5 * person.stubble
    mix["strands"][3] = 1.0
    mix["hair"][4] = 1.0
    mix["fringe"][4] = person.hair_style == "fringe"
    if person.hair_style in ("hat", "scarf"):
        mix[person.hair_style][5] = 1.0
    return table


def colour_surface(paint, marks, part, look, clothed, person: Person) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflectance of the surface at n pixels.

    Args:
        paint: float32 (n, 6), from the chart, as `mix_paint` mixes it.
        marks: float32 (n, 4): lips, lashes, inside of the mouth, ears; 0 to 1.
        part: uint8 (n,).
        look: float32 (n,): at eyes, the cosine of the angle to where they look.
        clothed: bool (n,): below the collar.
        person: whose reflectances they are.

    Returns:
        albedo: float32 (n,), 0 to 1.
        gloss: float32 (n,), how much it shines.
        hidden: bool (n,), under hair or cloth.
    """
    albedo, lips = _colour_skin(paint, marks, person)
    hair = np.float32(person.hair) * (1 + np.float32(0.22) * np.clip(paint[:, 3], -2, 2))
    cloth = np.float32(person.cloth) * (1 + np.float32(0.08) * paint[:, 3])
    bare = 1 - np.clip(marks[:, 3] * 2, 0, 1)
    over_hair = _cover(paint[:, 4] - np.float32(person.hairline), 0.025) * bare * (person.hair_style != "bald")
    dressed = person.hair_style in ("hat", "scarf")
    over_cloth = _cover(paint[:, 5], 0.008) * (bare if person.hair_style == "hat" else 1) * dressed
    albedo += over_hair * (hair - albedo)
    albedo += np.maximum(over_cloth, clothed) * (cloth - albedo)
    hidden = np.maximum(over_hair, over_cloth) * (part == 0)
    _colour_parts(albedo, part, look, hair, person)
    gloss = np.float32(0.07) + np.float32(0.05) * lips
    return albedo, gloss * (1 - np.float32(0.6) * hidden), (hidden > 0.5) | (part == HAIR_PART)


def _colour_skin(paint, marks, person: Person) -> tuple[np.ndarray, np.ndarray]:
    """Skin with its creases, lips, brows, beard, lashes and the inside of the mouth; and how much a pixel is lip."""
    lips = np.clip(marks[:, 0] * 1.3 - 0.15, 0, 1)
    red = 1 - lips * np.float32(1 - person.lips + 0.3 * person.make_up)
    albedo = np.float32(person.skin) * np.exp(-paint[:, 0]) * red
    for density, colour in ((paint[:, 1], min(person.hair, 0.2, 0.6 * person.skin)), (paint[:, 2], person.hair)):
        albedo += np.clip(density, 0, 1) * (1 - lips) * (np.float32(colour) - albedo)
    albedo *= 1 - marks[:, 1] * np.float32(0.6 + 0.3 * person.make_up)
    albedo += np.clip(marks[:, 2] * 2 - 1, 0, 1) * (1 - lips) * (np.float32(0.035) - albedo)
    return albedo, lips


def _cover(inside: np.ndarray, softness: float) -> np.ndarray:
    """0 far outside a border to 1 far inside."""
    return 1 / (1 + np.exp(np.clip(-inside / np.float32(softness), -20, 20)))


def _colour_parts(albedo, part, look, hair, person: Person) -> None:
    """Eyes, teeth, tongue and long hair, in place."""
    eye = (part == 1) | (part == 2)
    angle = look[eye]
    iris = np.clip((angle - np.float32(0.885)) / np.float32(0.02), 0, 1)
    pupil = np.clip((angle - np.float32(0.978)) / np.float32(0.008), 0, 1)
    ring = np.exp(-(((angle - np.float32(0.9)) / np.float32(0.015)) ** 2))
    colour = np.float32(0.62) + iris * np.float32(person.iris - 0.62)
    albedo[eye] = colour * (1 - np.float32(0.6) * ring) * (1 - np.float32(0.95) * pupil) + np.float32(0.01)
    albedo[(part == _TEETH[0]) | (part == _TEETH[1])] = 0.85
    albedo[part == _TONGUE] = 0.16
    long = part == HAIR_PART
    albedo[long] = hair[long]


def light_surface(normals, albedo, gloss, part, nearness, covered, shot: Shot, scale: float) -> np.ndarray:
    """Light that n pixels send to the camera: float32 (n,).

    Args:
        normals: float32 (n, 3), about unit length, towards the camera's right, up, and the camera.
        albedo: float32 (n,), reflectance, 0 to 1.
        gloss: float32 (n,), how much it shines.
        part: uint8 (n,), positions in PARTS, or HAIR_PART.
        nearness: float32 (side, side), decimetres towards the camera.
        covered: intp (n,), which pixels of the picture they are.
        shot: its lights.
        scale: pixels a decimetre.
    """
    lit = 1 - np.float32(0.8) * _blur(_find_shadow(nearness, shot.direction, scale), 1).ravel()[covered]
    hollow = (_blur(np.maximum(nearness, nearness.ravel()[covered].min()), 5) - nearness).ravel()[covered]
    open_sky = np.clip(1 - np.float32(3.2) * np.maximum(hollow, 0), np.float32(0.25), 1)
    diffuse = np.clip((normals @ shot.direction + np.float32(0.15)) / np.float32(1.15), 0, 1)
    around = np.float32(0.72) + np.float32(0.28) * normals[:, 1]
    softened = np.float32(0.45) + np.float32(0.55) * open_sky
    light = np.float32(shot.ambient) * around * open_sky + np.float32(shot.key) * diffuse * lit * softened
    sent = albedo * light + _shine(normals, albedo, gloss, part, shot) * np.float32(shot.key) * lit
    if shot.rim:
        edge = np.clip(1 - normals[:, 2], 0, 1) ** 3
        sent += np.float32(shot.rim) * edge * (albedo + np.float32(0.1))
    return sent


def _shine(normals, albedo, gloss, part, shot: Shot) -> np.ndarray:
    """What is mirrored of the main light: sparks in eyes, a sheen on skin and long hair."""
    half = shot.direction + np.array([0, 0, 1], np.float32)
    half /= np.float32(np.linalg.norm(half))
    shine = np.clip(normals @ half, 0, 1)
    spark = gloss * shine**10
    eye, long = (part == 1) | (part == 2), part == HAIR_PART
    spark[eye] = np.float32(1.1) * shine[eye] ** 60
    spark[long] += np.float32(0.35) * albedo[long] * shine[long] ** 4
    return spark


def _find_shadow(nearness: np.ndarray, direction: np.ndarray, scale: float) -> np.ndarray:
    """Shadows, bool (side, side): whether something stands in the way at one of the steps towards the light."""
    side = len(nearness)
    flat = max(float(np.hypot(direction[0], direction[1])), 1e-3)
    found = np.zeros((side, side), bool)
    for step in _SHADOW_STEPS:
        right, down = round(step * direction[0] / flat), round(-step * direction[1] / flat)
        rise = np.float32(step / scale * direction[2] / flat + 0.03)
        here = (slice(max(-down, 0), side - max(down, 0)), slice(max(-right, 0), side - max(right, 0)))
        there = (slice(max(down, 0), side + min(down, 0)), slice(max(right, 0), side + min(right, 0)))
        above = nearness[there] - nearness[here] - rise
        found[here] |= (above > 0) & (above < 1.2)
    return found


def _blur(values: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a square of 2 radius + 1 pixels."""
    size = 2 * radius + 1
    # the picture's edge goes on beyond it
    around = np.clip(np.arange(-radius - 1, len(values) + radius), 0, len(values) - 1)
    for axis in (0, 1):
        total = np.cumsum(values.take(around, axis), axis, np.float32).swapaxes(0, axis)
        values = ((total[size:] - total[:-size]) * np.float32(1 / size)).swapaxes(0, axis)
    return values
