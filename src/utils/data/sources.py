"""Where raw data come from, what stands beside them, and whether any of it changed."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from utils.csv_files import list_named
from utils.files import find_below, is_utf8, list_files
from utils.paths import SAMPLE

KAGGLE = "kaggle:"
ATTRIBUTES = "attributes.csv"
DECISIONS_ENDING = ".decisions.csv"
VOTES, VOTES_ENDING = "votes.csv", ".votes.csv"
FER_PLUS = "fer2013new.csv"
CLASSES_FILE, CLASSES_ENDING = "classes.csv", ".classes.csv"


def fetch_source(source: str) -> Path:
    """The raw data's absolute path; Kaggle's are downloaded, the embedded sample stands in for none.

    Args:
        source: a path (`~` is expanded), `kaggle:<owner>/<name>`, or empty.

    Raises:
        FileNotFoundError: there is nothing at that path.
        ValueError: the path is no UTF-8, or Kaggle's data could not be had; the message says how to get them.
    """
    if source.startswith(KAGGLE):
        return _download(source.removeprefix(KAGGLE))
    # pathlib's raise where "~" is followed by the name of no user, and where a link leads to itself
    path = Path(os.path.realpath(os.path.expanduser(source))) if source else SAMPLE  # noqa: PTH111
    if not is_utf8(str(path)):
        raise ValueError(f"SOURCE={source!r}: the path is no UTF-8; rename it.")
    if path.exists():
        return path
    if source:
        raise FileNotFoundError(f"SOURCE={source}: there is nothing at {path}.")
    raise FileNotFoundError(
        f"No SOURCE given, and the embedded sample is not at {SAMPLE}: give a folder, a zip, a tar archive or a CSV of"
        " labelled faces, for example DATASET=fer2013 SOURCE=~/fer2013.zip"
    )


def _download(dataset: str) -> Path:
    by_hand = f"or download https://www.kaggle.com/datasets/{dataset} by hand and give SOURCE=<the zip>"
    try:
        import kagglehub
    except ImportError:
        raise ValueError(f"SOURCE=kaggle:{dataset} needs kagglehub: run `pip install kagglehub`, {by_hand}.") from None
    try:
        return Path(kagglehub.dataset_download(dataset)).resolve()
    except Exception as error:
        # kagglehub raises whatever its HTTP library does
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"SOURCE=kaggle:{dataset} could not be downloaded ({reason}). Put an API token from"
            f" https://www.kaggle.com/settings into ~/.kaggle/kaggle.json, {by_hand}."
        ) from None


def find_decisions(path: Path) -> Path:
    """Where a person's decisions on labels lie, if there are any: faces.decisions.csv beside faces.zip or faces/."""
    return _find_beside(path, DECISIONS_ENDING)


def find_votes(path: Path) -> Path:
    """Where people's votes lie, if there are any: faces.votes.csv beside faces.zip or faces/."""
    return _find_beside(path, VOTES_ENDING)


def find_classes_files(path: Path) -> list[Path]:
    """The files beside a source that may say what its class names mean: faces.classes.csv, classes.csv."""
    files = [_find_beside(path, CLASSES_ENDING), path.with_name(CLASSES_FILE)]
    return [file for file in files if file.is_file() and file != path]


def _find_beside(path: Path, ending: str) -> Path:
    # faces.tar.gz has two endings
    stem = path.name if path.is_dir() else path.stem.removesuffix(".tar")
    with suppress(OSError):
        # in whatever capitals its ending is written
        for file in sorted(path.parent.iterdir()):
            if file.name.startswith(stem) and file.name.removeprefix(stem).lower() == ending:
                return file
    return path.with_name(f"{stem}{ending}")


def is_annotation(name: str) -> bool:
    """Whether a file of a source says more of its pictures: decisions on their labels, or votes."""
    own = name.rpartition("/")[2].lower()
    return own in (VOTES, FER_PLUS) or own.endswith((DECISIONS_ENDING, VOTES_ENDING))


def list_beside(csv_path: Path) -> list[str]:
    """What belongs to a CSV that is itself the source: attributes and votes in its folder, and the files it names.

    Returns:
        Paths from that folder, of files that are there; nothing else in it is looked at.

    Raises:
        SourceError: as `csv_files.list_named`.
    """
    annotations = (ATTRIBUTES, VOTES, FER_PLUS)
    there = [file.name for file in csv_path.parent.iterdir() if file.name.lower() in annotations]
    # pathlib's raises where a name is too long
    return there + [name for name in list_named(csv_path) if os.path.isfile(find_below(csv_path.parent, name))]  # noqa: PTH113


def fingerprint_source(source: str) -> str:
    """What tells whether raw data or decisions on them changed: names, sizes and times; no picture is read.

    Raises:
        FileNotFoundError, ValueError: as `fetch_source` and `list_beside`.
    """
    if source.startswith(KAGGLE):
        return source
    path = fetch_source(source)
    files = sorted(list_files(path)) if path.is_dir() else [path]
    if path.suffix.lower() == ".csv" and path.is_file():
        files += [path.parent / name for name in list_beside(path)]
    digest = hashlib.sha256(os.fsencode(path))
    beside = [find_decisions(path), find_votes(path), path.with_name(FER_PLUS), *find_classes_files(path)]
    for file in [*files, *beside]:
        # a link to nothing counts as little as what is not there
        with suppress(OSError):
            status = file.stat()
            digest.update(os.fsencode(f"{file}\n{status.st_size}\n{status.st_mtime_ns}\n"))
    return digest.hexdigest()
