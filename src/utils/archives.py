"""Files as named bytes: in a folder, a zip or a tar archive, which are checked before anything in them is read."""

import bz2
import gzip
import lzma
import math
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any

from utils.csv_files import SourceError
from utils.files import find_below, find_obstacle, is_utf8, leads_outside, list_files

_EXPECTED = "a folder, a zip, a tar archive or a CSV"

_LARGEST_FILE, _LARGEST_RATIO = 2**30, 200
"""Bytes of one unpacked file, and unpacked bytes a packed byte, above which an archive is taken for a bomb."""

_HARMLESS_SIZE = 50_000_000
"""Unpacked bytes up to which the ratio does not matter: a blank picture is packed to next to nothing."""

_PACKED_TAR: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""By the first bytes of a file, what unpacks it."""

_OTHERS = {b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a rar archive", b"\x28\xb5\x2f\xfd": "packed by zstd"}
"""By the first bytes of a file, what it is that cannot be read."""


class FolderArchive:
    """The files below a folder."""

    def __init__(self, path: Path):
        self.path = path
        self.passed_over: dict[Path, str] = {}  # folders not looked into, and why, once the names were listed

    def names(self) -> list[str]:
        """Paths inside the folder, with "/", sorted.

        Raises:
            SourceError: a folder cannot be read, or a name is no UTF-8.
        """
        files = list_files(self.path, _refuse, self.passed_over)
        names = sorted(file.relative_to(self.path).as_posix() for file in files)
        if strange := [name for name in names if not is_utf8(name)]:
            raise SourceError(f"the name {strange[0]!r} is no UTF-8; rename it.")
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


class _PackedArchive:
    """The files in a zip or a tar archive, by their paths, with "/"."""

    def __init__(self, path: Path):
        self.path = path
        self.passed_over: dict[Path, str] = {}
        self._members: dict[str, Any] = {}

    def _add(self, name: str, member: Any, trouble: str | None) -> None:
        """Take a file in. Raises SourceError where it is in trouble, leads outside, or is there already."""
        if leads_outside(name):
            trouble = "leads outside the archive; expected names inside it"
        # some zips made on Windows have "\", most tar archives begin with "./"
        name = PurePosixPath(name.replace("\\", "/")).as_posix()
        if name in self._members:
            trouble = trouble or "occurs twice; expected each name once"
        if trouble:
            self.close()
            raise SourceError(f"{self.path}: {name!r} {trouble}; nothing was read.")
        self._members[name] = member

    def names(self) -> list[str]:
        """Paths inside the archive, sorted."""
        return sorted(self._members)

    def close(self) -> None:
        """Close the file."""


class ZipArchive(_PackedArchive):
    """The files in a zip.

    Raises:
        SourceError: not a zip, encrypted, a name that leads outside, a link, the same name twice, a bomb.
    """

    def __init__(self, path: Path):
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            # of a newer format, or a name that is no UTF-8, as one damaged byte can make it look
            raise SourceError(f"{path}: expected {_EXPECTED}; it is no whole zip ({error}).") from None
        for info in self._zip.infolist():
            if not info.filename.endswith(("/", "\\")):
                self._add(_decode_name(info), info, _find_trouble(info))

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
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link; expected files"
    return _find_bomb(info.file_size, info.compress_size)


def _find_bomb(size: int, packed: int, most: float = _LARGEST_FILE) -> str | None:
    """What is wrong where so few packed bytes unpack to so many, or None."""
    if size > min(most, max(_HARMLESS_SIZE, _LARGEST_RATIO * packed)):
        return f"unpacks to {size:,} bytes or more from {packed:,}; that is taken for a bomb"
    return None


class TarArchive(_PackedArchive):
    """The files in a tar archive, plain or packed by gzip, bzip2 or xz; a packed one is unpacked to an unnamed file.

    Raises:
        SourceError: not a whole tar archive, a name that leads outside or is no UTF-8, a link or device, the same name
            twice, a bomb.
        OSError: no space left for what is unpacked.
    """

    def __init__(self, path: Path):
        super().__init__(path)
        self._file = _unpack(path)
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 (it is read until close)
            members = [member for member in self._tar.getmembers() if not member.isdir()]
        except (tarfile.TarError, ValueError) as error:
            self.close()
            raise SourceError(f"{path}: expected {_EXPECTED}; it is no whole archive ({error}).") from None
        for member in members:
            trouble = None if is_utf8(member.name) else "is no UTF-8; rename it"
            trouble = trouble if member.isreg() else "is a link or a device; expected files"
            self._add(member.name, member, trouble or _find_bomb(member.size, path.stat().st_size))

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises OSError where they are damaged."""
        try:
            file = self._tar.extractfile(self._members[name])
            return file.read() if file else b""
        except tarfile.TarError as error:
            raise OSError(f"damaged in the archive: {error}") from None

    def close(self) -> None:
        """Close the file, which removes what was unpacked."""
        self._file.close()


def _unpack(path: Path) -> IO[bytes]:
    """A tar archive's own bytes: the file, or an unnamed one to which it is unpacked."""
    start = _read_start(path)
    unpack = next((unpack for mark, unpack in _PACKED_TAR.items() if start.startswith(mark)), None)
    if unpack is None:
        return path.open("rb")
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 (its reader closes it)
    try:
        with unpack(path, "rb") as file:
            while block := _read_block(path, file):
                unpacked.write(block)
                if trouble := _find_bomb(unpacked.tell(), path.stat().st_size, most=math.inf):
                    raise SourceError(f"{path}: it {trouble}; nothing was read.")
        unpacked.seek(0)
    except (SourceError, OSError):
        unpacked.close()
        raise
    return unpacked


def _read_block(path: Path, file: IO[bytes]) -> bytes:
    try:
        return file.read(2**20)
    except Exception as error:
        # zlib.error, lzma.LZMAError, EOFError and gzip's OSError share no base class
        raise SourceError(f"{path}: expected {_EXPECTED}; it is no whole archive ({error}).") from None


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


Archive = FolderArchive | ZipArchive | TarArchive


def open_archive(path: Path) -> Archive:
    """A folder, a tar archive, or else a zip.

    Raises:
        SourceError: there is nothing at the path, or a pipe, or an archive of another kind; `ZipArchive` or
            `TarArchive` refuses it.
        OSError: as `TarArchive`, or the file cannot be opened.
    """
    if path.is_dir():
        return FolderArchive(path)
    if not path.exists():
        raise SourceError(f"{path}: there is nothing there.")
    if obstacle := find_obstacle(path):
        raise SourceError(f"{path}: {obstacle}; expected {_EXPECTED}.")
    start = _read_start(path)
    for mark, kind in _OTHERS.items():
        if start.startswith(mark):
            raise SourceError(f"{path}: {kind}, which cannot be read here; unpack it and give the folder as SOURCE.")
    if not start.startswith(b"PK") and (start.startswith(tuple(_PACKED_TAR)) or tarfile.is_tarfile(path)):
        return TarArchive(path)
    return ZipArchive(path)
