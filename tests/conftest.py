"""What tests share: a temporary project root, drawn faces, and real ones where this machine has them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

# tests run in several processes, and so do what they start: each gets one thread, or they wait for one another
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

from support import TEST_ROOT, write_faces_zip  # after that: it imports NumPy


def pytest_unconfigure():
    shutil.rmtree(TEST_ROOT, ignore_errors=True)


@pytest.fixture(autouse=True)
def close_figures():
    """Which tests a process runs before another is chance: a figure that one leaves open must not meet the next."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def faces_zip(tmp_path_factory) -> Path:
    return write_faces_zip(tmp_path_factory.mktemp("faces") / "faces.zip", train_each=30, test_each=10)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real faces, where this machine has it."""
    folder = os.environ.get("STRESS_FACES_SHARED")
    if not folder:
        pytest.skip("STRESS_FACES_SHARED is not set: no real faces here")
    path = Path(folder).resolve()
    if not (path / "data" / "fer2013.zip").exists():
        pytest.skip(f"no data/fer2013.zip in {path}")
    return path
