"""Pictures to try the page with, one click each."""

import csv
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from flask_babel import lazy_gettext

from utils.inference.classifier import Classifier
from utils.labels import THRESHOLD
from utils.paths import SAMPLE
from utils.pictures import open_picture, to_input


@dataclass(frozen=True)
class Sample:
    """A picture, encoded, and its caption."""

    caption: str
    data: bytes
    kind: str


_LOOKED_AT = 20
"""Rendered faces, those that look at the camera most, from which three are chosen."""


def read_samples(classifier: Classifier) -> dict[str, Sample]:
    """By name, three rendered faces where the embedded sample is there, and two pictures that ship with scikit-image.

    These are NASA's portrait of the astronaut Eileen Collins, and a wall.

    Args:
        classifier: of the rendered faces, those are taken that it is surest of, either way, and least sure of.
    """
    # not by import: scikit-image takes half a second to load
    folder = Path(str(distribution("scikit-image").locate_file("skimage/data")))
    return _choose_rendered(classifier) | {
        "portrait": Sample(lazy_gettext("A photograph"), (folder / "astronaut.png").read_bytes(), "image/png"),
        "wall": Sample(lazy_gettext("No face at all"), (folder / "brick.png").read_bytes(), "image/png"),
    }


def _choose_rendered(classifier: Classifier) -> dict[str, Sample]:
    if not SAMPLE.exists():
        return {}
    with zipfile.ZipFile(SAMPLE) as archive:
        rows = csv.DictReader(archive.read("attributes.csv").decode().splitlines())
        faces = [row for row in rows if row["file"].startswith("test/") and row["occluder"] == "none"]
        faces.sort(key=lambda row: abs(int(row["yaw"])) + abs(int(row["pitch"])) + abs(int(row["roll"])))
        pictures = [archive.read(row["file"]) for row in faces[:_LOOKED_AT]]
    pixels = np.stack([to_input(open_picture(picture)) for picture in pictures])
    p_stress = classifier.p_stress(classifier.probabilities(pixels))
    chosen = {
        "stress": (lazy_gettext("Stress, it says"), np.argmax(p_stress)),
        "divided": (lazy_gettext("It hesitates"), np.argmin(np.abs(p_stress - THRESHOLD))),
        "other": (lazy_gettext("Non-stress, it says"), np.argmin(p_stress)),
    }
    return {name: Sample(caption, pictures[place], "image/webp") for name, (caption, place) in chosen.items()}
