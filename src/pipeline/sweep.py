"""Many runs: each point of a sweep by the ordinary pipeline, on workers here or of a Dask cluster that is there.

python -m pipeline.sweep SWEEP=augmentation [DATASET=mine SOURCE=~/mine.zip] [PROFILE=smoke] [PARAMS="EPOCHS=3"]

No test is opened. Queue, workers and what becomes of those that die are Dask's `distributed`: docs/many_runs.md.
"""

import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from pipeline.request import Job, Plan, plan_sweep
from utils.paths import CHECKOUT, ROOT, Run

WORKER_BYTES = 2e9
"""Of memory for each worker: a notebook's kernel took .9 GB with the classic network and takes up to 1.4 GB with one of
the shipped one's widths (docs/speed.md); doit took .2 GB beside it, Dask's worker .1 GB."""

TRIED_AGAIN = 2
"""How often a run whose worker died is given to another one."""

_THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)

_TETHERED = """
import os, sys, threading
def end_with_parent():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=end_with_parent, daemon=True).start()
import runpy
name = sys.argv[2]
sys.argv[1:3] = []
runpy.run_module(name, run_name="__main__", alter_sys=True)
"""
"""Runs a module as `python -m name ...` does, but ends as soon as whoever holds the other end of its stdin has ended,
by whatever signal: else what a killed worker had started would go on, and keep the run's lock."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `state` is done, "up to date", failed or "not run", `told` what its pipeline said."""

    run: str
    state: str
    seconds: float
    told: str = ""

    @property
    def is_there(self) -> bool:
        """Whether its networks, or data, can be used."""
        return self.state in ("done", "up to date")


