"""What the pipeline does with notebooks that fail, change, or are killed; with stubs in the real ones' places."""

import contextlib
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime

import nbformat
import numpy
import pytest
from filelock import FileLock
from PIL import Image
from support import CHECKOUT, STUB_PREPROCESSING, encode, run_pipeline

from pipeline.run import StageFailed, run_stage
from utils.paths import Run

STAGES = (
    "01_preprocessing",
    "02_baseline_cnn",
    "03_augmented_retraining",
    "04_single_image_inference",
    "05_second_look",
)

WRITE = """
from utils.files import write_json, write_text
from utils.paths import Run

run = Run(RUN)
print("kernel", __import__("sys").executable)
"""
BODIES = {
    "01_preprocessing": STUB_PREPROCESSING,
    "02_baseline_cnn": """
for name in ("model.keras", "model.tflite", "model.json"):
    write_text(run.models / "EmotionDetector_1" / name, str(EPOCHS))
write_text(run.predictions("EmotionDetector_1"), "")
write_json(run.metrics("02_baseline_cnn"), {"seed_project": {"log_loss": 0, "accuracy": 0}})
""",
    "03_augmented_retraining": """
for name in ("model.keras", "model.tflite", "model.json"):
    write_text(run.models / "EmotionDetector_2" / name, str(ROTATION))
write_text(run.predictions("EmotionDetector_2"), "")
figures = {"accuracy": 1, "log_loss": 1, "auroc": 1, "count": 1, "majority_accuracy": 1}
models = {"EmotionDetector_2": {"what": "a stub", "stress": figures, "classes": figures}}
write_json(run.metrics("03_augmented_retraining"), {"models": models, "test_evaluations": 1})
""",
    "04_single_image_inference": 'write_json(run.metrics("04_single_image_inference"), {})',
    "05_second_look": 'write_json(run.metrics("05_second_look"), {})',
}
PARAMETERS = {
    "01_preprocessing": 'RUN = "sample"\nSOURCE = ""\nSEED = 0',
    "02_baseline_cnn": 'RUN = "sample"\nEPOCHS = 2',
    "03_augmented_retraining": 'RUN = "sample"\nROTATION = 1.0\nFRESH = False\nINITIAL_MODEL = ""\nTEACHERS = []',
    "04_single_image_inference": 'RUN = "sample"\nPICTURE = ""',
    "05_second_look": 'RUN = "sample"',
}


def write_stub(root, stage, before="", after=""):
    new = nbformat.v4
    cells = [
        new.new_markdown_cell(f"# {stage}"),
        new.new_code_cell(PARAMETERS[stage], metadata={"tags": ["parameters"]}),
        new.new_code_cell(WRITE + before),
        new.new_markdown_cell("## The work"),
        new.new_code_cell(BODIES[stage] + after),
    ]
    notebook = new.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(notebook, root / "notebooks" / f"{stage}.ipynb")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw") / "raw.zip"
    path.write_bytes(b"raw")
    return path


@pytest.fixture(scope="module")
def ready(tmp_path_factory, raw):
    """A project of stubs whose pipeline has run once, with that run's result."""
    root = tmp_path_factory.mktemp("stubs")
    (root / "notebooks").mkdir()
    (root / "profiles").mkdir()
    (root / "profiles" / "default.yml").write_text("EPOCHS: 3\n")
    for stage in STAGES:
        write_stub(root, stage)
    return root, run_pipeline(root, "DATASET=a", f"SOURCE={raw}")


@pytest.fixture
def project(ready, tmp_path):
    """A copy of the stub project, its pipeline up to date."""
    root = tmp_path / "project"
    shutil.copytree(ready[0], root)
    state = root / "reports" / "a" / ".state.json"
    state.write_text(state.read_text().replace(str(ready[0]), str(root)))
    return root


@pytest.fixture
def run(raw):
    """Runs the pipeline of a project on the raw data, without kernels unless asked for."""

    def run(root, *words, dataset="a", kernels=False):
        return run_pipeline(root, f"DATASET={dataset}", f"SOURCE={raw}", *words, kernels=kernels)

    return run


def ran(result):
    """The stages that a run executed, in their order."""
    return [line.split(":")[0] for line in result.stdout.splitlines() if ", report in reports/" in line]


