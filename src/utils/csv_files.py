"""CSVs that people made: columns under the names that they go by, paths that stay inside, tables as text."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from utils.files import leads_outside

_COLUMNS = {
    "file": (
        *("file", "filename", "filepath", "image", "imagename", "imagepath", "picture", "path", "pth", "img"),
        *("imgname", "imgpath", "fichier", "subdirectoryfilepath"),
    ),
    "class": ("emotion", "label", "class", "classe", "category", "expression", "stress"),
    "split": ("split", "usage", "set", "subset"),
    "pixels": ("pixels",),
}
"""By what a column holds, its names: without case and separators, `subDirectory_filePath` (AffectNet's) for example."""


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
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), skipinitialspace=True)
    names = {re.sub(r"[\W_]", "", name.lower()): name for name in rows.fieldnames or []}
    return rows, {
        column: next((names[name] for name in known if name in names), None) for column, known in _COLUMNS.items()
    }


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
    """All rows of a CSV in UTF-8, as text: a DataFrame.

    Raises:
        SourceError: it is none, or rows hold more fields than its header; the message starts with `name`.
    """
    import pandas as pd  # slow to import, and what runs the pipeline needs none of it

    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if not isinstance(table.index, pd.RangeIndex):
            # pandas has taken the first columns for names of the rows
            raise pd.errors.ParserError("rows hold more fields than the header")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip()
        raise SourceError(f"{name}: expected a CSV in UTF-8, text with a comma in quotes ({reason}).") from None
    return table
