"""Figures at the size they have in a report: nothing lies over anything else."""

import re
from itertools import combinations, pairwise
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgba_array
from PIL import Image

from utils import plots
from utils.inference.explain import Explanation, ShuffledCheck
from utils.plots.style import LABEL_COLOURS, MODEL_COLOURS

WIDEST = 9.8
"""Inches: a report's column holds about 9.5 at 90 pixels each, and shrinks what is wider."""


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def figure_of(value, spread=0.02):
    return {"value": value, "low": value - spread, "high": value + spread}


def make_scores(rows: int, copies: bool = True) -> dict:
    scores = {}
    for model, step in zip(MODEL_COLOURS, range(rows), strict=False):
        values = {"prevalence": 0.46, "majority_accuracy": 0.54, "accuracy": 0.7 + 0.06 * step}
        values |= {"auroc": 0.78 + 0.07 * step, "log_loss": 0.6 - 0.1 * step}
        stress = {"count": 7178} | {name: figure_of(value) for name, value in values.items()}
        scores[model] = {"stress": stress, "without_copies": {"stress": stress | {"count": 7178 - 30 * copies}}}
    return scores


def make_trained(name: str) -> list[dict]:
    rng = np.random.default_rng(len(name))
    return [{"stress": {figure: rng.random() for figure in ("accuracy", "auroc", "log_loss")}} for _ in range(3)]


def make_comparisons(count: int) -> list[dict]:
    figures = {"accuracy": figure_of(0.05), "auroc": figure_of(0.07), "log_loss": figure_of(-0.1)}
    verdicts = ("better", "worse", "cannot be told apart")
    return [
        {
            "first": first,
            "second": second,
            "stress": {name: figure | {"verdict": verdict} for name, figure in figures.items()},
            "agreement": {"both right": 7178},
        }
        for verdict, (first, second) in zip(verdicts[:count], combinations(MODEL_COLOURS, 2), strict=False)
    ]


def make_history(epochs: int) -> list[dict]:
    loss = 0.6 + 1.2 * np.exp(-np.arange(epochs) / 5)
    columns = {"loss": loss, "accuracy": 1 - loss / 3, "val_loss": loss + 0.1, "val_accuracy": 0.9 - loss / 3}
    return pd.DataFrame(columns).to_dict("records")


def make_face(box, size) -> tuple[Image.Image, SimpleNamespace]:
    names = ["angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"]
    probabilities = dict(zip(names, [0.05, 0.01, 0.42, 0.03, 0.09, 0.36, 0.04], strict=True))
    answer = {"status": "ok", "label": "Stress", "confidence": 0.84, "probabilities": probabilities}
    picture = np.random.default_rng(0).integers(0, 255, (1, 48, 48, 3), np.uint8)
    return Image.new("RGB", size, "grey"), SimpleNamespace(box=box, picture=picture, **answer)


def draw_panel(neighbours: int, size=(48, 48), moved=1.0):
    image, face = make_face((0, 0, 48, 48), size)
    names = ["as it is", "mirrored", "2 px left", "2 px right", "2 px up", "2 px down", "darker by a fifth"]
    sensitivity = dict(zip(names, np.linspace(0.4, 0.9, len(names)), strict=True))
    alike = [SimpleNamespace(picture=face.picture[0], emotion="disgusted", label="Non-stress")] * neighbours
    occlusion = np.random.default_rng(0).normal(0, 0.1, (48, 48))
    explanation = Explanation(moved * occlusion, sensitivity, alike)
    return plots.panel(image, [face], explanation, ["angry", "disgusted", "fearful", "sad"])


def draw_robustness():
    changes = {"noise": "standard deviation [of 255]", "low contrast": "share of contrast gone"}
    rows = [
        {"change": f"{change} {copy}", "unit": unit, "step": step, "strength": 0.05 * step or np.nan, "pictures": 2000}
        for copy in range(4)
        for change, unit in changes.items()
        for step in range(6)
    ]
    return plots.robustness(pd.DataFrame(rows).assign(accuracy=0.7, low=0.68, high=0.72, majority_accuracy=0.54))


