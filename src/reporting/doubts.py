"""What to distrust about a run: sentences for its first page and cards, with every number read from the metrics."""

from reporting.facts import RunFacts, as_figure, show_interval, show_percent, show_points

FEW_TEST_PICTURES = 1000
"""Below it, the width of the headline's interval is named among what to distrust."""

_KINDS = {
    "hard": "what makes the face hard to read",
    "intensity": "how strongly the face shows its expression: 0 not at all, 1 fully",
    "occluder": "what covers a part of the face",
    "pitch": "degrees up or down",
    "roll": "degrees the head leans to a side",
    "yaw": "degrees to the left or right",
}
"""What a way to sort pictures means, where its name does not say it."""


def list_doubts(facts: RunFacts) -> list[tuple[str, str]]:
    """What to distrust: (what, sentence), what weighs most first."""
    parts = (_doubt_scope, _doubt_figures, _doubt_kinds, _doubt_labels, _doubt_making)
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
        found.append(("Perhaps no skill", "The interval reaches down to what always giving the commoner label gets."))
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
    kept = (facts.model.get("without_copies") or {}).get("stress")
    if facts.test.get("test_copies") and kept:
        text = (
            f"{facts.test['test_copies']:,} test pictures have a near-copy outside the test split. "
            f"Without them the accuracy is {show_interval(kept['accuracy'])}."
        )
        found.append(("Copies", text))
    ece = (facts.model.get("calibration") or {}).get("after", {}).get("ece")
    if ece and ece["value"] > ece["perfect_95th"]:
        text = f"It is off by more than chance explains, by {show_points(ece['value'])} on average."
        found.append(("Its confidence", text))
    return found


def _doubt_kinds(facts: RunFacts) -> list[tuple[str, str]]:
    """Kinds of pictures that are answered worse, and what makes pictures hard."""
    found = []
    worse = [row for row in facts.slices if row["stands_out"] and row["difference"] < 0]
    if worse:
        row = min(worse, key=lambda row: row["difference"])
        more = f" {len(worse) - 1} other kinds stand out too." if len(worse) > 1 else ""
        share = show_interval(row | {"value": row["accuracy"]})
        meaning = f" ({_KINDS[row['by']]})" if row["by"] in _KINDS else ""
        text = (
            f"Where {row['by']}{meaning} is {row['slice']}, {share} of {row['pictures']:,} pictures are answered "
            f"right, {100 * -row['difference']:.1f} points below the others.{more}"
        )
        found.append(("Worse on some kinds of pictures", text))
    if facts.robustness:
        last = max(row["step"] for row in facts.robustness)
        row = max((row for row in facts.robustness if row["step"] == last), key=lambda row: row["lost"])
        before = next(row for row in facts.robustness if row["step"] == 0)
        drawn = ", drawn at random," if row["pictures"] < facts.stress["count"] else ""
        text = (
            f"Of {row['pictures']:,} test pictures{drawn} {show_interval(before | {'value': before['accuracy']})} are "
            f"answered right as they are, and {show_interval(row | {'value': row['accuracy']})} after the strongest "
            f"{row['change']} that was tried. No other change that was tried costs more."
        )
        found.append(("Worse pictures", text))
    return found


def _doubt_labels(facts: RunFacts) -> list[tuple[str, str]]:
    source = "the expressions that the faces were rendered with" if facts.is_sample else "what people saw in faces"
    text = f"The labels are {source}, not what anyone felt: an expression labelled stress-related is not stress."
    found = [("What the labels mean", text)]
    mappings = {name: mapping for name, mapping in (facts.test.get("mappings") or {}).items() if mapping}
    if len(mappings) > 1:
        accuracies = sorted(mapping["accuracy"]["value"] for mapping in mappings.values())
        shares = sorted(mapping["prevalence"]["value"] for mapping in mappings.values())
        text = (
            f"Nobody has agreed which emotions count as stress. Under {len(mappings)} mappings in use, "
            f"{show_percent(shares[0])} to {show_percent(shares[-1])} of the pictures are Stress, and the accuracy "
            f"runs from {show_percent(accuracies[0])} to {show_percent(accuracies[-1])}."
        )
        found.append(("The mapping is a choice", text))
    conflicts = facts.data.get("findings", {}).get("groups with conflicting stress labels", 0)
    if conflicts:
        found.append(
            ("Labels that contradict each other", f"{conflicts:,} groups of identical pictures carry both labels.")
        )
    return found


def _doubt_making(facts: RunFacts) -> list[tuple[str, str]]:
    found = []
    if facts.openings > len(facts.models) > 0:
        text = (
            f"Finished models were scored on these test pictures {facts.openings} times, counted over all runs of one "
            f"checkout; {len(facts.models)} of them are shown here. The programs choose nothing by these scores, but "
            "whoever saw them may have chosen what to try next."
        )
        found.append(("The test was opened more than once", text))
    if any(commit.endswith("-dirty") for commit in facts.commits):
        found.append(("Uncommitted code", "At least one notebook ran with changes that are in no commit."))
    if len({commit.removesuffix("-dirty") for commit in facts.commits}) > 1:
        found.append(("Several versions", "The notebooks of this run were run at different commits."))
    return found
