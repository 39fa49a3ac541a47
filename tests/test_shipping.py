import json

import pytest
from report_runs import write_run

from utils import published, shipping
from utils.files import read_json, write_json
from utils.paths import Run
from utils.shipping import main, ship


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "PUBLISHED", tmp_path / "published")
    monkeypatch.setattr(published, "SAMPLE", tmp_path / "none.zip")
    monkeypatch.setattr(shipping, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(shipping, "ROOT", tmp_path)
    return tmp_path / "shipped" / "EmotionDetector_2"


def finish(name, log_loss, data="the same"):
    run = write_run(name)
    card = {"class_names": ["happy", "sad"], "history": [{"val_loss": 1.0}], "validation": {"log_loss": log_loss}}
    card["data"] = data
    write_json(run.models / "EmotionDetector_2" / "model.json", card)
    return run


def test_the_folder_tells_where_the_model_comes_from(shipped):
    assert ship(finish("first", 0.5)) == shipped
    names = {path.name for path in shipped.iterdir()}
    assert names == {"model.keras", "model.tflite", "model.json", "model_card.md", "data_card.md"}
    assert (shipped / "model.keras").read_text() == "first EmotionDetector_2"
    card = read_json(shipped / "model.json")
    assert (card["run"], card["commits"]) == ("first", ["0123456789ab"])
    assert card["history"] == [{"val_loss": 1.0}]
    assert card["parameters"]["EPOCHS"] == 3
    assert "somebody" not in json.dumps(card)
    assert (shipped.parents[1] / "published" / "first.json").exists()


def test_only_a_better_model_on_validation_takes_the_place(shipped, capsys):
    ship(finish("first", 0.5))
    finish("worse", 0.6)
    assert main(["worse"]) == 2
    assert "log-loss 0.6000 against 0.5000" in capsys.readouterr().err
    assert (shipped / "model.keras").read_text() == "first EmotionDetector_2"
    assert not (shipped.parents[1] / "published" / "worse.json").exists()
    assert main(["worse", "--force"]) == 0
    assert (shipped / "model.keras").read_text() == "worse EmotionDetector_2"
    assert main([finish("better", 0.4).name]) == 0
    assert main([finish("rounded", 0.400005).name]) == 0
    assert main([finish("beyond", 0.40003).name]) == 2
    assert main(["better"]) == 0  # shipped again, it stays


def test_losses_on_other_data_do_not_compare(shipped, capsys):
    ship(finish("first", 0.5))
    assert main([finish("elsewhere", 0.4, data="others").name]) == 2
    assert "other data" in capsys.readouterr().err
    assert (shipped / "model.keras").read_text() == "first EmotionDetector_2"


def test_an_unfinished_run_is_not_shipped(shipped, capsys):
    assert main([Run("absent").name]) == 2
    assert "Finish the run first" in capsys.readouterr().err
    assert not shipped.exists()
