"""Class names and their spellings; which emotions count as stress."""

import re
import unicodedata
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import PurePosixPath

import numpy as np

CLASS_NAMES = ("Non-stress", "Stress")
"""The two answers, in the order of `label`: 0 and 1."""

NO_MAJORITY = "no majority"
"""What tables say of a label of -1: people tie, or say no class."""

THRESHOLD = 0.5
"""P(stress) from which the answer is Stress."""

EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")

STRESS_MAPPINGS = {
    "angry-disgust-fear-sad": frozenset({"angry", "disgust", "fear", "sad"}),
    "angry-fear-sad": frozenset({"angry", "fear", "sad"}),
    "angry-disgust-fear": frozenset({"angry", "disgust", "fear"}),
    "angry-disgust": frozenset({"angry", "disgust"}),
}
"""The mappings in use in papers and projects; nobody has agreed on one."""

DEFAULT_MAPPING = "angry-disgust-fear-sad"

STRESS_CLASSES = tuple(sorted(STRESS_MAPPINGS[DEFAULT_MAPPING]))
"""The emotions that count as Stress unless something else is asked for."""

_EMOTION_SPELLINGS = {
    "angry": "anger, colere, en colere",
    "contempt": "contemptuous, mepris",
    "disgust": "disgusted, degout",
    "fear": "fearful, afraid, scared, peur",
    "happy": "happiness, joy, joie, heureux",
    "neutral": "neutre",
    "sad": "sadness, triste, tristesse",
    "surprise": "surprised, surpris",
}

_LABEL_SPELLINGS = {
    "nonstress": "no stress, not stress, non stressed, not stressed, no stressed, unstressed, stress free, sans stress,"
    " pas de stress, non stresse, pas stresse",
    "stress": "stressed, stresse, stressful",
}

_SPLIT_SPELLINGS = {
    "train": "training, entrainement, apprentissage, entrenamiento, treino, treinamento, addestramento",
    "validation": "val, valid, dev, validacion, validacao, validazione, validierung",
    "test": "testing, publictest, privatetest, essai, prueba, pruebas, teste, prova, prufung",
}


_SPLIT_FILLERS = {
    *("", "set", "data", "dataset", "images", "image", "imgs", "pictures", "faces", "face", "photos", "files", "split"),
    *("part", "v", "version", "new", "final", "cropped", "aligned"),
}
"""Words that say nothing beside that of a split; numbers are among them."""


def _plain(name: str) -> str:
    """Lower case, without accents, separators and what is not a letter."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z]", "", decomposed)


def _lookup(spellings: dict[str, str]) -> dict[str, str]:
    return {
        _plain(name): canonical for canonical, others in spellings.items() for name in [canonical, *others.split(",")]
    }


_EMOTION_OF = _lookup(_EMOTION_SPELLINGS)

_LABEL_OF = _lookup(_LABEL_SPELLINGS)

_SPLIT_OF = _lookup(_SPLIT_SPELLINGS)


def find_emotion(name: str) -> str | None:
    """The emotion that a folder's name means ("Anger", "colère" -> "angry"), or None."""
    return _EMOTION_OF.get(_plain(name))


def find_label(name: str) -> int | None:
    """The stress label that a folder's name means ("Not_Stressed" -> 0, "stress" -> 1), or None."""
    found = _LABEL_OF.get(_plain(name))
    return None if found is None else int(found == "stress")


def suggest_class(name: str) -> str:
    """The class that a mistyped name is closest to ("Suprise" -> "surprise"), "" where none is close."""
    close = get_close_matches(_plain(name), [*_EMOTION_OF, *_LABEL_OF], n=1, cutoff=0.75)
    if not close:
        return ""
    return _EMOTION_OF.get(close[0]) or CLASS_NAMES[_LABEL_OF[close[0]] == "stress"]


def find_split(name: str) -> str | None:
    """The split that a folder's name means ("PublicTest" -> "test", "01_training_set" -> "train"), or None."""
    words = {_plain(word) for word in re.split(r"[\W_]+", name)} - _SPLIT_FILLERS
    return _SPLIT_OF.get(_plain(name)) or (_SPLIT_OF.get(words.pop()) if len(words) == 1 else None)


def stress_label(emotion: str, mapping: str = DEFAULT_MAPPING) -> int:
    """1 where `mapping` counts the emotion as stress, else 0.

    Raises:
        ValueError: the emotion or the mapping is unknown.
    """
    if emotion not in EMOTIONS:
        raise ValueError(f"Emotion {emotion!r}: expected one of {', '.join(EMOTIONS)}.")
    if mapping not in STRESS_MAPPINGS:
        raise ValueError(f"Mapping {mapping!r}: expected one of {', '.join(STRESS_MAPPINGS)}.")
    return int(emotion in STRESS_MAPPINGS[mapping])


_CODES_IN_NAMES = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}

_FILE_NAMES = (
    # KDEF (Lundqvist et al. 1998): session, sex and person, emotion, angle: AF01ANS.JPG
    re.compile(r"[AB](?P<person>[FM]\d\d)(?P<emotion>AF|AN|DI|HA|NE|SA|SU)(FL|HL|S|HR|FR)\.\w+", re.IGNORECASE),
    # JAFFE (Lyons et al. 1998): person, emotion: KA.AN1.39.tiff
    re.compile(r"(?P<person>[A-Z]{2})\.(?P<emotion>AN|DI|FE|HA|NE|SA|SU)\d\.\d+\.\w+", re.IGNORECASE),
    # CK+48, after CK+ (Lucey et al. 2010): person, sequence, frame, in folders of emotions: S010_004_00000017.png
    re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}\.\w+", re.IGNORECASE),
)


def read_file_name(name: str) -> tuple[str, str]:
    """(person, code of the emotion) that a file's name gives in KDEF, JAFFE and CK+48; "" for what it does not give.

    Args:
        name: of the file, perhaps with its folders.
    """
    own = PurePosixPath(name).name
    found = next(filter(None, (pattern.fullmatch(own) for pattern in _FILE_NAMES)), None)
    said = {} if found is None else found.groupdict()
    return said.get("person", "").upper(), said.get("emotion", "").upper()


def name_code(code: str) -> tuple[str, int]:
    """(emotion, label) of an emotion's code in the names of KDEF's and JAFFE's files."""
    emotion = _CODES_IN_NAMES[code]
    return emotion, stress_label(emotion)


def contradict(one: tuple[str, int], other: tuple[str, int], stress_classes: Collection[str]) -> bool:
    """Whether two classes, (emotion or "", label), cannot both be a picture's."""
    if one[0] and other[0]:
        return one[0] != other[0]
    return len({int(emotion in stress_classes) if emotion else label for emotion, label in (one, other)}) > 1


def name_classes(records):
    """The class of each record: its emotion, or the stress label's name where it has none.

    Args:
        records: a DataFrame with `emotion` ("" where unknown) and `label` (0, 1, or -1 where people tie: then the
            first of the two, as in every tie of classes).
    """
    names = records["label"].map(lambda label: CLASS_NAMES[max(label, 0)])
    return records["emotion"].where(records["emotion"] != "", names)


def find_majority(stress, people) -> np.ndarray:
    """What most people say: int (n,), 0 = Non-stress, 1 = Stress, -1 where they tie, or there is nobody.

    Args:
        stress: (n,), how many say Stress; a share of people, too.
        people: (n,) or a number, of how many; 1 where `stress` is a share.
    """
    # shares are sums of rounded numbers
    lead = np.round(2 * np.asarray(stress, dtype=np.float64) - people, 5)
    return np.where(lead == 0, -1, (lead > 0).astype(int))
