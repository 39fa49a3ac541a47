import copy

import numpy as np
import pytest

from reporting import show_given, show_people
from reporting.people import (
    PUBLISHED_FERPLUS,
    describe_clear,
    describe_ferplus,
    describe_label,
    describe_panels,
    describe_people,
    describe_share,
    tabulate_ferplus,
    tabulate_panels,
    tabulate_people,
)
from utils.evaluation.people import measure_given, measure_label, measure_people
from utils.evaluation.registry import show_percent
from utils.labels import EMOTIONS

NAMES, STRESS_EMOTIONS = list(EMOTIONS), ["angry", "disgust", "fear", "sad"]
COUNT = 120


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(8, 0.3), COUNT)
    votes = np.array([rng.multinomial(10, row) for row in probabilities])
    return votes, np.zeros((COUNT, 2), int), probabilities


@pytest.fixture(scope="module")
def people(drawn):
    return measure_people(*drawn, NAMES, STRESS_EMOTIONS, np.arange(COUNT))


@pytest.fixture(scope="module")
def label(drawn):
    return measure_label(np.arange(COUNT) % 7, *drawn[:2], NAMES, STRESS_EMOTIONS, np.arange(COUNT))


@pytest.fixture
def shown(monkeypatch):
    """Names of figures, numbers of rows of tables, and sentences, in their order."""
    seen = []
    monkeypatch.setattr("reporting.people.say", seen.append)
    monkeypatch.setattr("reporting.people.show_figure", lambda axes, alt, name: seen.append(name))
    monkeypatch.setattr("reporting.people.show_table", lambda table: seen.append(len(table)))
    return seen


def with_differences(people: dict, *values: float) -> dict:
    panels = [
        panel | {"difference": {"value": value, "low": value - 0.01, "high": value + 0.01}}
        for panel, value in zip(people["panels"], values, strict=True)
    ]
    return people | {"panels": panels}


def test_the_sentence_names_as_many_people_as_were_reached(people):
    behind = with_differences(people, -0.124, -0.16, -0.168, -0.159) | {"as_often_as": 0}
    assert "less often than one person would; against one person it differs by -12.4 points" in describe_panels(behind)
    first = with_differences(people, 0.012, -0.01, -0.02, -0.03) | {"as_often_as": 1}
    said = describe_panels(first)
    assert "at least as often as one person would, and less often than 3 people; against one" in said
    assert "+1.2 points (+0.2 to +2.2)" in said
    third = with_differences(people, 0.04, 0.003, -0.02, -0.03) | {"as_often_as": 3}
    assert "at least as often as 3 people would, and less often than 5 people" in describe_panels(third)
    most = with_differences(people, 0.04, 0.03, 0.02, 0.01) | {"as_often_as": 7}
    assert "at least as often as 7 people would, the most that were tried" in describe_panels(most)
    assert "Too few people" in describe_panels(people | {"panels": [], "as_often_as": None})


def test_the_sentence_on_shares_takes_sides_only_where_the_interval_does(people):
    share = copy.deepcopy(people["share"])
    share |= {
        "slope": {"value": 0.64, "low": 0.6, "high": 0.7},
        "intercept": {"value": -2.0, "low": -2.1, "high": -1.9},
    }
    bad = describe_share(share | {"p_value": 0.0})
    assert "0.64 (0.60 to 0.70): the model is too sure" in bad
    assert "P(Stress) is too high" in bad
    assert "p < 0.001 (rejected)" in bad
    share |= {"slope": {"value": 1.1, "low": 0.9, "high": 1.2}, "intercept": {"value": 0.1, "low": -0.1, "high": 0.2}}
    good = describe_share(share | {"p_value": 0.31})
    assert "cannot be estimated" in describe_share(share | {"slope": None, "p_value": None})
    assert "noise" not in describe_share(share | {"p_value": 0.31, "floor": dict.fromkeys(("value", "low", "high"))})
    assert "neither over- nor underconfident as far as can be told" in good
    assert "neither too high" in good and "p = 0.31 (not rej" in good
    share |= {"brier": {"value": 0.05, "low": 0.035, "high": 0.1}, "floor": {"value": 0.01}, "p_value": 0.31}
    known = describe_share(share)
    assert "of single pictures P(Stress) is off by 20.0 points (15.8 to 30.0) (root mean square," in known
    share["brier"]["low"] = 0.005
    assert "off by 20.0 points (0.0 to 30.0)" in describe_share(share)


def test_sentences_say_the_figures(people, label):
    assert show_percent(people["accuracy"]["value"]) in describe_people(people)
    assert f"on the {people['majority']} others" in describe_people(people)
    nothing = {"accuracy": dict.fromkeys(("value", "low", "high"))}
    assert "answer in –." in describe_people(people | nothing)
    assert show_percent(label["accuracy"]["value"]) in describe_label(label)
    clear = describe_clear(people, label)
    assert f"{people['neutral']['count']} faces that at least 80 % of the people call neutral" in clear
    assert f"own labels {show_percent(label['neutral']['called_stress']['value'])}" in clear
    assert "own labels" not in describe_clear(people)
    assert describe_clear(people | {"neutral": None}).startswith(f"On {people['agreed']['count']} pictures")
    assert show_percent(people["ferplus"]["balanced_accuracy"]["value"]) in describe_ferplus(people["ferplus"])


def test_what_is_published_stands_beside_with_its_pictures(people):
    table = tabulate_ferplus(people)
    assert len(table) == 1 + len(PUBLISHED_FERPLUS)
    assert table["accuracy"].tolist()[1:] == ["85.0 %", "88.0 % to 90.5 %"]
    assert (table["pictures"][1:] == "FER-2013's other test half").all()


def test_tables_leave_out_what_nobody_has(people, label):
    table = tabulate_people({"model": people, "label": label})
    assert (table["label"] == "–").any()
    assert table.set_index("figure").loc["ties on Stress", "model"] == str(people["ties"])
    assert "clearly neutral faces" in table["figure"].tolist()
    without = tabulate_people({"model": people | {"neutral": None}})
    assert "clearly neutral faces" not in without["figure"].tolist()
    assert tabulate_panels(people, label)["people"].tolist() == [1, 3, 5, 7]
    assert (tabulate_panels(people)["the data set's label agrees"] == "–").all()


def test_the_section_shows_everything_that_there_is(people, label, shown):
    show_people({"people": people, "label": label})
    assert shown.count("people") == 1
    assert describe_panels(people) in shown and describe_ferplus(people["ferplus"]) in shown
    shown.clear()
    show_people({"people": people | {"ferplus": None, "panels": [], "as_often_as": None}, "label": None})
    assert "people" not in shown and not any("protocol" in str(part) for part in shown)
    shown.clear()
    show_people({"people": None, "label": None})
    show_given(None)
    assert len(shown) == 2


def test_the_labels_table_says_what_they_are(drawn, shown):
    show_given(measure_given(np.arange(COUNT) % 7, drawn[2], NAMES, STRESS_EMOTIONS, np.arange(COUNT)))
    assert shown[0] == 5
    assert "people often see something else" in shown[1]
    assert "dropped from the answers: surprise" in shown[1]
