"""Findings as sentences, each said once, for notebooks and pages alike: every number in them is an argument's."""

from utils.evaluation.bootstrap import find_weakest
from utils.evaluation.registry import (
    BY_KEY,
    POINTS,
    SLOPE,
    Metric,
    as_figure,
    list_metrics,
    show_difference,
    show_interval,
    show_p_value,
    show_percent,
)


def show_metric(metric: Metric, scores: dict) -> str:
    """A figure as `Metric.show`; of the weakest class, which it is and of how many pictures, by what these allow."""
    worst = find_weakest({"classes": scores.get("classes")})
    if metric.key != "classes.weakest_recall" or worst is None:
        return metric.show(scores)
    return f"{show_interval(worst['recall'])}, {worst['name']}, n = {worst['count']:,}"


HARDLY_EVER_ABSTAINS = 0.98
"""Coverage from which it is said that abstaining makes no difference."""


def describe_scores(scores: dict) -> str:
    """Accuracy beside what is reached without looking at a picture, and what is left without copies."""
    stress, kept = scores["stress"], scores["without_copies"]
    text = (
        f"Of {stress['count']:,} test pictures {show_interval(stress['accuracy'])} got the right label; "
        f"{show_percent(stress['prevalence']['value'])} of them are Stress. {describe_baseline(stress)} "
    )
    if kept is None:
        return text + "Without the pictures that also occur outside test, one label is missing."
    if kept["stress"]["count"] == stress["count"]:
        return text + "No test picture occurs outside test as well."
    return text + describe_copies(scores)


def describe_baseline(stress: dict) -> str:
    """The majority-class baseline, and whether a model beats it: `stress` in reports/SCHEMA.md."""
    accuracy, majority = as_figure(stress.get("accuracy")), as_figure(stress.get("majority_accuracy"))
    if accuracy is None or majority is None:
        return ""
    label = "the same label" if majority["value"] == 0.5 else "the majority class"
    text = f"The majority-class baseline, always giving {label}, gets {show_percent(majority['value'])}"
    if accuracy["low"] is None:
        return f"{text}."
    if accuracy["low"] > majority["value"]:
        return f"{text}: the model beats it, so it has learnt something."
    if accuracy["high"] < majority["value"]:
        return f"{text}: the model does worse."
    return f"{text}: the model cannot be told apart from it, and may have learnt nothing."


def describe_copies(scores: dict) -> str:
    """The accuracy without the test pictures that also occur outside test; `model` in reports/SCHEMA.md."""
    stress, kept = scores["stress"], scores["without_copies"]["stress"]
    return (
        f"Without the {stress['count'] - kept['count']:,} test pictures that have a copy or near-duplicate outside "
        f"test (there it was kept out of training) the accuracy is {show_interval(kept['accuracy'])}."
    )


def describe_calibration_error(calibration: dict) -> str:
    """How far stated probabilities are off, and whether that could be chance: a clause."""
    ece = calibration["after"]["ece"]
    excess = "no more than" if ece["value"] <= ece["perfect_95th"] else "more than"
    return (
        f"Over groups of like answers, the stated probability misses the observed share by "
        f"{show_interval(ece['value'], POINTS)} on average (expected calibration error), {excess} chance gives"
    )


def describe_calibration(calibration: dict) -> str:
    """What chance would give, what the temperature did, and the slope; `calibration` in reports/SCHEMA.md."""
    before, ece = (calibration[key]["ece"] for key in ("before", "after"))
    moved = "The temperature stayed 1."
    if calibration["temperature"] != 1:
        missed = show_interval(before["value"], POINTS)
        moved = f"Before its probabilities were corrected (temperature {calibration['temperature']:.2f}), by {missed}."
    text = (
        f"{describe_calibration_error(calibration)}: a perfectly calibrated model would miss it by "
        f"{show_interval(ece['perfect_mean'], POINTS)}, and in 19 of 20 test splits by at most "
        f"{show_interval(ece['perfect_95th'], POINTS)}, if pictures are independent. {moved} "
    )
    slope = calibration["after"]["slope"]
    if slope is None:
        return text + "A calibration slope cannot be estimated here."
    side = "too sure" if slope["high"] < 1 else "not sure enough" if slope["low"] > 1 else ""
    verdict = f"the network is {side}" if side else "its interval holds the ideal, 1"
    shown = (
        f"The slope of what people say (share of votes, or label) on logit P(Stress) is {show_interval(slope, SLOPE)}"
    )
    return f"{text}{shown}: {verdict}."


def describe_threshold(choice: dict) -> str:
    """From which confidence on there is an answer; what is promised, for which pictures, how often that may fail."""
    share = f"{100 * choice['target_accuracy']:g} %"
    text = f"Below a confidence of {show_percent(choice['confidence'])} the answer is “cannot say”."
    if "delta" not in choice:  # a model of an earlier version, which promised nothing
        return (
            f"{text} The aim: {share} of the answers given are right. This threshold is the lowest that reached the "
            "aim on the validation pictures."
        )
    return (
        f"{text} Promised: at least {share} of the answers given are right, for pictures like the validation pictures, "
        f"unless chance made those misleading (at most 1 chance in {1 / choice['delta']:.0f}, nominally: they also "
        "chose the temperature and, where a training stops early, its epoch)."
    )


