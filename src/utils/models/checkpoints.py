"""What a stopped training goes on from: its settings, its history, and the state after its last whole epochs."""

import hashlib
import shutil
from pathlib import Path

import numpy as np

from utils.data.dataset import Split, copy_images
from utils.files import read_json, write_json, write_text
from utils.quiet import keras


def delete_checkpoints(folder: Path) -> None:
    """Remove what trainings could go on from, when all that comes of them is saved."""
    shutil.rmtree(folder, ignore_errors=True)


def fingerprint_weights(network) -> str:
    """sha256 of a network's weights."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()


def fingerprint_split(split: Split) -> str:
    """sha256 of the pictures and targets of a split."""
    digest = hashlib.sha256()
    count = len(split.images)
    for start in range(0, count, 4096):
        digest.update(copy_images(split.images, np.arange(start, min(start + 4096, count))).data)
    digest.update(split.targets.data)
    return digest.hexdigest()


def open_checkpoint(folder: Path, settings: dict) -> int:
    """Keep the folder where it was left by the same training; else begin with an empty one. How many epochs it ran."""
    described, history = folder / "settings.json", folder / "history.csv"
    if described.exists() and read_json(described) == settings:
        lines = history.read_text().splitlines(keepends=True) if history.exists() else []
        if lines and not lines[-1].endswith("\n"):  # a full disk; its epoch was not kept either
            write_text(history, "".join(lines[:-1]))
        return max(0, sum(line.endswith("\n") for line in lines) - 1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(described, settings)
    return 0


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
        """Go on from what was kept, if anything was."""
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
