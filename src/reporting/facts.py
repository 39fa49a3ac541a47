"""What a run's folder says: stages, figures, provenance. Tolerant: a run in its middle, or an older one, has gaps."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from utils.files import read_cells, read_json
from utils.paths import NOTEBOOKS, SAMPLE, Run


def list_stages() -> dict[str, str]:
    """The numbered notebooks in their order: by name, the title that each begins with, "# 2 · The baseline"."""
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    first_lines = {path.stem: read_cells(path)[0]["source"].partition("\n")[0] for path in paths}
    return {name: line.partition(" · ")[2] or name for name, line in first_lines.items()}


@dataclass(frozen=True)
class StageFacts:
    """One notebook of a run.

    Attributes:
        title: what it does in a few words.
        page: file name of its report, "" where there is none.
        failed: file name of what is left of a failed attempt, "" where there is none.
        made: stages/<stage>.json, {} where it did not complete.
        metrics: metrics/<stage>.json, {} where missing.
    """

    name: str
    title: str
    page: str
    failed: str
    made: dict
    metrics: dict

    @property
    def number(self) -> int:
        """2 of 02_baseline_cnn."""
        return int(self.name[:2])

    @property
    def state(self) -> str:
        """One of "done", "failed" and "not run"."""
        return "failed" if self.failed else "done" if self.made else "not run"


@dataclass(frozen=True)
class RunFacts:
    """A run, read from its folders."""

    run: Run
    stages: dict[str, StageFacts] = field(default_factory=dict)

    def _metrics(self, number: str) -> dict:
        return next((stage.metrics for name, stage in self.stages.items() if name.startswith(number)), {})

    @cached_property
    def data(self) -> dict:
        """The figures of notebook 1."""
        return self._metrics("01")

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures by split and label."""
        return self.data.get("counts", {})

    @cached_property
    def baseline(self) -> dict:
        """The figures of notebook 2."""
        return self._metrics("02")

    @cached_property
    def test(self) -> dict:
        """The figures of the last notebook that tested models, {} before the first has."""
        found = [metrics for metrics in (self._metrics("03"), self.baseline) if metrics.get("models")]
        return found[0] if found else {}

    @property
    def models(self) -> dict[str, dict]:
        """By row name, in the order of the comparison."""
        return self.test.get("models", {})

    @property
    def model_name(self) -> str:
        """The row that the headline speaks of: the last one."""
        return list(self.models)[-1] if self.models else ""

    @property
    def model(self) -> dict:
        """The headline row's figures of every kind, {} where nothing was tested."""
        return self.models.get(self.model_name, {})

    def find_maker(self, model: str) -> StageFacts:
        """The notebook that made a model: the first whose figures name it."""
        return next(stage for stage in self.stages.values() if model in stage.metrics.get("models", {}))

    @property
    def stress(self) -> dict:
        """The headline row's figures of Stress against Non-stress."""
        return self.model.get("stress", {})

    @property
    def slices(self) -> list[dict]:
        """Rows of `slices.measure_slices`, [] where none were measured."""
        return self.model.get("slices") or self.test.get("slices") or []

    @property
    def robustness(self) -> list[dict]:
        """Rows of `robustness.measure_robustness`, [] where it was not measured."""
        return self.model.get("robustness") or self.test.get("robustness") or []

    @property
    def seed_project(self) -> dict:
        """What the student project that this one goes back to reported."""
        return self.baseline.get("seed_project", {})

    @property
    def majority_accuracy(self) -> dict | None:
        """The accuracy of always giving the commoner label, with its interval."""
        return as_figure(self.stress.get("majority_accuracy"))

    @property
    def fingerprint(self) -> str:
        """Of the data; runs with the same one had the same pictures."""
        return self.data.get("fingerprint", "")

    @property
    def openings(self) -> int:
        """How often these test pictures were opened, that is a finished model scored on them, in that checkout."""
        return max((metrics.get("test_openings", 0) for metrics in (self.baseline, self.test)), default=0)

    @property
    def parameters(self) -> dict:
        """All stages' parameters in one mapping: a name means the same in each."""
        return {
            name: value for stage in self.stages.values() for name, value in stage.made.get("parameters", {}).items()
        }

    @property
    def is_sample(self) -> bool:
        """Whether the data are the rendered faces of this repository."""
        return Path(str(self.parameters.get("SOURCE"))).parts[-3:] == SAMPLE.parts[-3:]

    @property
    def has_page(self) -> bool:
        """False for a run that was killed before its first page was written."""
        return (self.run.reports / "index.html").exists()

    @property
    def commits(self) -> list[str]:
        """The commits that its stages ran with, without repeats."""
        return list(dict.fromkeys(stage.made["commit"] for stage in self.stages.values() if stage.made.get("commit")))

    @property
    def started(self) -> str:
        """When the first of its stages started, ISO 8601, "" where none says."""
        return min((stage.made["started"] for stage in self.stages.values() if stage.made.get("started")), default="")

    @property
    def day(self) -> str:
        """The day it started, as "3 May 2026", "" where none is known."""
        if not self.started:
            return ""
        day = datetime.fromisoformat(self.started)
        return f"{day.day} {day:%B %Y}"

    @property
    def seconds(self) -> float:
        """How long its stages took together."""
        return sum(stage.made.get("seconds", 0) for stage in self.stages.values())

    @property
    def machine(self) -> str:
        """That of its first stage that says."""
        return next((stage.made["machine"] for stage in self.stages.values() if stage.made.get("machine")), "")


def read_facts(run: Run) -> RunFacts:
    """What reports/<run>/ holds."""
    stages = {}
    for name, title in list_stages().items():
        page, failed = (run.reports / f"{name}{ending}.html" for ending in ("", ".failed"))
        stages[name] = StageFacts(
            name,
            title,
            page.name if page.exists() else "",
            failed.name if failed.exists() else "",
            _read(run.reports / "stages" / f"{name}.json"),
            _read(run.metrics(name)),
        )
    return RunFacts(run, stages)


def _read(path: Path) -> dict:
    return read_json(path) if path.exists() else {}


def as_figure(content) -> dict | None:
    """A figure with its interval: {"value", "low", "high"}; from a bare number one without, from nothing None."""
    if isinstance(content, (int, float)):
        return {"value": content, "low": None, "high": None}
    if not content or content.get("value") is None:
        return None
    return content


def show_percent(share: float | None, decimals: int = 1) -> str:
    """.7512 -> "75.1 %"."""
    return "–" if share is None else f"{100 * share:.{decimals}f} %"


def show_points(share: float) -> str:
    """.0352 -> "3.5 points": a difference of shares is not itself a share."""
    return f"{100 * share:.1f} points"


def show_interval(content, percent: bool = True, decimals: int | None = None) -> str:
    """Shown as "75.1 % (73.7 to 76.5)" or "0.612 (0.598 to 0.626)", without the bracket where there is no interval."""
    figure = as_figure(content)
    if figure is None:
        return "–"
    decimals = (1 if percent else 3) if decimals is None else decimals
    factor, unit = (100, " %") if percent else (1, "")
    value, low, high = (
        None if figure[key] is None else f"{factor * figure[key]:.{decimals}f}" for key in ("value", "low", "high")
    )
    return f"{value}{unit}" + ("" if low is None else f" ({low} to {high})")