def describe_abstention(abstention: dict | None) -> str:
    """What the threshold did on the test pictures, beside what was promised; `abstention` in reports/SCHEMA.md."""
    if abstention is None:
        return (
            "Every picture is answered: whatever confidence is asked for, the validation pictures do not show the "
            "answers to be as often right as they should be."
        )
    accuracy, coverage, text = abstention["accuracy"], abstention["coverage"], describe_threshold(abstention)
    if as_figure(accuracy) is None:
        return f"{text} No test picture is answered."
    if coverage["value"] >= HARDLY_EVER_ABSTAINS:
        text += " With this threshold nearly every picture is answered."
    what = "promised" if "delta" in abstention else "aimed at"
    outcome = f", as {what}"
    if accuracy["low"] < abstention["target_accuracy"]:
        outcome = f", no fewer than {what}, though the interval reaches below"
    if accuracy["value"] < abstention["target_accuracy"]:
        outcome = f", fewer than {what}"
        if "delta" in abstention:
            outcome += f"; that may happen once in {1 / abstention['delta']:.0f} times, with other pictures more often"
    return (
        f"{text} Of the test pictures with a label or majority {show_interval(coverage)} are answered (the coverage), "
        f"and {show_interval(accuracy)} of these answers are right{outcome}."
    )


def describe_still_falling(models: list[str]) -> str:
    """What is open about models whose validation loss was still falling at the last epoch; "" where there are none."""
    if not models:
        return ""
    return (
        f"{join_words(models)} stopped at the limit of epochs, still improving on the validation pictures: with more "
        "epochs, figures and verdicts might be others."
    )


def describe_comparison(
    comparison: dict, still_falling: list[str], epochs: dict[str, int] | None = None, names: dict | None = None
) -> str:
    """All verdicts on one pair of models, and the pictures that only one of them answers right.

    Args:
        comparison: as in reports/SCHEMA.md.
        still_falling: models of `train.list_still_falling`, without which no verdict is drawn.
        epochs: by model, how many it was trained for at most; where they differ, that is said.
        names: by model, what to call it, its own name where none is given.
    """
    pair = comparison["first"], comparison["second"]
    first, second = ((names or {}).get(name, name) for name in pair)
    by_verdict: dict[str, list[str]] = {}
    for metric in list_metrics("comparison", "stress"):
        if difference := metric.find(comparison):
            by = "at" if difference["verdict"] == "cannot be told apart" else "by"
            told = f"{metric.name} {by} {show_difference(difference, metric.unit)}"
            by_verdict.setdefault(difference["verdict"], []).append(told)
    verdicts = [
        f"{second} and {first} {verdict} on {join_words(told)}."
        if verdict == "cannot be told apart"
        else f"{second} is {verdict} than {first} on {join_words(told)}."
        for verdict, told in by_verdict.items()
    ]
    only = [comparison["agreement"][key] for key in ("first_only", "second_only")]
    alone = (
        f"Of the same pictures, {sum(only):,} {'is' if sum(only) == 1 else 'are'} answered right by one "
        f"of the two alone: {only[0]:,} by {first}, {only[1]:,} by {second} "
        f"(McNemar's test: {show_p_value(comparison['mcnemar_p'])})."
    )
    falling = describe_still_falling([(names or {}).get(name, name) for name in still_falling if name in pair])
    return " ".join(filter(None, [*verdicts, alone, _tell_epochs_apart(pair, epochs or {}), falling]))


def _tell_epochs_apart(pair: tuple[str, str], epochs: dict[str, int]) -> str:
    before, after = (epochs.get(name) for name in pair)
    if before is None or after is None or before == after:
        return ""
    return (
        f"Their numbers of epochs differ, too (at most {before} and {after}): how much of the difference comes from "
        "that is not known."
    )


def join_words(parts: list[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def describe_mappings(scored: dict[str, dict]) -> str:
    """How far the accuracy depends on the mapping, and how much of it is the majority's."""
    accuracy = {name: figures["accuracy"]["value"] for name, figures in scored.items()}
    gain = {name: accuracy[name] - figures["majority_accuracy"]["value"] for name, figures in scored.items()}
    shares = sorted(figures["prevalence"]["value"] for figures in scored.values())
    highest, most = max(accuracy, key=lambda name: accuracy[name]), max(gain, key=lambda name: gain[name])
    return (
        f"Nobody has agreed which emotions count as Stress. Under {len(scored)} mappings "
        f"{show_percent(shares[0])} to {show_percent(shares[-1])} of the pictures are Stress, and the same network "
        f"is right in {show_percent(min(accuracy.values()))} to {show_percent(accuracy[highest])}. The accuracy "
        f"is highest under {highest}: {show_difference(gain[highest], POINTS)} against the majority-class baseline. "
        f"The gain over that baseline is largest under {most}: {show_difference(gain[most], POINTS)}."
    )


def sum_up_baseline(outcome: dict) -> str:
    """Notebook 2 in short: its metrics."""
    stress = outcome["models"]["EmotionDetector_1"]["stress"]
    return (
        f"After {outcome['epochs']} epochs, EmotionDetector_1 gives {show_interval(stress['accuracy'])} of "
        f"{stress['count']:,} test pictures the right label. {describe_baseline(stress)}"
    )


def sum_up_comparison(outcome: dict) -> str:
    """Notebook 3 in short: its metrics."""
    shown = ", ".join(
        f"{name} {show_interval(scores['stress']['accuracy'])}" for name, scores in outcome["models"].items()
    )
    accuracy, verdicts = BY_KEY["stress.accuracy"], []
    for comparison in outcome["comparisons"]:
        difference = accuracy.find(comparison)
        told = f"{show_difference(difference, accuracy.unit)}, {difference['verdict']}"
        verdicts.append(f"- {comparison['second']} minus {comparison['first']}: {told}")
    count = outcome["models"]["EmotionDetector_2"]["stress"]["count"]
    return "\n".join(
        [
            f"Accuracy on {count:,} test pictures: {shown}.",
            "",
            *verdicts,
            "",
            describe_still_falling(outcome["still_falling"]),
        ]
    ).rstrip()
