"""data/processed/<run>/: writing it whole, and reading back what is for training and validation."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from utils.csv_files import hash_tables
from utils.data.sources import VOTES
from utils.data.votes import UNJUDGED, UNSURE, list_classes
from utils.files import read_json, replaced_folder, write_json
from utils.labels import CLASS_NAMES, EMOTIONS, NO_MAJORITY, STRESS_CLASSES, name_classes
from utils.paths import Run
from utils.pictures import encode_png, save_pictures

INDEX_COLUMNS = ["file", "sha256", "given", "emotion", "label", "split", "group", "flags"]

OPEN_SPLITS = ("train", "validation", "none")
"""In the order in which images.npy holds their pictures: each is one piece of the mapped file."""

FORMAT = 5
"""Of the files in data/processed/<run>/. Read in another order, pictures would get each other's labels."""


@dataclass(frozen=True)
class Split:
    """The pictures of one or more splits, in the order of the index.

    Attributes:
        records: one row a picture, with INDEX_COLUMNS but `sha256`.
        images: uint8 (n, 48, 48, 3), RGB; memory-mapped.
        targets: float32 (n, classes), columns as the data set's `class_names`: each class's share of the votes, or 1
            for the one class of a picture without; a row of zeros where people say no class.
        labels: int64 (n,), 0 = Non-stress, 1 = Stress, -1 where there is no majority for either.
        votes: int64 (n, classes), how many people saw each class; None where the data set has no votes.
        unsure: int64 (n, 2), how many could not tell, and how many saw no face; None as `votes`.
    """

    records: pd.DataFrame
    images: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    votes: np.ndarray | None = None
    unsure: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray:
        """The class that most people saw, the first of those that tie: int64 (n,), -1 where people say none."""
        return np.where(self.targets.any(axis=1), self.targets.argmax(axis=1), -1)

    def take(self, chosen: np.ndarray) -> "Split":
        """Some of the pictures, in memory unless it is all of them; `chosen` is bool (n,)."""
        if chosen.all():
            return self
        images, records = copy_images(self.images, np.flatnonzero(chosen)), self.records[chosen].reset_index(drop=True)
        votes, unsure = (None if counts is None else counts[chosen] for counts in (self.votes, self.unsure))
        return Split(records, images, self.targets[chosen], self.labels[chosen], votes, unsure)


def write_dataset(
    run: Run,
    records: pd.DataFrame,
    pixels: np.ndarray,
    skipped: pd.DataFrame,
    source: Path,
    findings: dict,
    attributes: pd.DataFrame | None = None,
    votes: pd.DataFrame | None = None,
    stress_classes: Sequence[str] = STRESS_CLASSES,
    show_pictures: bool = True,
) -> dict:
    """Write index.csv, images.npy, test_images.npy, manifest.json, and attributes and votes if any, in one step.

    Args:
        run: its folder data/processed/<run>/ is replaced whole.
        records: with INDEX_COLUMNS, as audited and split.
        pixels: uint8 (n, 48, 48, 3), RGB, in their order.
        skipped: what could not be read: `file`, `reason`.
        source: only its name is kept.
        findings: the audit in numbers.
        attributes: what else is known of some of the pictures, key `file`.
        votes: on the pictures, as `votes.settle_labels` gives them.
        stress_classes: the emotions that count as Stress.
        show_pictures: whether they may be seen in the run's reports.

    Returns:
        The manifest, without time and path: the same data give the same bytes.

    Raises:
        OSError: it cannot be written; what stood there before stays.
        ValueError: the run's name is kept for committed folders.
    """
    run.require_own()
    records = records[INDEX_COLUMNS]
    votes = None if votes is None else records[["file"]].merge(votes.reset_index(names="file"), on="file")
    if attributes is not None:
        attributes = records[["file"]].merge(attributes, on="file")
    class_names = _find_classes(records, votes)
    counts = records.groupby("split")["label"].value_counts().unstack(fill_value=0)
    label_names = dict(enumerate(CLASS_NAMES)) | ({-1: NO_MAJORITY} if -1 in counts else {})
    manifest = {
        "format": FORMAT,
        "run": run.name,
        "source": source.name,
        "class_names": class_names,
        "target": "labels" if votes is None else "votes",
        "stress_classes": [name for name in class_names if name in (*stress_classes, CLASS_NAMES[1])],
        "counts": {
            split: {name: int(row.get(label, 0)) for label, name in label_names.items()}
            for split, row in counts.iterrows()
        },
        "findings": findings,
        "show_pictures": show_pictures,
        "skipped": skipped.to_dict("records"),
        "attributes": None if attributes is None else hash_tables(attributes),
        "votes": None if votes is None else hash_tables(votes),
        "test": hash_tables(records.loc[records["split"] == "test", ["sha256"]]),
    }
    manifest["fingerprint"] = hash_tables(records, *([] if votes is None else [votes]))
    written = records.assign(label=records["label"].where(records["label"] >= 0))
    rows = {split: np.flatnonzero(records["split"] == split) for split in (*OPEN_SPLITS, "test")}
    with replaced_folder(run.data) as folder:
        save_pictures(folder / "images.npy", pixels, np.concatenate([rows[split] for split in OPEN_SPLITS]))
        save_pictures(folder / "test_images.npy", pixels, rows["test"])
        written.astype({"label": "Int64"}).to_csv(folder / "index.csv", index=False)
        if votes is not None:
            votes.to_csv(folder / VOTES, index=False)
        if attributes is not None:
            attributes.to_csv(folder / "attributes.csv", index=False)
        write_json(folder / "manifest.json", manifest)
    return manifest


