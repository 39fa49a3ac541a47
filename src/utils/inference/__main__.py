"""`python -m utils.inference PATH...`: pictures in, one row each out. No TensorFlow."""

import argparse
import csv
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm.std import tqdm

from utils.inference.classifier import CANNOT_SAY, NO_FACE, Classifier, Prediction, find_model
from utils.inference.faces import FACE_MODES, WHOLE_UP_TO, Crop, set_small_apart, take_crops
from utils.inference.picture_files import find_pictures
from utils.inference.reasons import REASONS, count_small
from utils.pictures import ENOUGH, PictureError, open_picture

COLUMNS = ("path", "label", "confidence", "p_stress", "status", "reason")

DETAILS = ("frequency", "box", "probabilities")
"""What a row holds besides in JSON."""

_BATCH_SIZE = 64

_BATCH_SECONDS = 0.25

_BAR_FROM = 50


def main(arguments: list[str] | None = None) -> int:
    """Answer about every picture that the command line names.

    Returns:
        The exit status: 0 every picture was read, 1 at least one was not or a row could not be written, 2 there is no
        usable model.
    """
    if sys.stderr is None:
        # closed (`2>&-`): print would take stdout in its place
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    options = _parse(arguments)
    if sys.stdout is None:
        print("error: stdout is closed, and the rows go there", file=sys.stderr)
        return 1
    try:
        folder = options.model or find_model()
        classifier = Classifier.load(folder)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.model is None:
        print(f"model: {folder}", file=sys.stderr)
    # a name in another encoding must not end the run; each row is to appear when it is there
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    # Pillow would complain about metadata that changes no answer
    warnings.filterwarnings("ignore", module="PIL")
    try:
        found, passed_over = find_pictures(options.paths)
        if passed_over:
            print(_say_passed_over(passed_over), file=sys.stderr)
        return _print_answers(classifier, found, options)
    except OSError as error:
        # the flush at exit must not fail as well
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # a reader that has enough (`| head`) is no error
        if not isinstance(error, BrokenPipeError):
            print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m utils.inference",
        description="Stress or Non-stress, or that nothing can be said: a row for each face, a picture's surest first,"
        " and one that counts further faces that are too small."
        " Exit status: 0 every picture was read, 1 one could not be, 2 wrong usage or no model.",
        epilog="The answer is about an expression that people labelled as stress-related. It is no measure of stress,"
        " emotion or health; do not use it to judge anyone.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, a folder of pictures, or a quoted pattern")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="a saved model's folder; default: the shipped, or the newest run's"
    )
    parser.add_argument(
        "--format",
        choices=_WRITERS,
        default="table",
        help=f"default: %(default)s; json adds {', '.join(DETAILS)}",
    )
    parser.add_argument(
        "--face",
        choices=FACE_MODES,
        default="auto",
        help="crop: each picture is one face; detect: search for faces; auto, the default: a square picture of at"
        f" most {WHOLE_UP_TO} pixels is one face, any other is searched",
    )
    options = parser.parse_args(arguments)
    if "" in options.paths:
        parser.error("a PATH is empty: expected a picture, a folder (. is this one), or a pattern")
    return options


def _say_passed_over(files: list[Path]) -> str:
    named = ", ".join(map(str, files[:5])) + (", ..." if len(files) > 5 else "")
    count = f"{len(files):,} file{'s' * (len(files) > 1)}"
    return _make_printable(f"passed over {count} that by name are no pictures: {named}")


