"""What the class names, numbers and file names of a data set mean: by usual spellings, or as whoever knows it says."""

import csv
import io
import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import combinations
from pathlib import Path, PurePosixPath

from utils.csv_files import SourceError, open_csv
from utils.data.sources import CLASSES_FILE, find_classes_files
from utils.files import is_stray, normalise_name
from utils.labels import (
    CLASS_NAMES,
    EMOTIONS,
    contradict,
    find_emotion,
    find_label,
    find_split,
    stress_label,
    suggest_class,
)

SKIP = "skip"
"""What a class may be said to mean that is to be left out."""

CODES = {
    "fer2013": "0=angry 1=disgust 2=fear 3=happy 4=sad 5=surprise 6=neutral 7=contempt",
    "affectnet": "0=neutral 1=happy 2=sad 3=surprise 4=fear 5=disgust 6=angry 7=contempt 8=skip 9=skip 10=skip",
    "rafdb": "1=surprise 2=fear 3=disgust 4=happy 5=sad 6=angry 7=neutral",
    "ckplus": "0=neutral 1=angry 2=contempt 3=disgust 4=fear 5=happy 6=sad 7=surprise",
}
"""By data set, what its numbers mean: no two agree, so that a number alone says nothing. FER-2013 has no 7; CSVs of
other pictures that are numbered as it is do. AffectNet's 8 to 10 are none, uncertain and no face."""

HOW_TO_SAY = (
    f'say what they mean: CLASSES="7=contempt angry_faces=angry", or CLASSES={"|".join(CODES)}, or a {CLASSES_FILE}'
    " beside them with the columns given,class"
)


class Translation(dict[str, str]):
    """By a class's or split's name or number in the data, as `_make_key` writes it, what it means."""

    def __init__(self, *pairs):
        super().__init__(*pairs)
        self.unused = set(self)
        """Those that nothing was asked for by."""

    def find(self, name: str) -> str | None:
        """What a name in the data was said to mean; None where nothing was said."""
        key = _make_key(name)
        self.unused.discard(key)
        return self.get(key)


def read_classes(text: str) -> Translation:
    """A Translation from words, as "0=neutral angry_faces=angry prueba=test", or from a name in CODES; from "" none.

    Words are split as a shell does.

    Raises:
        ValueError: a word without `=`, a name twice, a class that is none, or a quote that is not closed.
    """
    try:
        words = shlex.split(CODES.get(text.strip().lower(), text))
    except ValueError:
        raise ValueError(f"CLASSES: a quote that is not closed in {text!r}.") from None
    for word in words:
        if "=" not in word:
            raise ValueError(f"CLASSES: expected name=class words, or one of {', '.join(CODES)}, found {word!r}.")
    translation = _make_translation((word.partition("=")[::2] for word in words), "CLASSES")
    if text.strip().lower() in CODES:
        # a data set of its own need not have them all
        translation.unused.clear()
    return translation


def _make_translation(pairs: Iterable[tuple[str, str]], where: str) -> Translation:
    translation: dict[str, str] = {}
    for name, meaning in pairs:
        key, said = _make_key(name), f"{name}={meaning}"
        if not key or key in translation:
            raise ValueError(f"{where}: expected each name once, found {said!r}.")
        if not (name_class(meaning) or find_split(meaning)) and meaning.strip().lower() != SKIP:
            expected = f"{describe_expected(meaning)}, a split, or {SKIP} to leave it out"
            raise ValueError(f"{where}: {said!r} names no class; expected {expected}.")
        translation[key] = meaning.strip()
    return Translation(translation)


def _make_key(name: str) -> str:
    """A class's name as it is compared; a number that a table has made 3.0 is 3."""
    return re.sub(r"^(\d+)\.0+$", r"\1", normalise_name(name).strip().lower())


def find_classes(
    path: Path, names: list[str], read: Callable[[str], bytes], classes: str
) -> tuple[Translation, str, str]:
    """What a source's class names mean: as `classes` says, or else a classes.csv, with the columns given,class.

    That stands in the source, or beside it, also as faces.classes.csv beside faces.zip. A file of that name with other
    columns is none.

    Args:
        path: of the source.
        names: of its files.
        read: gives the bytes of one of them.
        classes: see `read_classes`.

    Returns:
        The Translation; where it was said, "" where nowhere; and the name of the CSV in the source, "" where there is
        none.

    Raises:
        ValueError: `classes` is not understood.
        SourceError: several such CSVs, or one that is not understood.
    """
    translation = read_classes(classes)
    files = {str(file): file.read_bytes for file in find_classes_files(path)}
    own = [name for name in names if PurePosixPath(name).name.lower() == CLASSES_FILE and not is_stray(name)]
    files |= {name: partial(read, name) for name in own}
    tables = {name: table for name, get in files.items() if (table := _read_table(get, name)) is not None}
    inside = next((name for name in own if name in tables), "")
    if translation:
        return translation, "CLASSES", inside
    if len(tables) > 1:
        raise SourceError(f"class names are said in {' and in '.join(tables)}; expected one file.")
    for name, table in tables.items():
        try:
            return _make_translation(table, name), name, inside
        except ValueError as error:
            raise SourceError(str(error)) from None
    return Translation(), "", ""


