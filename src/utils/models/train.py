"""The classic network's training, by early stopping; seeds, devices, and what a network answers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import takewhile

import numpy as np

from utils.data.dataset import Split
from utils.models.batches import make_batches
from utils.models.callbacks import ShowProgress, Watch
from utils.models.store import Store, Training, fingerprint_network, fingerprint_split
from utils.models.test_time_augmentation import WHOLE, View, make_view
from utils.quiet import keras, tf

DIVERGED = "start it again with a lower learning rate, or in float32, or look for what is wrong with the pictures."
"""What to do about a training whose loss is no number any more."""


SHARED_BY = "GPU"
"""The kind of device among which the pictures of a batch are divided, where a machine has several."""


@cache
def choose_strategy():
    """How this process divides a training: what is built in its `scope()` is trained on all GPUs of the machine.

    Each gets its part of every batch, and all get the same weights. With one GPU or none it does nothing.
    """
    devices = [device.name for device in tf.config.list_logical_devices(SHARED_BY)]
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()


def keep_order(network, images: np.ndarray, targets: np.ndarray) -> None:
    """On several devices, build a compiled network whole: `fit` would spend the first order of the pictures on that.

    Args:
        network: built in the scope of `choose_strategy`.
        images: uint8 (n, 48, 48, 3), RGB; one is enough.
        targets: float32 (n, classes).
    """
    if choose_strategy().num_replicas_in_sync > 1:
        network._maybe_symbolic_build(data_batch=(np.asarray(images[:1]), targets[:1], None))
        network._maybe_symbolic_build = lambda **_: None


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow: the same settings on the same machine give the same weights."""
    keras.utils.set_random_seed(seed)


def compile_network(network, learning_rate: float):
    """Adam on the cross-entropy to each class's share of the votes, or to the one label; returns the network."""
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate), loss="categorical_crossentropy", metrics=["accuracy"]
    )
    return network


@dataclass(frozen=True)
class BaselineRecipe:
    """How the classic network is trained, augmented or not.

    Attributes:
        epochs: at most that many.
        batch_size: pictures a step.
        patience: epochs without a lower validation loss before it stops.
        learning_rate: of Adam.
        augmentation: `rotation`, `zoom`, `shift`, `flip` of `augmentation.RandomAffine`; None where there is none.
    """

    epochs: int
    batch_size: int
    patience: int
    learning_rate: float
    augmentation: dict | None = None

    def describe(self) -> dict:
        """What a model.json says of the training."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def train_network(
    network,
    recipe: BaselineRecipe,
    train: Split,
    validation: Split,
    seed: int,
    store: Store,
    watch: Watch | None = None,
) -> Training:
    """Fit until validation loss has not fallen for a while, or take that training from the store.

    Args:
        network: compiled; it gets the best epoch's weights.
        recipe: see there.
        train: the pictures to learn from; test pictures never come here.
        validation: those to stop by.
        seed: of the order of the pictures.
        store: where the training is kept.
        watch: see `callbacks.ShowProgress`.

    Returns:
        Of each epoch `loss`, `accuracy`, `val_loss`, `val_accuracy`, up to the last whose losses are numbers.

    Raises:
        ValueError: that of the first epoch is none.
    """
    settings = {"recipe": recipe.describe(), "seed": seed, "network": fingerprint_network(network)}
    settings |= {"data": fingerprint_split(train), "validation": fingerprint_split(validation)}
    return store.remember(settings, network, lambda _: (_fit(network, recipe, train, validation, seed, watch), {}))


def _fit(
    network, recipe: BaselineRecipe, train: Split, validation: Split, seed: int, watch: Watch | None
) -> list[dict]:
    early_stopping = keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)
    steps = -(-len(train.targets) // recipe.batch_size)
    computing = network
    if choose_strategy().num_replicas_in_sync > 1:
        with choose_strategy().scope():
            computing = compile_network(keras.models.clone_model(network), recipe.learning_rate)
        computing.set_weights(network.get_weights())
        keep_order(computing, train.images, train.targets)
    history = computing.fit(
        make_batches(train, recipe.batch_size, seed),
        validation_data=make_batches(validation, recipe.batch_size),
        epochs=recipe.epochs,
        verbose=0,
        shuffle=False,  # make_batches has shuffled
        callbacks=[early_stopping, ShowProgress(recipe.epochs, steps, watch)],
    ).history
    network.set_weights(computing.get_weights())
    rows = [dict(zip(history, map(float, row), strict=True)) for row in zip(*history.values(), strict=True)]
    sound = list(takewhile(lambda row: np.isfinite(list(row.values())).all(), rows))
    if not sound:
        raise ValueError(f"The loss of the first epoch is no number: {DIVERGED}")
    return sound


def train_from_seeds(
    build: Callable, seeds: list[int], recipe: BaselineRecipe, train: Split, validation: Split, store: Store
) -> dict[int, np.ndarray]:
    """The same training once a seed, to see what chance does to it.

    Args:
        build: seed -> a new, uncompiled network.
        seeds: of first weights and order.
        recipe: see there.
        train: the pictures to learn from.
        validation: those to stop by, and to answer.
        store: where the trainings are kept.

    Returns:
        By seed, class probabilities of the validation pictures, float32 (n, classes).
    """
    answers = {}
    for seed in seeds:
        set_seed(seed)
        network = compile_network(build(seed), recipe.learning_rate)
        train_network(network, recipe, train, validation, seed, store)
        answers[seed] = predict(network, validation.images)
    return answers


def best_epoch(history: list[dict]) -> int:
    """The epoch, counted from 1, whose validation loss is lowest: the one whose weights were kept."""
    return 1 + int(np.argmin([epoch["val_loss"] for epoch in history]))


def list_still_falling(histories: dict[str, list[dict]]) -> list[str]:
    """The models whose validation loss was lowest in the last epoch that was trained: longer training might help."""
    return [name for name, history in histories.items() if best_epoch(history) == len(history)]


def predict(network, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Class probabilities of uint8 (n, 48, 48, 3) pictures: float32 (n, classes)."""
    return np.asarray(network.predict(images, batch_size=batch_size, verbose=0))


def predict_views(network, images: np.ndarray, views: tuple[View, ...] = WHOLE) -> np.ndarray:
    """Class probabilities of each view of the pictures: float32 (views, n, classes)."""
    return np.stack([predict(network, np.asarray(make_view(images, view))) for view in views])
