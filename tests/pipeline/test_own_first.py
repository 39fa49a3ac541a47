"""Another utils.py in the current folder or on PYTHONPATH does not stand in for ours."""

import os
import subprocess
import sys

import pytest
from support import CHECKOUT

from pipeline.own_first import PACKAGES, main


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a module of each name."""
    for name in PACKAGES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    return tmp_path


@pytest.mark.parametrize("way", ["folder", "PYTHONPATH"])
@pytest.mark.parametrize("words", ["utils.inference --help", "utils.data.ingest --help", "reporting.comparison --help"])
def test_the_direct_commands_find_their_own_packages(elsewhere, way, words):
    environment = os.environ | ({"PYTHONPATH": str(elsewhere)} if way == "PYTHONPATH" else {})
    folder = elsewhere if way == "folder" else CHECKOUT
    command = [sys.executable, "-m", *words.split()]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert "wrong" not in result.stderr and "Error" not in result.stderr


def find(site, *folders):
    """Where a Python that starts with nothing but a site-packages and some folders finds `utils`."""
    code = f"import site, sys; site.addsitedir({str(site)!r}); sys.path[:0] = {list(map(str, folders))!r}; import utils"
    command = [sys.executable, "-I", "-S", "-c", f"{code}; print(utils.__file__)"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() or result.stderr.strip()


def test_it_is_put_into_an_environment_and_another_checkout_goes_before_it(tmp_path, elsewhere, monkeypatch):
    site = tmp_path / "site-packages"
    site.mkdir()
    assert find(site, elsewhere) == "the wrong one"
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(site))
    main()
    assert find(site, elsewhere) == str(CHECKOUT / "src" / "utils" / "__init__.py")
    other = tmp_path / "other" / "src" / "utils"
    (other / "data").mkdir(parents=True)
    for name in ("__init__.py", "data/sealed_test.py"):
        (other / name).touch()
    assert find(site, other.parent) == str(other / "__init__.py")


def test_a_checkout_that_is_gone_is_in_nobodys_way(tmp_path, elsewhere, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    main()
    pth = tmp_path / "facial_stress_own_first.pth"
    pth.write_text(pth.read_text().replace(str(CHECKOUT), "/gone"))
    assert find(tmp_path, elsewhere) == "the wrong one"
