"""What the notebooks say of a strong network's training before it begins."""

from types import SimpleNamespace

import pytest

from reporting.sentences import (
    describe_classes,
    describe_label_source,
    describe_plan,
    sum_up_answer,
    sum_up_data,
)
from utils.files import write_json

MANIFEST = {"class_names": ["happy", "angry"], "fingerprint": "faces"}


@pytest.fixture
def save(tmp_path):
    """Writes the card of a run's network."""

    def write(run, data="faces", class_names=MANIFEST["class_names"]):
        folder = tmp_path / run / "EmotionDetector_2"
        write_json(folder / "model.json", {"data": data, "class_names": class_names})
        return folder

    return write


NETWORK = SimpleNamespace(count_params=lambda: 12_345)


def test_the_plan_is_said_in_a_sentence(save):
    first, other, seven = save("first"), save("other"), save("seven", class_names=["a", "b"])
    begins = "The stronger network has 12,345 weights. It"
    from_first = f"{begins} is initialised from that of `first`, and learns for 2 epochs"
    halves = "half from the labels, half from the answers of"
    plans = {
        (5, None, ()): f"{begins} starts from nothing, and learns for 5 epochs, from the labels.",
        (1, None, ()): f"{begins} starts from nothing, and learns for 1 epoch, from the labels.",
        (2, first, ()): f"{from_first}, from the labels.",
        (2, seven, ()): f"{begins} is initialised from that of `seven`, with a new last layer, since it tells other"
        " classes apart, and learns for 2 epochs, from the labels.",
        (2, first, (other,)): f"{from_first}, {halves} `other`.",
        (2, None, (first, other)): f"{begins} starts from nothing, and learns for 2 epochs, {halves} `first` and"
        " `other`.",
    }
    for plan, said in plans.items():
        assert describe_plan(NETWORK, *plan, MANIFEST) == said


def test_the_plan_says_which_networks_may_know_the_validation_pictures(save):
    first, sure, far = save("first"), save("sure", "other faces"), save("far", "more faces")
    assert "validation figures flatter" not in describe_plan(NETWORK, 2, first, (first,), MANIFEST)
    for initial_model, teachers, names in (
        (first, (sure,), "`sure`"),
        (sure, (), "`sure`"),
        (sure, (far,), "`sure` and `far`"),
    ):
        said = describe_plan(NETWORK, 2, initial_model, teachers, MANIFEST)
        assert f". {names} learnt from other data than this run's" in said
        assert said.endswith("the validation figures flatter.")


def test_where_labels_come_from_is_one_sentence():
    assert "no people have seen" in describe_label_source(rendered=True, people=None)
    assert "some 10 people saw" in describe_label_source(rendered=False, people={"pictures": 5, "people": 10})
    assert "what somebody said" in describe_label_source(rendered=False, people=None)


def test_equal_classes_are_a_sentence():
    said = describe_classes({"happy": 50, "angry": 50}, ["angry", "sad"])
    assert said == "Each of the 2 classes has 50 pictures. angry count as Stress; happy as Non-stress."


SUMMARY = {
    "pictures": 2000, "class_names": ["happy", "angry"], "skipped": 3, "rendered": False, "people": None,
    "counts": {"train": {"Stress": 900, "Non-stress": 600}, "test": {"Stress": 200}},
    "findings": {"blank pictures": 2, "surplus copies": 0},
}  # fmt: skip


def test_what_was_read_is_said_in_short():
    said = sum_up_data(SUMMARY)
    assert "2,000 pictures of 2 classes are read, 3 could not be" in said
    assert "1,500 train, 0 validation, 200 test" in said
    assert "Of 2 kinds of defects, 1 occur" in said
    assert "no people have seen" in sum_up_data(SUMMARY | {"rendered": True})


@pytest.mark.parametrize(("median", "verdict"), [(0.1, "are the model's own"), (0.8, "show the picture more")])
def test_an_answer_is_said_in_short(median, verdict):
    kept = {"label": "Stress", "confidence": 0.91, "model": "shipped/EmotionDetector_2"}
    said = sum_up_answer(kept | {"map_check": {"pictures": 32, "median": median, "low": 0, "high": 0.9}})
    assert said.startswith("shipped/EmotionDetector_2 answers: Stress, 91.0 %.") and verdict in said
    assert sum_up_answer(kept | {"label": None, "map_check": None}).endswith("answers: cannot say.")
