"""A contact sheet of a rendered data set, to look at: `python -m facegen.sheet faces.zip sheet.webp`."""

import argparse
import io
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from facegen.expressions import EMOTIONS

_PEOPLE, _SIDE, _MARGIN = 12, 72, 74


def make_sheet(faces: Path) -> Image.Image:
    """One row an emotion, one column a person: the first twelve people of the test, none chosen."""
    sheet = Image.new("L", (_MARGIN + _PEOPLE * _SIDE, len(EMOTIONS) * _SIDE), 255)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    with zipfile.ZipFile(faces) as archive:
        for row, emotion in enumerate(EMOTIONS):
            pen.text((_MARGIN - 8, (row + 0.5) * _SIDE), emotion, 0, font, anchor="rm")
            names = sorted(name for name in archive.namelist() if name.startswith(f"test/{emotion}/"))
            for column, name in enumerate(names[:_PEOPLE]):
                face = Image.open(io.BytesIO(archive.read(name))).convert("L")
                large = face.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
                sheet.paste(large, (_MARGIN + column * _SIDE, row * _SIDE))
    return sheet


def main() -> None:
    """Write the sheet of the zip that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m facegen.sheet", description="Make a contact sheet of 7 x 12.")
    parser.add_argument("faces", type=Path, help="a zip of rendered faces")
    parser.add_argument("out", type=Path, help="the picture to write")
    options = parser.parse_args()
    make_sheet(options.faces).save(options.out, quality=85, method=6)


if __name__ == "__main__":
    main()
