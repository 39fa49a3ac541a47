"""People's votes: wherever they stand, they say what a picture shows; what does not fit is said in one line."""

import zipfile

import numpy as np
import pytest
from support import EMOTIONS, draw_face, encode

from utils.csv_files import SourceError
from utils.data.audit import audit_pictures, count_findings, count_votes, has_flag
from utils.data.dataset import load_split, read_manifest, write_dataset
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sealed_test import open_test
from utils.data.sources import fingerprint_source
from utils.data.splits import assign_splits
from utils.paths import Run

HEADER = "file,neutral,happy,surprise,sad,angry,disgust,fear,contempt,unknown,not_a_face"
FER_PLUS_HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"  # as it is published
)
VOTES = {
    "train/happy/0.png": "0,8,1,1,0,0,0,0,0,0",
    "train/happy/1.png": "0,5,0,5,0,0,0,0,0,0",  # a tie on Stress, and of classes
    "train/angry/0.png": "4,0,0,3,3,0,0,0,0,0",  # neutral has most, and most see a stress class
    "train/angry/1.png": "1,1,1,1,1,0,0,0,5,0",  # most could not tell
    "train/sad/0.png": "0,0,0,2,0,0,0,0,1,7",  # most saw no face
    "train/sad/1.png": "1,0,0,9,0,0,0,0,0,0",
    "test/angry/0.png": "8,0,0,0,2,0,0,0,0,0",
    "test/happy/0.png": "0,0,0,0,0,0,10,0,0,0",
    "test/sad/0.png": "0,0,0,1,0,0,0,0,9,0",
}
WITHOUT = "train/happy/2.png"


def write_csv(rows, header=HEADER):
    return "\n".join([header, *(f"{file},{counts}" for file, counts in rows.items())]) + "\n"


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return {name: encode(draw_face(name.split("/")[1], rng)) for name in [*VOTES, WITHOUT]}


@pytest.fixture
def make(tmp_path, pictures):
    """Writes faces.zip, and files of text in it and beside it."""

    def write(inside=None, beside=None, files=None):
        with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
            for name, content in ((pictures if files is None else files) | (inside or {})).items():
                archive.writestr(name, content)
        for name, content in (beside or {}).items():
            (tmp_path / name).write_text(content)
        return tmp_path / "faces.zip"

    return write


def read(source):
    return source.layout.entries.set_index("file")


def test_most_people_say_what_a_picture_shows(make):
    entries = read(inspect_source(make(beside={"faces.votes.csv": write_csv(VOTES)})))
    found = {name: (row.given, row.emotion, row.label, row.judgement) for name, row in entries.iterrows()}
    assert found == {
        "train/happy/0.png": ("happy", "happy", 0, ""),
        "train/happy/1.png": ("happy", "happy", -1, "tie"),
        "train/happy/2.png": ("happy", "happy", -1, "no-votes"),
        "train/angry/0.png": ("angry", "neutral", 1, ""),
        "train/angry/1.png": ("angry", "angry", -1, "unknown"),
        "train/sad/0.png": ("sad", "sad", -1, "not-a-face"),
        "train/sad/1.png": ("sad", "sad", 1, ""),
        "test/angry/0.png": ("angry", "neutral", 0, ""),
        "test/happy/0.png": ("happy", "fear", 1, ""),
        "test/sad/0.png": ("sad", "sad", -1, "unknown"),
    }


def test_they_may_lie_in_the_source(make):
    beside = inspect_source(make(beside={"faces.votes.csv": write_csv(VOTES)}))
    (make().parent / "faces.votes.csv").unlink()
    within = inspect_source(make({"Votes.csv": write_csv(VOTES)}))
    assert within.votes.equals(beside.votes)
    assert within.layout.entries.equals(beside.layout.entries)


def test_the_ending_beside_a_source_may_be_written_in_capitals(make):
    path = make({}, {"faces.Votes.CSV": write_csv(VOTES)})
    assert inspect_source(path, votes="required").votes is not None
    path.with_name("faces.Votes.CSV").rename(path.with_name("Faces.votes.csv"))  # beside another source
    assert inspect_source(path).votes is None


def test_rows_are_named_from_the_folder_of_the_csv(make, pictures):
    inner = {f"set/{name}": content for name, content in pictures.items()}
    entries = read(inspect_source(make({"set/votes.csv": write_csv(VOTES)}, files=inner)))
    assert entries.loc["set/test/happy/0.png", "emotion"] == "fear"


def test_other_spellings_of_the_columns(make):
    header = "File,Neutral,Happiness,Surprised,Sadness,Anger,Disgusted,Peur,mépris,Unknown,not a face"
    entries = read(inspect_source(make({"votes.csv": write_csv(VOTES, header)})))
    assert entries.loc["test/happy/0.png", "emotion"] == "fear"


