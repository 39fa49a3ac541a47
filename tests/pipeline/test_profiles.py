import pytest

from pipeline.profiles import (
    choose_profile,
    parse_overrides,
    read_profile,
    resolve_parameters,
)

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
     ({"SEED": "x"}, "Parameter SEED: expected a whole number from 0 to 4294967295, found 'x'"),
     ({"RATE": "fast"}, "Parameter RATE: expected a number, found 'fast'")],
)  # fmt: skip
def test_wrong_parameters_say_what_was_expected(values, message):
    with pytest.raises(ValueError, match=message):
        resolve_parameters(DECLARED, values, {})


def test_numbers_with_an_exponent():
    assert resolve_parameters(DECLARED, parse_overrides("RATE=1e-3"), {})["02"]["RATE"] == 0.001


def test_classes_are_read_before_anything_runs():
    with pytest.raises(ValueError, match="0=bored"):
        resolve_parameters({"01": {"CLASSES": ""}}, {"CLASSES": "0=bored"}, {})


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
    with pytest.raises(ValueError, match="expected one of default, fer2013, shipped, smoke"):
        read_profile("tiny")
    assert choose_profile("fer2013", "") == "fer2013"
    assert choose_profile("mine", "") == "default"
    assert choose_profile("sample", "") == ""  # the notebooks' defaults
    assert choose_profile("sample", "smoke") == "smoke"
    assert choose_profile("fer2013", "smoke") == "smoke"
