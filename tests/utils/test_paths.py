"""The project's folder."""

import os
import subprocess
import sys

import pytest


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
