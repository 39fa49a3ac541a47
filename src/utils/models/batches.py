"""Batches of pictures and targets for a training."""

import numpy as np

from utils.data.dataset import Split, copy_images
from utils.pictures import SIDE
from utils.quiet import tf


def make_batches(split: Split, batch_size: int, seed: int | None = None, targets: np.ndarray | None = None):
    """A tf.data.Dataset of (images, targets) batches, in a new order each epoch where a seed is given.

    Only positions are shuffled; pixels are gathered a batch at a time.

    Args:
        split: the pictures.
        batch_size: pictures in each batch; the last one may be smaller.
        seed: of the order; None keeps that of the split.
        targets: float32 (n, classes), where the loss wants others than the split's.
    """
    wanted = split.targets if targets is None else targets

    def gather(positions):
        return copy_images(split.images, positions), wanted[positions]

    def fetch(positions):
        pictures, answers = tf.numpy_function(gather, [positions], [tf.uint8, wanted.dtype], stateful=False)
        return (
            tf.ensure_shape(pictures, (None, SIDE, SIDE, 3)),
            tf.ensure_shape(answers, (None, *wanted.shape[1:])),
        )

    options = tf.data.Options()
    options.autotune.enabled = False  # there is nothing to tune, and its thread sleeps on for seconds after an epoch
    positions = tf.data.Dataset.range(len(split.targets)).with_options(options)
    if seed is not None:
        positions = positions.shuffle(len(split.targets), seed=seed, reshuffle_each_iteration=True)
    return positions.batch(batch_size).map(fetch).prefetch(2)
