"""The shipped model on data it has never seen: figures as computed directly, copies refused, each test told of once."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from browser import find_faults, start_chromium
from PIL import Image, ImageEnhance, ImageOps
from raw_sources import make_zip
from support import CHECKOUT, EMOTIONS, draw_face, encode

from pipeline import final_test
from pipeline.final_test import name_run, run_final_test
from utils.data.ingest import inspect_source, read_pictures
from utils.evaluation.calibration import soften
from utils.evaluation.people import measure_people
from utils.evaluation.scoring import rescore
from utils.files import read_json, write_json
from utils.paths import ROOT, TEST_LEDGER

STRESS = ["angry", "disgust", "fear", "sad"]
SHIPPED = CHECKOUT / "models" / "shipped" / "EmotionDetector_2"
TEMPERATURE = 1.6


def draw_files(seed, each=4, splits=("train",), names=EMOTIONS):
    """{split/class/number.png: bytes}."""
    rng = np.random.default_rng(seed)
    return {
        f"{split}/{name}/{number}.png": encode(draw_face(name, rng))
        for split in splits
        for name in names
        for number in range(each)
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the model was trained on, with a published test split."""
    files = draw_files(0, each=2, splits=("train", "test"))
    return make_zip(tmp_path_factory.mktemp("trained") / "trained.zip", files)


class Answering:
    """Instead of a network: class probabilities that depend on the pixels, by chance."""

    def __init__(self, class_names, stress_classes):
        self.class_names, self.stress_classes = class_names, stress_classes
        self.weights = np.random.default_rng(3).normal(0, 0.03, (48 * 48 * 3, len(class_names)))

    def probabilities(self, pictures):
        logits = (pictures.reshape(len(pictures), -1) / 255 - 0.5) @ self.weights
        return soften(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), TEMPERATURE).astype(np.float32)

    def p_stress(self, rows):
        columns = [self.class_names.index(name) for name in self.stress_classes]
        return rows[:, columns].sum(axis=1, dtype=np.float64)


@pytest.fixture
def make_model(tmp_path, monkeypatch):
    """A saved model of some classes, without a network."""

    def make(class_names=EMOTIONS, stress_classes=STRESS):
        model = Answering(list(class_names), list(stress_classes))
        monkeypatch.setattr(final_test, "Classifier", SimpleNamespace(load=lambda _folder: model))
        monkeypatch.setattr(final_test, "SHIPPED", tmp_path / "shipped")
        card = {"class_names": model.class_names, "stress_classes": model.stress_classes, "temperature": TEMPERATURE}
        card |= {"what": "chance", "abstention": None, "network": "n" * 64}
        write_json(tmp_path / "shipped" / "EmotionDetector_2" / "model.json", card)
        return tmp_path / "shipped" / "EmotionDetector_2"

    return make


@pytest.fixture(autouse=True)
def ledger():
    """None has been published yet."""
    TEST_LEDGER.unlink(missing_ok=True)
    return TEST_LEDGER


def read_lines(ledger):
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def read_scores(page):
    return read_json(page.with_name("metrics.json"))["models"]["EmotionDetector_2"]


def test_the_shipped_model_gets_the_figures_of_a_direct_computation(tmp_path, trained, ledger):
    source = make_zip(tmp_path / "Other half.zip", draw_files(1, each=2, splits=("train", "test")))
    page = run_final_test(SHIPPED, str(source), str(trained))
    assert page == ROOT / "reports" / "final-test-Other-half" / "index.html"
    scores, direct = read_scores(page), rescore(SHIPPED, source)
    assert scores["stress"]["count"] == direct["pictures"] == 28  # whatever split they belong to
    for name in ("accuracy", "auroc", "log_loss"):
        assert scores["stress"][name]["value"] == pytest.approx(direct[name], abs=1e-6)
    assert scores["classes"]["accuracy"]["value"] == pytest.approx(direct["class_accuracy"])
    assert scores["people"] is None
    (line,) = read_lines(ledger)
    assert (line["run"], line["purpose"]) == ("final-test-Other-half", "final test on Other half.zip")
    assert line["figures"]["stress.accuracy"] == round(direct["accuracy"], 4)
    assert f"{100 * direct['accuracy']:.1f}" in page.read_text()
    assert "None is among these" in page.read_text()
    assert "final-test-Other-half/index.html" in (ROOT / "reports" / "index.html").read_text()