def run_job(job: Job, threads: int, root: str, module: str = "doit", data: Outcome | None = None) -> Outcome:
    """Run the pipeline in a process of its own, with the test sealed. A worker calls this.

    Args:
        job: what to run.
        threads: that it may use.
        root: the project's folder; that of who asks, which this machine sees under the same path.
        module: of the pipeline.
        data: what became of the run whose data it takes.

    Raises:
        OSError: the process cannot be started; Dask then tries again.
    """
    if data and not data.is_there:
        return Outcome(job.run, "not run", 0, f"{data.told}\nIts data were to be those of {data.run}.")
    given = {"STRESS_FACES_SEALED": "1", "STRESS_FACES_ROOT": root} | {name: str(threads) for name in _THREADS}
    # else the first to see a GPU takes all of its memory
    given["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    started, lock = time.monotonic(), Path(root) / "reports" / job.run / ".lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        # of a worker that has just died; or somebody else is at it
        pass
    process = subprocess.Popen(
        [sys.executable, "-c", _TETHERED, "-m", module, *job.words],
        cwd=CHECKOUT, env=os.environ | given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace", start_new_session=True,
    )  # fmt: skip
    told = process.stdout.read() if process.stdout else ""
    # not `communicate`, which would close stdin, by which the process knows that this one is there
    state = "failed" if process.wait() else "up to date" if "Nothing to do" in told else "done"
    return Outcome(job.run, state, round(time.monotonic() - started, 1), told.strip())


@contextmanager
def start_workers(most: int) -> Iterator[tuple]:
    """Dask's client, and the threads of each worker: of the scheduler that DASK_SCHEDULER_ADDRESS names, or here.

    Here, as many workers as there are cores and room for in memory, `most` at most; there, one thread each, for how
    many share a machine is not known.

    Raises:
        OSError: no scheduler answers there.
    """
    # slow to import, and nothing else needs it
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    if address := os.environ.get("DASK_SCHEDULER_ADDRESS"):
        try:
            client = Client(address)
        except (OSError, ValueError) as error:
            raise OSError(f"No Dask scheduler at DASK_SCHEDULER_ADDRESS={address}: {error}") from None
        with client:
            yield client, 1
        return
    count = max(1, min(most, CPU_COUNT, int(MEMORY_LIMIT // WORKER_BYTES)))
    settings = {"distributed.scheduler.allowed-failures": TRIED_AGAIN, "distributed.worker.profile.enabled": False}
    # what takes memory is not the worker but what it starts, so Dask's own limit would watch nothing
    options = {"memory_limit": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with dask.config.set(settings):
        # Ctrl-C reaches all processes of a terminal; workers are not to tell of it, too
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        # of what is left for Python to clean up then
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
        try:
            cluster = LocalCluster(n_workers=count, threads_per_worker=1, **options)
        finally:
            signal.signal(signal.SIGINT, before)
        with cluster, Client(cluster) as client:
            yield client, max(1, CPU_COUNT // count)


def run_all(asked: Plan, module: str = "doit") -> Iterator[Outcome]:
    """The outcome of each point, as they end."""
    from distributed import as_completed

    with start_workers(len(asked.points)) as (client, threads):
        print(f"{len(asked.points)} runs of {asked.title}. Dask's dashboard: {client.dashboard_link}", flush=True)

        futures: dict = {}
        name = uuid.uuid4().hex

        def submit(job: Job, data=None):
            # in the order of the plan (see `profiles.read_sweep`): a large group of alike keys waits at the scheduler
            # until a worker is free, where others are handed out at once
            order = {
                "key": (f"run-{name}" if data else f"data-{name}", job.run),
                "priority": -len(futures),
                "retries": TRIED_AGAIN,
            }
            return client.submit(run_job, job, threads, str(ROOT), module, data, **order)

        for own, *points in asked.jobs.values():
            data = submit(own)
            for job in points:
                futures[submit(job, data)] = job
        for future in as_completed(futures):
            if future.status == "finished":
                yield future.result()
            else:
                error = future.exception()
                told = (
                    f"{type(error).__name__}: {error}" if error else "The scheduler was lost; the same command goes on."
                )
                yield Outcome(futures[future].run, "failed", 0, told)


def describe(outcome: Outcome) -> str:
    """A line of progress."""
    from reporting.html import format_duration

    if outcome.is_there:
        page = Run(outcome.run).reports / "index.html"
        took = f" in {format_duration(outcome.seconds)}" if outcome.state == "done" else ""
        return f"{outcome.state}{took}, report in {page.relative_to(ROOT)}"
    lines = outcome.told.splitlines() or [""]
    reason = next((line for line in lines if " failed" in line), lines[-1])
    # of a run that was not begun, an earlier one's may be left
    left = sorted(Run(outcome.run).reports.glob("*.failed.html")) if outcome.state == "failed" else []
    return f"{outcome.state}: {reason}" + (f" See {left[0].relative_to(ROOT)}" if left else "")


def _tell(job: Job, data: str, outcome: Outcome | None) -> dict:
    """A row of `sweep_report.write_report`."""
    told = asdict(job.point) if job.point else {}
    return {"run": job.run, "data": data, "state": outcome.state if outcome else "not run"} | told


def _stop(*_) -> None:
    """On Ctrl-C: Dask would wait for what runs; its workers, and what they have started, end when this process has."""
    print("Stopped. The same command goes on where it was.", flush=True)
    os._exit(130)


def main(arguments: list[str] | None = None, module: str = "doit") -> int:
    """Run what is asked for.

    Returns:
        0 where all runs are there, 1 where some are not, 2 where the command is wrong or no scheduler answers, 130
        after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        asked = plan_sweep(dict(word.partition("=")[::2] for word in words))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    ended: dict[str, Outcome] = {}
    status = 0
    before = signal.signal(signal.SIGINT, _stop)
    try:
        for outcome in run_all(asked, module):
            ended[outcome.run] = outcome
            print(f"{len(ended)} of {len(asked.points)}: {outcome.run}: {describe(outcome)}", flush=True)
            status |= not outcome.is_there
    except OSError as error:
        print(error, file=sys.stderr)
        if not ended:
            return 2
        status = 1
    finally:
        signal.signal(signal.SIGINT, before)
    # here, for a worker needs nothing of what draws and words reports
    from pipeline.sweep_report import write_report

    rows = [_tell(job, data, ended.get(job.run)) for data, (_, *jobs) in asked.jobs.items() for job in jobs]
    page = write_report(asked.title, asked.best, asked.words, rows)
    print(f"All of them: {page.relative_to(ROOT)}", flush=True)
    return status


if __name__ == "__main__":
    # workers look for its functions under its own name
    from pipeline.sweep import main as run

    sys.exit(run())
