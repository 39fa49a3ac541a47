"""The few figures of a run's executed notebooks that tell most, found by the names that they were shown under."""

import base64
import re
import struct
from dataclasses import dataclass
from html import escape

import nbformat

from reporting.html import inline_svg, list_headings
from utils.display import FIGURE_KEY
from utils.paths import Run

MOST_TELLING = (
    "references",
    "people",
    "reliability",
    "differences",
    "robustness",
    "slices",
    "abstention",
    "mappings",
    "confusion",
    "per class",
    "roc",
    "classes",
    "history",
)
"""What a figure shows, the most telling first, as notebooks name it when they show it. The last notebook that shows one
counts, and its first one of the kind."""

WIDEST_IN_HALF = 640
"""CSS pixels."""

_MEDIA = ("image/svg+xml", "image/png")


@dataclass(frozen=True)
class Picture:
    """One figure: what it shows, its alternative text, HTML, and the section it stands in."""

    name: str
    alt: str
    html: str
    section: str
    link: str

    @property
    def is_wide(self) -> bool:
        """Whether its text could not be read at half a page's width."""
        return int(re.findall(r'width="(\d+)" height', self.html)[0]) > WIDEST_IN_HALF


def find_figures(run: Run, at_most: int = 4) -> list[Picture]:
    """The most telling figures that the run's notebooks show, at most one a kind."""
    found: dict[str, Picture] = {}
    for path in sorted(run.reports.glob("*.ipynb")):
        if not path.name.startswith(".") and not path.stem.endswith(".failed"):
            for picture in _read_figures(nbformat.read(path, as_version=4), f"{path.stem}.html"):
                key = picture.name
                if key not in found or not found[key].link.startswith(path.stem):
                    found[key] = picture
    return [found[name] for name in MOST_TELLING if name in found][:at_most]


def _read_figures(notebook: nbformat.NotebookNode, page: str) -> list[Picture]:
    """Every named figure of a notebook."""
    headings, pictures = list_headings(notebook), []
    for position, cell in enumerate(notebook.cells):
        above = [heading for heading in headings if heading["cell"] < position]
        link = f"{page}#{above[-1]['anchor']}" if above else page
        section = above[-1]["text"] if above else page
        for output in cell.get("outputs", []):
            if name := output.get("metadata", {}).get(FIGURE_KEY):
                alt, html = _draw(output)
                pictures.append(Picture(name, alt, html, section, link))
    return pictures


def _draw(output) -> tuple[str, str]:
    kind = next(kind for kind in _MEDIA if kind in output.data)
    alt = output.metadata.get(kind, {}).get("alt", "Figure without a description")
    if kind == "image/svg+xml":
        return alt, inline_svg(output.data[kind], alt)
    content = re.sub(r"\s", "", output.data[kind])
    width, height = struct.unpack(">II", base64.b64decode(content)[16:24])
    size = f'width="{width}" height="{height}"'
    return alt, f'<img class="drawn" {size} src="data:image/png;base64,{content}" alt="{escape(alt)}">'
