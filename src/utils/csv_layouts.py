"""What CSVs say about the pictures of a raw data set: their pixels, or their labels."""

import csv
import io
import re
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pandas as pd

from utils.archives import FolderArchive, SourceError, ZipArchive, is_stray, leads_outside
from utils.labels import CLASS_NAMES, EMOTIONS, find_split
from utils.layouts import Layout, make_layout, name_class
from utils.pictures import SIDE

FER2013_CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""What the numbers 0 to 6 mean in FER-2013's CSV."""

_COLUMNS = {
    "file": ("file", "filename", "file_name", "image", "picture", "path", "img", "fichier"),
    "class": ("emotion", "label", "class", "classe", "category", "expression", "stress"),
    "split": ("split", "usage", "set", "subset"),
    "pixels": ("pixels",),
}


def read_csvs(archive: FolderArchive | ZipArchive, names: list[str], given: str | None) -> Layout | None:
    """What the CSVs of a source say: one alone, or several that hold a split each.

    Args:
        archive: the source.
        names: of its files.
        given: the CSV that is itself the source, where one is; no other is looked at then.

    Returns:
        None where no CSV holds pixels with their classes (FER-2013's), or labels pictures. Rows of pixels are named
        `<csv>#<row>`.

    Raises:
        SourceError: several that are not a split each, a wrong count of pixels, an unknown class, a picture twice;
            `given` is no such CSV.
    """
    found = {}
    for name in [given] if given else [name for name in names if name.lower().endswith(".csv") and not is_stray(name)]:
        try:
            rows = _read_csv(archive.read(name), name, required=given is not None)
        except (UnicodeDecodeError, OSError, csv.Error) as error:
            if given:
                raise SourceError(f"{name}: expected a CSV in UTF-8 ({error}).") from None
            continue
        if rows:
            found[name] = rows
    return _put_together(found, names) if found else None


def _put_together(found: dict[str, list[dict]], names: list[str]) -> Layout:
    """The layout that the rows of each CSV make."""
    rows = [row for some in found.values() for row in some]
    kinds = {"pixels" in row for row in rows}
    if len(found) > 1 and not (all(map(_name_split, found)) and len(kinds) == 1):
        raise SourceError(
            f"several CSVs hold labels: {', '.join(found)}. Expected one, or one for each split, such as train.csv and"
            " test.csv; give the right one as SOURCE, or remove the others."
        )
    if kinds == {True}:
        return make_layout("a CSV of pixels", rows, [], {row["file"]: row["pixels"] for row in rows})
    places = {}
    for row in rows:
        first = places.setdefault(row["file"], row["place"])
        if first != row["place"]:
            raise SourceError(f"{row['file']!r} in {first} and {row['place']}; expected each picture once.")
    there = set(names)
    ignored = [{"file": name, "reason": "in the CSV, but not there"} for name in places if name not in there]
    ignored += [
        {"file": name, "reason": "not in the CSV"} for name in names if name not in places and name not in found
    ]
    return make_layout("pictures labelled by a CSV", [row for row in rows if row["file"] in there], ignored)


def list_named(path: Path) -> list[str]:
    """The files that a CSV of labels names, as paths from its folder; none where it holds pixels, or is no CSV.

    Raises:
        SourceError: a path that does not stay below that folder.
    """
    try:
        with path.open("rb") as file:
            rows, columns = _open_csv(file)
            if columns["pixels"] or not columns["file"]:
                return []
            places = ((row, f"{path.name}, line {number}") for number, row in enumerate(rows, start=2))
            return [_read_file(row[columns["file"]], path.name, place) for row, place in places]
    except (UnicodeDecodeError, OSError, csv.Error):
        # reading it will tell why
        return []


def _open_csv(file: BinaryIO) -> tuple[csv.DictReader, dict[str, str | None]]:
    """The rows, and for each of _COLUMNS the name of the column that is it."""
    # the usual limit is shorter than the numbers of a picture of some size
    csv.field_size_limit(2**31 - 1)
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), skipinitialspace=True)
    names = {name.strip().lower(): name for name in rows.fieldnames or []}
    return rows, {
        column: next((names[name] for name in known if name in names), None) for column, known in _COLUMNS.items()
    }