def _find_classes(records: pd.DataFrame, votes: pd.DataFrame | None) -> list[str]:
    """The classes of which something can be learnt: those with any vote in training, or of any picture."""
    found = set(name_classes(records))
    if votes is not None:
        training = votes["file"].isin(records.loc[records["split"] == "train", "file"])
        found = {name for name in list_classes(votes) if votes.loc[training, name].any()}
    return [name for name in (*EMOTIONS, *CLASS_NAMES) if name in found]


def read_manifest(run: Run) -> dict:
    """What 01 wrote about the data.

    Raises:
        FileNotFoundError: the run has no processed data yet.
        ValueError: another version of this project wrote them.
    """
    path = run.data / "manifest.json"
    if not path.exists():
        raise FileNotFoundError(
            f"No processed data for the run {run.name!r} in {run.data}: run 01_preprocessing first."
        )
    manifest = read_json(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(
            f"The processed data in {run.data} are of format {manifest.get('format')}, expected {FORMAT}:"
            " run 01_preprocessing again."
        )
    return manifest


def read_attributes(run: Run) -> pd.DataFrame | None:
    """What the source's attributes.csv says of the run's pictures, key `file`; None where it has none.

    Columns of numbers are numbers, `subject` is text, what is empty is missing.
    """
    if not (path := run.data / "attributes.csv").exists():
        return None
    return pd.read_csv(path, dtype={"file": str, "subject": str}, keep_default_na=False, na_values=[""])


def read_index(run: Run) -> pd.DataFrame:
    """The records of all the run's pictures, with INDEX_COLUMNS but `sha256`, which would take much memory."""
    columns = [name for name in INDEX_COLUMNS if name != "sha256"]
    index = pd.read_csv(run.data / "index.csv", keep_default_na=False, na_values={"label": [""]}, usecols=columns)
    return index.assign(label=index["label"].fillna(-1).astype(np.int64))


def make_split(run: Run, records: pd.DataFrame, images: np.ndarray) -> Split:
    """Some of the records, with their pictures in the same order."""
    path = run.data / VOTES
    votes = pd.read_csv(path, index_col="file") if path.exists() else None
    return build_split(records, images, read_manifest(run)["class_names"], votes)


def build_split(records: pd.DataFrame, images: np.ndarray, class_names: list[str], votes: pd.DataFrame | None) -> Split:
    """Records and their pictures, in the same order, with what people say of each.

    Args:
        records: with INDEX_COLUMNS, audited: one in which people see no class carries one of the flags UNJUDGED.
        images: uint8 (n, 48, 48, 3), RGB.
        class_names: of the columns of targets and votes.
        votes: index `file`, a column a class and UNSURE; a missing one holds no votes. None where nobody voted.
    """
    records, labels = records.reset_index(drop=True), records["label"].to_numpy(dtype=np.int64)
    targets = np.array(name_classes(records))[:, None] == class_names
    if votes is None:
        return Split(records, images, targets.astype(np.float32), labels)
    table = votes.reindex(index=records["file"], columns=[*class_names, *UNSURE], fill_value=0)
    counts, unsure = (table[names].to_numpy(dtype=np.int64) for names in (class_names, list(UNSURE)))
    people = counts.sum(axis=1, keepdims=True)
    targets = np.where(people, counts / np.maximum(people, 1), targets)
    targets[[bool(set(flags.split()) & set(UNJUDGED)) for flags in records["flags"]]] = 0
    return Split(records, images, targets.astype(np.float32), labels, counts, unsure)


def load_split(run: Run, split: str) -> Split:
    """The training or the validation pictures.

    Raises:
        ValueError: `split` is neither; the test split has `sealed_test`.
        FileNotFoundError: the run has no processed data yet.
    """
    if split not in ("train", "validation"):
        raise ValueError(f"Split {split!r}: expected 'train' or 'validation'; the test split has sealed_test.")
    read_manifest(run)
    index = read_index(run)
    before = index["split"].isin(OPEN_SPLITS[: OPEN_SPLITS.index(split)]).sum()
    records = index[index["split"] == split]
    images = np.load(run.data / "images.npy", mmap_mode="r")[before : before + len(records)]
    return make_split(run, records, images)


def validation_picture(run: Run) -> tuple[bytes, str]:
    """The first validation picture that has a label, as the bytes of a PNG, and the label's name."""
    validation = load_split(run, "validation")
    first = int(np.argmax(validation.labels >= 0))
    return encode_png(validation.images[first]), CLASS_NAMES[validation.labels[first]]


def copy_images(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Some of the pictures in memory, in the order of `positions`.

    Where they come from a mapped file, the memory that its pages took is given back every few pictures.
    """
    mapped: object = images
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    copied = np.empty((len(positions), *images.shape[1:]), images.dtype)
    for start in range(0, len(positions), 16):
        copied[start : start + 16] = images[positions[start : start + 16]]
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # Linux and macOS have it
            mapped.madvise(mmap.MADV_DONTNEED)
    return copied
