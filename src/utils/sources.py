"""Where raw data come from: a path, Kaggle, or the embedded sample."""

import hashlib
from pathlib import Path

from utils.paths import SAMPLE

KAGGLE = "kaggle:"

DECISIONS_ENDING = ".decisions.csv"


def fetch_source(source: str) -> Path:
    """The raw data's absolute path; Kaggle's are downloaded, the embedded sample stands in for none.

    Args:
        source: a path (`~` is expanded), `kaggle:<owner>/<name>`, or empty.

    Raises:
        FileNotFoundError: there is nothing at that path.
        ValueError: Kaggle's data could not be had; the message says how to get them.
    """
    if source.startswith(KAGGLE):
        return _download(source.removeprefix(KAGGLE))
    path = Path(source).expanduser().resolve() if source else SAMPLE
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


def fingerprint_source(source: str) -> str:
    """What tells whether raw data or decisions on them changed: names, sizes and times; no file is read."""
    if source.startswith(KAGGLE):
        return source
    path = fetch_source(source)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    files += [find_decisions(path)] * find_decisions(path).exists()
    digest = hashlib.sha256(str(path).encode())
    for file in files:
        status = file.stat()
        if not file.is_dir():
            digest.update(f"{file}\n{status.st_size}\n{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