def test_a_first_run_does_everything(ready):
    root, result = ready
    assert result.returncode == 0, result.stdout + result.stderr
    assert ran(result) == list(STAGES)
    assert "All reports: reports/a/index.html" in result.stdout
    for stage in STAGES:
        for path in (f"{stage}.ipynb", f"{stage}.html", f"metrics/{stage}.json", f"stages/{stage}.json"):
            assert (root / "reports" / "a" / path).exists()
    assert 'href="03_augmented_retraining.html"' in (root / "reports" / "a" / "index.html").read_text()
    assert 'href="a/index.html"' in (root / "reports" / "index.html").read_text()


def test_a_stage_says_what_it_was_run_with(ready):
    made = json.loads((ready[0] / "reports" / "a" / "stages" / "02_baseline_cnn.json").read_text())
    assert made["parameters"] == {"RUN": "a", "EPOCHS": 3}
    assert (made["data"], made["python"]) == ("0", platform.python_version())
    assert set(made["code"]) >= {"02_baseline_cnn", "utils.files", "utils.paths"}
    assert made["versions"]["numpy"] == numpy.__version__
    assert datetime.fromisoformat(made["started"]).tzinfo
    page = (ready[0] / "reports" / "a" / "02_baseline_cnn.html").read_text()
    for said in (made["machine"], "EPOCHS", made["started"], "numpy " + numpy.__version__, 'href="03_augmented'):
        assert said in page


def test_two_runs_at_once_do_not_disturb_each_other(ready, raw):
    command = [sys.executable, "-m", "doit", f"SOURCE={raw}"]
    environment = os.environ | {"STRESS_FACES_ROOT": str(ready[0])}
    together = [
        subprocess.Popen([*command, f"DATASET={name}"], cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL)
        for name in ("c", "d")
    ]
    assert [process.wait(timeout=120) for process in together] == [0, 0]


def test_one_run_is_not_made_twice_at_once(ready, run):
    with FileLock(ready[0] / "reports" / "a" / ".lock"):
        result = run(ready[0])
    assert result.returncode != 0
    assert "a is being made at this moment" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Nothing to do" in run(ready[0]).stdout


def test_notebooks_run_in_this_interpreter(ready):
    assert f"kernel {sys.executable}" in (ready[0] / "reports" / "a" / "02_baseline_cnn.ipynb").read_text()


def test_without_a_terminal_each_stage_is_a_line(ready):
    assert ready[1].stderr.splitlines() == [f"{stage}, {stage}" for stage in STAGES]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
def test_in_a_terminal_a_bar_names_notebook_and_section(project, raw):
    import termios

    (project / "reports" / "a" / "02_baseline_cnn.html").unlink()
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 200))
    command = [sys.executable, "-m", "doit", "DATASET=a", f"SOURCE={raw}"]
    environment = os.environ | {"STRESS_FACES_ROOT": str(project)}
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the other end was closed
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert b"02_baseline_cnn, The work" in seen


def test_profile_parameters_reach_the_notebook(ready):
    assert (ready[0] / "models" / "a" / "EmotionDetector_1" / "model.json").read_text() == "3"


def test_nothing_to_do_and_other_data_sets_in_between(project, run):
    again = run(project)
    assert "Nothing to do: the run a is up to date." in again.stdout
    assert ran(run(project, dataset="b")) == list(STAGES)
    assert "Nothing to do" in run(project).stdout
    assert "Nothing to do" in run(project, dataset="b").stdout


def test_a_parameter_of_03_reruns_03_and_04(project, run):
    assert ran(run(project, "PARAMS=ROTATION=2")) == list(STAGES[2:])
    assert "Nothing to do" in run(project, "PARAMS=ROTATION=2").stdout


def test_a_stage_that_trains_fresh_runs_each_time(project, run):
    for _ in range(2):
        assert ran(run(project, "PARAMS=FRESH=true")) == list(STAGES[2:])


def test_04_runs_again_when_the_picture_that_it_is_asked_about_is_another(project, run):
    picture = project / "face.png"
    picture.write_bytes(encode(Image.new("L", (60, 60))))
    words = f"PARAMS=PICTURE={picture}"
    assert ran(run(project, words)) == [STAGES[3]]
    assert "Nothing to do" in run(project, words).stdout
    picture.write_bytes(encode(Image.new("L", (70, 70))))
    assert ran(run(project, words)) == [STAGES[3]]


