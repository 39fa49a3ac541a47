"""Sweeps of stub notebooks: what is run, skipped, tried again, shown; on workers of its own and of another process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
import nbformat
import pytest
from support import CHECKOUT, STUB_PREPROCESSING

from pipeline.profiles import Point, Sweep
from pipeline.request import Job, Plan, plan_sweep
from pipeline.sweep import Outcome, describe, main, run_job
from pipeline.sweep_report import DOC, is_same, publish, render, write_report
from reporting.first_page import write_overview
from utils.evaluation.validation import compare_runs
from utils.files import fill, read_json, write_json, write_text
from utils.paths import Run

STAGES = (
    "01_preprocessing",
    "02_baseline_cnn",
    "03_augmented_retraining",
    "04_single_image_inference",
    "05_second_look",
)
BEGIN = """
import os, time
from utils.data.sealed_test import open_test
from utils.files import read_json, write_json, write_text
from utils.paths import ROOT, Run

run = Run(RUN)
with (ROOT / "log").open("a") as log:
    log.write(f"{RUN} STAGE\\n")
"""
SAVE = """
for name in ("model.keras", "model.tflite"):
    write_text(run.models / "MODEL" / name, "")
write_json(run.models / "MODEL" / "model.json", {"seeds": seeds, "validation": figures})
open_test(run, "stub", run.models / "MODEL")
write_json(run.metrics("STAGE"), {})
"""
BODIES = {
    "01_preprocessing": STUB_PREPROCESSING,
    "02_baseline_cnn": """
seeds, figures = SEEDS, {"accuracy": 0.7 + SEEDS[0] / 100, "auroc": 0.8, "log_loss": 0.5}
"""
    + SAVE.replace("MODEL", "EmotionDetector_1").replace("STAGE", "02_baseline_cnn"),
    "03_augmented_retraining": """
while (ROOT / "pause").exists():
    write_text(ROOT / "paused" / RUN, f"{os.getpid()} {os.getppid()}")
    time.sleep(0.05)
if ROTATION == 99:
    raise ValueError("no such angle")
