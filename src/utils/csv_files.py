"""CSVs that people made: columns under the names that they go by, paths that stay inside; tables as text and hashed."""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from utils.files import is_stray, leads_outside
from utils.labels import find_split

_COLUMNS = {
    "file": (
        *("file", "filename", "filepath", "image", "imagename", "imagepath", "picture", "path", "pth", "img"),
        *("imgname", "imgpath", "fichier", "subdirectoryfilepath"),
    ),
    "class": ("emotion", "label", "class", "classe", "category", "expression", "stress"),
    "split": ("split", "usage", "set", "subset", "phase", "partition", "datasplit"),
    "pixels": ("pixels",),
}
"""By what a column holds, its names: without case and separators, `subDirectory_filePath` (AffectNet's) for example."""

_RAF_DB = ("list_patition_label.txt", "list_partition_label.txt")
"""Names of RAF-DB's list, the first as it is published: lines such as `train_00001.jpg 5`. Its pictures of faces alone
are called train_00001_aligned.jpg."""

MOST_ABSENT = 0.01
"""Share of a CSV's rows that may name files that are not there, or be damaged: more mean that something else is
wrong."""


class SourceError(ValueError):
    """Raw data that cannot be used as a whole; the message says what was found and what was expected."""


def require_most_there(csv_name: str, absent: Sequence[str], rows: int) -> None:
    """Raise SourceError where more than MOST_ABSENT of a CSV's rows name files that are not there."""
    if len(absent) > MOST_ABSENT * rows:
        named = ", ".join(map(repr, absent[:3])) + (", ..." if len(absent) > 3 else "")
        raise SourceError(
            f"{csv_name}: {len(absent):,} of {rows:,} rows name files that are not there: {named}. Expected paths from"
            " the folder of the CSV; mend these rows or remove them, or add the files."
        )


class DamagedRow(ValueError):
    """A row that is left out; the message says what is wrong with it."""


def require_few_damaged(csv_name: str, damaged: Mapping[str, str], rows: int) -> None:
    """Raise SourceError where more than MOST_ABSENT of a CSV's rows, and not just one of several, are damaged.

    Args:
        csv_name: its path in the source.
        damaged: by place, what is wrong with a row.
        rows: how many there are, with these.
    """
    if len(damaged) > max(MOST_ABSENT * rows, 1 if rows > 1 else 0):
        place, reason = next(iter(damaged.items()))
        raise SourceError(
            f"{csv_name}: {len(damaged):,} of {rows:,} rows cannot be used, the first in {place}: {reason}. Mend or"
            " remove them."
        )


def open_csv(file: BinaryIO) -> tuple[csv.DictReader, dict[str, str | None]]:
    """The rows, and for each of _COLUMNS the name of the column that is it."""
    # the usual limit is shorter than the numbers of a picture of some size
    csv.field_size_limit(2**31 - 1)
    encoding, delimiter = _sniff(file)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    rows = csv.DictReader(text, delimiter=delimiter, skipinitialspace=True)
    return rows, {what: next(iter(list_columns(rows.fieldnames or [], what)), None) for what in _COLUMNS}


def list_columns(header: Sequence[str], what: str) -> list[str]:
    """The columns whose names are among those of _COLUMNS for `what`, the first to be taken."""
    names = {re.sub(r"[\W_]", "", name.lower()): name for name in header}
    return [names[name] for name in _COLUMNS[what] if name in names]


def _sniff(file: BinaryIO) -> tuple[str, str]:
    """(encoding, delimiter) by the first line: UTF-8 and commas, or what spreadsheets write in their place."""
    start = file.read(2**16)
    file.seek(0)
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return encoding, max(",;\t", key=start.decode(encoding, errors="replace").partition("\n")[0].count)


def is_raf_db(csv_name: str) -> bool:
    """Whether a file is called as RAF-DB's list."""
    return PurePosixPath(csv_name).name.lower() in _RAF_DB


def may_label(name: str) -> bool:
    """Whether a file may say of pictures what they show, by its name."""
    return (name.lower().endswith((".csv", ".tsv")) or is_raf_db(name)) and not is_stray(name)


def open_labels(data: bytes, csv_name: str) -> tuple[Iterator[tuple[int, dict]], dict[str, str | None], list[str]]:
    """(line, row) of each row, the names of the columns by what they hold, and all of them."""
    if is_raf_db(csv_name):
        columns: dict[str, str | None] = {"file": "file", "class": "emotion", "split": None, "pixels": None}
        lines = enumerate(data.decode("utf-8-sig").splitlines(), start=1)
        # a name may hold spaces, a number none
        rows = ((line, dict(zip(("file", "emotion"), text.rsplit(maxsplit=1), strict=False))) for line, text in lines)
        return rows, columns, ["file", "emotion"]
    table, columns = open_csv(io.BytesIO(data))
    return ((table.line_num, row) for row in table), columns, list(table.fieldnames or [])


