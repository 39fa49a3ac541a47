"""Where raw data come from: a path, Kaggle, or the embedded sample."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from utils.archives import is_utf8, list_files
from utils.paths import SAMPLE

KAGGLE = "kaggle:"

ATTRIBUTES = "attributes.csv"
DECISIONS_ENDING = ".decisions.csv"


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
        f"No SOURCE given, and the embedded sample is not at {SAMPLE}: give a folder, a zip or a CSV of labelled faces,"
        " for example DATASET=fer2013 SOURCE=~/fer2013.zip"
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
    return path.with_name(f"{path.name if path.is_dir() else path.stem}{DECISIONS_ENDING}")


def list_beside(csv_path: Path) -> list[str]:
    """What belongs to a CSV that is itself the source: attributes.csv in its folder, and the files it names.

    Returns:
        Paths from that folder, of files that are there; nothing else in it is looked at.

    Raises:
        SourceError: as `csv_layouts.list_named`.
    """
    # it takes pandas, which is slow to import
    from utils.csv_layouts import list_named

    attributes = [file.name for file in csv_path.parent.iterdir() if file.name.lower() == ATTRIBUTES]
    # pathlib's raises where a name is too long
    return attributes + [name for name in list_named(csv_path) if os.path.isfile(csv_path.parent / name)]  # noqa: PTH113


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
    for file in [*files, find_decisions(path)]:
        # a link to nothing counts as little as what is not there
        with suppress(OSError):
            status = file.stat()
            digest.update(os.fsencode(f"{file}\n{status.st_size}\n{status.st_mtime_ns}\n"))
    return digest.hexdigest()
