"""`python -m devices FILE`: train both kinds of network on one logical processor, then on two; save all weights."""

import sys
import tempfile
from functools import partial
from pathlib import Path


def main(path: str) -> None:
    import tensorflow

    (processor,) = tensorflow.config.list_physical_devices("CPU")
    alone = tensorflow.config.LogicalDeviceConfiguration()
    tensorflow.config.set_logical_device_configuration(processor, [alone] * 2)
    import numpy as np

    from utils.models import networks, train

    # what is dropped is drawn on each device
    networks.build_strong_cnn = partial(networks.build_strong_cnn, dropout=0.0)
    found = {}
    for name, kind, count in (("one", "GPU", 1), ("two", "CPU", 2)):
        train.SHARED_BY = kind
        train.choose_strategy.cache_clear()
        assert train.choose_strategy().num_replicas_in_sync == count
        for network, weights in train_both().items():
            found |= {f"{name}/{network}/{place}": weight for place, weight in enumerate(weights)}
    np.savez(path, **found)


def train_both() -> dict:
    """The weights of both kinds of network, after two epochs of two steps."""
    import numpy as np
    import pandas as pd

    from utils.data.dataset import Split
    from utils.models import train
    from utils.models.networks import build_baseline_cnn
    from utils.models.recipe import Recipe
    from utils.models.store import Store
    from utils.models.strong_training import train_strong

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (32, 48, 48, 3), np.uint8), np.tile([0, 1], 16)
    split = Split(pd.DataFrame({"file": range(32)}), images, np.eye(2, dtype=np.float32)[labels], labels)
    train.set_seed(0)
    network = train.compile_network(build_baseline_cnn(2, widths=(4, 8), dropout=0.0), 0.01)
    still = {"rotation": 0.0, "zoom": 0.0, "shift": 0.0, "flip": False}
    recipe = Recipe("strong_cnn", ((4,), (8,)), (24, 32), 16, "float32", still)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        train.train_network(network, train.BaselineRecipe(2, 16, 9, 0.01), split, split, 0, store)
        strong = train_strong(recipe, split, split, ["lying", "standing"], 0, store).network
    return {"baseline": network.get_weights(), "strong": strong.get_weights()}


if __name__ == "__main__":
    main(sys.argv[1])
