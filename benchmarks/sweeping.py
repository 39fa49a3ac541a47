"""Eight tiny runs of a sweep: on workers of one thread each, one a core, and one after the other with all threads.

python benchmarks/sweeping.py [--runs 8] [--out docs/sweeping.json] [--doc]

Each is the sample's pipeline in smoke size, from a seed of its own, in a scratch folder, with nothing made before. Then
one is repeated alone with one thread, and its figures are compared with those of the workers to the last
digit. `--doc` measures nothing and writes what was saved into docs/speed.md.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
SWEEP = "profile: smoke\nparameters:\n  SEEDS: [{seeds}]\n"
WANTED = 0.75


def make_root(folder: Path, runs: int) -> Path:
    """A project's folder with nothing made, and the sweep."""
    for name in ("notebooks", "profiles", "data/sample"):
        shutil.copytree(CHECKOUT / name, folder / name)
    (folder / "sweeps").mkdir()
    seeds = ", ".join(f"[{seed}]" for seed in range(runs))
    (folder / "sweeps" / "speed.yml").write_text(SWEEP.format(seeds=seeds), encoding="utf-8")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "sweeping.json", help="default: %(default)s")
    parser.add_argument("--doc", action="store_true", help="measure nothing: write what was saved into docs/speed.md")
    options = parser.parse_args()
    if options.runs < (os.cpu_count() or 1):
        parser.error(f"--runs: expected {os.cpu_count()} at least, one for each core, found {options.runs}")
    if options.doc:
        from facts import fill_doc

        from utils.files import read_json

        fill_doc("sweeping", describe(read_json(options.out)))
        return
    with tempfile.TemporaryDirectory(prefix="sweeping-") as top:
        os.environ["STRESS_FACES_ROOT"] = str(make_root(Path(top) / "workers", options.runs))
        # the project's folder is read when these are imported
        from dask.system import CPU_COUNT
        from facts import describe_place

        from pipeline.provenance import find_commit
        from pipeline.request import plan_sweep
        from pipeline.sweep import run_all, run_job
        from utils.files import write_json

        place = describe_place() | {"commit": find_commit(CHECKOUT)}
        asked = plan_sweep({"SWEEP": "speed"})
        started = time.perf_counter()
        if failed := [outcome.told for outcome in run_all(asked) if not outcome.is_there]:
            raise SystemExit(failed[0])
        seconds = {"workers": time.perf_counter() - started}
        roots = {"workers": Path(top) / "workers"}
        (jobs,) = asked.jobs.values()
        for name, threads, chosen in (("in turn", CPU_COUNT, jobs), ("one thread", 1, jobs[:2])):
            roots[name] = make_root(Path(top) / name.replace(" ", "-"), options.runs)
            started = time.perf_counter()
            for job in chosen:
                if not (outcome := run_job(job, threads, str(roots[name]))).is_there:
                    raise SystemExit(outcome.told)
            seconds[name] = time.perf_counter() - started
        run = jobs[1].run
        same = read_figures(roots["workers"], run) == read_figures(roots["one thread"], run)
    share = seconds["workers"] / seconds["in turn"]
    figures = {
        "place": place,
        "runs": options.runs,
        "threads": CPU_COUNT,
        "seconds": seconds,
        "share": share,
        "same_at_one_thread": same,
    }
    write_json(options.out, figures)
    print(describe(figures))


def describe(figures: dict) -> str:
    """The part of docs/speed.md: how long both ways took, and whether figures repeat."""
    from facts import say_where

    workers, in_turn = (f"{figures['seconds'][name] / 60:.1f} minutes" for name in ("workers", "in turn"))
    same = "equal to" if figures["same_at_one_thread"] else "other than"
    return (
        f"{say_where(figures['place'])}\n\n"
        f"{figures['runs']} tiny runs on {figures['threads']} workers of one thread each took {workers}, one after the "
        f"other with {figures['threads']} threads {in_turn}: {figures['share']:.2f} of the time (wanted: at most "
        f"{WANTED}). The figures of one of them, run alone with one thread, are {same} those of the workers to the "
        "last digit."
    )


def read_figures(root: Path, run: str) -> list:
    """All that is kept of a run's networks: validation figures, temperature, history, sha256 of the network."""
    from utils.files import read_json

    cards = [read_json(path) for path in sorted((root / "models" / run).glob("*/model.json"))]
    return [[card[name] for name in ("validation", "temperature", "history", "network")] for card in cards]


if __name__ == "__main__":
    main()
