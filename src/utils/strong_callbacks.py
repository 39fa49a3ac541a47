"""What happens around the epochs and steps of the strong network's training."""

import shutil
from pathlib import Path

import numpy as np

from utils.augmentation import RandomAffine
from utils.pictures import SIDE
from utils.tensorflow_quietly import keras
from utils.transfer import settle


class LogAnswersAlone(keras.callbacks.Callback):
    """Give the callbacks after it as the loss what compares with validation's: that of the answers alone."""

    def on_epoch_end(self, epoch, logs):
        logs["loss"] = logs.pop("categorical_crossentropy")
        del logs["val_categorical_crossentropy"]


class StopAtNoNumber(keras.callbacks.Callback):
    """End a training that diverged: it never comes back."""

    def on_epoch_end(self, epoch, logs):
        if not np.isfinite(logs["val_loss"]):
            self.model.stop_training = True


class Backup(keras.callbacks.BackupAndRestore):
    """Keep the state of the last two whole epochs, and go on from the newer that can be read.

    Args:
        checkpoint: folder of the training, which is removed where neither can be read.

    Raises:
        ValueError: neither can be read.
    """

    def __init__(self, checkpoint: Path):
        super().__init__(checkpoint / "state", double_checkpoint=True, delete_checkpoint=False)
        self.checkpoint = checkpoint

    def on_train_begin(self, logs=None):
        try:
            super().on_train_begin(logs)
        except OSError as error:
            shutil.rmtree(self.checkpoint)
            raise ValueError(
                f"What was kept of the training in {self.checkpoint} is damaged, and was removed: run this again, and"
                f" it begins anew. ({error})"
            ) from error

    def _load_model(self):
        try:
            super()._load_model()
        except (ValueError, KeyError) as error:  # a file that was cut off can be found out later than at its opening
            raise OSError(str(error)) from error


class GrowSide(keras.callbacks.Callback):
    """Tell the augmentation before each epoch how large the pictures are to come out."""

    def __init__(self, augmentation: RandomAffine, sides: list[int]):
        super().__init__()
        self.augmentation, self.sides = augmentation, sides

    def on_epoch_begin(self, epoch, logs=None):
        self.augmentation.side.assign(self.sides[epoch])


class DrawSide(keras.callbacks.Callback):
    """Draw for each step how large the pictures are to come out; validation sees them whole."""

    def __init__(self, augmentation: RandomAffine, sides: tuple[int, ...], seed: int):
        super().__init__()
        self.augmentation, self.sides, self.seed = augmentation, sides, seed

    def on_epoch_begin(self, epoch, logs=None):
        self.draws = np.random.default_rng((self.seed, epoch))  # the same where the training is resumed

    def on_train_batch_begin(self, batch, logs=None):
        self.augmentation.side.assign(int(self.draws.choice(self.sides)))

    def on_test_begin(self, logs=None):
        self.augmentation.side.assign(SIDE)


class Settle(keras.callbacks.Callback):
    """Let batch normalisation see pictures by the averaged weights, before validation, of the side that it has."""

    def __init__(self, network, augmentation: RandomAffine, pictures: np.ndarray):
        super().__init__()
        self.network, self.augmentation, self.pictures = network, augmentation, pictures

    def on_test_begin(self, logs=None):
        settle(self.network, self.augmentation(self.pictures))
