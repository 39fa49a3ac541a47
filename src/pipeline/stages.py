"""The stages of the pipeline in their order, the one list: what each leaves, and what it takes."""

from dataclasses import dataclass
from pathlib import Path

from utils.paths import NOTEBOOKS, ROOT, Run


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

    def list_outputs(self, run: Run) -> list[Path]:
        """What it leaves: without one of these files it runs again."""
        made = [run.data / name for name in self.data]
        if self.model:
            folder = run.models / self.model
            made += [folder / name for name in ("model.keras", "model.tflite", "model.json")]
            made.append(run.predictions(self.model))
        pages = [run.reports / f"{self.name}.{ending}" for ending in ("ipynb", "html")]
        return [*made, *pages, run.metrics(self.name), run.reports / "stages" / f"{self.name}.json"]

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
)
