"""The versions of a picture that a network looks at before it answers with the mean."""

from typing import NamedTuple

from utils.pictures import SIDE
from utils.quiet import keras


class View(NamedTuple):
    """The picture's middle `crop` x `crop` pixels, made `side` x `side` pixels large; mirrored or not."""

    side: int = SIDE
    crop: int = SIDE
    mirrored: bool = False


WHOLE = (View(),)
"""The picture as it is."""


def read_views(card: dict) -> tuple[View, ...]:
    """Those that a saved network answers over, by its model.json."""
    return tuple(View(**view) for view in card["training"].get("views", ())) or WHOLE


def make_view(pictures, view: View):
    """The pictures as a network will look at them: uint8 (n, side, side, 3).

    Args:
        pictures: uint8 (n, 48, 48, 3), an array or a Keras tensor.
        view: the version that is made.
    """
    edge = (SIDE - view.crop) // 2
    seen = pictures[:, edge : SIDE - edge, edge : SIDE - edge] if edge else pictures
    seen = seen if view.side == view.crop else resize(seen, view.side)
    return keras.ops.flip(seen, axis=2) if view.mirrored else seen


def resize(pictures, side: int):
    """Pictures of another side, by bilinear interpolation, as `augmentation.RandomAffine` makes them: uint8."""
    resized = keras.ops.image.resize(keras.ops.cast(pictures, "float32"), (side, side), interpolation="bilinear")
    return round_to_grey(resized)


def round_to_grey(values):
    """Whole grey values, 0 to 255, as uint8.

    What lies half way between two, as bilinear interpolation often gives, goes up everywhere: `round` leaves it to the
    last bit, which differs from one runtime to the next.

    Args:
        values: float32, from 0 to 255.
    """
    return keras.ops.cast(keras.ops.floor(values + 0.501), "uint8")


def add_test_time_augmentation(network, views: tuple[View, ...]):
    """A network that answers with the mean of another's answers over the views of a picture.

    Args:
        network: uint8 (n, side, side, 3) -> float32 (n, classes), for every side among the views.
        views: one at least.

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
