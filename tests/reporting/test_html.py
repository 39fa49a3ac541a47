from html import escape

import nbformat
from report_runs import draw_notebook

from reporting.html import export_html, format_duration, inline_svg, list_headings

SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36">
 <metadata><date>now</date></metadata>
 <defs><path id="mark" d="M 0 0"/></defs>
 <g id="figure_1"><path d="M 0 0" style="stroke: #009e73; fill: #fefefe"/><use xlink:href="#mark"/></g>
</svg>"""


def test_a_drawing_becomes_part_of_the_page():
    html = inline_svg(SVG, 'falls < "rises"')
    assert html.startswith('<svg role="img" aria-label="falls &lt; &quot;rises&quot;" viewBox="0 0 72 36" width="90"')
    assert "stroke: var(--f-009e73, #009e73); fill: var(--f-fefefe, #fefefe)" in html
    assert 'id="mark"' in html and 'href="#mark"' in html
    for gone in ("<?xml", "metadata", "figure_1", "http"):
        assert gone not in html


def test_contents_name_the_headings_that_the_page_has():
    notebook = draw_notebook("A title")
    headings = list_headings(notebook)
    assert [(heading["level"], heading["cell"]) for heading in headings] == [(2, 1), (3, 3), (2, 5)]
    html = export_html(notebook)
    for heading in headings:
        assert html.count(f'id="{escape(heading["anchor"])}"') == 1
        assert f'href="#{escape(heading["anchor"])}"' in html


def test_a_heading_in_code_is_none():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T\n\n```\n## not one\n```\n\n## One")])
    assert [heading["text"] for heading in list_headings(notebook)] == ["One"]


def test_the_page_says_how_it_was_made_and_escapes_it():
    made = {
        "started": "2026-01-02",
        "seconds": 75,
        "commit": "abc-dirty",
        "data": "f00",
        "python": "3.11",
        "machine": "M",
    }
    made |= {"versions": {"keras": "3"}, "parameters": {"SOURCE": "<b>"}}
    html = export_html(
        draw_notebook("A"), {"made": made, "run": "r", "previous": {"href": "0.html", "title": "Before"}}
    )
    for said in (
        "took 1 min 15 s",
        "with changes that are not in it",
        "keras 3",
        "&lt;b&gt;",
        'href="0.html"',
        "Run r",
    ):
        assert said in html


def test_durations():
    assert [format_duration(seconds) for seconds in (4.4, 75, 3700)] == ["4 s", "1 min 15 s", "1 h 1 min"]
