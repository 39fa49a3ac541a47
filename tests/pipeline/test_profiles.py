import pytest

from pipeline.profiles import (
    choose_profile,
    parse_overrides,
    read_profile,
    read_sweep,
    resolve_parameters,
    write_values,
)
from utils.paths import SWEEPS

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


def test_values_survive_a_command():
    values = {"SEEDS": [0, 1], "FLIP": True, "RATE": 1e-5, "NAME": "it's two words", "WIDTHS": [[4], [8]], "EMPTY": ""}
    read = parse_overrides(write_values(values))
    assert read == values | {"RATE": "1e-05"}
    assert write_values({"SEEDS": [0, 1], "FLIP": True}) == "SEEDS=[0,1] FLIP=true"


@pytest.fixture
def write_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.profiles.SWEEPS", tmp_path)
    return lambda text: (tmp_path / "mine.yml").write_text(text)


def test_points_are_multiplied_by_parameters(write_sweep):
    write_sweep("points:\n  a: {FLIP: true}\n  b: {FLIP: false}\nparameters:\n  SEEDS: [[0], [1]]\n  RATE: [0.1]\n")
    points = read_sweep("mine").points
    assert [point.name for point in points] == ["a-seeds-0", "a-seeds-1", "b-seeds-0", "b-seeds-1"]
    assert [point.setting for point in points] == ["a", "a", "b", "b"]
    assert points[1].values == {"FLIP": True, "RATE": 0.1, "SEEDS": [1]}
    assert points[1].varied == {"point": "a"}
    write_sweep("profile: smoke\nparameters:\n  SEEDS: [[0], [1]]\n  RATE: [0.1, 0.25]\n")
    sweep = read_sweep("mine")
    assert sweep.profile == "smoke"
    assert [point.name for point in sweep.points][1:3] == ["rate-0-1-seeds-1", "rate-0-25-seeds-0"]
    assert sweep.points[0].varied == {"RATE": 0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [("[", "is no YAML"), ("", "expected `profile`, `points` and `parameters`, found {}"),
     ("SEEDS: [[0]]", "found SEEDS"), ("parameters: {SEEDS: 3}", "a list of values each"),
     ("parameters: {SEEDS: []}", "a list of values each"), ("points: [1]", "expected `points` as name"),
     ("points: {a: 3}", "expected `points` as name"),
     ("points: {off: {FLIP: false}}", "point False: expected a name of letters and digits"),
     ("points: {'+': {FLIP: false}}", "point '+': expected a name of letters and digits"),
     ("points: {a: {FLIP: true}}\nparameters: {FLIP: [true]}", "FLIP stands among the points and among"),
     ("parameters: {WIDTHS: [[1, 2], [[1], [2]]]}", "several points would be called widths-1-2")],
)  # fmt: skip
def test_a_wrong_sweep_is_one_line(write_sweep, text, message):
    write_sweep(text)
    with pytest.raises(ValueError) as raised:
        read_sweep("mine")
    assert message in str(raised.value) and "mine.yml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_sweeps_can_be_read(path):
    assert len(read_sweep(path.stem).points) >= 5
