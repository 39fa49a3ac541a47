"""Findings as sentences for notebooks: every number in them is an argument's."""

from pathlib import Path

import numpy as np
import pandas as pd

from reporting.words import describe_outcome, describe_promise
from utils.evaluation.comparison import LOWER_IS_BETTER
from utils.evaluation.label_errors import METHOD, is_judged
from utils.files import read_json


def describe_balance(counts: dict[str, int]) -> str:
    """How unequal the classes are, and what is done about it.

    Args:
        counts: training pictures by class; two classes or more.
    """
    common, rare = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    ratio = f"{counts[common] / counts[rare]:.1f} times as many" if counts[rare] else "none of the rarest"
    return (
        f"The commonest class, {common}, has {counts[common]:,} training pictures, the rarest, {rare}, "
        f"{counts[rare]:,}: {ratio}. No class is given more weight, since that would make the stated probabilities "
        "wrong; what a common class cannot lift (balanced accuracy, MCC, each class's recall) stands beside accuracy."
    )


def describe_scores(scores: dict) -> str:
    """Accuracy beside what is reached without looking at a picture, and what is left without copies."""
    stress, kept = scores["stress"], scores["without_copies"]
    accuracy, majority = stress["accuracy"], stress["majority_accuracy"]["value"]
    if accuracy["low"] > majority:
        verdict = "the network beats that"
    elif accuracy["high"] < majority:
        verdict = "the network does worse"
    else:
        verdict = "the network cannot be told apart from that"
    label = "the same" if majority == 0.5 else "the commoner"
    text = (
        f"Of {stress['count']:,} test pictures {_percent(accuracy)} got the right label. "
        f"{stress['prevalence']['value']:.1%} of them are Stress; always saying {label} label gets "
        f"{majority:.1%}, and {verdict}. "
    )
    if kept is None:
        return text + "Without the pictures that also occur outside test, one label is missing."
    if kept["stress"]["count"] == stress["count"]:
        return text + "No test picture occurs outside test as well."
    return text + (
        f"Without the {stress['count'] - kept['stress']['count']:,} that also occur outside test (there they were kept "
        f"out of training) it is {_percent(kept['stress']['accuracy'])}."
    )


def _percent(figure: dict) -> str:
    return f"{figure['value']:.1%} ({figure['low']:.1%} to {figure['high']:.1%})"


def describe_seeds(seeds: dict, accuracy: dict) -> str:
    """The spread over seeds beside the interval over pictures.

    Args:
        seeds: from `measure_seeds`.
        accuracy: the saved network's figure on the test pictures, {"value", "low", "high"}.
    """
    values = seeds["accuracy"]
    if len(values) == 1:
        return (
            "From one seed: how much another would change is not known. "
            "Give `SEEDS` several numbers to see it, where something is trained; each costs a training."
        )
    half = (accuracy["high"] - accuracy["low"]) / 2
    return (
        f"Trained from {len(values)} seeds, validation accuracy runs from {min(values):.3f} to {max(values):.3f} "
        f"(standard deviation {np.std(values, ddof=1):.3f}). The interval over the test pictures, ±{half:.3f}, "
        "does not hold this chance: it is of the one network that was saved."
    )


def describe_calibration(calibration: dict) -> str:
    """What the temperature did, and whether what is left could be chance."""
    before, ece = (calibration[key]["ece"] for key in ("before", "after"))
    excess = "no more than" if ece["value"] <= ece["perfect_95th"] else "more than"
    moved = (
        f"The temperature stayed 1; on the test pictures the calibration error is {ece['value']:.3f}."
        if calibration["temperature"] == 1
        else f"On the test pictures the temperature of {calibration['temperature']:.2f} moved the calibration error "
        f"from {before['value']:.3f} to {ece['value']:.3f}."
    )
    text = (
        f"{moved} A perfectly calibrated model would show {ece['perfect_mean']:.3f} on average "
        f"and stay below {ece['perfect_95th']:.3f} in 19 of 20 test splits: this is {excess} chance gives. "
    )
    slope = calibration["after"]["slope"]
    if slope is None:
        return text + "A calibration slope cannot be estimated here."
    side = "too sure" if slope["high"] < 1 else "not sure enough" if slope["low"] > 1 else ""
    verdict = f"the network is {side}" if side else "its interval holds the ideal, 1"
    figures = f"{slope['value']:.2f} ({slope['low']:.2f} to {slope['high']:.2f})"
    return text + f"The calibration slope is {figures}: {verdict}."


