"""What a notebook shows: figures with alternative text, tables, and sentences with computed numbers."""

import base64
import io
import warnings
from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython import get_ipython
from IPython.display import HTML, Markdown, display

from utils.pictures import PictureError, open_picture
from utils.quiet import in_notebook

LARGEST_SVG = 150_000
"""Characters up to which a figure stays a drawing; one with more marks or pictures in it becomes pixels."""

_PIXELS_AN_INCH = 160

_SHOWN_AN_INCH = 90  # CSS pixels: a figure is about as large as its text says, and sharp on a dense screen


FIGURE_KEY = "figure"
"""Names in an output's metadata what its figure shows, for the run's first page to find."""


def show_figure(axes, alt: str, name: str = "") -> None:
    """Display the figure of some Axes, then close it.

    Args:
        axes: one, or an array of them.
        alt: the alternative text.
        name: what it shows, a name in `reporting.html.MOST_TELLING` where the run's first page may show it, too.
    """
    content, metadata = _finish(axes, alt)
    display(content, raw=True, metadata=metadata | ({FIGURE_KEY: name} if name else {}))


def is_watched() -> bool:
    """Whether this cell was run by somebody in front of a notebook.

    Such a front end offers to answer an `input()`; papermill, nbconvert and nbval tell the kernel that nobody can.
    """
    return in_notebook() and get_ipython().kernel.get_parent()["content"].get("allow_stdin", False)


class LiveFigure:
    """A figure that is drawn anew in its place while a cell runs; where nobody watches, it is not drawn at all.

    The progress bar beside it clears both when it closes.
    """

    _handle = None

    def show(self, draw: Callable, alt: str) -> None:
        """Replace what is shown by the Axes that `draw()` returns."""
        if not is_watched():
            return
        content, metadata = _finish(draw(), alt)
        if self._handle:
            self._handle.update(content, raw=True, metadata=metadata)
        else:
            self._handle = display(content, raw=True, metadata=metadata, display_id=True)


class Upload:
    """A button that takes one picture of the reader's; where nobody watches, a line stands in its place.

    On a phone, the browser offers its camera, too. The picture stays in this kernel's memory: it is not written.

    Attributes:
        content: the encoded picture; b"" until one that can be read was taken.
    """

    def __init__(self):
        self.content = b""
        if not is_watched():
            say("Run in Jupyter, this cell shows a button that takes a picture of yours.")
            return
        from ipywidgets import HTML as Line
        from ipywidgets import FileUpload, VBox

        button = FileUpload(accept="image/*", description="Your picture", layout={"width": "14em"})
        button.observe(lambda change: self.take(change["new"]), "value")
        self._told = Line("It stays here: it is not written to a file.")
        display(VBox([button, self._told]))

    def take(self, files: tuple) -> None:
        """Keep the picture, and say below the button what is to be done, or what is wrong with it, in one line.

        Args:
            files: of ipywidgets' `FileUpload.value`.
        """
        if not files:
            return
        content, name = bytes(files[-1]["content"]), escape(files[-1]["name"])
        try:
            open_picture(content)
        except PictureError as error:
            self._told.value = f"{name}: {escape(str(error))}. Choose another."
            return
        self.content = content
        self._told.value = f"{name} is taken. Now run the cells below: Run, Run Selected Cell and All Below."


def say_if_older(report: Path) -> None:
    """Where somebody watches, say that a report from before does not show what is run now."""
    if is_watched() and report.exists():
        made = datetime.fromtimestamp(report.stat().st_mtime)
        say(f"The report `{report.name}` is of {made:%d %B %Y, %H:%M}: it does not show what is run here now.")


def _finish(axes, alt: str) -> tuple[dict, dict]:
    """A figure as display data and its metadata; it is closed."""
    figure = np.ravel(axes)[0].figure
    if figure.get_layout_engine() is None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(Tight layout not applied|This figure includes Axes)", UserWarning)
            figure.tight_layout()
    kind, content, size = render_figure(figure, salt=alt)
    plt.close(figure)
    return {kind: content}, {kind: {"alt": alt} | size}


def render_figure(figure, salt: str) -> tuple[str, str, dict]:
    """A figure as a drawing where that is small, else as pixels.

    Args:
        figure: of matplotlib's; it stays open.
        salt: makes the names inside a drawing its own; the same salt and figure give the same bytes.

    Returns:
        Media type, the SVG or the PNG in base64, and for pixels the width to show them at.
    """
    if not any(ax.images for ax in figure.axes):
        with plt.rc_context({"svg.hashsalt": salt}):
            svg = _save(figure, "svg", metadata={"Date": None, "Creator": None}).decode()
        if len(svg) <= LARGEST_SVG:
            return "image/svg+xml", svg, {}
    png = _save(figure, "png", dpi=_PIXELS_AN_INCH)
    pixels = int.from_bytes(png[16:20], "big")  # the width, in a PNG's header
    return "image/png", base64.b64encode(png).decode(), {"width": round(pixels * _SHOWN_AN_INCH / _PIXELS_AN_INCH)}


def _save(figure, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, bbox_inches="tight", **options)
    return buffer.getvalue()


def show_html(html: str, name: str) -> None:
    """Display HTML of our own, which holds nobody else's text; `name` as for `show_figure`."""
    display({"text/html": html}, raw=True, metadata={FIGURE_KEY: name})


def show_table(table: pd.DataFrame, decimals: int = 4, folded: str = "") -> None:
    """Display a table without its index: text to the left, whole numbers with thousands separators.

    Args:
        table: what is shown.
        decimals: of numbers that are not whole.
        folded: what stands there of it until somebody opens it; "": it is open.
    """
    numbers = table.select_dtypes("number")
    formats = {name: f"{{:.{decimals}f}}" if pd.api.types.is_float_dtype(numbers[name]) else "{:,}" for name in numbers}
    left = [
        {"selector": f".col{position}", "props": "text-align: left"}
        for position, name in enumerate(table)
        if name not in numbers
    ]
    # file names come from whoever made the data, and reports are passed on
    escaped = table.reset_index(drop=True).style.format(formats, escape="html").format_index(escape="html", axis=1)
    styled = escaped.hide(axis="index").set_table_styles(left)
    html = styled.to_html().replace("<th id", '<th scope="col" id')
    display(HTML(f"<details><summary>{escape(folded)}</summary>{html}</details>" if folded else html))


def say(text: str) -> None:
    """Display a Markdown sentence; the numbers in it come from code."""
    display(Markdown(text))


_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "[": "&#91;", "\n": " "})


def escape_markdown(text: str) -> str:
    """The same text to read, in which no HTML, link or picture begins, and no cell or row of a table ends."""
    return text.translate(_SPECIAL)
