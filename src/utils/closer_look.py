"""The last sections of notebook 3: the saved model on worse and on different pictures, and labels in doubt."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from utils.dataset import Split, read_attributes
from utils.display import say, show_figure, show_table
from utils.doubt import describe_doubt, out_of_fold_probabilities, propose_decisions, rank_doubt
from utils.evaluation import Evaluation
from utils.files import write_text
from utils.labels import THRESHOLD
from utils.markdown import escape_markdown
from utils.paths import Run
from utils.plots.conditions import plot_robustness, plot_slices
from utils.plots.data import plot_pictures
from utils.robustness import describe_robustness, measure_robustness
from utils.slices import describe_slices, measure_slices, slice_by_attributes, slice_by_condition

_PICTURED = 24


def show_robustness(predict: Callable, evaluation: Evaluation, count: int, seed: int) -> list[dict]:
    """Accuracy on test pictures that are made worse; `robustness` in reports/SCHEMA.md.

    Args:
        predict: uint8 (n, 48, 48, 3) -> class probabilities, float (n, classes).
        evaluation: its test pictures have been opened.
        count: of pictures, drawn at random; 0 takes all.
        seed: of the drawing and of the changes.
    """
    test, card = evaluation.test, evaluation.card
    is_stress = np.isin(card["class_names"], card["stress_classes"])
    table = measure_robustness(predict, test.images, test.targets, evaluation.groups, is_stress, count, seed)
    commoner = max(test.labels.mean(), 1 - test.labels.mean())
    show_figure(plot_robustness(table, commoner), "Accuracy under eight changes of the pictures, in five steps each")
    say(describe_robustness(table))
    # the unchanged pictures have no strength, which JSON writes as null
    return table.astype(object).where(table.notna(), None).to_dict("records")


def show_slices(run: Run, evaluation: Evaluation) -> list[dict]:
    """Accuracy on each kind of test picture; `slices` in reports/SCHEMA.md."""
    test = evaluation.test
    attributes = slice_by_attributes(read_attributes(run), test.records["file"])
    # attributes.csv may know a brightness of its own
    measured = slice_by_condition(test.images).rename(columns={name: f"{name} (measured)" for name in attributes})
    kinds = pd.concat([measured, attributes], axis=1)
    right = (evaluation.p_stress >= THRESHOLD) == test.labels
    table = measure_slices(right, kinds, evaluation.groups)
    if len(table):
        show_figure(plot_slices(table, right.mean()), "Accuracy with its interval on each kind of picture")
    # names in a data set are anybody's
    say(escape_markdown(describe_slices(table)))
    return table.to_dict("records")


def show_doubt(
    run: Run, train: Split, validation: Split, class_names: list[str], count: int, show_pictures: bool, seed: int
) -> list[dict]:
    """The most doubtful labels, and a form to decide on them in; `label_doubt` in reports/SCHEMA.md.

    Args:
        count: of labels that are listed.
        show_pictures: whether they may be shown.
        seed: of the folds.
    """
    records = pd.concat([train.records, validation.records], ignore_index=True)
    pictures = np.concatenate([train.images, validation.images])
    given = np.concatenate([train.targets, validation.targets])
    judged = out_of_fold_probabilities(pictures, given, records["group"].to_numpy(), seed=seed)
    ranking = rank_doubt(records, given, judged, class_names)
    write_text(run.reports / "doubtful_labels.csv", propose_decisions(ranking, count).to_csv(index=False))
    say(describe_doubt(ranking, judged, given))
    listed = ranking.head(count)
    if not show_pictures:
        show_table(listed[["file", "given", "suggested", "score"]])
    elif len(listed):
        first = listed.head(_PICTURED)
        titles = (first["given"] + "\n" + first["suggested"] + "?").tolist()
        show_figure(plot_pictures(pictures[first["position"]], titles), "The pictures whose labels are most doubtful")
    return listed.drop(columns="position").to_dict("records")