def draw_slices():
    kinds = ("brightness", "contrast", "sharpness", "head turned")
    rows = [{"by": by, "slice": kind, "pictures": 2000} for by in kinds for kind in ("31 to 108", "108 to 141")]
    accuracies = np.linspace(0.75, 0.87, len(rows))
    table = pd.DataFrame(rows).assign(accuracy=accuracies, low=accuracies - 0.03, high=accuracies + 0.03)
    return plots.slices(table.assign(stands_out=accuracies > 0.85), 0.8)


def draw_classes():
    figures = {name: figure_of(value) for name, value in (("precision", 0.6), ("recall", 0.7), ("f1", 0.65))}
    return plots.per_class({name: figures | {"count": 500} for name in ("angry", "happy", "sad")})


def draw_mappings():
    figures = {"majority_accuracy": figure_of(0.54), "accuracy": figure_of(0.8), "prevalence": figure_of(0.46)}
    return plots.mappings({name: figures | {"count": 500} for name in ("angry-sad", "angry-fear-sad")})


def draw_reliability(corrected=True):
    edges = np.linspace(0, 1, 6)
    bins = {"from": edges[:-1], "to": edges[1:], "probability": edges[:-1] + 0.1, "share": edges[:-1] + 0.1}
    table = pd.DataFrame(bins).assign(pictures=100)
    table = table.assign(low=table["share"] - 0.05, high=table["share"] + 0.05)
    return plots.reliability(table if corrected else None, table)


def draw_abstention():
    curve = pd.DataFrame({"coverage": [0.2, 0.6, 1], "accuracy": [0.99, 0.93, 0.82], "pictures": [100, 300, 500]})
    reached = {"coverage": figure_of(0.8), "accuracy": figure_of(0.88)}
    chosen = {"validation_coverage": 0.79, "validation_accuracy": 0.9}
    return plots.risk_coverage(curve.assign(low=curve["accuracy"] - 0.01, high=1), 0.9, reached | chosen)


def draw_people(labelled: bool):
    keys = {"people": figure_of(0.87), "model": figure_of(0.75), "difference": figure_of(-0.12)}
    panels = [{"size": size, "pictures": 3553 - size} | keys for size in (1, 3, 5, 7)]
    return plots.people_and_model(panels, {"panels": panels} if labelled else None)


def draw_balance(names=("angry", "happy", "neutral", "sad")):
    counts = 100 * np.arange(1, len(names) + 1)
    records = pd.DataFrame({"class": np.repeat(names, counts)})
    return plots.class_balance(records.assign(label=records["class"].isin(["angry", "sad"]).astype(int)))


FIGURES = {
    "history of one": lambda: plots.history({"EmotionDetector_1": make_history(12)}),
    "history of three": lambda: plots.history({model: make_history(30) for model in MODEL_COLOURS}),
    "history of one epoch": lambda: plots.history({"so far": make_history(1)}),
    "references of one": lambda: plots.against_references(make_scores(1)),
    "references of three": lambda: plots.against_references(make_scores(3)),
    "effects": lambda: plots.effects({name: make_trained(name) for name in ("none", "flip", "all")}),
    "differences of two": lambda: plots.differences(make_comparisons(1)),
    "differences of three": lambda: plots.differences(make_comparisons(3)),
    "panel": lambda: draw_panel(5),
    "panel of a wide picture": lambda: draw_panel(5, (900, 300)),
    "panel with nothing alike": lambda: draw_panel(0),
    "panel in which nothing moved": lambda: draw_panel(0, moved=0.01),
    "robustness": draw_robustness,
    "slices": draw_slices,
    "class balance": draw_balance,
    "each class": draw_classes,
    "mappings": draw_mappings,
    "reliability": draw_reliability,
    "reliability without a temperature": lambda: draw_reliability(corrected=False),
    "abstention": draw_abstention,
    "people": lambda: draw_people(labelled=False),
    "people and labels": lambda: draw_people(labelled=True),
}


