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
from utils.evaluation.bootstrap import FEW_PICTURES, find_weakest, list_classes
from utils.evaluation.registry import POINTS, as_figure, list_metrics, show_difference, show_interval, show_percent


def describe_run(facts: RunFacts) -> dict:
    """What the first page and both cards say of a run, and how they show numbers: values for their templates."""
    return {
        "facts": facts,
        "data": describe_data(facts),
        "headline": describe_headline(facts),
        "short": summarise(facts),
        "baseline": describe_baseline(facts.stress),
        "classes": list_classes(facts.model),
        "sure": list_reasons_to_be_sure(facts),
        "beside_people": compare_with_people(facts),
        "doubts": list_doubts(facts),
        "metrics": list_metrics,
        "percent": show_percent,
        "interval": show_interval,
        "difference": show_difference,
        "points": POINTS,
        "few": FEW_PICTURES,
        "slices": describe_slices(facts.slices),
    }


def describe_data(facts: RunFacts) -> str:
    """What was run on what."""
    if not facts.data:
        return "No data were read yet."
    counts = {split: sum(labels.values()) for split, labels in facts.counts.items()}
    parts = [f"{counts[split]:,} {what}" for split, what in _SPLIT_WORDS.items() if counts.get(split)]
    kind = "rendered faces, which show no real person," if facts.is_sample else "pictures"
    return f"{facts.data['pictures']:,} {kind} from {facts.data['source']}: {', '.join(parts)}."


_SPLIT_WORDS = {
    "train": "for training",
    "validation": "for validation (when training stops, and how sure an answer must be)",
    "test": "for the test alone",
    "none": "set aside",
}


def describe_headline(facts: RunFacts) -> str:
    """How good the model is that the run answers with, beside the majority-class baseline."""
    accuracy = as_figure(facts.stress.get("accuracy"))
    if accuracy is None:
        return "No model was tested yet."
    share = show_percent(accuracy["value"])
    text = f"Of {facts.stress['count']:,} test pictures, {share} got the right one of the two labels from the model. "
    if facts.people:
        text = (
            f"On {facts.stress['count']:,} test pictures most votes agree whether the expression counts as Stress. The "
            f"model says the same on {share}. "
        )
    return (text + describe_baseline(facts.stress)).rstrip()


def describe_pair(comparison: dict, facts: RunFacts) -> str:
    """Two of a run's models against each other, by the names that readers know them by."""
    return describe_comparison(comparison, facts.still_falling, facts.epochs, facts.names)


def summarise(facts: RunFacts) -> list[tuple[str, str]]:
    """The three lines that a first page begins with: how good, how sure, what to distrust; [] before a test."""
    if as_figure(facts.stress.get("accuracy")) is None:
        return []
    return [
        ("How good", _summarise_skill(facts)),
        ("How sure", _summarise_certainty(facts)),
        ("What to distrust", " ".join(_summarise_doubts(facts))),
    ]


def _summarise_skill(facts: RunFacts) -> str:
    accuracy, majority = as_figure(facts.stress["accuracy"]) or {}, facts.majority_accuracy
    # as a reader counts: "90 of 100 test faces (88 to 91)"
    ends = [accuracy[key] for key in ("value", "low", "high")]
    value, low, high = (None if share is None else f"{100 * share:.0f}" for share in ends)
    what = "says what most people say" if facts.people else "is right"
    name = facts.names.get(facts.model_name, "The model")
    text = f"{name} {what} on {value} of 100 test faces" + (f" ({low} to {high})" if low else "")
    if facts.people:
        panels = [panel for panel in facts.people["panels"] if panel["size"] == 1]
        if panels:
            text += f"; one person agrees with the others on {100 * panels[0]['people']['value']:.0f}"
    counts = {name: figures["count"] for name, figures in facts.stress.get("per_class", {}).items()}
    if majority and counts:
        common = max(counts, key=lambda name: counts[name])
        text += f"; always saying {common} would be right on {100 * majority['value']:.0f}"
    return f"{text}."


