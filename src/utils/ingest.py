"""Raw pictures -> a table of records and their 48x48 pixels."""

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from utils.labels import EMOTIONS, find_emotion, find_split, stress_label
from utils.pictures import SIDE, PictureError, open_picture, to_input
from utils.progress import track

_STRAY_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Source:
    """What a raw data set holds, found from its folders' names; no picture is opened for it.

    Attributes:
        path: the zip.
        entries: one row a file: `file` (path inside the source), `emotion`, `split`.
        ignored: one row a file left out: `file`, `reason`.
    """

    path: Path
    entries: pd.DataFrame
    ignored: pd.DataFrame

    def folder_table(self) -> pd.DataFrame:
        """What each folder was taken for: `folder`, `split`, `emotion`, `label`, `files`."""
        folder = self.entries["file"].map(lambda name: str(PurePosixPath(name).parent))
        table = self.entries.assign(folder=folder).groupby(["folder", "split", "emotion"], as_index=False).size()
        table["label"] = table["emotion"].map(stress_label)
        return table.rename(columns={"size": "files"})[["folder", "split", "emotion", "label", "files"]]


def inspect_source(path: Path) -> Source:
    """Find out what a zip of split/emotion folders holds.

    Args:
        path: a zip whose files lie in `<split>/<emotion>/`, perhaps inside further folders.

    Raises:
        ValueError: not a zip, no picture in a known folder, a single class, or no training pictures.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected a zip of split/emotion folders (train/angry/..., test/happy/...).")
    with zipfile.ZipFile(path) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    entries, ignored = [], []
    for name in names:
        split, emotion, reason = _read_name(name)
        if reason:
            ignored.append({"file": name, "reason": reason})
        else:
            entries.append({"file": name, "emotion": emotion, "split": split})
    source = Source(
        path,
        pd.DataFrame(entries, columns=["file", "emotion", "split"]),
        pd.DataFrame(ignored, columns=["file", "reason"]),
    )
    _require_usable(source)
    return source


def _read_name(name: str) -> tuple[str | None, str | None, str | None]:
    """(split, emotion, why it is ignored) of one file, from its folders' names."""
    parts = PurePosixPath(name).parts
    stray = parts[-1].lower() in _STRAY_FILES or parts[-1].startswith(".") or "__MACOSX" in parts
    if stray:
        return None, None, "not a picture"
    if len(parts) < 3:
        return None, None, "not in a split/emotion folder"
    split, emotion = find_split(parts[-3]), find_emotion(parts[-2])
    if split is None:
        return None, None, f"unknown split folder {parts[-3]!r}"
    if emotion is None:
        return None, None, f"unknown class folder {parts[-2]!r}"
    return split, emotion, None


def _require_usable(source: Source) -> None:
    entries = source.entries
    if entries.empty:
        why = source.ignored["reason"].value_counts().to_dict() or "it is empty"
        raise ValueError(
            f"{source.path}: no picture in a split/emotion folder ({why}). Expected folders such as train/angry;"
            f" emotions: {', '.join(EMOTIONS)}."
        )
    missing = {"train", "test"} - set(entries["split"])
    if missing:
        raise ValueError(f"{source.path}: no {' and no '.join(sorted(missing))} folder; found {_found(entries)}.")
    train = entries[entries["split"] == "train"]
    if train["emotion"].map(stress_label).nunique() < 2:
        raise ValueError(f"{source.path}: training pictures of a single label; found {_found(entries)}.")


def _found(entries: pd.DataFrame) -> str:
    return ", ".join(sorted(set(entries["split"] + "/" + entries["emotion"])))


def sample_stratified(entries: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Keep about `count` entries, each (split, emotion) in its share and at least two of each; 0 keeps all."""
    if not 0 < count < len(entries):
        return entries
    share = count / len(entries)
    kept = [
        group.sample(n=min(len(group), max(2, round(len(group) * share))), random_state=seed)
        for _, group in entries.groupby(["split", "emotion"])
    ]
    return pd.concat(kept).sort_index().reset_index(drop=True)


def read_pictures(source: Source, count: int = 0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Decode the pictures of a source; those that cannot be read are listed, not fatal.

    Args:
        source: from `inspect_source`.
        count: read about that many, stratified by split and emotion; 0 reads all.
        seed: which ones, where `count` is given.

    Returns:
        records (`file`, `emotion`, `split`, `label`, `width`, `height`), their pixels (uint8
        (n, 48, 48, 3), RGB, in the same order, mapped to a temporary file), and skipped (`file`, `reason`).

    Raises:
        ValueError: no picture could be read.
    """
    entries = sample_stratified(source.entries, count, seed)
    # An unnamed file: memory stays small, and a killed process leaves nothing behind.
    with tempfile.TemporaryFile() as unnamed:
        pixels = np.memmap(unnamed, dtype=np.uint8, shape=(len(entries), SIDE, SIDE, 3))
    sizes, kept, skipped = [], [], []
    pictures = track(_decode_all(source.path, entries["file"]), len(entries), "picture", "Reading pictures")
    for position, (name, result) in enumerate(pictures):
        if isinstance(result, PictureError):
            skipped.append({"file": name, "reason": str(result)})
            continue
        pixels[len(kept)] = to_input(result)
        sizes.append(result.size)
        kept.append(position)
    if not kept:
        raise ValueError(f"{source.path}: none of {len(entries)} pictures could be read; first: {skipped[0]}.")
    records = entries.iloc[kept].reset_index(drop=True)
    records["label"] = records["emotion"].map(stress_label)
    records[["width", "height"]] = sizes
    return records, pixels[: len(kept)], pd.DataFrame(skipped, columns=["file", "reason"])


def _decode_all(path: Path, names: pd.Series) -> Iterator[tuple]:
    """(name, picture or PictureError) for each file of the zip."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            try:
                yield name, open_picture(archive.read(name))
            except PictureError as error:
                yield name, error
            except (zipfile.BadZipFile, RuntimeError, OSError, EOFError) as error:
                yield name, PictureError(f"unreadable in the zip: {error}")
