"""Where everything lies: the checkout's folders, derived once."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder whose code this is."""

ROOT = Path(os.environ.get("STRESS_FACES_ROOT") or CHECKOUT).resolve()
"""The project's folder. `STRESS_FACES_ROOT` moves all of it, as the tests do."""

if not (ROOT / "notebooks").is_dir():
    raise RuntimeError(
        f"No folder `notebooks` in {ROOT}. The package `utils` must be installed from a checkout:"
        " run `pip install --no-deps -e .` there (or `make setup`)."
    )

NOTEBOOKS = ROOT / "notebooks"
PROFILES = ROOT / "profiles"
SAMPLE = ROOT / "data" / "sample" / "faces.zip"
TEST_OPENINGS = ROOT / "reports" / "test_openings.jsonl"

COMMITTED = ("shipped", "published")
"""Folders among those of the runs that no run may write."""


def is_run_name(name: str) -> bool:
    """Whether a run may be called so."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name))


@dataclass(frozen=True)
class Run:
    """The three folders that one run of the pipeline owns."""

    name: str

    def __post_init__(self):
        if not is_run_name(self.name):
            raise ValueError(
                f"Run name {self.name!r}: expected letters, digits, '_' and '-', the first a letter or digit."
            )

    def require_own(self) -> None:
        """Raises ValueError where its folders are committed ones: a run may start from `shipped`, not overwrite it."""
        if self.name.lower() in COMMITTED:
            raise ValueError(
                f"Run name {self.name!r}: expected another than {' and '.join(COMMITTED)}, which are kept."
            )

    @property
    def data(self) -> Path:
        """Its checked and split pictures."""
        return ROOT / "data" / "processed" / self.name

    @property
    def models(self) -> Path:
        """A folder for each network that it trained."""
        return ROOT / "models" / self.name

    @property
    def reports(self) -> Path:
        """What people read, and the numbers behind it."""
        return ROOT / "reports" / self.name

    def metrics(self, stage: str) -> Path:
        """The figures of one notebook; reports/SCHEMA.md describes them."""
        return self.reports / "metrics" / f"{stage}.json"

    def predictions(self, model: str) -> Path:
        """What a network answered about each test picture."""
        return self.reports / "predictions" / f"{model}.csv"
