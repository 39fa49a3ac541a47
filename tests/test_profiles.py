import nbformat
import pytest

from utils.profiles import choose_profile, parse_overrides, read_declared, read_profile, resolve_parameters

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
     ({"RATE": True}, "expected float"), ({"FLIP": 1}, "expected bool"), ({"NAME": 3}, "expected str")],
)  # fmt: skip
def test_wrong_parameters_say_what_was_expected(values, message):
    with pytest.raises(ValueError, match=message):
        resolve_parameters(DECLARED, values, {})


def test_overrides():
    assert parse_overrides("A=3 B=false  C=x=y D=0.5") == {"A": 3, "B": False, "C": "x=y", "D": 0.5}
    assert parse_overrides("") == {}
    assert parse_overrides("PICTURE='my face.png' EMPTY=") == {"PICTURE": "my face.png", "EMPTY": ""}
    with pytest.raises(ValueError, match="expected a number"):
        parse_overrides("A=[1")
    with pytest.raises(ValueError, match="expected NAME=value, found 'A'"):
        parse_overrides("A 3")


def test_profiles():
    assert read_profile("smoke")["EPOCHS"] == 2
    shipped = ", ".join(["shipped", *sorted(f"shipped-{sitting}" for sitting in range(2, 12))])
    with pytest.raises(ValueError, match=f"expected one of default, fer2013, sample, {shipped}, smoke"):
        read_profile("tiny")
    assert choose_profile("fer2013", "") == "fer2013"
    assert choose_profile("mine", "") == "default"
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
