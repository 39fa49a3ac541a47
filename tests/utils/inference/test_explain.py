import zipfile

import numpy as np
import pytest
from command import save_tiny_model
from support import EMOTIONS, draw_face, encode

from utils.inference.classifier import NO_FACE, Classifier
from utils.inference.explain import (
    FULL_SCALE,
    Explanation,
    ShuffledCheck,
    compare_with_shuffled,
    explain,
    map_occlusion,
    measure_sensitivity,
    overlay_map,
    say_likeness,
    shuffle_weights,
    sum_up_answer,
)
from utils.inference.similar import ALIKE_FROM, describe_shape, find_similar
from utils.pictures import encode_png

RNG = np.random.default_rng(0)
FACES = np.stack([np.asarray(draw_face(emotion, RNG)) for emotion in EMOTIONS * 2])


class BrightCorner:
    """P(stress) is the mean brightness of the left upper 12x12 pixels."""

    def probabilities(self, pictures):
        share = pictures[:, :12, :12].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - share, share], axis=1)

    def p_stress(self, probabilities):
        return probabilities[:, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def classifier(folder):
    return Classifier.load(folder)


def test_the_map_shows_the_part_that_counts():
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[:12, :12] = 255
    occlusion = map_occlusion(BrightCorner(), picture)
    assert occlusion.shape == (48, 48)
    assert occlusion[:6, :6] == pytest.approx(1 - 16 / 255)  # 255 / 16 = 16: the mean that covers it
    assert np.abs(occlusion[18:, 18:]).max() == 0


def test_a_map_of_shuffled_weights_is_another_one(classifier, folder):
    model = (folder / "model.tflite").read_bytes()
    assert shuffle_weights(model, seed=1) == shuffle_weights(model, seed=1) != shuffle_weights(model, seed=2) != model
    assert len(shuffle_weights(model)) == len(model)
    check = compare_with_shuffled(classifier, folder / "model.tflite", FACES[:3])
    assert check.maps.shape == check.shuffled.shape == (3, 48, 48)
    assert (check.likeness < 0.6).all() and (check.likeness >= -1).all()
    found = check.summarise()
    assert found["pictures"] == 3 and found["low"] <= found["median"] <= found["high"]
    same = Classifier(model, classifier.class_names, classifier.stress_classes)
    assert np.array_equal(map_occlusion(same, FACES[0]), map_occlusion(classifier, FACES[0]))


def test_the_likeness_of_two_maps_is_their_correlation():
    first = RNG.normal(size=(4, 48, 48))
    flat = np.zeros((48, 48))
    check = ShuffledCheck(first, np.stack([2 * first[0] + 1, -first[1], flat, RNG.normal(size=(48, 48))]))
    assert check.likeness[:3] == pytest.approx([1, -1, 0])
    assert check.likeness[3] == pytest.approx(np.corrcoef(first[3].ravel(), check.shuffled[3].ravel())[0, 1])
    assert "of 4 maps reach 2 points" in say_likeness(check) and "median of 4 pictures" in say_likeness(check)


def test_sensitivity_moves_the_picture_as_named():
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[:12, -12:] = 100
    sensitivity = measure_sensitivity(BrightCorner(), picture)
    assert sensitivity["as it is"] == 0
    assert sensitivity["mirrored"] == pytest.approx(100 / 255)
    picture[:] = 0
    picture[:, 12:14] = 120
    sensitivity = measure_sensitivity(BrightCorner(), picture)
    assert sensitivity["2 px left"] == pytest.approx(120 / 255 / 6)
    assert sensitivity["2 px right"] == sensitivity["2 px up"] == 0
    picture[:] = 100
    sensitivity = measure_sensitivity(BrightCorner(), picture)
    assert (sensitivity["darker by a fifth"], sensitivity["brighter by a fifth"]) == pytest.approx(
        (80 / 255, 120 / 255)
    )


def test_shape_ignores_light_and_is_most_like_itself():
    shapes = describe_shape(FACES)
    assert shapes.shape == (14, 288) and shapes.dtype == np.float32
    assert (shapes @ shapes.T).argmax(axis=1).tolist() == list(range(14))
    assert np.diag(shapes @ shapes.T) == pytest.approx(1, abs=1e-5)
    darker = describe_shape((FACES // 2).astype(np.uint8))
    assert (shapes * darker).sum(axis=1).min() > 0.95
    assert not describe_shape(np.full((1, 48, 48, 3), 7, np.uint8)).any()


def test_similar_pictures_come_from_the_training_part_with_their_labels(tmp_path, monkeypatch):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (emotion, face) in enumerate(zip(EMOTIONS * 2, FACES, strict=True)):
            split = "train" if number < 7 else "test"
            archive.writestr(f"{split}/{emotion}/{number}.png", encode_png(face))
        archive.writestr("attributes.csv", "file\n")
    monkeypatch.setattr("utils.inference.similar.ALIKE_FROM", -1)
    found = find_similar(FACES[2], path, count=3)
    assert (found[0].emotion, found[0].label) == ("fear", "Stress")
    assert np.array_equal(found[0].picture, FACES[2])
    assert found[0].similarity == pytest.approx(1, abs=1e-5)
    assert found[0].similarity >= found[1].similarity >= found[2].similarity
    assert find_similar(FACES[9], path, count=1)[0].similarity < 0.99  # a test picture is not there
    assert find_similar(FACES[0], tmp_path / "none.zip") == []


def test_pictures_that_are_hardly_alike_are_not_called_similar(tmp_path):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (emotion, face) in enumerate(zip(EMOTIONS, FACES, strict=False)):
            archive.writestr(f"train/{emotion}/{number}.png", encode_png(face))
    found = find_similar(FACES[2], path, count=7)
    assert found[0].similarity == pytest.approx(1, abs=1e-5)
    assert all(one.similarity >= ALIKE_FROM for one in found)
    assert find_similar(RNG.integers(0, 256, (48, 48, 3), dtype=np.uint8), path) == []


@pytest.mark.parametrize(("reached", "told"), [(0, 0), (0.0199, 0), (0.0201, 2), (-0.0201, 2), (-0.257, 26)])
def test_a_map_in_which_nothing_moved_the_answer_reaches_nothing(reached, told):
    occlusion = np.zeros((48, 48))
    occlusion[0, 0] = reached
    assert Explanation(occlusion, {}, []).strongest == told


def test_explain_needs_a_face(classifier, tmp_path):
    prediction = classifier.predict(encode(draw_face("sad", RNG)), "crop")
    explanation = explain(classifier, prediction, tmp_path / "none.zip")
    assert explanation.sensitivity["as it is"] == pytest.approx(prediction.p_stress, abs=1e-5)
    assert explanation.neighbours == []
    with pytest.raises(ValueError, match="without a face"):
        explain(classifier, NO_FACE, tmp_path / "none.zip")


def test_the_overlay_is_orange_where_it_spoke_for_stress_and_blue_against():
    occlusion = np.zeros((48, 48))
    occlusion[:24], occlusion[24:] = 0.5, -0.5
    pixels = overlay_map(np.full((48, 48, 3), 128, np.uint8), occlusion).astype(int)
    assert pixels.shape == (192, 192, 3)
    assert pixels[20, 96, 0] > pixels[20, 96, 2] and pixels[170, 96, 2] > pixels[170, 96, 0]
    assert np.ptp(overlay_map(np.full((48, 48, 3), 128, np.uint8), np.zeros((48, 48)))) <= 1


def test_the_overlays_scale_is_the_same_for_every_picture():
    grey = np.full((48, 48, 3), 128, np.uint8)
    shades = [overlay_map(grey, np.full((48, 48), share * FULL_SCALE))[96, 96, 0] for share in (0, 0.1, 0.5, 1, 2)]
    assert shades[0] < shades[1] < shades[2] < shades[3] == shades[4]


@pytest.mark.parametrize(("median", "verdict"), [(0.1, "are the model's own"), (0.8, "show the picture more")])
def test_an_answer_is_said_in_short(median, verdict):
    kept = {"label": "Stress", "confidence": 0.91, "model": "shipped/EmotionDetector_2"}
    said = sum_up_answer(kept | {"map_check": {"pictures": 32, "median": median, "low": 0, "high": 0.9}})
    assert said.startswith("shipped/EmotionDetector_2 answers: Stress, 91.0%.") and verdict in said
    assert sum_up_answer(kept | {"label": None, "map_check": None}).endswith("answers: cannot say.")
