import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import CHECKOUT, write_faces_zip

from utils.data.audit import audit_pictures, count_findings
from utils.data.dataset import copy_images, load_split, read_attributes, read_manifest, write_dataset
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sealed_test import (
    KNOWN_TESTS,
    SealedTest,
    count_evaluations,
    describe_evaluation,
    open_test,
    read_notes,
    record_published,
)
from utils.data.splits import assign_splits
from utils.paths import TEST_EVALUATIONS, TEST_LEDGER, Run


def prepare(source):
    """What write_dataset takes after the run: records, pixels, skipped, source, findings."""
    records, pixels, skipped = read_pictures(inspect_source(source))
    records = audit_pictures(records, pixels)
    records = assign_splits(records, 0.2, 0.2, seed=0)
    return records, pixels, skipped, source, count_findings(records)


def process(run, source):
    prepared = prepare(source)
    return *prepared[:2], write_dataset(run, *prepared)


@pytest.fixture(scope="module")
def run(faces_zip):
    run = Run("dataset-test")
    process(run, faces_zip)
    return run


def test_what_is_written_is_read_back(run, faces_zip):
    records, pixels, manifest = process(run, faces_zip)
    assert read_manifest(run) == manifest
    for split in ("train", "validation"):
        part = load_split(run, split)
        mine = np.flatnonzero(records["split"] == split)
        assert part.records["file"].tolist() == records["file"].iloc[mine].tolist()
        assert np.array_equal(part.images, pixels[mine])
        assert [manifest["class_names"][target] for target in part.classes] == part.records["emotion"].tolist()
        assert part.labels.tolist() == part.records["label"].tolist()


def test_the_same_data_give_the_same_bytes(run, faces_zip):
    files = {path.name: path.read_bytes() for path in run.data.iterdir()}
    process(run, faces_zip)
    assert files == {path.name: path.read_bytes() for path in run.data.iterdir()}
    assert sorted(files) == ["images.npy", "index.csv", "manifest.json", "test_images.npy"]


def test_copies_of_mapped_pictures_outlive_what_is_given_back(run):
    train = load_split(run, "train")
    positions = np.array([3, 0, 3, *range(40)])
    first = copy_images(train.images, positions)
    assert np.array_equal(copy_images(train.images, np.arange(4)), np.array(train.images)[:4])
    assert np.array_equal(first, np.array(train.images)[positions])
    assert np.array_equal(copy_images(np.array(train.images), positions), first)


def test_attributes_of_the_kept_pictures_are_written_and_read_back(tmp_path, faces_zip):
    prepared = prepare(faces_zip)
    files = prepared[0]["file"]
    attributes = pd.DataFrame({"file": [files[5], "skipped.png", files[2]], "subject": ["007", "8", ""]})
    attributes = attributes.assign(yaw=["-3", "1", ""], mood=["NA", "x", "None"])
    run = Run("attributes-test")
    first = write_dataset(run, *prepared, attributes)
    back = read_attributes(run)
    assert back["file"].tolist() == [files[2], files[5]]
    assert back["subject"].tolist()[1] == "007"
    assert back["yaw"].isna().tolist() == [True, False]
    assert (back["yaw"][1], back["mood"].tolist()) == (-3, ["None", "NA"])
    changed = write_dataset(run, *prepared, attributes.assign(yaw="5"))
    assert changed["attributes"] != first["attributes"]
    assert changed["fingerprint"] == first["fingerprint"]
    assert write_dataset(run, *prepared)["attributes"] is None
    assert read_attributes(run) is None


def test_counts_and_classes(run):
    manifest = read_manifest(run)
    assert manifest["stress_classes"] == ["angry", "disgust", "fear", "sad"]
    assert manifest["counts"]["test"] == {"Non-stress": 30, "Stress": 40}
    assert sum(sum(counts.values()) for counts in manifest["counts"].values()) == 280


def test_opening_the_test_split_is_logged(run, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"weights")
    before = count_evaluations(run)
    test = open_test(run, "a test", tmp_path)
    assert (test.records["split"] == "test").all()
    assert len(test.images) == len(test.targets) == 70
    assert count_evaluations(run) == before + 1
    last = json.loads(TEST_EVALUATIONS.read_text().splitlines()[-1])
    assert (last["purpose"], last["run"], last["data"]) == ("a test", run.name, read_manifest(run)["fingerprint"])


def test_the_same_model_counts_once(run, tmp_path):
    """In whatever run, and for whatever purpose, it is scored again."""
    before = count_evaluations(run)
    for content in (b"one", b"other", b"one"):
        (tmp_path / "model.tflite").write_bytes(content)
        assert len(open_test(run, "a test", tmp_path).images) == 70
    lines = TEST_EVALUATIONS.read_text()
    assert count_evaluations(run) == before + 2
    TEST_EVALUATIONS.write_text(lines + lines.splitlines()[-1] + "\n")  # as earlier versions logged it
    assert count_evaluations(run) == before + 2


def test_evaluations_count_however_the_other_pictures_are_divided(tmp_path, faces_zip):
    (tmp_path / "model.tflite").write_bytes(b"divided")
    first, second = Run("divided-one-way"), Run("divided-another")
    records, *rest = prepare(faces_zip)
    divided = records.assign(split=records["split"].replace("validation", "train"))
    manifests = [write_dataset(first, records, *rest), write_dataset(second, divided, *rest)]
    assert manifests[0]["fingerprint"] != manifests[1]["fingerprint"]
    before = count_evaluations(first)
    open_test(second, "a test", tmp_path)
    assert count_evaluations(first) == count_evaluations(second) == before + 1
    swapped = records.assign(split=records["split"].replace({"test": "train", "train": "test"}))
    write_dataset(second, swapped, *rest)
    assert count_evaluations(second) == 0


