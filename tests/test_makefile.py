"""What make hands over, refuses, and sets up anew. Nothing is installed here."""

import os
import shutil
import subprocess

import pytest
from support import CHECKOUT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


@pytest.fixture
def checkout(tmp_path):
    """A folder whose Makefile believes it is set up, and whose python tells what it was called with."""
    folder = tmp_path / "checkout"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copyfile(CHECKOUT / name, folder / name)
    python = folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / "installed").write_text(str(folder))
    return folder


def make(folder, *words):
    # the tests themselves may have been started by make
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *words], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("source", ['a "b" c.zip', "$HOME/a.zip", "`id`.zip", "it's.zip", "a;b.zip", "~/a.zip"])
def test_a_path_is_handed_over_as_it_is(checkout, source):
    result = make(checkout, "pipeline", "DATASET=mine", f"SOURCE={source}", "PARAMS=EPOCHS=3 FLIP=false")
    assert result.returncode == 0, result.stderr
    given = ["DATASET=mine", f"SOURCE={source}", "PROFILE=", "RUN=", "PARAMS=EPOCHS=3 FLIP=false", "CLASSES="]
    assert result.stdout.splitlines() == ["-m", "doit", *given]


def test_a_final_test_is_handed_what_was_given(checkout):
    result = make(checkout, "final-test", "SOURCE=~/a b.zip", "TRAINED_ON=it's.zip", "WITHOUT_COPIES=1")
    given = ["--source=~/a b.zip", "--trained-on=it's.zip", "--without-copies=1", "--classes="]
    assert result.stdout.splitlines() == ["-m", "pipeline.final_test", *given], result.stderr


@pytest.mark.parametrize("word", ["EPOCHS=7", "dataset=x", "Run=x", "PARAM=x"])
def test_what_nothing_reads_is_refused(checkout, word):
    result = make(checkout, "pipeline", word)
    assert result.returncode == 2
    assert f"Unknown variable {word.partition('=')[0]}: expected DATASET SOURCE" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_a_moved_or_copied_checkout_is_set_up_anew(checkout, way):
    setting_up = "-m venv --clear .venv"
    assert setting_up not in make(checkout, "-n", "setup").stdout
    other = checkout.with_name("other")
    way(checkout, other)
    assert setting_up in make(other, "-n", "setup").stdout
