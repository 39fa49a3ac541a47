"""Run one notebook and leave its report: executed notebook, HTML, stage manifest; or take the data of another run."""

import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from pipeline.engine import ENGINE
from pipeline.provenance import describe_end, describe_start
from reporting.html import export_html, find_title
from utils.files import replaced_folder, write_json, write_text
from utils.paths import NOTEBOOKS, STAGES, Run

_BAR = "{desc} |{bar:16}| cell {n_fmt} of {total_fmt}, {elapsed}{postfix}"


class StageFailed(Exception):
    """A notebook raised; the message names notebook, cell and error, and where to read on."""


def stage_manifest(run: Run, stage: str) -> Path:
    """The file that says a stage is complete: removed before it runs, written last."""
    return run.reports / "stages" / f"{stage}.json"


def run_stage(run: Run, stage: str, notebook: Path, parameters: dict) -> float:
    """Execute a notebook headlessly and write its report.

    Args:
        run: the report goes to reports/<run>/<stage>.ipynb and .html.
        stage: its name, such as 01_preprocessing.
        notebook: the .ipynb that is executed; it stays as it is.
        parameters: for the notebook's parameters cell.

    Returns:
        Seconds that it took.

    Raises:
        StageFailed: the notebook raised, its kernel died, or the report cannot be written. The executed
            part is kept as <stage>.failed.ipynb and .html if it can be; an earlier report stays as it was.
    """
    stage_manifest(run, stage).unlink(missing_ok=True)
    run.reports.mkdir(parents=True, exist_ok=True)
    beside = run.reports / f".{stage}.running.ipynb"
    made, started = describe_start(stage, notebook, parameters), time.monotonic()
    try:
        papermill.execute_notebook(
            notebook, beside, parameters, engine_name=ENGINE, kernel_name="python3", language="python",
            progress_bar=sys.stderr.isatty() and {"desc": f"{stage} starts", "bar_format": _BAR, "leave": False},
        )  # fmt: skip
    except Exception as error:
        made = describe_end(made, run, time.monotonic() - started)
        raise StageFailed(_keep_failure(run, stage, beside, made, error)) from error
    made = describe_end(made, run, time.monotonic() - started)
    try:
        _publish(run, stage, beside, run.reports / f"{stage}.ipynb", made)
        write_json(stage_manifest(run, stage), made)
    except OSError as error:
        raise StageFailed(f"{stage} ran, but its report could not be written: {error}") from error
    for ending in ("ipynb", "html"):
        (run.reports / f"{stage}.failed.{ending}").unlink(missing_ok=True)
    return made["seconds"]


def take_data(other: Run, run: Run) -> None:
    """Give a run the data that another one's first notebook made, with its report.

    Pictures are linked where the system can, and take no room twice: nothing ever writes into them.
    """
    stage = STAGES[0]
    stage_manifest(run, stage.name).unlink(missing_ok=True)
    with replaced_folder(run.data) as folder:
        shutil.copytree(other.data, folder, copy_function=_link, dirs_exist_ok=True)
    for made, taken in zip(stage.list_outputs(other), stage.list_outputs(run), strict=True):
        if made.parent != other.data:
            taken.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made, taken)


def _link(made: str, taken: str) -> None:
    try:
        os.link(made, taken)
    except OSError:
        shutil.copy2(made, taken)


def _keep_failure(run: Run, stage: str, beside: Path, made: dict, error: Exception) -> str:
    """Keep what was executed, where that can be done, and say what failed where."""
    where = "before its first cell"
    if isinstance(error, PapermillExecutionError):
        where = f"in cell {error.cell_index + 1} (In [{error.exec_count}])"
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {error}"
    lines = [f"{stage} failed {where}: {reason}"]
    if beside.exists():
        kept = run.reports / f"{stage}.failed.ipynb"
        try:
            _publish(run, stage, beside, kept, made)
            lines += [f"  what was executed: {kept}", f"  as a page:         {kept.with_suffix('.html')}"]
        except Exception as trouble:
            # a full disk, a file that breaks off: the failure itself must still be told
            lines.append(f"  What was executed could not be kept: {type(trouble).__name__}: {trouble}")
    return "\n".join([*lines, "  The next run goes on from here."])


def _publish(run: Run, stage: str, executed: Path, target: Path, made: dict) -> None:
    """Write the page of an executed notebook, then put both in place."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata["title"] = find_title(notebook)
    notebook.metadata.papermill["output_path"] = str(target)
    page = {"run": run.name, "made": made} | _neighbours(stage)
    write_text(target.with_suffix(".html"), export_html(notebook, page))
    write_text(target, nbformat.writes(notebook))
    executed.unlink()


def _neighbours(stage: str) -> dict:
    """The notebooks before and after this one, as the links at the end of its page."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    position = next((position for position, path in enumerate(paths) if path.stem == stage), None)
    if position is None:
        return {}
    found = {}
    for name, there in (("previous", position - 1), ("next", position + 1)):
        if 0 <= there < len(paths):
            title = find_title(nbformat.read(paths[there], as_version=4))
            found[name] = {"href": f"{paths[there].stem}.html", "title": title}
    return found
