"""The sections that notebooks 2 and 3 share: a figure or table, and a computed sentence on what it means."""

from utils.abstention import describe_abstention, risk_coverage
from utils.calibration import describe_calibration, reliability_table
from utils.comparison import describe_comparison
from utils.display import say, show_figure, show_table
from utils.evaluation import Evaluation
from utils.mappings import describe_mappings
from utils.plots.calibration import plot_reliability, plot_risk_coverage
from utils.plots.comparison import plot_differences, plot_mappings
from utils.plots.scores import plot_against_references, plot_roc
from utils.tables import describe_scores, tabulate_scores


def show_scores(scores_by_model: dict[str, dict]) -> None:
    """Every figure with its interval, a column a model, and what the accuracy is worth.

    Args:
        scores_by_model: `model` in reports/SCHEMA.md.
    """
    show_table(tabulate_scores(scores_by_model))
    sentences = [f"**{model}**: {describe_scores(scores)}" for model, scores in scores_by_model.items()]
    say("\n\n".join(sentences))


def show_references(scores_by_model: dict[str, dict]) -> None:
    """Accuracy, AUROC and log-loss beside what is reached without looking."""
    axes = plot_against_references(scores_by_model)
    show_figure(axes, "Test accuracy, AUROC and log-loss with 95 % intervals, beside lines for guessing")


def show_roc(rows: dict[str, Evaluation]) -> None:
    """The ROC curve of each row on the test pictures."""
    labels = next(iter(rows.values())).test.labels
    scores = {model: evaluation.scores for model, evaluation in rows.items()}
    curves = {model: evaluation.p_stress for model, evaluation in rows.items()}
    show_figure(plot_roc(labels, curves, scores), "ROC curves on the test pictures")


def show_calibration(evaluation: Evaluation) -> None:
    """The reliability diagram, without and with the temperature where there is one."""
    labels, groups = evaluation.test.labels, evaluation.groups
    before, alt = None, "Reliability diagram: share of Stress against P(Stress)"
    if evaluation.card["temperature"] != 1:
        before = reliability_table(labels, evaluation.p_stress_before, groups)
        alt += ", without and with the temperature"
    show_figure(plot_reliability(before, reliability_table(labels, evaluation.p_stress, groups)), alt)
    say(describe_calibration(evaluation.scores["calibration"]))


def show_abstention(evaluation: Evaluation, target_accuracy: float) -> None:
    """Accuracy against the share of pictures answered, with the chosen threshold."""
    curve = risk_coverage(evaluation.test.labels, evaluation.p_stress, evaluation.groups)
    abstention = evaluation.scores["abstention"]
    axes = plot_risk_coverage(curve, target_accuracy, abstention)
    show_figure(axes, "Curve: accuracy against the share of test pictures answered")
    say(describe_abstention(abstention))


def show_comparisons(comparisons: list[dict]) -> None:
    """Each pair of rows: differences with intervals, and the verdict in words.

    Args:
        comparisons: from `comparison.compare_rows`.
    """
    show_figure(plot_differences(comparisons), "Differences of accuracy, AUROC and log-loss with 95 % intervals")
    say("\n\n".join(map(describe_comparison, comparisons)))


def show_mappings(scored: dict[str, dict] | None) -> None:
    """One network under every mapping, or why there is none.

    Args:
        scored: from `mappings.score_mappings`.
    """
    if not scored:
        say("These data have stress labels and no emotions: there is nothing to map.")
        return
    show_figure(plot_mappings(scored), "Test accuracy under each mapping, beside the commoner label's")
    say(describe_mappings(scored))
