"""A temporary project root for the tests, drawn faces to put into it, and the pipeline to run on it."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage import data as photographs

CHECKOUT = Path(__file__).resolve().parents[2]


def make_root(folder: Path) -> Path:
    """A project root with this checkout's notebooks, profiles and sweeps, where stages may write."""
    for name in ("notebooks", "profiles", "sweeps"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return folder


# before any test imports utils.paths: no test writes into the checkout
TEST_ROOT = make_root(Path(tempfile.mkdtemp(prefix="stress-faces-")))
os.environ["STRESS_FACES_ROOT"] = str(TEST_ROOT)

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def draw_face(emotion: str, rng: np.random.Generator, side: int = 48) -> Image.Image:
    """An oval with eyes, brows and a mouth that tell the emotion, noise, and hair and surroundings of its own."""
    image = Image.new("RGB", (96, 96))
    draw = ImageDraw.Draw(image)
    _scatter(draw, rng, count=30, centres=((0, 96), (0, 96)), sizes=(6, 20))
    x, y = rng.integers(-5, 6, 2)
    skin = tuple(int(v) for v in rng.integers(140, 230, 3))
    draw.ellipse((18 + x, 8 + y, 78 + x, 90 + y), fill=skin)
    _scatter(draw, rng, count=6, centres=((14, 82), (2, 14)), sizes=(4, 9))
    eye = 7 if emotion in ("surprise", "fear") else 4
    slant = {"angry": 6, "disgust": 4, "sad": -6, "fear": -4}.get(emotion, 0)
    for centre, sign in ((36 + x, 1), (60 + x, -1)):
        draw.ellipse((centre - eye, 38 + y - eye, centre + eye, 38 + y + eye), fill=(20, 20, 20))
        draw.line((centre - 8, 27 + y - sign * slant, centre + 8, 27 + y + sign * slant), fill=(40, 20, 10), width=3)
    box = (34 + x, 58 + y, 62 + x, 76 + y)
    if emotion in ("surprise", "fear"):
        draw.ellipse((40 + x, 60 + y, 56 + x, 80 + y), fill=(90, 10, 20))
    elif emotion == "happy":
        draw.chord(box, 0, 180, fill=(160, 20, 40))
    elif emotion in ("sad", "angry", "disgust"):
        draw.arc(box, 180, 360, fill=(120, 10, 30), width=3)
    else:
        draw.line((36 + x, 68 + y, 60 + x, 68 + y), fill=(120, 10, 30), width=3)
    pixels = np.asarray(image.resize((side, side)), dtype=np.int16) + rng.integers(-12, 13, (side, side, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _scatter(draw: ImageDraw.ImageDraw, rng: np.random.Generator, count: int, centres: tuple, sizes: tuple) -> None:
    """Discs of any colour: what makes two drawn faces more than near-duplicates of each other."""
    for _ in range(count):
        x, y, size = rng.integers(*centres[0]), rng.integers(*centres[1]), rng.integers(*sizes)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))


def encode(image: Image.Image, picture_format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=picture_format, **options)
    return buffer.getvalue()


STUB_PREPROCESSING = """
for name in ("index.csv", "images.npy", "test_images.npy"):
    write_text(run.data / name, SOURCE)
write_json(run.data / "manifest.json", {"fingerprint": "0"})
summary = {"class_names": ["happy", "sad"], "source": "stub", "pictures": 2, "skipped": 0, "findings": {}}
write_json(run.metrics("01_preprocessing"), summary | {"fingerprint": "0"})
"""
"""What a stub of notebook 1 does once `run` is there: it leaves all files that the real one leaves."""


def write_faces_zip(path: Path, train_each: int, test_each: int, seed: int = 0) -> Path:
    """A zip of split/emotion folders of drawn faces."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in (("train", train_each), ("test", test_each)):
            for emotion in EMOTIONS:
                for number in range(count):
                    archive.writestr(f"{split}/{emotion}/{number}.png", encode(draw_face(emotion, rng)))
    return path


def draw_crowd() -> Image.Image:
    """NASA's portrait that ships with scikit-image, and three that are too small to answer about."""
    portrait = Image.fromarray(photographs.astronaut())
    crowd = Image.new("RGB", (512, 280), "grey")
    crowd.paste(portrait.resize((256, 256)))
    for place in ((262, 10), (372, 10), (262, 120)):
        crowd.paste(portrait.resize((96, 96)), place)
    return crowd


def run_pipeline(root: Path, *words: str, kernels: bool = True, **options) -> subprocess.CompletedProcess:
    """`python -m doit NAME=value ...` on another project root; without kernels, cells run in the pipeline's process."""
    helpers = {} if kernels else {"PYTHONPATH": str(CHECKOUT / "tests" / "helpers")}
    return subprocess.run(
        [sys.executable, "-m", "doit" if kernels else "in_process", *words],
        cwd=CHECKOUT,
        env=os.environ | {"STRESS_FACES_ROOT": str(root)} | helpers,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )
