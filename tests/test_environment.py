"""The ways to install agree, and what is installed is this checkout."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from support import CHECKOUT

import utils

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def locked_versions(python: str) -> dict[str, str]:
    """Name -> version of the lock's pins for a Python on Linux."""
    environment = {"python_full_version": f"{python}.0", "python_version": python, "sys_platform": "linux"}
    lines = re.findall(r"^([a-z0-9].*?) \\$", (CHECKOUT / "requirements.lock").read_text(), re.M)
    pins = [Requirement(line) for line in lines]
    return {
        pin.name: str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def test_utils_is_this_checkouts():
    assert utils.__file__ == str(CHECKOUT / "src" / "utils" / "__init__.py")


def test_environment_yml_pins_the_direct_dependencies_as_the_lock_does():
    dependencies = yaml.safe_load((CHECKOUT / "environment.yml").read_text())["dependencies"]
    assert dependencies[:2] == ["python=3.11", "pip"]
    pip_list = dependencies[2]["pip"]
    direct = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    locked = locked_versions("3.11")
    assert pip_list == [*(f"{name}=={locked[name]}" for name in sorted(direct)), "-e ."]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_has_hashes_and_every_direct_dependency(python):
    assert {*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]} <= set(locked_versions(python))
    lock = (CHECKOUT / "requirements.lock").read_text()
    assert "://" not in lock
    for pin in re.split(r"^(?=[a-z0-9])", lock, flags=re.M)[1:]:
        assert "--hash=sha256:" in pin, pin


def test_importing_utils_loads_nothing():
    code = "import sys; before = set(sys.modules); import utils; print(sorted(set(sys.modules) - before))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "['utils']"


def test_every_command_that_the_readme_names_exists():
    readme = (CHECKOUT / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):.*##", (CHECKOUT / "Makefile").read_text(), re.M))
    named = {word for line in re.findall(r"^make ([a-z ]+?)(?:  |$| [A-Z])", readme, re.M) for word in line.split()}
    assert named
    assert named <= targets
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (CHECKOUT / link).exists(), link


def test_no_source_loads_tensorflow_but_the_quiet_one():
    loading = re.compile(r"^\s*(import|from) (tensorflow|keras)\b", re.M)
    files = [path for path in (CHECKOUT / "src").rglob("*.py") if loading.search(path.read_text())]
    assert [path.name for path in files] == ["quiet.py"]