seeds = read_json(run.models / "EmotionDetector_1" / "model.json")["seeds"]
chance = seeds[0] / 100 + (7 * seeds[0] + ROTATION) % 3 / 1000
figures = {"accuracy": 0.7 + ROTATION / 100 + chance, "auroc": 0.8 + chance, "log_loss": 0.5 - ROTATION / 100 - chance}
"""
    + SAVE.replace("MODEL", "EmotionDetector_2").replace("STAGE", "03_augmented_retraining"),
    "04_single_image_inference": "",
    "05_second_look": "",
}
PARAMETERS = {
    "01_preprocessing": 'RUN = "sample"\nSOURCE = ""\nSEED = 0',
    "02_baseline_cnn": 'RUN = "sample"\nSEEDS = [0]',
    "03_augmented_retraining": 'RUN = "sample"\nROTATION = 1.0',
    "04_single_image_inference": 'RUN = "sample"\nPICTURE = ""',
    "05_second_look": 'RUN = "sample"',
}
STARTED: list[subprocess.Popen] = []
PAIR = "parameters:\n  SEEDS: [[0], [1]]\n"
PAIR_RUNS = [f"sweep-turns-a-seeds-{seed}" for seed in (0, 1)]
GRID = "parameters:\n  ROTATION: [0, {last}]\n  SEEDS: [[0], [1]]\n"
RUNS = [f"sweep-turns-a-rotation-{angle}-seeds-{seed}" for angle in (0, 9) for seed in (0, 1)]


@pytest.fixture
def project(tmp_path):
    """A project of stubs, with a sweep of four points."""
    for name in ("notebooks", "profiles", "sweeps"):
        (tmp_path / name).mkdir()
    (tmp_path / "profiles" / "default.yml").write_text("SEED: 1\n")
    (tmp_path / "sweeps" / "turns.yml").write_text(GRID.format(last=9))
    (tmp_path / "raw.zip").write_bytes(b"raw")
    new = nbformat.v4
    for stage in STAGES:
        cells = [
            new.new_markdown_cell(f"# {stage}"),
            new.new_code_cell(PARAMETERS[stage], metadata={"tags": ["parameters"]}),
            new.new_code_cell(BEGIN.replace("STAGE", stage)),
            new.new_code_cell(BODIES[stage]),
        ]
        nbformat.write(new.new_notebook(cells=cells), tmp_path / "notebooks" / f"{stage}.ipynb")
    yield tmp_path
    while STARTED:  # a test that failed leaves nothing running
        with suppress(ProcessLookupError):
            os.killpg(STARTED.pop().pid, signal.SIGKILL)


def start(root, *words, **environment):
    """The command, on a project of stubs whose cells run without kernels."""
    code = f"import sys; from pipeline.sweep import main; sys.exit(main({list(words)!r}, 'in_process'))"
    paths = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(CHECKOUT / "tests" / "helpers")]))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"STRESS_FACES_ROOT": str(root), "PYTHONPATH": paths} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    STARTED.append(process)
    return process


def sweep(root, *words, **environment):
    process = start(root, *(words or ("SWEEP=turns", "DATASET=a", f"SOURCE={root / 'raw.zip'}")), **environment)
    try:
        told = process.communicate(timeout=300)[0]
    finally:
        process.kill()
    return process.returncode, told


def count(root):
    """How often each stage of each run began."""
    lines = (root / "log").read_text().splitlines()
    return {line: lines.count(line) for line in lines}


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def is_alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def read_paused(root, how_many):
    """Of the runs that wait, their processes and workers."""
    files = list((root / "paused").glob("[!.]*"))
    found = [tuple(map(int, text.split())) for text in (path.read_text() for path in files) if text]
    return found if len(found) >= how_many else []


def test_points_are_run_once_and_shown_side_by_side(project):
    status, told = sweep(project)
    assert status == 0, told
    begun = count(project)
    assert set(begun.values()) == {1}
    made = [line for line in begun if line.endswith(STAGES[0])]
    assert len(made) == 1 and made[0].startswith("sweep-turns-a-data-")
    assert {line for line in begun if not line.endswith(STAGES[0])} == {f"{r} {s}" for r in RUNS for s in STAGES[1:3]}
    assert "4 runs of sweep-turns-a. Dask's dashboard: http://" in told
    assert all(f"{run}: done in " in told for run in RUNS)
    # no test was opened, and what was taken takes no room
    assert not (project / "reports" / "test_evaluations.jsonl").exists()
    assert "The test stays sealed" in (project / "reports" / RUNS[0] / "02_baseline_cnn.html").read_text()
    shared = project / "data" / "processed" / made[0].split()[0] / "images.npy"
    assert shared.samefile(project / "data" / "processed" / RUNS[0] / "images.npy")

    report = project / "reports" / "sweep-turns-a"
    figures = json.loads((report / "sweep.json").read_text())
    assert [run["run"] for run in figures["runs"]] == RUNS
    better = [pair for pair in figures["pairs"] if pair["verdict"] == "better"]
    assert {(pair["model"], pair["figure"]) for pair in better} == {
        ("EmotionDetector_2", "accuracy"), ("EmotionDetector_2", "log_loss")
    }  # fmt: skip
    assert figures["best"] == "rotation-9"
    assert f"SOURCE={project / 'raw.zip'} RUN=best-turns-a 'PARAMS=ROTATION=9 SEEDS=[0,1]'" in figures["command"]
    page = (report / "index.html").read_text()
    assert "No setting changes this network" in page and "<svg" in page
    assert all(f'href="../{run}/index.html"' in page for run in RUNS)
    overview = (project / "reports" / "index.html").read_text()
    assert 'href="sweep-turns-a/index.html"' in overview and RUNS[0] not in overview

    (project / "sweeps" / "turns.yml").write_text(GRID.format(last=99))
    status, told = sweep(project)
    assert status == 1
    assert told.count(": up to date, report in reports/sweep-turns-a-rotation-0-seeds-") == 2
    for seed in (0, 1):
        run = f"sweep-turns-a-rotation-99-seeds-{seed}"
        assert f"{run}: failed: 03_augmented_retraining failed" in told
        assert f'href="../{run}/03_augmented_retraining.failed.html"' in (report / "index.html").read_text()
    assert "2 of them are not there" in (report / "index.html").read_text()


@pytest.fixture
def reports():
    """The folder of the reports, from which those of sweeps are taken away again."""
    folder = Run("any").reports.parent
    yield folder
    for path in folder.glob("sweep-*"):
        shutil.rmtree(path)
    write_overview()


def test_what_failed_of_the_data_is_told_of_each_run_that_was_to_take_them(tmp_path, reports):
    told = "01_preprocessing\n01_preprocessing failed: ValueError: no class folder"
    data = Outcome("sweep-x-data-1", "failed", 3.0, told)
    outcome = run_job(Job("sweep-x-a", ()), 1, str(tmp_path), data=data)
    assert describe(outcome) == "not run: 01_preprocessing failed: ValueError: no class folder"
    assert "Its data were to be those of sweep-x-data-1" in outcome.told
    write_text(reports / data.run / "01_preprocessing.failed.html", "")
    row = {"run": outcome.run, "data": data.run, "state": outcome.state, "setting": "a", "varied": {}, "values": {}}
    page = write_report("sweep-x", "best-x", (), [row]).read_text(encoding="utf-8")
    assert 'href="../sweep-x-data-1/01_preprocessing.failed.html"' in page


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_stopping_and_killing_lose_nothing_and_repeat_nothing(project):
    words = ("SWEEP=turns", "DATASET=a", f"SOURCE={project / 'raw.zip'}")
    (project / "sweeps" / "turns.yml").write_text(PAIR)
    (project / "pause").touch()
    process = start(project, *words)
    wait_for(lambda: read_paused(project, 2))
    # Ctrl-C in a terminal
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert told.endswith("Stopped. The same command goes on where it was.\n") and len(told.splitlines()) == 2
    wait_for(lambda: not any(is_alive(pid) for pids in read_paused(project, 2) for pid in pids))
    assert not (project / "reports" / "sweep-turns-a").exists()
    (project / "paused").rename(project / "stopped")

    process = start(project, *words)
    wait_for(lambda: read_paused(project, 1))
    run, worker = read_paused(project, 1)[0]
    os.kill(worker, signal.SIGKILL)
    # what it had started ends with it
    wait_for(lambda: not is_alive(run))
    (project / "paused").rename(project / "before")
    wait_for(lambda: read_paused(project, 1))
    begun = count(project)
    again = [line for line, times in begun.items() if times > 1]
    assert all(line.endswith(STAGES[2]) for line in again)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not any(is_alive(pid) for pids in read_paused(project, 1) for pid in pids))
    (project / "pause").unlink()
    status, told = sweep(project)
    assert status == 0, told
    begun = count(project)
    assert {line.split()[0] for line in begun} >= set(PAIR_RUNS)
    assert {times for line, times in begun.items() if not line.endswith(STAGES[2])} == {1}
    assert all(f"{run}: done" in told for run in PAIR_RUNS)


@contextmanager
def cluster(folder, root):
    """A scheduler and two workers, each a process of its own, over TCP; gives the scheduler's address."""
    paths = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(CHECKOUT / "tests" / "helpers")]))
    options = {"env": os.environ | {"PYTHONPATH": paths, "STRESS_FACES_ROOT": str(root)}, "cwd": folder}
    options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    known, place = folder / "scheduler.json", ["--host", "127.0.0.1", "--no-dashboard"]
    command = [sys.executable, "-m", "dask"]
    started = [subprocess.Popen([*command, "scheduler", "--port", "0", "--scheduler-file", known, *place], **options)]
    try:
        wait_for(known.exists)
        worker = [*command, "worker", "--scheduler-file", known, "--nthreads", "1", "--no-nanny", *place]
        started += [subprocess.Popen([*worker, "--name", name], **options) for name in ("one", "two")]
        yield json.loads(known.read_text())["address"]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_workers_of_a_scheduler_that_is_there_are_used(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    (project / "sweeps" / "turns.yml").write_text(PAIR)
    (project / "pause").touch()
    with cluster(folder, project) as address:
        process = start(
            project, "SWEEP=turns", "DATASET=a", f"SOURCE={project / 'raw.zip'}", DASK_SCHEDULER_ADDRESS=address
        )
        # both are at work, and are no children of the command
        wait_for(lambda: read_paused(project, 2))
        workers = {worker for _, worker in read_paused(project, 2)}
        assert len(workers) == 2
        assert all(int(Path(f"/proc/{pid}/stat").read_text().split()[3]) != process.pid for pid in workers)
        (project / "pause").unlink()
        told = process.communicate(timeout=300)[0]
    assert process.returncode == 0, told
    assert all(f"{run}: done" in told for run in PAIR_RUNS)
    assert set(count(project).values()) == {1}


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setattr("pipeline.sweep.plan_sweep", lambda _: Plan("sweep-x", "best-x", (), {}))
    with dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}):
        assert main([]) == 2
    told = capsys.readouterr().err
    assert told.startswith("No Dask scheduler at DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:9")
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [("SWEEP=none", "No sweep 'none'"), ("SWEEP=seeds DATASET=a", "DATASET=a needs SOURCE=path"),
     ("SWEEP=seeds RUN=x", "Unknown variable RUN"), ("SWEEP=seeds PROFILE=huge", "No profile 'huge'"),
     ("SWEEP=augmentation PARAMS=FLIP=true", "The command gives FLIP, which the sweep varies"),
     ("SWEEP=seeds PARAMS=SEEDS=[7]", "The command gives SEEDS, which the sweep varies")],
)  # fmt: skip
def test_a_wrong_command_is_one_line(capsys, words, message):
    assert main(words.split()) == 2
    told = capsys.readouterr().err
    assert message in told and len(told.strip().splitlines()) == 1


