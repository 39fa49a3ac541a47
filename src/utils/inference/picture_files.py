"""Which files the words of a command line stand for."""

import glob
import os
from pathlib import Path

from utils.files import find_obstacle, is_stray, list_files, walk_folders
from utils.pictures import SUFFIXES


def find_pictures(words: list[str]) -> tuple[dict[Path, str], list[Path]]:
    """The files that the words of a command line stand for, and those that were passed over.

    Args:
        words: files, folders, and patterns (`faces/*.png`, `faces/**/*.png`, `~/faces/*.png`) that no shell has
            expanded.

    Returns:
        By path, each once: "", or why there is nothing to open. A named file is there whatever its name; from a
        folder come, sorted, the files at any depth with a picture's suffix, without hidden and stray ones. Links
        to folders are followed, each folder once. And the other files in those folders, but for stray ones.
    """
    found: dict[Path, str] = {}
    passed_over: list[Path] = []
    for path in [path for word in words for path in _expand(word)]:
        if _is_folder(path):
            pictures, others = _list_folder(path)
            found |= pictures
            passed_over += others
        else:
            found[path] = find_obstacle(path)
    return found, sorted(set(passed_over) - set(found))


def _expand(word: str) -> list[Path]:
    """What a pattern matches, sorted; the word itself where it exists as it is, or nothing matches."""
    if os.path.lexists(word):
        return [Path(word)]
    # pathlib's raises where "~" is followed by the name of no user
    word = os.path.expanduser(word)  # noqa: PTH111
    matches = sorted(set(_match(word)))
    return [path for path in matches if not any(map(is_stray, path.parts[-1:]))] or [Path(word)]


def _match(pattern: str) -> list[Path]:
    """What a pattern matches: glob's own `**` follows links that lead back for as long as the system lets it."""
    before, stars, after = pattern.partition("**")
    if not stars or before[-1:] not in ("", os.sep) or after[:1] not in ("", os.sep):
        return list(map(Path, glob.glob(pattern)))  # noqa: PTH207 (pathlib's takes no absolute pattern)
    starts = glob.glob(before) if before else ["."]  # noqa: PTH207
    if not after.strip(os.sep):
        return list(map(Path, starts))
    folders = [folder for start in starts for folder, _ in walk_folders(Path(start))]
    below = after.lstrip(os.sep)
    return [path for folder in folders for path in _match(os.path.join(glob.escape(str(folder)), below))]  # noqa: PTH118


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # opening it will tell why
        return False


def _list_folder(folder: Path) -> tuple[dict[Path, str], list[Path]]:
    """The pictures in a folder, or why there are none, and the other files."""
    found: dict[Path, str] = {}

    def note(error: OSError) -> None:
        found[Path(error.filename)] = error.strerror or str(error)

    files = [file for file in list_files(folder, note) if not is_stray(file.name)]
    pictures = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    found |= {picture: find_obstacle(picture) for picture in pictures}
    none = {folder: f"a folder without pictures ({', '.join(SUFFIXES)})"}
    return dict(sorted(found.items())) or none, [file for file in files if file not in found]
