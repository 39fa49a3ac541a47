"""How well faces are found: the rows "chosen" of docs/face_search.md.

python benchmarks/face_search.py [--run fer2013] [--scenes 100]

Scenes are composed of face pictures, enlarged and pasted on photographs of surfaces that scikit-image ships: a run's
validation pictures, or else the rendered faces of the embedded sample.
"""

import argparse
import time
import zipfile
from functools import partial

import numpy as np
import skimage.data
from PIL import Image, ImageEnhance

from utils.data.dataset import load_split
from utils.inference.blazeface import measure_overlap
from utils.inference.faces import find_faces
from utils.paths import SAMPLE, Run
from utils.pictures import open_picture, to_input

PHOTOS = "brick grass gravel coffee rocket hubble_deep_field retina moon text page clock"
WIDTH, HEIGHT = 640, 480

Scene = tuple[Image.Image, np.ndarray]
"""A picture, and the true boxes in it: float (n, 4), left, top, right, bottom."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a run with processed data, whose validation pictures are used; default: none")
    parser.add_argument("--scenes", type=int, default=100, help="of each kind; default: %(default)s")
    options = parser.parse_args()
    scenes = make_scenes(read_validation(Run(options.run)) if options.run else read_rendered(), options.scenes)
    find_faces(scenes["none"][0][0])  # not counted: it loads the networks
    started = time.process_time()
    cells = [score_scenes(part) for part in scenes.values()]
    milliseconds = 1e3 * (time.process_time() - started) / sum(map(len, scenes.values()))
    print("|", " | ".join([*scenes, "ms"]), "|\n|", "---|" * (len(scenes) + 1), sep="")
    print("|", " | ".join([*cells, f"{milliseconds:.0f}"]), "|")


def read_validation(run: Run) -> np.ndarray:
    """A run's validation pictures that show a face, which one without contrast does not: uint8 (n, 48, 48, 3), RGB."""
    images = load_split(run, "validation").images
    return images[images.std(axis=(1, 2, 3)) > 15]


def read_rendered() -> np.ndarray:
    """The test pictures of the embedded sample: uint8 (n, 48, 48, 3), RGB."""
    with zipfile.ZipFile(SAMPLE) as archive:
        names = [name for name in archive.namelist() if name.startswith("test/")]
        return np.stack([to_input(open_picture(archive.read(name))) for name in names])


def make_scenes(pictures: np.ndarray, count: int, seed: int = 0) -> dict[str, list[Scene]]:
    """By kind, `count` scenes; those without a face have no boxes."""
    rng = np.random.default_rng(seed)
    surfaces = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in PHOTOS.split()]

    def compose(sides=(80, 260), most=5, turn=0.0, light=1.0):
        surface, number = cut_surface(surfaces, rng), int(rng.integers(1, most + 1))
        image, boxes = paste_faces(surface, pictures, number, sides, turn, rng)
        return ImageEnhance.Brightness(image).enhance(light), boxes

    kinds = {
        "1 to 5 faces": compose,
        "of 40 to 80 px": partial(compose, sides=(40, 80)),
        "one large": partial(compose, sides=(300, 460), most=1),
        "turned to 30°": partial(compose, turn=30.0),
        "at 1/4 light": partial(compose, light=0.25),
        "none": lambda: (cut_surface(surfaces, rng), np.empty((0, 4))),
    }
    scenes = {kind: [make() for _ in range(count)] for kind, make in kinds.items()}
    tight = [Image.fromarray(picture).resize((200, 200), Image.Resampling.BICUBIC) for picture in pictures[:count]]
    return scenes | {"tight, 200 px": [(image, np.array([[0, 0, 200, 200]])) for image in tight]}


def cut_surface(surfaces: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A random part of a random surface."""
    surface = surfaces[rng.integers(len(surfaces))]
    surface = surface.resize((max(WIDTH, surface.width), max(HEIGHT, surface.height)))
    left, top = rng.integers(0, surface.width - WIDTH + 1), rng.integers(0, surface.height - HEIGHT + 1)
    return surface.crop((left, top, left + WIDTH, top + HEIGHT))


def paste_faces(image: Image.Image, pictures: np.ndarray, count: int, sides, turn: float, rng) -> Scene:
    """Random pictures, enlarged and turned by up to `turn` degrees, side by side on an image; boxes keep apart."""
    boxes = []
    for _ in range(count * 20):
        side = int(rng.integers(*sides))
        left, top = (int(rng.integers(0, limit - side + 1)) for limit in image.size)
        box = (left, top, left + side, top + side)
        if len(boxes) == count or measure_overlap(np.array(box), np.array(boxes).reshape(-1, 4)).any():
            continue
        face = Image.fromarray(pictures[rng.integers(len(pictures))]).resize((side, side), Image.Resampling.BICUBIC)
        angle = rng.uniform(-turn, turn)
        mask = Image.new("L", (side, side), 255).rotate(angle)
        image.paste(face.rotate(angle, Image.Resampling.BICUBIC), box, mask)
        boxes.append(box)
    return image, np.array(boxes, float)


def score_scenes(scenes: list[Scene]) -> str:
    """ "faces found / false alarms a scene", the former left out where there is no face."""
    found = alarms = 0
    for image, truths in scenes:
        boxes = [np.array(face.box) for face in find_faces(image)]
        for truth in truths:
            match = next((position for position, box in enumerate(boxes) if fits(box, truth)), None)
            if match is not None:
                boxes.pop(match)
                found += 1
        alarms += len(boxes)
    true = sum(len(truths) for _, truths in scenes)
    recall = f"{found / true:.0%} / " if true else ""
    return f"{recall}{alarms / len(scenes):.2f}"


def fits(box: np.ndarray, truth: np.ndarray) -> bool:
    """Whether a found box is a face's: centres less than .3 of its side apart, side .4 to 1.3 of it."""
    side = truth[2] - truth[0]
    apart = np.abs(box[:2] + box[2:] - truth[:2] - truth[2:]).max() / 2
    return bool(apart < 0.3 * side and 0.4 * side < box[2] - box[0] < 1.3 * side)


if __name__ == "__main__":
    main()
