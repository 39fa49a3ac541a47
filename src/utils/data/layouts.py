"""What the files of a raw data set are, told from the names of their folders or from CSVs."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from utils.data.classes import HOW_TO_SAY, Translation, describe_expected, name_class, read_classes
from utils.data.csv_files import SourceError, open_csv, read_file, require_most_there
from utils.data.sources import FolderArchive, ZipArchive
from utils.files import is_stray, match_names
from utils.labels import CLASS_NAMES, find_split
from utils.pictures import SIDE, SUFFIXES

ENTRY_COLUMNS = ["file", "emotion", "label", "split"]


@dataclass(frozen=True)
class Layout:
    """What was found.

    Attributes:
        kind: a few words on it, for people.
        entries: one row a picture, ENTRY_COLUMNS: `emotion` is empty where only the stress label is
            known, `split` is empty where none is published.
        ignored: one row a file that is left out: `file`, `reason`.
        pixels: for a CSV that holds the pictures, the 48x48 grey bytes of each by `file`, None where the
            numbers are none of 0 to 255.
    """

    kind: str
    entries: pd.DataFrame
    ignored: pd.DataFrame
    pixels: dict[str, bytes | None]


def make_layout(kind: str, entries: list[dict], ignored: list[dict], pixels: dict | None = None) -> Layout:
    """A Layout from rows."""
    return Layout(
        kind,
        pd.DataFrame(entries, columns=ENTRY_COLUMNS),
        pd.DataFrame(ignored, columns=["file", "reason"]),
        pixels or {},
    )


def read_folders(names: list[str], translation: Translation | None = None) -> Layout:
    """Tell split and class of each file from its folders: split/class, class/split or class alone.

    The innermost folder names the class, or the split with the class right above it; folders further out
    are wrapping, except that the nearest one that names a split counts. What lies right in a wrapping folder
    counts only with a picture's ending, whatever the folder's name.

    Args:
        names: of the source's files.
        translation: from `classes.read_classes`.

    Raises:
        SourceError: pictures lie in a folder that names no class.
    """
    entries, ignored = [], []
    unknown: dict[PurePosixPath, int] = {}
    meaning = {folder: _read_folder(folder, translation) for folder in {PurePosixPath(name).parent for name in names}}
    above = {ancestor for folder, found in meaning.items() if found for ancestor in folder.parents}
    for name in names:
        folder, ending = PurePosixPath(name).parent, PurePosixPath(name).suffix.lower()
        if is_stray(name):
            ignored.append({"file": name, "reason": "left by a system"})
        elif (found := meaning[folder]) and (folder not in above or ending in SUFFIXES):
            entries.append({"file": name} | found)
        elif folder in above or (ending and ending not in SUFFIXES):
            ignored.append({"file": name, "reason": "not in a class folder"})
        else:
            unknown[folder] = unknown.get(folder, 0) + 1
    if unknown:
        raise SourceError(_say_unknown(unknown))
    _require_splits_understood([entry["file"] for entry in entries], translation)
    return make_layout("folders", entries, ignored)


def _require_splits_understood(files: list[str], translation: Translation | None) -> None:
    """Raise SourceError where a folder lies among splits and is none: its test pictures would be trained on."""
    beside: dict[PurePosixPath, set[str]] = {}
    for folder in {PurePosixPath(file).parent for file in files}:
        for path in (folder, *folder.parents):
            beside.setdefault(path.parent, set()).add(path.name)
    for parent, names in beside.items():
        splits = {name for name in names if find_split(name)}
        others = sorted(name for name in names - splits if name and not name_class(name, translation))
        if splits and others:
            where = f" in {str(parent)!r}" if parent.name else ""
            raise SourceError(
                f"{others[0]!r} lies beside {', '.join(map(repr, sorted(splits)))}{where} and names no split; expected"
                " train, validation or test. Rename or remove that folder."
            )


def _read_folder(folder: PurePosixPath, translation: Translation | None) -> dict | None:
    """The class and split of the pictures in a folder, or None where it names no class."""
    parts = list(folder.parts)
    split = find_split(parts[-1]) if parts else None
    if split:
        parts.pop()
    found = name_class(parts.pop(), translation) if parts else None
    if found is None:
        return None
    split = split or next(filter(None, map(find_split, reversed(parts))), "")
    return {"emotion": found[0], "label": found[1], "split": split}


def _say_unknown(unknown: dict[PurePosixPath, int]) -> str:
    found = ", ".join(f"{str(folder)!r} ({count})" for folder, count in list(unknown.items())[:8])
    expected = describe_expected(next(iter(unknown)).name)
    return (
        f"Pictures in folders that name no class: {found}. Expected {expected}. Rename or remove those folders, or"
        f" {HOW_TO_SAY}."
    )


def read_csvs(
    archive: FolderArchive | ZipArchive, names: list[str], given: str | None, translation: Translation | None = None
) -> Layout | None:
    """What the CSVs of a source say: one alone, or several that hold a split each.

    Args:
        archive: the source.
        names: of its files.
        given: the CSV that is itself the source, where one is; no other is looked at then.
        translation: from `classes.read_classes`.

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
            rows = _read_csv(archive.read(name), name, given is not None, translation or {})
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
    places: dict[str, str] = {}
    for row in rows:
        first = places.setdefault(row["file"], row["place"])
        if first != row["place"]:
            raise SourceError(f"{row['file']!r} in {first} and {row['place']}; expected each picture once.")
    there = match_names(places, names)
    absent = [name for name in places if name not in there]
    require_most_there(" and ".join(found), absent, len(rows))
    ignored = [{"file": name, "reason": "in the CSV, but not there"} for name in absent]
    unnamed = sorted(set(names) - set(there.values()) - set(found))
    ignored += [{"file": name, "reason": "not in the CSV"} for name in unnamed]
    labelled = [row | {"file": there[row["file"]]} for row in rows if row["file"] in there]
    return make_layout("pictures labelled by a CSV", labelled, ignored)


