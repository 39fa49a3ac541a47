"""What to distrust about a run, corrupted pictures and slices among it: every number is from the metrics."""

import numpy as np
import pandas as pd

from reporting.facts import RunFacts
from reporting.findings import (
    describe_baseline,
    describe_calibration_error,
    describe_copies,
    describe_mappings,
    describe_still_falling,
    join_words,
)
from utils.evaluation.bootstrap import as_proportion, find_weakest
from utils.evaluation.label_errors import METHOD, is_judged
from utils.evaluation.registry import POINTS, as_figure, show_interval, show_percent

_MOST_NAMED = 6

_MEANINGS = {
    "hard": "what makes the face hard to read",
    "intensity": "how strongly the face shows its expression: 0 not at all, 1 fully",
    "occluder": "what covers a part of the face",
    "pitch": "degrees up or down",
    "roll": "degrees the head leans to a side",
    "yaw": "degrees to the left or right",
}
"""What a way to slice means, where its name does not say it."""

FEW_TEST_PICTURES = 1000
"""Below it, the width of the headline's interval is named among what to distrust."""

MANY_NEUTRAL = 0.05
"""Share of clearly neutral faces called Stress from which it is named among what to distrust."""


def list_doubts(facts: RunFacts) -> list[tuple[str, str]]:
    """What to distrust: (what, sentence), what weighs most first."""
    parts = (_doubt_scope, _doubt_figures, _doubt_conditions, _doubt_labels, _doubt_making)
    return [doubt for part in parts for doubt in part(facts)]


def _describe_recall(row: dict) -> str:
    return f"Of {row['count']:,} {row['name']} pictures it recognises {show_interval(row['recall'])}."


def _doubt_scope(facts: RunFacts) -> list[tuple[str, str]]:
    found = []
    if facts.is_sample:
        text = "Every face is rendered. The figures show that the programs work; they say nothing about real people."
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
        text = f"{facts.stress['count']:,} test pictures leave much to chance."
        found.append(("Few test pictures", text))
    if worst := find_weakest({"stress": facts.stress}):
        found.append(("The label it misses more", _describe_recall(worst)))
    if (worst := find_weakest(facts.model)) and worst["block"] == "classes":
        found.append(("The class it misses most", _describe_recall(worst)))
    if facts.test.get("test_copies") and (facts.model.get("without_copies") or {}).get("stress"):
        found.append(("Copies", describe_copies(facts.model)))
    calibration = facts.model.get("calibration") or {}
    ece = calibration.get("after", {}).get("ece")
    if ece and ece["value"] > ece["perfect_95th"]:
        found.append(("Calibration", f"{describe_calibration_error(calibration)}."))
    neutral = facts.people.get("neutral")
    if neutral and neutral["count"] and neutral["called_stress"]["value"] > MANY_NEUTRAL:
        called = show_interval(as_proportion(neutral["called_stress"], neutral["count"]))
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
        falling = [facts.names.get(name, name) for name in facts.still_falling]
        found.append(("Perhaps too short a training", describe_still_falling(falling)))
    if facts.test_evaluations > len(facts.models) > 0:
        text = (
            f"When this run was made, models had been scored on these test pictures at least {facts.test_evaluations} "
            f"times, by one checkout's log and the ledger of published models; {len(facts.models)} are shown here. "
            "The programs choose nothing by these; whoever saw them may have."
        )
        noted = ["Noted of these pictures, and of earlier models:", *facts.test_notes] if facts.test_notes else []
        found.append(("Several test evaluations", " ".join([text, *noted])))
    if any(commit.endswith("-dirty") for commit in facts.commits):
        found.append(("Uncommitted code", "At least one notebook ran with changes that are in no commit."))
    if len({commit.removesuffix("-dirty") for commit in facts.commits}) > 1:
        found.append(("Several versions", "The notebooks of this run were run at different commits."))
    return found


def describe_robustness(rows: list[dict]) -> str:
    """What costs most and what does not; rows of `robustness` in reports/SCHEMA.md."""
    last = max(row["step"] for row in rows)
    # of changes that cost as much, the first
    strongest = sorted((row for row in rows if row["step"] == last), key=lambda row: -row["lost"])
    worst, least = strongest[0], strongest[-1]
    unchanged = next(row for row in rows if row["step"] == 0)
    harmless = [row["change"] for row in strongest if row["lost_low"] <= 0]
    told = f" {least['change']} costs least: {show_interval(least['lost'], POINTS)}."
    if harmless:
        told = f" No loss can be told from chance under {join_words(harmless)}."
    lost = {"value": worst["lost"], "low": worst["lost_low"], "high": worst["lost_high"]}
    cost = f"It costs most: {show_interval(lost, POINTS)}." if worst["lost"] > 0 else "No corruption costs anything."
    majority = unchanged.get("majority_accuracy")
    baseline = f" (always giving their commoner label: {show_percent(majority)})" if majority else ""
    alike = [row["change"] for row in strongest if majority and row["low"] <= majority]
    none = f" No more than that baseline can be told under {join_words(alike)}." if alike else ""
    return (
        f"Of {unchanged['pictures']:,} test pictures {_show_accuracy(unchanged)} are answered right unchanged, and "
        f"{_show_accuracy(worst)} of the same pictures{baseline} after the strongest {worst['change']} that was tried."
        f" {cost}{none}{told} All of it was done to the files; a camera may do other harm."
    )


