"""What is said of a training and of what is chosen on validation: every number is an argument's."""

from datetime import datetime
from pathlib import Path

import pandas as pd

from reporting.findings import describe_still_falling, describe_threshold, show_metric
from utils.data.audit import describe_label_source
from utils.evaluation.registry import (
    POINTS,
    SHARE,
    as_figure,
    list_metrics,
    show_difference,
    show_interval,
    show_percent,
)
from utils.evaluation.validation import predict_next
from utils.files import read_json

_ALIKE = 1.1
"""From how many times as many pictures on classes are called unequal."""


def describe_balance(counts: dict[str, int]) -> str:
    """How unequal the classes are, and what is done about it.

    Args:
        counts: training pictures by class; two classes or more.
    """
    common, rare = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[common] == counts[rare]:
        return f"Each class has {counts[rare]:,} training pictures."
    if counts[common] < _ALIKE * counts[rare]:
        return f"All classes have about as many training pictures: {counts[rare]:,} to {counts[common]:,} each."
    ratio = f"{counts[common] / counts[rare]:.1f} times as many" if counts[rare] else "none of the rarest"
    return (
        f"The commonest class, {common}, has {counts[common]:,} training pictures, the rarest, {rare}, "
        f"{counts[rare]:,}: {ratio}. No class is given more weight, since that would make the stated probabilities "
        "wrong; what a common class cannot lift (balanced accuracy, MCC, each class's recall) stands beside accuracy."
    )


def describe_choice(choice: dict | None, target_accuracy: float) -> str:
    """The threshold that was chosen on validation, and what is promised with it."""
    if choice is None:
        return (
            f"Whatever confidence is asked for, the validation pictures do not show that at least "
            f"{100 * target_accuracy:g} % of the answers are right: this network always answers, and how sure it is "
            "stands beside the answer."
        )
    return (
        f"{describe_threshold(choice)} Of the validation pictures, one of each group, "
        f"{show_percent(choice['validation_coverage'])} are answered, {show_percent(choice['validation_accuracy'])} of "
        "these right."
    )


def describe_seeds(seeds: dict, accuracy: dict | None) -> str:
    """The spread over seeds beside the interval over pictures.

    Args:
        seeds: from `measure_seeds`.
        accuracy: the saved network's figure on the test pictures.
    """
    values = seeds["accuracy"]
    if len(values) == 1:
        return (
            "From one seed: how much another would change is not known. "
            "Give `SEEDS` several numbers to see it, where something is trained; each costs a training."
        )
    text = f"Trained from {len(values)} seeds (random starts), validation accuracy is {_show_spread(values)}."
    figure = as_figure(accuracy)
    if figure is None or figure["low"] is None:
        return text
    half = show_interval((figure["high"] - figure["low"]) / 2, POINTS)
    return (
        f"{text} The interval over the test pictures, ±{half}, does not hold this chance: it is of the one network "
        "that was saved."
    )


def _show_spread(values: list[float]) -> str:
    """Two values as they are; of more the mean, the standard deviation, and where another would lie (Student's t)."""
    if len(values) == 2:
        return " and ".join(map(show_percent, values))
    found = predict_next(values)
    return (
        f"{show_percent(found['mean'])} on average (standard deviation {show_interval(found['deviation'], POINTS)}); "
        f"another seed would lie between {show_percent(max(found['low'], 0))} and "
        f"{show_percent(min(found['high'], 1))} 19 times of 20"
    )


def describe_training(taken: bool, ended: datetime) -> str:
    """Whether a training was taken from the store, and when it had ended, in UTC."""
    return f"Taken from the store: trained on {ended:%d %B %Y, %H:%M} UTC." if taken else "Trained just now."


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


def describe_network(network: str, views: int) -> str:
    """What the stronger network of notebook 3 is, in a few words for its model.json.

    Args:
        network: of `networks.make_network`.
        views: over how many it answers.
    """
    what = "a deeper CNN" if network == "strong_cnn" else f"the network {network}"
    return f"{what} with a recipe of its own" + (f", mean over {views} views" if views > 1 else "")