def has_labels(data: bytes) -> bool:
    """Whether the first line of what is no whole CSV names a column of classes, and of files or pixels."""
    columns = open_csv(io.BytesIO(data.partition(b"\n")[0].decode(errors="replace").encode()))[1]
    return bool(columns["class"] and (columns["file"] or columns["pixels"]))


_FEW = 9
"""Different values of a column above which it tells no splits."""

_FLAGS = {"0", "1", "true", "false", "yes", "no"}


class UnreadColumns:
    """What stands in the columns of a CSV of labels that are not read.

    Attributes:
        classes: by the name of a further column of classes, its cells.
        values: by the name of a column of something else, some of its different values, in lower case.
    """

    def __init__(self, header: Sequence[str], columns: Mapping[str, str | None]):
        self.classes: dict[str, list[str]] = {name: [] for name in list_columns(header, "class")[1:]}
        known = {*columns.values(), *self.classes}
        self.values: dict[str, set[str]] = {name: set() for name in header if name not in known}

    def add(self, row: Mapping[str, str | None]) -> None:
        """Take in a row."""
        for name, cells in self.classes.items():
            cells.append((row.get(name) or "").strip())
        for name, values in self.values.items():
            if len(values) < _FEW:
                values.add((row.get(name) or "").strip().lower())

    def require_no_split(self, csv_name: str) -> None:
        """Raise SourceError where a column tells splits by its values, or by flags, as is_train does."""
        for name, values in self.values.items():
            splits = set(map(find_split, values - {""}))
            flags = find_split(re.sub(r"^is[\W_]*", "", name.strip().lower())) and values - {""} <= _FLAGS
            if (flags and len(values) > 1) or (len(splits) > 1 and None not in splits):
                raise SourceError(
                    f"{csv_name}: the column {name!r} tells splits; expected a column split, with train, validation"
                    " and test. Rename it, or remove it."
                )


def read_file(cell: str | None, csv_name: str, place: str) -> str:
    """The path in the source of the file that a row names."""
    name = (cell or "").strip().replace("\\", "/")
    if leads_outside(name):
        raise SourceError(f"{place}: file {name!r}; expected a path relative to the CSV, and without '..'.")
    return (PurePosixPath(csv_name).parent / name).as_posix()


def list_named(path: Path) -> list[str]:
    """The files that a CSV of labels names, as paths from its folder; none where it holds pixels, or is no CSV.

    Raises:
        SourceError: a path that does not stay below that folder.
    """
    try:
        with path.open("rb") as file:
            rows, columns = open_csv(file)
            if columns["pixels"] or not columns["file"]:
                return []
            places = ((row, f"{path.name}, line {number}") for number, row in enumerate(rows, start=2))
            return [read_file(row[columns["file"]], path.name, place) for row, place in places]
    except (UnicodeDecodeError, OSError, csv.Error):
        # reading it will tell why
        return []


def read_text_table(source: Path | BinaryIO, name: str):
    """All rows of a CSV, as text: a DataFrame.

    Raises:
        SourceError: it is none, or rows hold more fields than its header; the message starts with `name`.
    """
    import pandas as pd  # slow to import, and what runs the pipeline needs none of it

    try:
        file = io.BytesIO(source.read_bytes() if isinstance(source, Path) else source.read())
        encoding, delimiter = _sniff(file)
        table = pd.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False, encoding=encoding)
        if not isinstance(table.index, pd.RangeIndex):
            # pandas has taken the first columns for names of the rows
            raise pd.errors.ParserError("rows hold more fields than the header")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip()
        raise SourceError(f"{name}: expected a CSV in UTF-8, text with a comma in quotes ({reason}).") from None
    return table


def read_pixels(cell: str, side: int) -> bytes:
    """The grey bytes of a square picture, from numbers that may stand in brackets. Raises DamagedRow on others."""
    values = cell.translate(str.maketrans("[](),;", "      ")).split()
    if len(values) != side * side:
        raise DamagedRow(f"{len(values)} pixels; expected {side * side} ({side}x{side})")
    try:
        return bytes(map(int, values))
    except ValueError:
        pass
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        raise DamagedRow("pixels that are no numbers; expected whole numbers from 0 to 255") from None
    bad = ~((numbers >= 0) & (numbers <= 255) & (numbers == np.round(numbers)))
    if bad.any():
        raise DamagedRow(f"a pixel {values[bad.argmax()]}; expected whole numbers from 0 to 255")
    return numbers.astype(np.uint8).tobytes()


def hash_tables(*tables) -> str:
    """sha256 over every row of DataFrames; of records, that includes the pixels' own."""
    return hashlib.sha256("".join(table.to_csv(index=False) for table in tables).encode()).hexdigest()