def describe_broken_promise(rows: list[dict], abstention: dict | None) -> str:
    """From which strength of each corruption on fewer answers are right than was promised; "" without a promise.

    Args:
        rows: of `robustness` in reports/SCHEMA.md.
        abstention: of the model's model.json.
    """
    if not abstention:
        return ""
    promised, broken = abstention["target_accuracy"], dict[str, dict]()
    for row in rows:
        accuracy = row["answered_accuracy"]
        if row["step"] and accuracy is not None and accuracy < promised:
            broken.setdefault(row["change"], row)
    share = show_percent(promised)
    if not broken:
        return f"Of the answers that are given, {share} are right under every corruption that was tried."
    named = ", ".join(f"{change} from {row['strength']:g} on ({row['unit']})" for change, row in broken.items())
    worst = min(broken.values(), key=lambda row: row["answered_accuracy"])
    return (
        f"The promise of {share} is for pictures like the test pictures. It is not kept under {named}: with "
        f"{worst['change']} of {worst['strength']:g}, {show_percent(worst['coverage'])} are still answered, "
        f"{show_percent(worst['answered_accuracy'])} of them right."
    )


def _show_accuracy(row: dict) -> str:
    return show_interval(row | {"value": row["accuracy"]})


def describe_slices(rows: list[dict]) -> str:
    """What stands out; rows of `slices` in reports/SCHEMA.md."""
    if not rows:
        return "No slice holds enough pictures."
    out = sorted((row for row in rows if row["stands_out"]), key=lambda row: row["difference"])
    by = join_words(list(dict.fromkeys(row["by"] for row in rows)))
    found = f"Of {len(rows)} slices (pictures that have something in common: {by})"
    if not out:
        seen = [row["detectable"] for row in rows if row.get("detectable")]
        least = (
            f" A difference of {show_interval(min(seen), POINTS)} or more would likely have been seen in the"
            if seen
            else ""
        )
        return (
            f"{found} none stands out: no difference is larger than chance explains among so many. That is no proof "
            f"that there is none.{least}{' largest slice.' if seen else ''}"
        )
    named, explained = "", set[str]()
    for row in out[:_MOST_NAMED]:
        named += ("; " if named else "") + _describe_slice(row, row["by"] not in explained)
        explained.add(row["by"])
    differ = "differs" if len(out) == 1 else "differ"
    more = f"; and {len(out) - _MOST_NAMED} more" if len(out) > _MOST_NAMED else ""
    return (
        f"{found} {len(out)} {differ} from the other pictures by more than chance explains among so many: "
        f"{named}{more}."
    )


def _turn(row: dict) -> dict:
    """The size of a slice's difference, with its interval."""
    low, high = row.get("difference_low"), row.get("difference_high")
    if row["difference"] < 0 and low is not None and high is not None:
        low, high = -high, -low
    return {"value": abs(row["difference"]), "low": low, "high": high}


def _describe_slice(row: dict, is_first: bool) -> str:
    meaning = f" ({_MEANINGS[row['by']]})" if is_first and row["by"] in _MEANINGS else ""
    side = "below" if row["difference"] < 0 else "above"
    return (
        f"where {row['by']}{meaning} is {row['slice']}, {_show_accuracy(row)} of {row['pictures']:,} are answered "
        f"right, {show_interval(_turn(row), POINTS)} {side} the others"
    )


def describe_label_errors(ranking: pd.DataFrame, probabilities: np.ndarray, targets: np.ndarray) -> str:
    """How well the judging classifiers do themselves, and how many labels they contradict: a sentence."""
    judged = is_judged(probabilities)
    right = (probabilities.argmax(axis=1) == targets)[judged].mean() if judged.any() else 0.0
    sure = int((ranking["score"] < 0.05).sum())
    return (
        f"Judged by {METHOD}, out of fold, which itself finds the given label likeliest in {show_percent(right)} of "
        f"{judged.sum():,} pictures: to {sure:,} labels it gives a probability under 5 %. That proves no label wrong; "
        "it says where to look first."
    )
