"""The project's folder."""

import os
import subprocess
import sys
import venv

import pytest

from utils.paths import CHECKOUT


@pytest.mark.parametrize("command", ["utils.inference", "utils.data.ingest", "reporting.comparison"])
def test_a_root_that_is_no_checkout_is_one_line(tmp_path, command):
    done = subprocess.run(
        [sys.executable, "-m", command, "x", "y"], env=os.environ | {"STRESS_FACES_ROOT": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"No folder `notebooks` in {tmp_path}, which STRESS_FACES_ROOT names: expected a checkout's folder; mend or"
        " unset that variable.\n"
    )


def test_the_environment_of_a_copied_checkout_does_not_run_the_old_code(tmp_path):
    copy = tmp_path / "copy"
    venv.create(copy / ".venv")
    (packages,) = copy.glob(".venv/lib/python*/site-packages")
    (packages / "old.pth").write_text(f"{CHECKOUT / 'src'}\n")
    python = [copy / ".venv" / "bin" / "python", "-c", "import utils.paths"]
    # without the sources beside it, an environment may lie where it likes
    assert subprocess.run(python).returncode == 0
    (copy / "src" / "utils").mkdir(parents=True)
    (copy / "src" / "utils" / "paths.py").write_text((CHECKOUT / "src" / "utils" / "paths.py").read_text())
    done = subprocess.run(python, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1, f"The installed code is that of {CHECKOUT}, not of {copy}: run `make setup` there.\n",
    )  # fmt: skip
    named = os.environ | {"PYTHONPATH": str(CHECKOUT / "src")}
    assert subprocess.run(python, env=named).returncode == 0
