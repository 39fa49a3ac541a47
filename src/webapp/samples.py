"""Pictures to try the page with, one click each."""

import csv
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from flask_babel import lazy_gettext

from utils.paths import SAMPLE


@dataclass(frozen=True)
class Sample:
    """A picture, encoded, and its caption."""

    caption: str
    data: bytes
    kind: str


def read_samples() -> dict[str, Sample]:
    """By name, a rendered face where the embedded sample is there, and two pictures that ship with scikit-image.

    These are NASA's portrait of the astronaut Eileen Collins, and a wall.
    """
    # not by import: scikit-image takes half a second to load
    folder = Path(str(distribution("scikit-image").locate_file("skimage/data")))
    samples = {
        "portrait": Sample(lazy_gettext("A photograph"), (folder / "astronaut.png").read_bytes(), "image/png"),
        "wall": Sample(lazy_gettext("No face at all"), (folder / "brick.png").read_bytes(), "image/png"),
    }
    if not SAMPLE.exists():
        return samples
    with zipfile.ZipFile(SAMPLE) as archive:
        rows = csv.DictReader(archive.read("attributes.csv").decode().splitlines())
        faces = [row for row in rows if row["file"].startswith("test/happy/") and row["occluder"] == "none"]
        # looking at the camera
        name = min(faces, key=lambda row: abs(int(row["yaw"])) + abs(int(row["pitch"])) + abs(int(row["roll"])))["file"]
        face = archive.read(name)
    return {"rendered": Sample(lazy_gettext("A rendered face"), face, "image/webp")} | samples
