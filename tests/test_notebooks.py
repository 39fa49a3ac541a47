"""Rules that every numbered notebook keeps."""

import ast

import nbformat
import papermill
import pytest
from nbconvert import ScriptExporter
from support import CHECKOUT

from pipeline.profiles import GIVEN_BY_PIPELINE, read_profile
from utils.parameters import read_declared
from utils.paths import STAGES

PATHS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def code_cells(name):
    return [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def test_the_pipeline_runs_each_of_them_in_their_order():
    assert [stage.name for stage in STAGES] == list(NOTEBOOKS)


@each_notebook
def test_it_is_read_as_a_story(name):
    cells = NOTEBOOKS[name].cells
    assert cells[0].source.startswith("# ")
    assert len(cells) - len(code_cells(name)) >= len(code_cells(name))
    assert all(len(cell.source.splitlines()) <= 15 for cell in code_cells(name) if "parameters" not in tags(cell))


def test_the_longest_one_stays_short():
    name = "03_augmented_retraining"
    assert len(NOTEBOOKS[name].cells) <= 40
    assert len(read_declared(CHECKOUT / "notebooks" / f"{name}.ipynb")) <= 15


@each_notebook
def test_it_holds_no_logic(name):
    tree = ast.parse("\n".join(cell.source for cell in code_cells(name)))
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try))
        assert not (isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
    source = ast.unparse(tree)
    for forbidden in ("sys.path", "chdir", "pip", "open(", ".."):
        assert forbidden not in source


@each_notebook
def test_its_code_is_a_script_of_python(name):
    exporter = ScriptExporter()
    script, resources = exporter.from_notebook_node(NOTEBOOKS[name])
    assert resources["output_extension"] == ".py"
    compile(script, name, "exec")


@each_notebook
def test_papermill_understands_its_parameters(name):
    path = CHECKOUT / "notebooks" / f"{name}.ipynb"
    assert set(papermill.inspect_notebook(path)) == set(read_declared(path))


@each_notebook
def test_imports_are_in_one_cell_ours_last(name):
    with_imports = [cell for cell in code_cells(name) if "import " in cell.source]
    assert with_imports == code_cells(name)[:1]
    lines = [line for line in with_imports[0].source.splitlines() if line]
    ours = [line.startswith(("from utils", "import reporting")) for line in lines]
    assert ours == sorted(ours)
    assert len(lines) <= 8


@each_notebook
def test_each_parameter_is_one_commented_line(name):
    (cell,) = [cell for cell in code_cells(name) if "parameters" in tags(cell)]
    assert all("  # " in line for line in cell.source.splitlines())
    assert list(read_declared(CHECKOUT / "notebooks" / f"{name}.ipynb")) == [
        line.split(" ")[0] for line in cell.source.splitlines()
    ]


def test_a_name_has_the_same_default_in_every_notebook():
    declared = {}
    for path in PATHS:
        for key, value in read_declared(path).items():
            assert declared.setdefault(key, value) == value, f"{path.name}: {key}"


def test_profiles_hold_only_what_differs_from_the_defaults():
    declared = {key: value for path in PATHS for key, value in read_declared(path).items()}
    profiles = sorted((CHECKOUT / "profiles").glob("*.yml"))
    for path in profiles:
        profile = read_profile(path.stem)
        assert set(profile) <= set(declared) - set(GIVEN_BY_PIPELINE), path.name
        assert not [key for key, value in profile.items() if declared[key] == value], path.name
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in profiles) < 120


@each_notebook
def test_only_checked_cells_keep_their_output(name):
    checked = [cell for cell in code_cells(name) if "NBVAL_CHECK_OUTPUT" in cell.source]
    assert len(checked) == 1
    for cell in code_cells(name):
        if cell in checked:
            assert "keep_output" in tags(cell)
            assert [output.output_type for output in cell.outputs] == ["stream"]
            assert cell.execution_count
        else:
            assert not cell.outputs


@each_notebook
def test_the_kernel_is_python3(name):
    assert NOTEBOOKS[name].metadata.kernelspec.name == "python3"
