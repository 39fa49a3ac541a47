"""The real numbered notebooks, tiny: run by the pipeline, and cell by cell by nbval."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from itertools import combinations

import nbformat
import numpy as np
import papermill
import pytest
from browser import find_faults, start_chromium
from schema import find_mismatches, read_schema
from support import CHECKOUT, EMOTIONS, draw_face, encode, make_root, run_pipeline

STAGES = [path.stem for path in sorted((CHECKOUT / "notebooks").glob("*.ipynb"))]
ROWS = ["EmotionDetector_1", "augmented", "EmotionDetector_2"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory, faces_zip):
    """reports/drawn-smoke/ of a run on drawn faces, pictures shown."""
    root = make_root(tmp_path_factory.mktemp("root"))
    words = (
        "DATASET=drawn",
        "PROFILE=smoke",
        f"SOURCE={faces_zip}",
        "PARAMS=SHOW_PICTURES=true EPOCHS=1 STRESS_CLASSES=[angry,fear]",
    )
    result = run_pipeline(root, *words)
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    return root / "reports" / "drawn-smoke"


@pytest.mark.parametrize("stage", STAGES)
def test_executed_notebooks_hold_no_warnings_and_no_debris(reports, stage):
    notebook = nbformat.read(reports / f"{stage}.ipynb", as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type in ("display_data", "stream")
            if output.output_type == "stream":
                assert output.name == "stdout"
                assert "NBVAL_CHECK_OUTPUT" in cell.source or "shape:" in output.text
            else:
                assert not {"application/vnd.jupyter.widget-view+json", "progress"} & {*output.data, *output.metadata}
                for kind in {"image/png", "image/svg+xml"} & set(output.data):
                    assert len(output.metadata[kind]["alt"]) > 10


@pytest.mark.parametrize("page", [*STAGES, "index", "model_card", "data_card"])
def test_pages_load_nothing_from_anywhere(reports, page):
    html = (reports / f"{page}.html").read_text()
    assert "</html>" in html
    loads = re.findall(r"""<(?:img|script|link|iframe)\b[^>]*?\b(?:src|href)\s*=\s*["']([^"']*)""", html)
    assert not [link for link in loads + re.findall(r"url\(([^)]*)", html) if not link.startswith(("data:", "#"))]
    links = re.findall(r"""<a\b[^>]*?href="([^"#]+)""", html)
    assert not [link for link in links if not link.startswith("https:") and not (reports / link).exists()]
    assert len(html) < 3_000_000


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_have_no_fault_in_a_browser(reports, width):
    with start_chromium() as browser:
        for page in sorted(reports.glob("*.html")):
            assert find_faults(browser, page, width) == [], page.name


def test_models_and_metrics_are_there(reports):
    root = reports.parents[1]
    for model in ROWS:
        card = json.loads((root / "models" / "drawn-smoke" / model / "model.json").read_text())
        assert card["class_names"] == ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
        assert len(card["history"]) == 1
        for name in ("model.keras", "model.tflite", "saved_model"):
            assert (root / "models" / "drawn-smoke" / model / name).exists()
    metrics = json.loads((reports / "metrics" / "03_augmented_retraining.json").read_text())
    assert metrics["models"]["EmotionDetector_2"]["stress"]["count"] == 70
    assert list(metrics["models"]) == ROWS
    assert metrics["test_evaluations"] == len(ROWS)
    assert [(pair["first"], pair["second"]) for pair in metrics["comparisons"]] == list(combinations(ROWS, 2))
    assert all(sum(pair["agreement"].values()) == 70 for pair in metrics["comparisons"])
    assert len(list((root / "models" / ".trainings").glob("*/training.json"))) == len(ROWS)


MEASURED = [*STAGES[1:3], STAGES[4]]


@pytest.mark.parametrize("stage", MEASURED)
def test_metrics_hold_what_the_schema_says(reports, stage):
    schema = read_schema()
    metrics = json.loads((reports / "metrics" / f"{stage}.json").read_text())
    assert find_mismatches(metrics, schema, schema[f"{stage}.json"]) == []


def test_another_mapping_is_stated_wherever_labels_are(reports):
    card = json.loads((reports.parents[1] / "models" / "drawn-smoke" / "EmotionDetector_2" / "model.json").read_text())
    assert card["stress_classes"] == ["angry", "fear"]
    assert "The figures below count angry, fear;" in (reports / "model_card.md").read_text()
    assert "angry, fear" in (reports / "data_card.md").read_text()
    metrics = json.loads((reports / "metrics" / "03_augmented_retraining.json").read_text())
    assert metrics["models"]["EmotionDetector_2"]["stress"]["prevalence"]["value"] == pytest.approx(2 / 7)


def test_the_index_shows_the_headline_of_the_metrics(reports):
    metrics = json.loads((reports / "metrics" / "03_augmented_retraining.json").read_text())
    accuracy = metrics["models"]["EmotionDetector_2"]["stress"]["accuracy"]["value"]
    assert f"<b>{100 * accuracy:.1f}\N{NO-BREAK SPACE}%</b>" in (reports / "index.html").read_text()


def test_04_prints_what_the_seed_project_printed(reports):
    text = (reports / "04_single_image_inference.ipynb").read_text()
    answer = json.loads((reports / "metrics" / "04_single_image_inference.json").read_text())
    assert "shape: (1, 48, 48, 3)" in text
    assert f"prediction: {answer['label']}" in text
    assert f"confidence: {answer['confidence']:.2%}" in text


def test_two_classes_go_through_all_notebooks(tmp_path):
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "stress.zip", "w") as archive:
        for split, share in (("train", 3), ("test", 1)):
            for label, emotion, count in (("Stress", "angry", 10), ("Non-stress", "happy", 30)):
                for number in range(share * count):
                    archive.writestr(f"{split}/{label}/{number}.png", encode(draw_face(emotion, rng)))
    root = make_root(tmp_path / "root")
    small = "EPOCHS=1 STRONG_WIDTHS=[[4],[8]] STRONG_VIEWS=[[24,48]] CHANGED_PICTURES=5"
    words = ("DATASET=two", "PROFILE=smoke", f"SOURCE={tmp_path / 'stress.zip'}", f"PARAMS={small}")
    result = run_pipeline(root, *words)
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    reports = root / "reports" / "two-smoke"
    metrics = json.loads((reports / "metrics" / "03_augmented_retraining.json").read_text())
    assert list(metrics["models"]) == ROWS
    assert all(figures["stress"]["count"] == 40 for figures in metrics["models"].values())
    for model in ROWS:
        card = json.loads((root / "models" / "two-smoke" / model / "model.json").read_text())
        assert sorted(card["class_names"]) == ["Non-stress", "Stress"]
        assert card["stress_classes"] == ["Stress"]
    assert "the rarest, Stress, 27: 3.0 times as many" in (reports / "02_baseline_cnn.html").read_text()
    answer = json.loads((reports / "metrics" / "04_single_image_inference.json").read_text())
    assert answer["label"] in ("Stress", "Non-stress")


