"""What happens around the epochs and steps of a training, and what one that was stopped resumes from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from utils.files import write_text
from utils.models.augmentation import RandomAffine
from utils.quiet import keras, make_bar

Watch = Callable[[list[dict], int], None]
"""Called after each epoch with its history so far, one dict an epoch, and the number of the first epoch in it."""


class ShowProgress(keras.callbacks.Callback):
    """While it trains: a bar over all batches of all epochs.

    Args:
        epochs: of the training.
        steps: of an epoch.
        watch: may draw the curves so far.
    """

    def __init__(self, epochs: int, steps: int, watch: Watch | None = None):
        super().__init__()
        self.epochs, self.steps, self.watch = epochs, steps, watch

    def on_train_begin(self, logs=None):
        self.bar = make_bar(self.epochs * self.steps, "batch", f"Epoch 1 of {self.epochs}")
        self.history = []

    def on_epoch_begin(self, epoch, logs=None):
        if not self.history:  # where the training is resumed, so is the bar
            self.bar.initial = self.bar.n = self.bar.last_print_n = epoch * self.steps
        self.bar.set_description_str(f"Epoch {epoch + 1} of {self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix_str(f"validation loss {logs['val_loss']:.3f}, accuracy {logs['val_accuracy']:.3f}")
        self.history.append(dict(logs))
        if self.watch:
            self.watch(self.history, epoch + 2 - len(self.history))  # not 1 where the training was resumed

    def on_train_end(self, logs=None):
        self.bar.close()


class StopAtNoNumber(keras.callbacks.Callback):
    """End a training that diverged: it never comes back."""

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["val_loss"]):
            self.model.stop_training = True


class GrowSide(keras.callbacks.Callback):
    """Tell the augmentation before each epoch how large the pictures are to come out."""

    def __init__(self, augmentation: RandomAffine, sides: tuple[int, ...]):
        super().__init__()
        self.augmentation, self.sides = augmentation, sides

    def on_epoch_begin(self, epoch, logs=None):
        self.augmentation.side.assign(self.sides[epoch])


def count_epochs(folder: Path) -> int:
    """How many whole epochs the training in a folder has logged; a torn line of its log is taken away."""
    log = folder / "history.csv"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    if lines and not lines[-1].endswith("\n"):  # a full disk; its epoch was not kept either
        lines.pop()
        write_text(log, "".join(lines))
    return max(0, len(lines) - 1)


class Backup(keras.callbacks.BackupAndRestore):
    """Keep the state of the last two whole epochs, and go on from the newer that can be read.

    Args:
        folder: of the training.

    Raises:
        ValueError: neither can be read.
    """

    def __init__(self, folder: Path):
        super().__init__(folder / "state", double_checkpoint=True, delete_checkpoint=False)
        self.folder = folder

    def on_train_begin(self, logs=None):
        """Go on from what was kept, if anything was."""
        try:
            super().on_train_begin(logs)
        except OSError as error:
            raise ValueError(
                f"What was kept of the training in {self.folder} is damaged, and was removed: run this again, and"
                f" it begins anew. ({error})"
            ) from error

    def _load_model(self):
        try:
            super()._load_model()
        except (ValueError, KeyError) as error:  # a file that was cut off can be found out later than at its opening
            raise OSError(str(error)) from error
