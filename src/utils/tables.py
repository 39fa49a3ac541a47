"""Figures with their intervals as text, for the reports' tables."""

import pandas as pd

_ROWS = {
    "pictures": ("stress", "count"),
    "share of Stress": ("stress", "prevalence"),
    "always the commoner label": ("stress", "majority_accuracy"),
    "accuracy": ("stress", "accuracy"),
    "balanced accuracy": ("stress", "balanced_accuracy"),
    "MCC": ("stress", "mcc"),
    "AUROC": ("stress", "auroc"),
    "average precision": ("stress", "average_precision"),
    "log-loss": ("stress", "log_loss"),
    "Brier score": ("stress", "brier"),
    "ECE": ("stress", "ece"),
    "ECE if perfectly calibrated": ("stress", "ece"),
    "always the commonest class": ("classes", "majority_accuracy"),
    "accuracy over the classes": ("classes", "accuracy"),
    "AUROC over the classes": ("classes", "auroc"),
    "log-loss over the classes": ("classes", "log_loss"),
}


def show_figure_and_interval(figure: dict, decimals: int = 3) -> str:
    """{"value": .7512, "low": .737, "high": .765} -> "0.751 (0.737 to 0.765)"."""
    value, low, high = (
        "–" if figure[key] is None else f"{figure[key]:.{decimals}f}" for key in ("value", "low", "high")
    )
    return f"{value} ({low} to {high})"


def tabulate_scores(scores_by_column: dict[str, dict]) -> pd.DataFrame:
    """A row a figure, a column a model or a split: the value and its 95 % interval.

    Args:
        scores_by_column: {"stress": ..., "classes": ...} as in reports/SCHEMA.md.
    """
    table = {"figure": list(_ROWS)}
    for column, scores in scores_by_column.items():
        table[column] = [_cell(row, scores[block][name]) for row, (block, name) in _ROWS.items()]
    return pd.DataFrame(table)


def _cell(row: str, figure) -> str:
    if isinstance(figure, int):
        return f"{figure:,}"
    if row == "ECE if perfectly calibrated":
        return f"{figure['perfect_mean']:.3f}, up to {figure['perfect_95th']:.3f}"
    return show_figure_and_interval(figure)


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