def describe_choice(choice: dict | None, target_accuracy: float) -> str:
    """What was chosen on validation, and what is promised with it."""
    if choice is None:
        return (
            f"From no confidence on do the validation pictures bear out that at least {100 * target_accuracy:g} % of "
            "the answers are right: this network always answers, and how sure it is stands beside the answer."
        )
    return (
        f"Below a confidence of {choice['confidence']:.1%} the answer is “cannot say”. {describe_promise(choice)} "
        f"Of the validation pictures, one of each group, {choice['validation_coverage']:.1%} are answered, "
        f"{choice['validation_accuracy']:.1%} of these right."
    )


def describe_abstention(abstention: dict | None) -> str:
    """What the threshold did on the test pictures, beside what was promised."""
    if abstention is None:
        return "No threshold was chosen, since validation bore none out: every picture is answered."
    accuracy, promise = abstention["accuracy"], describe_promise(abstention)
    if accuracy["value"] is None:
        return f"{promise} No test picture is answered at this threshold."
    return (
        f"{promise} Of the test pictures {_percent(abstention['coverage'])} are answered, and {_percent(accuracy)} of "
        f"these answers are right: {describe_outcome(abstention)}."
    )


_NAMES = {"accuracy": "accuracy", "auroc": "AUROC", "log_loss": "log-loss"}


def describe_verdict(comparison: dict, figure: str = "accuracy") -> str:
    """A sentence on one figure of P(Stress): which row is better, or that they cannot be told apart."""
    first, second, difference = comparison["first"], comparison["second"], comparison["stress"][figure]
    by = f"{difference['value']:+.4f} (95 % interval {difference['low']:+.4f} to {difference['high']:+.4f})"
    if difference["verdict"] == "cannot be told apart":
        return f"{second} and {first} cannot be told apart on {_NAMES[figure]}: {by}."
    return f"{second} is {difference['verdict']} than {first} on {_NAMES[figure]}: {by}."


def describe_comparison(comparison: dict) -> str:
    """All verdicts on one pair of rows."""
    verdicts = " ".join(describe_verdict(comparison, figure) for figure in LOWER_IS_BETTER)
    return f"{verdicts} {describe_agreement(comparison)}"


def describe_agreement(comparison: dict) -> str:
    """A sentence on the pictures that only one of two rows answers right."""
    only = [comparison["agreement"][key] for key in ("first_only", "second_only")]
    return (
        f"{sum(only):,} pictures are answered right by one of the two alone: {only[0]:,} by {comparison['first']}, "
        f"{only[1]:,} by {comparison['second']} (McNemar's test: p = {comparison['mcnemar_p']:.2g})."
    )


def describe_mappings(scored: dict) -> str:
    """How far the accuracy depends on the mapping, and how much of it is the majority's."""
    accuracy = {name: figures["accuracy"]["value"] for name, figures in scored.items()}
    gain = {name: accuracy[name] - figures["majority_accuracy"]["value"] for name, figures in scored.items()}
    highest, most = max(accuracy, key=lambda name: accuracy[name]), max(gain, key=lambda name: gain[name])
    return (
        f"The same answers are right in {min(accuracy.values()):.1%} to {accuracy[highest]:.1%}, by mapping alone. "
        f"The highest accuracy has {highest}, {100 * gain[highest]:+.1f} points against always giving the commoner "
        f"label; the largest gain has {most}, {100 * gain[most]:+.1f} points. An accuracy without its mapping and its "
        "majority says little."
    )


