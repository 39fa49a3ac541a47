import pytest
from report_runs import COUNT, write_run

from reporting.comparison import compare_figures, list_changes, main
from reporting.facts import read_facts


@pytest.fixture(scope="module")
def runs():
    return {
        "weak": write_run("weak", skill=0.6),
        "strong": write_run("strong", skill=1.8, epochs=9),
        "elsewhere": write_run("elsewhere", skill=1.8, pictures="b"),
    }


def figures(runs, first, second):
    last = compare_figures(read_facts(runs[first]), read_facts(runs[second]))[-1]
    return last, {row["figure"]: row for row in last["rows"]}


def test_the_same_pictures_are_paired_and_judged(runs):
    last, rows = figures(runs, "weak", "strong")
    assert (last["model"], last["pictures"]) == ("EmotionDetector_2", COUNT)
    assert {row["verdict"] for row in rows.values()} == {"better"}
    assert rows["accuracy"]["difference"].startswith("+")
    assert rows["log-loss"]["difference"].startswith("-")
    assert {row["verdict"] for row in figures(runs, "strong", "weak")[1].values()} == {"worse"}
    assert {row["verdict"] for row in figures(runs, "weak", "weak")[1].values()} == {"cannot be told apart"}


def test_other_pictures_are_not_paired(runs):
    last, rows = figures(runs, "weak", "elsewhere")
    assert last["pictures"] is None
    assert rows["accuracy"]["difference"] == "other pictures"
    assert rows["accuracy"]["verdict"] == "better"  # the intervals do not touch
    assert figures(runs, "strong", "elsewhere")[1]["accuracy"]["verdict"] == "cannot be told apart"


def test_what_changed_is_named_and_nothing_else(runs):
    changes = list_changes(read_facts(runs["weak"]), read_facts(runs["strong"]))
    assert changes["parameters"] == [("EPOCHS", "3", "9")]
    assert not any(changes[kind] for kind in ("data", "code", "versions", "machine"))


def test_a_page_is_written_or_one_line_says_why_not(runs, capsys):
    assert main(["weak", "strong"]) == 0
    reports = runs["weak"].reports.parent
    page = (reports / "compare-weak+strong.html").read_text()
    assert '<b class="good">better</b>' in page
    assert page.count("<svg") == 2
    assert '<a href="compare-weak+strong.html">weak against strong</a>' in (reports / "index.html").read_text()
    assert main(["weak", "nowhere"]) == 2
    assert "No run 'nowhere'" in capsys.readouterr().err
