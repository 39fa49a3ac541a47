"""Every page of a run in a browser: no request, no error, names for screen readers, nothing wider than a phone."""

import pytest
from browser import find_faults, start_chromium
from report_runs import write_run

from reporting.comparison import write_comparison
from reporting.first_page import write_index
from reporting.html import export_html
from utils.paths import TEST_EVALUATIONS

PAGES = (
    "shown/index.html",
    "shown/02_baseline_cnn.html",
    "shown/model_card.html",
    "shown/data_card.html",
    "index.html",
    "compare-shown+other.html",
)


@pytest.fixture(scope="module")
def browser():
    with start_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def folder():
    """reports/ with two runs."""
    runs = [write_run("shown", skill=1.2), write_run("other")]
    for run in runs:
        write_index(run)
    write_comparison(*runs)
    return TEST_EVALUATIONS.parent


@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_fault(browser, folder, name, width):
    assert find_faults(browser, folder / name, width, "light" if width == 1280 else "dark") == []


@pytest.mark.parametrize(
    ("fault", "body"),
    [("request: ", '<img alt="a" src="https://example.org/a.png">'), ("no alt", '<img src="data:,">'),
     ("is followed by", "<h2>a</h2><h4>b</h4>"), ("wider than", '<div style="width: 2000px">a</div>'),
     ("no name", "<svg></svg>"), ("leads nowhere", '<a href="#nowhere">a</a>'), ("error", "<script>throw 1</script>"),
     ("expected 1 h1", "<h1>a second</h1>")],
)  # fmt: skip
def test_faults_are_found(browser, tmp_path, fault, body):
    path = tmp_path / "page.html"
    path.write_text(f"<html lang='en'><body><main><h1>a</h1>{body}</main></body></html>")
    assert any(fault in found for found in find_faults(browser, path, 390))


def test_all_code_opens_in_one_click_and_by_keyboard(browser, folder):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((folder / "shown" / "02_baseline_cnn.html").as_uri())
    opened = "document.querySelectorAll('details.code[open]').length"
    assert page.evaluate(opened) == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_role("button", name="Show all code").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(opened) == 2
    page.get_by_role("button", name="Show all code", pressed=True).click()
    assert page.evaluate(opened) == 0
    page.close()


@pytest.mark.parametrize(("width", "is_open"), [(390, False), (1280, True)])
def test_contents_are_folded_on_a_phone_alone(browser, folder, width, is_open):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((folder / "shown" / "02_baseline_cnn.html").as_uri())
    assert page.evaluate("document.querySelector('.contents details').open") == is_open
    page.close()


def test_the_section_being_read_is_marked(browser, folder):
    page = browser.new_page(viewport={"width": 1280, "height": 300})
    page.goto((folder / "shown" / "02_baseline_cnn.html").as_uri())
    page.locator(".contents a", has_text="Another").click()
    page.wait_for_selector(".contents a[aria-current]:has-text('Another')", timeout=5000)
    page.close()


def test_drawings_change_colour_in_the_dark(browser, folder):
    seen = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((folder / "shown" / "02_baseline_cnn.html").as_uri())
        script = "getComputedStyle(document.querySelector('main svg path[style*=\"009e73\"]')).stroke"
        seen.add(page.evaluate(script))
        page.close()
    assert seen == {"rgb(0, 158, 115)", "rgb(43, 197, 151)"}


FADES = """() => {
  const boxes = [...document.querySelectorAll(".scroll, .card .picture")].filter((box) => box.checkVisibility());
  const edges = (box) => ["--left", "--right"].map((edge) => getComputedStyle(box).getPropertyValue(edge));
  return boxes.map((box) => [box.scrollWidth > box.clientWidth, edges(box)]);
}"""


@pytest.mark.parametrize("name", ["compare-shown+other.html", "shown/02_baseline_cnn.html"])
def test_what_goes_on_beyond_an_edge_fades_there_and_nothing_else_does(browser, folder, name):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((folder / name).as_uri())
    page.wait_for_timeout(200)
    found = page.evaluate(FADES)
    assert {scrolls for scrolls, _ in found} == {True, False}
    assert all(edges == (["0px", "48px"] if scrolls else ["0px", "0px"]) for scrolls, edges in found)
    page.evaluate("for (const box of document.querySelectorAll('.scroll, .card .picture')) box.scrollLeft = 9999")
    page.wait_for_timeout(200)
    assert all(edges == ["48px", "0px"] for scrolls, edges in page.evaluate(FADES) if scrolls)
    page.close()


def test_on_a_phone_the_models_stand_one_below_the_other_with_every_figure_named(browser, folder):
    seen = {}
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((folder / "shown" / "index.html").as_uri())
        script = "[...document.querySelectorAll('.stacked tbody tr:first-child td[data-title]')].map((cell) => "
        seen[width] = page.evaluate(script + "getComputedStyle(cell, '::before').content)")
        assert page.evaluate("document.querySelector('.stacked').parentNode.scrollWidth") <= width
        page.close()
    titles = ("notebook", "AUROC", "log-loss", "ECE")
    assert seen == {390: [f'"{title}"' for title in titles], 1280: ["none"] * len(titles)}


def test_on_a_phone_the_cards_parameters_are_read_without_scrolling(browser, folder):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((folder / "shown" / "model_card.html").as_uri())
    table = page.locator(".scroll", has=page.get_by_text("STRONG_VIEWS"))
    assert table.evaluate("(box) => box.scrollWidth - box.clientWidth") == 0
    name = table.get_by_text("VALIDATION_FRACTION")
    assert name.evaluate("(code) => code.getClientRects().length") == 1
    page.close()


def test_paper_shows_no_navigation_and_dark_ink(browser, folder):
    page = browser.new_page(color_scheme="dark")
    page.goto((folder / "shown" / "02_baseline_cnn.html").as_uri())
    page.emulate_media(media="print")
    assert not page.locator(".contents").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 30, 33)"
    page.close()


def test_a_notebook_without_any_code_or_box_is_a_page_too(browser, tmp_path):
    import nbformat

    cells = [nbformat.v4.new_markdown_cell("# Only text")]
    path = tmp_path / "page.html"
    path.write_text(export_html(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    assert find_faults(browser, path, 390) == []
