"""The few figures of a run's executed notebooks that tell most, found by the function that drew them."""

import base64
import re
import struct
from dataclasses import dataclass
from html import escape

import nbformat

from utils.html_export import inline_svg, list_headings
from utils.paths import Run

MOST_TELLING = {
    "references": ("plot_against_references", "show_references"),
    "reliability": ("plot_reliability", "show_calibration"),
    "differences": ("plot_differences", "show_comparisons"),
    "robustness": ("plot_robustness", "show_robustness"),
    "slices": ("plot_slices", "show_slices"),
    "abstention": ("plot_risk_coverage", "show_abstention"),
    "mappings": ("plot_mappings", "show_mappings"),
    "confusion": ("plot_confusion",),
    "per class": ("plot_per_class",),
    "roc": ("plot_roc", "show_roc"),
    "classes": ("plot_class_balance",),
    "history": ("plot_history",),
}
"""What a figure shows, the most telling first, and the functions that draw it. The last notebook that draws one counts,
and its first one of the kind."""

WIDEST_IN_HALF = 640
"""CSS pixels."""

_NAMES = {function: name for name, functions in MOST_TELLING.items() for function in functions}
_CALL = re.compile(rf"\b({'|'.join(_NAMES)})\(")
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
        return int(re.search(r'width="(\d+)" height', self.html)[1]) > WIDEST_IN_HALF


def find_figures(run: Run, at_most: int = 4) -> list[Picture]:
    """The most telling figures that the run's notebooks show, at most one a kind."""
    found = {}
    for path in sorted(run.reports.glob("*.ipynb")):
        if not path.name.startswith(".") and not path.stem.endswith(".failed"):
            for picture in _read_figures(nbformat.read(path, as_version=4), f"{path.stem}.html"):
                key = picture.name
                if key not in found or not found[key].link.startswith(path.stem):
                    found[key] = picture
    return [found[name] for name in MOST_TELLING if name in found][:at_most]


def _read_figures(notebook: nbformat.NotebookNode, page: str) -> list[Picture]:
    """Every figure of a notebook whose cell calls one of the functions; the k-th figure is taken for the k-th call."""
    headings, pictures = list_headings(notebook), []
    for position, cell in enumerate(notebook.cells):
        calls = [_NAMES[call] for call in _CALL.findall(cell.source)] if cell.cell_type == "code" else []
        shown = [output for output in cell.get("outputs", []) if set(_MEDIA) & set(output.get("data", {}))]
        above = [heading for heading in headings if heading["cell"] < position]
        link = f"{page}#{above[-1]['anchor']}" if above else page
        section = above[-1]["text"] if above else page
        for name, output in zip(calls, shown, strict=False):
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
