"""What CSVs, and the list that comes with RAF-DB, say of pictures: their classes, their splits, or all their pixels."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np

from utils.archives import Archive
from utils.csv_files import DamagedRow, SourceError, open_csv, read_file, require_few_damaged, require_most_there
from utils.data.classes import HOW_TO_SAY, Translation, describe_expected, is_skipped, name_class, read_classes
from utils.data.layouts import SKIPPED, Layout, find_nearest_split, find_pictures, make_layout, require_agreement
from utils.files import is_stray
from utils.labels import CLASS_NAMES, find_split
from utils.pictures import SIDE

_RAF_DB = ("list_patition_label.txt", "list_partition_label.txt")
"""Names of RAF-DB's list, the first as it is published: lines such as `train_00001.jpg 5`. Its pictures of faces alone
are called train_00001_aligned.jpg."""


def read_csvs(
    archive: Archive, names: list[str], given: str | None, translation: Translation | None = None
) -> Layout | None:
    """What the CSVs of a source say: one alone, or several that hold a split each.

    Rows that are blank or cut are left out. A picture is found by its path from the CSV's folder, or else by the end
    of its path where only one ends so.

    Args:
        archive: the source.
        names: of its files.
        given: the CSV that is itself the source, where one is; no other is looked at then.
        translation: from `classes.read_classes`.

    Returns:
        None where no CSV holds pixels with their classes (FER-2013's), or labels pictures. Rows of pixels are named
        `<csv>#<row>`.

    Raises:
        SourceError: several that are not a split each, an unknown class, a picture twice or not told from another,
            more than a few rows that are damaged or name no picture, a CSV and folders that disagree on a class;
            `given` is no such CSV.
    """
    found, ignored = {}, []
    for name in [given] if given else [name for name in names if _may_label(name)]:
        try:
            rows, left_out = _read_csv(archive.read(name), name, given is not None, translation or {})
        except (UnicodeDecodeError, OSError, csv.Error) as error:
            if given:
                raise SourceError(f"{name}: expected a CSV in UTF-8 ({error}).") from None
            continue
        if rows:
            found[name] = rows
            ignored += left_out
    if not found:
        return None
    rows = [row for some in found.values() for row in some]
    kinds = {"pixels" in row for row in rows}
    if len(found) > 1 and not (all(map(_name_split, found)) and len(kinds) == 1):
        raise SourceError(
            f"several CSVs hold labels: {', '.join(found)}. Expected one, or one for each split, such as train.csv and"
            " test.csv; give the right one as SOURCE, or remove the others."
        )
    if kinds == {True}:
        ignored += [{"file": name, "reason": "beside a CSV of pixels"} for name in names if name not in found]
        return make_layout("a CSV of pixels", rows, ignored, {row["file"]: row["pixels"] for row in rows})
    labelled, absent = find_pictures(rows, [name for name in names if name not in found])
    require_most_there(" and ".join(found), absent, len(rows))
    if not given:
        require_agreement(" and ".join(found), labelled, translation)
    ignored += [{"file": name, "reason": "in the CSV, but not there"} for name in absent]
    unnamed = sorted(set(names) - {row["file"] for row in labelled} - set(found))
    ignored += [{"file": name, "reason": "not in the CSV"} for name in unnamed]
    return make_layout("pictures labelled by a CSV", labelled, ignored)


def _may_label(name: str) -> bool:
    return (name.lower().endswith(".csv") or _is_raf_db(name)) and not is_stray(name)


def _is_raf_db(csv_name: str) -> bool:
    return PurePosixPath(csv_name).name.lower() in _RAF_DB


def _open(data: bytes, csv_name: str) -> tuple[Iterator[tuple[int, dict]], dict[str, str | None], list[str]]:
    """(line, row) of each row, the names of the columns by what they hold, and all of them."""
    if _is_raf_db(csv_name):
        columns: dict[str, str | None] = {"file": "file", "class": "emotion", "split": None, "pixels": None}
        lines = enumerate(data.decode("utf-8-sig").splitlines(), start=1)
        # a name may hold spaces, a number none
        rows = ((line, dict(zip(("file", "emotion"), text.rsplit(maxsplit=1), strict=False))) for line, text in lines)
        return rows, columns, ["file", "emotion"]
    table, columns = open_csv(io.BytesIO(data))
    return ((table.line_num, row) for row in table), columns, list(table.fieldnames or [])


def _read_csv(data: bytes, csv_name: str, required: bool, translation: Translation) -> tuple[list[dict], list[dict]]:
    """The rows of a CSV as `_read_row` reads them, and those that are left out: `file`, `reason`.

    Where `required` is False, none for a CSV of other things. Raises UnicodeDecodeError and csv.Error as well.
    """
    rows, columns, header = _open(data, csv_name)
    if not columns["class"] or not (columns["pixels"] or columns["file"]):
        if required:
            there = ", ".join(header) or "none"
            raise SourceError(f"{csv_name}: expected columns emotion and pixels, or file and label; found {there}.")
        return [], []
    translation = translation or _find_numbers(csv_name, columns)
    if columns["pixels"] and translation == read_classes("ckplus"):
        raise SourceError(f"{csv_name}: CK+'s CSV of pixels is numbered as FER-2013's: expected CLASSES=fer2013.")
    read, skipped, damaged, number = [], [], {}, 1
    for number, (line, row) in enumerate(rows, start=2):
        place = f"{csv_name}, line {line}"
        try:
            found = {"file": f"{csv_name}#{number}", "place": place, "csv": csv_name} | _read_row(
                row, columns, csv_name, place
            )
            if is_skipped(found["named"], translation):
                skipped.append({"file": found["file"], "reason": SKIPPED})
            else:
                read.append(found | _read_class(found["named"], place, translation))
        except DamagedRow as error:
            damaged[place] = str(error)
        except SourceError as error:
            # a download that breaks off ends within a word
            if data.endswith(b"\n") or next(rows, None):
                raise
            damaged[place] = f"the file breaks off ({error})"
    require_few_damaged(csv_name, damaged, number - 1)
    return read, skipped + [{"file": place, "reason": reason} for place, reason in damaged.items()]


def _read_row(row: dict, columns: dict[str, str | None], csv_name: str, place: str) -> dict:
    """What a row says but for what its class means.

    Returns:
        `named` (its class), `split` (None where the CSV says none), and `pixels`, or `file` and perhaps `rather` (files
        to be taken in its place, where they are there).

    Raises:
        DamagedRow: it is blank or cut.
        SourceError: an unknown split, or a file that cannot be in the source.
    """
    cells = {what: row.get(column) for what, column in columns.items() if column}
    if not any((cell or "").strip() for cell in cells.values()):
        raise DamagedRow("it is blank")
    # an empty split is one that is not published
    missing = [
        str(columns[what]) for what, cell in cells.items() if cell is None or not (what == "split" or cell.strip())
    ]
    if missing:
        raise DamagedRow(f"no {' and no '.join(missing)}")
    if any(cell.strip() for cell in row.get(None) or []):
        raise DamagedRow("more cells than the header")
    # pandas writes whole numbers so where others are missing
    named = re.sub(r"^(\d+)\.0+$", r"\1", str(cells["class"]).strip())
    found: dict = {"named": named, "split": _name_split(csv_name) or None}
    if columns["split"]:
        found["split"] = _read_split(cells["split"], place)
    if columns["pixels"]:
        return found | {"pixels": _read_pixels(str(cells["pixels"]))}
    found["file"] = read_file(cells["file"], csv_name, place)
    if _is_raf_db(csv_name):
        path = PurePosixPath(found["file"])
        found |= {"split": _name_split(path.name) or None, "rather": [str(path.with_stem(f"{path.stem}_aligned"))]}
    return found


def _read_pixels(cell: str) -> bytes:
    """The grey bytes of a picture, from numbers that may stand in brackets. Raises DamagedRow where they are none."""
    values = cell.translate(str.maketrans("[](),;", "      ")).split()
    if len(values) != SIDE * SIDE:
        raise DamagedRow(f"{len(values)} pixels; expected {SIDE * SIDE} ({SIDE}x{SIDE})")
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


def _find_numbers(csv_name: str, columns: dict[str, str | None]) -> Translation:
    """What numbers mean where they cannot be another data set's: FER-2013's own columns, RAF-DB's list, 0 and 1."""
    column = str(columns["class"]).strip().lower()
    if _is_raf_db(csv_name):
        return read_classes("rafdb")
    if columns["pixels"] and column == "emotion":
        return read_classes("fer2013")
    return {str(label): name for label, name in enumerate(CLASS_NAMES)} if column in ("label", "stress") else {}


def _read_class(value: str, place: str, translation: Translation) -> dict:
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
    return found.pop() if len(found) == 1 else find_nearest_split(path.parent)