def test_what_the_command_adds_stands_in_the_name(monkeypatch):
    asked = plan_sweep({"SWEEP": "seeds", "PROFILE": "smoke", "PARAMS": "EPOCHS=3 FLIP=false"})
    assert (
        asked.title == "sweep-seeds-smoke-epochs-3-flip-false" and asked.best == "best-seeds-smoke-epochs-3-flip-false"
    )
    several = Sweep("x", "", (Point("only", "as given", {}, {"SEEDS": [0, 1]}),))
    monkeypatch.setattr("pipeline.request.read_sweep", lambda _: several)
    with pytest.raises(ValueError, match="expected one for each run of a sweep"):
        plan_sweep({"SWEEP": "x"})
    classes = tuple(Point(meant, meant, {}, {"CLASSES": meant}) for meant in ("fer2013", "rafdb"))
    monkeypatch.setattr("pipeline.request.read_sweep", lambda _: Sweep("x", "", classes))
    with pytest.raises(ValueError, match="The command gives CLASSES, which the sweep varies"):
        plan_sweep({"SWEEP": "x", "CLASSES": "ckplus"})


def test_shared_data_are_those_of_equal_parameters(monkeypatch):
    monkeypatch.setattr("pipeline.request.choose_run", lambda *_: None)
    points = [
        Point(f"p{cut}-{seed}", f"p{cut}", {"SEED": cut}, {"SEED": cut, "SEEDS": [seed]})
        for cut in (0, 1)
        for seed in (0, 1)
    ]
    sweep = Sweep("x", "", tuple(points))
    monkeypatch.setattr("pipeline.request.read_sweep", lambda _: sweep)
    jobs = plan_sweep({"SWEEP": "x"}).jobs
    assert [[job.run for job in of_data[1:]] for of_data in jobs.values()] == [
        ["sweep-x-p0-0", "sweep-x-p0-1"], ["sweep-x-p1-0", "sweep-x-p1-1"]
    ]  # fmt: skip
    for run, (own, *points) in jobs.items():
        assert own.run == run and own.words[-1] == "stage:01_preprocessing"
        assert all(f"DATA={run}" in job.words for job in points)