def change(picture):
    """A near-duplicate: mirrored, brighter, compressed."""
    with Image.open(io.BytesIO(picture)) as image:
        return encode(ImageEnhance.Brightness(ImageOps.mirror(image)).enhance(1.15), "JPEG", quality=85)


@pytest.fixture
def known(tmp_path, trained):
    """A source with a copy and a near-duplicate of training pictures, and a copy of a test picture."""
    files = draw_files(2)
    learnt = draw_files(0, each=2, splits=("train", "test"))
    files["train/happy/copy.png"] = learnt["train/happy/1.png"]
    files["train/sad/near.jpg"] = change(learnt["train/sad/0.png"])
    files["train/fear/of_test.png"] = learnt["test/fear/1.png"]
    return make_zip(tmp_path / "known.zip", files)


def test_pictures_that_are_in_training_are_named_and_refused(capsys, known, trained, make_model, ledger):
    make_model()
    assert final_test.main(["--source", str(known), "--trained-on", str(trained)]) == 2
    said = capsys.readouterr()
    assert "2 of 31 pictures of known.zip are in trained.zip, too, or nearly so" in said.err
    assert "WITHOUT_COPIES=1" in said.err
    folder = ROOT / "reports" / "final-test-known"
    assert [path.name for path in folder.iterdir()] == ["copies.csv"]
    named = pd.read_csv(folder / "copies.csv").sort_values("file").to_dict("split")["data"]
    assert named == [
        ["train/happy/copy.png", "the same pixels", "train/happy/1.png"],
        ["train/sad/near.jpg", "nearly the same", "train/sad/0.png"],
    ]
    assert not ledger.exists()


def test_they_are_left_out_where_that_is_asked_for(capsys, known, trained, make_model, ledger):
    make_model()
    assert final_test.main(["--source", str(known), "--trained-on", str(trained), "--without-copies=1"]) == 0
    assert "Scored 29 pictures, 2 were left out" in capsys.readouterr().out
    page = ROOT / "reports" / "final-test-known" / "index.html"
    assert read_scores(page)["stress"]["count"] == 29
    assert "<b>2</b> are among these" in page.read_text()
    assert len(pd.read_csv(page.with_name("copies.csv"))) == 2
    assert read_lines(ledger)[0]["left_out"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "needs SOURCE=path"), (["--source=a.zip"], "needs TRAINED_ON=path, the data that"),
     (["--source=/nowhere/a.zip", "--trained-on=b.zip"], "nothing at /nowhere/a.zip"),
     (["--source=a.zip", "--trained-on=b.zip", "--without-copies=no"], "WITHOUT_COPIES=no: expected 1")],
)  # fmt: skip
def test_what_is_missing_is_asked_for_in_one_line(capsys, ledger, words, said):
    assert final_test.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not ledger.exists()