@pytest.mark.parametrize("asked", ["INITIAL_MODEL=b", 'TEACHERS="[b, nobody]"'])
def test_03_runs_again_when_the_network_of_a_run_that_it_names_is_another(project, run, asked):
    network = project / "models" / "b" / "EmotionDetector_2" / "model.keras"
    network.parent.mkdir(parents=True)
    network.write_text("once")
    words = f"PARAMS={asked}"
    assert ran(run(project, words)) == list(STAGES[2:])
    assert "Nothing to do" in run(project, words).stdout
    network.write_text("trained anew")
    assert ran(run(project, words)) == list(STAGES[2:])


def test_saving_a_notebook_in_jupyter_makes_nothing_stale(project, run):
    path = project / "notebooks" / "02_baseline_cnn.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = 5, [nbformat.v4.new_output("stream", text="done")]
    notebook.cells[0].source = "# Another title"
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11"}
    nbformat.write(notebook, path)
    assert "Nothing to do" in run(project).stdout


def test_changed_code_and_missing_outputs_rerun_a_stage_and_what_needs_it(project, run):
    write_stub(project, "04_single_image_inference", after="\nextra = 1")
    assert ran(run(project)) == ["04_single_image_inference"]
    (project / "models" / "a" / "EmotionDetector_2" / "model.keras").unlink()
    assert ran(run(project)) == list(STAGES[2:])


def test_changed_data_rerun_everything(project, run):
    write_stub(project, "01_preprocessing", after='\nwrite_json(run.data / "manifest.json", {"fingerprint": "1"})')
    assert ran(run(project)) == list(STAGES)


def test_a_notebook_that_raises(project, run):
    report = project / "reports" / "a" / "03_augmented_retraining.html"
    earlier = report.read_text()
    write_stub(project, "03_augmented_retraining", before='raise ValueError("no such face")')
    result = run(project, kernels=True)
    assert result.returncode != 0
    assert "03_augmented_retraining failed in cell 4 (In [3]): ValueError: no such face" in result.stdout
    failed = report.with_name("03_augmented_retraining.failed.html")
    assert str(failed) in result.stdout
    assert "no such face" in failed.read_text()
    assert "no such face" in failed.with_suffix(".ipynb").read_text()
    assert report.read_text() == earlier
    assert failed.name in (report.parent / "index.html").read_text()
    write_stub(project, "03_augmented_retraining")
    assert ran(run(project)) == list(STAGES[2:])
    assert not failed.exists()


def test_a_kernel_that_dies(project, run):
    write_stub(project, "02_baseline_cnn", before="import os\nos._exit(9)")
    result = run(project, kernels=True)
    assert result.returncode != 0
    assert "02_baseline_cnn failed" in result.stdout
    assert "DeadKernelError" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [(["PARAMS=ROTATON=2"], "Unknown parameter ROTATON: expected one of"), (["PARAMS=EPOCHS=many"], "found 'many'"),
     (["RUN=shipped"], "expected another than shipped and published"), (["PARAMS=EPOCHS='3"], "a quote that is not"),
     (["PARAMS=EPOCHS=0"], "expected a whole number, 1 or more"), (["PROFILE=huge"], "No profile 'huge'"),
     (["RUN=../up"], "Run name"), (["PARAMS=EPOCHS"], "expected NAME=value"),
     (["EPOCHS=7"], 'RUN, PARAMS, CLASSES, DATA. Did you mean PARAMS="EPOCHS=7"?'),
     (["Run=x"], "Did you mean RUN=x?"), (["PARAM=ROTATION=2"], "Did you mean PARAMS=ROTATION=2?"),
     (["RUN=sample"], "RUN=sample is the embedded sample's run")],
)  # fmt: skip
def test_a_wrong_command_is_one_line(ready, run, words, message):
    result = run(ready[0], *words)
    assert result.returncode != 0
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert ran(result) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [(["DATASET=sample"], "No SOURCE given"), (["DATASET=a", "SOURCE=/nowhere.zip"], "SOURCE=/nowhere.zip: there is"),
     (["DATASET=a"], "DATASET=a needs SOURCE=path"), (["SOURCE=/my.zip"], "SOURCE=/my.zip needs DATASET=name")],
)  # fmt: skip
def test_data_need_a_name_and_a_source(ready, words, message):
    result = run_pipeline(ready[0], *words)
    assert result.returncode != 0
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert ran(result) == []


