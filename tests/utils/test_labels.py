import pytest

from reporting.sentences import describe_balance
from utils.labels import EMOTIONS, STRESS_MAPPINGS, find_emotion, find_split, stress_label


@pytest.mark.parametrize(
    ("folder", "emotion"),
    [("angry", "angry"), ("Anger", "angry"), ("SADNESS", "sad"), ("colère", "angry"), ("Joie", "happy"),
     ("dégoût", "disgust"), ("contempt", "contempt"), ("05_surprise", "surprise"), ("walls", None), ("", None)],
)  # fmt: skip
def test_emotion_folders(folder, emotion):
    assert find_emotion(folder) == emotion


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", "train"), ("Training", "train"), ("PublicTest", "test"), ("VAL", "validation"), ("valid", "validation"),
     ("entraînement", "train"), ("other", None)],
)  # fmt: skip
def test_split_folders(folder, split):
    assert find_split(folder) == split


def test_default_mapping_counts_four_emotions_as_stress():
    assert [emotion for emotion in EMOTIONS if stress_label(emotion)] == ["angry", "disgust", "fear", "sad"]


def test_every_mapping_is_over_known_emotions():
    assert all(mapping < set(EMOTIONS) for mapping in STRESS_MAPPINGS.values())


@pytest.mark.parametrize(("emotion", "mapping"), [("bored", "angry-disgust"), ("sad", "all")])
def test_unknown_names_are_errors_that_say_what_was_expected(emotion, mapping):
    with pytest.raises(ValueError, match="expected one of"):
        stress_label(emotion, mapping)


def test_balance_is_said():
    text = describe_balance({"happy": 7215, "disgust": 436, "sad": 4830})
    assert "happy, has 7,215 training pictures, the rarest, disgust, 436: 16.5 times as many" in text
    assert describe_balance({"happy": 80, "sad": 80}) == "Each class has 80 training pictures."
    assert describe_balance({"happy": 83, "sad": 80}).startswith(
        "All classes have about as many training pictures: 80 to"
    )
    assert "none of the rarest" in describe_balance({"Stress": 5, "Non-stress": 0})