def _read_table(get: Callable[[], bytes], name: str) -> list[tuple[str, str]] | None:
    """The pairs in a CSV with the columns given and class; None where it has others."""
    try:
        rows, _ = open_csv(io.BytesIO(get()))
        columns = {column.strip().lower(): column for column in rows.fieldnames or []}
        if not {"given", "class"} <= set(columns):
            return None
        pairs = [((row[columns["given"]] or "").strip(), (row[columns["class"]] or "").strip()) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{name}: expected a CSV in UTF-8 ({error}).") from None
    return [pair for pair in pairs if any(pair)]


def name_class(name: str, translation: Translation | None = None) -> tuple[str, int] | None:
    """(emotion, label) that a class name means; the emotion is empty for a stress label; None if unknown, or skipped.

    Args:
        name: in the data.
        translation: from `read_classes`; goes before the usual spellings.
    """
    name = (translation or Translation()).find(name) or name
    label = find_label(name)
    if label is not None:
        return "", label
    emotion = find_emotion(name)
    return None if emotion is None else (emotion, stress_label(emotion))


def is_skipped(name: str, translation: Translation | None) -> bool:
    """Whether a class was said to be left out."""
    return ((translation or Translation()).find(name) or "").lower() == SKIP


def name_split(name: str, translation: Translation | None = None) -> str:
    """The split that a name in the data means, "" where it means none."""
    return find_split((translation or Translation()).find(name) or name) or ""


def find_nearest_split(folder: PurePosixPath, translation: Translation | None = None) -> str:
    """The split that the innermost folder which names one means; "" for none."""
    return next(filter(None, (name_split(part, translation) for part in reversed(folder.parts))), "")


def describe_expected(name: str) -> str:
    """The classes that there are, and the one that a mistyped name is closest to."""
    close = suggest_class(name)
    meant = f" (did you mean {close}?)" if close else ""
    return f"{' or '.join(CLASS_NAMES)}, or an emotion: {', '.join(EMOTIONS)}{meant}"


def require_levels_agree(
    files: Collection[str], translation: Translation | None, stress_classes: Collection[str]
) -> None:
    """Raise SourceError where two folders above a picture say different classes of it.

    A folder around all of them is wrapping.
    """
    if not files:
        return
    wrapping = len(PurePosixPath(posixpath.commonpath([posixpath.dirname(file) for file in files])).parts)
    for folder in sorted({PurePosixPath(file).parent for file in files}):
        said = {part: found for part in folder.parts[wrapping:] if (found := name_class(part, translation))}
        for one, other in combinations(said, 2):
            if contradict(said[one], said[other], stress_classes):
                raise SourceError(
                    f"the folder {str(folder)!r} names two classes, {one!r} and {other!r}; expected one. Rename it, or"
                    " give a CSV that labels the pictures."
                )


def require_agreement(
    csv_name: str, labelled: list[dict], folders: dict[PurePosixPath, dict], stress_classes: Collection[str]
) -> None:
    """Raise SourceError where a CSV and folders of several classes, or splits, say different things of a picture.

    Args:
        csv_name: for the message.
        labelled: `file`, `named`, `emotion`, `label`, `split` of each picture.
        folders: `named` ("" where it names no class: `emotion` and `label` only elsewhere) and `split` of theirs.
        stress_classes: the emotions that count as Stress.
    """
    pairs = [(row, folders[PurePosixPath(row["file"]).parent]) for row in labelled]

    def differs(what: str, row: dict, folder: dict) -> bool:
        if what == "split":
            return bool(row["split"]) and row["split"] != folder["split"]
        return contradict((row["emotion"], row["label"]), (folder["emotion"], folder["label"]), stress_classes)

    for what in ("named", "split"):
        said = [(row, folder) for row, folder in pairs if folder[what]]
        wrong = [(row, folder) for row, folder in said if differs(what, row, folder)]
        if wrong and len({folder[what] for _, folder in said}) > 1:
            row, folder = wrong[0]
            raise SourceError(
                f"{csv_name} says {row[what]!r} of {row['file']!r}, its folder {folder[what]!r}; they disagree on"
                f" {len(wrong):,} of {len(labelled):,} pictures. Where the CSV is right, give it as SOURCE; where the"
                " folders are, remove it."
            )
