"""What a CSV says about the pictures of a raw data set: their pixels, or their labels."""

import csv
import io
from pathlib import PurePosixPath

from utils.archives import SourceError
from utils.labels import CLASS_NAMES, EMOTIONS, find_split
from utils.layouts import Layout, make_layout, name_class
from utils.pictures import SIDE

FER2013_CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""What the numbers 0 to 6 mean in FER-2013's CSV."""

_COLUMNS = {
    "file": ("file", "filename", "file_name", "image", "picture", "path", "img", "fichier"),
    "class": ("emotion", "label", "class", "classe", "category", "expression", "stress"),
    "split": ("split", "usage", "set", "subset"),
}


def read_csv(data: bytes, csv_name: str, names: list[str], required: bool) -> Layout | None:
    """Read a CSV that holds pixels (FER-2013's) or that labels the pictures beside it.

    Args:
        data: the CSV, in UTF-8.
        csv_name: its path; rows of pixels are named `<csv_name>#<row>`.
        names: of the files in the same source.
        required: any other CSV is an error; else it gives None.

    Raises:
        SourceError: a missing column, a wrong count of pixels, an unknown class, a name that occurs twice.
        UnicodeDecodeError, csv.Error: it is no CSV.
    """
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    rows = csv.DictReader(text, skipinitialspace=True)
    columns = {(name or "").strip().lower(): name for name in rows.fieldnames or []}
    role = {role: next((columns[name] for name in known if name in columns), None) for role, known in _COLUMNS.items()}
    if role["class"] and "pixels" in columns:
        return _read_pixel_rows(rows, csv_name, columns["pixels"], role)
    if role["class"] and role["file"]:
        return _read_label_rows(rows, csv_name, role, names)
    if required or "pixels" in columns:
        found = ", ".join(columns) or "none"
        raise SourceError(f"{csv_name}: expected columns emotion and pixels, or file and label; found {found}.")
    return None


def _read_pixel_rows(rows: csv.DictReader, csv_name: str, pixel_column: str, role: dict) -> Layout:
    entries, pixels = [], {}
    for number, row in enumerate(rows, start=2):
        values = (row[pixel_column] or "").split()
        if len(values) != SIDE * SIDE:
            expected = f"{SIDE * SIDE} ({SIDE}x{SIDE})"
            raise SourceError(f"{csv_name}, line {number}: {len(values)} pixels; expected {expected}.")
        name = f"{csv_name}#{number}"
        entries.append(_read_row(row, role, csv_name, number) | {"file": name})
        pixels[name] = _to_bytes(values)
    return make_layout("a CSV of pixels", entries, [], pixels)


def _to_bytes(values: list[str]) -> bytes | None:
    try:
        return bytes(map(int, values))
    except ValueError:
        return None


def _read_label_rows(rows: csv.DictReader, csv_name: str, role: dict, names: list[str]) -> Layout:
    beside = PurePosixPath(csv_name).parent
    known, entries, seen = set(names), [], {}
    for number, row in enumerate(rows, start=2):
        name = (beside / (row[role["file"]] or "").strip().replace("\\", "/")).as_posix()
        if name in seen:
            raise SourceError(f"{csv_name}: {name!r} in lines {seen[name]} and {number}; expected each picture once.")
        seen[name] = number
        entries.append(_read_row(row, role, csv_name, number) | {"file": name})
    found = [entry for entry in entries if entry["file"] in known]
    ignored = [{"file": name, "reason": "in the CSV, but not there"} for name in seen if name not in known]
    ignored += [{"file": name, "reason": "not in the CSV"} for name in names if name not in seen and name != csv_name]
    return make_layout("pictures labelled by a CSV", found, ignored)


def _read_row(row: dict, role: dict, csv_name: str, number: int) -> dict:
    """The class and split of one row of a CSV."""
    value = (row[role["class"]] or "").strip()
    if value.isdecimal() and role["class"].strip().lower() in ("emotion", "expression"):
        value = FER2013_CODES[int(value)] if int(value) < len(FER2013_CODES) else value
    elif value in ("0", "1"):
        value = CLASS_NAMES[int(value)]
    found = name_class(value)
    if found is None:
        raise SourceError(
            f"{csv_name}, line {number}: unknown class {value!r}; expected {' or '.join(CLASS_NAMES)}, an emotion"
            f" ({', '.join(EMOTIONS)}), or 0 to {len(FER2013_CODES) - 1} for FER-2013's emotions."
        )
    usage = (row[role["split"]] or "").strip() if role["split"] else ""
    split = find_split(usage) or ""
    if usage and not split:
        raise SourceError(f"{csv_name}, line {number}: unknown split {usage!r}; expected train, validation or test.")
    return {"emotion": found[0], "label": found[1], "split": split}
