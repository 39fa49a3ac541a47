"""The house: which room may look into which, and how large rooms and modules may get."""

import ast
from collections import defaultdict

import pytest
from support import CHECKOUT

SOURCES = CHECKOUT / "src"
MODULES = {".".join(path.relative_to(SOURCES).with_suffix("").parts): path for path in SOURCES.rglob("*.py")}
GROUND = "ground floor"
UTILS = ("data", "models", "evaluation", "inference", "plots")

MAY_LOOK_INTO = {
    GROUND: set(),
    "data": {GROUND},
    "inference": {GROUND},
    "models": {GROUND, "data"},
    "evaluation": {GROUND, "data", "inference"},
    "plots": {GROUND, "data", "evaluation", "inference"},
    "reporting": {GROUND, *UTILS},
    "pipeline": {GROUND, *UTILS, "reporting"},
    "webapp": {GROUND, "inference"},
    "facegen": set(),
}
MOST_MODULES = defaultdict(lambda: 12, {GROUND: 10})
MOST_LINES = 250
FEWEST_LINES = 40
SMALL = {
    "utils.models.batches": "training and benchmarks both need it",
    "utils.plots.style": "one look for all figures",
    "utils.plots.training": "a figure of its own",
}
"""Modules that stand alone for a reason."""


def find_room(module: str) -> str:
    first, _, rest = module.partition(".")
    if first != "utils":
        return first
    second = rest.partition(".")[0]
    return second if second in UTILS else GROUND


def find_imports(module: str) -> set[str]:
    """Names of our modules that it imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name.partition(".")[0] in {"utils", *MAY_LOOK_INTO}}


def list_rooms() -> dict[str, list[str]]:
    """By room, its modules but for `__init__` and `__main__`."""
    rooms = defaultdict(list)
    for module in MODULES:
        if not module.endswith("__"):
            rooms[find_room(module)].append(module)
    return rooms


def test_every_room_is_known():
    assert {find_room(module) for module in MODULES} == set(MAY_LOOK_INTO)


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_one_way(module):
    room = find_room(module)
    seen = {find_room(name) for name in find_imports(module) if name != "utils"}
    assert seen - {room} <= MAY_LOOK_INTO[room]


def test_no_modules_import_one_another():
    imports = {module: find_imports(module) & set(MODULES) - {module} for module in MODULES}
    imports = {module: {name for name in names if not name.endswith("__")} for module, names in imports.items()}
    while imports:
        free = [module for module, names in imports.items() if not names & set(imports)]
        assert free, f"a circle among {sorted(imports)}"
        for module in free:
            del imports[module]


def list_visits(module: str, function: str) -> list[str]:
    """The modules of ours that a function calls, in the order of its lines; one that is called twice running, once."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    homes = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    }
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    visits = [homes[call.func.id] for call in calls if call.func.id in homes]
    return [name for name, before in zip(visits, ["", *visits], strict=False) if name != before]


@pytest.mark.parametrize(
    ("module", "function"),
    [("utils.data.ingest", "inspect_source"), ("reporting.first_page", "write_index")],
    ids=["reading a source", "writing the first page"],
)
def test_who_follows_a_long_way_seldom_comes_back_to_where_he_was(module, function):
    visits = list_visits(module, function)
    assert len(set(visits)) > 3
    assert len(visits) - len(set(visits)) <= 3, visits


def test_no_import_is_hidden():
    hiding = [module for module, path in MODULES.items() if "import_module(" in path.read_text(encoding="utf-8")]
    assert hiding == []


def test_rooms_stay_small():
    sizes = {room: len(modules) for room, modules in list_rooms().items()}
    assert {room: size for room, size in sizes.items() if size > MOST_MODULES[room]} == {}


def test_modules_are_neither_long_nor_crumbs():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert {module: count for module, count in lines.items() if count > MOST_LINES} == {}
    small = {module for module, count in lines.items() if count < FEWEST_LINES and not module.endswith("__")}
    assert small == set(SMALL)


def test_tests_mirror_the_rooms():
    rooms = {path.parent.relative_to(SOURCES) for path in MODULES.values()}
    tests = {path.parent.relative_to(CHECKOUT / "tests") for path in (CHECKOUT / "tests").rglob("test_*.py")}
    assert tests - rooms == {tests_root for tests_root in tests if not tests_root.parts}
    assert rooms - tests == {rooms_root for rooms_root in rooms if not rooms_root.parts}
