"""Training pictures a second of both networks, in each precision that this machine may gain from.

python benchmarks/training.py [--batch 64]
"""

import argparse
from functools import partial

from utils.networks import build_baseline_cnn, build_strong_cnn
from utils.precision import candidates, time_training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="pictures a step; default: %(default)s")
    options = parser.parse_args()
    for name, build in (("classic CNN", build_baseline_cnn), ("stronger network", build_strong_cnn)):
        rates = {precision: time_training(precision, partial(build, 7), options.batch, 5) for precision in candidates()}
        first = rates["float32"]
        print(f"{name}: " + ", ".join(f"{p} {rate:,.0f}/s ({rate / first:.2f}x)" for p, rate in rates.items()))


if __name__ == "__main__":
    main()
