"""What the notebooks say of a strong network's training before it begins."""

from types import SimpleNamespace

import pytest

from reporting.sentences import describe_plan, sum_up_data
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
