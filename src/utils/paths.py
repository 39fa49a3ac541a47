"""Where everything lies: the checkout's folders, those of a run, and what each stage leaves and takes."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.files import read_cells

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder whose code this is."""

_BESIDE = Path(sys.prefix).parent.resolve()
if (
    _BESIDE != CHECKOUT
    and (_BESIDE / "src" / "utils" / "paths.py").is_file()
    and str(CHECKOUT / "src") not in os.environ.get("PYTHONPATH", "").split(os.pathsep)
):
    # .venv was copied with its folder, and still leads to the old one
    raise SystemExit(f"The installed code is that of {CHECKOUT}, not of {_BESIDE}: run `make setup` there.")

ROOT = Path(os.environ.get("STRESS_FACES_ROOT") or CHECKOUT).resolve()
"""The project's folder. `STRESS_FACES_ROOT` moves all of it, as the tests do."""

if not (ROOT / "notebooks").is_dir():
    # one line, wherever it is imported, and no traceback
    raise SystemExit(
        f"No folder `notebooks` in {ROOT}"
        + (
            ", which STRESS_FACES_ROOT names: expected a checkout's folder; mend or unset that variable."
            if os.environ.get("STRESS_FACES_ROOT")
            else ". The package `utils` must be installed from a checkout: run `pip install --no-deps -e .` there (or"
            " `make setup`)."
        )
    )

NOTEBOOKS = ROOT / "notebooks"
PROFILES = ROOT / "profiles"
SWEEPS = ROOT / "sweeps"
SAMPLE = ROOT / "data" / "sample" / "faces.zip"
TRAININGS = ROOT / "models" / ".trainings"
PUBLISHED = ROOT / "reports" / "published"
TEST_EVALUATIONS = ROOT / "reports" / "test_evaluations.jsonl"
TEST_LEDGER = PUBLISHED / "test_ledger.jsonl"

SEALED = bool(os.environ.get("STRESS_FACES_SEALED"))
"""Whether no test may be opened in this process: a sweep's points, which are compared on validation, are run so."""

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


@dataclass(frozen=True)
class Stage:
    """One numbered notebook.

    Attributes:
        name: of its file.
        data: files that it leaves in the run's folder of data.
        model: folder of the model that it leaves, "" for none.
        needs: the stage whose result it takes beside the data, "" for none.
    """

    name: str
    data: tuple[str, ...] = ()
    model: str = ""
    needs: str = ""

    @property
    def notebook(self) -> Path:
        """Its source, without outputs."""
        return NOTEBOOKS / f"{self.name}.ipynb"

    @property
    def title(self) -> str:
        """What it does in a few words: the heading that its source begins with, "# 2 · The baseline"."""
        line = read_cells(self.notebook)[0]["source"].partition("\n")[0]
        return line.partition(" · ")[2] or self.name

    def list_outputs(self, run: Run) -> list[Path]:
        """What it leaves: without one of these files it runs again."""
        made = [run.data / name for name in self.data]
        if self.model:
            folder = run.models / self.model
            made += [folder / name for name in ("model.keras", "model.tflite", "model.json")]
        if self.model and not SEALED:
            made.append(run.predictions(self.model))
        if not self.model or not SEALED:
            # of a model they are those of the test
            made.append(run.metrics(self.name))
        pages = [run.reports / f"{self.name}.{ending}" for ending in ("ipynb", "html")]
        return [*made, *pages, run.reports / "stages" / f"{self.name}.json"]

    def list_inputs(self, run: Run, parameters: dict) -> list[Path]:
        """Files that it reads: where one changes, it runs again."""
        inputs = [] if self is STAGES[0] else [run.data / "manifest.json"]
        # other runs' networks; of one that is not there, the notebook says so itself
        runs = {parameters.get("INITIAL_MODEL", ""), *parameters.get("TEACHERS", ())} - {"", run.name}
        networks = [
            ROOT / "models" / str(name) / "EmotionDetector_2" / "model.keras" for name in sorted(map(str, runs))
        ]
        inputs += [path for path in networks if path.exists()]
        if parameters.get("PICTURE"):
            inputs.append(Path(parameters["PICTURE"]).expanduser())
        return inputs


STAGES = (
    Stage("01_preprocessing", data=("manifest.json", "index.csv", "images.npy", "test_images.npy")),
    Stage("02_baseline_cnn", model="EmotionDetector_1"),
    Stage("03_augmented_retraining", model="EmotionDetector_2", needs="02_baseline_cnn"),
    Stage("04_single_image_inference", needs="03_augmented_retraining"),
    Stage("05_second_look", needs="03_augmented_retraining"),
)
"""The numbered notebooks in their order: the one list."""

RUN_STAGES = tuple(stage for stage in STAGES if stage.data or stage.model) if SEALED else STAGES
"""Those that the pipeline runs: of a sealed run only what makes data and models."""
