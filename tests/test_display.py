import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from utils import display


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would get."""
    found = []
    monkeypatch.setattr(display, "display", lambda content, **options: found.append((content, options)))
    return found


def test_a_small_figure_is_a_drawing_with_its_alternative_text(shown):
    ax = plt.subplots(figsize=(4, 3))[1]
    ax.plot([1, 2], [1, 2])
    display.show_figure(ax, "A line")
    ((content, options),) = shown
    assert list(content) == ["image/svg+xml"]
    assert options["metadata"]["image/svg+xml"]["alt"] == "A line"
    assert not plt.get_fignums()


@pytest.mark.parametrize("kind", ["picture", "many marks"])
def test_a_large_one_becomes_pixels_with_the_same_text(shown, kind):
    ax = plt.subplots(figsize=(4, 3))[1]
    if kind == "picture":
        ax.imshow(np.zeros((48, 48)))
    else:
        ax.plot(*np.random.default_rng(0).random((2, 20_000)), ".")
    display.show_figure(ax, "Many")
    ((content, options),) = shown
    described = options["metadata"]["image/png"]
    image = Image.open(io.BytesIO(base64.b64decode(content["image/png"])))
    assert described["alt"] == "Many"
    assert 1.5 < image.width / described["width"] < 2  # sharp where a screen has two pixels for one


def test_a_crowded_figure_warns_of_nothing(shown, recwarn):
    axes = plt.subplots(1, 30, figsize=(1, 1))[1]
    for ax in axes:
        ax.set_ylabel("a label", fontsize=40)
    display.show_figure(axes, "Crowded")
    assert not recwarn.list


def test_the_same_figure_gives_the_same_bytes_and_another_text_other_names():
    def draw(salt):
        ax = plt.subplots()[1]
        ax.plot([1, 2], [1, 2], "o")
        drawn = display.render_figure(ax.figure, salt)[1]
        plt.close("all")
        return drawn

    assert draw("a") == draw("a")
    assert draw("a") != draw("b")


def test_a_table_names_its_columns_to_screen_readers(shown):
    display.show_table(pd.DataFrame({"class": ["sad"], "pictures": [1234], "share": [0.5]}))
    html = shown[0][0].data
    assert html.count('<th scope="col"') == 3
    assert "1,234" in html and "0.5000" in html


@pytest.mark.parametrize("here", [True, False])
def test_a_live_figure_is_updated_in_place_and_only_in_a_notebook(monkeypatch, here):
    shown, drawn = [], []

    class Handle:
        def update(self, content, **options):
            shown.append("update")

    monkeypatch.setattr(display, "in_notebook", lambda: here)
    monkeypatch.setattr(display, "display", lambda content, **options: shown.append("display") or Handle())

    def draw():
        drawn.append(True)
        return plt.subplots()[1]

    live = display.LiveFigure()
    for _ in range(3):
        live.show(draw, "So far")
    assert shown == (["display", "update", "update"] if here else [])
    assert len(drawn) == 3 * here
    assert not plt.get_fignums()
