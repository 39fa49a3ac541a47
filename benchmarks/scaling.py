"""Seconds an epoch and peak memory of training on 1,000 to 64,000 pictures: docs/scaling.svg.

python benchmarks/scaling.py [--sizes 1000 4000 16000 64000] [--repeats 3] [--large] [--folder docs] [--doc]

The recipe of the strong network trains a very thin network, so that what grows with the pictures is what takes time
and memory; then one as large as the shipped one, for its memory. Each training is a process of its own, on noise in a
scratch folder. Figures and drawing go to scaling.json and scaling.svg, then into docs/speed.md with `--doc`,
which measures nothing.
"""

import argparse
import io
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from alone import call_alone, scratch_checkout
from facts import DOC, describe_place, fill_doc, say_where, show, spread

from utils.files import read_json, write_json, write_text
from utils.labels import EMOTIONS, stress_label
from utils.pictures import SIDE
from utils.plots.style import MODEL_COLOURS, REFERENCE_COLOUR, plt
from utils.quiet import track

SIZES = (1000, 4000, 16000, 64000)
WIDTHS = ((4,), (8,))
EPOCHS = 6
"""Two for each side of the recipe; the last one, which has nothing left to compile, is timed."""

BATCH_SIZE = 128
LINEAR_WITHIN = 0.15
FLAT_FROM, FLAT_WITHIN = 16000, 0.05
LARGE_SIDE = 40
"""Of the largest pictures that the shipped network was trained on."""

LARGE_MB = 3000
PICTURE_MB = SIDE * SIDE * 3 / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="training pictures; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each size; default: %(default)s")
    parser.add_argument("--widths", type=json.loads, help="of the large network; default: the shipped one's")
    parser.add_argument("--large", action="store_true", help="measure the large network's memory anew, nothing else")
    parser.add_argument("--folder", type=Path, default=DOC.parent, help="of the result; default: %(default)s")
    parser.add_argument("--doc", action="store_true", help="measure nothing: write what was saved into docs/speed.md")
    options = parser.parse_args()
    saved = options.folder / "scaling.json"
    if options.doc:
        fill_doc("scaling", describe(read_json(saved)))
        return
    figures = read_json(saved) if options.large else measure(options.sizes, options.repeats)
    card = read_json(DOC.parents[1] / "models" / "shipped" / "EmotionDetector_2" / "model.json")
    figures |= {"large": measure_large(options.widths or card["training"]["widths"])}
    write_json(saved, figures)
    figures = read_json(saved)
    write_text(options.folder / "scaling.svg", draw(figures))
    print(describe(figures))


def measure(sizes: list[int], repeats: int) -> dict:
    """The content of scaling.json but for `large`: by size, spreads of `seconds`, `processor_seconds` and `peak_mb`."""
    place = describe_place()
    turns = [size for _ in range(repeats) for size in sizes]
    with scratch_checkout():
        for size in track(sizes, len(sizes), "run", "Writing noise"):
            call_alone(write_run, size)
        results = pd.DataFrame([call_alone(train, size) for size in track(turns, len(turns), "training", "Training")])
    found = [
        {"pictures": size} | {name: spread(rows[name].tolist()) for name in rows.columns.drop("pictures")}
        for size, rows in results.groupby("pictures")
    ]
    return {"place": place, "batch_size": BATCH_SIZE, "repeats": repeats, "sizes": found}


def measure_large(widths: list[list[int]]) -> dict:
    """`large` of scaling.json: `peak_mb` of a network with that many filters, in one epoch."""
    place = describe_place()
    with scratch_checkout():
        call_alone(write_run, SIZES[0])
        peak = call_alone(train, SIZES[0], widths, [LARGE_SIDE], 1)["peak_mb"]
    return {"place": place, "pictures": SIZES[0], "widths": widths, "peak_mb": peak}


