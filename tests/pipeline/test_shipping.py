"""What page and command line answer with is taken over from a run that anybody can make again, or not at all."""

import json

import pytest
from report_runs import write_run

from pipeline import shipping
from reporting import published
from utils.data.sealed_test import count_evaluations
from utils.files import read_json, write_json
from utils.paths import TEST_LEDGER, Run

RUN = Run("to-ship")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A finished run on votes, and a place of its own for what is shipped and published."""
    monkeypatch.setattr(shipping, "SHIPPED", tmp_path / "models" / "shipped")
    monkeypatch.setattr(published, "SHIPPED", tmp_path / "models" / "shipped")
    monkeypatch.setattr(published, "PUBLISHED", tmp_path / "published")
    write_run(RUN.name)
    for name in ("EmotionDetector_1", "EmotionDetector_2"):
        write_json(RUN.models / name / "model.json", {"network": f"{name} of {RUN.name}", "temperature": 1.5})
    change(RUN.metrics("01_preprocessing"), target="votes")
    return RUN


def change(path, **values):
    write_json(path, read_json(path) | values)


def change_stages(**values):
    for path in (RUN.reports / "stages").glob("*.json"):
        change(path, **values)


def test_a_run_is_published_and_its_model_shipped(run, tmp_path, capsys):
    assert shipping.main([run.name]) == 0
    folder = tmp_path / "models" / "shipped" / "EmotionDetector_2"
    assert str(folder) in capsys.readouterr().out
    assert published.find_shipped(tmp_path / "published" / "to-ship.json") == folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "data_card.md", "model.json", "model.keras", "model.tflite", "model_card.md"
    ]  # fmt: skip
    card = read_json(folder / "model.json")
    assert (card["temperature"], card["run"], card["commit"]) == (1.5, "to-ship", "0123456789ab")
    assert card["parameters"]["VALIDATION_FRACTION"] == 0.1
    assert "somebody" not in (folder / "model.json").read_text()


def test_each_evaluation_stands_in_the_ledger_once(run):
    TEST_LEDGER.unlink(missing_ok=True)
    before = count_evaluations(run)
    assert [shipping.main([run.name]), shipping.main([run.name])] == [0, 0]
    lines = [json.loads(line) for line in TEST_LEDGER.read_text().splitlines()]
    assert [line["model"] for line in lines] == ["EmotionDetector_1 of to-ship", "EmotionDetector_2 of to-ship"]
    assert [line["purpose"] for line in lines] == [
        "02_baseline_cnn: evaluate EmotionDetector_1", "03_augmented_retraining: evaluate EmotionDetector_2"
    ]  # fmt: skip
    assert (lines[1]["commit"], lines[1]["test"], lines[1]["run"]) == ("0123456789ab", "a" * 64, "to-ship")
    accuracy = read_json(run.metrics("03_augmented_retraining"))["models"]["EmotionDetector_2"]["stress"]["accuracy"]
    assert lines[1]["figures"]["stress.accuracy"] == pytest.approx(accuracy["value"], abs=1e-4)
    assert count_evaluations(run) == before + 2
    # as of an earlier model, of which not every evaluation is listed
    with TEST_LEDGER.open("a") as ledger:
        ledger.write(json.dumps(lines[0] | {"model": "an earlier one", "evaluations": 54}) + "\n")
    assert count_evaluations(run) == before + 56


@pytest.mark.parametrize(
    ("alter", "said"),
    [(lambda: change_stages(commit="0123456789ab-dirty"), "expected one commit without changes"),
     (lambda: change(RUN.reports / "stages" / "02_baseline_cnn.json", commit="another"), "found 0123456789ab, another"),
     (lambda: change_stages(commit=""), "found no commit"),
     (lambda: change(RUN.metrics("01_preprocessing"), target="labels"), "found one of labels"),
     (lambda: change_stages(parameters={"INITIAL_MODEL": "first"}), "trained from nothing"),
     (lambda: change_stages(parameters={"TEACHERS": ["first"]}), "trained from nothing"),
     (lambda: change(RUN.reports / "stages" / "01_preprocessing.json", data="another"), "had different data")],
)  # fmt: skip
def test_what_nobody_could_make_again_is_not_shipped(run, tmp_path, capsys, alter, said):
    alter()
    assert shipping.main([run.name]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "models" / "shipped").exists()
