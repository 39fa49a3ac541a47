"""Published figures: frozen from a run, quoted in both READMEs and the cards, and true of the shipped model."""

import json

import pytest
from report_runs import COUNT, write_run
from support import CHECKOUT

from reporting import published, results
from utils.data import sealed_test
from utils.evaluation.scoring import SAMPLE_PICTURES, rescore
from utils.files import read_json
from utils.paths import ROOT, Run

FILES = sorted((CHECKOUT / "reports" / "published").glob("*.json"))
TOLERANCE = 1e-3

each_file = pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.stem if path else "none")


@pytest.fixture
def checkout(monkeypatch):
    """The published figures, models and READMEs of the checkout instead of the tests' root."""
    monkeypatch.setattr(published, "ROOT", CHECKOUT)
    monkeypatch.setattr(results, "ROOT", CHECKOUT)
    monkeypatch.setattr(published, "PUBLISHED", CHECKOUT / "reports" / "published")
    monkeypatch.setattr(published, "SHIPPED", CHECKOUT / "models" / "shipped")
    monkeypatch.setattr(sealed_test, "TEST_LEDGER", CHECKOUT / "reports" / "published" / "test_ledger.jsonl")


def find_shipped(path):
    if path is None:
        pytest.skip("no figures are published yet")
    folder = published.find_shipped(path)
    if folder is None:
        pytest.skip(f"{path.name} is not of a shipped model")
    return folder


def test_documents_and_shipped_cards_quote_the_published_figures(checkout):
    assert results.find_outdated() == {}


def test_every_shipped_model_has_its_figures_published(checkout):
    folders = sorted((CHECKOUT / "models" / "shipped").glob("*/"))
    if not folders:
        pytest.skip("no model is shipped yet")
    assert {published.find_shipped(path) for path in FILES} - {None} == set(folders)


@each_file
def test_the_shipped_model_scores_on_the_sample_what_is_published(checkout, path):
    folder, sample = find_shipped(path), CHECKOUT / "data" / "sample" / "faces.zip"
    stated = json.loads(path.read_text())["on_sample"]
    if stated is None or not sample.exists():
        pytest.skip("no score on the embedded sample is published")
    assert rescore(folder, sample, SAMPLE_PICTURES) == pytest.approx(stated, abs=TOLERANCE)


@pytest.fixture(scope="module")
def on_fer2013(shared):
    """The shipped model scored on FER-2013's test part: against its labels, and against people's votes."""
    return rescore(CHECKOUT / "models" / "shipped" / "EmotionDetector_2", shared / "data" / "fer2013.zip", split="test")


@each_file
def test_the_shipped_model_scores_on_fer2013_what_is_published(checkout, path, on_fer2013):
    find_shipped(path)
    model = published.read_published(path).model
    assert on_fer2013["auroc"] == pytest.approx(model["stress"]["auroc"]["value"], abs=TOLERANCE)
    for name in ("brier", "ece"):
        told, scored = model["stress"][name]["value"], on_fer2013["stress"][name]["value"]
        assert scored == pytest.approx(told, abs=TOLERANCE)
    told, scored = (
        flatten({"people": content["people"], "given": content["given"]}) for content in (model, on_fer2013)
    )
    assert scored.keys() == told.keys()
    values = [key for key in told if key.endswith((".value", ".count"))]
    assert {key: scored[key] for key in values} == pytest.approx({key: told[key] for key in values}, abs=TOLERANCE)


def flatten(content, key: str = "") -> dict:
    """Every number of nested dicts and lists, by its path."""
    if isinstance(content, dict | list):
        parts = content.items() if isinstance(content, dict) else enumerate(content)
        return {name: value for each, part in parts for name, value in flatten(part, f"{key}.{each}").items()}
    return {key: content}


def test_what_people_say_of_one_another_and_of_the_labels(checkout):
    facts = next(published.read_published(path) for path in FILES if published.find_shipped(path))
    people, label = facts.people, facts.model["label"]
    assert (people["judged"], people["ties"], people["majority"]) == (3553, 88, 3465)
    assert (people["neutral"]["count"], people["ferplus"]["count"]) == (719, 3199)
    found = {panel["size"]: panel["people"]["value"] for panel in people["panels"]}
    found |= {name: people["share"][name]["value"] for name in ("floor", "ceiling")}
    found |= {"label": label["accuracy"]["value"], "label, neutral": label["neutral"]["called_stress"]["value"]}
    expected = {1: 0.868, 3: 0.905, 5: 0.914, 7: found[7], "floor": 0.010, "ceiling": 0.113}
    assert found == pytest.approx(expected | {"label": 0.760, "label, neutral": 0.42}, abs=0.002)