def lay_out(axes):
    """The figure, as `display` finishes it."""
    figure = np.ravel(axes)[0].figure
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    figure.draw_without_rendering()
    return figure


def overlap(first, second) -> bool:
    """Whether two boxes share more than a pixel's edge."""
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    return width > 1 and min(first.y1, second.y1) - max(first.y0, second.y0) > 1


@pytest.mark.parametrize("name", FIGURES)
def test_no_part_of_a_figure_lies_over_another_and_it_needs_no_shrinking(name):
    figure = lay_out(FIGURES[name]())
    boxes = [part.get_tightbbox() for part in (*figure.axes, *figure.legends)]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert figure.get_tightbbox().width < WIDEST


@pytest.mark.parametrize(("moved", "told"), [(1.0, "What moved it"), (0.01, "No part of it")])
def test_a_map_in_which_nothing_moved_the_answer_says_so(moved, told):
    assert any(told in ax.get_title("left") for ax in draw_panel(0, moved=moved))


@pytest.mark.parametrize(
    "name", ["references of one", "references of three", "slices", "class balance", "people and labels"]
)
def test_a_legend_beside_its_panel_covers_neither_data_nor_labels(name):
    for ax in lay_out(FIGURES[name]()).axes:
        legend = ax.get_legend().get_window_extent()
        assert not overlap(legend, ax.get_window_extent())
        assert not overlap(legend, ax.xaxis.get_tightbbox())


@pytest.mark.parametrize("name", ["slices", "class balance", "references of three", "robustness"])
def test_numbers_on_an_axis_stand_apart(name):
    for ax in lay_out(FIGURES[name]()).axes:
        low, high = ax.get_xlim()
        ticks = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = [tick.label1.get_window_extent() for tick in ticks]
        assert all(left.x1 + 3 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(
    "name",
    ["robustness", "slices", "each class", "differences of three", "effects", "mappings", "reliability", "abstention"]
    + ["people and labels"],
)
def test_what_is_neither_label_nor_model_has_none_of_their_colours(name):
    taken = {*LABEL_COLOURS.values(), *MODEL_COLOURS.values()}
    figure = lay_out(FIGURES[name]())
    drawn = [part for ax in figure.axes for part in (*ax.lines, *ax.collections, *ax.patches)]
    colours = [part.get_color() if hasattr(part, "get_color") else part.get_facecolor() for part in drawn]
    colours = {to_hex(np.ravel(to_rgba_array(colour)[0])) for colour in colours if len(to_rgba_array(colour))}
    assert colours and not colours & taken


def test_what_is_hollow_is_explained_where_there_is_any():
    for copies in (True, False):
        labels = plots.against_references(make_scores(2, copies))[1].get_legend_handles_labels()[1]
        assert ("hollow: without copies" in labels) == copies


def test_an_unnamed_model_has_one_colour_and_its_epochs_their_numbers():
    axes = plots.history({"so far": make_history(3)}, first_epoch=8)
    for ax in axes:
        assert len({line.get_color() for line in ax.lines}) == 1
        assert ax.lines[0].get_xdata().tolist() == [8, 9, 10]
        assert ax.lines[2].get_xdata().tolist() == [10]  # the lowest validation loss


def test_one_epoch_is_seen_and_numbered():
    axes = plots.history({"so far": make_history(1)})
    lay_out(axes)
    for ax in axes:
        assert ax.lines[0].get_marker() == "."
        low, high = ax.get_xlim()
        assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]


@pytest.mark.parametrize("names", [("angry", "happy"), ("happy", "sad"), ("happy", "neutral")])
def test_bars_have_exactly_the_labels_colours_in_the_same_order(names):
    ax = draw_balance(names)
    drawn = {to_hex(patch.get_facecolor()) for patch in ax.patches if patch.get_width()}
    assert drawn == {LABEL_COLOURS["Stress" if name in ("angry", "sad") else "Non-stress"] for name in names}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(LABEL_COLOURS)


