"""Work in a process of its own, and in a scratch folder: its memory and its files are then its own."""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_checkout() -> Iterator[None]:
    """Where the processes that follow find their runs."""
    with tempfile.TemporaryDirectory(prefix="scaling-") as root:
        (Path(root) / "notebooks").mkdir()
        os.environ["STRESS_FACES_ROOT"] = root
        yield


def call_alone(work: Callable, *arguments):
    """What a function returns in a process of its own, whose peak of memory is then its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()