def test_without_a_wish_for_them_the_labels_are_all(make):
    path = make({"votes.csv": write_csv(VOTES)})
    source = inspect_source(path, votes="off")
    assert source.votes is None
    assert set(source.layout.entries["judgement"]) == {""}
    assert (source.layout.entries["emotion"] == source.layout.entries["given"]).all()
    assert inspect_source(path, votes="required").votes is not None
    assert inspect_source(make(), votes="auto").votes is None
    with pytest.raises(SourceError, match=r"VOTES=required, and there are none: expected faces\.votes\.csv beside"):
        inspect_source(make(), votes="required")
    with pytest.raises(ValueError, match="VOTES 'yes': expected one of auto, required, off"):
        inspect_source(path, votes="yes")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (write_csv(VOTES | {"train/none/9.png": "1" + ",0" * 9}), "1 of 10 rows name files that are not there: "),
        (write_csv(VOTES | {"train/sad/1.png": "-1,0,0,9,0,0,0,0,0,0"}), "line 7: '-1' votes for neutral; expected"),
        (write_csv(VOTES | {"train/sad/1.png": "1,0,0,2.5,0,0,0,0,0,0"}), "line 7: '2.5' votes for sad; expected"),
        (write_csv(VOTES | {"train/sad/1.png": "1,0,0,,0,0,0,0,0,0"}), "line 7: '' votes for sad; expected a whole"),
        (write_csv(VOTES, HEADER.replace("fear", "bored")), "expected the column file, one for each .* found 'bored'"),
        (write_csv(VOTES, HEADER.replace("fear", "anger")), "each once; found"),
        (write_csv(VOTES, HEADER.replace("file", "name")), "expected one column file; found name, neutral"),
        (write_csv(VOTES) + "test/happy/0.png" + ",1" * 10 + "\n", "'test/happy/0.png' occurs twice"),
        (write_csv({f"elsewhere/{name}": row for name, row in VOTES.items()}), "the votes name none of its pictures"),
        ("file,stress,not stress\ntrain/happy/0.png,1,9\n", "votes for Non-stress, Stress, but 'test/ang"),
        ("file,stress,happy\ntrain/happy/0.png,1,9\n", "two or more classes"),
        ("file,happy\ntrain/happy/0.png,1\n", "two or more classes"),
        ("", "expected a CSV in UTF-8"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_line(make, text, message):
    with pytest.raises(SourceError, match=message) as caught:
        inspect_source(make({"votes.csv": text}))
    assert "\n" not in str(caught.value)


def test_two_files_of_votes(make):
    with pytest.raises(SourceError, match=r"votes in votes\.csv and in faces\.votes\.csv; expected one file"):
        inspect_source(make({"votes.csv": write_csv(VOTES)}, {"faces.votes.csv": write_csv(VOTES)}))


def test_pictures_with_votes_need_no_class_folder(make, pictures):
    plain = {name.replace("/", "_").replace("_", "/", 1): content for name, content in pictures.items()}
    rows = {name.replace("/", "_").replace("_", "/", 1): row for name, row in VOTES.items()}
    assert "test/sad_0.png" in plain
    del plain["train/happy_2.png"]
    source = inspect_source(make({"votes.csv": write_csv(rows)}, files=plain))
    entries = read(source)
    assert set(entries["given"]) == {""}
    assert entries.loc["test/happy_0.png", ["emotion", "label", "split"]].tolist() == ["fear", 1, "test"]
    assert set(source.folder_table()["counts as"]) == {"people vote"}
    nobody = rows | {"test/happy_0.png": "0" + ",0" * 9}
    source = inspect_source(make({"votes.csv": write_csv(nobody)}, files=plain))
    assert source.layout.ignored.to_numpy().tolist() == [["test/happy_0.png", "nobody saw a class in it"]]


def test_what_a_person_decided(make):
    decisions = (
        "file,decision,label,why\ntrain/sad/1.png,relabel,happy,looks so\ntrain/sad/0.png,relabel,angry,a face\n"
    )
    decisions += "train/happy/0.png,keep,,fine\ntrain/happy/1.png,drop,,blurred\n"
    source = inspect_source(make({"votes.csv": write_csv(VOTES)}, {"faces.decisions.csv": decisions}))
    entries = read(source)
    assert entries.loc["train/sad/1.png", ["emotion", "label", "judgement"]].tolist() == ["happy", 0, ""]
    assert entries.loc["train/sad/0.png", ["emotion", "label", "judgement"]].tolist() == ["angry", 1, ""]
    assert entries.loc["train/happy/0.png", "decision"] == "keep"
    assert "train/happy/0.png" in source.votes.index
    assert not {"train/sad/1.png", "train/sad/0.png"} & set(source.votes.index)
    assert "train/happy/1.png" not in entries.index


def test_other_stress_classes_make_other_labels_of_the_same_votes(make):
    path = make({"votes.csv": write_csv(VOTES)})
    entries = read(inspect_source(path, stress_classes=["fear"]))
    assert entries["label"].reindex(["train/sad/1.png", "train/angry/0.png", "test/happy/0.png"]).tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match=r"STRESS_CLASSES \['bored'\]: expected a list of some of angry, contempt"):
        inspect_source(path, stress_classes=["bored"])
    unvoted = read(inspect_source(path, votes="off", stress_classes=["happy"]))
    assert set(unvoted.loc[unvoted["given"] == "happy", "label"]) == {1}


