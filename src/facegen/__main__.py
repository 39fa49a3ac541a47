"""`python -m facegen --count 7000 --seed 0 --out data/sample/faces.zip`: renders the data set."""

import os

# one thread: the matrices are small, and sums that do not depend on the machine's cores give the same bytes
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse  # noqa: E402
import hashlib  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from tqdm.std import tqdm  # noqa: E402

from facegen.dataset import EMOTIONS, render_faces, write_zip  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Render a data set; 0 where it is written, 2 where it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m facegen", description="Render faces with known expressions.")
    parser.add_argument("--count", type=int, default=7000, help="pictures, of 7 a person; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="other seeds give other people; default: %(default)s")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    options = parser.parse_args(arguments)
    total = options.count // len(EMOTIONS) * len(EMOTIONS)
    try:
        if not options.out.parent.is_dir():
            raise FileNotFoundError(f"--out {options.out}: there is no folder {options.out.parent}.")
        faces = render_faces(options.count, options.seed)
        write_zip(options.out, tqdm(faces, "Rendering faces", total, unit="face", disable=total <= 0))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}: {total:,} faces, {options.out.stat().st_size:,} bytes, sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
