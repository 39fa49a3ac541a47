"""Seconds and memory that reading, audit (near-duplicates among it) and splits take of many pictures: docs/speed.md.

python benchmarks/preparing.py [--sizes 32000 128000] [--out docs/preparing.json] [--doc]

The pictures are faces of the sample under noise, one in fifty a copy of another, moved and darkened, in a zip of
class folders. Each size is prepared as notebook 1 does it, in a process of its own. Memory is what the process
holds for itself (RssAnon, Linux): pages of mapped files, which the system takes back when it needs them, do not count.
`--doc` measures nothing and writes what was saved into docs/speed.md.
"""

import argparse
import io
import re
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from alone import call_alone, scratch_checkout
from facts import DOC, describe_place, fill_doc, say_where
from PIL import Image

from utils.data.audit import audit_pictures, count_findings
from utils.data.dataset import write_dataset
from utils.data.ingest import inspect_source, read_pictures
from utils.data.splits import assign_splits
from utils.files import read_json, write_json
from utils.labels import EMOTIONS
from utils.paths import CHECKOUT, ROOT, SAMPLE, Run
from utils.pictures import SIDE
from utils.quiet import track

SIZES = (32_000, 128_000)
EXTRAPOLATED = 500_000
MOST_MB = 4000
"""That preparing half a million pictures may take."""

PHASES = {"reading": (0, 1), "audit": (1, 2), "splits and writing": (0, 1)}
"""What is measured, and the powers of the number of pictures that its time is taken to grow with."""

_FACES, _COPIED, _SHARE = 500, 50, 0.5
"""Faces of the sample that are used; one picture in so many is a copy; how much of a picture is the face."""


def write_zip(path: Path, count: int) -> None:
    """That many pictures in class folders: JPEG, 48x48."""
    rng = np.random.default_rng(0)
    _, faces, _ = read_pictures(inspect_source(CHECKOUT / SAMPLE.relative_to(ROOT)), _FACES)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)) + 1 / SIDE
    with zipfile.ZipFile(path, "w") as archive:
        for number in track(range(count), count, "picture", "Writing pictures"):
            if number % _COPIED:
                noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(SIDE, SIDE))) / frequency)[..., None]
                face = faces[rng.integers(len(faces))][:, :: rng.choice([-1, 1])]
                picture = _SHARE * face + (1 - _SHARE) * (127 + 50 * noise / noise.std())
            else:
                picture = np.roll(picture, 1, axis=1) * 0.9 if number else faces[0]
            buffer = io.BytesIO()
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(buffer, format="JPEG", quality=90)
            archive.writestr(f"{EMOTIONS[number % len(EMOTIONS)]}/{number:06}.jpg", buffer.getvalue())


def prepare(path: Path) -> dict:
    """A zip's pictures, those with near-duplicates, and of each phase of notebook 1 `seconds` and `peak_mb`."""
    figures: dict[str, dict] = {}
    with _measured(figures, "reading"):
        records, pixels, skipped = read_pictures(inspect_source(path))
    with _measured(figures, "audit"):
        records = audit_pictures(records, pixels)
    with _measured(figures, "splits and writing"):
        findings = count_findings(records)
        records = assign_splits(records, 0.1, 0.1, 0)
        write_dataset(Run(path.stem), records, pixels, skipped, path, findings)
    near = int((records["near"] != "").sum())
    return {"pictures": len(records), "with_near_duplicates": near, "phases": figures}


@contextmanager
def _measured(figures: dict, name: str) -> Iterator[None]:
    """Adds the seconds that a block takes, and the most memory that it was seen to hold, to the figures."""
    over, seen = threading.Event(), [_read_memory()]

    def watch() -> None:
        while not over.wait(0.05):
            seen.append(max(seen.pop(), _read_memory()))

    watcher, started = threading.Thread(target=watch), time.perf_counter()
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    figures[name] = {"seconds": time.perf_counter() - started, "peak_mb": max(seen[0], _read_memory())}


def _read_memory() -> float:
    """What this process holds for itself now, in MB."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[1]) / 1024


def extrapolate(sizes: list[dict], name: str) -> dict:
    """A phase at EXTRAPOLATED pictures, from the two largest sizes: memory by a straight line, seconds by PHASES."""
    counts = np.array([size["pictures"] for size in sizes[-2:]], float)
    found = {}
    for figure, powers in (("seconds", PHASES[name]), ("peak_mb", (0, 1))):
        factors = np.linalg.solve(counts[:, None] ** powers, [size["phases"][name][figure] for size in sizes[-2:]])
        found[figure] = float(factors @ np.power(float(EXTRAPOLATED), powers))
    return found


def describe(figures: dict) -> str:
    """The part of docs/speed.md: a row a phase, a column a size, and half a million extrapolated."""
    sizes = figures["sizes"]
    heads = [f"{size['pictures']:,} pictures" for size in sizes] + [f"{EXTRAPOLATED:,}, extrapolated"]
    lines = [say_where(figures["place"]), "", f"| | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    expected = {name: extrapolate(sizes, name) for name in PHASES}
    for name in PHASES:
        found = [*(size["phases"][name] for size in sizes), expected[name]]
        cells = [f"{each['seconds']:,.0f} s, {each['peak_mb']:,.0f} MB" for each in found]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    most = max(each["peak_mb"] for each in expected.values())
    return "\n".join(
        [*lines, "", f"So {EXTRAPOLATED:,} pictures should take {most:,.0f} MB (wanted: at most {MOST_MB:,} MB)."]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="two at least; default: %(default)s")
    parser.add_argument("--out", type=Path, default=DOC.with_name("preparing.json"), help="default: %(default)s")
    parser.add_argument("--doc", action="store_true", help="measure nothing: write what was saved into docs/speed.md")
    options = parser.parse_args()
    if len(options.sizes) < 2:
        parser.error("--sizes: expected two at least, by which more are extrapolated")
    if not options.doc:
        place, found = describe_place(), []
        with scratch_checkout(), tempfile.TemporaryDirectory() as folder:
            for size in options.sizes:
                path = Path(folder) / f"size-{size}.zip"
                call_alone(write_zip, path, size)
                found.append(call_alone(prepare, path))
        write_json(options.out, {"place": place, "sizes": found})
    content = describe(read_json(options.out))
    if options.doc:
        fill_doc("preparing", content)
    print(content)


if __name__ == "__main__":
    main()
