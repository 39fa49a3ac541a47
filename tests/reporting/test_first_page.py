import re
import shutil

import numpy as np
import pytest
from report_runs import write_run

from reporting.facts import read_facts
from reporting.first_page import place_on_strip, tabulate_confusion, tabulate_models, write_index
from reporting.html import find_figures
from utils.paths import Run


@pytest.fixture(scope="module")
def run():
    return write_run("indexed")


def test_the_first_page_answers_the_four_questions(run):
    html = write_index(run).read_text(encoding="utf-8")
    for question in ("What was done", "How good is it?", "How sure is that?", "What to distrust"):
        assert f">{question}</h2>" in html
    accuracy = read_facts(run).stress["accuracy"]
    assert f"<b>{100 * accuracy['value']:.1f}\N{NO-BREAK SPACE}%</b>" in html
    assert f"({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})" in html
    assert "64.3\N{NO-BREAK SPACE}%" in html  # the seed project's
    assert "so far <b>3</b> times over all runs of this checkout, 2 of them shown on this page" in html
    assert '<time datetime="2026-01-02">2 January 2026</time>' in html
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


def test_a_folder_that_is_no_run_is_left_out(run):
    stray = run.reports.with_name("indexed.bak")
    shutil.copytree(run.reports, stray)
    write_index(run)
    shutil.rmtree(stray)
    overview = (run.reports.parent / "index.html").read_text(encoding="utf-8")
    assert 'href="indexed/index.html"' in overview and "indexed.bak" not in overview


def test_a_run_without_anything_has_a_page():
    html = write_index(Run("nothing-yet")).read_text(encoding="utf-8")
    assert "No model was tested yet." in html


def test_the_strip_places_values_on_its_axis(run):
    strip = place_on_strip(read_facts(run))
    ticks = [int(tick["text"].rstrip(" %")) for tick in strip["ticks"]]
    assert [tick["at"] for tick in strip["ticks"]] == pytest.approx(np.interp(ticks, [ticks[0], 100], [0, 100]))
    assert ticks[-1] == 100
    assert [row["kind"] for row in strip["rows"]] == ["model", "model", "reference", "seed"]
    assert len({row["colour"] for row in strip["rows"]}) == 4
    for row in strip["rows"]:
        assert 0 <= row["left"] <= row["at"] <= row["left"] + row["width"] <= 100
        stated = float(row["text"].split(" %")[0])
        assert ticks[0] + row["at"] / 100 * (100 - ticks[0]) == pytest.approx(stated, abs=0.06)


def test_strip_and_table_name_the_models_in_one_order_with_their_notebooks(run):
    facts = read_facts(run)
    rows = [row for row in place_on_strip(facts)["rows"] if row["kind"] == "model"]
    for each in (rows, tabulate_models(facts)):
        made = [(row["name"], row["maker"].name) for row in each]
        assert made == [("EmotionDetector_1", "02_baseline_cnn"), ("EmotionDetector_2", "03_augmented_retraining")]


def test_of_a_hundred_pictures_of_a_label(run):
    facts = read_facts(run)
    rows = tabulate_confusion(facts)
    assert [row["label"] for row in rows] == list(rows[0]["answers"]) == ["Stress", "Non-stress"]
    for row in rows:
        assert sum(row["answers"].values()) == 100
        per_class = facts.stress["per_class"][row["label"]]
        assert row["count"] == per_class["count"]
        assert row["answers"][row["label"]] == pytest.approx(100 * per_class["recall"]["value"], abs=0.51)


def test_figures_are_found_by_what_draws_them(run):
    figures = find_figures(run)
    assert [figure.name for figure in figures] == ["references", "confusion"]
    assert figures[0].alt == "A line that falls & rises"
    assert figures[0].link == "05_second_look.html#A-section:-code-&-80-%25-more"
    assert figures[0].is_wide and not figures[1].is_wide
    assert find_figures(run, at_most=1) == figures[:1]
