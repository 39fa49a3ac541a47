import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from command import save_tiny_model
from PIL import Image
from skimage import data as photographs
from support import CHECKOUT, EMOTIONS, draw_face, encode

from utils.data.ingest import inspect_source, read_pictures
from utils.inference.classifier import NO_FACE, Classifier, stress_probability
from utils.inference.faces import Crop
from utils.inference.reasons import say_meaning
from utils.inference.tflite import SharedNetwork
from utils.quiet import keras

RNG = np.random.default_rng(0)
FACES = [draw_face(emotion, RNG) for emotion in EMOTIONS]
PORTRAIT = encode(Image.fromarray(photographs.astronaut()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def classifier(folder):
    return Classifier.load(folder)


def test_both_files_of_the_shipped_network_answer_alike():
    shipped = CHECKOUT / "models" / "shipped" / "EmotionDetector_2"
    _, pictures, _ = read_pictures(inspect_source(CHECKOUT / "data" / "sample" / "faces.zip"), count=100)
    expected = np.asarray(keras.models.load_model(shipped / "model.keras")(pictures))
    assert Classifier.load(shipped).probabilities(pictures) == pytest.approx(expected, abs=1e-4)


def answer_with(classifier: Classifier, p_stress: float, fault: str = ""):
    """The prediction where the network answers with that P(stress)."""
    classifier.probabilities = lambda pictures: np.array([[p_stress, 1 - p_stress]])
    return classifier.judge([Crop(np.zeros((48, 48, 3), np.uint8), (1, 2, 3, 4), fault)])[0]


@pytest.mark.parametrize(("p_stress", "label", "confidence"), [(0.5, "Stress", 0.5), (0.2, "Non-stress", 0.8)])
def test_an_answer(classifier, p_stress, label, confidence):
    prediction = answer_with(classifier, p_stress)
    assert (prediction.status, prediction.reason, prediction.label) == ("ok", "", label)
    assert prediction.confidence == pytest.approx(confidence)
    assert prediction.probabilities == pytest.approx({"angry": p_stress, "disgust": 1 - p_stress})
    assert prediction.box == (1, 2, 3, 4) and prediction.picture.shape == (1, 48, 48, 3)


@pytest.mark.parametrize(
    ("p_stress", "reason"), [(0.3, ""), (0.31, "low_confidence"), (0.69, "low_confidence"), (0.71, "")]
)
def test_below_its_threshold_it_cannot_say(classifier, p_stress, reason):
    classifier.abstention = {"confidence": 0.7}
    prediction = answer_with(classifier, p_stress)
    assert prediction.reason == reason
    assert prediction.status == ("cannot say" if reason else "ok")
    assert (prediction.label is None) == (prediction.confidence is None) == bool(reason)
    assert prediction.p_stress == pytest.approx(p_stress)


def test_a_model_of_votes_says_that_people_would_be_divided(classifier):
    classifier.abstention, classifier.target = {"confidence": 0.7}, "votes"
    assert answer_with(classifier, 0.6).reason == "people_disagree"
    assert answer_with(classifier, 0.6, "too_dark").reason == "too_dark"


@pytest.mark.parametrize(
    ("target", "p_stress", "language", "sentence"),
    [("votes", 0.7077, "en", "About 7 of 10 people would call this expression stress-related."),
     ("votes", 0.04, "fr", "Environ 0 personnes sur 10 diraient cette expression liée au stress."),
     ("labels", 0.7, "en", "Such an expression would be labelled Stress; how many people would agree is not known.")],
)  # fmt: skip
def test_what_the_answer_means_depends_on_what_was_learnt(target, p_stress, language, sentence):
    assert say_meaning(target, "Stress", p_stress, language) == sentence
    assert ("people" in say_meaning("labels", "Stress", 0.7)) and "of 10" not in say_meaning("labels", "Stress", 0.7)


def test_a_fault_comes_before_doubt_and_leaves_p_stress(classifier):
    classifier.abstention = {"confidence": 0.99}
    prediction = answer_with(classifier, 0.6, "too_dark")
    assert (prediction.reason, prediction.label, prediction.p_stress) == ("too_dark", None, pytest.approx(0.6))


def test_the_frequency_is_that_of_test_pictures_answered_with_such_a_confidence(classifier):
    assert answer_with(classifier, 0.72).frequency is None
    classifier.reliability = [
        {"from": 0.5, "to": 0.7, "count": 200, "right": 120},
        {"from": 0.7, "to": 0.9, "count": 59, "right": 42},
        {"from": 0.9, "to": 1.0, "count": 3, "right": 3},
    ]
    assert answer_with(classifier, 0.72).frequency == 71
    assert answer_with(classifier, 0.28).frequency == 71
    assert answer_with(classifier, 0.55).frequency == 60
    assert answer_with(classifier, 0.95).frequency is None


def test_a_picture_without_a_face(classifier):
    wall = encode(Image.fromarray(photographs.brick()))
    assert classifier.predict_faces(wall) == []
    assert classifier.predict(wall) is NO_FACE
    assert classifier.predict(wall, "crop").p_stress is not None


def test_the_portrait_is_cut_out(classifier):
    (prediction,) = classifier.predict_faces(PORTRAIT)
    left, top, right, bottom = prediction.box
    assert left < 200 < 245 < right and top < 110 < 160 < bottom
    by_hand = classifier.p_stress(classifier.probabilities(prediction.picture))[0]
    assert prediction.p_stress == pytest.approx(by_hand)


def test_a_path_and_its_bytes_are_answered_alike(classifier, tmp_path):
    path = tmp_path / "face.png"
    path.write_bytes(encode(FACES[0]))
    assert classifier.predict(path).p_stress == classifier.predict(path.read_bytes()).p_stress


def test_threads_share_a_classifier(classifier):
    pictures = [encode(face) for face in FACES] + [PORTRAIT]
    alone = [classifier.predict(picture).p_stress for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = [prediction.p_stress for prediction in pool.map(classifier.predict, pictures * 12)]
    assert together == alone * 12


def test_a_batch_answers_as_one_by_one(classifier):
    pictures = np.stack([np.asarray(face) for face in FACES] * 11)
    alone = np.concatenate([classifier.probabilities(picture[np.newaxis]) for picture in pictures])
    assert classifier.probabilities(pictures) == pytest.approx(alone, abs=1e-5)
    assert classifier.probabilities(pictures[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    "pictures", [np.zeros((1, 48, 48, 3)), np.zeros((48, 48, 3), np.uint8), np.zeros((1, 9, 9, 3), np.uint8)]
)
def test_wrong_pixels_are_named(classifier, pictures):
    with pytest.raises(ValueError, match=r"expected uint8 \(n, 48, 48, 3\)"):
        classifier.probabilities(pictures)


def test_a_broken_network_is_an_error(folder, tmp_path):
    with pytest.raises(ValueError):
        SharedNetwork(b"nothing")
    (tmp_path / "model.json").write_text((folder / "model.json").read_text())
    (tmp_path / "model.tflite").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is not whole"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ([], r"model.json is broken \(expected names with values\): remove it, and run again what wrote it\. Train"),
        (None, r"model.json is broken \(expected names"),
        ({"target": "moods"}, "target 'moods': expected votes or labels"),
        ({"class_names": ["a", "b", "c"]}, "expected 2, one for each output"),
        ({"class_names": "ab"}, "class_names 'ab': expected a list of names"),
        ({"stress_classes": ["panic"]}, r"stress_classes \['panic'\]: expected some of \['angry', 'disgust'\]"),
        ({"abstention": 0.6}, "abstention 0.6: expected null, or an object with the number confidence"),
        ({"abstention": {"confidence": "0.6"}}, "expected null, or an object with the number confidence"),
        ({"reliability": 5}, "reliability 5: expected objects"),
        ({"reliability": [{"from": 0.5}]}, "the numbers from, to, count, right"),
    ],
)
def test_a_foreign_card_is_told_before_the_first_picture(folder, tmp_path, changes, complaint):
    card = json.loads((folder / "model.json").read_text()) | changes if isinstance(changes, dict) else changes
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.tflite").write_bytes((folder / "model.tflite").read_bytes())
    with pytest.raises(ValueError, match=complaint) as error:
        Classifier.load(tmp_path)
    assert str(error.value).startswith(f"The saved model in {tmp_path} is not whole: ")


def test_stress_is_the_sum_over_its_classes():
    rows = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    assert stress_probability(rows, ["a", "b", "c"], ["a", "c"]) == pytest.approx([0.8, 0.5])
    with pytest.raises(ValueError, match="expected"):
        stress_probability(rows, ["a", "b"], ["a"])
