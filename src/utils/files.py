"""Writing so that a file or folder is either whole or not there: beside, then renamed."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """Read a JSON file that a stage wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


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
