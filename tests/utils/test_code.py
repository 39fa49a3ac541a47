import nbformat
import pytest
from support import CHECKOUT

from pipeline.doit_parts import DurableDB
from utils.code import fingerprint_code

PLOTS = '"""Figures."""\n\nfrom utils.colours import RED\n\n\ndef plot():\n    """Draw."""\n    return RED\n'


@pytest.fixture
def project(tmp_path):
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "plots.py").write_text(PLOTS)
    (tmp_path / "utils" / "colours.py").write_text("RED = 1\n")
    (tmp_path / "utils" / "unrelated.py").write_text("BLUE = 1\n")
    write_notebook(tmp_path)
    return tmp_path


def write_notebook(project, code="plot()", parameter="A = 1", **changes):
    new = nbformat.v4
    cells = [
        new.new_markdown_cell(changes.get("text", "# Title")),
        new.new_code_cell("import numpy\nfrom utils import plots\nfrom utils.plots import plot"),
        new.new_code_cell(parameter, metadata={"tags": ["parameters"]}),
        new.new_code_cell(code, execution_count=changes.get("count"), outputs=changes.get("outputs", [])),
    ]
    nbformat.write(new.new_notebook(cells=cells, metadata=changes.get("metadata", {})), project / "n.ipynb")


def prints(project):
    return fingerprint_code(project / "n.ipynb", project)


def test_modules_are_found_through_other_modules(project):
    assert sorted(prints(project)) == ["n", "utils.colours", "utils.plots"]


def test_a_comment_a_docstring_and_layout_change_nothing(project):
    before = prints(project)
    changed = PLOTS.replace('"""Draw."""', '"""Draw it,\n\n    in red."""  # why') + "\n\n# the end\n"
    (project / "utils" / "plots.py").write_text(changed)
    assert prints(project) == before


def test_saving_in_jupyter_changes_nothing(project):
    before = prints(project)
    output = nbformat.v4.new_output("stream", text="1")
    write_notebook(project, count=7, outputs=[output], metadata={"language_info": {"name": "python"}}, text="# Other")
    assert prints(project) == before


def test_the_parameters_cell_counts_by_its_values_only(project):
    before = prints(project)
    write_notebook(project, parameter="A = 2")
    assert prints(project) == before


def test_code_changes_are_seen_in_cells_modules_and_their_imports(project):
    before = prints(project)
    write_notebook(project, code="plot(2)")
    assert prints(project)["n"] != before["n"]
    (project / "utils" / "colours.py").write_text("RED = 2\n")
    assert prints(project)["utils.colours"] != before["utils.colours"]
    (project / "utils" / "unrelated.py").write_text("BLUE = 2\n")
    assert sorted(prints(project)) == sorted(before)


def test_the_real_notebooks_depend_on_what_they_should():
    found = {path.stem: set(fingerprint_code(path)) for path in (CHECKOUT / "notebooks").glob("*.ipynb")}
    assert "utils.models.networks" not in found["01_preprocessing"]
    assert {"utils.pictures", "utils.data.splits"} <= found["01_preprocessing"]
    assert {"utils.models.networks", "utils.inference.classifier", "utils.pictures"} <= found["02_baseline_cnn"]
    assert {"reporting.sections", "utils.plots.scores"} <= found["02_baseline_cnn"]
    assert not {"reporting.first_page", "utils.evaluation.label_errors"} & found["01_preprocessing"]
    assert not [name for names in found.values() for name in names if name.startswith("pipeline")]


ROOM = "from lazy_loader import attach\n\n__getattr__, __dir__, __all__ = attach(__name__, submod_attrs={})\n"


def test_of_a_room_count_the_modules_whose_names_are_used(project):
    room = project / "utils" / "data"
    room.mkdir()
    (room / "__init__.py").write_text(ROOM.replace("{}", '{"splits": ["cut"], "audit": ["look"]}'))
    (room / "splits.py").write_text("from utils.colours import RED\n\ndef cut():\n    return RED\n")
    (room / "audit.py").write_text("def look():\n    pass\n")
    write_notebook(project, code="from utils import data\ndata.cut()")
    found = prints(project)
    assert {"utils.data.splits", "utils.colours"} <= set(found)
    assert "utils.data.audit" not in found
    write_notebook(project, code="from utils.data import look\nlook()")
    assert {"utils.data.audit"} == {name for name in prints(project) if name.startswith("utils.data")}


def test_the_memory_is_on_disk_when_a_stage_has_ended(tmp_path):
    database = DurableDB(str(tmp_path / "state.json"), codec=None)
    database.set("stage:01", "_values_:", {"a": 1})
    database.set("stage:01", "deps:", ())
    assert DurableDB(str(tmp_path / "state.json"), codec=JsonCodec()).get("stage:01", "_values_:") == {"a": 1}
    database.remove("stage:01")
    assert not DurableDB(str(tmp_path / "state.json"), codec=JsonCodec()).in_("stage:01")


class JsonCodec:
    @staticmethod
    def decode(text):
        import json

        return json.loads(text)
