"""Executed notebooks as HTML: one as a page that loads nothing from outside, and the most telling figures of a run."""

import base64
import re
import struct
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import jinja2
import nbformat
import numpy as np
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from utils.display import FIGURE_KEY, escape_markdown
from utils.paths import Run
from utils.pictures import encode_png

TEMPLATES = Path(__file__).parent / "templates"

_HEADING = re.compile(r'<h(?P<level>[23]) id="(?P<anchor>[^"]+)">(?P<text>.*?)<a class="anchor-link"', re.DOTALL)


def export_html(notebook: nbformat.NotebookNode, page: dict | None = None) -> str:
    """An executed notebook as one HTML page that loads nothing from anywhere.

    Args:
        notebook: executed; as it is, outputs and all.
        page: `made` (as `provenance.describe_end` gives it) for the box at the end; `previous` and `next`,
            each {"href", "title"}; `run`, its name. All may be missing.
    """
    exporter = HTMLExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="report")
    exporter.register_filter("inline_svg", inline_svg)
    exporter.register_filter("duration", format_duration)
    report = {"contents": list_headings(notebook), "title": find_title(notebook)} | (page or {})
    return exporter.from_notebook_node(notebook, resources={"report": report})[0]


def find_title(notebook: nbformat.NotebookNode) -> str:
    """The first `# ` heading, or "Notebook"."""
    headings = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.startswith("# ")]
    return headings[0].splitlines()[0].lstrip("# ") if headings else "Notebook"


def list_headings(notebook: nbformat.NotebookNode) -> list[dict]:
    """The sections: `level` (2 or 3), `anchor` and `text` (HTML) of each heading, `cell` (its position)."""
    return [
        {"level": int(match["level"]), "anchor": unescape(match["anchor"]), "text": match["text"], "cell": position}
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        for match in _HEADING.finditer(markdown2html(cell.source))
    ]


def inline_svg(svg: str, alt: str) -> str:
    """A drawing of matplotlib's as part of a page: named for screen readers, its colours the page's to change.

    Each colour becomes `var(--f-<hex>, #<hex>)`; `report/page.css` gives the darker page's values.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every figure, and nothing refers to them
    svg = re.sub(r"#([0-9a-f]{6})\b", r"var(--f-\1, #\1)", svg)
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0]
    name = f'role="img" aria-label="{escape(alt)}"'
    # matplotlib counts 72 points an inch; 90 CSS pixels make its text about as large as the page's small print
    size = f'viewBox="0 0 {width} {height}" width="{float(width) * 1.25:.0f}" height="{float(height) * 1.25:.0f}"'
    return re.sub(r"<svg.*?>", f"<svg {name} {size}>", svg, count=1, flags=re.DOTALL)


def render_faces(rows: dict[str, list[tuple[np.ndarray, str, str]]]) -> str:
    """Faces as HTML that needs no style sheet: by kind, pictures with two lines below each.

    Args:
        rows: by kind, (uint8 (48, 48, 3), a line, another one).
    """
    kinds = []
    for kind, faces in rows.items():
        shown = "".join(
            f'<span style="width: 4.9rem"><img width="78" height="78" alt="A face: {escape(truth)}; {escape(answer)}" '
            f'src="data:image/png;base64,{base64.b64encode(encode_png(picture)).decode()}" style="width: 100%">'
            f"{escape(truth)}<br>{escape(answer)}</span>"
            for picture, truth, answer in faces
        )
        kinds.append(
            f'<div><b>{escape(kind)}</b><div style="display: flex; flex-wrap: wrap; gap: .5rem">{shown}</div></div>'
        )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1rem 2rem; font-size: .8rem">{"".join(kinds)}</div>'


def render_page(template: str, **values) -> str:
    """One of our own pages, from `templates/`; in HTML, no line ends between a number and its unit."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "report"]),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"duration": format_duration, "thousands": "{:,}".format, "plain": escape_markdown}
    page = environment.get_template(template).render(**values)
    if template.endswith(".html.j2"):
        return re.sub(r"(?<=\d) (?=%|(?:s|min|h)\b)", "\N{NO-BREAK SPACE}", page)
    return page


def format_duration(seconds: float) -> str:
    """75 -> "1 min 15 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


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

_MEDIA = ("image/svg+xml", "image/png", "text/html")


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


def find_figures(run: Run, at_most: int = 4, names: tuple[str, ...] = MOST_TELLING) -> list[Picture]:
    """The first of some figures that the run's notebooks show, at most one a name."""
    found: dict[str, Picture] = {}
    for path in sorted(run.reports.glob("*.ipynb")):
        if not path.name.startswith(".") and not path.stem.endswith(".failed"):
            for picture in _read_figures(nbformat.read(path, as_version=4), f"{path.stem}.html"):
                key = picture.name
                if key not in found or not found[key].link.startswith(path.stem):
                    found[key] = picture
    return [found[name] for name in names if name in found][:at_most]


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
    if kind == "text/html":
        return alt, output.data[kind]
    if kind == "image/svg+xml":
        return alt, inline_svg(output.data[kind], alt)
    content = re.sub(r"\s", "", output.data[kind])
    width, height = struct.unpack(">II", base64.b64decode(content)[16:24])
    size = f'width="{width}" height="{height}"'
    return alt, f'<img class="drawn" {size} src="data:image/png;base64,{content}" alt="{escape(alt)}">'
