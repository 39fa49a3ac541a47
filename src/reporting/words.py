"""Sentences of the reports' first pages and cards: every number in them is read from the metrics."""

from reporting.doubts import list_doubts
from reporting.facts import RunFacts, as_figure, show_interval, show_percent, show_points

HARDLY_EVER_ABSTAINS = 0.98
"""Share of the test pictures answered from which the page says that abstaining makes no difference."""


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
    "test": "kept for the test alone",
    "none": "set aside",
}


def describe_headline(facts: RunFacts) -> str:
    """How good the model is that the run answers with, beside the commoner label."""
    accuracy, majority = as_figure(facts.stress.get("accuracy")), facts.majority_accuracy
    if accuracy is None:
        return "No model was tested yet."
    share = show_percent(accuracy["value"])
    text = (
        f"Of {facts.stress['count']:,} test pictures, {share} got the right one of the two labels from "
        f"{facts.model_name}{'' if facts.test is facts.baseline else ', the model that notebook 4 answers with'}. "
    )
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
        text = f"{len(seeds)} trainings that differ by chance alone reached {spread} on validation pictures."
        found.append(("Other random starts", text))
    calibration = facts.model.get("calibration")
    if calibration:
        found.append(("Its confidence", _describe_calibration(calibration)))
    if "abstention" in facts.model:
        found.append(("When it may abstain", _describe_abstention(facts.model["abstention"])))
    for comparison in facts.test.get("comparisons", []):
        if comparison["second"] == facts.model_name:
            found.append((f"Against {comparison['first']}", _describe_comparison(comparison)))
    return found


def _describe_calibration(calibration: dict) -> str:
    ece = calibration["after"]["ece"]
    chance = "no more than chance gives" if ece["value"] <= ece["perfect_95th"] else "more than chance gives"
    return (
        f"The stated probability misses the true share by {show_points(ece['value'])} on average, {chance} "
        f"(up to {show_points(ece['perfect_95th'])} for a perfectly calibrated model, if pictures are independent)."
    )


def _describe_abstention(abstention: dict | None) -> str:
    if abstention is None:
        return "Never: from no confidence on do the validation pictures bear out the accuracy that was asked for."
    accuracy, coverage, promised = abstention["accuracy"], abstention["coverage"], "delta" in abstention
    text = f"Where its confidence is below {show_percent(abstention['confidence'])}, the model says “cannot say”. "
    if promised:
        text += f"{describe_promise(abstention)} "
    else:  # a model of an earlier version, which promised nothing
        text += (
            f"The aim: {100 * abstention['target_accuracy']:g} % of the answers that it does give are right. "
            "This limit is the lowest that reached the aim on the pictures to choose by. "
        )
    if as_figure(accuracy) is None:
        return text + "No test picture is answered."
    if coverage["value"] >= HARDLY_EVER_ABSTAINS:
        text += "The limit is so low that the model hardly ever says it: no confidence can be below 50 %. "
    missed = accuracy["high"] is not None and accuracy["high"] < abstention["target_accuracy"]
    outcome = f": {describe_outcome(abstention)}" if promised else ", fewer than aimed at" if missed else ""
    return text + (
        f"Of the test pictures it answers {show_interval(coverage)}, and {show_interval(accuracy)} of these answers "
        f"are right{outcome}."
    )


def describe_promise(abstention: dict) -> str:
    """What is promised of the answers given, for which pictures, and how often that may fail.

    Args:
        abstention: with `target_accuracy` and `delta`, as in reports/SCHEMA.md.
    """
    share, once_in = 100 * abstention["target_accuracy"], 1 / abstention["delta"]
    return (
        f"Promised: at least {share:g} % of the answers given are right, for pictures like the validation pictures, "
        f"unless chance made those misleading (at most 1 chance in {once_in:.0f})."
    )


def describe_outcome(abstention: dict) -> str:
    """Whether the test pictures bear the promise out; arguments as `describe_promise`, and `accuracy`: a clause."""
    if abstention["accuracy"]["value"] >= abstention["target_accuracy"]:
        return "kept"
    return f"missed, as may happen once in {1 / abstention['delta']:.0f} times, and more often with other pictures"


def _describe_comparison(comparison: dict) -> str:
    difference = comparison["stress"]["accuracy"]
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    text = f"{difference['verdict'].capitalize()} on accuracy: {value} points ({low} to {high}), on the same pictures."
    others: dict[str, list[str]] = {}
    for key, name in (("auroc", "AUROC"), ("log_loss", "log-loss")):
        others.setdefault(comparison["stress"][key]["verdict"], []).append(name)
    return text + "".join(f" {verdict.capitalize()} on {' and '.join(names)}." for verdict, names in others.items())


_TERMS = {
    "CNN": "The kind of neural network that is usual for pictures (convolutional).",
    "augmented": "Learnt from pictures that were turned, shifted, zoomed and mirrored a little, anew each time.",
    "views": "The model looks at a picture in versions, such as mirrored or cut closer; its answer is their mean.",
}


def list_terms(facts: RunFacts) -> list[tuple[str, str]]:
    """What the words and columns of the models' table mean: (term, sentence)."""
    told = " ".join(model.get("what", "") for model in facts.models.values())
    return [(term, text) for term, text in _TERMS.items() if term in told] + [
        ("accuracy", "How many of the test pictures got the right one of the two labels."),
        ("AUROC", "Of a Stress and a Non-stress picture, how often the first got the higher probability of Stress. "
                  "Guessing gets 0.5."),
        ("log-loss", "Small where the right labels got high probabilities: 0 is perfect, saying 50 % every time gets "
                     "0.693. Its unit is called nat."),
        ("ECE", "By how much a stated probability is off, on average: 0.02 are two points in a hundred."),
    ]  # fmt: skip


_DOUBT_OF = {
    "mappings": "The mapping is a choice",
    "robustness": "Worse pictures",
    "slices": "Worse on some kinds of pictures",
    "confusion": "The label it misses more",
    "per class": "The label it misses more",
}


def caption_figure(name: str, facts: RunFacts) -> str:
    """What one of the first page's figures says here; `name` as in `figures.MOST_TELLING`."""
    model = facts.model
    if name == "references":
        return describe_headline(facts)
    if name == "reliability" and model.get("calibration"):
        which = " Left: as trained. Right: with all probabilities corrected by one number, the temperature."
        corrected = model["calibration"]["temperature"] != 1
        return f"{facts.model_name}. {_describe_calibration(model['calibration'])}{which if corrected else ''}"
    if name == "abstention" and "abstention" in model:
        return _describe_abstention(model["abstention"])
    if name == "differences":
        texts = [
            f"{each['second']} against {each['first']}: {_describe_comparison(each)}"
            for each in facts.test.get("comparisons", [])
        ]
        return texts[-1] if texts else ""
    return dict(list_doubts(facts)).get(_DOUBT_OF.get(name, ""), "")
