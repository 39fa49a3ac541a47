"""`python -m utils.inference` on a project root with an untrained model."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from support import CHECKOUT, EMOTIONS, make_root

from utils.models.networks import build_baseline_cnn
from utils.models.save import save_model
from utils.models.train import set_seed

COMMAND = [sys.executable, "-m", "utils.inference"]


def save_tiny_model(folder: Path) -> Path:
    """An untrained network that answers by a picture's pixels."""
    set_seed(0)
    save_model(folder, build_baseline_cnn(2, widths=(4, 8)), {"class_names": EMOTIONS[:2], "stress_classes": ["angry"]})
    return folder


def make_model_root(folder: Path) -> Path:
    """A project root whose newest run is `tiny`."""
    folder.mkdir()
    make_root(folder)
    save_tiny_model(folder / "models" / "tiny" / "EmotionDetector_2")
    return folder


def ask(root: Path, *words: str | Path, **options) -> subprocess.CompletedProcess:
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)}
    return subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, timeout=60, **options)


def read_rows(result: subprocess.CompletedProcess, form: str) -> list[dict]:
    return json.loads(result.stdout) if form == "json" else list(csv.DictReader(io.StringIO(result.stdout)))


def start_page(root: Path, *words: str, stderr=subprocess.PIPE, **environment) -> subprocess.Popen:
    """`python main.py`."""
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)} | environment
    return subprocess.Popen(
        [sys.executable, CHECKOUT / "main.py", *words],
        env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=root,
    )  # fmt: skip
