"""What a run's folder says: stages, figures, provenance. Tolerant: a run in its middle, or an older one, has gaps."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from utils.evaluation.registry import as_figure
from utils.files import read_json
from utils.paths import SAMPLE, STAGES, Run


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

    def _find_last(self, key: str) -> dict:
        """The figures of the last stage that left something under this key, {} before the first has."""
        return next((stage.metrics for stage in reversed(self.stages.values()) if stage.metrics.get(key)), {})

    @cached_property
    def data(self) -> dict:
        """What is known of the data."""
        return self._find_last("fingerprint")

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures by split and label."""
        return self.data.get("counts", {})

    @cached_property
    def test(self) -> dict:
        """The figures of the last stage that tested models."""
        return self._find_last("models")

    @property
    def models(self) -> dict[str, dict]:
        """By name, in the order of the comparison."""
        return self.test.get("models", {})

    @property
    def model_name(self) -> str:
        """The one that the headline speaks of: the last."""
        return list(self.models)[-1] if self.models else ""

    @property
    def model(self) -> dict:
        """The headline model's figures of every kind, {} where nothing was tested."""
        return self.models.get(self.model_name, {})

    def find_maker(self, model: str) -> StageFacts:
        """The notebook that made a model: the first whose figures name it."""
        return next(stage for stage in self.stages.values() if model in stage.metrics.get("models", {}))

    @property
    def stress(self) -> dict:
        """The headline model's figures of Stress against Non-stress."""
        return self.model.get("stress", {})

    @property
    def names(self) -> dict[str, str]:
        """What readers call the models, by the names of their folders."""
        network = self.parameters.get("NETWORK", "strong_cnn")
        augmented = "Baseline CNN + augmentation"
        last = {"strong_cnn": "Stronger CNN", "baseline_cnn": augmented}.get(network, f"The network {network}")
        known = {"EmotionDetector_1": "Baseline CNN", "augmented": augmented, "EmotionDetector_2": last}
        return {folder: known.get(folder, folder) for folder in self.models}

    @property
    def epochs(self) -> dict[str, int]:
        """How many epochs each model's training may have at most, by the names of their folders, where known."""
        asked = dict.fromkeys(self.models, self.parameters.get("EPOCHS"))
        if self.parameters.get("NETWORK", "baseline_cnn") != "baseline_cnn":
            asked["EmotionDetector_2"] = self.parameters.get("STRONG_EPOCHS")
        return {name: epochs for name, epochs in asked.items() if epochs}

    @property
    def people(self) -> dict:
        """The headline model's figures against what people voted, {} where nobody did."""
        return self.model.get("people") or {}

    @property
    def slices(self) -> list[dict]:
        """Rows of `slices.measure_slices`, [] where none were measured."""
        return self._find_last("slices").get("slices", [])

    @property
    def robustness(self) -> list[dict]:
        """Rows of `robustness.measure_robustness`, [] where it was not measured."""
        return self._find_last("robustness").get("robustness", [])

    @property
    def mappings(self) -> dict[str, dict]:
        """The headline model under each mapping, by its name, {} where there is nothing to map."""
        found = self._find_last("mappings").get("mappings", {})
        return {name: mapping for name, mapping in found.items() if mapping}

    @property
    def seed_project(self) -> dict:
        """What the student project that this one goes back to reported."""
        return self._find_last("seed_project").get("seed_project", {})

    @property
    def majority_accuracy(self) -> dict | None:
        """The majority-class baseline: the accuracy of always giving the majority class, with its interval."""
        return as_figure(self.stress.get("majority_accuracy"))

    @property
    def fingerprint(self) -> str:
        """Of the data; runs with the same one had the same pictures."""
        return self.data.get("fingerprint", "")

    @property
    def test_evaluations(self) -> int:
        """How often a finished model was scored on these test pictures, by the checkout's log and the ledger."""
        return max((stage.metrics.get("test_evaluations", 0) for stage in self.stages.values()), default=0)

    @property
    def still_falling(self) -> list[str]:
        """The models whose validation loss was lowest in the last epoch."""
        return self.test.get("still_falling", [])

    @property
    def test_notes(self) -> list[str]:
        """What the test pictures are, where they have a name, and what the ledger says of evaluations on them."""
        return self.test.get("test_notes", [])

    @property
    def test_name(self) -> str:
        """The one of these notes that says what the test pictures are; "" where they have no name."""
        from utils.data.sealed_test import TEST_NAMED  # brings pandas

        return next((note for note in self.test_notes if note.startswith(TEST_NAMED)), "")

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
    def data_set(self) -> str:
        """What the data are called."""
        source = self.data.get("source", "unknown")
        if self.is_sample:
            return "Rendered faces (data/sample)"
        if "fer2013" not in source.lower():
            return source
        return "FER-2013 with FER+ votes" if self.data.get("people") else "FER-2013"

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
    for stage in STAGES:
        name = stage.name
        page, failed = (run.reports / f"{name}{ending}.html" for ending in ("", ".failed"))
        stages[name] = StageFacts(
            name,
            stage.title,
            page.name if page.exists() else "",
            failed.name if failed.exists() else "",
            _read(run.reports / "stages" / f"{name}.json"),
            _read(run.metrics(name)),
        )
    return RunFacts(run, stages)


def _read(path: Path) -> dict:
    return read_json(path) if path.exists() else {}
