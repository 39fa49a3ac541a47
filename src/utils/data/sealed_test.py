"""The sealed test split: its one reader, which logs each model's opening, and what the log says."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.audit import has_flag
from utils.data.dataset import Split, make_split, read_index, read_manifest
from utils.files import read_json
from utils.paths import TEST_OPENINGS, Run


def open_test(run: Run, purpose: str, model: Path) -> Split:
    """The sealed test pictures: each model's first opening is appended to reports/test_openings.jsonl.

    The same model learns nothing new about the same pictures, in whatever run it lies.

    Args:
        run: whose data they are.
        purpose: who opens it and why, for the reader of the log.
        model: the saved model's folder; what it answers by goes into the log as a sha256.
    """
    manifest = read_manifest(run)
    opening = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run.name,
        "purpose": purpose,
        "model": _identify(model),
        "data": manifest["fingerprint"],
        "test": manifest["test"],
    }
    if (opening["model"], opening["test"]) not in {(past["model"], past.get("test")) for past in _read_openings()}:
        _log(opening)
    index = read_index(run)
    return make_split(run, index[index["split"] == "test"], np.load(run.data / "test_images.npy", mmap_mode="r"))


def find_copies(run: Run, records: pd.DataFrame) -> np.ndarray:
    """Whether a copy or near-duplicate of each test picture lies outside test: bool (n,), as its records."""
    index = read_index(run)
    in_group = records["group"].isin(index.loc[index["split"] != "test", "group"])
    return (in_group | has_flag(records, "copied")).to_numpy()


def count_openings(run: Run) -> int:
    """For how many models these test pictures were opened, in this checkout, however the others were divided."""
    manifest = read_manifest(run)
    # those of earlier versions do not name the test pictures
    return len(
        {
            opening["model"]
            for opening in _read_openings()
            if manifest["test"] == opening.get("test") or manifest["fingerprint"] == opening["data"]
        }
    )


def _identify(model: Path) -> str:
    """The sha256 of layers and weights in model.json; of model.tflite in models of earlier versions.

    Two files of one network differ where Keras has numbered its layers otherwise.
    """
    card = model / "model.json"
    known = read_json(card).get("network") if card.exists() else None
    return known or hashlib.sha256((model / "model.tflite").read_bytes()).hexdigest()


def _log(opening: dict) -> None:
    TEST_OPENINGS.parent.mkdir(parents=True, exist_ok=True)
    torn = TEST_OPENINGS.exists() and not TEST_OPENINGS.read_bytes().endswith(b"\n")
    with TEST_OPENINGS.open("a", encoding="utf-8") as log:
        log.write("\n" * torn + json.dumps(opening) + "\n")


def _read_openings() -> Iterator[dict]:
    lines = TEST_OPENINGS.read_text(encoding="utf-8").splitlines() if TEST_OPENINGS.exists() else []
    for line in lines:
        with suppress(json.JSONDecodeError):  # a full disk or a power cut left half of one
            yield json.loads(line)
