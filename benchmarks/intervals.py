"""How long the intervals take: 2,000 resamples of every figure, and of the differences of three models.

python benchmarks/intervals.py [--count 3589] [--classes 7]
"""

import argparse
import time
from types import SimpleNamespace

import numpy as np

from utils.evaluation.bootstrap import measure_classes, measure_stress
from utils.evaluation.comparison import compare_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3589, help="pictures; default: %(default)s, those of FER-2013")
    parser.add_argument("--classes", type=int, default=7, help="default: %(default)s")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    targets = rng.integers(options.classes, size=options.count)
    labels, groups = (targets < options.classes // 2).astype(int), np.arange(options.count)
    rows = {name: simulate_answers(targets, options.classes, rng) for name in ("first", "second", "third")}
    row, names = rows["first"], [str(number) for number in range(options.classes)]
    show("two labels", measure_stress, labels, row.p_stress, groups)
    show(f"{options.classes} classes", measure_classes, targets, row.probabilities, names, groups)
    show("three pairs of models, both", compare_rows, rows, labels, targets, groups)


def simulate_answers(targets: np.ndarray, classes: int, rng: np.random.Generator) -> SimpleNamespace:
    """Class probabilities that favour the truth; the first half of the classes counts as Stress."""
    probabilities = 0.4 * np.eye(classes)[targets] + 0.6 * rng.dirichlet(np.ones(classes), len(targets))
    return SimpleNamespace(probabilities=probabilities, p_stress=probabilities[:, : classes // 2].sum(axis=1))


def show(what: str, measure, *arguments) -> None:
    """Print how long a call takes: by the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    measure(*arguments)
    print(f"{what}: {time.perf_counter() - clock:.1f} s ({time.process_time() - processor:.1f} s of the processor)")


if __name__ == "__main__":
    main()
