"""Sentences of the reports' first pages and cards: every number in them is read from the metrics."""

from utils.report_doubts import list_doubts
from utils.report_facts import RunFacts, as_figure, show_interval, show_percent


def describe_run(facts: RunFacts) -> dict:
    """What the first page and both cards say of a run, and how they show numbers: values for their templates."""
    return {
        "facts": facts,
        "data": describe_data(facts),
        "headline": describe_headline(facts),
        "sure": list_reasons_to_be_sure(facts),
        "doubts": list_doubts(facts),
        "percent": show_percent,
        "interval": show_interval,
    }


def describe_data(facts: RunFacts) -> str:
    """What was run on what."""
    if not facts.data:
        return "No data were read yet."
    counts = {split: sum(labels.values()) for split, labels in facts.counts.items()}
    parts = [f"{counts[split]:,} {what}" for split, what in _SPLIT_WORDS.items() if counts.get(split)]
    kind = "rendered faces of nobody" if facts.is_sample else "pictures"
    return f"{facts.data['pictures']:,} {kind} from {facts.data['source']}: {', '.join(parts)}."


_SPLIT_WORDS = {
    "train": "to learn from",
    "validation": "to choose by",
    "test": "kept sealed for the test",
    "none": "set aside",
}


def describe_headline(facts: RunFacts) -> str:
    """How good the last model is, beside the commoner label."""
    accuracy, majority = as_figure(facts.stress.get("accuracy")), facts.majority_accuracy
    if accuracy is None:
        return "No model was tested yet."
    share = show_percent(accuracy["value"])
    text = f"Of {facts.stress['count']:,} test pictures, {share} got the right one of the two labels. "
    if majority is None:
        return text
    return (
        text
        + f"Always giving the commoner label would get {show_percent(majority['value'])}{_against(accuracy, majority)}."
    )


def _against(accuracy: dict, majority: dict) -> str:
    if accuracy["low"] is None:
        return ""
    if accuracy["low"] > majority["value"]:
        return ": the model has learnt something"
    return ": the interval does not exclude that the model has learnt nothing"


def list_reasons_to_be_sure(facts: RunFacts) -> list[tuple[str, str]]:
    """How sure the headline is: (what, sentence) for each kind of evidence that the run holds."""
    found = []
    accuracy = as_figure(facts.stress.get("accuracy"))
    if accuracy and accuracy["low"] is not None:
        low, high = (show_percent(accuracy[key]) for key in ("low", "high"))
        text = (
            f"With other test pictures of the same kind, the figure would likely lie between {low} and {high} "
            "(95 % interval; copies of a picture, or one person's pictures where known, are drawn together)."
        )
        found.append(("The interval", text))
    seeds = (facts.test.get("seeds") or {}).get("accuracy") or []
    if len(seeds) > 1:
        spread = f"{show_percent(min(seeds))} to {show_percent(max(seeds))}"
        found.append(
            ("Other seeds", f"The same training from {len(seeds)} seeds reached {spread} on validation pictures.")
        )
    calibration = facts.model.get("calibration")
    if calibration:
        found.append(("Its confidence", _describe_calibration(calibration)))
    if facts.model.get("abstention"):
        found.append(("When it may abstain", _describe_abstention(facts.model["abstention"])))
    for comparison in facts.test.get("comparisons", []):
        if comparison["second"] == facts.model_name:
            found.append((f"Against {comparison['first']}", _describe_comparison(comparison)))
    return found


def _describe_calibration(calibration: dict) -> str:
    ece = calibration["after"]["ece"]
    chance = "no more than chance gives" if ece["value"] <= ece["perfect_95th"] else "more than chance gives"
    return (
        f"The stated probability misses the true share by {show_percent(ece['value'])} on average, {chance} "
        f"(up to {show_percent(ece['perfect_95th'])} for a perfectly calibrated model)."
    )


def _describe_abstention(abstention: dict) -> str:
    return (
        f"Below a confidence of {show_percent(abstention['confidence'])} it says “cannot say”. It then answers "
        f"{show_interval(abstention['coverage'])} of the test pictures, and is right in "
        f"{show_interval(abstention['accuracy'])} of those; {show_percent(abstention['target_accuracy'], 0)} was "
        "stated beforehand."
    )


def _describe_comparison(comparison: dict) -> str:
    difference = comparison["stress"]["accuracy"]
    by = ", ".join(f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    value, low, high = by.split(", ")
    return f"{difference['verdict'].capitalize()} on accuracy: {value} points ({low} to {high}), on the same pictures."


_DOUBT_OF = {
    "mappings": "The mapping is a choice",
    "robustness": "Worse pictures",
    "slices": "Worse on some kinds of pictures",
    "confusion": "The label it misses more",
    "per class": "The label it misses more",
}


def caption_figure(name: str, facts: RunFacts) -> str:
    """What one of the first page's figures says here; `name` as in `report_figures.MOST_TELLING`."""
    model = facts.model
    if name == "references":
        return describe_headline(facts)
    if name == "reliability" and model.get("calibration"):
        return _describe_calibration(model["calibration"])
    if name == "abstention" and model.get("abstention"):
        return _describe_abstention(model["abstention"])
    if name == "differences":
        texts = [
            f"{each['second']} against {each['first']}: {_describe_comparison(each)}"
            for each in facts.test.get("comparisons", [])
        ]
        return texts[-1] if texts else ""
    return dict(list_doubts(facts)).get(_DOUBT_OF.get(name), "")
