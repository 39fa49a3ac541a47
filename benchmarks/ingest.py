"""How fast the pictures of a zip are read and audited, with how much memory, and which copies the audit finds.

python benchmarks/ingest.py ZIP

Copies are planted: crops of a share of the frame's sides, half of them mirrored, brighter or darker, compressed again.
Those of test pictures ought to be found; those of training pictures that have no near-duplicate ought not to be taken
for copies of any test picture, and would be set aside wrongly.
"""

import io
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from utils.data.audit import audit_pictures
from utils.data.ingest import inspect_source, read_pictures
from utils.data.near_duplicates import find_near_duplicates

BANDS = ((0.8, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.0))
"""Shares of the frame's sides that a crop shows."""

PLANTED = 250
"""In each band, and as many controls."""


def crop_anew(picture: np.ndarray, band: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """A crop of a picture, at any place, perhaps mirrored, brighter or darker, as JPEG: uint8 (48, 48, 3), RGB."""
    side = len(picture)
    shown = side * rng.uniform(*band)
    left, top = rng.uniform(0, side - shown, 2)
    image = Image.fromarray(picture[:, :: rng.choice([-1, 1])])
    image = image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + shown, top + shown))
    changed = (np.asarray(image) * rng.uniform(0.75, 1.25)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(changed).save(buffer, format="JPEG", quality=int(rng.integers(30, 81)))
    return np.asarray(Image.open(buffer))


def plant_copies(records: pd.DataFrame, pixels: np.ndarray, count: int, seed: int = 0) -> pd.DataFrame:
    """How many crops of each band are found again, and how many controls are taken for copies.

    Args:
        records: as `audit_pictures` gives them; where no test split is published, every tenth picture tests.
        pixels: uint8 (n, 48, 48, 3), RGB.
        count: of crops in each band, and of controls; fewer where there are not so many pictures.

    Returns:
        `band`, `planted`, `found` (at their own picture), `controls`, `set_aside`.
    """
    rng = np.random.default_rng(seed)
    compared = ~records["flags"].str.contains("blank") & ~records["sha256"].duplicated()
    in_test = records["split"] == "test" if (records["split"] == "test").any() else records.index % 10 == 0
    test = np.flatnonzero(compared & in_test)
    alone = np.flatnonzero(compared & ~in_test & (records["near"] == "") & ~records["sha256"].duplicated(keep=False))
    rows = []
    for band in BANDS:
        sources, controls = rng.permutation(len(test))[:count], rng.permutation(alone)[:count]
        crops = [crop_anew(pixels[i], band, rng) for i in (*test[sources], *controls)]
        origin = np.append(sources, np.full(len(controls), -1))
        first, second = find_near_duplicates(np.concatenate([pixels[test], crops])).T
        across = (first < len(test)) & (second >= len(test))
        first, crop = first[across], second[across] - len(test)
        found = len(np.unique(crop[origin[crop] == first]))
        set_aside = len(np.unique(crop[origin[crop] < 0]))
        rows.append(("{:.0%} to {:.0%}".format(*band), len(sources), found, len(controls), set_aside))
    return pd.DataFrame(rows, columns=["band", "planted", "found", "controls", "set_aside"])


def main() -> None:
    started = time.perf_counter()
    records, pixels, _ = read_pictures(inspect_source(Path(sys.argv[1]).expanduser()))
    read, used = time.perf_counter(), time.process_time()
    records = audit_pictures(records, pixels)
    audited, used = time.perf_counter(), time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = len(records) / (read - started)
    print(f"{len(records):,} pictures read in {read - started:.1f} s ({rate:,.0f} a second)")
    print(f"audited in {audited - read:.1f} s ({used:.1f} s of processor time); peak memory {peak:,.0f} MB")
    print(plant_copies(records, pixels, PLANTED).to_string(index=False))


if __name__ == "__main__":
    main()
