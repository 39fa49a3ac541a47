import nbformat
import pytest

from pipeline.profiles import (
    LIMITS,
    choose_profile,
    parse_overrides,
    read_declared,
    read_profile,
    require_within,
    resolve_parameters,
)
from utils.paths import NOTEBOOKS

DECLARED = {
    "01": {"RUN": "sample", "SOURCE": "", "SEED": 0},
    "02": {"RUN": "sample", "SEED": 0, "RATE": 0.1, "FLIP": True, "NAME": ""},
}


def test_each_notebook_gets_what_it_declares():
    resolved = resolve_parameters(DECLARED, {"SEED": 3, "RATE": 1, "FLIP": False}, {"RUN": "x", "SOURCE": "/a.zip"})
    assert resolved == {
        "01": {"RUN": "x", "SOURCE": "/a.zip", "SEED": 3},
        "02": {"RUN": "x", "SEED": 3, "RATE": 1, "FLIP": False, "NAME": ""},
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [({"SEEED": 1}, "Unknown parameter SEEED: expected one of FLIP, NAME, RATE, SEED"), ({"RUN": "x"}, "Unknown"),
     ({"SEED": "x"}, "expected int like 0, found 'x'"),
     ({"SEED": 1.5}, "expected int"), ({"SEED": True}, "expected int"),
     ({"RATE": True}, "expected float"), ({"RATE": "fast"}, "expected float like 0.1, found 'fast'"),
     ({"FLIP": 1}, "expected bool"), ({"NAME": 3}, "expected str")],
)  # fmt: skip
def test_wrong_parameters_say_what_was_expected(values, message):
    with pytest.raises(ValueError, match=message):
        resolve_parameters(DECLARED, values, {})


def test_numbers_with_an_exponent():
    assert resolve_parameters(DECLARED, parse_overrides("RATE=1e-3"), {})["02"]["RATE"] == 0.001


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("TARGET_ACCURACY", 90.0, "a number from 0.5 to 1"), ("EPOCHS", 0, "1 or more"), ("SEEDS", [], "a list of whole"),
     ("SEEDS", [0, "x"], "a list of whole"), ("LEARNING_RATE", float("nan"), "above 0"), ("PICTURES", -5, "0 or more"),
     ("BATCH_SIZE", -1, "1 or more"), ("ZOOM", 1.0, "below 1"), ("FACE", "foo", "auto, detect or crop"),
     ("PICTURE", "/nowhere.jpg", "the path of a picture"), ("TEST_FRACTION", 0.0, "above 0 and below 1"),
     ("CLASSES", "0=bored", "words as 0=neutral")],
)  # fmt: skip
def test_values_out_of_limits_are_found_before_anything_runs(name, value, expected):
    with pytest.raises(ValueError, match=f"Parameter {name}: expected .*{expected}.*, found "):
        resolve_parameters({"01": {name: value}}, {name: value}, {})


def test_every_parameter_with_limits_is_declared_within_them():
    declared = {}
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        declared |= read_declared(notebook)
    assert set(LIMITS) <= set(declared)
    require_within(declared)


def test_overrides():
    assert parse_overrides("A=3 B=false  C=x=y D=0.5") == {"A": 3, "B": False, "C": "x=y", "D": 0.5}
    assert parse_overrides("") == {}
    assert parse_overrides("PICTURE='my face.png' EMPTY=") == {"PICTURE": "my face.png", "EMPTY": ""}
    with pytest.raises(ValueError, match="expected a number"):
        parse_overrides("A=[1")
    with pytest.raises(ValueError, match="expected NAME=value, found 'A'"):
        parse_overrides("A 3")
    with pytest.raises(ValueError, match="PARAMS: a quote that is not closed"):
        parse_overrides("A='b c")


def test_profiles():
    assert read_profile("smoke")["EPOCHS"] == 2
    with pytest.raises(ValueError, match="expected one of default, fer2013, smoke"):
        read_profile("tiny")
    assert choose_profile("fer2013", "") == "fer2013"
    assert choose_profile("mine", "") == "default"
    assert choose_profile("sample", "") == ""  # the notebooks' defaults
    assert choose_profile("sample", "smoke") == "smoke"
    assert choose_profile("fer2013", "smoke") == "smoke"


@pytest.mark.parametrize("source", ["A = f()", "A += 1", "print(1)", "A, B = 1, 2"])
def test_only_literals_may_be_declared(tmp_path, source):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "n.ipynb")
    with pytest.raises(ValueError, match="expected NAME = literal"):
        read_declared(tmp_path / "n.ipynb")


def test_one_parameters_cell(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "n.ipynb")
    with pytest.raises(ValueError, match="found 0"):
        read_declared(tmp_path / "n.ipynb")
