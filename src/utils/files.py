"""Files: written whole or not at all, beside and then renamed; listed without what systems leave lying about."""

import json
import os
import shutil
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath


def write_text(path: Path, text: str) -> None:
    """Replace the UTF-8 file `path` in one step; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: dict | list) -> None:
    """Replace a JSON file in one step. Raises ValueError where a number is not finite."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict:
    """Read a JSON file that a stage wrote. Raises ValueError, which names it, where it is broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is broken ({error}): remove it, and run again what wrote it.") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is broken (expected names with values): remove it, and run again what wrote it.")
    return content


def read_cells(notebook: Path) -> list[dict]:
    """The cells of a notebook's file: `cell_type`, `source` (one text), `metadata`.

    Where nothing else is asked of a notebook, nbformat, which checks it, takes a second to import.
    """
    cells = read_json(notebook)["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def fill(text: str, marker: str, content: str) -> str:
    """A document's text with what stands between `<!-- marker -->` and `<!-- /marker -->` replaced.

    Raises:
        ValueError: the markers do not stand there once each.
    """
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"Expected {begin} and {end} once each.")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` that takes its place when the block ends well.

    A killed process leaves at most the folder beside, which the next call sweeps away; `target` is
    never half-written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    beside = target.parent / f".{target.name}.partial-{os.getpid()}"
    beside.mkdir()
    try:
        yield beside
        if target.exists():
            target.rename(target.parent / f".{target.name}.old-{os.getpid()}")
        beside.rename(target)
    finally:
        for leftover in target.parent.glob(f".{target.name}.*-{os.getpid()}"):
            shutil.rmtree(leftover, ignore_errors=True)


_STRAY_FILES = {"thumbs.db", "desktop.ini"}


def is_stray(name: str) -> bool:
    """Whether a file is one that systems leave everywhere: hidden, Thumbs.db, __MACOSX."""
    path = PurePosixPath(name)
    return any(part.startswith((".", "__MACOSX")) for part in path.parts) or path.name.lower() in _STRAY_FILES


_ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def is_archive(name: str) -> bool:
    """Whether a file is an archive by its ending: within another one, it is not opened."""
    return not is_stray(name) and name.lower().endswith(_ARCHIVE_ENDINGS)


def is_utf8(name: str) -> bool:
    """Whether a file's name is text: of bytes that are no UTF-8, Python makes characters that cannot be written."""
    return name.encode(errors="ignore").decode() == name


def leads_outside(name: str) -> bool:
    """Whether a path is absolute, on whatever system, or goes up."""
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def normalise_name(name: str) -> str:
    """A file's name in Unicode's NFC, in which names are compared: macOS writes "è" as two characters."""
    return unicodedata.normalize("NFC", name)


def match_names(wanted: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    """By each wanted name that is there, in whatever form of Unicode, the name under which it is."""
    known = {normalise_name(name): name for name in there}
    found = {name: known.get(normalise_name(name)) for name in wanted}
    return {name: actual for name, actual in found.items() if actual is not None}


def find_below(folder: Path, name: str) -> Path:
    """The path of a file below a folder, whichever form of Unicode its name has there; it need not exist."""
    path = folder / name
    if name.isascii() or os.path.lexists(path):
        return path
    path = folder
    for part in PurePosixPath(name).parts:
        entries = os.listdir(path) if os.path.isdir(path) else []  # noqa: PTH208, PTH112 (pathlib's raise)
        path /= match_names([part], entries).get(part, part)
    return path


def find_obstacle(path: Path) -> str:
    """Why a file must not be opened, or "": a pipe would be waited for for ever."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        # opening it will tell why
        return ""
    return "" if regular else "not a regular file"


def list_files(
    folder: Path,
    on_error: Callable[[OSError], None] | None = None,
    passed: dict[Path, str] | None = None,
) -> list[Path]:
    """All that is no folder below a folder, in no order, without what lies in stray folders; see `walk_folders`."""
    return [Path(parent, name) for parent, names in walk_folders(folder, on_error, passed) for name in names]


def walk_folders(
    folder: Path,
    on_error: Callable[[OSError], None] | None = None,
    passed: dict[Path, str] | None = None,
) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it that are not stray, in no order, each with the names of what is no folder in it.

    Links to folders are followed; a folder that several ways lead to comes once, by its own name where it has one.

    Args:
        folder: where to look.
        on_error: is called for each folder that cannot be read; `filename` names it.
        passed: is filled with the folders that are passed over, and why.
    """
    passed = {} if passed is None else passed
    seen, starts = set(), [folder]
    for start in starts:
        for parent, folders, names in os.walk(start, onerror=on_error):
            real = Path(parent).resolve()
            if real in seen:
                if Path(parent) == start:
                    passed[start] = "a link to a folder that is read by another name"
                folders.clear()
                continue
            seen.add(real)
            passed |= {Path(parent, name): "a hidden folder, or one of a system" for name in folders if is_stray(name)}
            folders[:] = sorted(name for name in folders if not is_stray(name))
            # looked at last: what a link leads to may have a name of its own
            starts += [path for name in folders if (path := Path(parent, name)).is_symlink()]
            yield Path(parent), names
