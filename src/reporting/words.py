"""What a run's first page and cards say: which sentences, and in which order; every number is read from the metrics."""

from reporting.doubts import describe_robustness, describe_slices, list_doubts
from reporting.facts import RunFacts
from reporting.findings import (
    describe_abstention,
    describe_baseline,
    describe_calibration,
    describe_comparison,
    describe_mappings,
)
from reporting.sentences import describe_seeds
from utils.evaluation.registry import POINTS, as_figure, list_metrics, show_interval, show_percent


def describe_run(facts: RunFacts) -> dict:
    """What the first page and both cards say of a run, and how they show numbers: values for their templates."""
    return {
        "facts": facts,
        "data": describe_data(facts),
        "headline": describe_headline(facts),
        "sure": list_reasons_to_be_sure(facts),
        "beside_people": compare_with_people(facts),
        "doubts": list_doubts(facts),
        "metrics": list_metrics,
        "percent": show_percent,
        "interval": show_interval,
        "points": POINTS,
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
    """How good the model is that the run answers with, beside the majority-class baseline."""
    accuracy = as_figure(facts.stress.get("accuracy"))
    if accuracy is None:
        return "No model was tested yet."
    share = show_percent(accuracy["value"])
    text = f"Of {facts.stress['count']:,} test pictures, {share} got the right one of the two labels from the model, "
    text += f"{facts.model_name}. "
    if facts.people:
        text = (
            f"On {facts.stress['count']:,} test pictures most votes agree whether the expression counts as Stress. The "
            f"model, {facts.model_name}, says the same on {share}. "
        )
    return (text + describe_baseline(facts.stress)).rstrip()


def compare_with_people(facts: RunFacts) -> list[tuple[str, str]]:
    """The headline model beside people: (what, sentence), the most telling first; [] where nobody voted."""
    people, label = facts.people, facts.model.get("label")
    if not people:
        return []
    from reporting import people as words  # brings what draws figures, and most runs have no votes

    found = [
        ("Beside people", words.describe_panels(people)),
        ("Where people agree", words.describe_clear(people, label)),
        ("The share of people", words.describe_share(people["share"])),
    ]
    if people["ferplus"]:
        found.append(("Emotions", words.describe_ferplus(people["ferplus"])))
    if facts.model.get("given"):
        found.append(("The data set's own labels", words.describe_given(facts.model["given"])))
    return found


def list_reasons_to_be_sure(facts: RunFacts) -> list[tuple[str, str]]:
    """How sure the headline is: (what, sentence) for each kind of evidence that the run holds."""
    found = []
    accuracy = as_figure(facts.stress.get("accuracy"))
    if accuracy and accuracy["low"] is not None:
        low, high = (show_percent(accuracy[key]) for key in ("low", "high"))
        text = (
            f"The 95 % confidence interval is {low} to {high}: where this network's accuracy on all pictures of this "
            "kind may well lie. Copies of a picture, or one person's pictures where known, are drawn together; another "
            "set of as many test pictures would differ by more, since it has chance of its own."
        )
        found.append(("The interval", text))
    seeds = facts.test.get("seeds") or {}
    if len(seeds.get("accuracy") or []) > 1:
        found.append(("Other random starts", describe_seeds(seeds, facts.stress.get("accuracy"))))
    if facts.model.get("calibration"):
        found.append(("Calibration", describe_calibration(facts.model["calibration"])))
    if "abstention" in facts.model:
        found.append(("Abstention", describe_abstention(facts.model["abstention"])))
    for comparison in facts.test.get("comparisons", []):
        if comparison["second"] == facts.model_name:
            found.append((f"Against {comparison['first']}", describe_comparison(comparison, facts.still_falling)))
    return found


_TERMS = {
    "CNN": "The kind of neural network that is usual for pictures (convolutional).",
    "augmented": "Learnt from pictures that were turned, shifted, zoomed and mirrored a little, anew each time.",
    "views": "The model looks at a picture in versions, such as mirrored or cut closer; its answer is their mean "
    "(test-time augmentation).",
}


def list_terms(facts: RunFacts) -> list[tuple[str, str]]:
    """What the words and columns of the models' table mean: (term, sentence)."""
    told = " ".join(model.get("what", "") for model in facts.models.values())
    terms = [(term, text) for term, text in _TERMS.items() if term in told]
    return terms + [(metric.name, metric.sentence) for metric in list_metrics("page")]


def caption_figure(name: str, facts: RunFacts) -> str:
    """What one of the first page's figures says here; `name` as in `figures.MOST_TELLING`."""
    model, comparisons = facts.model, facts.test.get("comparisons")
    if name == "references":
        return describe_headline(facts)
    if name == "reliability" and model.get("calibration"):
        corrected = model["calibration"]["temperature"] != 1
        which = " Left: as trained. Right: with all probabilities corrected by one number, the temperature."
        return f"{facts.model_name}. {describe_calibration(model['calibration'])}{which if corrected else ''}"
    if name == "abstention" and "abstention" in model:
        return describe_abstention(model["abstention"])
    if name == "differences" and comparisons:
        return describe_comparison(comparisons[-1], facts.still_falling)
    if name == "people":
        return dict(compare_with_people(facts)).get("Beside people", "")
    if name in ("confusion", "per class"):
        return dict(list_doubts(facts)).get("The label it misses more", "")
    if name == "mappings" and facts.mappings:
        return describe_mappings(facts.mappings)
    if name == "robustness" and facts.robustness:
        return describe_robustness(facts.robustness)
    return describe_slices(facts.slices) if name == "slices" else ""
