"""What a network takes over from trained ones: weights to be initialised from, and answers to learn from."""

from pathlib import Path

import numpy as np

from utils.data.dataset import copy_images
from utils.models.layers import ScaledConv2D
from utils.models.networks import find_inside
from utils.quiet import keras


def initialise_from(network, saved, with_head: bool) -> None:
    """Give a new strong network the weights of one that was saved as an inference network: fine-tuning begins there.

    Args:
        network: from `networks.build_strong_cnn`.
        saved: a loaded model.keras, from `networks.build_inference_network`.
        with_head: also those of the last layer, where both tell the same classes apart; else it stays new.

    Raises:
        ValueError: what was saved is a network of another shape.
    """
    new, old = ([layer for layer in part.layers if layer.weights] for part in (network, find_inside(saved)))
    taken = None if with_head else -1
    wanted, found = ([layer.get_weights()[0].shape for layer in part[:taken]] for part in (new, old))
    if wanted != found:
        raise ValueError(f"To be initialised from: expected a network with weights of shapes {wanted}, found {found}.")
    for layer, plain in zip(new[:taken], old[:taken], strict=True):
        if isinstance(layer, ScaledConv2D):
            layer.set_plain_weights(*plain.get_weights())
        else:
            layer.set_weights(plain.get_weights())


def ask_teachers(folders: tuple[Path, ...], images: np.ndarray) -> np.ndarray:
    """The mean answer of saved networks about pictures, which a student learns: float32 (n, classes), rows sum to 1.

    Hinton et al. 2015 (arXiv 1503.02531), "Distilling the knowledge in a neural network".

    Args:
        folders: with model.keras, from `recipe.choose_teachers`; one at least.
        images: uint8 (n, 48, 48, 3), RGB.
    """
    return np.mean([_ask(keras.models.load_model(folder / "model.keras"), images) for folder in folders], axis=0)


def _ask(network, images: np.ndarray) -> np.ndarray:
    """Its answers, in pieces: all the pictures of a mapped file would not fit into memory at once."""
    pieces = np.array_split(np.arange(len(images)), range(4096, len(images), 4096))
    return np.concatenate([network.predict(copy_images(images, piece), batch_size=256, verbose=0) for piece in pieces])
