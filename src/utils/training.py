"""Training a network while watching validation, and saving it."""

import platform
import zipfile
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import numpy as np

from utils.dataset import Split, make_batches
from utils.display import LiveFigure
from utils.files import replaced_folder, write_json
from utils.networks import find_inside
from utils.plots.training import plot_history
from utils.progress import make_bar
from utils.pruning import prune_silent
from utils.quiet import quiet_stderr
from utils.tensorflow_quietly import keras, tf
from utils.views import WHOLE, View, answer_over, make_view, read_views

DIVERGED = "start it again with a lower learning rate, or in float32, or look for what is wrong with the pictures."
"""What to do about a training whose loss is no number any more."""


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow: the same settings on the same machine give the same weights."""
    keras.utils.set_random_seed(seed)


def compile_network(network, learning_rate: float):
    """Adam on the cross-entropy of the data set's own classes; returns the network."""
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


def train_network(network, train: Split, validation: Split, epochs: int, batch_size: int, patience: int, seed: int):
    """Fit until validation loss has not fallen for `patience` epochs; the best epoch's weights stay.

    Args:
        network: compiled.
        train, validation: the pictures; test pictures never come here.
        epochs: at most that many.
        patience: epochs without a lower validation loss before it stops.
        seed: of the order of the pictures.

    Returns:
        One dict an epoch: `loss`, `accuracy`, `val_loss`, `val_accuracy`, up to the last whose losses are numbers.

    Raises:
        ValueError: that of the first epoch is none.
    """
    early_stopping = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    history = network.fit(
        make_batches(train, batch_size, seed),
        validation_data=make_batches(validation, batch_size),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[early_stopping, ShowProgress(epochs, -(-len(train.targets) // batch_size))],
    ).history
    epochs = [dict(zip(history, map(float, row), strict=True)) for row in zip(*history.values(), strict=True)]
    sound = list(takewhile(lambda epoch: np.isfinite(list(epoch.values())).all(), epochs))
    if not sound:
        raise ValueError(f"The loss of the first epoch is no number: {DIVERGED}")
    return sound


class ShowProgress(keras.callbacks.Callback):
    """While it trains: a bar over all batches of all epochs, and in Jupyter the curves so far."""

    def __init__(self, epochs: int, steps: int):
        super().__init__()
        self.epochs, self.steps = epochs, steps

    def on_train_begin(self, logs=None):
        self.bar = make_bar(self.epochs * self.steps, "batch", f"Epoch 1 of {self.epochs}")
        self.figure, self.history = LiveFigure(), []

    def on_epoch_begin(self, epoch, logs=None):
        if not self.history:  # where the training is resumed, so is the bar
            self.bar.initial = self.bar.n = self.bar.last_print_n = epoch * self.steps
        self.bar.set_description_str(f"Epoch {epoch + 1} of {self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix_str(f"validation loss {logs['val_loss']:.3f}, accuracy {logs['val_accuracy']:.3f}")
        self.history.append(dict(logs))
        first = epoch + 2 - len(self.history)  # not 1 where the training was resumed
        alt = f"Loss and accuracy up to epoch {epoch + 1}, training and validation"
        self.figure.show(lambda: plot_history({"so far": self.history}, first_epoch=first), alt)

    def on_train_end(self, logs=None):
        self.bar.close()
        self.figure.remove()


def train_from_seeds(
    build: Callable, seeds: list[int], train: Split, validation: Split, learning_rate: float, **options
) -> dict[int, np.ndarray]:
    """The same training once a seed, to see what chance does to it; the networks are not kept.

    Args:
        build: seed -> a new, uncompiled network.
        options: `epochs`, `batch_size`, `patience` of `train_network`.

    Returns:
        By seed, class probabilities of the validation pictures, float32 (n, classes).
    """
    answers = {}
    for seed in seeds:
        set_seed(seed)
        network = compile_network(build(seed), learning_rate)
        train_network(network, train, validation, seed=seed, **options)
        answers[seed] = predict(network, validation.images)
    return answers


def best_epoch(history: list[dict]) -> int:
    """The epoch, counted from 1, whose validation loss is lowest: the one whose weights were kept."""
    return 1 + int(np.argmin([epoch["val_loss"] for epoch in history]))


def predict(network, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Class probabilities of uint8 (n, 48, 48, 3) pictures: float32 (n, classes)."""
    return np.asarray(network.predict(images, batch_size=batch_size, verbose=0))


def predict_views(network, images: np.ndarray, views: tuple[View, ...] = WHOLE) -> np.ndarray:
    """Class probabilities of each view of the pictures: float32 (views, n, classes)."""
    return np.stack([predict(network, np.asarray(make_view(images, view))) for view in views])


def save_model(folder: Path, network, card: dict, pictures: np.ndarray | None = None) -> None:
    """Write model.keras, model.tflite, saved_model/ and model.json; the folder is replaced whole.

    The weights are rounded to what float16 can hold, which halves the first two files. All three compute in float32.

    Args:
        network: the inference network: plain layers, uint8 (n, 48, 48, 3) -> probabilities. It is rounded, too.
        card: what model.json holds besides the versions.
        pictures: training pictures of a strong network. What only answers, model.tflite and saved_model/, then comes
            without the filters that are silent about them, see `pruning.prune_silent`; model.keras stays whole, since
            a training may go on from it.
    """
    network.set_weights([round_to_float16(weight) for weight in network.get_weights()])
    lean = network
    if pictures is not None:
        views = read_views(card)
        lean = answer_over(prune_silent(find_inside(network), pictures, views), views)
    with replaced_folder(folder) as beside, quiet_stderr():
        network.save(beside / "model.keras")
        _compress(beside / "model.keras")
        lean.export(beside / "saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(beside / "saved_model"))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        (beside / "model.tflite").write_bytes(converter.convert())
        write_json(beside / "model.json", card | {"versions": library_versions()})


def round_to_float16(weights: np.ndarray) -> np.ndarray:
    """Weights that float16 holds, in which each filter's errors add up to next to nothing.

    Neighbouring pixels are much alike, so that an answer moves with the sum of a filter's errors: by rounding each
    weight for itself, several times as far. What is lost of a weight is added to the next, the smallest last: error
    diffusion, Floyd and Steinberg 1976, "An adaptive algorithm for spatial greyscale".

    Args:
        weights: float32 (..., filters).

    Returns:
        float16 of the same shape.
    """
    rows = weights.reshape(-1, weights.shape[-1])
    order = np.argsort(-np.abs(rows), axis=0)
    kept, error = np.empty(rows.shape, np.float16), np.zeros(rows.shape[1], np.float32)
    for position, largest in enumerate(np.take_along_axis(rows, order, axis=0)):
        wanted = largest + error
        kept[position] = wanted
        error = wanted - kept[position]
    rounded = np.empty_like(kept)
    np.put_along_axis(rounded, order, kept, axis=0)
    return rounded.reshape(weights.shape)


def _compress(archive: Path) -> None:
    """Compress the parts of a .keras file, which Keras only puts together; it opens as before."""
    with zipfile.ZipFile(archive) as kept:
        parts = {name: kept.read(name) for name in kept.namelist()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as compressed:
        for name, content in parts.items():
            compressed.writestr(name, content)


def library_versions() -> dict[str, str]:
    """The versions that a trained model depends on."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
