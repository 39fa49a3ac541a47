"""What happens around the epochs and steps of a training."""

from collections.abc import Callable

import numpy as np

from utils.models.augmentation import RandomAffine
from utils.progress import make_bar
from utils.quiet import keras

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
