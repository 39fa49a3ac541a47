"""What is in front of a face: glasses, a hand, a cup, a strand of hair, a caption."""

import numpy as np
from PIL import Image, ImageDraw

_ANGLES = np.linspace(0, 2 * np.pi, 25)


def draw_glasses(picture: Image.Image, kind: str, eyes, project, normal_z: float, rng: np.random.Generator) -> None:
    """Draw glasses on a developed picture, in place.

    Args:
        picture: grey.
        kind: "", "clear" or "dark".
        eyes: the two eyes' centres, left and right, (3,) decimetres on the head.
        project: (n, 3) on the head -> (n, 3), x and y in pixels.
        normal_z: how much the face looks at the camera, 1 fully.
        rng: of frame and colour.
    """
    if not kind:
        return
    pen = ImageDraw.Draw(picture)
    half_width, half_height = rng.uniform(0.23, 0.29), rng.uniform(0.15, 0.23)
    power = rng.uniform(0.55, 1.0)
    frame = int(rng.uniform(10, 60) if rng.random() < 0.75 else rng.uniform(90, 170))
    thick = int(rng.integers(1, 4))
    rims = [_rim(eye, half_width, half_height, power) for eye in eyes]
    if kind == "clear" and rng.random() < 0.25:
        _glare(picture, project(rims[int(rng.integers(2))]), rng)
    for eye, rim in zip(eyes, rims, strict=True):
        outline = [tuple(point) for point in project(rim)[:, :2]]
        if kind == "dark":
            pen.polygon(outline, fill=int(frame * 0.6))
        pen.line(outline, fill=frame, width=thick, joint="curve")
        side = np.sign(eye[0])
        temple = np.array([[eye[0] + side * half_width, eye[1] + 0.05, eye[2] + 0.17], [side * 0.82, eye[1], -0.9]])
        if normal_z > 0.9 or side * (project(temple)[1, 0] - project(temple)[0, 0]) > 0:
            pen.line([tuple(point) for point in project(temple)[:, :2]], fill=frame, width=thick)
    bridge = np.array([rims[0][12], (rims[0][12] + rims[1][0]) / 2 + [0, 0.05, 0.1], rims[1][0]])
    pen.line([tuple(point) for point in project(bridge)[:, :2]], fill=frame, width=thick)


def _rim(eye: np.ndarray, half_width: float, half_height: float, power: float) -> np.ndarray:
    """(25, 3): a rounded rectangle before an eye, from its outer end on the face's left."""
    cos, sin = np.cos(_ANGLES), np.sin(_ANGLES)
    x = half_width * np.sign(cos) * np.abs(cos) ** power
    y = half_height * np.sign(sin) * np.abs(sin) ** power - 0.02
    centre = eye + np.array([0.03 * np.sign(eye[0]), 0, 0.26])
    bow = -0.25 * (np.abs(eye[0] + x) - 0.3).clip(0) ** 1.2
    return (centre + np.stack([x, y, bow], 1)).astype(np.float32)


def _glare(picture: Image.Image, rim: np.ndarray, rng: np.random.Generator) -> None:
    """The sky in a lens."""
    lens = Image.new("L", picture.size)
    ImageDraw.Draw(lens).polygon([tuple(point) for point in rim[:, :2]], fill=int(rng.uniform(50, 170)))
    picture.paste(235, mask=lens)


def draw_occluder(picture, mask, kind: str, places: dict[str, np.ndarray], scale: float, skin: int, rng) -> None:
    """Draw an occluder on a developed picture, and mark what it hides, in place.

    Args:
        picture: grey.
        mask: black, of the same size; becomes white where something is hidden.
        kind: of `shots.OCCLUDERS`, or "".
        places: (2,) pixels of the mouth, the left and right cheek, and the forehead.
        scale: pixels a decimetre.
        skin: grey level of the person's skin in this picture.
        rng: of place and look.
    """
    if kind == "hand on mouth":
        _draw_hand(picture, mask, places["mouth"] + rng.normal(0, 0.12 * scale, 2), scale, skin, rng)
    elif kind == "hand on cheek":
        side = "left cheek" if rng.random() < 0.5 else "right cheek"
        _draw_hand(picture, mask, places[side] + rng.normal(0, 0.08 * scale, 2), scale, skin, rng)
    elif kind == "cup":
        _draw_cup(picture, mask, places["mouth"] + [0, 0.28 * scale], scale, rng)
    elif kind == "strand":
        _draw_strands(picture, mask, places["forehead"], scale, rng)
    elif kind == "caption":
        _draw_caption(picture, rng)


