import numpy as np
import pandas as pd
import pytest
from support import EMOTIONS, draw_face

from reporting.doubts import describe_broken_promise, describe_robustness
from utils import plots
from utils.evaluation.robustness import CHANGES, change_pictures, measure_robustness

IS_STRESS = np.array([False, True])


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    return np.stack([np.asarray(draw_face(emotion, rng)) for emotion in EMOTIONS * 2])


@pytest.mark.parametrize("change", CHANGES)
def test_each_step_moves_pictures_further_from_what_they_were(faces, change):
    strengths = CHANGES[change][1]
    assert len(strengths) == 5
    changed = [change_pictures(faces, change, strength) for strength in strengths]
    assert all(pictures.dtype == np.uint8 and pictures.shape == faces.shape for pictures in changed)
    distances = [np.abs(pictures.astype(float) - faces).mean() for pictures in changed]
    assert distances == sorted(distances)
    assert distances[0] > 0.3
    assert np.array_equal(changed[2], change_pictures(faces, change, strengths[2]))


def test_changes_against_their_definitions(faces):
    assert np.abs(change_pictures(faces, "darkness", 0.4) - 0.6 * faces).max() <= 0.5
    flat = change_pictures(faces, "low contrast", 0.6).astype(float)
    assert flat.std(axis=(1, 2, 3)) == pytest.approx(0.4 * faces.std(axis=(1, 2, 3)), rel=0.02)
    assert flat.mean(axis=(1, 2, 3)) == pytest.approx(faces.mean(axis=(1, 2, 3)), abs=0.5)
    grey = np.full_like(faces, 128)
    assert (change_pictures(grey, "noise", 20).std()) == pytest.approx(20, rel=0.02)
    covered = (change_pictures(np.zeros_like(faces), "occlusion", 0.25) == 128).mean(axis=(1, 2, 3))
    assert covered == pytest.approx(np.full(len(faces), 0.25))


def test_an_unknown_change(faces):
    with pytest.raises(ValueError, match="Change 'fog': expected one of blur"):
        change_pictures(faces, "fog", 1)


def by_brightness(images):
    """A model that only looks at brightness: sure where pictures are bright."""
    p_stress = (images.mean(axis=(1, 2, 3)) > 128).astype(float)
    return np.stack([1 - p_stress, p_stress], axis=1)


def measure(predict, images, targets, groups, is_stress=IS_STRESS, **options):
    return measure_robustness(predict, images, is_stress[targets], targets, groups, is_stress, **options)


@pytest.fixture(scope="module")
def table():
    """Half of 100 uniform pictures bright = Stress, the other half dark."""
    values = np.tile([40, 200], 50).astype(np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (100, 48, 48, 3))
    return measure(by_brightness, images, np.tile([0, 1], 50), np.arange(100))


def test_a_model_of_brightness_fails_in_the_dark_and_nowhere_else(table):
    assert len(table) == 8 * 6
    assert (table.loc[table["step"] == 0, "accuracy"] == 1).all()
    dark = table[table["change"] == "darkness"]
    assert dark["accuracy"].tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5]
    assert dark["lost"].tolist() == [0, 0, 0.5, 0.5, 0.5, 0.5]
    assert (table.loc[table["change"].isin(["blur", "JPEG", "rotation", "low resolution"]), "accuracy"] == 1).all()
    assert table["class_accuracy"].equals(table["accuracy"])


def test_bands_are_those_of_a_share(table):
    row = table[(table["change"] == "darkness") & (table["step"] == 5)].iloc[0]
    half = 1.96 * np.sqrt(0.25 / 100)
    assert (row["low"], row["high"]) == (pytest.approx(0.5 - half, abs=0.015), pytest.approx(0.5 + half, abs=0.015))