def test_a_box_around_the_whole_picture_is_seen_on_all_sides():
    image, face = make_face((0, 0, 48, 48), (48, 48))
    ax = plots.boxes(image, [face])
    (box,) = ax.patches
    assert not box.get_clip_on()
    assert (*ax.get_xlim(), *ax.get_ylim()) == (0, 48, 48, 0)
    assert box.get_bbox().bounds == (0, 0, 48, 48)


@pytest.mark.parametrize(
    ("flags", "rows"), [(["", "duplicate leak kept"], 0), (["near-leak", "near-blank"], 1), (["blank relabelled"], 2)]
)
def test_only_flags_that_the_eye_can_judge_are_shown(flags, rows):
    records = pd.DataFrame({"flags": flags, "scene": range(len(flags)), "class": "happy"})
    assert plots.has_findings(records) == bool(rows)
    if rows:
        assert plots.findings(records, np.zeros((len(flags), 48, 48, 3), np.uint8)).shape == (rows, 6)


def test_how_far_the_map_goes_is_told_in_points_and_as_a_mean():
    titles = [ax.get_title("left") for ax in draw_panel(0)]
    assert any(re.fullmatch(r"What moved it:\nup to \d+ points on average", title) for title in titles)


def test_no_average_is_of_so_few_that_it_shows_one():
    records = pd.DataFrame({"class": ["happy"] * 10 + ["sad"] * 9 + ["fear"] * 12, "scene": [*range(19), *[19] * 12]})
    pixels = np.random.default_rng(0).integers(0, 256, (31, 48, 48, 3), np.uint8)
    shown = {ax.get_title(): bool(ax.images) for ax in plots.average_faces(records, pixels)}
    assert shown == {"fear\nn = 12": False, "happy\nn = 10": True, "sad\nn = 9": False}


def test_a_roc_curve_is_drawn_larger_where_it_lives():
    labels = np.arange(1000) % 2
    noise = np.random.default_rng(0).normal(size=1000)

    def draw(skill):
        p_stress = 1 / (1 + np.exp(-(skill * (2 * labels - 1) + noise)))
        scores = {"EmotionDetector_1": {"stress": {"auroc": figure_of(0.9)}}}
        ax = plots.roc(labels, {"EmotionDetector_1": p_stress}, scores)
        point = next(line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()))
        called = [np.mean(p_stress[labels == label] >= 0.5) for label in (0, 1)]
        assert [point.get_xdata()[0], point.get_ydata()[0]] == pytest.approx(called)
        return ax.child_axes

    (inset,) = draw(2)
    assert inset.get_xlim() == pytest.approx((0, 0.15)) and inset.get_ylim() == pytest.approx((0.85, 1))
    assert draw(0.1) == []
    plt.close("all")


def test_only_ways_to_slice_in_which_something_stands_out_are_drawn():
    rows = [{"by": by, "slice": kind, "pictures": 50} for by in ("light", "pose") for kind in ("one", "other")]
    table = pd.DataFrame(rows).assign(accuracy=0.8, low=0.7, high=0.9, stands_out=[False, False, True, False])
    names = [label.get_text() for label in plots.slices(table, 0.8).get_yticklabels()]
    assert len(names) == 2 and all(name.startswith("pose") for name in names)
    plt.close("all")


def test_maps_of_a_model_stand_above_those_of_shuffled_weights():
    faces = np.zeros((2, 48, 48, 3), np.uint8)
    maps = np.zeros((5, 48, 48))
    maps[0, :12, :12] = 0.2
    axes = plots.map_pairs(faces, ShuffledCheck(maps, np.zeros_like(maps)))
    titles = [[ax.get_title() for ax in row] for row in axes]
    assert titles == [["up to 20 points", "nothing moved it"], ["nothing moved it", "nothing moved it"]]
    plt.close("all")
