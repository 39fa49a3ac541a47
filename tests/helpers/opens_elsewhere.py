"""What is saved here opens in older versions of Keras, without TensorFlow: `python tests/helpers/opens_elsewhere.py`.

Saves networks, makes a throw-away environment, and compares its answers with this one's.
"""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from utils.models.networks import build_baseline_cnn, build_inference_network, build_strong_cnn
from utils.models.save import save_model
from utils.models.test_time_augmentation import View
from utils.models.train import compile_network, predict, set_seed

VERSIONS = ("3.4.0", "3.12.0")
"""Of Keras: the oldest that opens the files, and one that is much used."""

NEEDED = ("jax==0.7.2", "jaxlib==0.7.2")
AS_HERE = ("h5py", "ml-dtypes", "numpy", "optree", "packaging", "scipy")
"""What these and Keras need, in this environment's versions; its early ones do not ask for `packaging`."""

OPEN = """
import sys, keras, numpy as np
pictures = np.load("pictures.npy")
for name in sys.argv[1:]:
    answers = keras.models.load_model(f"{name}/model.keras").predict(pictures, verbose=0)
    difference = np.abs(answers - np.load(f"{name}.npy")).max()
    print(f"Keras {keras.__version__}, {name}: answers differ by {difference:.0e}")
    assert difference < 1e-4
"""


def save_networks(folder: Path) -> list[str]:
    """Save a network of each kind, pictures.npy, and its answers about them as <name>.npy; returns their names."""
    set_seed(0)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3), np.uint8)
    np.save(folder / "pictures.npy", pictures)
    networks = {
        "baseline": build_inference_network(compile_network(build_baseline_cnn(7), 1e-3)),
        "strong": build_inference_network(build_strong_cnn(7), views=(View(), View(32), View(24, 40, True))),
    }
    for name, network in networks.items():
        save_model(folder / name, network, {})
        np.save(folder / f"{name}.npy", predict(network, pictures))
    return list(networks)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = save_networks(folder)
        uv, elsewhere = [sys.executable, "-m", "uv", "--quiet"], folder / "venv"
        subprocess.run([*uv, "venv", "--python", sys.executable, elsewhere], check=True)
        needed = [*NEEDED, *(f"{name}=={version(name)}" for name in AS_HERE)]
        for keras in VERSIONS:
            subprocess.run([*uv, "pip", "install", "--python", elsewhere, f"keras=={keras}", *needed], check=True)
            environment = os.environ | {"KERAS_BACKEND": "jax"}
            subprocess.run([elsewhere / "bin" / "python", "-c", OPEN, *names], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main()
