"""The test pictures have one reader, `sealed_test.open_test`, and it has one caller: nothing else may look at them."""

import ast

import nbformat
import pytest
from support import CHECKOUT

FILE, READER = "test_images.npy", "open_test"
DOOR, WRITER = "src/utils/data/sealed_test.py", "src/utils/data/dataset.py"


def read_sources():
    """{name: code} of everything that runs in this project."""
    sources = {
        str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8")
        for folder in ("src", "benchmarks")
        for path in (CHECKOUT / folder).rglob("*.py")
    }
    for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        sources[f"notebooks/{path.name}"] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return sources


def mentions(code, word):
    """Whether code names `word` in a string or as an identifier; documentation does not count."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None
    found = (getattr(node, "value", None) for node in ast.walk(tree) if isinstance(node, ast.Constant))
    names = (getattr(node, key, None) for node in ast.walk(tree) for key in ("id", "attr", "name"))
    return any(word in text for text in (*found, *names) if isinstance(text, str))


SOURCES = read_sources()


def test_one_module_reads_the_file():
    named = [name for name, code in SOURCES.items() if mentions(code, "test_images")]
    # the pipeline only asks whether it is there, and what writes it reads nothing of it
    assert sorted(named) == [WRITER, DOOR, "src/utils/paths.py"]
    assert "load" not in SOURCES["src/utils/paths.py"]
    reading = [node for node in ast.walk(ast.parse(SOURCES[WRITER])) if isinstance(node, ast.Call)]
    assert not [call for call in reading if "np.load" in ast.unparse(call) and FILE in ast.unparse(call)]


def test_one_function_reads_it():
    functions = {
        node.name: ast.unparse(node) for node in ast.parse(SOURCES[DOOR]).body if isinstance(node, ast.FunctionDef)
    }
    assert [name for name, code in functions.items() if mentions(code, FILE) and "np.load" in code] == [READER]


def test_one_module_calls_that_function():
    callers = [name for name, code in SOURCES.items() if mentions(code, READER)]
    assert sorted(callers) == [DOOR, "src/utils/evaluation/scoring.py"]


def test_who_answers_about_a_sources_test_pictures_is_known():
    """Besides the pipeline: the published figures of the shipped model, and other systems beside it."""
    callers = {name for name, code in SOURCES.items() for word in ("score_source", "rescore") if mentions(code, word)}
    assert callers == {"src/utils/evaluation/scoring.py", "src/reporting/published.py", "benchmarks/peers.py"}


@pytest.mark.parametrize(
    "code",
    ['np.load(run.data / "test_images.npy")', "from utils.data.sealed_test import open_test",
     "sealed_test.open_test(run)", 'f"{split}_{kind}" + "test_images"'],
)  # fmt: skip
def test_a_second_reader_would_be_found(code):
    assert mentions(code, "test_images") or mentions(code, READER)


def test_words_about_it_are_no_reading():
    assert not mentions('"""See open_test, the reader of test_images.npy."""\nx = 1  # open_test', READER)