def test_a_run_that_is_killed_goes_on_at_that_stage(project, run, raw):
    started = project / "started"
    pause = f"\nimport pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)"
    write_stub(project, "03_augmented_retraining", after=pause)
    shutil.rmtree(project / "models" / "a")
    process = subprocess.Popen(
        [sys.executable, "-m", "doit", "DATASET=a", f"SOURCE={raw}"],
        cwd=CHECKOUT,
        env=os.environ | {"STRESS_FACES_ROOT": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    write_stub(project, "03_augmented_retraining")
    assert ran(run(project)) == list(STAGES[2:])


WHOLE = nbformat.writes(nbformat.v4.new_notebook(metadata={"papermill": {}}))


@pytest.mark.parametrize(("executed", "trouble"), [(WHOLE[:9], "NotJSONError"), (WHOLE, "IsADirectoryError")])
def test_what_cannot_be_kept_hides_no_failure(monkeypatch, executed, trouble):
    notebook, run = CHECKOUT / "notebooks" / "02_baseline_cnn.ipynb", Run("unkept")
    # a folder where the page is to be written
    (run.reports / "02_baseline_cnn.failed.html").mkdir(parents=True, exist_ok=True)

    def fail(_notebook, beside, *_words, **_options):
        beside.write_text(executed)
        raise RuntimeError("no such face")

    monkeypatch.setattr("papermill.execute_notebook", fail)
    with pytest.raises(StageFailed, match=rf"RuntimeError: no such face\n.*could not be kept: {trouble}"):
        run_stage(run, "02_baseline_cnn", notebook, {})


def test_code_of_another_checkout_is_not_run(tmp_path):
    shutil.copy(CHECKOUT / "dodo.py", tmp_path)
    shutil.copy(CHECKOUT / "main.py", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for command in (["-m", "doit"], ["main.py", "--port", "0"]):
        result = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 1
        assert result.stderr.startswith(f"The installed code is that of {CHECKOUT}, not of ")
        assert len(result.stderr.splitlines()) == 1


def test_a_broken_file_of_one_run_does_not_keep_the_others_from_the_page_over_all(project, run):
    broken = project / "reports" / "broken" / "metrics" / "01_preprocessing.json"
    for content in ("{", "[]"):
        broken.parent.mkdir(parents=True, exist_ok=True)
        broken.write_text(content)
        (project / "reports" / "a" / "index.html").unlink()
        result = run(project)
        assert result.returncode == 0, result.stderr
        assert f"The run broken is not among all runs: {broken} is broken (" in result.stderr
        assert 'href="a/index.html"' in (project / "reports" / "index.html").read_text()


def test_a_broken_file_of_the_run_itself_is_named_in_one_line(project, run):
    broken = project / "reports" / "a" / "metrics" / "02_baseline_cnn.json"
    broken.write_text("{")
    (project / "reports" / "a" / "index.html").unlink()
    result = run(project)
    assert result.returncode == 1
    told = result.stdout + result.stderr
    assert f"The first page could not be written: {broken} is broken (" in told
    assert "remove it, and run again what wrote it" in told
    assert "Traceback" not in told


def test_a_broken_memory_is_named_in_one_line(project, run):
    state = project / "reports" / "a" / ".state.json"
    state.write_text("{")
    result = run(project)
    assert result.returncode == 1
    assert result.stderr == f"{state} is broken: remove it; all stages of this run are then run again.\n"
    state.unlink()
    assert ran(run(project)) == list(STAGES)


@pytest.mark.parametrize("most", [2, 6_000])
def test_a_full_disk_is_told_in_few_lines(project, run, raw, most):
    """No file may grow beyond some bytes: writing more fails as it does on a full disk."""
    shutil.rmtree(project / "reports")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))}
    result = run_pipeline(project, "DATASET=a", f"SOURCE={raw}", kernels=False, **limit)
    assert result.returncode != 0
    told = result.stdout + result.stderr
    assert "File too large" in told
    assert "Traceback" not in told
    assert len(told.splitlines()) < 8, told


def test_a_long_tmpdir_is_no_trouble(project, run, tmp_path, monkeypatch):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    write_stub(project, "04_single_image_inference", before="1")
    result = run(project, kernels=True)
    assert result.returncode == 0, result.stderr
    assert ran(result) == ["04_single_image_inference"]
