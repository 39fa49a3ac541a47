"""A data set of rendered faces as one zip: split and emotion folders, and what only a renderer knows."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from facegen.assets import PACK
from facegen.expressions import EMOTIONS, Expression, draw_expression
from facegen.people import Person, draw_person
from facegen.portrait import Portrait, Studio
from facegen.shots import Shot, draw_shot

FEWEST = 10 * len(EMOTIONS)
"""Pictures: with fewer there are not two people in each split."""

_TEST_EVERY = 5
_DATE = (1980, 1, 1, 0, 0, 0)


def render_faces(count: int, seed: int) -> Iterator[tuple[str, bytes, dict]]:
    """Pictures of count // 7 people, one of each emotion; every fifth person is for the test.

    Each picture depends on `seed`, the person's number and the emotion alone, not on `count`.

    Args:
        count: pictures wanted.
        seed: 0 or more; other seeds give other people.

    Yields:
        name in the zip, WebP, row of attributes.csv.

    Raises:
        ValueError: `count` is below FEWEST, or `seed` negative.
    """
    if count < FEWEST:
        raise ValueError(f"count {count}: expected {FEWEST} or more, {len(EMOTIONS)} for each person.")
    if seed < 0:
        raise ValueError(f"seed {seed}: expected 0 or more.")
    studio = Studio()
    for subject in range(count // len(EMOTIONS)):
        rng = np.random.default_rng([seed, subject])
        person = draw_person(studio.head.shape_names, rng)
        sculpture = studio.sculptor.sculpt(person, rng)
        split = "test" if subject % _TEST_EVERY == _TEST_EVERY - 1 else "train"
        for number, emotion in enumerate(EMOTIONS):
            rng = np.random.default_rng([seed, subject, number])
            expression = draw_expression(emotion, rng)
            shot = draw_shot(rng, downcast=emotion == "sad" and rng.random() < 0.35)
            portrait = studio.take(person, sculpture, expression, shot, rng)
            name = f"{split}/{emotion}/{subject:04}.webp"
            row = _describe(name, subject, person, expression, shot, portrait)
            yield name, _encode(portrait.pixels, shot.quality), row


def _encode(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def _describe(name: str, subject: int, person: Person, expression: Expression, shot: Shot, portrait: Portrait) -> dict:
    """A row of attributes.csv. Units are `number:left/right`, FACS numbers, separated by spaces."""
    units = " ".join(f"{unit}:{left:.2f}/{right:.2f}" for unit, (left, right) in expression.units.items())
    return {
        "file": name,
        "subject": f"{subject:04}",
        "ethnicity": person.ethnicity,
        "sex": person.sex,
        "age_group": person.age_group,
        "hair": person.hair_style,
        "beard": "yes" if max(person.beard, person.moustache) else "no",
        "glasses": person.glasses or "none",
        "occluder": shot.occluder or "none",
        "pose": shot.pose,
        "yaw": round(shot.yaw),
        "pitch": round(shot.pitch),
        "roll": round(shot.roll),
        "light": shot.light,
        "hard": shot.hard or "no",
        "intensity": f"{expression.intensity:.2f}",
        "units": units,
        "mouth_visible": f"{portrait.mouth_visible:.2f}",
        "brows_visible": f"{portrait.brows_visible:.2f}",
    }


def write_zip(path: Path, faces: Iterator[tuple[str, bytes, dict]]) -> None:
    """Write a zip whose bytes depend on the faces alone; it is whole, or not there.

    Raises:
        OSError: it cannot be written; what stood there before stays as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(beside, "w") as archive:
            rows = []
            for name, picture, row in faces:
                _add(archive, name, picture, zipfile.ZIP_STORED)
                rows.append(row)
            table = io.StringIO()
            writer = csv.DictWriter(table, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            _add(archive, "attributes.csv", table.getvalue().encode(), zipfile.ZIP_DEFLATED)
            _add(archive, "NOTICE.txt", PACK.with_name("NOTICE.txt").read_bytes(), zipfile.ZIP_DEFLATED)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    member = zipfile.ZipInfo(name, _DATE)
    member.create_system, member.external_attr, member.compress_type = 3, 0o644 << 16, method
    archive.writestr(member, data)
