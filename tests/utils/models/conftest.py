"""A few pictures of stripes, a recipe that trains within a second, and the networks of other runs to begin with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import EMOTIONS

from utils.data.dataset import Split
from utils.files import write_json
from utils.models.networks import build_inference_network, build_strong_cnn
from utils.models.recipe import Recipe
from utils.models.save import round_to_float16
from utils.models.store import Store
from utils.models.test_time_augmentation import View
from utils.models.train import set_seed
from utils.quiet import tf

CLASSES = ["lying", "standing"]
VIEWS = (View(36), View(36, 40, True))


@pytest.fixture(scope="session")
def stripes() -> Split:
    """32 pictures of noisy stripes, lying and standing in turn: even the smallest network learns to tell them apart."""
    rng = np.random.default_rng(0)
    images = np.empty((32, 48, 48, 3), np.uint8)
    for position in range(32):
        wave = np.sin(np.arange(48) * 2 * np.pi / rng.uniform(6, 12) + rng.uniform(0, 2 * np.pi))
        picture = 128 + 80 * (wave if position % 2 else wave[:, np.newaxis]) + rng.normal(0, 30, (48, 48))
        images[position] = picture.clip(0, 255)[..., np.newaxis]
    targets = np.tile([0, 1], 16)
    return Split(pd.DataFrame({"file": range(32)}), images, np.eye(2, dtype=np.float32)[targets], targets)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Four epochs of one step."""
    augmentation = {"rotation": 5.0, "zoom": 0.05, "shift": 1.0, "flip": True}
    return Recipe("strong_cnn", ((4,), (8,), (8,)), (24,) * 4, 32, "float32", augmentation)


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty one."""
    return Store(tmp_path / "store")


@pytest.fixture
def eager():
    """No graphs: to trace one takes longer than the few steps of these trainings, whose results are the same."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def save_run(models: Path, run: str, network, class_names: list[str]) -> Path:
    """Of what a run of the pipeline leaves, as much as another training reads."""
    folder = models / run / "EmotionDetector_2"
    card = {"class_names": class_names, "training": {"views": [view._asdict() for view in VIEWS]}}
    write_json(folder / "model.json", card)
    inference = build_inference_network(network, 1.5, VIEWS)
    inference.set_weights([round_to_float16(weight) for weight in inference.get_weights()])
    inference.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory, recipe) -> Path:
    """A folder of runs: `two` and `sure`, which always says lying, tell two classes apart, and `seven` the emotions."""
    folder = tmp_path_factory.mktemp("project") / "models"
    for run, class_names in (("two", CLASSES), ("seven", list(EMOTIONS))):
        set_seed(len(class_names))
        save_run(folder, run, build_strong_cnn(len(class_names), recipe.widths), class_names)
    sure = build_strong_cnn(2, ((2,), (2,)))
    sure.layers[-1].set_weights([np.zeros((2, 2)), np.array([9.0, -9.0])])
    save_run(folder, "sure", sure, CLASSES)
    return folder


@pytest.fixture(scope="session")
def two(models) -> Path:
    return models / "two" / "EmotionDetector_2"


@pytest.fixture(scope="session")
def seven(models) -> Path:
    return models / "seven" / "EmotionDetector_2"


@pytest.fixture(scope="session")
def sure(models) -> Path:
    return models / "sure" / "EmotionDetector_2"
