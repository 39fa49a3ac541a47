"""The sealed test split: its one reader, which logs each evaluation; that log, and the ledger of published models."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.audit import has_flag
from utils.data.dataset import Split, make_split, read_index, read_manifest
from utils.files import read_json
from utils.paths import SEALED, TEST_EVALUATIONS, TEST_LEDGER, Run

KNOWN_TESTS = {
    "f261949519cc024f153eae7b0d81203b371cc3763fb9315a8b04ecdc8549e68a": "FER-2013's public half, PublicTest",
}
"""Test pictures that have a name, by the manifest's `test`."""

TEST_NAMED = "The test pictures are"
"""How the note begins that gives the name."""


class SealedTest(RuntimeError):
    """A test was asked for where none may be opened; the engine ends a notebook there, and its run goes on."""


def open_test(run: Run, purpose: str, model: Path) -> Split:
    """The sealed test pictures: each model's first evaluation is appended to reports/test_evaluations.jsonl.

    The same model learns nothing new about the same pictures, in whatever run it lies.

    Args:
        run: whose data they are.
        purpose: who evaluates and why, for the reader of the log.
        model: the saved model's folder; what it answers by goes into the log as a sha256.

    Raises:
        SealedTest: this process may open none (`paths.SEALED`).
    """
    if SEALED:
        raise SealedTest(
            f"The test of the run {run.name!r} stays sealed: points of a sweep are compared on validation."
        )
    evaluation = describe_evaluation(run, purpose, model)
    if not any(_is_same(evaluation, past) for past in _read_lines(TEST_EVALUATIONS)):
        _append(TEST_EVALUATIONS, evaluation)
    index = read_index(run)
    return make_split(run, index[index["split"] == "test"], np.load(run.data / "test_images.npy", mmap_mode="r"))


def describe_evaluation(run: Run, purpose: str, model: Path) -> dict:
    """A line of log or ledger, as `make_line`, about a run's sealed test pictures."""
    manifest = read_manifest(run)
    return make_line(run, purpose, model, manifest["fingerprint"], manifest["test"])


def make_line(run: Run, purpose: str, model: Path, data: str, test: str) -> dict:
    """A line of log or ledger, of now: `time`, `run`, `purpose`, and sha256 of `model`, `data` and `test` pictures."""
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "run": run.name, "purpose": purpose}
    return line | {"model": _identify(model), "data": data, "test": test}


def record_published(evaluation: dict) -> None:
    """Append a published model's evaluation to the committed ledger, unless it stands there already.

    `evaluation` is as `describe_evaluation` gives it, with whatever else is to be told.
    """
    if not any(_is_same(evaluation, past) for past in _read_lines(TEST_LEDGER)):
        # of when it was made, not of when it is published
        logged = [past["time"] for past in _read_lines(TEST_EVALUATIONS) if _is_same(evaluation, past)]
        _append(TEST_LEDGER, evaluation | {"time": logged[0] if logged else evaluation["time"]})


def find_copies(run: Run, records: pd.DataFrame) -> np.ndarray:
    """Whether a copy or near-duplicate of each test picture lies outside test: bool (n,), as its records."""
    index = read_index(run)
    in_group = records["group"].isin(index.loc[index["split"] != "test", "group"])
    return (in_group | has_flag(records, "copied")).to_numpy()


def count_evaluations(run: Run) -> int:
    """How often finished models were scored on these test pictures, however the others were divided.

    The log of this checkout counts, and the ledger of what was published, a line of which may stand for several
    `evaluations`.
    """
    manifest = read_manifest(run)
    # those of earlier versions do not name the test pictures
    return _count(
        past
        for past in [*_read_lines(TEST_EVALUATIONS), *_read_lines(TEST_LEDGER)]
        if manifest["test"] == past.get("test") or manifest["fingerprint"] == past["data"]
    )


def count_published(run: str) -> int:
    """How often published models were scored on the test pictures of a published run, by the ledger."""
    tests = {past["test"] for past in _read_lines(TEST_LEDGER) if past["run"] == run}
    return _count(past for test in tests for past in list_published(test))


def _count(evaluations: Iterable[dict]) -> int:
    return sum({past["model"]: past.get("evaluations", 1) for past in evaluations}.values())


def read_notes(run: Run) -> list[str]:
    """What is known of these test pictures, and what the ledger has to say of evaluations on them."""
    test = read_manifest(run)["test"]
    known = [f"{TEST_NAMED} {KNOWN_TESTS[test]}."] if test in KNOWN_TESTS else []
    return known + [past["note"] for past in list_published(test) if "note" in past]


def list_published(test: str) -> list[dict]:
    """The ledger's lines about test pictures, of which `test` is the sha256; the first is the oldest."""
    return [past for past in _read_lines(TEST_LEDGER) if past["test"] == test]


def _identify(model: Path) -> str:
    """The sha256 of layers and weights in model.json; of model.tflite in models of earlier versions.

    Two files of one network differ where Keras has numbered its layers otherwise.
    """
    card = model / "model.json"
    known = read_json(card).get("network") if card.exists() else None
    return known or hashlib.sha256((model / "model.tflite").read_bytes()).hexdigest()


def _is_same(evaluation: dict, past: dict) -> bool:
    return all(evaluation[name] == past.get(name) for name in ("model", "test"))


def _append(path: Path, line: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as log:
        log.write("\n" * torn + json.dumps(line) + "\n")


def _read_lines(path: Path) -> Iterator[dict]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(json.JSONDecodeError):  # a full disk or a power cut left half of one
            yield json.loads(line)
