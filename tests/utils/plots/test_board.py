import json

import pandas as pd
import pytest

from utils.plots import board
from utils.quiet import tf

EPOCHS = [{"loss": 1.5 - epoch / 4, "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.25} for epoch in range(3)]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with a saved model, one without a history, and a training that has not ended."""
    monkeypatch.setattr(board, "ROOT", tmp_path)
    monkeypatch.setattr(board, "TRAININGS", tmp_path / "models" / ".trainings")
    for model, card in (("EmotionDetector_1", {"history": EPOCHS}), ("EmotionDetector_2", {})):
        (tmp_path / "models" / "mine" / model).mkdir(parents=True)
        (tmp_path / "models" / "mine" / model / "model.json").write_text(json.dumps(card))
    (tmp_path / "models" / ".trainings" / "abc").mkdir(parents=True)
    pd.DataFrame(EPOCHS[:2]).to_csv(tmp_path / "models" / ".trainings" / "abc" / "history.csv", index_label="epoch")
    return tmp_path


def read_events(folder) -> list[tuple]:
    """(figure, epoch, value) of the event files in a folder."""
    records = tf.data.TFRecordDataset([str(path) for path in folder.iterdir()])
    events = [tf.compat.v1.Event.FromString(record.numpy()) for record in records]
    return [
        (value.tag, event.step, float(tf.make_ndarray(value.tensor)))
        for event in events
        for value in event.summary.value
    ]


def test_every_epoch_is_an_event(root):
    histories = board.find_histories()
    assert {name: len(history) for name, history in histories.items()} == {
        "mine/EmotionDetector_1": 3,
        "not ended/abc": 2,
    }
    board.write_events(histories, root / "events")
    found = read_events(root / "events" / "mine" / "EmotionDetector_1" / "training")
    assert [event for event in found if event[0] == "loss"] == [("loss", 1, 1.5), ("loss", 2, 1.25), ("loss", 3, 1.0)]
    found = read_events(root / "events" / "not ended" / "abc" / "validation")
    assert found[1] == ("accuracy", 1, 0.25) and len(found) == 4


def test_it_is_said_how_to_install_it(root, monkeypatch):
    monkeypatch.setattr(board, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pip install \"tensorboard>=2.21\""):
        board.main()


def test_it_is_said_where_there_is_nothing_to_show(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "find_spec", lambda name: True)
    monkeypatch.setattr(board, "ROOT", tmp_path)
    monkeypatch.setattr(board, "TRAININGS", tmp_path)
    with pytest.raises(SystemExit, match="make pipeline"):
        board.main()
