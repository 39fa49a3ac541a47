import json
import re
import shutil

import numpy as np
import pytest
from report_runs import write_run

from reporting.facts import read_facts
from reporting.first_page import (
    place_accuracies,
    place_on_axis,
    place_recalls,
    tabulate_confusion,
    tabulate_emotions,
    tabulate_models,
    write_index,
)
from reporting.html import find_figures
from utils.evaluation.bootstrap import list_classes
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


def test_it_begins_with_how_good_how_sure_and_what_to_distrust(run):
    html = write_index(run).read_text(encoding="utf-8")
    short = html[: html.index("<h2")]
    assert [short.index(f"<dt>{what}</dt>") for what in ("How good", "How sure", "What to distrust")]
    accuracy = read_facts(run).stress["accuracy"]
    low, high = (f"{100 * accuracy[end]:.0f}" for end in ("low", "high"))
    assert f"is right on {100 * accuracy['value']:.0f} of 100 test faces ({low} to {high}); always saying" in short
    assert "it answers 50 of 100, and 96\N{NO-BREAK SPACE}% of those answers are right" in short
    assert "160 test pictures are few." in short
    # exactly, the accuracy stands in one place, but for what is said of other mappings
    told = html[: html.index('id="distrust"')]
    assert told.count(f"{100 * accuracy['value']:.1f}\N{NO-BREAK SPACE}%") == 1


def test_every_entry_of_the_contents_leads_to_a_section(run):
    html = write_index(run).read_text(encoding="utf-8")
    contents = re.findall(r'<li><a href="#([^"]+)"', html)
    assert {"done", "good", "classes", "sure", "distrust", "data", "more"} <= set(contents)
    assert all(html.count(f'id="{anchor}"') == 1 for anchor in contents)


@pytest.mark.parametrize("may_be_shown", [True, False])
def test_faces_are_shown_only_where_they_may_be(may_be_shown):
    run = write_run("faces")
    path = run.reports / "stages" / "01_preprocessing.json"
    for stage in path.parent.glob("*.json"):
        made = json.loads(stage.read_text())
        stage.write_text(json.dumps(made | {"parameters": made["parameters"] | {"SHOW_PICTURES": may_be_shown}}))
    html = write_index(run).read_text(encoding="utf-8")
    assert ('alt="A face: &lt;sad&gt;; model: 80%"' in html) == may_be_shown


ROWS = [(0.5, 0.4, 0.62), (0.55, None, None), (0.97, 0.95, 1.0), (None, None, None)]


def test_the_axis_holds_every_interval_and_places_values_by_its_ticks():
    rows = [{"figure": dict(zip(("value", "low", "high"), row, strict=True))} for row in ROWS]
    rows[-1]["figure"] = None
    placed = place_on_axis(rows)
    ticks = [float(tick["text"].rstrip(" %")) for tick in placed["ticks"]]
    assert ticks[0] <= 40 and ticks[-1] == 100 and 3 <= len(ticks) <= 8
    assert [tick["at"] for tick in placed["ticks"]] == pytest.approx(np.interp(ticks, [ticks[0], 100], [0, 100]))
    for row, (value, low, high) in zip(placed["rows"], ROWS[:3], strict=True):
        ends = row["left"], row["at"], row["left"] + row["width"]
        asked = 100 * np.array([low or value, value, high or value])
        assert ends == pytest.approx(np.interp(asked, [ticks[0], 100], [0, 100]))
    assert place_on_axis([{"figure": None}]) == {}


def test_plot_and_table_call_the_models_what_a_reader_understands(run):
    facts = read_facts(run)
    for each in (place_accuracies(facts)["rows"], tabulate_models(facts)):
        made = [(row["name"], row["folder"], row["maker"].name) for row in each]
        assert made == [("Baseline CNN", "EmotionDetector_1", "02_baseline_cnn"),
                        ("Stronger CNN", "EmotionDetector_2", "03_augmented_retraining")]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "name"), [("baseline_cnn", "Baseline CNN + augmentation"), ("mine", "The network mine")]
)
def test_the_last_model_is_called_by_its_network(run, network, name):
    facts = read_facts(run)
    facts.stages["03_augmented_retraining"].made["parameters"]["NETWORK"] = network
    assert facts.names["EmotionDetector_2"] == name


def test_emotions_have_their_recall_and_their_confusion(run):
    facts = read_facts(run)
    rows = tabulate_emotions(facts)
    per_class = facts.model["classes"]["per_class"]
    recalls = {row["name"]: row for row in place_recalls(list_classes(facts.model))["rows"]}
    assert [row["name"] for row in rows] == list(per_class) == list(recalls)
    for row in rows:
        recall = per_class[row["name"]]["recall"]["value"]
        assert row["answers"][row["name"]] == pytest.approx(100 * recall, abs=0.51)
        assert recalls[row["name"]]["count"] == row["count"] == per_class[row["name"]]["count"]


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
