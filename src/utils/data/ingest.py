"""Raw data in any layout -> a table of records and the pictures' 48x48 pixels.

python -m utils.data.ingest SOURCE [CLASSES] prints what it takes each folder for.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image

from utils.archives import Archive, open_archive
from utils.csv_files import SourceError
from utils.data.annotations import add_subjects, apply_annotations, read_annotations
from utils.data.classes import find_classes
from utils.data.csv_labels import read_csvs
from utils.data.layouts import Layout, read_folders, settle_splits
from utils.data.sources import fetch_source, is_annotation, list_beside
from utils.files import match_names
from utils.labels import CLASS_NAMES, EMOTIONS, STRESS_CLASSES, name_classes
from utils.pictures import SIDE, PictureError, open_picture, to_input
from utils.quiet import track


@dataclass(frozen=True)
class Source:
    """Raw data and what was found in it; no picture has been opened.

    Attributes:
        path: a folder, a zip, a tar archive, or a CSV.
        archive: reads its files.
        layout: what each file is, after a person's decisions.
        decisions: what those did: `file`, `decision`, `was`, `now`, `why`.
        votes: how many people saw which class: index `file`, a column a class and votes.UNSURE; None where it has none.
        stress_classes: the emotions that count as Stress.
        attributes: the rows of its attributes.csv, as text, key `file`, and the `subject` that its files' names tell;
            None where there is neither.
        said: where it is said what its class names mean: CLASSES, a classes.csv, or "" where nowhere.
    """

    path: Path
    archive: Archive
    layout: Layout
    decisions: pd.DataFrame
    votes: pd.DataFrame | None
    stress_classes: tuple[str, ...]
    attributes: pd.DataFrame | None
    said: str

    def folder_table(self) -> pd.DataFrame:
        """What each folder was taken for: `folder`, `split`, `emotion`, `counts as`, `files`."""
        entries = self.layout.entries
        if self.layout.pixels:
            folder = entries["file"].str.rpartition("#")[0]
        else:
            folder = entries["file"].map(lambda name: str(PurePosixPath(name).parent))
        emotion = entries["given"].where(entries["given"].isin(EMOTIONS), "")
        table = entries.assign(folder=folder, split=entries["split"].replace("", "to be cut"), emotion=emotion)
        table["counts as"] = [CLASS_NAMES[label] for label in entries["label"]] if self.votes is None else "people vote"
        columns = ["folder", "split", "emotion", "counts as"]
        return table.groupby(columns, as_index=False).size().rename(columns={"size": "files"})

    def class_table(self) -> pd.DataFrame:
        """What each class was taken for: `in the data`, `read as`, `counts as`, `pictures`, and three `for example`."""
        rows = []
        for (named, given), part in self.layout.entries.groupby(["named", "given"]):
            counts_as = CLASS_NAMES[part["label"].iloc[0]] if self.votes is None else "people vote"
            rows.append((named, given, counts_as, len(part), ", ".join(part["file"][:3])))
        return pd.DataFrame(rows, columns=["in the data", "read as", "counts as", "pictures", "for example"])


def inspect_source(
    path: Path, classes: str = "", votes: str = "auto", stress_classes: Sequence[str] = STRESS_CLASSES
) -> Source:
    """Find out what a folder, a zip, a tar archive or a CSV holds, from names alone.

    Layouts: split/class, class/split, or class folders, perhaps wrapped in others; FER-2013's CSV of
    pixels; pictures beside a CSV that labels them; a CSV for each split; RAF-DB's list; KDEF's and JAFFE's
    file names. Classes are Stress and Non-stress, or emotions.

    Args:
        path: a folder, a zip, a tar archive, or a CSV.
        classes: what class names or numbers of its own mean, see `classes.read_classes`.
        votes: whether people's votes are used: "auto" where there are any, "required", "off".
        stress_classes: the emotions that count as Stress.

    Raises:
        SourceError: it cannot be used; the message says what was found and what was expected.
        ValueError: `classes`, `votes` or `stress_classes` is not understood.
    """
    require_emotions(stress_classes)
    csv_path = path if path.suffix.lower() == ".csv" and path.is_file() else None
    archive = open_archive(path.parent if csv_path else path)
    try:
        # the folder of a CSV may hold anything
        names = list_beside(csv_path) if csv_path else archive.names()
        translation, said, classes_name = find_classes(path, names, archive.read, classes)
        annotations = read_annotations(path, archive, names, csv_path, votes, translation)
        names = [name for name in names if name not in (annotations.file, classes_name) and not is_annotation(name)]
        voted = set() if annotations.votes is None else set(match_names(annotations.votes.index, names).values())
        layout = read_csvs(archive, names, csv_path.name if csv_path else None, translation, stress_classes)
        layout = layout or read_folders(names, translation, voted, stress_classes)
        layout, annotations = apply_annotations(layout, annotations, path, names, stress_classes)
        passed = [(path.relative_to(archive.path).as_posix(), why) for path, why in archive.passed_over.items()]
        passed += [(name, f"said in {said}, and nothing is called so") for name in sorted(translation.unused)]
        ignored = pd.concat([layout.ignored, pd.DataFrame(passed, columns=["file", "reason"])], ignore_index=True)
        layout = replace(layout, ignored=ignored)
        require_usable(layout)
        settle_splits(layout.entries)
    except SourceError as error:
        archive.close()
        raise SourceError(f"{path}: {error}") from None
    tables = annotations.decisions, annotations.votes, tuple(stress_classes), annotations.attributes
    return Source(path, archive, layout, *tables, said)


def require_emotions(stress_classes: Sequence[str]) -> None:
    """Raise ValueError unless these are emotions, one at least, and not all."""
    if isinstance(stress_classes, str) or not set() < set(stress_classes) < set(EMOTIONS):
        raise ValueError(f"STRESS_CLASSES {stress_classes!r}: expected a list of some of {', '.join(EMOTIONS)}.")


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
        records (`file`, `given`, `emotion`, `label`, `split`, `judgement`, `decision`, `class`, `width`, `height`, and
        `subject` where attributes.csv has it), their pixels (uint8 (n, 48, 48, 3), RGB, in the same order, mapped to a
        temporary file), and skipped (`file`, `reason`).

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
        if not {0, 1} <= set(records["label"]):
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
    return Image.frombytes("L", (SIDE, SIDE), source.layout.pixels[name]).convert("RGB")


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
    if not {0, 1} <= set(entries["label"]):
        found = CLASS_NAMES[entries["label"].max()] if entries["label"].max() >= 0 else "neither"
        labelled = (entries["label"] >= 0).sum()
        raise SourceError(f"a single class: all {labelled} pictures are {found}; expected {' and '.join(CLASS_NAMES)}.")


def main() -> int:
    """Print what the source named on the command line would be taken for; 1 where it cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m utils.data.ingest", description=main.__doc__)
    parser.add_argument("source", nargs="?", default="", help="default: the embedded sample")
    parser.add_argument("classes", nargs="?", default="", help='what its class names mean, as "0=neutral 1=happy"')
    given = parser.parse_args()
    if hasattr(signal, "SIGPIPE"):
        # a reader that has enough (`| head`) is no error
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        source = inspect_source(fetch_source(given.source), given.classes)
        layout = source.layout
        print(source.folder_table().to_string(index=False))
        print(f"\nWhat each class is taken for{f', as {source.said} says' if source.said else ''}:")
        print(source.class_table().to_string(index=False))
        print(f"\n{layout.kind}: {len(layout.entries):,} pictures, {len(layout.ignored):,} files ignored")
        for reason, files in layout.ignored.groupby("reason")["file"]:
            print(f"  {len(files):,} {reason}: {', '.join(files[:3])}{', ...' if len(files) > 3 else ''}")
        print(end="", flush=True)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
