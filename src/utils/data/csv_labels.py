"""What CSVs, and the list that comes with RAF-DB, say of pictures: their classes, their splits, or all their pixels."""

import csv
import re
from collections.abc import Collection
from pathlib import PurePosixPath

from utils.archives import Archive
from utils.csv_files import (
    DamagedRow,
    SourceError,
    UnreadColumns,
    has_labels,
    is_raf_db,
    may_label,
    open_labels,
    read_file,
    read_pixels,
    require_few_damaged,
    require_most_there,
)
from utils.data.classes import (
    HOW_TO_SAY,
    Translation,
    describe_expected,
    find_nearest_split,
    is_skipped,
    name_class,
    name_split,
    read_classes,
    require_agreement,
)
from utils.data.layouts import SKIPPED, Layout, find_pictures, make_layout, read_folder
from utils.labels import CLASS_NAMES, STRESS_CLASSES, contradict, find_split
from utils.pictures import SIDE


def read_csvs(
    archive: Archive,
    names: list[str],
    given: str | None,
    translation: Translation | None = None,
    stress_classes: Collection[str] = STRESS_CLASSES,
) -> Layout | None:
    """What the CSVs of a source say: one alone, or several that hold a split each.

    Rows that are blank or cut are left out. A picture is found by its path from the CSV's folder, or else by the end
    of its path where only one ends so.

    Args:
        archive: the source.
        names: of its files.
        given: the CSV that is itself the source, where one is; no other is looked at then.
        translation: from `classes.read_classes`.
        stress_classes: the emotions that count as Stress.

    Returns:
        None where no CSV holds pixels with their classes (FER-2013's), or labels pictures. Rows of pixels are named
        `<csv>#<row>`.

    Raises:
        SourceError: several that are not a split each, an unknown class, a picture twice or not told from another,
            more than a few rows that are damaged or name no picture, columns, or a CSV and folders, that disagree,
            one that tells splits or classes and cannot be read; `given` is no such CSV.
    """
    found, ignored, notes = {}, [], []
    translation = Translation() if translation is None else translation
    for name in [given] if given else [name for name in names if may_label(name)]:
        data = b""
        try:
            data = archive.read(name)
            rows, left_out, note = _read_csv(data, name, given is not None, translation, stress_classes)
        except (UnicodeDecodeError, OSError, csv.Error) as error:
            if given or has_labels(data):
                raise SourceError(f"{name}: expected a CSV in UTF-8 ({error}).") from None
            continue
        if rows:
            found[name] = rows
            ignored += left_out
            notes += [note] if note else []
    if not found:
        return None
    rows = [row for some in found.values() for row in some]
    kinds = {"pixels" in row for row in rows}
    told = f" ({', '.join(dict.fromkeys(notes))})" if notes else ""
    if len(found) > 1 and not (all(map(_name_split, found)) and len(kinds) == 1):
        raise SourceError(
            f"several CSVs hold labels: {', '.join(found)}. Expected one, or one for each split, such as train.csv and"
            " test.csv; give the right one as SOURCE, or remove the others."
        )
    if kinds == {True}:
        ignored += [{"file": name, "reason": "beside a CSV of pixels"} for name in names if name not in found]
        return make_layout(f"a CSV of pixels{told}", rows, ignored, {row["file"]: row["pixels"] for row in rows})
    labelled, absent = find_pictures(rows, [name for name in names if name not in found], translation)
    require_most_there(" and ".join(found), absent, len(rows))
    if not given:
        folders = {
            folder: read_folder(folder, translation) or {"named": "", "split": find_nearest_split(folder, translation)}
            for folder in {PurePosixPath(row["file"]).parent for row in labelled}
        }
        require_agreement(" and ".join(found), labelled, folders, stress_classes)
    ignored += [{"file": name, "reason": "in the CSV, but not there"} for name in absent]
    unnamed = sorted(set(names) - {row["file"] for row in labelled} - set(found))
    ignored += [{"file": name, "reason": "not in the CSV"} for name in unnamed]
    return make_layout(f"pictures labelled by a CSV{told}", labelled, ignored)


