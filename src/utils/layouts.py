"""What the files of a raw data set are: told from the names of their folders here, from a CSV in `csv_layouts`."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from utils.archives import SourceError, is_stray
from utils.labels import CLASS_NAMES, EMOTIONS, find_emotion, find_label, find_split, stress_label
from utils.pictures import SUFFIXES

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
    return Layout(
        kind,
        pd.DataFrame(entries, columns=ENTRY_COLUMNS),
        pd.DataFrame(ignored, columns=["file", "reason"]),
        pixels or {},
    )


def name_class(name: str) -> tuple[str, int] | None:
    """(emotion, label) that a class name means; the emotion is empty for a stress label; None if unknown."""
    label = find_label(name)
    if label is not None:
        return "", label
    emotion = find_emotion(name)
    return None if emotion is None else (emotion, stress_label(emotion))


def read_folders(names: list[str]) -> Layout:
    """Tell split and class of each file from its folders: split/class, class/split or class alone.

    The innermost folder names the class, or the split with the class right above it; folders further out
    are wrapping, except that the nearest one that names a split counts. What lies right in a wrapping folder
    counts only with a picture's ending, whatever the folder's name.

    Raises:
        SourceError: pictures lie in a folder that names no class.
    """
    entries, ignored, unknown = [], [], {}
    meaning = {folder: _read_folder(folder) for folder in {PurePosixPath(name).parent for name in names}}
    above = {ancestor for folder, found in meaning.items() if found for ancestor in folder.parents}
    for name in names:
        folder, ending = PurePosixPath(name).parent, PurePosixPath(name).suffix.lower()
        if is_stray(name):
            ignored.append({"file": name, "reason": "left by a system"})
        elif meaning[folder] and (folder not in above or ending in SUFFIXES):
            entries.append({"file": name} | meaning[folder])
        elif folder in above or (ending and ending not in SUFFIXES):
            ignored.append({"file": name, "reason": "not in a class folder"})
        else:
            unknown[folder] = unknown.get(folder, 0) + 1
    if unknown:
        raise SourceError(_say_unknown(unknown))
    return make_layout("folders", entries, ignored)


def _read_folder(folder: PurePosixPath) -> dict | None:
    """The class and split of the pictures in a folder, or None where it names no class."""
    parts = list(folder.parts)
    split = find_split(parts[-1]) if parts else None
    if split:
        parts.pop()
    found = name_class(parts.pop()) if parts else None
    if found is None:
        return None
    split = split or next(filter(None, map(find_split, reversed(parts))), "")
    return {"emotion": found[0], "label": found[1], "split": split}


def _say_unknown(unknown: dict[PurePosixPath, int]) -> str:
    found = ", ".join(f"{str(folder)!r} ({count})" for folder, count in list(unknown.items())[:8])
    return (
        f"Pictures in folders that name no class: {found}. Expected {' and '.join(CLASS_NAMES)}, or emotions:"
        f" {', '.join(EMOTIONS)}. Rename or remove those folders."
    )


def require_usable(layout: Layout) -> None:
    """Raise SourceError unless there are pictures, of one kind of class and of both labels."""
    entries = layout.entries
    if entries.empty:
        why = ", ".join(f"{count} {reason}" for reason, count in layout.ignored["reason"].value_counts().items())
        raise SourceError(
            f"no picture in a class folder ({why or 'it is empty'}). Expected folders such as train/angry, or a CSV"
            " with columns file and label, or emotion and pixels."
        )
    without_emotion = entries["emotion"] == ""
    if without_emotion.any() and not without_emotion.all():
        stress, emotion = (entries.loc[rows, "file"].iloc[0] for rows in (without_emotion, ~without_emotion))
        raise SourceError(f"some folders name emotions ({emotion!r}), others stress ({stress!r}); expected one kind.")
    if entries["label"].nunique() < 2:
        found = CLASS_NAMES[entries["label"].iloc[0]]
        raise SourceError(
            f"a single class: all {len(entries)} pictures are {found}; expected {' and '.join(CLASS_NAMES)}."
        )


def settle_splits(entries: pd.DataFrame) -> None:
    """Leave splits that are none empty, in place: one split alone divides nothing; what lies beside splits trains."""
    settled = entries["split"].replace("", "train")
    published = set(settled)
    if len(published) > 1 and "train" not in published:
        raise SourceError(f"no training pictures; found the splits {', '.join(sorted(published))}.")
    entries["split"] = settled if len(published) > 1 else ""