def test_the_shipped_model_is_what_is_promised(checkout):
    """Closer to people than one person, and than its data's labels; as right as it says; files fit to be committed."""
    path = next(path for path in FILES if published.find_shipped(path))
    for name in published.MODEL_FILES:
        assert (published.find_shipped(path) / name).stat().st_size <= 16e6, name
    facts = published.read_published(path)
    people, label, abstention = facts.people, facts.model["label"], facts.model["abstention"]
    assert people["panels"][0]["size"] == 1
    assert people["panels"][0]["difference"]["low"] > 0
    assert people["accuracy"]["low"] > label["accuracy"]["high"]
    assert people["neutral"]["called_stress"]["high"] < label["neutral"]["called_stress"]["low"] / 4
    assert abstention["accuracy"]["value"] >= abstention["target_accuracy"] == 0.95


@pytest.fixture
def readmes(monkeypatch, tmp_path):
    """One published run and the documents that quote it, none of the checkout's."""
    monkeypatch.setattr(published, "PUBLISHED", tmp_path / "reports" / "published")
    monkeypatch.setattr(published, "SHIPPED", tmp_path / "models" / "shipped")
    write_run("finished")
    path = published.publish(Run("finished"))
    monkeypatch.setattr(published, "ROOT", tmp_path)
    monkeypatch.setattr(results, "ROOT", tmp_path)
    for name in results.READMES:
        (tmp_path / name).write_text("# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nThe end.\n")
    (tmp_path / "docs").mkdir()
    markers = ("people", "peers", "real", "rendered")
    (tmp_path / "docs" / "results.md").write_text("\n".join(f"<!-- {name} -->\n<!-- /{name} -->" for name in markers))
    tables = [f"## {name}\n<!-- {name} -->\n<!-- /{name} -->\n" for name in published.render_schema()]
    (tmp_path / "reports" / "SCHEMA.md").write_text("\n".join(tables))
    assert results.main([]) == 0
    return path


def test_tables_are_written_and_then_left_alone(readmes, tmp_path, capsys):
    assert results.main(["--check"]) == 0
    accuracy = published.read_published(readmes).stress["accuracy"]
    english, french = ((tmp_path / name).read_text() for name in results.READMES)
    told = (tmp_path / "docs" / "results.md").read_text()
    assert f"| {COUNT} |" in told
    assert f"{100 * accuracy['value']:.1f} % ({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})" in told
    assert english == french
    assert english.startswith("# Title\n") and english.endswith("The end.\n")


def ship(path, folder):
    folder.mkdir(parents=True)
    for name in published.MODEL_FILES:
        (folder / name).write_text("finished EmotionDetector_2")
    for name in ("model_card.md", "data_card.md"):
        (folder / name).write_text("old")


def test_the_shipped_model_stands_beside_people_and_its_cards_are_renewed(readmes, tmp_path):
    rate = {"value": 0.9, "low": 0.88, "high": 0.92}
    neutral = {"count": 700, "called_stress": rate | {"value": 0.02}}
    same = {"model": rate, "difference": rate, "pictures": 152}
    panels = [{"size": size, "people": rate | {"value": 0.8 + size / 100}} | same for size in (1, 3, 5)]
    content = json.loads(readmes.read_text())
    model = content["stages"]["03_augmented_retraining"]["metrics"]["models"]["EmotionDetector_2"]
    share = {"brier": {"value": 0.03, "low": 0.028, "high": 0.032}, "floor": rate | {"value": 0.01}}
    model |= {"people": {"accuracy": rate, "neutral": neutral, "panels": panels, "as_often_as": 3, "ferplus": None,
                         "ties": 5, "judged": 155, "majority": 150, "share": share, "agreed": {}}}  # fmt: skip
    model |= {"label": {"accuracy": rate | {"value": 0.76}, "neutral": neutral}, "given": None}
    readmes.write_text(json.dumps(content))
    folder = tmp_path / "models" / "shipped" / "EmotionDetector_2"
    ship(readmes, folder)
    told = results.render_headline()
    assert "calls Stress, of 700 faces that at least 80 % call neutral" in told
    assert "| **the shipped model** | 90.0 % (88.0 to 92.0) | 2.0 %" in told
    minus = "by the others' majority (the model, by the same, minus them: +90.0 points (+88.0 to +92.0))"
    assert f"| one voter, {minus} | 81.0 %" in told and f"| 3 voters, {minus} | 83.0 %" in told
    assert f"150 of {COUNT} pictures have a majority (voters' rows: 152)." in told
    assert "| the labels from before the vote | 76.0 %" in told
    assert ", by 14.1 points (13.4 to 14.8) for one picture" in told
    assert "other programs" not in told
    assert "| one vote, against the majority of the others: they agree | 81.0 %" in results.render_people()
    model["given"] = {"accuracy": rate | {"value": 0.7}, "class_accuracy": rate}
    readmes.write_text(json.dumps(content))
    other = {"people": {"accuracy": rate, "neutral": neutral}}
    systems = {f"at {share}": other | {"given": {"accuracy": {"value": share}}} for share in (0.6, 0.75, 0.8)}
    (tmp_path / "docs" / "peers.json").write_text(json.dumps({"systems": systems}))
    admitted = "By the labels from before the vote 2 of 3 other programs are right more often."
    assert admitted in results.render_headline()


