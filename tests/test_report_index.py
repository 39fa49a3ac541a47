import re

import pytest
from report_runs import write_run

from utils.paths import Run
from utils.report_facts import read_facts
from utils.report_figures import find_figures
from utils.report_index import place_on_strip, write_index


@pytest.fixture(scope="module")
def run():
    return write_run("indexed")


def test_the_first_page_answers_the_four_questions(run):
    html = write_index(run).read_text(encoding="utf-8")
    for question in ("What was done", "How good is it?", "How sure is that?", "What to distrust"):
        assert f">{question}</h2>" in html
    accuracy = read_facts(run).stress["accuracy"]
    assert f"<b>{100 * accuracy['value']:.1f} %</b>" in html
    assert f"({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})" in html
    assert "64.3 %" in html  # the seed project's
    assert "opened <b>3</b> times" in html
    assert "2 files could not be read" in html


def test_links_of_all_pages_lead_somewhere(run):
    write_index(run)
    for page in [*run.reports.glob("*.html"), run.reports.parent / "index.html"]:
        for link in re.findall(r'href="([^"#]+\.html)(?:#[^"]*)?"', page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), (page.name, link)


def test_what_failed_and_what_has_not_run_is_said():
    run = write_run("broken")
    (run.reports / "04_single_image_inference.html").unlink()
    (run.reports / "stages" / "04_single_image_inference.json").unlink()
    (run.reports / "stages" / "03_augmented_retraining.json").unlink()
    (run.reports / "03_augmented_retraining.failed.html").write_text("failed")
    html = write_index(run).read_text(encoding="utf-8")
    assert 'href="03_augmented_retraining.failed.html">failed' in html
    assert "not run" in html
    overview = (run.reports.parent / "index.html").read_text(encoding="utf-8")
    assert "03_augmented_retraining: failed." in overview
    assert "04_single_image_inference: not run." in overview


def test_a_run_without_anything_has_a_page():
    html = write_index(Run("nothing-yet")).read_text(encoding="utf-8")
    assert "No model was tested yet." in html


def test_the_strip_places_values_on_its_axis(run):
    strip = place_on_strip(read_facts(run))
    ticks = [int(tick.rstrip(" %")) for tick in strip["ticks"]]
    assert ticks[-1] == 100
    assert [row["kind"] for row in strip["rows"]] == ["model", "model", "reference", "seed"]
    for row in strip["rows"]:
        assert 0 <= row["left"] <= row["at"] <= row["left"] + row["width"] <= 100
        stated = float(row["text"].split(" %")[0])
        assert ticks[0] + row["at"] / 100 * (100 - ticks[0]) == pytest.approx(stated, abs=0.06)


def test_figures_are_found_by_what_draws_them(run):
    figures = find_figures(run)
    assert [figure.name for figure in figures] == ["references", "confusion"]
    assert figures[0].alt == "A line that falls & rises"
    assert figures[0].link == "04_single_image_inference.html#A-section:-code-&-80-%25-more"
    assert figures[0].is_wide and not figures[1].is_wide
    assert find_figures(run, at_most=1) == figures[:1]