def test_votes_on_stress_itself(make, pictures):
    names = {"train/stress/0.png": "9,1", "train/stress/1.png": "5,5", "train/calm/0.png": "0,0"}
    names |= {"train/non_stress/0.png": "2,8"}
    files = dict(zip(names, pictures.values(), strict=False))
    entries = read(inspect_source(make({"votes.csv": write_csv(names, "file,stressed,not stressed")}, files=files | {
        "train/calm/0.png": b""}), classes="calm=non-stress"))  # fmt: skip
    found = {name: (row.given, row.emotion, row.label, row.judgement) for name, row in entries.iterrows()}
    assert found == {
        "train/stress/0.png": ("Stress", "", 1, ""),
        "train/stress/1.png": ("Stress", "", -1, "tie"),
        "train/calm/0.png": ("Non-stress", "", -1, "no-votes"),
        "train/non_stress/0.png": ("Non-stress", "", 0, ""),
    }


# FER+'s own file


@pytest.fixture(scope="module")
def fer_2013():
    """fer2013.csv and fer2013new.csv of random pixels and votes, and the same votes by file."""
    rng = np.random.default_rng(1)
    rows, plus, by_file = ["emotion,pixels,Usage"], [FER_PLUS_HEADER], {}
    for number in range(60):
        usage = ("Training", "PublicTest", "PrivateTest")[number % 3]
        counts = rng.multinomial(10, rng.dirichlet(np.full(10, 0.3)))
        rows.append(f"{number % 7},{' '.join(map(str, rng.integers(256, size=48 * 48)))},{usage}")
        named = f"fer{number:07}.png" if number != 7 else ""  # a row without an image's name has no votes
        plus.append(f"{usage},{named},{','.join(map(str, counts if named else np.zeros(10, int)))}")
        if named:
            by_file[f"fer2013.csv#{number + 2}"] = ",".join(map(str, counts))
    return "\n".join(rows) + "\n", "\n".join(plus) + "\n", write_csv(by_file)


@pytest.mark.parametrize("place", ["beside the CSV", "beside the zip", "in the zip", "in a folder of the zip"])
def test_fer_plus_says_the_same_as_votes_csv(tmp_path, fer_2013, place):
    csv, plus, votes = fer_2013
    (tmp_path / "expected").mkdir()
    for name, content in (("fer2013.csv", csv), ("votes.csv", votes)):
        (tmp_path / "expected" / name).write_text(content)
    expected = inspect_source(tmp_path / "expected" / "fer2013.csv")
    inner = "icml/" if "folder" in place else ""
    if place == "beside the CSV":
        source = tmp_path / "fer2013.csv"
        source.write_text(csv)
    else:
        source = tmp_path / "challenge.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr(f"{inner}fer2013.csv", csv)
            if place != "beside the zip":
                archive.writestr(f"{inner}fer2013new.csv", plus)
    if place.startswith("beside"):
        (tmp_path / "fer2013new.csv").write_text(plus)
    found = inspect_source(source)
    assert len(found.votes) == 59
    assert found.votes.rename(index=lambda name: name.removeprefix(inner)).equals(expected.votes)
    columns = ["given", "emotion", "label", "split", "judgement"]
    assert found.layout.entries[columns].equals(expected.layout.entries[columns])


