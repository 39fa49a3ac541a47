"""data/processed/<run>/: writing it whole, and reading back what is for training and validation."""

import hashlib
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from utils.files import read_json, replaced_folder, write_json
from utils.labels import CLASS_NAMES, EMOTIONS, name_classes
from utils.paths import Run
from utils.pictures import encode_png

INDEX_COLUMNS = ["file", "sha256", "emotion", "label", "split", "group", "flags"]

OPEN_SPLITS = ("train", "validation", "none")
"""In the order in which images.npy holds their pictures, so that each is one piece of the mapped file."""

FORMAT = 3
"""Of the files in data/processed/<run>/. Read in another order, pictures would get each other's labels."""


@dataclass(frozen=True)
class Split:
    """The pictures of one or more splits, in the order of the index.

    Attributes:
        records: one row a picture, with INDEX_COLUMNS but `sha256`.
        images: uint8 (n, 48, 48, 3), RGB; memory-mapped.
        targets: int64 (n,), positions in the data set's `class_names`.
        labels: int64 (n,), 0 = Non-stress, 1 = Stress.
    """

    records: pd.DataFrame
    images: np.ndarray
    targets: np.ndarray
    labels: np.ndarray


def write_dataset(
    run: Run,
    records: pd.DataFrame,
    pixels: np.ndarray,
    skipped: pd.DataFrame,
    source: Path,
    findings: dict,
    attributes: pd.DataFrame | None = None,
) -> dict:
    """Write index.csv, images.npy, test_images.npy, manifest.json and, where there are any, attributes.csv in one step.

    Args:
        run: its folder data/processed/<run>/ is replaced whole.
        records: with INDEX_COLUMNS, as audited and split.
        pixels: uint8 (n, 48, 48, 3), RGB, in the order of the records.
        skipped: pictures that could not be read: `file`, `reason`.
        source: where they came from; only its name is kept.
        findings: the audit in numbers.
        attributes: what else is known of some of the pictures, key `file`.

    Returns:
        The manifest. It holds no time and no path, so the same data give the same bytes.

    Raises:
        OSError: it cannot be written; what stood there before stays as it was.
        ValueError: the run's name is kept for committed folders.
    """
    run.require_own()
    records = records[INDEX_COLUMNS]
    if attributes is not None:
        attributes = records[["file"]].merge(attributes, on="file")
    class_names = [name for name in (*EMOTIONS, *CLASS_NAMES) if name in set(name_classes(records))]
    manifest = {
        "format": FORMAT,
        "run": run.name,
        "source": source.name,
        "class_names": class_names,
        "stress_classes": sorted(set(name_classes(records[records["label"] == 1]))),
        "counts": {
            split: {name: int((part["label"] == label).sum()) for label, name in enumerate(CLASS_NAMES)}
            for split, part in records.groupby("split")
        },
        "findings": findings,
        "skipped": skipped.to_dict("records"),
        "attributes": None if attributes is None else _fingerprint(attributes),
        "test": _fingerprint(records.loc[records["split"] == "test", ["sha256"]]),
        "fingerprint": _fingerprint(records),
    }
    rows = {split: np.flatnonzero(records["split"] == split) for split in (*OPEN_SPLITS, "test")}
    with replaced_folder(run.data) as folder:
        _save_rows(folder / "images.npy", pixels, np.concatenate([rows[split] for split in OPEN_SPLITS]))
        _save_rows(folder / "test_images.npy", pixels, rows["test"])
        records.to_csv(folder / "index.csv", index=False)
        if attributes is not None:
            attributes.to_csv(folder / "attributes.csv", index=False)
        write_json(folder / "manifest.json", manifest)
    return manifest


def _fingerprint(table: pd.DataFrame) -> str:
    """sha256 over every row; over records, that includes pixels through their own sha256."""
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()


def _save_rows(path: Path, pixels: np.ndarray, rows: np.ndarray) -> None:
    """Write pixels[rows] as .npy, a part at a time. A mapped file would crash, not raise, on a full disk."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *pixels.shape[1:])}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), 4096):
            file.write(pixels[rows[start : start + 4096]].tobytes())


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

    Columns of numbers are numbers; `subject` is text; what is empty is missing.
    """
    path = run.data / "attributes.csv"
    if not path.exists():
        return None
    return pd.read_csv(path, dtype={"file": str, "subject": str}, keep_default_na=False, na_values=[""])


def read_index(run: Run) -> pd.DataFrame:
    """The records of all the run's pictures, with INDEX_COLUMNS but `sha256`."""
    # the digests are the audit's alone, and would take much of the memory that an index of many pictures needs
    columns = [name for name in INDEX_COLUMNS if name != "sha256"]
    return pd.read_csv(run.data / "index.csv", keep_default_na=False, usecols=columns)


def make_split(run: Run, records: pd.DataFrame, images: np.ndarray) -> Split:
    """Some of the records, with their pictures in the same order."""
    position = {name: i for i, name in enumerate(read_manifest(run)["class_names"])}
    targets = name_classes(records).map(position).to_numpy(dtype=np.int64)
    return Split(records.reset_index(drop=True), images, targets, records["label"].to_numpy(dtype=np.int64))


def load_split(run: Run, split: str) -> Split:
    """The training or the validation pictures.

    Raises:
        ValueError: `split` is neither "train" nor "validation"; the test split has `sealed_test`.
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
    """The first validation picture, as the bytes of a PNG, and its label's name."""
    validation = load_split(run, "validation")
    return encode_png(validation.images[0]), CLASS_NAMES[validation.labels[0]]


def copy_images(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Some of the pictures in memory, in the order of `positions`.

    Where they come from a mapped file, the pages that it took of the process's memory are given back, every few
    pictures: what a process holds does not grow with the file that it reads.
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
