"""The arithmetic that trains fastest here: chosen by timing it, since not every processor gains from short numbers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from utils.pictures import SIDE
from utils.quiet import keras, quiet_stderr, tf

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Keras's names of `parameters.PRECISIONS` but auto; weights are float32 in each."""


def candidates() -> list[str]:
    """What may be fastest here: a GPU is good at float16, some processors at bfloat16."""
    return ["float32", "float16" if tf.config.list_physical_devices("GPU") else "bfloat16"]


def choose_precision(precision: str, build: Callable, batch_size: int) -> tuple[str, dict[str, float]]:
    """The precision to train in.

    Args:
        precision: a key of POLICIES, which is then taken; or "auto", which times the candidates.
        build: () -> an uncompiled network, uint8 (n, 48, 48, 3) -> probabilities.
        batch_size: of the timed steps.

    Returns:
        A key of POLICIES, and the training pictures a second of each that was timed.
    """
    if precision != "auto":
        return precision, {}
    rates = {candidate: time_training(candidate, build, batch_size) for candidate in candidates()}
    return max(rates, key=lambda candidate: rates[candidate]), rates


def time_training(precision: str, build: Callable, batch_size: int, steps: int = 2) -> float:
    """Pictures a second of the faster of some training steps on noise; the first, which compiles, is left out."""
    images = np.random.default_rng(0).integers(0, 256, (batch_size, SIDE, SIDE, 3), np.uint8)
    # a processor without this arithmetic says so in a line of its own; the figure says it too
    with compute_in(precision), quiet_stderr():
        network = build()
        targets = np.arange(batch_size) % network.output_shape[-1]
        # without XLA, as behind the augmentation
        network.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
        seconds = [_time(network.train_on_batch, images, targets) for _ in range(1 + steps)]
    return batch_size / min(seconds[1:])


def _time(work: Callable, *arguments) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


@contextmanager
def compute_in(precision: str) -> Iterator[None]:
    """Layers that are built inside compute in that precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
