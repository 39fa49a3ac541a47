"""Where raw data come from, and their files as named bytes: a folder or a zip, checked before it is read."""

import hashlib
import os
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

from utils.data.csv_files import SourceError, list_named
from utils.files import find_below, find_obstacle, is_utf8, leads_outside, list_files
from utils.paths import SAMPLE

KAGGLE = "kaggle:"
ATTRIBUTES = "attributes.csv"
DECISIONS_ENDING = ".decisions.csv"

_LARGEST_FILE, _LARGEST_RATIO = 2**30, 200
"""Bytes of one unpacked file, and unpacked bytes a packed byte, above which a zip is taken for a bomb."""

_HARMLESS_FILE = 50_000_000
"""Bytes of an unpacked file up to which the ratio does not matter: a blank picture is packed to next to nothing."""


class FolderArchive:
    """The files below a folder."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        """Paths inside the folder, with "/", sorted.

        Raises:
            SourceError: a folder cannot be read, or a name is no UTF-8.
        """
        names = sorted(file.relative_to(self.path).as_posix() for file in list_files(self.path, _refuse))
        for name in names:
            if not is_utf8(name):
                raise SourceError(f"the name {name!r} is no UTF-8; rename it.")
        return names

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises SourceError where the whole folder is gone, else OSError."""
        path = find_below(self.path, name)
        try:
            if obstacle := find_obstacle(path):
                raise OSError(obstacle)
            return path.read_bytes()
        except OSError:
            if not self.path.is_dir():
                raise SourceError(f"{self.path} vanished while it was being read.") from None
            raise

    def close(self) -> None:
        """Nothing is held open."""


def _refuse(error: OSError) -> None:
    raise SourceError(f"the folder {error.filename!r} cannot be read ({error.strerror}).")


class ZipArchive:
    """The files in a zip.

    Raises:
        SourceError: not a zip, encrypted, a name that leads outside, a link, the same name twice, a bomb.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            # of a newer format, or a name that is no UTF-8, as one damaged byte can make it look
            raise SourceError(f"{path}: expected a folder, a zip or a CSV; it is no whole zip ({error}).") from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            # some zips made on Windows have "\\"
            name = _decode_name(info).replace("\\", "/")
            if name.endswith("/"):
                continue
            trouble = _find_trouble(info) or ("occurs twice; expected each name once" if name in self._members else "")
            if trouble:
                self._zip.close()
                raise SourceError(f"{path}: {name!r} {trouble}; nothing was read.")
            self._members[name] = info

    def names(self) -> list[str]:
        """Paths inside the zip, with "/", sorted."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises OSError where they are damaged."""
        try:
            return self._zip.read(self._members[name])
        except Exception as error:
            # zlib.error, lzma.LZMAError and their like share no base class
            raise OSError(f"damaged in the zip: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _decode_name(info: zipfile.ZipInfo) -> str:
    """A member's name. Many zips hold UTF-8 without its flag, which Python reads as code page 437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _find_trouble(info: zipfile.ZipInfo) -> str | None:
    """Why a member of a zip must not be read, or None."""
    if info.flag_bits & 1:
        return "is encrypted; expected a zip without a password"
    if leads_outside(info.filename):
        return "leads outside the zip; expected names inside it"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link; expected files"
    if info.file_size > min(_LARGEST_FILE, max(_HARMLESS_FILE, _LARGEST_RATIO * info.compress_size)):
        return f"unpacks to {info.file_size:,} bytes from {info.compress_size:,}; that is taken for a bomb"
    return None


def open_archive(path: Path) -> FolderArchive | ZipArchive:
    """A folder, or else a zip.

    Raises:
        SourceError: there is nothing at the path, or a pipe, or `ZipArchive` refuses it.
    """
    if path.is_dir():
        return FolderArchive(path)
    if not path.exists():
        raise SourceError(f"{path}: there is nothing there.")
    if obstacle := find_obstacle(path):
        raise SourceError(f"{path}: {obstacle}; expected a folder, a zip or a CSV.")
    return ZipArchive(path)


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
        SourceError: as `csv_files.list_named`.
    """
    attributes = [file.name for file in csv_path.parent.iterdir() if file.name.lower() == ATTRIBUTES]
    # pathlib's raises where a name is too long
    return attributes + [name for name in list_named(csv_path) if os.path.isfile(find_below(csv_path.parent, name))]  # noqa: PTH113


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
