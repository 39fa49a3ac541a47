"""Raw data as named bytes: a folder or a zip, checked before anything is read from it."""

import stat
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

_LARGEST_FILE = 2**30
_LARGEST_RATIO = 200
"""Bytes of one unpacked file, and unpacked bytes a packed byte, above which a zip is taken for a bomb."""


_STRAY_FILES = {"thumbs.db", "desktop.ini"}


class SourceError(ValueError):
    """Raw data that cannot be used as a whole; the message says what was found and what was expected."""


def is_stray(name: str) -> bool:
    """Whether a file is one that systems leave everywhere: hidden, Thumbs.db, __MACOSX."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "__MACOSX")) for part in parts) or parts[-1].lower() in _STRAY_FILES


class FolderArchive:
    """The files below a folder."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        """Paths inside the folder, with "/", sorted."""
        files = (file for file in self.path.rglob("*") if file.is_file())
        return sorted(file.relative_to(self.path).as_posix() for file in files)

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises SourceError where the whole folder is gone, else OSError."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            if not self.path.is_dir():
                raise SourceError(f"{self.path} vanished while it was being read.") from None
            raise

    def close(self) -> None:
        """Nothing is held open."""


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
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        for info in infos:
            trouble = _find_trouble(info)
            if trouble:
                self._zip.close()
                raise SourceError(f"{path}: {info.filename!r} {trouble}; nothing was read.")
        name, times = (Counter(info.filename for info in infos).most_common(1) or [("", 1)])[0]
        if times > 1:
            self._zip.close()
            raise SourceError(f"{path}: {name!r} occurs {times} times; expected each name once.")
        self._names = sorted(info.filename for info in infos)

    def names(self) -> list[str]:
        """Paths inside the zip, sorted."""
        return self._names

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises OSError where they are damaged."""
        try:
            return self._zip.read(name)
        except Exception as error:
            # zlib.error, lzma.LZMAError and their like share no base class
            raise OSError(f"damaged in the zip: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _find_trouble(info: zipfile.ZipInfo) -> str | None:
    """Why a member of a zip must not be read, or None."""
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    if info.flag_bits & 1:
        return "is encrypted; expected a zip without a password"
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "leads outside the zip; expected names inside it"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link; expected files"
    if info.file_size > _LARGEST_FILE or info.file_size > _LARGEST_RATIO * max(info.compress_size, 4096):
        return f"unpacks to {info.file_size:,} bytes from {info.compress_size:,}; that is taken for a bomb"
    return None


def open_archive(path: Path) -> FolderArchive | ZipArchive:
    """A folder, or else a zip.

    Raises:
        SourceError: there is nothing at the path, or `ZipArchive` refuses it.
    """
    if path.is_dir():
        return FolderArchive(path)
    if not path.exists():
        raise SourceError(f"{path}: there is nothing there.")
    return ZipArchive(path)