def _summarise_certainty(facts: RunFacts) -> str:
    abstention, calibration = facts.model.get("abstention"), facts.model.get("calibration")
    told = []
    if abstention and as_figure(abstention["accuracy"]):
        coverage, accuracy = (f"{100 * abstention[key]['value']:.0f}" for key in ("coverage", "accuracy"))
        told.append(
            f"Where it may say “cannot say”, it answers {coverage} of 100, and {accuracy} % of those answers are right "
            f"({100 * abstention['target_accuracy']:g} % were {'promised' if 'delta' in abstention else 'aimed at'})."
        )
    elif "abstention" in facts.model:
        told.append("In this run it never says “cannot say”: no confidence limit proved reliable enough.")
    if calibration and calibration["after"].get("ece"):
        ece = calibration["after"]["ece"]
        missed, chance = (f"{100 * ece[key]:.1f}" for key in ("value", "perfect_mean"))
        told.append(
            f"Over groups of like answers, probabilities miss by {missed} points on average; perfect ones by {chance}."
        )
    if len((facts.test.get("seeds") or {}).get("accuracy") or []) == 1:
        told.append("It was trained once: another training may differ.")
    return " ".join(told) or "Not measured in this run."


def _summarise_doubts(facts: RunFacts) -> list[str]:
    """The few things that matter most to who reads a run's figures for the first time, a short sentence each."""
    told = []
    if facts.is_sample:
        told.append("The faces are rendered: nothing here is known of real people.")
    elif facts.data:
        told.append(f"All pictures are from {facts.data_set}: others may be answered much worse.")
    what = {doubt for doubt, _ in list_doubts(facts)}
    if "A trial run" in what:
        told.append("Few pictures were read, to try things out.")
    if "Perhaps no skill" in what:
        told.append("It may be no better than always giving the commoner label.")
    if worst := find_weakest(facts.model):
        told.append(f"Worst at {worst['name']}: {_count_found(worst)} are recognised.")
    if "Few test pictures" in what:
        told.append(f"{facts.stress['count']:,} test pictures are few.")
    if facts.model_name in facts.still_falling:
        told.append("It was still improving when its training stopped.")
    return [*told[:_MOST_SUMMARISED], "How people read a face is not how its owner feels."]


def _count_found(row: dict) -> str:
    return f"{row['recall']['value'] * row['count']:,.0f} of {row['count']:,} pictures"


_MOST_SUMMARISED = 4


def compare_with_people(facts: RunFacts) -> list[tuple[str, str]]:
    """The headline model beside people: (what, sentence), the most telling first; [] where nobody voted."""
    people, label = facts.people, facts.model.get("label")
    if not people:
        return []
    from reporting import people as words  # brings what draws figures, and most runs have no votes

    found = [
        ("Beside people", f"{words.describe_panels(people)} {words.describe_people(people)}"),
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
        text = (
            "Each 95 % confidence interval says where this network's figure on all pictures of this kind may well lie. "
            "Copies of a picture, or one person's pictures where known, are drawn together; where persons are not "
            "known, one may be in training and test, or often in test: figures may be too good, intervals too narrow. "
            "Another set of as many test pictures would differ by more, having chance of its own. Shares of fewer than "
            f"{FEW_PICTURES} pictures have Wilson's interval."
        )
        found.append(("The intervals", text))
    seeds = facts.test.get("seeds") or {}
    if len(seeds.get("accuracy") or []) > 1:
        found.append(("Other random starts", describe_seeds(seeds, facts.stress.get("accuracy"))))
    if facts.model.get("calibration"):
        found.append(("Calibration", describe_calibration(facts.model["calibration"])))
    if "abstention" in facts.model:
        found.append(("Abstention", describe_abstention(facts.model["abstention"])))
    for comparison in facts.test.get("comparisons", []):
        if comparison["second"] == facts.model_name:
            against = f"Against {facts.names.get(comparison['first'], comparison['first'])}"
            found.append((against, describe_pair(comparison, facts)))
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
    if name == "reliability" and model.get("calibration"):
        corrected = model["calibration"]["temperature"] != 1
        which = " Left: as trained. Right: with all probabilities corrected by one number, the temperature."
        return f"{describe_calibration(model['calibration'])}{which if corrected else ''}"
    if name == "abstention" and "abstention" in model:
        return describe_abstention(model["abstention"])
    if name == "differences" and comparisons:
        return describe_pair(comparisons[-1], facts)
    if name == "people":
        return dict(compare_with_people(facts)).get("Beside people", "")
    if name == "mappings" and facts.mappings:
        return describe_mappings(facts.mappings)
    if name == "robustness" and facts.robustness:
        return describe_robustness(facts.robustness)
    return describe_slices(facts.slices) if name == "slices" else ""
