"""A parameter is right, or refused in one line, however a notebook is started."""

from contextlib import redirect_stdout
from io import StringIO

import nbformat
import numpy as np
import papermill
import pytest
from IPython.core.interactiveshell import InteractiveShell
from support import CHECKOUT, draw_face, encode

from utils.parameters import LARGEST_SEED, LIMITS, check, read_declared, read_value

NOTEBOOKS = CHECKOUT / "notebooks"
DECLARED = {path.stem: read_declared(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
DEFAULTS = {name: default for declared in DECLARED.values() for name, default in declared.items()}


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [("SHOW_PICTURES", "false", False), ("FRESH", "False", False), ("FLIP", "true", True), ("RUN", 2024, "2024"),
     ("INITIAL_MODEL", 3, "3"), ("EPOCHS", "3", 3), ("SEEDS", "[0, 1]", [0, 1]), ("LEARNING_RATE", "1e-3", 0.001),
     ("ROTATION", 12, 12.0), ("STRONG_WIDTHS", "[[4], [8, 8]]", [[4], [8, 8]]), ("SEED", LARGEST_SEED, LARGEST_SEED)],
)  # fmt: skip
def test_what_comes_in_another_form_is_what_it_means(name, given, meant):
    read = read_value(name, given, DEFAULTS[name])
    assert read == meant
    assert type(read) is type(meant)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("SHOW_PICTURES", "no", "True or False"), ("SHOW_PICTURES", 0, "True or False"), ("FRESH", None, "True or False"),
     ("SEEDS", 0, "a list of whole"), ("SEEDS", [], "a list of whole"), ("SEEDS", [0, "x"], "a list of whole"),
     ("SEEDS", [2**32], "to 4294967295"), ("SEED", 2**32, "from 0 to 4294967295"), ("SEED", 1.5, "a whole number"),
     ("SEED", True, "a whole number"), ("EPOCHS", 0, "1 or more"), ("EPOCHS", "many", "1 or more"),
     ("PRECISION", "double", "auto, float32, bfloat16 or float16"), ("TARGET_ACCURACY", 1.0, "0.5 to below 1"),
     ("TARGET_ACCURACY", 90.0, "0.5 to below 1"), ("LEARNING_RATE", float("nan"), "above 0"),
     ("LEARNING_RATE", float("inf"), "above 0"), ("SHIFT", "inf", "pixels"), ("PICTURES", -5, "0 or more"),
     ("BATCH_SIZE", -1, "1 or more"), ("ZOOM", 1.0, "below 1"), ("FACE", "foo", "auto, detect or crop"),
     ("VOTES", "on", "auto, required or off"), ("PICTURE", "/nowhere.jpg", "the path of a picture that can be read"),
     ("TEST_FRACTION", 0.0, "above 0 and below 1"), ("STRESS_CLASSES", [["sad"]], "a list of some of angry"),
     ("INITIAL_MODEL", ["shipped"], "text"), ("RUN", True, "text"),
     ("ROTATION", True, "degrees"), ("NEW", float("nan"), "a number")]
    + [("STRONG_SIDES", wrong, "whole numbers of pixels from 16 on") for wrong in ([8, 48], [36.5], 48, ["48"])]
    + [("STRONG_EPOCHS", wrong, "a whole number, 1 or more") for wrong in (0, -1, 2.5, "five")]
    + [("STRONG_VIEWS", wrong, "pairs of even numbers of pixels from 16 to 48")
       for wrong in ([], [36], [[36]], [[36, 48, 48]], [[14, 48]], [[48, 41]], [[48, 50]], [["36", 48]], [[36.0, 48]])]
    + [("STRONG_WIDTHS", wrong, "at most 5 lists of whole numbers")
       for wrong in ([16, 24], [[16], []], [[0]], [[1.5]], [["16"]], "wide", 16, [[4]] * 6)]
    + [("TEACHERS", wrong, "a list of names of runs") for wrong in ("mine", [3], [""], {"mine": 1})],
)  # fmt: skip
def test_what_is_wrong_is_one_line(name, value, expected):
    with pytest.raises(ValueError, match=f"^Parameter {name}: expected .*{expected}.*, found ") as raised:
        read_value(name, value, DEFAULTS.get(name, 0.5))
    assert len(str(raised.value).splitlines()) == 1


def test_a_picture_is_opened(tmp_path):
    path = tmp_path / "face.png"
    path.write_bytes(encode(draw_face("sad", np.random.default_rng(0))))
    assert read_value("PICTURE", str(path), "") == str(path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="a picture that can be read"):
        read_value("PICTURE", str(path), "")


def test_every_limit_is_of_a_parameter_whose_default_keeps_it():
    assert set(LIMITS) <= set(DEFAULTS)
    assert {name: read_value(name, default, default) for name, default in DEFAULTS.items()} == DEFAULTS


def test_a_notebooks_own_names_are_set_and_no_others():
    namespace = DECLARED["03_augmented_retraining"] | {"FLIP": "false", "RUN": 7, "SEED": "mine", "other": "false"}
    check("03_augmented_retraining", namespace)
    assert (namespace["FLIP"], namespace["RUN"], namespace["SEED"], namespace["other"]) == (False, "7", "mine", "false")


@pytest.mark.parametrize("name", DECLARED)
def test_each_notebook_checks_them_before_anything_else(name, tmp_path):
    """As papermill hands them over, in the first cells."""
    given = {"01": "PICTURES", "02": "EPOCHS", "03": "STRONG_EPOCHS", "04": "FACE", "05": "LABEL_ERRORS"}[name[:2]]
    copy = papermill.execute_notebook(
        NOTEBOOKS / f"{name}.ipynb", None, {given: "-3"}, kernel_name="python3", prepare_only=True, progress_bar=False
    )
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    tags = [cell.metadata.get("tags", []) for cell in code]
    last = next(position for position, each in enumerate(tags) if "injected-parameters" in each)
    check_cell = code[last + 1].source.splitlines()[0]
    assert check_cell == f'parameters.check("{name}", globals())'
    namespace: dict = {}
    exec("from utils import parameters\n" + "\n".join(cell.source for cell in code[1 : last + 1]), namespace)
    with pytest.raises(ValueError, match=f"Parameter {given}: expected .*, found '-3'"):
        exec(check_cell, namespace)


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


def test_a_notebook_shows_a_wrong_parameter_in_one_line():
    shell, code = InteractiveShell(), "from utils.parameters import read_value; read_value('PICTURE', 'none.png', '')"
    with redirect_stdout(StringIO()) as printed:
        shell.run_cell(code)
    expected = "Parameter PICTURE: expected the path of a picture that can be read, found 'none.png'."
    assert printed.getvalue().strip() == expected
