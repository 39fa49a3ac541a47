"""What the class names and numbers of a data set mean: by their usual spellings, or as whoever knows the data says."""

import shlex

from utils.labels import CLASS_NAMES, EMOTIONS, find_emotion, find_label, stress_label, suggest_class

CODES = {
    "fer2013": "0=angry 1=disgust 2=fear 3=happy 4=sad 5=surprise 6=neutral",
    "affectnet": "0=neutral 1=happy 2=sad 3=surprise 4=fear 5=disgust 6=angry 7=contempt",
    "rafdb": "1=surprise 2=fear 3=disgust 4=happy 5=sad 6=angry 7=neutral",
    "ckplus": "0=neutral 1=angry 2=contempt 3=disgust 4=fear 5=happy 6=sad 7=surprise",
}
"""By data set, what its numbers mean: no two agree, so that a number alone says nothing."""

HOW_TO_SAY = f'say what they mean: CLASSES="7=contempt angry_faces=angry", or CLASSES={"|".join(CODES)}'

Translation = dict[str, str]
"""By a class's name or number in the data, in lower case, what it means."""


def read_classes(text: str) -> Translation:
    """A Translation from words, as "0=neutral angry_faces=angry", or from a name in CODES; from "" an empty one.

    Words are split as a shell does.

    Raises:
        ValueError: a word without `=`, a name twice, a class that is none, or a quote that is not closed.
    """
    translation: Translation = {}
    try:
        words = shlex.split(CODES.get(text.strip().lower(), text))
    except ValueError:
        raise ValueError(f"CLASSES: a quote that is not closed in {text!r}.") from None
    for word in words:
        name, equals, meaning = word.partition("=")
        key = name.strip().lower()
        if not equals or key in translation:
            what = "each name once" if equals else f"name=class words, or one of {', '.join(CODES)}"
            raise ValueError(f"CLASSES: expected {what}, found {word!r}.")
        if name_class(meaning) is None:
            raise ValueError(f"CLASSES: {word!r} names no class; expected {describe_expected(meaning)}.")
        translation[key] = meaning
    return translation


def name_class(name: str, translation: Translation | None = None) -> tuple[str, int] | None:
    """(emotion, label) that a class name means; the emotion is empty for a stress label; None if unknown.

    Args:
        name: in the data.
        translation: from `read_classes`; goes before the usual spellings.
    """
    name = (translation or {}).get(name.strip().lower(), name)
    label = find_label(name)
    if label is not None:
        return "", label
    emotion = find_emotion(name)
    return None if emotion is None else (emotion, stress_label(emotion))


def describe_expected(name: str) -> str:
    """The classes that there are, and the one that a mistyped name is closest to."""
    close = suggest_class(name)
    meant = f" (did you mean {close}?)" if close else ""
    return f"{' or '.join(CLASS_NAMES)}, or an emotion: {', '.join(EMOTIONS)}{meant}"