def _draw_hand(picture, mask, tip, scale, skin, rng) -> None:
    """Four fingers, whose tips are around `tip`, and the back of the hand, from below."""
    angle = rng.uniform(-0.9, 0.9)
    along = np.array([np.sin(angle), np.cos(angle)])
    across = np.array([along[1], -along[0]])
    width = 0.20 * scale
    for target, light, dark in ((picture, skin, int(skin * 0.72)), (mask, 255, 255)):
        pen = ImageDraw.Draw(target)
        palm = tip + along * 1.35 * scale
        pen.line([tuple(tip + along * 0.75 * scale), tuple(palm + along * scale)], fill=light, width=int(4.3 * width))
        for finger in range(4):
            start = tip + across * (finger - 1.5) * width * 1.08 + along * (0.12 if finger in (0, 3) else 0) * scale
            end = palm + across * (finger - 1.5) * width * 1.05
            shade = light if target is mask else int(np.clip(light * (1 - 0.04 * finger), 0, 255))
            pen.line([tuple(start), tuple(end)], fill=dark, width=int(width * 1.12))
            pen.line([tuple(start), tuple(end)], fill=shade, width=max(int(width * 0.93), 1))
            pen.circle(tuple(start), width * 0.45, fill=shade)


def _draw_cup(picture, mask, centre, scale, rng) -> None:
    """A cup, or a telephone, before the mouth; its right part is in shade."""
    wide, high = rng.uniform(0.3, 0.42) * scale, rng.uniform(0.5, 0.8) * scale
    grey = int(rng.uniform(30, 240))
    box = [centre[0] - wide, centre[1] - 0.3 * scale, centre[0] + wide, centre[1] + high]
    for target, light, dark in ((picture, grey, int(grey * 0.75)), (mask, 255, 255)):
        pen = ImageDraw.Draw(target)
        pen.rounded_rectangle(box, radius=0.1 * scale, fill=light)
        pen.rectangle([box[0] + 1.4 * wide, box[1] + 0.1 * scale, box[2], box[3] - 0.1 * scale], fill=dark)


def _draw_strands(picture, mask, forehead, scale, rng) -> None:
    """A few strands of hair that fall over one side of the face."""
    side = rng.choice((-1, 1))
    for _ in range(int(rng.integers(3, 9))):
        x = forehead[0] + side * rng.uniform(0.0, 0.55) * scale
        bend, length = side * rng.uniform(-0.1, 0.4) * scale, rng.uniform(0.5, 1.5) * scale
        points = [(x + bend * t**2, forehead[1] - 0.3 * scale + length * t) for t in np.linspace(0, 1, 6)]
        grey, width = int(rng.uniform(10, 60)), int(rng.integers(1, 4))
        ImageDraw.Draw(picture).line(points, fill=grey, width=width, joint="curve")
        ImageDraw.Draw(mask).line(points, fill=255, width=width)


def _draw_caption(picture, rng) -> None:
    """Pale letters of no language across the picture, as picture agencies print them."""
    pen = ImageDraw.Draw(picture, "L")
    x, y = rng.uniform(-10, 20), rng.uniform(10, 80)
    height, grey = rng.uniform(6, 11), int(rng.uniform(150, 255))
    while x < picture.width:
        for _ in range(2):
            a, b = rng.uniform(0, height, 2), rng.uniform(0, height, 2)
            pen.line([(x + 0.5 * a[0], y + a[1]), (x + 0.5 * b[0], y + b[1])], fill=grey, width=1)
        pen.line([(x, y), (x, y + height)], fill=grey, width=1)
        x += height * rng.uniform(0.6, 0.9)
