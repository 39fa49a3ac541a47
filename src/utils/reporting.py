"""Run one notebook and leave its report: executed notebook, HTML, stage manifest; and the run's index page."""

import os
import platform
import subprocess
import time
from pathlib import Path

import jinja2
import nbformat
import papermill
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError

from utils.files import read_json, write_json, write_text
from utils.notebook_engine import ENGINE
from utils.paths import ROOT, Run

_TEMPLATES = Path(__file__).parent / "templates"
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
        parameters: for the notebook's parameters cell.

    Returns:
        Seconds that it took.

    Raises:
        StageFailed: the notebook raised, its kernel died, or the report cannot be written. The executed
            part is kept as <stage>.failed.ipynb and .html; an earlier report stays as it was.
    """
    stage_manifest(run, stage).unlink(missing_ok=True)
    run.reports.mkdir(parents=True, exist_ok=True)
    beside = run.reports / f".{stage}.running.ipynb"
    started = time.monotonic()
    try:
        papermill.execute_notebook(
            notebook, beside, parameters, engine_name=ENGINE, kernel_name="python3", language="python",
            progress_bar={"desc": f"{stage} starts", "bar_format": _BAR, "leave": False},
        )  # fmt: skip
    except Exception as error:
        raise StageFailed(_keep_failure(run, stage, beside, error)) from error
    try:
        _publish(beside, run.reports / f"{stage}.ipynb")
        seconds = time.monotonic() - started
        write_json(stage_manifest(run, stage), describe_stage(stage, parameters, seconds))
    except OSError as error:
        raise StageFailed(f"{stage} ran, but its report could not be written: {error}") from error
    for ending in ("ipynb", "html"):
        (run.reports / f"{stage}.failed.{ending}").unlink(missing_ok=True)
    return seconds


def _keep_failure(run: Run, stage: str, beside: Path, error: Exception) -> str:
    """Keep what was executed, and say what failed where."""
    where = "before its first cell"
    if isinstance(error, PapermillExecutionError):
        where = f"in cell {error.cell_index + 1} (In [{error.exec_count}])"
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {error}"
    lines = [f"{stage} failed {where}: {reason}"]
    if beside.exists():
        kept = run.reports / f"{stage}.failed.ipynb"
        _publish(beside, kept)
        lines += [f"  what was executed: {kept}", f"  as a page:         {kept.with_suffix('.html')}"]
    return "\n".join([*lines, "  The next run goes on from here."])


def _publish(executed: Path, target: Path) -> None:
    """Write the page of an executed notebook, then put both in place."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata["title"] = _title(notebook)
    notebook.metadata.papermill["output_path"] = str(target)
    write_text(target.with_suffix(".html"), export_html(notebook))
    write_text(target, nbformat.writes(notebook))
    executed.unlink()


def _title(notebook: nbformat.NotebookNode) -> str:
    headings = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.startswith("# ")]
    return headings[0].splitlines()[0].lstrip("# ") if headings else "Notebook"


def export_html(notebook: nbformat.NotebookNode) -> str:
    """An executed notebook as one HTML page that loads nothing from anywhere."""
    exporter = HTMLExporter(extra_template_basedirs=[str(_TEMPLATES)], template_name="report")
    return exporter.from_notebook_node(notebook)[0]


def describe_stage(stage: str, parameters: dict, seconds: float) -> dict:
    """What was run, on what, for how long."""
    return {
        "stage": stage,
        "parameters": parameters,
        "seconds": round(seconds, 1),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _commit() -> str:
    """The checkout's commit, marked where files differ from it; empty outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_index(run: Run, titles: dict[str, str]) -> Path:
    """Write reports/<run>/index.html: the headline figures and the way to each report.

    Args:
        titles: by stage, what it does in a few words, in the order of the stages.
    """
    stages = []
    for stage, title in titles.items():
        failed = run.reports / f"{stage}.failed.html"
        manifest = stage_manifest(run, stage)
        stages.append(
            {
                "name": stage,
                "title": title,
                "page": f"{stage}.html" if (run.reports / f"{stage}.html").exists() else "",
                "failed": failed.name if failed.exists() else "",
                "manifest": read_json(manifest) if manifest.exists() else None,
            }
        )
    metrics = {stage: read_json(run.metrics(stage)) for stage in titles if run.metrics(stage).exists()}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters["duration"] = format_duration
    page = run.reports / "index.html"
    write_text(page, environment.get_template("index.html.j2").render(run=run, stages=stages, metrics=metrics))
    return page


def format_duration(seconds: float) -> str:
    """75 -> "1 min 15 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
