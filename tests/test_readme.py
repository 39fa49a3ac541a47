"""What the READMEs say is so: links, commands and results, the French page's too."""

import functools
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import CHECKOUT

from utils.parameters import read_declared

READMES = ("README.md", "README.fr.md")
LINKED = (
    *READMES,
    "CONTRIBUTING.md",
    "data/README.md",
    "models/README.md",
    "reports/README.md",
    "reports/SCHEMA.md",
    "docs/asking.md",
    "docs/installing.md",
    "docs/many_runs.md",
    "docs/recipe.md",
    "docs/results.md",
    "docs/running.md",
    "docs/speed.md",
    "docs/face_search.md",
)
EXAMPLE_FILES = {"reports/sample/index.html"}

_MAKEFILE = (CHECKOUT / "Makefile").read_text()
_TARGETS = set(re.findall(r"^([\w-]+):", _MAKEFILE, re.M))
_VARIABLES = set(re.search(r"^GIVEN := (.*)$", _MAKEFILE, re.M)[1].split())


def read(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def find_commands(text: str) -> list[str]:
    """Lines of code blocks and words in backticks that call a program, without what explains them."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.M | re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    calls = re.compile(r"(PORT=\d+ )?(make|python|\.venv/bin/python|--\w)")
    return [re.split(r" {2,}| # | [^\x00-\x7f]", line)[0].strip() for line in lines if calls.match(line)]


def find_wrong_commands(text: str) -> list[str]:
    return [command for command in find_commands(text) if not is_right(command)]


def is_right(command: str) -> bool:
    words = re.findall(r'(?:[^\s"]|"[^"]*")+', re.sub(r"^PORT=\d+ ", "", command))
    program, rest = words[0], words[1:]
    if program == "make":
        return all(is_variable(word) if "=" in word else word in _TARGETS for word in rest)
    if rest[:2] == ["-m", "papermill"]:
        declared = read_declared(CHECKOUT / rest[2])
        return all(rest[position + 1] in declared for position, word in enumerate(rest) if word == "-p")
    if program.startswith("--"):
        return any(program in read_options(module) for module in ("utils.inference", "reporting.results"))
    if not rest or rest[0].endswith(".py"):
        return not rest or (CHECKOUT / rest[0]).exists()
    return rest[0] == "-m" and is_module(rest[1], [word for word in rest[2:] if word.startswith("--")])


def is_variable(word: str) -> bool:
    name, _, value = word.partition("=")
    if name == "PARAMS":
        declared = set().union(*(read_declared(path) for path in (CHECKOUT / "notebooks").glob("*.ipynb")))
        return {pair.partition("=")[0] for pair in value.strip('"').split()} <= declared
    if name == "PROFILE":
        return (CHECKOUT / "profiles" / f"{value}.yml").exists()
    return name in _VARIABLES | {"PYTHON"}


def is_module(name: str, options: list[str]) -> bool:
    try:
        if name != "venv" and importlib.util.find_spec(name) is None:
            return False
    except ModuleNotFoundError:
        return False
    return not name.startswith(("utils.", "reporting.")) or set(options) <= read_options(name)


@functools.cache
def read_options(module: str) -> set[str]:
    result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
    return set(re.findall(r"--\w[\w-]*", result.stdout))


def find_broken_links(text: str, folder: Path) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:")) or path in EXAMPLE_FILES:
            continue
        target = folder / path if path else None
        if target and not target.exists():
            broken.append(link)
        elif anchor:
            content = target.read_text(encoding="utf-8") if target else text
            if anchor not in list_anchors(content):
                broken.append(link)
    return broken


def list_anchors(text: str) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", LINKED)
def test_links_lead_somewhere(name):
    assert find_broken_links(read(name), (CHECKOUT / name).parent) == []


@pytest.mark.parametrize("name", LINKED)
def test_commands_exist(name):
    assert find_wrong_commands(read(name)) == []


def test_the_readmes_name_every_target():
    named = {
        word for command in find_commands(read("README.md")) if command.startswith("make") for word in command.split()
    }
    assert _TARGETS - {"make"} <= named | {"help"}


def test_the_french_page_gives_the_same_results_and_some_of_the_commands():
    english, french = (read(name) for name in READMES)
    results = re.compile(r"<!-- results -->.*<!-- /results -->", re.S)
    assert results.findall(french) == results.findall(english) != []
    assert set(find_commands(french)) <= set(find_commands(english))


@pytest.mark.parametrize("name", READMES)
def test_no_result_is_typed_by_hand(name):
    """Shares and decimals stand between the markers alone."""
    outside = re.sub(r"<!-- results -->.*<!-- /results -->|\]\([^)]*\)", "", read(name), flags=re.S)
    assert re.findall(r"\d+(?:[.,]\d+)? ?%|(?<![\w.])[01]?[.,]\d{2,}", outside) == []


@pytest.mark.parametrize(
    "command",
    ["make everything", "make pipeline COLOUR=red", 'make pipeline PARAMS="EPOCS=3"', "make pipeline PROFILE=huge",
     "python -m utils.nothing", ".venv/bin/python -m utils.inference a.png --loud", "--loud",
     ".venv/bin/python -m papermill notebooks/02_baseline_cnn.ipynb out.ipynb -p EPOCS 1",
     "python -m reporting.results --chek"],
)  # fmt: skip
def test_a_command_that_does_not_exist_is_found(command):
    assert find_wrong_commands(f"Try `{command}`.") == [command]
    assert find_wrong_commands(f"```\n{command}     it explains\n```") == [command]


@pytest.mark.parametrize("link", ["nowhere.md", "#nowhere", "README.md#nowhere"])
def test_a_broken_link_is_found(link):
    assert find_broken_links(f"# Here\n[a]({link}) [b](#here) [c](README.md#layout)", CHECKOUT) == [link]