def _read_csv(data: bytes, csv_name: str, required: bool) -> list[dict]:
    """What each row says: `file`, `emotion`, `label`, `split`, `place` (for messages), and `pixels` if it has them.

    Where `required` is False, none for a CSV of other things. Raises UnicodeDecodeError and csv.Error as well.
    """
    rows, columns = _open_csv(io.BytesIO(data))
    if not columns["class"] or not (columns["pixels"] or columns["file"]):
        if not required:
            return []
        found = ", ".join(rows.fieldnames or []) or "none"
        raise SourceError(f"{csv_name}: expected columns emotion and pixels, or file and label; found {found}.")
    read, usual_split = [], _name_split(csv_name)
    for number, row in enumerate(rows, start=2):
        place = f"{csv_name}, line {number}"
        if columns["pixels"]:
            found = {"file": f"{csv_name}#{number}", "pixels": _read_pixels(row[columns["pixels"]], place)}
        else:
            found = {"file": _read_file(row[columns["file"]], csv_name, place)}
        found["split"] = _read_split(row[columns["split"]], place) if columns["split"] else usual_split
        read.append(found | _read_class(row[columns["class"]], columns["class"], place) | {"place": place})
    return read


def _read_pixels(cell: str | None, place: str) -> bytes | None:
    """The grey bytes of a picture, None where the numbers are none of 0 to 255."""
    values = (cell or "").split()
    if len(values) != SIDE * SIDE:
        raise SourceError(f"{place}: {len(values)} pixels; expected {SIDE * SIDE} ({SIDE}x{SIDE}).")
    try:
        return bytes(map(int, values))
    except ValueError:
        return None


def _read_file(cell: str | None, csv_name: str, place: str) -> str:
    """The path in the source of the file that a row names."""
    name = (cell or "").strip().replace("\\", "/")
    if leads_outside(name):
        raise SourceError(f"{place}: file {name!r}; expected a path relative to the CSV, and without '..'.")
    return (PurePosixPath(csv_name).parent / name).as_posix()


def _read_class(cell: str | None, column: str, place: str) -> dict:
    value = (cell or "").strip()
    if value.isdecimal() and column.strip().lower() in ("emotion", "expression"):
        value = FER2013_CODES[int(value)] if int(value) < len(FER2013_CODES) else value
    elif value in ("0", "1"):
        value = CLASS_NAMES[int(value)]
    found = name_class(value)
    if found is None:
        raise SourceError(
            f"{place}: unknown class {value!r}; expected {' or '.join(CLASS_NAMES)}, or an emotion"
            f" ({', '.join(EMOTIONS)}); as numbers, 0 to {len(FER2013_CODES) - 1} for FER-2013's emotions in a column"
            f" emotion, 0 and 1 for {' and '.join(CLASS_NAMES)} in a column label."
        )
    return {"emotion": found[0], "label": found[1]}


def _read_split(cell: str | None, place: str) -> str:
    usage = (cell or "").strip()
    split = find_split(usage) or ""
    if usage and not split:
        raise SourceError(f"{place}: unknown split {usage!r}; expected train, validation or test.")
    return split


def _name_split(csv_name: str) -> str:
    """The one split that a word of a CSV's name means (train_labels.csv), or else its nearest folder; "" for none."""
    path = PurePosixPath(csv_name)
    found = set(map(find_split, re.split(r"[\W_]+", path.stem))) - {None}
    return found.pop() if len(found) == 1 else next(filter(None, map(find_split, reversed(path.parent.parts))), "")


def read_text_table(source: Path | BinaryIO, name: str) -> pd.DataFrame:
    """All rows of a CSV in UTF-8, as text.

    Raises:
        SourceError: it is none, or rows hold more fields than its header; the message starts with `name`.
    """
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if not isinstance(table.index, pd.RangeIndex):
            # pandas has taken the first columns for names of the rows
            raise pd.errors.ParserError("rows hold more fields than the header")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip()
        raise SourceError(f"{name}: expected a CSV in UTF-8, text with a comma in quotes ({reason}).") from None
    return table