def test_the_ledger_counts_and_says_what_is_noted_in_it(run, tmp_path, monkeypatch):
    (tmp_path / "model.tflite").write_bytes(b"published weights")
    before = count_evaluations(run)
    published = describe_evaluation(run, "a test", tmp_path)
    record_published(published)
    record_published(published | {"model": "an earlier one", "evaluations": 54, "note": "54 of one model."})
    record_published(published | {"test": "other pictures", "data": "others", "note": "Of other pictures."})
    assert count_evaluations(run) == before + 55
    assert read_notes(run) == ["54 of one model."]
    monkeypatch.setitem(KNOWN_TESTS, published["test"], "the public half")
    assert read_notes(run) == ["The test pictures are the public half.", "54 of one model."]
    open_test(run, "a test", tmp_path)
    assert count_evaluations(run) == before + 55


def test_the_ledger_tells_when_a_model_was_evaluated_not_when_published(run, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"weights of an earlier day")
    open_test(run, "a test", tmp_path)
    made = json.loads(TEST_EVALUATIONS.read_text().splitlines()[-1])
    record_published(describe_evaluation(run, "published", tmp_path) | {"time": "another day"})
    assert json.loads(TEST_LEDGER.read_text().splitlines()[-1])["time"] == made["time"]


def test_half_a_line_in_the_log_spoils_no_other(run, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"other weights")
    before = count_evaluations(run)
    with TEST_EVALUATIONS.open("a") as log:
        log.write('{"time": "2026-11')
    assert count_evaluations(run) == before
    open_test(run, "a test", tmp_path)
    assert count_evaluations(run) == before + 1


@pytest.mark.parametrize("name", ["shipped", "Published"])
def test_committed_folders_are_no_run(faces_zip, name):
    with pytest.raises(ValueError, match="expected another than shipped and published"):
        process(Run(name), faces_zip)
    assert not Run(name).data.exists()


def test_the_test_split_has_one_door(run):
    with pytest.raises(ValueError, match="sealed_test"):
        load_split(run, "test")
    readers = [path for path in (CHECKOUT / "src").rglob("*.py") if "test_images" in path.read_text()]
    notebooks = [path for path in (CHECKOUT / "notebooks").glob("*.ipynb") if "test_images" in path.read_text()]
    assert sorted(path.name for path in readers + notebooks) == ["dataset.py", "paths.py", "sealed_test.py"]


def test_missing_data_say_what_to_run():
    with pytest.raises(FileNotFoundError, match="run 01_preprocessing first"):
        load_split(Run("nothing-here"), "train")


def test_data_of_another_format_are_not_read(run, monkeypatch):
    monkeypatch.setattr("utils.data.dataset.FORMAT", 1)
    for read in (read_manifest, count_evaluations, lambda run: load_split(run, "train")):
        with pytest.raises(ValueError, match="expected 1: run 01_preprocessing again"):
            read(run)


WRITE = """
import resource, sys
from pathlib import Path
from utils.paths import Run
from test_dataset import prepare
from utils.data.dataset import write_dataset

def limit(stage):
    if stage == {stage!r}:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

try:
    limit("reading")
    prepared = prepare(Path({source!r}))
    limit("writing")
    write_dataset(Run("trouble"), *prepared)
except OSError as error:
    sys.exit(f"OSError: {{error}}")
"""


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
@pytest.mark.parametrize("stage", ["reading", "writing"])
def test_no_space_left_is_an_error_and_the_earlier_data_stay(tmp_path, faces_zip, stage):
    def write(stage, source):
        code = WRITE.format(stage=stage, source=str(source))
        environment = os.environ | {
            "STRESS_FACES_ROOT": str(tmp_path),
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "tests" / "helpers"), str(Path(__file__).parent)]),
        }
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    (tmp_path / "notebooks").mkdir()
    assert write("never", write_faces_zip(tmp_path / "smaller.zip", train_each=3, test_each=2)).returncode == 0
    folder = tmp_path / "data" / "processed" / "trouble"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = write(stage, faces_zip)
    assert result.returncode == 1
    assert "OSError: [Errno 27]" in result.stderr
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert [path.name for path in folder.parent.iterdir()] == ["trouble"]


@pytest.mark.skipif(os.name != "posix", reason="folder permissions are POSIX's")
def test_a_read_only_target_is_an_error_and_the_earlier_data_stay(tmp_path, faces_zip):
    records, pixels, manifest = process(Run("dataset-test"), faces_zip)
    folder = Run("dataset-test").data
    child = os.fork()
    if not child:
        try:
            folder.parent.chmod(0o555)
            if os.geteuid() == 0:
                os.seteuid(65534)  # root may write anywhere
            write_dataset(Run("dataset-test"), records, pixels, records[:0], faces_zip, {})
        except PermissionError:
            os._exit(7)
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    folder.parent.chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 7
    assert read_manifest(Run("dataset-test")) == manifest


def test_run_names():
    assert Run("fer2013-smoke").data == Path(Run("x").data.parent, "fer2013-smoke")
    for name in ("", "../x", "a/b", ".hidden", "a b"):
        with pytest.raises(ValueError, match="Run name"):
            Run(name)


def test_a_sealed_test_cannot_be_opened(run, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.data.sealed_test.SEALED", True)
    before = TEST_EVALUATIONS.read_text() if TEST_EVALUATIONS.exists() else ""
    with pytest.raises(SealedTest, match="stays sealed: points of a sweep are compared on validation"):
        open_test(run, "a point of a sweep", tmp_path)
    assert before == (TEST_EVALUATIONS.read_text() if TEST_EVALUATIONS.exists() else "")