def test_fer_plus_of_other_rows(tmp_path, fer_2013):
    csv, plus, _ = fer_2013
    (tmp_path / "fer2013.csv").write_text(csv)
    lines = plus.splitlines()
    (tmp_path / "fer2013new.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    with pytest.raises(SourceError, match="expected the same rows in fer2013new"):
        inspect_source(tmp_path / "fer2013.csv")


def test_fer_plus_without_the_rows_it_follows_is_not_guessed_at(make, fer_2013):
    path = make(beside={"fer2013new.csv": fer_2013[1]})
    assert inspect_source(path).votes is None
    with pytest.raises(SourceError, match=r"beside fer2013\.csv, whose rows it follows"):
        inspect_source(path, votes="required")


@pytest.mark.parametrize("name", ["faces.votes.csv", "fer2013new.csv"])
def test_the_pipeline_sees_that_votes_changed(make, name):
    path = make(beside={name: "file,happy,sad\n"})
    before = fingerprint_source(str(path))
    (path.parent / name).write_text("file,happy,sad\nx,1,2\n")
    assert fingerprint_source(str(path)) != before


# processed


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """A run of pictures on whose votes nothing is missing but of two, and its manifest."""
    rng = np.random.default_rng(2)
    path, rows, files = tmp_path_factory.mktemp("voted") / "faces.zip", {}, {}
    for split, each in (("train", 9), ("test", 4)):
        for emotion in EMOTIONS:
            for number in range(each):
                name = f"{split}/{emotion}/{number}.png"
                files[name] = encode(draw_face(emotion, rng))
                counts = rng.multinomial(3, np.full(10, 0.1))
                counts[HEADER.split(",").index(emotion) - 1] += 7
                rows[name] = ",".join(map(str, counts))
    rows["train/sad/0.png"] = "0,0,0,5,0,5,0,0,0,0"
    rows["train/sad/1.png"] = "0,5,0,5,0,0,0,0,0,0"
    rows["train/sad/2.png"] = rows["test/sad/2.png"] = "0,0,0,2,0,0,0,0,8,0"
    del rows["test/happy/0.png"], rows["train/happy/0.png"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | {"votes.csv": write_csv(rows)}).items():
            archive.writestr(name, content)
    source = inspect_source(path)
    records, pixels, skipped = read_pictures(source)
    records = audit_pictures(records, pixels)
    records = assign_splits(records, 0.2, 0.2, seed=0)
    run = Run("voted")
    write_dataset(run, records, pixels, skipped, path, count_findings(records), votes=source.votes)
    return run, source, records


def test_targets_are_shares_and_a_row_of_zeros_is_learnt_from_nowhere(processed):
    run, source, _ = processed
    manifest = read_manifest(run)
    assert manifest["target"] == "votes"
    assert manifest["class_names"] == sorted([*EMOTIONS, "contempt"])
    assert manifest["stress_classes"] == ["angry", "disgust", "fear", "sad"]
    for split in (load_split(run, "train"), load_split(run, "validation")):
        counts = source.votes.loc[split.records["file"], manifest["class_names"]].to_numpy()
        assert np.array_equal(split.votes, counts)
        assert split.targets == pytest.approx(counts / counts.sum(axis=1, keepdims=True))
        assert split.targets.dtype == np.float32


def test_who_sees_no_class_teaches_nothing_and_is_still_in_the_test(processed, tmp_path):
    run, _, records = processed
    (tmp_path / "model.tflite").write_bytes(b"weights")
    split = records.set_index("file")["split"]
    assert split[["train/sad/2.png", "train/happy/0.png"]].tolist() == ["none", "none"]
    test = open_test(run, "a test", tmp_path)
    unjudged = test.records["file"].isin(["test/sad/2.png", "test/happy/0.png"]).to_numpy()
    assert unjudged.sum() == 2
    assert np.array_equal(test.classes < 0, unjudged)
    assert (test.labels[unjudged] == -1).all()
    assert (test.targets[unjudged] == 0).all()
    assert test.records.loc[unjudged, "given"].tolist() == ["happy", "sad"]


def test_ties_are_learnt_from_and_counted(processed):
    run, _, records = processed
    tied = records[has_flag(records, "tie")]
    assert tied["file"].tolist() == ["train/sad/1.png"]
    assert tied["split"].isin(["train", "validation"]).all()
    sides = [load_split(run, split) for split in ("train", "validation")]
    labels = np.concatenate([side.labels for side in sides])
    assert (labels == -1).sum() == 1
    counts = read_manifest(run)["counts"]
    assert sum(counts[split]["no majority"] for split in ("train", "validation")) == 1
    assert counts["test"]["no majority"] == 2
    assert count_votes(processed[1].votes) == {"pictures": 89, "people": 10}


def test_the_fingerprint_holds_every_vote(processed):
    run, source, records = processed
    before = read_manifest(run)["fingerprint"]
    votes = source.votes.copy()
    votes.loc["train/sad/3.png", "unknown"] += 1
    pixels = np.zeros((len(records), 48, 48, 3), np.uint8)
    other = Run("voted-otherwise")
    nothing = records.iloc[:0][["file"]].assign(reason="")
    manifest = write_dataset(other, records, pixels, nothing, run.data, {}, votes=votes)
    assert manifest["fingerprint"] != before
    assert write_dataset(other, records, pixels, nothing, run.data, {}, votes=source.votes)["fingerprint"] == before
