"""Finished trainings, known by what they came from: one that is there is taken, one that was stopped goes on."""

import hashlib
import json
import re
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from utils.code import fingerprint_imports
from utils.data.dataset import Split, copy_images
from utils.files import read_json, write_json
from utils.paths import TRAININGS
from utils.quiet import keras, make_bar, tf

_LOCK, _WEIGHTS, _DONE = ".lock", "weights.npz", "training.json"


@dataclass(frozen=True)
class Training:
    """What a training gave.

    Attributes:
        network: with the weights that it ended with.
        history: one dict an epoch.
        ended: when it did, UTC.
        taken: whether it ended before, and was taken from the store.
        notes: what else is kept of it; of the strong network's, `precision` and `rates`.
    """

    network: "keras.Model"
    history: list[dict]
    ended: datetime
    taken: bool
    notes: dict


@cache
def fingerprint_training_code() -> str:
    """sha256 of the modules that train, and of what these lead to.

    Once a process: what is edited later is not what it runs.
    """
    return _digest(fingerprint_imports("import utils.models.train, utils.models.strong_training"))


@dataclass(frozen=True)
class Store:
    """A folder of trainings, each in a folder that is named by its identity.

    Attributes:
        folder: where they lie.
        fresh: train anew what is there, in its place.
        code: of what trains.
    """

    folder: Path = TRAININGS
    fresh: bool = False
    code: str = field(default_factory=fingerprint_training_code)

    def remember(self, settings: dict, network, fit: Callable[[Path], tuple[list[dict], dict]]) -> Training:
        """Take the training with these settings where it has ended; else have it run, or go on, and keep it.

        Another process that asks for the same training meanwhile waits for it.

        Args:
            settings: what the weights depend on beside code and versions; of what JSON can hold.
            network: gets the weights.
            fit: trains it, and gives history and notes. It may go on from what it has left in the folder it is given.

        Raises:
            ValueError: from `fit`, which then begins anew the next time.
        """
        identity = settings | {
            "code": self.code,
            "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        }
        folder = self.folder / _digest(identity)[:20]
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if self.fresh:
                _empty(folder)
            if (found := _take(folder, network)) is not None:
                return found
            write_json(folder / "identity.json", identity)
            try:
                history, notes = fit(folder)
            except ValueError:
                _empty(folder)
                raise
            return _keep(folder, network, history, notes)


def _keep(folder: Path, network, history: list[dict], notes: dict) -> Training:
    beside = folder / f".{_WEIGHTS}"
    with beside.open("wb") as file:
        np.savez(file, *network.get_weights())
    beside.replace(folder / _WEIGHTS)
    ended = datetime.now(UTC).replace(microsecond=0)
    # last: where it is, the rest is whole
    write_json(folder / _DONE, {"ended": ended.isoformat(), "history": history, "notes": notes})
    _empty(folder, kept=(_LOCK, _WEIGHTS, _DONE, "identity.json"))
    return Training(network, history, ended, False, notes)


def _take(folder: Path, network) -> Training | None:
    """What has ended there; None where nothing has, or where it is broken: that is thrown away."""
    if not (folder / _DONE).exists():
        return None
    try:
        done = read_json(folder / _DONE)
        with np.load(folder / _WEIGHTS) as kept:
            weights = [kept[f"arr_{position}"] for position in range(len(kept.files))]
        network.set_weights(weights)
        return Training(network, done["history"], datetime.fromisoformat(done["ended"]), True, done["notes"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(f"A training in {folder} is broken, and runs anew: {error}", stacklevel=3)
        _empty(folder)
        return None


def _empty(folder: Path, kept: tuple[str, ...] = (_LOCK,)) -> None:
    for path in folder.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; while another process does, a bar says so."""
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        bar = make_bar(1, "training", "Another process trains the same: waiting for it")
        try:
            lock.acquire()
        finally:
            bar.close()
    try:
        yield
    finally:
        lock.release()


def fingerprint_network(network) -> str:
    """sha256 of a network's layers, weights and seeds: what a training begins with."""
    return _hash_network(network, [variable.numpy() for variable in network.variables])


def fingerprint_answers(network) -> str:
    """sha256 of a network's layers and weights: what its answers depend on."""
    return _hash_network(network, network.get_weights())


def _hash_network(network, values: list[np.ndarray]) -> str:
    # Keras numbers the layers of a process
    layers = re.sub(r'_\d+"', '"', json.dumps(network.get_config(), default=str))
    return hashlib.sha256(b"".join([layers.encode(), *(value.tobytes() for value in values)])).hexdigest()


def fingerprint_split(split: Split) -> str:
    """sha256 of the pictures and targets of a split."""
    digest = hashlib.sha256()
    count = len(split.images)
    for start in range(0, count, 4096):
        digest.update(copy_images(split.images, np.arange(start, min(start + 4096, count))).data)
    digest.update(split.targets.data)
    return digest.hexdigest()


def _digest(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
