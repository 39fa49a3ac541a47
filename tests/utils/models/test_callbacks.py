"""What is shown and decided around the epochs of a training."""

from types import SimpleNamespace

import numpy as np
import pytest

from utils.models.augmentation import RandomAffine
from utils.models.callbacks import GrowSide, ShowProgress, StopAtNoNumber, count_epochs

LOGS = {"loss": 1.0, "accuracy": 0.5, "val_loss": 0.9, "val_accuracy": 0.25}


def train(progress: ShowProgress, epochs, steps=5) -> list:
    """What Keras tells of a training, and the bar's number after each epoch."""
    counts = []
    progress.on_train_begin()
    for epoch in epochs:
        progress.on_epoch_begin(epoch)
        for batch in range(steps):
            progress.on_train_batch_end(batch)
        progress.on_epoch_end(epoch, LOGS | {"loss": float(epoch)})
        counts.append(progress.bar.n)
    progress.on_train_end()
    return counts


@pytest.mark.parametrize("epochs", [range(3), range(7, 10)])
def test_who_watches_is_told_each_epoch_and_the_bar_goes_on_where_the_training_does(epochs):
    told = []
    progress = ShowProgress(10, 5, lambda history, first: told.append(([row["loss"] for row in history], first)))
    assert train(progress, epochs) == [5 * (epoch + 1) for epoch in epochs]
    first = epochs[0]
    assert told == [
        ([first], first + 1),
        ([first, first + 1], first + 1),
        ([first, first + 1, first + 2], first + 1),
    ]
    assert progress.bar.total == 50


def test_the_bar_says_where_it_is():
    progress = ShowProgress(10, 5)
    train(progress, [3])
    assert progress.bar.desc == "Epoch 4 of 10"
    assert progress.bar.postfix == "validation loss 0.900, accuracy 0.250"


@pytest.mark.parametrize("loss, stopped", [(0.5, False), (np.nan, True), (np.inf, True)])
def test_a_training_that_diverged_is_stopped(loss, stopped):
    callback = StopAtNoNumber()
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_epoch_end(0, LOGS | {"val_loss": loss})
    assert callback.model.stop_training == stopped


def test_pictures_grow_with_the_epochs():
    augmentation = RandomAffine(0.0, 0.0, 0.0, False)
    grow = GrowSide(augmentation, (24, 36, 48))
    for epoch, side in ((0, 24), (2, 48), (1, 36)):  # a training may go on in any
        grow.on_epoch_begin(epoch)
        assert augmentation(np.zeros((1, 48, 48, 3), np.uint8)).shape == (1, side, side, 3)


def test_a_torn_line_of_the_log_is_left_out(tmp_path):
    assert count_epochs(tmp_path) == 0
    log = tmp_path / "history.csv"
    log.write_text("epoch,loss\n0,1.0\n1,0.")
    assert count_epochs(tmp_path) == 1
    assert log.read_text() == "epoch,loss\n0,1.0\n"
    log.write_text("epoch,lo")
    assert count_epochs(tmp_path) == 0