def _read_csv(
    data: bytes, csv_name: str, required: bool, translation: Translation, stress_classes: Collection[str]
) -> tuple[list[dict], list[dict], str]:
    """The rows of a CSV as `_read_row` reads them; those that are left out: `file`, `reason`; which columns were taken.

    Where `required` is False, none for a CSV of other things. Raises UnicodeDecodeError and csv.Error as well.
    """
    rows, columns, header = open_labels(data, csv_name)
    if not columns["class"] or not (columns["pixels"] or columns["file"]):
        if required or (columns["class"] and columns["split"]):
            there = ", ".join(header) or "none"
            raise SourceError(f"{csv_name}: expected columns emotion and pixels, or file and label; found {there}.")
        return [], [], ""
    meant = translation or _find_numbers(csv_name, columns)
    unread, read, skipped, damaged, number = UnreadColumns(header, columns), [], [], {}, 1
    for number, (line, row) in enumerate(rows, start=2):
        place = f"{csv_name}, line {line}"
        try:
            found = {"file": f"{csv_name}#{number}", "place": place, "csv": csv_name} | _read_row(
                row, columns, csv_name, place, translation
            )
            if is_skipped(found["named"], meant):
                skipped.append({"file": found["file"], "reason": SKIPPED})
            else:
                read.append(found | _read_class(found["named"], place, meant))
                unread.add(row)
        except DamagedRow as error:
            damaged[place] = str(error)
        except SourceError as error:
            # a download that breaks off ends within a word
            if data.endswith(b"\n") or next(rows, None):
                raise
            damaged[place] = f"the file breaks off ({error})"
    require_few_damaged(csv_name, damaged, number - 1)
    _require_plausible_numbers(csv_name, columns, {row["named"] for row in read}, translation)
    if not columns["split"]:
        unread.require_no_split(csv_name)
    for name, cells in unread.classes.items():
        numbers = translation or _find_numbers(csv_name, columns | {"class": name})
        _require_same_classes(read, name, [name_class(cell, numbers) for cell in cells], stress_classes)
    note = f"by its column {columns['class']}, not by {', '.join(unread.classes)}" * bool(unread.classes)
    return read, skipped + [{"file": place, "reason": reason} for place, reason in damaged.items()], note


def _require_plausible_numbers(
    csv_name: str, columns: dict[str, str | None], named: set[str], translation: Translation
) -> None:
    """Raise SourceError where a CSV of pixels is numbered by another data set's numbers, or said to be."""
    if not columns["pixels"]:
        return
    if translation == read_classes("ckplus"):
        raise SourceError(f"{csv_name}: CK+'s CSV of pixels is numbered as FER-2013's: expected CLASSES=fer2013.")
    if not translation and "7" in named and "0" not in named:
        raise SourceError(f"{csv_name}: numbers from 1 to 7, which FER-2013's are not: {HOW_TO_SAY}.")


def _require_same_classes(
    read: list[dict], column: str, meanings: list[tuple[str, int] | None], stress_classes: Collection[str]
) -> None:
    """Raise SourceError where another column of classes contradicts the one that was read; one of others is no such."""
    wrong = [
        row
        for row, meaning in zip(read, meanings, strict=True)
        if meaning and contradict((row["emotion"], row["label"]), meaning, stress_classes)
    ]
    if wrong and None not in meanings:
        raise SourceError(
            f"{wrong[0]['place']}: the column {column} contradicts {wrong[0]['named']!r}; so it does in {len(wrong):,}"
            f" of {len(read):,} rows. Remove the wrong column."
        )


def _read_row(row: dict, columns: dict[str, str | None], csv_name: str, place: str, translation: Translation) -> dict:
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
        found["split"] = _read_split(cells["split"], place, translation)
    if columns["pixels"]:
        return found | {"pixels": read_pixels(str(cells["pixels"]), SIDE)}
    found["file"] = read_file(cells["file"], csv_name, place)
    if is_raf_db(csv_name):
        path = PurePosixPath(found["file"])
        found |= {"split": _name_split(path.name) or None, "rather": [str(path.with_stem(f"{path.stem}_aligned"))]}
    return found


def _find_numbers(csv_name: str, columns: dict[str, str | None]) -> Translation:
    """What numbers mean where they cannot be another data set's: FER-2013's own columns, RAF-DB's list, 0 and 1."""
    column = str(columns["class"]).strip().lower()
    if is_raf_db(csv_name):
        return read_classes("rafdb")
    if columns["pixels"] and column == "emotion":
        return read_classes("fer2013")
    pairs = enumerate(CLASS_NAMES) if column in ("label", "stress") else ()
    return read_classes(" ".join(f"{label}={name}" for label, name in pairs))


def _read_class(value: str, place: str, translation: Translation) -> dict:
    found = name_class(value, translation)
    if found is None:
        raise SourceError(
            f"{place}: unknown class {value!r}; expected {describe_expected(value)}; 0 and 1 are"
            f" {' and '.join(CLASS_NAMES)} in a column label, other numbers differ between data sets: {HOW_TO_SAY}."
        )
    return {"emotion": found[0], "label": found[1]}


def _read_split(cell: str | None, place: str, translation: Translation) -> str:
    usage = (cell or "").strip()
    split = name_split(usage, translation)
    if usage and not split:
        raise SourceError(f"{place}: unknown split {usage!r}; expected train, validation or test.")
    return split


def _name_split(csv_name: str) -> str:
    """The one split that a word of a CSV's name means (train_labels.csv), or else its nearest folder; "" for none."""
    path = PurePosixPath(csv_name)
    found = {split for word in re.split(r"[\W_]+", path.stem) if (split := find_split(word))}
    return found.pop() if len(found) == 1 else find_nearest_split(path.parent)
