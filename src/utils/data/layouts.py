"""What the files of a raw data set are: by the names of their folders, by their own, or by rows that name them."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from utils.csv_files import MOST_ABSENT, SourceError
from utils.data.classes import (
    HOW_TO_SAY,
    Translation,
    describe_expected,
    find_nearest_split,
    is_skipped,
    name_class,
    name_split,
    require_levels_agree,
)
from utils.files import is_archive, is_stray, normalise_name
from utils.labels import STRESS_CLASSES, name_code, read_file_name
from utils.pictures import SUFFIXES

ENTRY_COLUMNS = ["file", "named", "emotion", "label", "split"]

SKIPPED = "of a class that is left out"
"""Why a file is ignored whose class is said to be skipped."""


@dataclass(frozen=True)
class Layout:
    """What was found.

    Attributes:
        kind: a few words on it, for people.
        entries: one row a picture, ENTRY_COLUMNS: `named` is its class as the source writes it, `emotion` is empty
            where only the stress label is known, `split` is empty where none is published.
        ignored: one row a file, or row of a CSV, that is left out: `file`, `reason`.
        pixels: for a CSV that holds the pictures, the 48x48 grey bytes of each by `file`.
    """

    kind: str
    entries: pd.DataFrame
    ignored: pd.DataFrame
    pixels: dict[str, bytes]


def make_layout(kind: str, entries: list[dict], ignored: list[dict], pixels: dict[str, bytes] | None = None) -> Layout:
    """A Layout from rows; a split of None is none that is published."""
    rows = [{"named": ""} | entry | {"split": entry["split"] or ""} for entry in entries]
    return Layout(
        kind,
        pd.DataFrame(rows, columns=ENTRY_COLUMNS),
        pd.DataFrame(ignored, columns=["file", "reason"]),
        pixels or {},
    )


def read_folders(
    names: list[str],
    translation: Translation | None = None,
    voted: Collection[str] = (),
    stress_classes: Collection[str] = STRESS_CLASSES,
) -> Layout:
    """Tell split and class of each file from its folders: split/class, class/split or class alone.

    The innermost folder names the class, or the split with the class right above it; folders further out
    are wrapping, except that the nearest one that names a split counts. What lies right in a wrapping folder
    counts only with a picture's ending, whatever the folder's name. In folders that name no class, the names of
    KDEF's and JAFFE's files do.

    Args:
        names: of the source's files.
        translation: from `classes.read_classes`.
        voted: those on which there are votes; elsewhere than in a class folder, their `label` is -1.
        stress_classes: the emotions that count as Stress.

    Raises:
        SourceError: other pictures lie in a folder that names no class, one beside splits names none, folders look
            like splits and name none, or two folders above a picture say different classes.
    """
    entries, ignored, nameless = [], [], list[str]()
    folders = {PurePosixPath(name).parent for name in names}
    meaning = {folder: read_folder(folder, translation) for folder in folders}
    splits = {folder: find_nearest_split(folder, translation) for folder in folders}
    unclear = [folder for folder in folders if not meaning[folder]]
    left_out = {folder for folder in unclear if any(is_skipped(part, translation) for part in folder.parts)}
    above = {ancestor for folder in folders if meaning[folder] or folder in left_out for ancestor in folder.parents}
    for name in names:
        folder, ending = PurePosixPath(name).parent, PurePosixPath(name).suffix.lower()
        code = read_file_name(name)[1]
        if is_stray(name):
            ignored.append({"file": name, "reason": "left by a system"})
        elif is_archive(name):
            ignored.append({"file": name, "reason": "an archive, which is not opened: unpack it"})
        elif folder in left_out:
            ignored.append({"file": name, "reason": SKIPPED})
        elif (found := meaning[folder]) and (folder not in above or ending in SUFFIXES):
            entries.append({"file": name} | found)
        elif code and ending in SUFFIXES:
            emotion, label = name_code(code)
            found = {"named": code, "emotion": emotion, "label": label, "split": splits[folder]}
            entries.append({"file": name} | found)
        elif name in voted:
            entries.append({"file": name, "emotion": "", "label": -1, "split": splits[folder]})
        elif folder in above or (ending and ending not in SUFFIXES):
            ignored.append({"file": name, "reason": "not in a class folder"})
        else:
            nameless.append(name)
    by_own_names = sum(bool(read_file_name(entry["file"])[1]) for entry in entries)
    # beside pictures that are known by their names lie a README and its like
    strange = [name for name in nameless if not by_own_names or name.lower().endswith(SUFFIXES)]
    if len(strange) > MOST_ABSENT * by_own_names:
        tables = [name for name in names if name.lower().endswith((".csv", ".tsv")) and not is_stray(name)]
        raise SourceError(_say_unknown(strange, tables))
    ignored += [{"file": name, "reason": "its name gives no class"} for name in nameless]
    require_splits_understood([entry["file"] for entry in entries], translation)
    named = [entry for entry in entries if meaning[PurePosixPath(entry["file"]).parent]]
    _require_no_hidden_splits([entry for entry in named if not entry["split"]], translation)
    require_levels_agree([entry["file"] for entry in named], translation, stress_classes)
    return make_layout("folders", entries, ignored)


def require_splits_understood(files: list[str], translation: Translation | None) -> None:
    """Raise SourceError where a folder lies among splits and is none: its test pictures would be trained on."""
    beside: dict[PurePosixPath, set[str]] = {}
    for folder in {PurePosixPath(file).parent for file in files}:
        for path in (folder, *folder.parents):
            beside.setdefault(path.parent, set()).add(path.name)
    for parent, names in beside.items():
        splits = {name for name in names if name_split(name, translation)}
        others = sorted(name for name in names - splits if name and not name_class(name, translation))
        if splits and others:
            where = f" in {str(parent)!r}" if parent.name else ""
            raise SourceError(
                f"{others[0]!r} lies beside {', '.join(map(repr, sorted(splits)))}{where} and names no split; expected"
                " train, validation or test. Rename or remove that folder, or say what it is:"
                f" CLASSES={shlex.quote(others[0] + '=test')}."
            )


def _require_no_hidden_splits(entries: list[dict], translation: Translation | None) -> None:
    """Raise SourceError where two or three folders side by side hold the same classes, as splits do, and name none."""
    beside: dict[PurePosixPath, dict[str, set[str]]] = {}
    for folder, kind in {
        (PurePosixPath(entry["file"]).parent, entry["emotion"] or entry["label"]) for entry in entries
    }:
        for path in (folder, *folder.parents):
            beside.setdefault(path.parent, {}).setdefault(path.name, set()).add(kind)
    for kinds in beside.values():
        alike = sorted(name for name in kinds if name and len(kinds[name]) > 1 and not name_class(name, translation))
        if len(alike) in (2, 3) and len(set.intersection(*(kinds[name] for name in alike))) > 1:
            words = " ".join(f"{shlex.quote(name)}=..." for name in alike)
            raise SourceError(
                f"{', '.join(map(repr, alike))} lie side by side with the same classes, as splits do, and name none."
                f' Say what each is, CLASSES="{words}", train, validation or test; train for all where they are none.'
            )


def settle_splits(entries: pd.DataFrame) -> None:
    """Leave splits that are none empty, in place: one split alone divides nothing; what lies beside splits trains."""
    settled = entries["split"].replace("", "train")
    published = set(settled)
    if len(published) > 1 and "train" not in published:
        raise SourceError(f"no training pictures; found the splits {', '.join(sorted(published))}.")
    entries["split"] = settled if len(published) > 1 else ""


def _divide(folder: PurePosixPath, translation: Translation | None) -> tuple[str, str]:
    """What a folder of pictures calls their class, "" where it is the outermost, and the split that it names, or ""."""
    parts = list(folder.parts)
    split = name_split(parts[-1], translation) if parts else ""
    if split:
        parts.pop()
    named = parts.pop() if parts else ""
    return named, split or find_nearest_split(PurePosixPath(*parts), translation)


def read_folder(folder: PurePosixPath, translation: Translation | None) -> dict | None:
    """The class and split of the pictures in a folder, or None where it names no class."""
    named, split = _divide(folder, translation)
    found = name_class(named, translation)
    return found and {"named": named, "emotion": found[0], "label": found[1], "split": split}


def _say_unknown(nameless: list[str], tables: list[str]) -> str:
    unknown: dict[PurePosixPath, int] = {}
    for name in nameless:
        folder = PurePosixPath(name).parent
        unknown[folder] = unknown.get(folder, 0) + 1
    found = ", ".join(f"{str(folder)!r} ({count})" for folder, count in list(unknown.items())[:8])
    expected = describe_expected(next(iter(unknown)).name)
    return (
        f"Pictures in folders that name no class: {found}. Expected {expected}. Rename or remove those folders, or"
        f" {HOW_TO_SAY}."
        + "".join(f" {name!r} labels nothing: expected UTF-8 and columns file and label." for name in tables[:1])
    )


def find_pictures(rows: list[dict], names: list[str], translation: Translation) -> tuple[list[dict], list[str]]:
    """The rows with the names of their pictures as the source has them, and what they name that is not there."""
    find = _make_finder(names, translation)
    places: dict[str, str] = {}
    labelled, absent, split_by_folders = [], [], []
    for row in rows:
        name = find(row)
        if name is None:
            absent.append(row["file"])
            continue
        first = places.setdefault(name, row["place"])
        if first != row["place"]:
            raise SourceError(f"{name!r} in {first} and {row['place']}; expected each picture once.")
        if row["split"] is None:
            split_by_folders.append(name)
        labelled.append(row | {"file": name})
    require_splits_understood(split_by_folders, translation)
    for row in labelled:
        if row["split"] is None:
            row["split"] = find_nearest_split(PurePosixPath(row["file"]).parent, translation)
    return labelled, absent


def _make_finder(names: list[str], translation: Translation) -> Callable[[dict], str | None]:
    """What finds the picture that a row names, whichever form of Unicode its name has; None where it is not there."""
    whole = {normalise_name(name): name for name in names}
    by_last = defaultdict(list)
    for name in whole:
        by_last[PurePosixPath(name).name].append(name)

    def find(row: dict) -> str | None:
        for wanted in map(PurePosixPath, map(normalise_name, (*row.get("rather", ()), row["file"]))):
            if str(wanted) in whole:
                return whole[str(wanted)]
            ending = wanted.relative_to(PurePosixPath(row["csv"]).parent).as_posix()
            found = [name for name in by_last[wanted.name] if f"/{name}".endswith(f"/{ending}")]
            splits = [find_nearest_split(PurePosixPath(name).parent, translation) for name in found]
            of_split = [name for name, split in zip(found, splits, strict=True) if split == row["split"]]
            found = of_split if len(found) > 1 and len(of_split) == 1 else found
            if len(found) > 1:
                raise SourceError(
                    f"{row['place']}: {ending!r} may be {found[0]!r} or {found[1]!r}; expected paths from the folder of"
                    " the CSV."
                )
            if found:
                return whole[found[0]]
        return None

    return find
