"""attributes.csv in a source: what is known of a picture beyond its class, such as the person, the light, the pose."""

import io
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from utils.archives import FolderArchive, SourceError, ZipArchive, is_stray
from utils.csv_layouts import read_text_table
from utils.layouts import Layout
from utils.sources import ATTRIBUTES

_KEYS = ("file", "subject")
"""Columns with a meaning of their own."""


def read_attributes(
    archive: FolderArchive | ZipArchive, names: list[str], labels: Path | None
) -> tuple[pd.DataFrame | None, str | None]:
    """The outermost attributes.csv among the files of a source, and its name; (None, None) where there is none.

    Args:
        archive: the source.
        names: of its files.
        labels: a CSV that was itself given as the source: it labels pictures, whatever its name.

    Raises:
        SourceError: as `parse_attributes`, or the file is damaged.
    """
    found = [name for name in names if PurePosixPath(name).name.lower() == ATTRIBUTES and not is_stray(name)]
    name = min(found, key=lambda name: len(PurePosixPath(name).parts), default=None)
    if name is None or (labels and labels.name == name):
        return None, None
    try:
        return parse_attributes(archive.read(name), name), name
    except OSError as error:
        raise SourceError(f"{name}: {error}") from None


def parse_attributes(data: bytes, csv_name: str) -> pd.DataFrame:
    """All rows, as text: `file` (the path in the source), then the other columns as they are.

    Args:
        data: the CSV, in UTF-8; its column `file` holds paths from the folder where it lies.
        csv_name: its own path in the source.

    Raises:
        SourceError: as `read_text_table`, no column `file`, a file twice.
    """
    table = read_text_table(io.BytesIO(data), csv_name)
    table.columns = _name_keys([column.strip() for column in table.columns])
    if list(table.columns).count("file") != 1:
        raise SourceError(f"{csv_name}: expected one column file; found {', '.join(table.columns) or 'none'}.")
    beside = PurePosixPath(csv_name).parent
    files = [(beside / name.strip().replace("\\", "/")).as_posix() for name in table["file"]]
    table = table.assign(file=files)[["file", *table.columns.drop("file")]]
    twice = table["file"].duplicated()
    if twice.any():
        raise SourceError(f"{csv_name}: {table.loc[twice, 'file'].iloc[0]!r} occurs twice; expected each picture once.")
    return table


def _name_keys(columns: list[str]) -> list[str]:
    """The columns, where the only one that is a key but for its case has the key's name."""
    lower = [column.lower() for column in columns]
    return [
        key if key in _KEYS and lower.count(key) == 1 else column for key, column in zip(lower, columns, strict=True)
    ]


def list_absent(layout: Layout, attributes: pd.DataFrame | None, names: list[str]) -> Layout:
    """The layout, with what attributes.csv names and the source does not hold among the files that are ignored."""
    if attributes is None:
        return layout
    absent = sorted(set(attributes["file"]) - set(names) - set(layout.entries["file"]))
    rows = pd.DataFrame({"file": absent, "reason": f"in {ATTRIBUTES}, but not there"})
    return replace(layout, ignored=pd.concat([layout.ignored, rows], ignore_index=True))


def add_subjects(records: pd.DataFrame, attributes: pd.DataFrame | None) -> pd.DataFrame:
    """The records with `subject` ("" where not known), where the attributes have such a column."""
    if attributes is None or "subject" not in attributes:
        return records
    subjects = attributes.set_index("file")["subject"].str.strip()
    return records.assign(subject=records["file"].map(subjects).fillna(""))


def tabulate_attributes(attributes: pd.DataFrame) -> pd.DataFrame:
    """What each column holds: `attribute`, `pictures` (where it is known), `different`, `commonest`."""
    rows = []
    for name in attributes.columns.drop("file"):
        known = attributes[name][attributes[name] != ""]
        commonest = known.mode()[0] if known.duplicated().any() else ""
        rows.append((name, len(known), known.nunique(), commonest))
    return pd.DataFrame(rows, columns=["attribute", "pictures", "different", "commonest"])