def answer_pictures(classifier: Classifier, found: dict[Path, str], face: str = "auto") -> Iterator[dict]:
    """One row a face, in the order of the pictures, as soon as it is known; a picture without a face has one too.

    Faces that are too small beside others share one row, without `p_stress`.

    Args:
        classifier: takes the faces in batches.
        found: from `find_pictures`.
        face: how faces are taken, see `utils.inference.faces.take_crops`.

    Yields:
        By name, COLUMNS and DETAILS, of which None is what there is not. `status` is "ok", or "cannot say" (`label`
        and `confidence` are None; `p_stress` is there whenever there was a face), or "error" (only `reason`).
    """
    for batch in _read_ahead(_read_batches(found, face)):
        crops = [crop for _, result in batch if isinstance(result, list) for crop in set_small_apart(result)[0]]
        answers: Iterator[Prediction] = iter(classifier.judge(crops))
        for path, result in batch:
            if isinstance(result, str):
                yield _make_row(path, Prediction("error"), result)
            else:
                kept, small = set_small_apart(result)
                for prediction in [next(answers) for _ in kept] or [NO_FACE]:
                    code = prediction.reason
                    yield _make_row(path, prediction, f"{code}: {REASONS[code]['en']}" if code else None)
                if small:
                    yield _make_row(path, Prediction(CANNOT_SAY), f"too_small: {count_small(small, 'en')}")


def _make_row(path: Path, prediction: Prediction, reason: str | None) -> dict:
    row = {name: getattr(prediction, name) for name in (*COLUMNS[1:-1], *DETAILS)}
    row |= {name: None if row[name] is None else round(row[name], 6) for name in ("confidence", "p_stress")}
    return {"path": str(path), **row, "reason": reason}


def _read_batches(found: dict[Path, str], face: str) -> Iterator[list[tuple[Path, list[Crop] | str]]]:
    """Batches of (path, faces or why there are none); large pictures come in small ones, so that nobody waits."""
    batch, started = [], time.monotonic()
    for path, problem in found.items():
        batch.append((path, problem or _read(path, face)))
        if len(batch) == _BATCH_SIZE or time.monotonic() - started > _BATCH_SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch


def _read(path: Path, face: str) -> list[Crop] | str:
    try:
        return take_crops(open_picture(path, enough=ENOUGH), face)
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


def _print_answers(classifier: Classifier, found: dict[Path, str], options: argparse.Namespace) -> int:
    """Print the rows; 1 where any is an error, else 0."""
    statuses = set()

    def rows() -> Iterator[dict]:
        for row in _with_bar(answer_pictures(classifier, found, options.face), len(found)):
            statuses.add(row["status"])
            yield row

    _WRITERS[options.format](rows(), max(len(str(path)) for path in found))
    return int("error" in statuses)


def _with_bar(rows: Iterable[dict], total: int) -> Iterator[dict]:
    """The rows, their pictures counted on stderr where that helps: rows on a terminal are their own progress."""
    shown = not sys.stdout.isatty() and (sys.stderr.isatty() or total > _BAR_FROM)
    # a log file gets a line now and then, not ten a second
    interval = 0.1 if sys.stderr.isatty() else 10
    with tqdm(desc="Answering", total=total, unit="picture", disable=not shown, mininterval=interval) as bar:
        last = None
        for row in rows:
            bar.update(row["path"] != last)
            last = row["path"]
            yield row


def _write_table(rows: Iterable[dict], path_width: int) -> None:
    layout = f"{{:<{path_width}}}  {{:<10}}  {{:>10}}  {{:>8}}  {{:<10}}  {{}}"
    print(layout.format(*COLUMNS))
    for row in rows:
        values = [row[name] for name in COLUMNS]
        cells = ["" if cell is None else f"{cell:.4f}" if isinstance(cell, float) else cell for cell in values]
        print(_make_printable(layout.format(*cells).rstrip()))


def _make_printable(text: str) -> str:
    """The text, without the line breaks and control characters that a file's name may hold."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _write_csv(rows: Iterable[dict], _path_width: int) -> None:
    usual, quoting = (
        csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore", lineterminator="\n", quoting=quoted)
        for quoted in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    usual.writeheader()
    for row in rows:
        # a name may hold a carriage return, which not every version of the module puts in quotes by itself
        (quoting if "\r" in row["path"] else usual).writerow(row)


def _write_json(rows: Iterable[dict], _path_width: int) -> None:
    separator = "[\n"
    for row in rows:
        print(separator, json.dumps(row), sep="", end="")
        separator = ",\n"
    print("\n]")


_WRITERS = {"table": _write_table, "csv": _write_csv, "json": _write_json}


if __name__ == "__main__":
    sys.exit(main())
