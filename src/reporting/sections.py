"""The sections of notebooks: a figure or a table, and a sentence on what it means."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from reporting.doubts import describe_broken_promise, describe_label_errors, describe_robustness, describe_slices
from reporting.findings import (
    describe_abstention,
    describe_calibration,
    describe_comparison,
    describe_mappings,
    describe_scores,
)
from reporting.html import render_faces
from reporting.people import describe_outvoted
from reporting.sentences import describe_training, tabulate_epochs, tabulate_scores
from utils import plots
from utils.data.dataset import Split, read_attributes
from utils.display import LiveFigure, escape_markdown, say, show_figure, show_html, show_table
from utils.evaluation.calibration import reliability_table
from utils.evaluation.comparison import find_faces
from utils.evaluation.label_errors import (
    out_of_fold_probabilities,
    propose_decisions,
    rank_doubt,
    rank_outvoted,
)
from utils.evaluation.registry import list_metrics
from utils.evaluation.robustness import measure_robustness
from utils.evaluation.scoring import Evaluation
from utils.evaluation.selective import risk_coverage
from utils.evaluation.slices import measure_slices, slice_by_attributes, slice_by_condition
from utils.files import write_text
from utils.labels import THRESHOLD
from utils.paths import Run


def watch_training() -> Callable[[list[dict], int], None]:
    """What draws the curves so far after each epoch of a training, where somebody watches the notebook."""
    figure = LiveFigure()

    def draw(history: list[dict], first_epoch: int) -> None:
        alt = f"Loss and accuracy up to epoch {first_epoch + len(history) - 1}, training and validation"
        figure.show(lambda: plots.history({"so far": history}, first_epoch=first_epoch), alt)

    return draw


def show_training(training) -> None:
    """Whether a `store.Training` was taken from the store, and a line an epoch; more than 12 are folded."""
    say(describe_training(training.taken, training.ended))
    count = len(training.history)
    show_table(tabulate_epochs(training.history), 3, folded=f"{count} epochs, a line each" if count > 12 else "")


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
    axes = plots.against_references(scores_by_model)
    show_figure(axes, "Test accuracy, AUROC and log-loss with 95 % intervals, beside lines for guessing", "references")


def show_roc(rows: dict[str, Evaluation]) -> None:
    """The ROC curve of each model on the test pictures."""
    labels = next(iter(rows.values())).decided.test.labels
    scores = {model: evaluation.scores for model, evaluation in rows.items()}
    curves = {model: evaluation.decided.p_stress for model, evaluation in rows.items()}
    show_figure(plots.roc(labels, curves, scores), "ROC curves on the test pictures", "roc")


def show_calibration(evaluation: Evaluation) -> None:
    """The reliability diagram, without and with the temperature where there is one."""
    judged = evaluation.judged
    before, alt = None, "Reliability diagram: share of Stress against P(Stress)"
    if judged.card["temperature"] != 1:
        before = reliability_table(judged.share, judged.p_stress_before, judged.groups)
        alt += ", without and with the temperature"
    after = reliability_table(judged.share, judged.p_stress, judged.groups)
    show_figure(plots.reliability(before, after), alt, "reliability")
    say(describe_calibration(evaluation.scores["calibration"]))


def show_abstention(evaluation: Evaluation, target_accuracy: float) -> None:
    """Accuracy against the share of pictures answered, with the chosen threshold."""
    decided = evaluation.decided
    curve = risk_coverage(decided.test.labels, decided.p_stress, decided.groups)
    abstention = evaluation.scores["abstention"]
    axes = plots.risk_coverage(curve, target_accuracy, abstention)
    show_figure(axes, "Curve: accuracy against the share of test pictures answered", "abstention")
    say(describe_abstention(abstention))


def show_comparisons(comparisons: list[dict], still_falling: list[str], epochs: dict[str, int] | None = None) -> None:
    """Each pair of models: differences with intervals, and the verdict in words.

    Args:
        comparisons: from `scoring.compare_models`.
        still_falling: from `train.list_still_falling`.
        epochs: by model, how many it was trained for; None where it is not known.
    """
    compared = ", ".join(metric.name for metric in list_metrics("comparison", "stress"))
    show_figure(plots.differences(comparisons), f"Differences with 95 % intervals: {compared}", "differences")
    say("\n\n".join(describe_comparison(comparison, still_falling, epochs) for comparison in comparisons))


def show_mappings(scored: dict[str, dict] | None) -> None:
    """One network under every mapping, or why there is none.

    Args:
        scored: from `mappings.score_mappings`.
    """
    if not scored:
        say("These data have stress labels and no emotions: there is nothing to map.")
        return
    alt = "Test accuracy under each mapping, beside the majority-class baseline"
    show_figure(plots.mappings(scored), alt, "mappings")
    say(describe_mappings(scored))


_PICTURED = 24

_FACES_OF_A_KIND = 4


def show_faces(evaluation: Evaluation, show_pictures: bool, seed: int) -> None:
    """A few test pictures that were answered right, wrong with much confidence, and that people disagree on.

    Args:
        evaluation: its test pictures have been opened.
        show_pictures: whether they may be shown.
        seed: of the drawing.
    """
    if not show_pictures:
        say("No picture of this data set may be shown.")
        return
    test, names, rows = evaluation.test, evaluation.card["class_names"], {}
    for kind, chosen in find_faces(evaluation, _FACES_OF_A_KIND, seed).items():
        people = kind == "people disagree"
        said = [f"people {100 * evaluation.share[i]:.0f} %" if people else names[test.classes[i]] for i in chosen]
        answers = [f"Stress {100 * evaluation.p_stress[i]:.0f} %" for i in chosen]
        rows[kind] = list(zip(test.images[chosen], said, answers, strict=True))
    show_html(render_faces(rows), "faces")


def show_robustness(predict: Callable, evaluation: Evaluation, count: int, seed: int) -> list[dict]:
    """Robustness to corruptions: accuracy on test pictures that are made worse; `robustness` in reports/SCHEMA.md.

    Args:
        predict: uint8 (n, 48, 48, 3) -> class probabilities, float (n, classes).
        evaluation: its test pictures have been opened.
        count: of pictures, drawn at random; 0 takes all.
        seed: of the drawing and of the changes.
    """
    test, groups, card = evaluation.decided.test, evaluation.decided.groups, evaluation.card
    is_stress = np.isin(card["class_names"], card["stress_classes"])
    confidence = (card["abstention"] or {"confidence": THRESHOLD})["confidence"]
    table = measure_robustness(
        predict, test.images, test.labels, test.classes, groups, is_stress, count, seed, confidence
    )
    alt = "Accuracy under eight changes of the pictures, in five steps each"
    show_figure(plots.robustness(table), alt, "robustness")
    # the unchanged pictures have no strength, which JSON writes as null
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    say(f"{describe_robustness(rows)} {describe_broken_promise(rows, card['abstention'])}".rstrip())
    return rows


def show_slices(run: Run, evaluation: Evaluation) -> list[dict]:
    """Accuracy on slices, kinds of test pictures; `slices` in reports/SCHEMA.md."""
    decided = evaluation.decided
    test = decided.test
    attributes = slice_by_attributes(read_attributes(run), test.records["file"])
    # attributes.csv may know a brightness of its own
    measured = slice_by_condition(test.images).rename(columns={name: f"{name} (measured)" for name in attributes})
    kinds = pd.concat([measured, attributes], axis=1)
    right = (decided.p_stress >= THRESHOLD) == test.labels
    table = measure_slices(right, kinds, decided.groups)
    if len(table) and table["stands_out"].any():
        show_figure(plots.slices(table, right.mean()), "Accuracy with its interval on each slice", "slices")
    rows = table.to_dict("records")
    # names in a data set are anybody's
    say(escape_markdown(describe_slices(rows)))
    return rows


def show_label_errors(
    run: Run, train: Split, validation: Split, class_names: list[str], count: int, show_pictures: bool, seed: int
) -> list[dict]:
    """The likeliest label errors, and a form to decide on them in; `label_errors` in reports/SCHEMA.md.

    Args:
        run: whose reports get the form.
        train: the pictures that were learnt from.
        validation: those that were chosen by; test labels are not looked at.
        class_names: of the targets, in their order.
        count: of labels that are listed.
        show_pictures: whether they may be shown.
        seed: of the folds.
    """
    records = pd.concat([train.records, validation.records], ignore_index=True)
    pictures = np.concatenate([train.images, validation.images])
    if train.votes is not None and validation.votes is not None:
        ranking = rank_outvoted(records, np.concatenate([train.votes, validation.votes]), class_names)
        sentence = describe_outvoted(ranking, len(records))
    else:
        given = np.concatenate([train.classes, validation.classes])
        judged = out_of_fold_probabilities(pictures, given, records["group"].to_numpy(), seed=seed)
        ranking = rank_doubt(records, given, judged, class_names)
        sentence = describe_label_errors(ranking, judged, given)
    write_text(run.reports / "label_errors.csv", propose_decisions(ranking, count).to_csv(index=False))
    say(sentence)
    listed = ranking.head(count)
    if not show_pictures:
        show_table(listed[["file", "given", "suggested", "score"]])
    elif len(listed):
        first = listed.head(_PICTURED)
        titles = (first["given"] + "\n" + first["suggested"] + "?").tolist()
        show_figure(
            plots.pictures(pictures[first["position"]], titles), "The pictures whose labels are most likely wrong"
        )
    return listed.drop(columns="position").to_dict("records")
