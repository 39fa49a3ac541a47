"""What the class names, numbers and file names of a data set mean: by usual spellings, or as whoever knows it says."""

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath

from utils.csv_files import SourceError, open_csv
from utils.data.sources import CLASSES_FILE, find_classes_files
from utils.files import is_stray, normalise_name
from utils.labels import CLASS_NAMES, EMOTIONS, find_emotion, find_label, stress_label, suggest_class

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

Translation = dict[str, str]
"""By a class's name or number in the data, as `_make_key` writes it, what it means."""

_CODES_IN_NAMES = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}

_FILE_NAMES = (
    # KDEF (Lundqvist et al. 1998): session, sex and person, emotion, angle: AF01ANS.JPG
    re.compile(r"[AB](?P<person>[FM]\d\d)(?P<emotion>AF|AN|DI|HA|NE|SA|SU)(FL|HL|S|HR|FR)\.\w+", re.IGNORECASE),
    # JAFFE (Lyons et al. 1998): person, emotion: KA.AN1.39.tiff
    re.compile(r"(?P<person>[A-Z]{2})\.(?P<emotion>AN|DI|FE|HA|NE|SA|SU)\d\.\d+\.\w+", re.IGNORECASE),
    # CK+48, after CK+ (Lucey et al. 2010): person, sequence, frame, in folders of emotions: S010_004_00000017.png
    re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}\.\w+", re.IGNORECASE),
)


def read_file_name(name: str) -> tuple[str, str]:
    """(person, code of the emotion) that a file's name gives in KDEF, JAFFE and CK+48; "" for what it does not give.

    Args:
        name: of the file, perhaps with its folders.
    """
    own = PurePosixPath(name).name
    found = next(filter(None, (pattern.fullmatch(own) for pattern in _FILE_NAMES)), None)
    said = {} if found is None else found.groupdict()
    return said.get("person", "").upper(), said.get("emotion", "").upper()


def name_code(code: str) -> tuple[str, int]:
    """(emotion, label) of an emotion's code in the names of KDEF's and JAFFE's files."""
    emotion = _CODES_IN_NAMES[code]
    return emotion, stress_label(emotion)


def read_classes(text: str) -> Translation:
    """A Translation from words, as "0=neutral angry_faces=angry", or from a name in CODES; from "" an empty one.

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
    return _make_translation((word.partition("=")[::2] for word in words), "CLASSES")


def _make_translation(pairs: Iterable[tuple[str, str]], where: str) -> Translation:
    translation: Translation = {}
    for name, meaning in pairs:
        key, said = _make_key(name), f"{name}={meaning}"
        if not key or key in translation:
            raise ValueError(f"{where}: expected each name once, found {said!r}.")
        if name_class(meaning) is None and meaning.strip().lower() != SKIP:
            expected = f"{describe_expected(meaning)}, or {SKIP} to leave it out"
            raise ValueError(f"{where}: {said!r} names no class; expected {expected}.")
        translation[key] = meaning.strip()
    return translation


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
    return {}, "", ""


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
    name = (translation or {}).get(_make_key(name), name)
    label = find_label(name)
    if label is not None:
        return "", label
    emotion = find_emotion(name)
    return None if emotion is None else (emotion, stress_label(emotion))


def is_skipped(name: str, translation: Translation | None) -> bool:
    """Whether a class was said to be left out."""
    return (translation or {}).get(_make_key(name), "").lower() == SKIP


def describe_expected(name: str) -> str:
    """The classes that there are, and the one that a mistyped name is closest to."""
    close = suggest_class(name)
    meant = f" (did you mean {close}?)" if close else ""
    return f"{' or '.join(CLASS_NAMES)}, or an emotion: {', '.join(EMOTIONS)}{meant}"
