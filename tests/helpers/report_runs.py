"""Finished runs without a notebook having run: simulated answers, real figures, for the tests of the reports."""

import functools
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd

from reporting.html import export_html, render_faces
from utils.data.dataset import FORMAT
from utils.display import FIGURE_KEY, render_figure
from utils.evaluation.bootstrap import measure_classes, measure_stress
from utils.evaluation.comparison import compare_rows
from utils.evaluation.registry import list_metrics
from utils.files import write_json, write_text
from utils.paths import STAGES, Run
from utils.plots.style import MODEL_COLOURS

COUNT = 160


def simulate(skill: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, the same for every seed, and P(stress) that follows them: the higher the skill, the closer."""
    labels = np.random.default_rng(0).integers(2, size=COUNT)
    logit = (2 * labels - 1) * skill + np.random.default_rng(seed + 1).normal(size=COUNT)
    return labels, 1 / (1 + np.exp(-2 * logit))


def write_run(name: str, skill: float = 0.8, epochs: int = 3, pictures: str = "a") -> Run:
    """A run of the numbered notebooks in the tests' root, its figures computed from simulated answers.

    Args:
        pictures: runs with the same word have the same test pictures.
    """
    run, groups = Run(name), np.arange(COUNT)
    rows = {}
    qualities = {"EmotionDetector_1": (skill - 0.3, 1), "EmotionDetector_2": (skill, 2)}
    for model, quality in qualities.items():
        labels, p_stress = simulate(*quality)
        rows[model] = SimpleNamespace(p_stress=p_stress, probabilities=np.column_stack([1 - p_stress, p_stress]))
        files = [f"test/{number}.png" for number in groups]
        table = pd.DataFrame({"file": files, "label": labels, "p_stress": p_stress})
        write_text(run.predictions(model), table.to_csv(index=False))
        for file in ("model.keras", "model.tflite"):
            write_text(run.models / model / file, f"{name} {model}")
    index = pd.DataFrame({"file": files, "sha256": [f"{pictures}{number}" for number in groups], "group": groups})
    write_text(run.data / "index.csv", index.to_csv(index=False))
    write_json(run.data / "manifest.json", {"format": FORMAT, "fingerprint": "f" * 64, "test": pictures * 64})
    models = {model: _measure(model, *quality) for model, quality in qualities.items()}
    _write_metrics(run, models, compare_rows(rows, labels, labels, groups), labels)
    for stage in STAGES:
        _write_stage(run, stage.name, stage.title, epochs)
    return run


@functools.cache
def _measure(model: str, skill: float, seed: int) -> dict:
    (labels, p_stress), groups = simulate(skill, seed), np.arange(COUNT)
    probabilities = np.column_stack([1 - p_stress, p_stress])
    stress = measure_stress(labels, p_stress, groups)
    fit = {"log_loss": stress["log_loss"], "ece": stress["ece"], "slope": None}
    return {
        "what": f"the network {model}",
        "stress": stress,
        "classes": measure_classes(labels, probabilities, ["happy", "sad"], groups),
        "without_copies": None,
        "calibration": {"temperature": 1.2, "before": fit, "after": fit},
        "abstention": {
            "target_accuracy": 0.95, "delta": 0.05, "confidence": 0.8, "validation_groups": 500,
            "validation_accuracy": 0.97, "validation_coverage": 0.5,
            "accuracy": {"value": 0.96, "low": 0.91, "high": 0.98}, "coverage": {"value": 0.5, "low": 0.4, "high": 0.6},
        },
    }  # fmt: skip


def _write_metrics(run: Run, models: dict, comparisons: list, labels: np.ndarray) -> None:
    counts = {"Non-stress": int((labels == 0).sum()), "Stress": int((labels == 1).sum())}
    splits = {"train": {"Non-stress": 500, "Stress": 400}, "validation": counts, "test": counts}
    data = {"source": "faces.zip", "class_names": ["happy", "sad"], "counts": splits, "pictures": 1380, "skipped": 2}
    data |= {"findings": {"blank pictures": 1, "groups of identical pictures": 0}, "fingerprint": "f" * 64}
    write_json(run.metrics("01_preprocessing"), data)
    tested = {"class_names": ["happy", "sad"], "test_pictures": COUNT, "test_copies": 0, "test_evaluations": 3}
    first = {"EmotionDetector_1": models["EmotionDetector_1"]}
    seeds = {"seeds": [0, 1], "accuracy": [0.7, 0.72], "auroc": [0.7, 0.7], "log_loss": [0.6, 0.6]}
    seed_project = {"log_loss": 0.6236, "accuracy": 0.6434}
    baseline = tested | {"models": first, "seeds": seeds, "seed_project": seed_project}
    write_json(run.metrics("02_baseline_cnn"), baseline)
    stress = models["EmotionDetector_2"]["stress"]
    mapping = {"stress_classes": ["sad"], "count": COUNT}
    mapping |= {metric.figure: stress[metric.figure] for metric in list_metrics("mapping")}
    retrained = tested | {"models": models, "seeds": seeds, "comparisons": comparisons}
    change = {"change": "blur", "unit": "sigma [pixels]", "pictures": COUNT, "low": 0.5, "high": 0.7}
    retrained["robustness"] = [
        change
        | {"step": step, "strength": step or None, "accuracy": 0.7 - step / 20}
        | {"lost": step / 20, "lost_low": step / 25, "lost_high": step / 15}
        for step in range(3)
    ]
    kind = {"by": "light", "slice": "dim", "pictures": 40, "accuracy": 0.6, "low": 0.5, "high": 0.7}
    retrained["slices"] = [kind | {"difference": -0.2, "p_holm": 0.01, "stands_out": True}]
    second = {name: retrained.pop(name) for name in ("robustness", "slices")}
    write_json(run.metrics("03_augmented_retraining"), retrained)
    write_json(run.metrics("04_single_image_inference"), {"label": "Stress"})
    write_json(run.metrics("05_second_look"), second | {"mappings": {"one": mapping, "other": mapping}})


def _write_stage(run: Run, stage: str, title: str, epochs: int) -> None:
    parameters = {"RUN": run.name, "SOURCE": "/home/somebody/faces.zip", "EPOCHS": epochs}
    parameters |= {"PICTURE": "/home/somebody/face.png", "SHOW_PICTURES": True, "STRONG_EPOCHS": 5}
    parameters |= {"STRONG_VIEWS": [[36, 48], [36, 42], [48, 48], [48, 44]], "VALIDATION_FRACTION": 0.1}
    made = {"stage": stage, "parameters": parameters, "started": "2026-01-02T03:04:05+00:00", "seconds": 61.0}
    made |= {"commit": "0123456789ab", "code": {stage: "0"}, "data": "f" * 64, "python": "3.11.7"}
    made |= {"versions": {"tensorflow": "2.21.0"}, "machine": "Linux x86_64, 2 cores"}
    write_json(run.reports / "stages" / f"{stage}.json", made)
    notebook = draw_notebook(title)
    nbformat.write(notebook, run.reports / f"{stage}.ipynb")
    page = {"run": run.name, "made": made, "next": {"href": "index.html", "title": "The next"}}
    write_text(run.reports / f"{stage}.html", export_html(notebook, page))


def draw_notebook(title: str) -> nbformat.NotebookNode:
    """An executed notebook: text, a drawing, a picture in pixels, faces, a table, an error."""
    new = nbformat.v4
    figure, ax = plt.subplots(figsize=(10, 3))
    ax.plot([1, 2, 3], [3, 1, 2], color=MODEL_COLOURS["EmotionDetector_2"], label="a line")
    ax.set(title="A figure (n = 3)", xlabel="epoch", ylabel="loss [nats]")
    outputs = [_show(figure, "A line that falls & rises", "references")]
    pixels, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(np.arange(16).reshape(4, 4))
    outputs.append(_show(pixels, "Sixteen squares", "confusion"))
    plt.close("all")
    faces = render_faces({"right": [(np.zeros((48, 48, 3), dtype=np.uint8), "<sad>", "model: 80%")]})
    outputs.append(new.new_output("display_data", {"text/html": faces}, metadata={FIGURE_KEY: "faces"}))
    table = "<table><thead><tr><th scope='col'>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
    cells = [
        new.new_markdown_cell(f"# {title}\n\nWhat is the question?"),
        new.new_markdown_cell("## A section: `code` & 80 % *more*\n\nText."),
        new.new_code_cell("show(scores)", execution_count=1, outputs=outputs),
        new.new_markdown_cell("### Part of it\n\n> What to look for."),
        new.new_code_cell(
            "show_table(table)",
            execution_count=2,
            outputs=[new.new_output("display_data", {"text/html": table}), new.new_output("stream", text="printed")],
        ),
        new.new_markdown_cell("## Another\n\nThe end."),
    ]
    return new.new_notebook(cells=cells)


def _show(figure, alt: str, name: str):
    kind, content, size = render_figure(figure, alt)
    return nbformat.v4.new_output(
        "display_data", {kind: content}, metadata={kind: {"alt": alt} | size, FIGURE_KEY: name}
    )