def test_two_classes_get_the_figures_of_stress_alone(tmp_path, trained, make_model):
    files = draw_files(4, each=8, names=("happy", "sad"))
    two = {name.replace("happy", "Non-stress").replace("sad", "Stress"): data for name, data in files.items()}
    source, model = make_zip(tmp_path / "two.zip", two), make_model()
    page = run_final_test(model, str(source), str(trained))
    scores = read_scores(page)
    records, pixels, _ = read_pictures(inspect_source(source))
    answering = Answering(EMOTIONS, STRESS)
    p_stress = answering.p_stress(answering.probabilities(pixels))
    right = (p_stress >= 0.5) == records["label"]
    assert scores["stress"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert scores["stress"]["brier"]["value"] == pytest.approx(((p_stress - records["label"]) ** 2).mean(), abs=1e-6)
    assert scores["classes"] is None
    assert "nothing is said of emotions" in page.read_text()
    # without the temperature: of the seven classes, not of their sum
    before = answering.p_stress(soften(answering.probabilities(pixels), 1 / TEMPERATURE))
    loss = -np.log(np.where(records["label"] == 1, before, 1 - before)).mean()
    assert scores["calibration"]["before"]["log_loss"]["value"] == pytest.approx(loss, abs=1e-6)


def test_votes_count_and_so_does_a_class_that_the_model_does_not_know(tmp_path, trained, make_model):
    files = draw_files(5)
    rng = np.random.default_rng(0)
    columns = [*EMOTIONS, "contempt", "unknown", "not_a_face"]
    votes = pd.DataFrame(rng.multinomial(10, [0.12] * 7 + [0.08, 0.04, 0.04], len(files)), columns=columns)
    votes.loc[0] = [0] * 7 + [10, 0, 0]
    votes.loc[1] = [0] * 8 + [10, 0]
    source = make_zip(tmp_path / "voted.zip", files)
    votes.assign(file=list(files)).to_csv(tmp_path / "voted.votes.csv", index=False)
    page = run_final_test(make_model(), str(source), str(trained))
    scores, text = read_scores(page), page.read_text()
    assert scores["people"]["judged"] == scores["classes"]["count"] < len(files)
    assert scores["classes"]["per_class"]["contempt"]["recall"]["value"] == 0
    assert "does not know contempt" in text

    order = sorted([*EMOTIONS, "contempt"])
    records, pixels, _ = read_pictures(inspect_source(source))
    counts = votes.set_index(pd.Index(files)).reindex(records["file"])
    aligned = np.zeros((len(records), 8))
    aligned[:, [order.index(name) for name in EMOTIONS]] = Answering(EMOTIONS, STRESS).probabilities(pixels)
    direct = measure_people(
        counts[order].to_numpy(), counts[["unknown", "not_a_face"]].to_numpy(), aligned, order, STRESS,
        np.arange(len(records)),
    )  # fmt: skip
    for name in ("judged", "ties", "majority", "accuracy", "class_accuracy"):
        assert scores["people"][name] == pytest.approx(direct[name], abs=1e-6)
    assert scores["people"]["share"]["brier"]["value"] == pytest.approx(direct["share"]["brier"]["value"], abs=1e-6)
    assert scores["people"]["ferplus"]["count"] == direct["ferplus"]["count"]


def test_a_class_that_no_picture_shows_is_told(tmp_path, trained, make_model):
    source = make_zip(tmp_path / "few.zip", draw_files(6, names=("happy", "neutral", "sad")))
    page = run_final_test(make_model(), str(source), str(trained))
    per_class = read_scores(page)["classes"]["per_class"]
    assert (per_class["angry"]["count"], per_class["angry"]["recall"]["value"]) == (0, None)
    assert "No picture is angry, disgust, fear, surprise" in page.read_text()


def test_emotions_are_refused_where_the_model_knows_none(tmp_path, trained, make_model):
    source = make_zip(tmp_path / "emotions.zip", draw_files(7))
    with pytest.raises(ValueError, match="knows Non-stress and Stress, no emotions"):
        run_final_test(make_model(["Non-stress", "Stress"], ["Stress"]), str(source), str(trained))


def test_too_little_that_is_left_is_refused(tmp_path, trained, make_model, ledger):
    learnt = draw_files(0, each=2)
    files = {name: data for name, data in learnt.items() if "happy" in name} | draw_files(8, names=("sad",))
    source = make_zip(tmp_path / "left.zip", files)
    with pytest.raises(ValueError, match="too little is left to test on, 4 pictures with a label, after 2 were left"):
        run_final_test(make_model(), str(source), str(trained), without_copies=True)
    assert not (ROOT / "reports" / "final-test-left").exists()
    assert not ledger.exists()


def test_persons_of_the_source_stay_together(tmp_path, trained, make_model):
    """With one picture that was learnt, all of its person's are left out; the others are held against training."""
    learnt, files = draw_files(0, each=2), draw_files(9)
    files["train/happy/copy.png"] = learnt["train/happy/1.png"]
    subjects = {"train/happy/copy.png": "a", "train/sad/0.png": "a", "train/sad/1.png": "b"}
    table = "file,subject\n" + "".join(f"{name},{subject}\n" for name, subject in subjects.items())
    source = make_zip(tmp_path / "persons.zip", files | {"attributes.csv": table.encode()})
    page = run_final_test(make_model(), str(source), str(trained), without_copies=True)
    named = pd.read_csv(page.with_name("copies.csv")).set_index("file")["what"]
    assert sorted(named.index) == ["train/happy/copy.png", "train/sad/0.png"]
    assert named["train/sad/0.png"] == "with a third one: a scene, or a person"


def test_persons_of_two_sources_are_not_told_again(tmp_path, make_model):
    """Pictures are compared, though it is known in both who they are of; a name that both have joins nobody."""
    learnt, files = draw_files(0, each=2), draw_files(12)
    files["train/happy/near.jpg"] = change(learnt["train/happy/1.png"])
    sources = {}
    for name, contents in (("ours", files), ("theirs", learnt)):
        table = "file,subject\n" + "".join(f"{file},{number}\n" for number, file in enumerate(contents))
        sources[name] = make_zip(tmp_path / f"{name}.zip", contents | {"attributes.csv": table.encode()})
    page = run_final_test(make_model(), str(sources["ours"]), str(sources["theirs"]), without_copies=True)
    named = pd.read_csv(page.with_name("copies.csv"))
    assert named.to_dict("split")["data"] == [["train/happy/near.jpg", "nearly the same", "train/happy/1.png"]]


def test_the_ledger_tells_of_a_test_once(tmp_path, trained, make_model, ledger):
    source, model = make_zip(tmp_path / "once.zip", draw_files(10)), make_model()
    page = run_final_test(model, str(source), str(trained))
    first = read_scores(page)
    assert read_scores(run_final_test(model, str(source), str(trained))) == first
    (line,) = read_lines(ledger)
    assert (line["model"], line["trained_on"], line["left_out"]) == ("n" * 64, "trained.zip", 0)
    assert page.read_text().count("final test on once.zip") == 1
    ledger.write_text(json.dumps(line | {"model": "m" * 64, "purpose": "an earlier one"}) + "\n")
    text = run_final_test(model, str(source), str(trained)).read_text()
    assert "an earlier one" in text and "final test on once.zip" in text
    assert len(read_lines(ledger)) == 2


def test_what_fails_leaves_nothing(tmp_path, monkeypatch, trained, make_model, ledger):
    source, model = make_zip(tmp_path / "failing.zip", draw_files(11)), make_model()
    folder = ROOT / "reports" / "final-test-failing"

    def fail(*_values, **_named):
        raise OSError("no space left")

    # the ledger first: no page without its line
    for name, told in (("render_page", 0), ("write_json", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(final_test, name, fail)
            with pytest.raises(OSError, match="no space left"):
                run_final_test(model, str(source), str(trained))
        assert not folder.exists()
        assert not list(folder.parent.glob(".final-test*"))
        assert len(read_lines(ledger)) == told
    run_final_test(model, str(source), str(trained))
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "metrics.json"]
    assert len(read_lines(ledger)) == 1


def test_the_page_has_no_fault(tmp_path, known, trained, make_model):
    page = run_final_test(make_model(), str(known), str(trained), without_copies=True)
    with start_chromium() as browser:
        for width, scheme in ((390, "dark"), (1280, "light")):
            assert find_faults(browser, page, width, scheme) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [("Other half.zip", "Other-half"), ("a.tar.gz", "a"), ("visages d'été.csv", "visages-d-ete"),
     ("表情.zip", "source"), ("x/_b.v2.zip", "_b-v2"), ("kaggle:owner/set", "kaggle-owner-set")],
)  # fmt: skip
def test_a_report_is_named_after_its_source(tmp_path, source, name):
    assert name_run(source, tmp_path / source).name == f"final-test-{name}"
    (tmp_path / "a.b").mkdir()
    assert name_run("a.b", tmp_path / "a.b").name == "final-test-a-b"