def _read_csv(data: bytes, csv_name: str, required: bool, translation: Translation) -> list[dict]:
    """What each row says: `file`, `emotion`, `label`, `split`, `place` (for messages), and `pixels` if it has them.

    Where `required` is False, none for a CSV of other things. Raises UnicodeDecodeError and csv.Error as well.
    """
    rows, columns = open_csv(io.BytesIO(data))
    if not columns["class"] or not (columns["pixels"] or columns["file"]):
        if not required:
            return []
        there = ", ".join(rows.fieldnames or []) or "none"
        raise SourceError(f"{csv_name}: expected columns emotion and pixels, or file and label; found {there}.")
    read, usual_split = [], _name_split(csv_name)
    for number, row in enumerate(rows, start=2):
        place = f"{csv_name}, line {number}"
        if columns["pixels"]:
            found: dict = {"file": f"{csv_name}#{number}", "pixels": _read_pixels(row[columns["pixels"]], place)}
        else:
            found = {"file": read_file(row[columns["file"]], csv_name, place)}
        found["split"] = _read_split(row[columns["split"]], place) if columns["split"] else usual_split
        if columns["pixels"]:
            # FER-2013's own file, whose numbers are known
            found |= _read_class(row[columns["class"]], place, translation or read_classes("fer2013"))
        else:
            found |= _read_class(row[columns["class"]], place, translation or _find_numbers(columns["class"]))
        read.append(found | {"place": place})
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


def _find_numbers(column: str) -> Translation:
    """What 0 and 1 mean in a column of labels; no number is known in one of emotions, since data sets disagree."""
    if column.strip().lower() in ("emotion", "expression"):
        return {}
    return {str(label): name for label, name in enumerate(CLASS_NAMES)}


def _read_class(cell: str | None, place: str, translation: Translation) -> dict:
    value = (cell or "").strip()
    found = name_class(value, translation)
    if found is None:
        raise SourceError(
            f"{place}: unknown class {value!r}; expected {describe_expected(value)}; 0 and 1 are"
            f" {' and '.join(CLASS_NAMES)} in a column label, other numbers differ between data sets: {HOW_TO_SAY}."
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
    found = {split for word in re.split(r"[\W_]+", path.stem) if (split := find_split(word))}
    return found.pop() if len(found) == 1 else next(filter(None, map(find_split, reversed(path.parent.parts))), "")