def test_figures_over_the_classes_have_their_own_count(readmes):
    assert f"| {COUNT} |" in results.render_runs(rendered=False) + results.render_runs(rendered=True)
    content = json.loads(readmes.read_text())
    content["stages"]["03_augmented_retraining"]["metrics"]["models"]["EmotionDetector_2"]["classes"]["count"] = (
        COUNT + 7
    )
    readmes.write_text(json.dumps(content))
    assert f"| {COUNT}, classes {COUNT + 7} |" in results.render_runs(rendered=False) + results.render_runs(
        rendered=True
    )


def test_a_number_that_differs_is_found(readmes, tmp_path, capsys):
    path = tmp_path / "docs" / "results.md"
    path.write_text(path.read_text().replace(f"| {COUNT} |", f"| {COUNT + 1} |", 1))
    assert results.main(["--check"]) == 1
    assert capsys.readouterr().out == "Outdated: results.md\n"
    assert results.main([]) == 0
    assert results.main(["--check"]) == 0


def test_missing_markers_are_one_line(readmes, tmp_path, capsys):
    (tmp_path / "README.md").write_text("no markers")
    assert results.main([]) == 2
    assert "once each" in capsys.readouterr().err


def test_a_published_file_tells_nothing_of_somebodys_folders(readmes):
    text = readmes.read_text()
    assert "somebody" not in text
    assert str(ROOT) not in text
    assert published.read_published(readmes).parameters["SOURCE"] == "faces.zip"


def test_a_published_file_knows_its_model_byte_for_byte(readmes, tmp_path):
    assert published.find_shipped(readmes) is None
    folder = tmp_path / "models" / "shipped" / "EmotionDetector_2"
    ship(readmes, folder)
    assert published.find_shipped(readmes) == folder
    assert "EmotionDetector_2 (shipped)" in results.render_runs(rendered=False)
    assert set(results.find_outdated()) >= {folder / "model_card.md", folder / "data_card.md"}
    (folder / "model.tflite").write_text("another")
    assert published.find_shipped(readmes) is None


def test_a_run_without_a_model_is_refused(capsys):
    assert results.main(["nothing"]) == 2
    assert "'nothing'" in capsys.readouterr().err


def change_stage(stage, **changes):
    path = Run("finished").reports / "stages" / f"{stage}.json"
    made = json.loads(path.read_text())
    path.write_text(json.dumps(made | changes))
    return made


def test_unfinished_and_mixed_runs_are_refused(readmes, capsys):
    change_stage("01_preprocessing", data="another")
    assert results.main(["finished"]) == 2
    assert "its stages had different data. Run the pipeline to its end" in capsys.readouterr().err
    failed = Run("finished").reports / "03_augmented_retraining.failed.html"
    failed.write_text("")
    assert results.main(["finished"]) == 2
    failed.unlink()
    assert "03_augmented_retraining did not end well" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"INITIAL_MODEL": "first", "TEACHERS": []}, ["was initialised from that of `first`."]),
     ({"INITIAL_MODEL": "", "TEACHERS": ["a", "b"]}, ["also learnt from the answers of `a`, `b`."]),
     ({"INITIAL_MODEL": "", "TEACHERS": []}, [])],
)  # fmt: skip
def test_tables_say_on_whose_shoulders_a_model_stands(readmes, given, expected):
    content = json.loads(readmes.read_text())
    content["stages"]["03_augmented_retraining"]["made"]["parameters"] |= given
    readmes.write_text(json.dumps(content))
    lines = [line for line in results.render_runs(rendered=False).splitlines() if line.startswith("`finished`")]
    assert lines == [f"`finished`'s EmotionDetector_2 {said}" for said in expected]


def test_a_readme_shows_of_other_systems_the_one_that_agrees_most_with_people(checkout):
    systems = read_json(CHECKOUT / results.PEERS)["systems"]
    best = max(systems, key=lambda name: systems[name]["people"]["accuracy"]["value"])
    assert [name for name in systems if f"`{name}`" in results.render_headline()] == [best]
    assert all(f"| `{name}` |" in results.render_peers() for name in systems)
