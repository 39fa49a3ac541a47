"""Raw data in any layout -> a table of records and the pictures' 48x48 pixels.

python -m utils.data.ingest SOURCE [CLASSES] prints what it takes each folder for.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image

from utils.data.annotations import add_subjects, apply_decisions, match_attributes, read_attributes
from utils.data.classes import read_classes
from utils.data.csv_files import SourceError
from utils.data.layouts import (
    Layout,
    read_csvs,
    read_folders,
)
from utils.data.sources import (
    DECISIONS_ENDING,
    FolderArchive,
    ZipArchive,
    fetch_source,
    find_decisions,
    list_beside,
    open_archive,
)
from utils.labels import CLASS_NAMES, name_classes
from utils.pictures import SIDE, PictureError, open_picture, to_input
from utils.progress import track


@dataclass(frozen=True)
class Source:
    """Raw data and what was found in it; no picture has been opened.

    Attributes:
        path: a folder, a zip, or a CSV.
        archive: reads its files.
        layout: what each file is, after a person's decisions.
        decisions: what those did: `file`, `decision`, `was`, `now`, `why`.
        attributes: the rows of its attributes.csv, as text, key `file`; None where it has none.
    """

    path: Path
    archive: FolderArchive | ZipArchive
    layout: Layout
    decisions: pd.DataFrame
    attributes: pd.DataFrame | None

    def folder_table(self) -> pd.DataFrame:
        """What each folder was taken for: `folder`, `split`, `emotion`, `counts as`, `files`."""
        entries = self.layout.entries
        if self.layout.pixels:
            folder = entries["file"].str.rpartition("#")[0]
        else:
            folder = entries["file"].map(lambda name: str(PurePosixPath(name).parent))
        columns = ["folder", "split", "emotion", "label"]
        table = entries.assign(folder=folder).groupby(columns, as_index=False).size().rename(columns={"size": "files"})
        table["counts as"] = table["label"].map(lambda label: CLASS_NAMES[label])
        table["split"] = table["split"].replace("", "to be cut")
        return table[["folder", "split", "emotion", "counts as", "files"]]


def inspect_source(path: Path, classes: str = "") -> Source:
    """Find out what a folder, a zip or a CSV holds, from names alone.

    Layouts: split/class, class/split, or class folders, perhaps wrapped in others; FER-2013's CSV of
    pixels; pictures beside a CSV that labels them; a CSV for each split. Classes are Stress and Non-stress, or
    emotions.

    Args:
        path: a folder, a zip, or a CSV.
        classes: what class names or numbers of its own mean, see `classes.read_classes`.

    Raises:
        SourceError: it cannot be used; the message says what was found and what was expected.
        ValueError: `classes` is not understood.
    """
    translation = read_classes(classes)
    csv_path = path if path.suffix.lower() == ".csv" and path.is_file() else None
    archive = open_archive(path.parent if csv_path else path)
    try:
        # the folder of a CSV may hold anything
        names = list_beside(csv_path) if csv_path else archive.names()
        attributes, attributes_name = read_attributes(archive, names, csv_path)
        names = [name for name in names if name != attributes_name and not name.endswith(DECISIONS_ENDING)]
        layout = read_csvs(archive, names, csv_path.name if csv_path else None, translation)
        layout = layout or read_folders(names, translation)
        layout, attributes = match_attributes(layout, attributes, names)
        layout, decisions = apply_decisions(layout, find_decisions(path))
        require_usable(layout)
        settle_splits(layout.entries)
    except SourceError as error:
        archive.close()
        raise SourceError(f"{path}: {error}") from None
    return Source(path, archive, layout, decisions, attributes)


def sample_stratified(entries: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Keep about `count` entries, each split and class in its share and at least two of each; 0 keeps all."""
    if not 0 < count < len(entries):
        return entries
    share = count / len(entries)
    kept = [
        group.sample(n=min(len(group), max(2, round(len(group) * share))), random_state=seed)
        for _, group in entries.groupby(["split", "emotion", "label"])
    ]
    return pd.concat(kept).sort_index().reset_index(drop=True)


def read_pictures(source: Source, count: int = 0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Decode the pictures of a source; those that cannot be read are listed, not fatal.

    Args:
        source: from `inspect_source`.
        count: read about that many, stratified by split and class; 0 reads all.
        seed: which ones, where `count` is given.

    Returns:
        records (`file`, `emotion`, `label`, `split`, `decision`, `class`, `width`, `height`, and `subject` where
        attributes.csv has it), their pixels (uint8 (n, 48, 48, 3), RGB, in the same order, mapped to a temporary
        file), and skipped (`file`, `reason`).

    Raises:
        SourceError: no picture could be read, a label is left without any, or the source vanished.
        OSError: no space left for the pixels.
    """
    entries = sample_stratified(source.layout.entries, count, seed)
    sizes, kept, skipped = [], [], []
    # An unnamed file: memory stays small, and a killed process leaves nothing behind. It is written, then
    # mapped, because writing to a mapped file on a full disk kills the process.
    with tempfile.TemporaryFile() as unnamed:
        pictures = track(_decode_all(source, entries["file"]), len(entries), "picture", "Reading pictures")
        for position, (name, result) in enumerate(pictures):
            if isinstance(result, PictureError):
                skipped.append({"file": name, "reason": str(result)})
                continue
            unnamed.write(to_input(result).tobytes())
            sizes.append(result.size)
            kept.append(position)
        unnamed.flush()
        records = entries.iloc[kept].reset_index(drop=True)
        if records["label"].nunique() < 2:
            first = f"; {skipped[0]['file']!r} is {skipped[0]['reason']}" if skipped else ""
            read = f"{len(kept)} of {len(entries)} pictures could be read{first}"
            raise SourceError(f"{source.path}: {read}. Expected some of each label.")
        pixels = np.memmap(unnamed, dtype=np.uint8, mode="r", shape=(len(kept), SIDE, SIDE, 3))
    records["class"] = name_classes(records)
    records[["width", "height"]] = sizes
    return add_subjects(records, source.attributes), pixels, pd.DataFrame(skipped, columns=["file", "reason"])


def _decode_all(source: Source, names: pd.Series) -> Iterator[tuple[str, Image.Image | PictureError]]:
    """(name, picture or why it cannot be read) for each file."""
    for name in names:
        try:
            yield name, _decode(source, name)
        except PictureError as error:
            yield name, error
        except OSError as error:
            yield name, PictureError(f"unreadable: {error}")


def _decode(source: Source, name: str) -> Image.Image:
    if not source.layout.pixels:
        return open_picture(source.archive.read(name))
    grey = source.layout.pixels[name]
    if grey is None:
        raise PictureError("broken: expected pixels that are whole numbers from 0 to 255")
    return Image.frombytes("L", (SIDE, SIDE), grey).convert("RGB")


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


def main() -> int:
    """Print the table of folders of the source named on the command line, and what CLASSES says as a second word."""
    path, classes = [*sys.argv[1:], "", ""][:2]
    try:
        source = inspect_source(fetch_source(path), classes)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(source.folder_table().to_string(index=False))
    print(
        f"{source.layout.kind}: {len(source.layout.entries):,} pictures, {len(source.layout.ignored):,} files ignored"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
