"""What to distrust about a run: sentences for its first page and cards, with every number read from the metrics."""

from reporting.facts import RunFacts
from reporting.findings import (
    describe_baseline,
    describe_calibration_error,
    describe_copies,
    describe_mappings,
    describe_robustness,
    describe_slices,
    describe_still_falling,
)
from utils.evaluation.registry import as_figure, show_interval

FEW_TEST_PICTURES = 1000
"""Below it, the width of the headline's interval is named among what to distrust."""

MANY_NEUTRAL = 0.05
"""Share of clearly neutral faces called Stress from which it is named among what to distrust."""


def list_doubts(facts: RunFacts) -> list[tuple[str, str]]:
    """What to distrust: (what, sentence), what weighs most first."""
    parts = (_doubt_scope, _doubt_figures, _doubt_conditions, _doubt_labels, _doubt_making)
    return [doubt for part in parts for doubt in part(facts)]


def _doubt_scope(facts: RunFacts) -> list[tuple[str, str]]:
    found = []
    if facts.is_sample:
        text = (
            "Every face here is rendered. The figures show that the programs work; they say nothing about real people."
        )
        found.append(("Not photographs", text))
    elif facts.data:
        text = (
            f"All figures come from {facts.data['source']} alone. Pictures from elsewhere may be answered much worse."
        )
        found.append(("One source", text))
    if facts.parameters.get("PICTURES"):
        text = (
            f"At most {facts.parameters['PICTURES']:,} pictures were read, to try things out: the figures mean little."
        )
        found.append(("A trial run", text))
    return found


def _doubt_figures(facts: RunFacts) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    accuracy, majority = as_figure(facts.stress.get("accuracy")), facts.majority_accuracy
    if accuracy is None:
        return found
    if accuracy["low"] is not None and majority and accuracy["low"] <= majority["value"]:
        found.append(("Perhaps no skill", describe_baseline(facts.stress)))
    if facts.stress["count"] < FEW_TEST_PICTURES:
        text = f"{facts.stress['count']:,} test pictures leave much to chance: {show_interval(accuracy)}."
        found.append(("Few test pictures", text))
    asked = {name: as_figure(figures.get("recall")) for name, figures in facts.stress.get("per_class", {}).items()}
    recalls = {name: figure for name, figure in asked.items() if figure}
    if recalls:
        worst = min(recalls, key=lambda name: recalls[name]["value"])
        found.append(
            ("The label it misses more", f"Of the {worst} pictures it recognises {show_interval(recalls[worst])}.")
        )
    if facts.test.get("test_copies") and (facts.model.get("without_copies") or {}).get("stress"):
        found.append(("Copies", describe_copies(facts.model)))
    calibration = facts.model.get("calibration") or {}
    ece = calibration.get("after", {}).get("ece")
    if ece and ece["value"] > ece["perfect_95th"]:
        found.append(("Calibration", f"{describe_calibration_error(calibration)}."))
    neutral = facts.people.get("neutral")
    if neutral and neutral["count"] and neutral["called_stress"]["value"] > MANY_NEUTRAL:
        called = show_interval(neutral["called_stress"])
        text = f"Of {neutral['count']:,} faces that nearly all people call neutral, {called} are called Stress."
        found.append(("Neutral faces", text))
    return found


def _doubt_conditions(facts: RunFacts) -> list[tuple[str, str]]:
    """Slices that are answered worse, and what makes pictures hard."""
    found = []
    if any(row["stands_out"] and row["difference"] < 0 for row in facts.slices):
        found.append(("Slices", describe_slices(facts.slices)))
    if facts.robustness:
        found.append(("Robustness to corruptions", describe_robustness(facts.robustness)))
    return found


def _doubt_labels(facts: RunFacts) -> list[tuple[str, str]]:
    source = "the expressions that the faces were rendered with" if facts.is_sample else "what somebody said of faces"
    if facts.people:
        source = "what most of a few people saw in faces"
    text = f"The labels are {source}, not what anyone felt: an expression labelled stress-related is not stress."
    found = [("What the labels mean", text)]
    if len(facts.mappings) > 1:
        found.append(("The mapping is a choice", describe_mappings(facts.mappings)))
    conflicts = facts.data.get("findings", {}).get("groups with conflicting stress labels", 0)
    if conflicts:
        found.append(
            ("Labels that contradict each other", f"{conflicts:,} groups of identical pictures carry both labels.")
        )
    return found


def _doubt_making(facts: RunFacts) -> list[tuple[str, str]]:
    found = []
    if facts.still_falling:
        found.append(("Perhaps too short a training", describe_still_falling(facts.still_falling)))
    if facts.test_evaluations > len(facts.models) > 0:
        text = (
            f"Finished models were scored on these test pictures {facts.test_evaluations} times, by the log of one "
            f"checkout and the ledger of published models; {len(facts.models)} of them are shown here. The programs "
            "choose nothing by these scores, but whoever saw them may have chosen what to try next."
        )
        found.append(("Several test evaluations", " ".join([text, *facts.test_notes])))
    if any(commit.endswith("-dirty") for commit in facts.commits):
        found.append(("Uncommitted code", "At least one notebook ran with changes that are in no commit."))
    if len({commit.removesuffix("-dirty") for commit in facts.commits}) > 1:
        found.append(("Several versions", "The notebooks of this run were run at different commits."))
    return found
