"""The versions of a picture that a network looks at before it answers with the mean."""

from typing import NamedTuple

from utils.pictures import SIDE
from utils.tensorflow_quietly import keras


class View(NamedTuple):
    """The picture's middle `crop` x `crop` pixels, made `side` x `side` pixels large; mirrored or not."""

    side: int = SIDE
    crop: int = SIDE
    mirrored: bool = False


WHOLE = (View(),)
"""The picture as it is."""


def choose_views(pairs: list[list[int]]) -> tuple[View, ...]:
    """A view for each pair of side and crop, every second one mirrored; checked before a training.

    Raises:
        ValueError: not a list of pairs of even numbers from 16, the least that the strong network takes, to SIDE.
    """
    pixels = range(16, SIDE + 1, 2)  # an odd crop would not be in the middle
    shaped = isinstance(pairs, list) and pairs and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    if not shaped or not all(number in pixels for pair in pairs for number in pair):
        raise ValueError(
            f"STRONG_VIEWS: expected pairs of even numbers of pixels from {pixels[0]} to {pixels[-1]}, as"
            f" [[32, 48], [32, 40]], found {pairs!r}."
        )
    return tuple(View(side, crop, mirrored=bool(position % 2)) for position, (side, crop) in enumerate(pairs))


def make_view(pictures, view: View):
    """The pictures as a network will look at them: uint8 (n, side, side, 3).

    Args:
        pictures: uint8 (n, 48, 48, 3), an array or a Keras tensor.
    """
    edge = (SIDE - view.crop) // 2
    seen = pictures[:, edge : SIDE - edge, edge : SIDE - edge] if edge else pictures
    seen = seen if view.side == view.crop else resize(seen, view.side)
    return keras.ops.flip(seen, axis=2) if view.mirrored else seen


def resize(pictures, side: int):
    """Pictures of another side, by bilinear interpolation, as `augmentation.RandomAffine` makes them: uint8."""
    resized = keras.ops.image.resize(keras.ops.cast(pictures, "float32"), (side, side), interpolation="bilinear")
    return keras.ops.cast(keras.ops.round(resized), "uint8")


def answer_over(network, views: tuple[View, ...]):
    """A network that answers with the mean of another's answers over the views of a picture.

    Args:
        network: uint8 (n, side, side, 3) -> float32 (n, classes), for every side among the views.

    Returns:
        An uncompiled keras.Model: uint8 (n, 48, 48, 3), RGB -> float32 (n, classes).
    """
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="picture")
    if len(views) == 1:
        return keras.Model(picture, network(make_view(picture, views[0])))
    answers = []
    for side in dict.fromkeys(view.side for view in views):
        # in one batch, since to read the weights takes longer than to use them
        seen = [make_view(picture, view) for view in views if view.side == side]
        answer = network(keras.ops.concatenate(seen))
        answers.append(keras.ops.reshape(answer, (len(seen), -1, answer.shape[-1])))
    return keras.Model(picture, keras.ops.mean(keras.ops.concatenate(answers), axis=0))
