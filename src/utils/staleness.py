"""What a stage's result depends on in code, and a memory of it that survives being killed."""

import ast
import hashlib
from pathlib import Path

import nbformat
from doit.dependency import JsonDB

from utils.files import write_json

_PACKAGE = "utils"


def fingerprint_code(notebook: Path, package_folder: Path) -> dict[str, str]:
    """sha256 of a notebook's code cells and of each `utils` module it imports, directly or through others.

    Comments, layout, docstrings, text cells, outputs and the parameters cell (whose values count by
    themselves) leave it unchanged.

    Args:
        notebook: an .ipynb file.
        package_folder: the folder of the package `utils`.
    """
    cells = [
        cell.source
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
    ]
    tree = ast.parse("\n".join(cells))
    prints, waiting = {notebook.stem: _digest(tree)}, _imported_modules(tree)
    while waiting:
        name = waiting.pop()
        path = package_folder.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name in prints or not path.is_file():
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prints[name] = _digest(tree)
        waiting |= _imported_modules(tree)
    return prints


def _imported_modules(tree: ast.AST) -> set[str]:
    """Names under `utils.` that the code imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith(f"{_PACKAGE}.")}


def _digest(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_text(statement)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(statement: ast.AST) -> bool:
    """A docstring, or a string that stands alone below a constant."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


class DurableDB(JsonDB):
    """doit's JSON file, written whenever a stage ends: doit itself writes it once, when all have ended."""

    desc = "JSON file, written after each stage"

    def set(self, task_id, dependency, value):
        super().set(task_id, dependency, value)
        # doit stores this key last
        if dependency == "deps:":
            self.dump()

    def remove(self, task_id):
        super().remove(task_id)
        self.dump()

    def dump(self):
        write_json(Path(self.name), self._db)