def test_groups_widen_the_bands():
    shades = np.random.default_rng(0).integers(0, 256, (20, 1, 1, 1), dtype=np.uint8)
    images, targets = np.broadcast_to(np.repeat(shades, 4, axis=0), (80, 48, 48, 3)), np.zeros(80, dtype=int)
    groups = (np.arange(80), np.repeat(np.arange(20), 4))
    tables = [measure(by_brightness, images, targets, group) for group in groups]
    alone, together = ((table["high"] - table["low"])[0] for table in tables)
    assert together / alone == pytest.approx(2, rel=0.2)


def test_some_of_the_pictures_the_same_ones_for_the_same_seed(faces):
    def measure_six(seed):
        return measure(by_brightness, faces, np.arange(len(faces)) % 2, np.arange(len(faces)), count=6, seed=seed)

    assert measure_six(1)["pictures"].unique().tolist() == [6]
    pd.testing.assert_frame_equal(measure_six(1), measure_six(1))
    assert not measure_six(1).equals(measure_six(4))


def test_classes_are_scored_beside_stress(faces):
    """Always the second of three classes, both stress classes beside it: right on Stress, wrong on the class."""

    def predict(images):
        return np.tile([0.1, 0.8, 0.1], (len(images), 1))

    targets, groups = np.full(len(faces), 2), np.arange(len(faces))
    table = measure(predict, faces, targets, groups, np.array([False, True, True]))
    assert (table["accuracy"] == 1).all()
    assert (table["class_accuracy"] == 0).all()


def test_what_is_answered_and_how_much_of_it_is_right():
    values = np.tile([40, 200], 50).astype(np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (100, 48, 48, 3))

    def predict(images):
        """Sure below a brightness of 60 alone."""
        p_stress = np.interp(images.mean(axis=(1, 2, 3)), [60, 60.1, 255], [0.1, 0.6, 0.8])
        return np.stack([1 - p_stress, p_stress], axis=1)

    table = measure(predict, images, np.tile([0, 1], 50), np.arange(100), confidence=0.85)
    dark = table[table["change"] == "darkness"]
    assert dark["coverage"].tolist() == [0.5, 0.5, 0.5, 0.5, 1.0, 1.0]  # 200 times .25 is dark, too
    assert dark["answered_accuracy"].tolist() == [1, 1, 1, 1, 0.5, 0.5]
    unchanged = dark.iloc[0]
    p_bright = np.interp(200, [60.1, 255], [0.6, 0.8])
    assert unchanged["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(p_bright)) / 2)
    said = describe_broken_promise(table.to_dict("records"), {"target_accuracy": 0.95})
    assert "is not kept under darkness from 0.75 on (share of light gone)" in said
    assert "with darkness of 0.75, 100.0 % are still answered, 50.0 % of them right." in said
    kept = table[table["change"] == "rotation"].to_dict("records")
    assert describe_broken_promise(kept, {"target_accuracy": 0.95}).endswith("under every corruption that was tried.")
    assert describe_broken_promise(kept, None) == ""


def test_the_sentence_names_what_costs_most(table):
    text = describe_robustness(table.to_dict("records"))
    assert "after the strongest darkness that was tried. It costs most: 50.0 points (" in text
    assert "). No more than that baseline can be told under darkness. No loss" in text
    assert text.startswith("Of 100 test pictures 100.0 % are answered right unchanged")
    assert (
        f"of the same pictures (always giving their commoner label: {100 * table['majority_accuracy'][0]:.1f} %)"
        in text
    )
    assert "blur" in text.split("No loss can be told from chance under")[1]


def test_of_changes_that_cost_as_much_the_first_is_named(table):
    alike = table.assign(lost=table["lost"].where(table["step"] == 0, 0.25))
    text = describe_robustness(alike.to_dict("records"))
    assert f"strongest {next(iter(CHANGES))} that was tried. It costs most: 25.0 points" in text


def test_a_panel_for_each_change(table):
    axes = np.ravel(plots.robustness(table))
    assert [ax.get_title(loc="left") for ax in axes] == list(CHANGES)
