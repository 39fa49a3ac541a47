import re
from html import unescape

import pytest
import yaml
from report_runs import COUNT, write_run

from reporting.facts import read_facts
from reporting.first_page import CARDS, describe_for_hub, render_card, write_cards
from utils.paths import Run


def test_the_model_card_gives_the_metrics_and_what_is_not_to_be_done():
    facts = read_facts(write_run("carded"))
    text = render_card("model_card", facts)
    head = yaml.safe_load(text.split("---\n")[1])
    (result,) = head["model-index"][0]["results"]
    stated = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert stated["accuracy"] == round(facts.stress["accuracy"]["value"], 4)
    assert (head["library_name"], head["license"]) == ("keras", "other")
    sections = "Intended use, Out of scope, Data, What counts as Stress, Figures, Slices, Robustness to corruptions"
    for section in [*sections.split(", "), "Known failures and doubts", "Privacy", "Law", "How it was made"]:
        assert f"## {section}\n" in text
    accuracy = facts.stress["accuracy"]
    assert f"{100 * accuracy['value']:.1f} % ({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})" in text
    assert f"| pictures | {COUNT} | {COUNT} |" in text
    assert "| light | dim | 40 | 60.0 % (50.0 to 70.0) |" in text
    assert "| blur | 2, sigma [pixels] | 60.0 % (50.0 to 70.0) | 10.0 points (8.0 to 13.3) |" in text
    assert "/home/somebody" not in text


@pytest.mark.parametrize(
    "initial, teachers, said, unsaid",
    [
        ("", ["a", "b"], "half the mean answer of `a` and `b`. Python", "initialised"),
        ("mine", [], "initialised from that of the run `mine`. Python", "Half of each"),
        ("mine", ["a"], "`mine`. Half of each\ntarget is the label, half the mean answer of `a`.", "nothing"),
        ("", [], " Python", "initialised|Half of each"),
    ],
)
def test_the_model_card_says_what_the_network_learnt_from(initial, teachers, said, unsaid):
    facts = read_facts(write_run("carded"))
    asked = {"INITIAL_MODEL": initial, "TEACHERS": teachers}
    facts.stages["03_augmented_retraining"].made["parameters"] |= asked
    made = render_card("model_card", facts).split("## How it was made")[1].split("| parameter |")[0]
    assert said in made
    assert not re.search(unsaid, made)


def test_the_page_of_the_model_card_shows_figures_and_folds_the_slices(tmp_path):
    facts = read_facts(write_run("carded"))
    facts.slices[:] *= 60
    write_cards(facts, tmp_path)
    page, text = (tmp_path / f"model_card.{kind}" for kind in ("html", "md"))
    page, text = page.read_text(encoding="utf-8"), text.read_text(encoding="utf-8")
    folded = re.findall(r"<details><summary>All 60 slices</summary>(.*?)</details>", page, re.DOTALL)
    assert [part.count("<tr>") for part in folded] == [61]
    assert " 60 differ from the other pictures by more than chance explains" in text.split("<details>")[0]
    assert "<svg" not in text and "<img" not in text


@pytest.mark.parametrize(
    ("source", "people", "name"),
    [("fer2013.zip", {"pictures": 5, "people": 10}, "FER-2013 with FER+ votes"), ("fer2013.zip", None, "FER-2013"),
     ("mine.zip", None, "mine.zip")],
)  # fmt: skip
def test_the_head_of_the_card_names_the_data_set(source, people, name):
    facts = read_facts(write_run("carded"))
    facts.data.update(source=source, people=people)
    told = describe_for_hub(facts)["model-index"][0]["results"][0]["dataset"]
    assert told["name"] == name and "args" not in told
    facts.test["test_notes"] = ["The test pictures are half of them.", "An earlier model was scored on them."]
    told = describe_for_hub(facts)["model-index"][0]["results"][0]["dataset"]
    assert told["args"] == {"test": "The test pictures are half of them."}


def test_the_data_card_gives_counts_rights_and_findings():
    text = render_card("data_card", read_facts(write_run("carded")))
    assert "| train | 500 | 400 | 900 |" in text
    assert "| blank pictures | 1 |" in text
    assert "groups of identical" not in text  # none were found
    assert "licence" in text


@pytest.mark.parametrize(("classes", "mapped"), [(["Non-stress", "Stress"], False), (["angry", "happy"], True)])
def test_the_data_card_maps_emotions_where_there_are_any(classes, mapped):
    facts = read_facts(write_run("carded"))
    facts.data["class_names"] = classes
    assert ("Emotions become two labels by a mapping" in render_card("data_card", facts)) == mapped


def test_every_table_is_whole():
    facts = read_facts(write_run("carded"))
    for name in ("model_card", "data_card"):
        tables = re.findall(r"(?:^\|.*\n)+", render_card(name, facts), re.M)
        assert tables
        for table in tables:
            assert len({line.count("|") for line in table.splitlines()}) == 1, table
            assert re.fullmatch(r"[|:-]+", table.splitlines()[1])


def test_cards_of_a_run_that_has_not_begun(tmp_path):
    write_cards(read_facts(Run("not-begun")), tmp_path)
    assert "No model was tested yet." in (tmp_path / "model_card.md").read_text()
    assert "No data were read yet." in (tmp_path / "data_card.html").read_text()


def test_names_from_a_data_set_stay_text(tmp_path):
    foreign = "<img src=a.png> | ![a](a.png)"
    facts = read_facts(write_run("carded"))
    facts.data["source"] = facts.slices[0]["by"] = facts.slices[0]["slice"] = foreign
    write_cards(facts, tmp_path)
    for name in CARDS:
        html = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert "<img" not in html
        assert foreign in unescape(html)
    rows = re.findall(r"^\|.*\| 40 \|.*$", (tmp_path / "model_card.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [row.count("|") for row in rows] == [5]