def describe_histories(histories: dict[str, list[dict]], kept: dict[str, int], falling: list[str]) -> str:
    """How much of each network's skill on its training pictures is left on others, and what might still come.

    Args:
        histories: by model, one dict an epoch, as of `train.train_network`.
        kept: by model, the epoch whose weights are kept, from 1 on.
        falling: the models of `train.list_still_falling`.
    """
    epochs = {name: histories[name][epoch - 1] for name, epoch in kept.items()}
    gaps = {name: epoch["accuracy"] - epoch["val_accuracy"] for name, epoch in epochs.items()}
    shown = ", ".join(
        f"{name} {show_difference(gap, SHARE)} (epoch {kept[name]} of {len(histories[name])})"
        for name, gap in gaps.items()
    )
    text = f"Training accuracy minus validation accuracy, in the epoch that was kept: {shown}."
    return f"{text} {describe_still_falling(falling)}".rstrip()


def describe_evaluation(scores: dict, model: str, evaluations: int) -> str:
    """Which model a second look is taken at, and how many were scored on its test pictures.

    Args:
        scores: `model` in reports/SCHEMA.md.
        model: its name.
        evaluations: of `sealed_test.count_evaluations`.
    """
    return (
        f"{model}: {scores['what']}; accuracy {show_interval(scores['stress']['accuracy'])} on "
        f"{scores['stress']['count']:,} test pictures. Models scored on these so far: {evaluations:,}."
    )


def describe_plan(network, epochs: int, initial_model: Path | None, teachers: tuple[Path, ...], manifest: dict) -> str:
    """What the stronger network is, where it begins, what it learns from, and what that may do to its validation.

    Args:
        network: not trained yet.
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
    plan = (
        f"The stronger network has {network.count_params():,} weights. It {begins}, and learns for {epochs} "
        f"epoch{'s' * (epochs > 1)}, {learns}."
    )
    others = [names[folder] for folder, card in cards.items() if card["data"] != manifest["fingerprint"]]
    if others:
        plan += (
            f" {' and '.join(others)} learnt from other data than this run's, or from another cut of it: if pictures"
            " that validate here were in it, the validation figures flatter."
        )
    return plan


def sum_up_data(summary: dict) -> str:
    """Notebook 1 in short: its metrics."""
    counts = {split: sum(labels.values()) for split, labels in summary["counts"].items()}
    shown = ", ".join(f"{counts.get(split, 0):,} {split}" for split in ("train", "validation", "test"))
    found = sum(count > 0 for count in summary["findings"].values())
    return (
        f"{summary['pictures']:,} pictures of {len(summary['class_names'])} classes are read, "
        f"{summary['skipped']:,} could not be; the splits hold {shown}, the rest is set aside. Of "
        f"{len(summary['findings'])} kinds of defects, {found} occur. "
        f"{describe_label_source(summary['rendered'], summary['people'])}"
    )


def sum_up_second_look(scores: dict, outcome: dict) -> str:
    """Notebook 5 in short: the model's figures, as in notebook 3's metrics, and its own."""
    last = max(row["step"] for row in outcome["robustness"])
    worst = min((row for row in outcome["robustness"] if row["step"] == last), key=lambda row: row["accuracy"])
    out = sum(row["stands_out"] for row in outcome["slices"])
    mapped = [figures["accuracy"]["value"] for figures in (outcome["mappings"] or {}).values()]
    mapping = (
        f" Under other mappings it is {show_percent(min(mapped))} to {show_percent(max(mapped))}." if mapped else ""
    )
    return (
        f"Accuracy on {scores['stress']['count']:,} test pictures: {show_interval(scores['stress']['accuracy'])}."
        f"{mapping} After the strongest {worst['change']} that was tried, {show_percent(worst['accuracy'])}. "
        f"{out:,} of {len(outcome['slices']):,} slices differ from the rest by more than chance. "
        f"{len(outcome['label_errors']):,} labels are listed for a person to decide on."
    )


def tabulate_scores(scores_by_column: dict[str, dict]) -> pd.DataFrame:
    """A row a figure, a column a model or a split: the value and its 95 % interval.

    Args:
        scores_by_column: {"stress": ..., "classes": ...} as in reports/SCHEMA.md.
    """
    metrics = list_metrics("notebook")
    table = {"figure": [metric.name for metric in metrics]}
    table |= {name: [show_metric(metric, scores) for metric in metrics] for name, scores in scores_by_column.items()}
    return pd.DataFrame(table)


def tabulate_epochs(history: list[dict]) -> pd.DataFrame:
    """A row an epoch: loss and accuracy on training and on validation pictures."""
    names = {"loss": "training loss", "accuracy": "training accuracy"}
    names |= {f"val_{key}": name.replace("training", "validation") for key, name in names.items()}
    table = pd.DataFrame(history)[list(names)].rename(columns=names)
    return table.assign(epoch=range(1, len(table) + 1))[["epoch", *names.values()]]