def make_run(setting, seed, accuracy):
    figures = {"accuracy": accuracy, "auroc": accuracy, "log_loss": 1 - accuracy}
    models = {"EmotionDetector_1": {"stress": figures}}
    return {
        "run": f"{setting}-{seed}",
        "setting": setting,
        "seed": seed,
        "data": "the same",
        "varied": {"point": setting},
        "models": models,
    }


def test_what_differs_beyond_chance_is_said_in_the_documentation():
    runs = [
        make_run(name, seed, value + seed / 100 + seed * value / 1000)
        for name, value in (("a", 0.6), ("b", 0.8))
        for seed in range(3)
    ]
    figures = {"runs": runs} | compare_runs(runs)
    assert figures["best"] == "b"
    assert {pair["verdict"] for pair in figures["pairs"]} == {"better"}
    text = render(figures | {"machine": "a machine", "commit": "abc", "date": "2026-11-28T00:00:00"})
    assert text.startswith("6 runs: 2 settings, from 3 seeds. a machine; commit abc; 2026-11-28.")
    assert "Beyond the chance of seeds: 3 of 3 differences" in text and "- accuracy: b is better than a, +20." in text
    assert "| a | 61.1 % (55.8 to 66.3) ± 1.1 points |" in text


def test_models_that_some_settings_have_are_compared_among_these():
    alone = [make_run("alone", seed, 0.6 + seed / 100) for seed in range(2)]
    both = [make_run(name, seed, 0.7 + (seed + place) / 50) for seed in range(2) for place, name in enumerate("ab")]
    for run in both:
        run["models"]["EmotionDetector_2"] = run["models"]["EmotionDetector_1"]
    found = compare_runs(alone + both)
    assert list(found["settings"]) == ["EmotionDetector_1", "EmotionDetector_2"]
    assert list(found["settings"]["EmotionDetector_2"]) == ["a", "b"]
    pairs = {(pair["model"], pair["first"], pair["second"]) for pair in found["pairs"]}
    assert pairs == {("EmotionDetector_1", "alone", "a"), ("EmotionDetector_1", "alone", "b"),
                     ("EmotionDetector_1", "a", "b"), ("EmotionDetector_2", "a", "b")}  # fmt: skip


def test_settings_of_other_data_are_not_compared():
    runs = [make_run(name, seed, value + seed / 100) for name, value in (("a", 0.6), ("b", 0.8)) for seed in range(3)]
    for run in runs:
        run["data"] = f"data of {run['setting']}"
    found = compare_runs(runs)
    assert found["pairs"] == [] and found["best"] == ""
    assert not is_same(found["settings"]["EmotionDetector_1"])
    assert list(found["settings"]["EmotionDetector_1"]) == ["a", "b"]


def test_a_sweep_that_is_not_whole_is_not_published(reports):
    runs = [make_run("a", 0, 0.6), make_run("a", 1, 0.7) | {"models": {}}]
    write_json(reports / "sweep-part" / "sweep.json", {"runs": runs})
    with pytest.raises(ValueError, match="sweep-part: expected all its runs, a-1 not there"):
        publish("part")


def test_the_documentation_shows_what_was_published():
    page = DOC.read_text(encoding="utf-8")
    for name in ("augmentation", "seeds"):
        saved = DOC.parent / "sweeps" / f"{name}.json"
        assert fill(page, name, render(read_json(saved)) if saved.exists() else "Not run yet.") == page
