"""`python -m utils.inference PATH...`: pictures in, one row each out. No TensorFlow."""

import argparse
import csv
import glob
import json
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm.std import tqdm

from utils.archives import is_stray
from utils.inference import Classifier, find_model, name_answer
from utils.pictures import PictureError, open_picture, to_input

COLUMNS = ("path", "label", "confidence", "p_stress", "status", "reason")

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Files of a folder with one of these endings are taken for pictures."""

_BATCH_SIZE = 64
_BATCH_SECONDS = 0.25
_BAR_FROM = 50


def main(arguments: list[str] | None = None) -> int:
    """Answer about every picture that the command line names.

    Returns:
        The exit status: 0 all answered, 1 at least one picture was not, 2 there is no usable model.
    """
    options = _parse(arguments)
    try:
        folder = options.model or find_model()
        classifier = Classifier.load(folder)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.model is None:
        print(f"model: {folder}", file=sys.stderr)
    # a name in another encoding must not end the run; each row is to appear when it is there
    sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    # Pillow would complain about metadata that changes no answer
    warnings.filterwarnings("ignore", module="PIL")
    try:
        return _print_answers(classifier, find_pictures(options.paths), options.format)
    except BrokenPipeError:
        # the reader (`| head`) has enough; the flush at exit must not fail as well
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m utils.inference",
        description="Stress or Non-stress, for face pictures. Nothing here looks for the face: it should fill the"
        " picture. Exit status: 0 all answered, 1 a picture could not be read, 2 wrong usage or no model.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, a folder of pictures, or a quoted pattern")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="a saved model's folder; default: the newest run's, or the shipped"
    )
    parser.add_argument("--format", choices=_WRITERS, default="table", help="default: %(default)s")
    return parser.parse_args(arguments)


def find_pictures(words: list[str]) -> dict[Path, str]:
    """The files that the words of a command line stand for.

    Args:
        words: files, folders, and patterns (`faces/*.png`, `faces/**/*.png`) that no shell has expanded.

    Returns:
        By path, each once: "", or why there is nothing to open. A named file is there whatever its name; from a
        folder come, sorted, the files at any depth with a picture's suffix, without hidden and stray ones.
    """
    found = {}
    for path in [path for word in words for path in _expand(word)]:
        found |= _list_folder(path) if _is_folder(path) else {path: ""}
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
    found = {}

    def note(error: OSError) -> None:
        found[Path(error.filename)] = error.strerror

    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not is_stray(name)]
        pictures = [name for name in names if name.lower().endswith(SUFFIXES) and not is_stray(name)]
        found |= {Path(parent, name): "" for name in pictures}
    return dict(sorted(found.items())) or {folder: f"a folder without pictures ({', '.join(SUFFIXES)})"}


def answer_pictures(classifier: Classifier, found: dict[Path, str]) -> Iterator[dict]:
    """One row of COLUMNS a picture, in order, as soon as it is known.

    Args:
        classifier: takes the pictures in batches.
        found: from `find_pictures`.

    Yields:
        `path`; `status` "ok" with `label`, `confidence` (.5 to 1) and `p_stress` (0 to 1), or "error" with `reason`;
        the rest None.
    """
    for batch in _read_ahead(_read_batches(found)):
        pictures = [result for _, result in batch if isinstance(result, np.ndarray)]
        p_stress = iter(classifier.p_stress(classifier.probabilities(np.stack(pictures))) if pictures else ())
        for path, result in batch:
            row = dict.fromkeys(COLUMNS) | {"path": str(path)}
            if isinstance(result, str):
                yield row | {"status": "error", "reason": result}
            else:
                p = float(next(p_stress))
                label, confidence = name_answer(p)
                yield row | {
                    "label": label,
                    "confidence": round(confidence, 6),
                    "p_stress": round(p, 6),
                    "status": "ok",
                }


def _read_batches(found: dict[Path, str]) -> Iterator[list[tuple[Path, np.ndarray | str]]]:
    """Batches of (path, pixels or why there are none); large pictures come in small ones, so that nobody waits."""
    batch, started = [], time.monotonic()
    for path, problem in found.items():
        batch.append((path, problem or _read(path)))
        if len(batch) == _BATCH_SIZE or time.monotonic() - started > _BATCH_SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch


def _read(path: Path) -> np.ndarray | str:
    try:
        return to_input(open_picture(path))
    except PictureError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _read_ahead(batches: Iterator[list]) -> Iterator[list]:
    """The same batches; a thread reads the next one while this one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while batch := coming.result():
            coming = reader.submit(next, batches, None)
            yield batch


def _print_answers(classifier: Classifier, found: dict[Path, str], form: str) -> int:
    """Print the rows; 1 where any is an error, else 0."""
    statuses = set()

    def rows() -> Iterator[dict]:
        for row in _with_bar(answer_pictures(classifier, found), len(found)):
            statuses.add(row["status"])
            yield row

    _WRITERS[form](rows(), max(len(str(path)) for path in found))
    return int("error" in statuses)


def _with_bar(rows: Iterable[dict], total: int) -> Iterable[dict]:
    """The rows, counted on stderr where that helps: rows on a terminal are their own progress."""
    shown = not sys.stdout.isatty() and (sys.stderr.isatty() or total > _BAR_FROM)
    # a log file gets a line now and then, not ten a second
    return tqdm(
        rows, "Answering", total, unit="picture", disable=not shown, mininterval=0.1 if sys.stderr.isatty() else 10
    )


def _write_table(rows: Iterable[dict], path_width: int) -> None:
    layout = f"{{:<{path_width}}}  {{:<10}}  {{:>10}}  {{:>8}}  {{:<6}}  {{}}"
    print(layout.format(*COLUMNS))
    for row in rows:
        cells = ["" if cell is None else f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row.values()]
        # a line break or a control character in a name must not break the table
        print("".join(c if c.isprintable() else "?" for c in layout.format(*cells).rstrip()))


def _write_csv(rows: Iterable[dict], _path_width: int) -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _write_json(rows: Iterable[dict], _path_width: int) -> None:
    separator = "[\n"
    for row in rows:
        print(separator, json.dumps(row), sep="", end="")
        separator = ",\n"
    print("\n]")


_WRITERS = {"table": _write_table, "csv": _write_csv, "json": _write_json}
