"""Raw data as named bytes: a folder or a zip, checked before anything is read from it."""

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

_LARGEST_FILE = 2**30
_LARGEST_RATIO = 200
"""Bytes of one unpacked file, and unpacked bytes a packed byte, above which a zip is taken for a bomb."""

_HARMLESS_FILE = 50_000_000
"""Bytes of an unpacked file up to which the ratio does not matter: a blank picture is packed to next to nothing."""

_STRAY_FILES = {"thumbs.db", "desktop.ini"}


class SourceError(ValueError):
    """Raw data that cannot be used as a whole; the message says what was found and what was expected."""


def is_stray(name: str) -> bool:
    """Whether a file is one that systems leave everywhere: hidden, Thumbs.db, __MACOSX."""
    path = PurePosixPath(name)
    return any(part.startswith((".", "__MACOSX")) for part in path.parts) or path.name.lower() in _STRAY_FILES


def is_utf8(name: str) -> bool:
    """Whether a file's name is text: of bytes that are no UTF-8, Python makes characters that cannot be written."""
    return name.encode(errors="ignore").decode() == name


def leads_outside(name: str) -> bool:
    """Whether a path is absolute, on whatever system, or goes up."""
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def find_obstacle(path: Path) -> str:
    """Why a file must not be opened, or "": a pipe would be waited for for ever."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        # opening it will tell why
        return ""
    return "" if regular else "not a regular file"


def list_files(folder: Path, on_error: Callable[[OSError], None] | None = None) -> list[Path]:
    """All that is no folder below a folder, in no order, without what lies in stray folders.

    Links to folders are followed; a folder that several ways lead to is listed once, by its own name where it has one.

    Args:
        folder: where to look.
        on_error: is called for each folder that cannot be read; `filename` names it.
    """
    files, seen, starts = [], set(), [folder]
    for start in starts:
        for parent, folders, names in os.walk(start, onerror=on_error):
            real = Path(parent).resolve()
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not is_stray(name))
            # looked at last: what a link leads to may have a name of its own
            starts += [path for name in folders if (path := Path(parent, name)).is_symlink()]
            files += [Path(parent, name) for name in names]
    return files


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
        path = self.path / name
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
        self._members = {}
        for info in self._zip.infolist():
            # some zips made on Windows have "\\"
            name = info.filename.replace("\\", "/")
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