def describe_robustness(table: pd.DataFrame) -> str:
    """What hurts most and what does not: a sentence with numbers from `measure_robustness`."""
    # of changes that cost as much, the first: so says the run's first page too
    strongest = table[table["step"] == table["step"].max()].sort_values("lost", ascending=False, kind="stable")
    worst, least = strongest.iloc[0], strongest.iloc[-1]
    harmless = strongest.loc[strongest["lost_low"] <= 0, "change"]
    told = f" No loss can be told from chance under {', '.join(harmless)}." if len(harmless) else ""
    return (
        f"Unchanged, {table['accuracy'].iloc[0]:.1%} of {table['pictures'].iloc[0]:,} pictures are answered right. "
        f"At the strongest step, {worst['change']} costs most: {worst['lost']:.1%} of the pictures (95 % interval "
        f"{worst['lost_low']:.1%} to {worst['lost_high']:.1%}); {least['change']} costs least: {least['lost']:.1%}."
    ) + told


def describe_slices(table: pd.DataFrame) -> str:
    """What stands out: a sentence with numbers from `measure_slices`."""
    if table.empty:
        return "No slice holds enough pictures."
    out = table[table["stands_out"]].sort_values("difference")
    if out.empty:
        return f"Of {len(table)} slices none stands out: no difference is larger than chance explains among so many."
    named = [
        f"{row.by} {row.slice}: {row.accuracy:.1%} of {row.pictures:,}, {row.difference:+.1%}"
        for row in out.head(6).itertuples()
    ]
    return f"Of {len(table)} slices {len(out)} differ from the other pictures by more than chance: {'; '.join(named)}."


def describe_label_errors(ranking: pd.DataFrame, probabilities: np.ndarray, targets: np.ndarray) -> str:
    """How well the judging classifiers do themselves, and how many labels they contradict: a sentence."""
    judged = is_judged(probabilities)
    right = (probabilities.argmax(axis=1) == targets)[judged].mean() if judged.any() else 0.0
    sure = int((ranking["score"] < 0.05).sum())
    return (
        f"Judged by {METHOD}, out of fold, which itself finds the given label likeliest in {right:.1%} of "
        f"{judged.sum():,} pictures: to {sure:,} labels it gives a probability under 5 %. That proves no label wrong; "
        "it says where to look first."
    )


def describe_precision(precision: str, rates: dict[str, float]) -> str:
    """A sentence on what `choose_precision` gave."""
    if not rates:
        return f"Computed in {precision}, as `PRECISION` says."
    timed = ", ".join(f"{rate:,.0f} in {candidate}" for candidate, rate in rates.items())
    return f"Training pictures a second on this machine: {timed}. So it computes in {precision}."


def describe_temperature(temperature: float) -> str:
    """What the validation pictures said of a network's confidence."""
    if temperature == 1:
        return "The temperature stays 1: on the validation pictures, another would gain too little to count on."
    return f"Temperature {temperature:.2f}: the network was {'too sure' if temperature > 1 else 'not sure enough'}."


def describe_plan(epochs: int, initial_model: Path | None, teachers: tuple[Path, ...], manifest: dict) -> str:
    """Where the strong network begins, what it learns from for how long, and what that may do to its validation.

    Args:
        epochs: of its training.
        initial_model: from `recipe.choose_initial_model`.
        teachers: from `recipe.choose_teachers`.
        manifest: of the run's data.
    """
    begins = "starts from nothing"
    cards = {folder: read_json(folder / "model.json") for folder in [initial_model, *teachers] if folder}
    names = {folder: f"`{folder.parent.name}`" for folder in cards}
    if initial_model:
        known = cards[initial_model]["class_names"]
        head = "" if known == manifest["class_names"] else ", with a new last layer, since it tells other classes apart"
        begins = f"is initialised from that of {names[initial_model]}{head}"
    asked = " and ".join(names[folder] for folder in teachers)
    learns = f"half from the labels, half from the answers of {asked}" if asked else "from the labels"
    plan = f"The stronger network {begins}, and learns for {epochs} epoch{'s' * (epochs > 1)}, {learns}."
    others = [names[folder] for folder, card in cards.items() if card["data"] != manifest["fingerprint"]]
    if others:
        plan += (
            f" {' and '.join(others)} learnt from other data than this run's, or from another cut of it: if pictures"
            " that validate here were in it, the validation figures flatter."
        )
    return plan
