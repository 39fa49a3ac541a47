"""Which model answers about a picture that the reader brings, and why."""

from pathlib import Path

from utils.files import read_json
from utils.paths import ROOT, Run

SHIPPED = "shipped"
"""The run whose model the repository brings along: it was trained on photographs."""


def read_own(path: str) -> bytes:
    """The encoded picture at a path, `~` expanded; b"" for no path."""
    return Path(path).expanduser().read_bytes() if path else b""


def is_rendered(run: Run) -> bool:
    """Whether a run's data are the rendered faces of this repository, as notebook 1 has noted."""
    noted = run.metrics("01_preprocessing")
    return noted.exists() and bool(read_json(noted).get("rendered"))


def choose_model(run: Run, own: bool) -> tuple[Path, str]:
    """The folder of the model that answers, and a sentence on why it is that one.

    A picture that is none of the run's data is taken for a photograph. A model that has learnt rendered faces only
    knows nothing of those, so the shipped one answers in its place.

    Args:
        run: whose model is asked for.
        own: whether the picture is the reader's, or another that is none of the run's data.
    """
    asked, shipped = (folder / "EmotionDetector_2" for folder in (run.models, ROOT / "models" / SHIPPED))
    if run.name == SHIPPED:
        return asked, "The shipped model answers: it was trained on photographs."
    if not (own and is_rendered(run)):
        return asked, f"The model of the run `{run.name}` answers."
    if not (shipped / "model.json").exists():
        told = f"The model of the run `{run.name}` answers. It has learnt rendered faces only: of a photograph it"
        return asked, f"{told} knows nothing, and there is no shipped model here."
    return shipped, (
        f"The model of the run `{run.name}` has learnt rendered faces only, and this picture is none of its data: "
        "the shipped model answers, which was trained on photographs."
    )