def write_run(size: int) -> None:
    """A processed run of noise with that many training pictures, and a tenth as many for validation."""
    from utils.data.dataset import write_dataset
    from utils.paths import Run

    rng = np.random.default_rng(0)
    splits = rng.permutation(np.repeat(["train", "validation", "test"], [size, size // 10, 1]))
    emotions = rng.choice(EMOTIONS, len(splits))
    records = pd.DataFrame(
        {
            "file": [f"{emotion}/{number:06}.png" for number, emotion in enumerate(emotions)],
            "sha256": [rng.bytes(32).hex() for _ in splits],
            "given": emotions,
            "emotion": emotions,
            "label": [stress_label(emotion) for emotion in emotions],
            "split": splits,
            "group": np.arange(len(splits)),
            "flags": "",
        }
    )
    pixels = rng.integers(0, 256, (len(splits), SIDE, SIDE, 3), np.uint8)
    skipped = pd.DataFrame({"file": [], "reason": []})
    write_dataset(Run(f"size-{size}"), records, pixels, skipped, Path("noise"), {})


def train(size: int, widths=WIDTHS, sides: Sequence[int] = (), epochs: int = EPOCHS) -> dict:
    """The last epoch's seconds, by the clock and of the processor, and this process's peak memory in MB."""
    # here, so that the process that starts all others stays small: they inherit its peak
    from training import AUGMENTATION

    from utils.data.dataset import load_split, read_manifest
    from utils.models.recipe import Recipe, choose_sides
    from utils.models.store import Store
    from utils.models.strong_training import train_strong
    from utils.paths import Run

    run, marks = Run(f"size-{size}"), []

    def mark(*_):
        marks.append((time.perf_counter(), time.process_time()))

    splits = [load_split(run, name) for name in ("train", "validation")]
    recipe = Recipe(
        "strong_cnn", tuple(map(tuple, widths)), choose_sides(list(sides), epochs), BATCH_SIZE, "float32", AUGMENTATION
    )
    mark()
    with tempfile.TemporaryDirectory() as folder:
        train_strong(recipe, *splits, read_manifest(run)["class_names"], 0, Store(Path(folder)), watch=mark)
    seconds, processor = np.subtract(marks[-1], marks[-2]).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"pictures": size, "seconds": seconds, "processor_seconds": processor, "peak_mb": peak}


def describe(figures: dict) -> str:
    """The part of docs/speed.md: drawing, table, and whether time is linear and memory flat."""
    sizes, seconds, peaks = _medians(figures)
    fixed, each = fit_line(sizes, seconds)
    off = np.abs((fixed + each * sizes) / seconds - 1).max()
    first = min(np.searchsorted(sizes, FLAT_FROM), len(sizes) - 1)
    growth = peaks[-1] / peaks[first] - 1
    pixels = (sizes[-1] - sizes[first]) * PICTURE_MB
    alt = (
        f"Two panels over {sizes[0]:,} to {sizes[-1]:,} training pictures. Left, seconds an epoch: {seconds[0]:.2g} to "
        f"{seconds[-1]:.2g}, beside a straight line through them. Right, peak memory in MB: {peaks[0]:,.0f} to "
        f"{peaks[-1]:,.0f}, beside a line that grows with the pictures' pixels."
    )
    lines = [
        f"![{alt}](scaling.svg)",
        "",
        f"{say_where(figures['place'])} All of it: [scaling.json](scaling.json).",
        "",
        "| training pictures | seconds an epoch | processor seconds | peak memory |",
        "|---:|---|---|---|",
    ]
    for row in figures["sizes"]:
        cells = [
            show(row[name], unit) for name, unit in (("seconds", "s"), ("processor_seconds", "s"), ("peak_mb", "MB"))
        ]
        lines.append(f"| {row['pictures']:,} | {' | '.join(cells)} |")
    linear, flat = ("" if kept else "not " for kept in (off <= LINEAR_WITHIN, growth <= FLAT_WITHIN))
    lines += [
        "",
        f"Time is {linear}linear: at every size, an epoch takes within {off:.0%} (wanted: {LINEAR_WITHIN:.0%}) of "
        f"{fixed:.2f} s and {1e6 * each:,.0f} s for a million pictures. Memory is {flat}flat: from {sizes[first]:,} to "
        f"{sizes[-1]:,} pictures its peak grows by {growth:.0%} (wanted: at most {FLAT_WITHIN:.0%}), "
        f"{peaks[-1] - peaks[first]:,.0f} MB, and the pictures themselves by {pixels:,.0f} MB.",
        "",
        _describe_large(figures["large"]),
    ]
    return "\n".join(lines)


def _describe_large(large: dict) -> str:
    filters = [count for stage in large["widths"] for count in stage]
    return (
        f"A network of the shipped one's widths, {filters[0]} to {filters[-1]} filters, on {large['pictures']:,} "
        f"pictures of {LARGE_SIDE}x{LARGE_SIDE}: peak memory {large['peak_mb']:,.0f} MB "
        f"(wanted: at most {LARGE_MB:,} MB)."
    )


def fit_line(sizes: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """Seconds that an epoch takes whatever its size, and seconds a picture: least squares of the relative errors."""
    terms = np.stack([np.ones(len(sizes)), sizes], axis=1) / seconds[:, np.newaxis]
    fixed, each = np.linalg.lstsq(terms, np.ones(len(sizes)))[0]
    return float(fixed), float(each)


def draw(figures: dict) -> str:
    """SVG: time and memory over the number of pictures, medians with the range of all trainings."""
    sizes, seconds, peaks = _medians(figures)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    reference = {"color": REFERENCE_COLOUR, "linestyle": "--", "linewidth": 1.2}
    fixed, each = fit_line(sizes, seconds)
    line = np.geomspace(sizes[0], sizes[-1])
    left.plot(line, fixed + each * line, **reference, label="a straight line, on these axes bent")
    right.plot(
        sizes, peaks[0] + (sizes - sizes[0]) * PICTURE_MB, **reference, label="if all pixels were held in memory"
    )
    for ax, name in ((left, "seconds"), (right, "peak_mb")):
        median, low, high = (
            np.array([row[name][key] for row in figures["sizes"]]) for key in ("median", "low", "high")
        )
        ax.errorbar(
            sizes,
            median,
            [median - low, high - median],
            fmt="o-",
            capsize=3,
            color=MODEL_COLOURS["EmotionDetector_2"],
            label=f"median and range of n = {figures['repeats']} trainings",
        )
        ax.set_xscale("log")
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        ax.minorticks_off()
        ax.set_xlabel("training pictures")
        ax.legend(loc="upper left")
    left.set(title="Time", yscale="log", ylabel="one epoch [s]")
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    right.set(title="Memory", ylabel="peak memory [MB]", ylim=(0, None))
    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "scaling"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    return buffer.getvalue()


def _medians(figures: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, and medians of seconds and of megabytes."""
    rows = figures["sizes"]
    seconds, peaks = (np.array([row[name]["median"] for row in rows]) for name in ("seconds", "peak_mb"))
    return np.array([row["pictures"] for row in rows]), seconds, peaks


if __name__ == "__main__":
    main()
