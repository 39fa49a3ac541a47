"""What a result depends on in code: a notebook's cells, or a module, and the modules that these lead to."""

import ast
import hashlib
from functools import cache
from pathlib import Path

from utils.files import read_cells

_SOURCES = Path(__file__).resolve().parents[1]
"""The folder of our packages."""


def fingerprint_code(notebook: Path, sources: Path = _SOURCES) -> dict[str, str]:
    """sha256 of a notebook's code cells and of each of our modules that it imports, directly or through others.

    Comments, layout, docstrings, text cells, outputs and the parameters cell (whose values count by themselves) leave
    it unchanged. Of a room that is imported whole (`from utils import data`), the modules count whose names are used
    (`data.load_split`).

    Args:
        notebook: an .ipynb file.
        sources: the folder in which the packages lie.
    """
    cells = [
        cell["source"]
        for cell in read_cells(notebook)
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]
    code = "\n".join(cells)
    return {notebook.stem: _digest(ast.parse(code))} | fingerprint_imports(code, sources)


def fingerprint_imports(code: str, sources: Path = _SOURCES) -> dict[str, str]:
    """sha256 of each of our modules that some code imports, directly or through others; else as `fingerprint_code`."""
    prints: dict[str, str] = {}
    waiting = _find_modules(ast.parse(code), sources)
    while waiting:
        path = waiting.pop()
        name = ".".join(path.relative_to(sources).with_suffix("").parts)
        if name not in prints:
            prints[name], others = _read_module(path.read_text(encoding="utf-8"), sources)
            waiting |= others
    return prints


@cache
def _read_module(text: str, sources: Path) -> tuple[str, frozenset[Path]]:
    """The digest of a module, and the files that it imports."""
    tree = ast.parse(text)
    found = frozenset(_find_modules(tree, sources))  # before the digest takes the docstrings out
    return _digest(tree), found


def _find_modules(tree: ast.AST, sources: Path) -> set[Path]:
    """The files of our packages that the code imports, anywhere in it."""
    modules, rooms = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                rooms[alias.asname or alias.name] = alias.name
                modules.add(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                rooms[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                modules |= {node.module, f"{node.module}.{alias.name}", _find_home(node.module, alias.name, sources)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in rooms:
            modules.add(_find_home(rooms[node.value.id], node.attr, sources))
    paths = {sources.joinpath(*name.split(".")).with_suffix(".py") for name in modules if name}
    return {path for path in paths if path.is_file()}


def _find_home(room: str, name: str, sources: Path) -> str:
    """The module that a room's `__init__` takes a name from, "" where it is no room or names it not."""
    path = sources.joinpath(*room.split("."), "__init__.py")
    for module, names in _read_room(path.read_text(encoding="utf-8") if path.is_file() else "").items():
        if name in names:
            return f"{room}.{module}"
    return ""


@cache
def _read_room(text: str) -> dict[str, list[str]]:
    """By module, the names that a room's `__init__` hands on: the `submod_attrs` of lazy_loader's `attach`."""
    given = (
        node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword) and node.arg == "submod_attrs"
    )
    return next((ast.literal_eval(value) for value in given), {})


def _digest(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [statement for statement in body if not _is_text(statement)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(statement: ast.AST) -> bool:
    """A docstring, or a string that stands alone below a constant."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