def test_votes_go_through_all_notebooks(tmp_path, faces_zip):
    """Ten people a picture, of whom seven see what is drawn; one face nobody can tell, on one they tie."""
    rng, lines = np.random.default_rng(0), ["file,angry,disgust,fear,happy,neutral,sad,surprise,contempt,unknown"]
    with zipfile.ZipFile(faces_zip) as archive:
        for name in archive.namelist():
            counts = rng.multinomial(3, np.full(9, 1 / 9))
            counts[EMOTIONS.index(name.split("/")[1])] += 7
            lines.append(f"{name},{','.join(map(str, counts))}")
    lines[-1] = f"{lines[-1].split(',')[0]},5,0,0,5,0,0,0,0,0"
    lines[-2] = f"{lines[-2].split(',')[0]},0,0,0,0,0,0,0,0,10"
    shutil.copy(faces_zip, tmp_path / "faces.zip")
    (tmp_path / "faces.votes.csv").write_text("\n".join(lines) + "\n")
    root = make_root(tmp_path / "root")
    small = "EPOCHS=1 STRONG_WIDTHS=[[4],[8]] STRONG_VIEWS=[[24,48]] CHANGED_PICTURES=5 VOTES=required"
    words = ("DATASET=voted", "PROFILE=smoke", f"SOURCE={tmp_path / 'faces.zip'}", f"PARAMS={small}")
    result = run_pipeline(root, *words)
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    reports, schema = root / "reports" / "voted-smoke", read_schema()
    metrics = {stage: json.loads((reports / "metrics" / f"{stage}.json").read_text()) for stage in STAGES}
    assert metrics["01_preprocessing"]["people"] == {"pictures": 280, "people": 10}
    for stage in MEASURED:
        assert find_mismatches(metrics[stage], schema, schema[f"{stage}.json"]) == []
    for name, scores in metrics["03_augmented_retraining"]["models"].items():
        card = json.loads((root / "models" / "voted-smoke" / name / "model.json").read_text())
        assert card["target"] == "votes"
        assert card["class_names"] == sorted([*EMOTIONS, "contempt"])
        assert scores["stress"]["count"] == 68
        assert (scores["people"]["judged"], scores["people"]["ties"], scores["people"]["majority"]) == (69, 1, 68)
        assert scores["people"]["accuracy"]["value"] == pytest.approx(scores["stress"]["accuracy"]["value"])
        assert scores["people"]["share"]["brier"]["value"] == pytest.approx(
            scores["stress"]["brier"]["value"], abs=1e-5
        )
        assert (scores["given"]["count"], scores["given"]["dropped"]) == (70, ["contempt"])
        assert scores["label"]["accuracy"]["value"] > 0.95
    page = (reports / "index.html").read_text()
    assert "Beside people" in page and "Some of the people who voted on a picture are drawn" in page
    assert "outvote" in (reports / "05_second_look.html").read_text()
    assert "of 10 people would call" in (reports / "04_single_image_inference.html").read_text()


def test_nbval_finds_every_checked_output(tmp_path, faces_zip):
    root = make_root(tmp_path)
    for stage in STAGES:
        path = root / "notebooks" / f"{stage}.ipynb"
        parameters = {"RUN": "nbval", "SOURCE": str(faces_zip), "EPOCHS": 1, "NETWORK": "baseline_cnn"}
        declared = papermill.inspect_notebook(path)
        given = {name: value for name, value in parameters.items() if name in declared}
        papermill.execute_notebook(path, path, given, kernel_name="python3", prepare_only=True, progress_bar=False)
    for stages, kept in ((STAGES, 0), (STAGES[1:3], 2)):
        assert len(list((root / "models" / ".trainings").glob("*/training.json"))) == kept
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "300",
             "-p", "no:cacheprovider", "--rootdir", root, *(root / "notebooks" / f"{stage}.ipynb" for stage in stages)],
            env=os.environ | {"STRESS_FACES_ROOT": str(root)}, cwd=root, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout
