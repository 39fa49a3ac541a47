"""How fast the command line answers about 48x48 pictures, and how soon it gives the first answer.

python benchmarks/inference.py [--model DIR] [--count 4000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from utils.inference import find_model
from utils.pictures import SIDE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the newest run's, or the shipped")
    parser.add_argument("--count", type=int, default=4000, help="pictures; default: %(default)s")
    options = parser.parse_args()
    model = options.model or find_model()
    with tempfile.TemporaryDirectory() as folder:
        write_noise(Path(folder), options.count)
        first, last = time_answers(Path(folder), model)
    print(f"model: {model}")
    print(f"first answer {first:.2f} s after the start of the process")
    print(f"{options.count:,} pictures in {last:.1f} s ({options.count / last:,.0f} a second, start included)")


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
