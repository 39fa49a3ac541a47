import base64
import io

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from PIL import Image

from utils import display
from utils.pictures import encode_png


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


def test_what_stands_in_a_table_is_text(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "display", lambda *content: shown.append(content))
    display.show_table(pd.DataFrame({"<b>file": ["<img src=x onerror=alert(1)>.jpg"], "pictures": [1]}))
    assert "<img" not in shown[0][0].data and "<b>" not in shown[0][0].data
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in shown[0][0].data


@pytest.mark.parametrize("here", [True, False])
def test_a_live_figure_is_updated_in_place_and_only_where_it_is_seen(monkeypatch, here):
    shown, drawn = [], []

    class Handle:
        def update(self, content, **options):
            shown.append("update")

    monkeypatch.setattr(display, "is_watched", lambda: here)
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


@pytest.fixture
def button(monkeypatch):
    """What somebody who watches is shown by an Upload."""
    found = []
    monkeypatch.setattr(display, "is_watched", lambda: True)
    monkeypatch.setattr(display, "display", lambda *content: found.extend(content))
    return display.Upload(), found[0]


def test_a_picture_from_the_button_is_kept_and_what_is_none_is_told_in_a_line(button):
    upload, box = button
    chooser, line = box.children
    assert chooser.accept == "image/*"
    picture = encode_png(np.zeros((60, 60, 3), np.uint8))
    for name, content in (("<b>text.txt", b"no picture"), ("face.png", picture), ("broken.png", picture[:60])):
        file = {"name": name, "type": "", "size": len(content), "content": content, "last_modified": 0}
        upload.take((file | {"content": memoryview(content)},))
        assert (name == "face.png") == ("is taken" in line.value)
        assert "<b>" not in line.value and "\n" not in line.value
        assert upload.content == (b"" if name == "<b>text.txt" else picture)


def test_nobody_who_is_not_there_is_shown_a_button(shown, monkeypatch):
    monkeypatch.setattr(display, "display", lambda content: shown.append(content))
    assert display.Upload().content == b""
    ((line),) = shown
    assert "Jupyter" in line.data


@pytest.mark.parametrize("here", [True, False])
def test_a_report_from_before_is_told_of_where_it_could_mislead(monkeypatch, tmp_path, here):
    shown = []
    monkeypatch.setattr(display, "is_watched", lambda: here)
    monkeypatch.setattr(display, "display", lambda content: shown.append(content.data))
    display.say_if_older(tmp_path / "04.html")
    assert not shown
    (tmp_path / "04.html").touch()
    display.say_if_older(tmp_path / "04.html")
    assert ["`04.html` is of" in text for text in shown] == [True] * here


def test_a_long_table_can_be_folded(shown, monkeypatch):
    monkeypatch.setattr(display, "display", lambda content: shown.append(content.data))
    display.show_table(pd.DataFrame({"epoch": [1]}), folded="60 epochs & more")
    assert shown[0].startswith("<details><summary>60 epochs &amp; more</summary>")


ASK = "from utils.display import is_watched\nprint(is_watched())"


def test_somebody_watches_a_front_end_that_can_answer():
    manager, client = start_new_kernel(extra_arguments=["--log-level=ERROR"])
    heard = []
    client.execute_interactive(ASK, allow_stdin=True, output_hook=heard.append, timeout=120)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert [message["content"]["text"] for message in heard if message["msg_type"] == "stream"] == ["True\n"]


def test_nobody_watches_papermill_or_a_script():
    """papermill and nbconvert run notebooks through nbclient."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ASK)])
    NotebookClient(notebook, extra_arguments=["--log-level=ERROR"]).execute()
    assert notebook.cells[0].outputs[0].text == "False\n"
    assert not display.is_watched()
