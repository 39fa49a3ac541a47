"""Which files the words of a command line stand for."""

import glob
from pathlib import Path

from utils.files import find_obstacle, is_stray, list_files
from utils.pictures import SUFFIXES


def find_pictures(words: list[str]) -> dict[Path, str]:
    """The files that the words of a command line stand for.

    Args:
        words: files, folders, and patterns (`faces/*.png`, `faces/**/*.png`) that no shell has expanded.

    Returns:
        By path, each once: "", or why there is nothing to open. A named file is there whatever its name; from a
        folder come, sorted, the files at any depth with a picture's suffix, without hidden and stray ones. Links
        to folders are followed.
    """
    found: dict[Path, str] = {}
    for path in [path for word in words for path in _expand(word)]:
        found |= _list_folder(path) if _is_folder(path) else {path: find_obstacle(path)}
    return found


def _expand(word: str) -> list[Path]:
    """What a pattern matches, sorted; the word itself where it exists as it is, or nothing matches."""
    if glob.glob(glob.escape(word)):  # noqa: PTH207 (pathlib's takes no absolute pattern)
        return [Path(word)]
    matches = sorted(map(Path, glob.glob(word, recursive=True)))  # noqa: PTH207
    return [path for path in matches if not any(map(is_stray, path.parts[-1:]))] or [Path(word)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # opening it will tell why
        return False


def _list_folder(folder: Path) -> dict[Path, str]:
    found: dict[Path, str] = {}

    def note(error: OSError) -> None:
        found[Path(error.filename)] = error.strerror or str(error)

    files = list_files(folder, note)
    pictures = [file for file in files if file.name.lower().endswith(SUFFIXES) and not is_stray(file.name)]
    found |= {picture: find_obstacle(picture) for picture in pictures}
    return dict(sorted(found.items())) or {folder: f"a folder without pictures ({', '.join(SUFFIXES)})"}
