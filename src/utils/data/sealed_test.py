"""The sealed test split: its one reader, which logs each opening, and what the log says."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.dataset import Split, make_split, read_index, read_manifest
from utils.paths import TEST_OPENINGS, Run


def open_test(run: Run, purpose: str, model: Path) -> Split:
    """The sealed test pictures: every opening is appended to reports/test_openings.jsonl.

    Args:
        run: whose data they are.
        purpose: who opens it and why, for the reader of the log.
        model: the saved model's folder; its sha256 goes into the log.
    """
    manifest = read_manifest(run)
    opening = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run.name,
        "purpose": purpose,
        "model": hashlib.sha256((model / "model.tflite").read_bytes()).hexdigest(),
        "data": manifest["fingerprint"],
        "test": manifest["test"],
    }
    TEST_OPENINGS.parent.mkdir(parents=True, exist_ok=True)
    torn = TEST_OPENINGS.exists() and not TEST_OPENINGS.read_bytes().endswith(b"\n")
    with TEST_OPENINGS.open("a", encoding="utf-8") as log:
        log.write("\n" * torn + json.dumps(opening) + "\n")
    index = read_index(run)
    return make_split(run, index[index["split"] == "test"], np.load(run.data / "test_images.npy", mmap_mode="r"))


def find_copies(run: Run, records: pd.DataFrame) -> np.ndarray:
    """Whether each test picture's group also occurs outside test: bool (n,), in the order of its records."""
    index = read_index(run)
    return records["group"].isin(index.loc[index["split"] != "test", "group"]).to_numpy()


def count_openings(run: Run) -> int:
    """How often these test pictures were opened, over all runs of this checkout, however the others were divided."""
    manifest = read_manifest(run)
    # those of earlier versions do not name the test pictures
    return sum(
        manifest["test"] == opening.get("test") or manifest["fingerprint"] == opening["data"]
        for opening in _read_openings()
    )


def _read_openings() -> Iterator[dict]:
    lines = TEST_OPENINGS.read_text(encoding="utf-8").splitlines() if TEST_OPENINGS.exists() else []
    for line in lines:
        with suppress(json.JSONDecodeError):  # a full disk or a power cut left half of one
            yield json.loads(line)
