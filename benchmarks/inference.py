"""How long an answer takes: about a photograph with face search, with what moved it, and from the command line.

python benchmarks/inference.py [--model DIR] [--count 4000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from utils.inference.classifier import Classifier, find_model
from utils.inference.explain import explain
from utils.paths import SAMPLE
from utils.pictures import SIDE, encode_png


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the shipped, or the newest run's")
    parser.add_argument("--count", type=int, default=4000, help="pictures; default: %(default)s")
    options = parser.parse_args()
    model = options.model or find_model()
    with tempfile.TemporaryDirectory() as folder:
        write_noise(Path(folder), options.count)
        first, last = time_answers(Path(folder), model)
    print(f"model: {model}")
    print_single(Classifier.load(model))
    print(f"first answer {first:.2f} s after the start of the process")
    print(f"{options.count:,} pictures in {last:.1f} s ({options.count / last:,.0f} a second, start included)")


def print_single(classifier: Classifier) -> None:
    """Milliseconds for scikit-image's portrait of an astronaut, 512x512: the answer, and the panel behind it."""
    picture = encode_png(skimage.data.astronaut())
    prediction = classifier.predict(picture)
    started = time.perf_counter()
    explain(classifier, prediction, SAMPLE)
    print(f"the first panel took {1e3 * (time.perf_counter() - started):.0f} ms")
    for name, work in {
        "answer about a 512x512 photograph": lambda: classifier.predict(picture),
        "answer about a 48x48 crop": lambda: classifier.predict(encode_png(prediction.picture[0])),
        "panel": lambda: explain(classifier, prediction, SAMPLE),
    }.items():
        seconds = timeit.repeat(work, number=1, repeat=30)
        print(f"{name}: median {1e3 * np.median(seconds):.1f} ms, best {1e3 * min(seconds):.1f} ms")


def write_noise(folder: Path, count: int) -> None:
    """PNGs of random pixels: the slowest to decode."""
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06}.png")


def time_answers(folder: Path, model: Path) -> tuple[float, float]:
    """Seconds from the start of the process to the first row, and to its end."""
    words = [sys.executable, "-m", "utils.inference", folder, "--model", model, "--format", "csv"]
    started = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        process.stdout.readline()
        process.stdout.readline()
        first = time.perf_counter() - started
        process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {process.returncode}; expected 0")
    return first, time.perf_counter() - started


if __name__ == "__main__":
    main()
