"""The benchmarks run, save what docs/speed.md shows, and count right. How fast anything is, no test asks."""

import importlib
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from support import CHECKOUT, draw_face

from utils.data.audit import audit_pictures
from utils.files import fill, read_json, write_json
from utils.models.networks import build_baseline_cnn, build_inference_network, build_strong_cnn
from utils.models.save import save_model

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
    assert "could not be loaded" in figures["fer"]["skipped"]
    assert {"machine", "cores", "flags", "load", "versions", "commit", "date"} == set(figures["place"])
    assert "`fer`: skipped: its network could not be loaded" in result.stdout
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


@pytest.mark.parametrize("name", [path.name for path in (CHECKOUT / "benchmarks").glob("*.py")])
def test_every_benchmark_can_be_imported(name):
    assert importlib.import_module(name.removesuffix(".py"))


def test_what_is_not_there_is_said_before_anything_is_timed(tmp_path):
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


def test_many_pictures_are_prepared_and_more_extrapolated(tmp_path):
    from preparing import PHASES, describe, extrapolate

    out = tmp_path / "preparing.json"
    result = run_benchmark("preparing.py", "--sizes", "100", "200", "--out", out)
    assert result.returncode == 0, result.stderr
    figures = read_json(out)
    assert [size["pictures"] for size in figures["sizes"]] == [100, 200]
    assert [size["with_near_duplicates"] for size in figures["sizes"]] == [2, 6]
    assert all(100 < size["phases"][name]["peak_mb"] < 2000 for size in figures["sizes"] for name in PHASES)
    assert describe(figures) in result.stdout

    counts = (32_000, 128_000)
    audits = [{"seconds": 1e-3 * count + 1e-8 * count**2, "peak_mb": 200 + count / 500} for count in counts]
    grown = [{"pictures": count, "phases": {"audit": audit}} for count, audit in zip(counts, audits, strict=True)]
    assert extrapolate(grown, "audit") == pytest.approx({"seconds": 500 + 2500, "peak_mb": 1200})


def test_growth_is_measured_and_drawn(tmp_path):
    from scaling import describe

    words = ("--sizes", "200", "--repeats", "1", "--widths", "[[4], [8]]")
    result = run_benchmark("scaling.py", *words, "--folder", tmp_path)
    assert result.returncode == 0, result.stderr
    figures = read_json(tmp_path / "scaling.json")
    (row,) = figures["sizes"]
    assert row["pictures"] == 200
    assert all(is_spread(row[name]) for name in ("seconds", "processor_seconds", "peak_mb"))
    assert figures["large"]["peak_mb"] > 0
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
        large = {"pictures": 1000, "widths": [[4], [8]], "peak_mb": 800}
        return {"place": describe_place(), "sizes": rows, "large": large}

    text = describe(figures((1.5, 4.5, 16.5, 64.5), (800, 850, 900, 910)))
    assert "Time is linear: at every size, an epoch takes within 0%" in text
    assert "of 0.50 s and 1,000 s for a million pictures" in text
    assert "Memory is flat: from 16,000 to 64,000 pictures its peak grows by 1%" in text
    text = describe(figures((1.0, 4.0, 20.0, 160.0), (800, 850, 900, 1200)))
    assert "Time is not linear" in text and "Memory is not flat" in text


@pytest.mark.parametrize("name", ["bench", "scaling", "preparing", "sweeping"])
def test_the_page_shows_what_was_measured(name):
    import bench
    import preparing
    import scaling
    import sweeping
    from facts import DOC

    page, saved = DOC.read_text(encoding="utf-8"), DOC.with_name(f"{name}.json")
    render = {"bench": bench.render} | {each.__name__: each.describe for each in (scaling, preparing, sweeping)}
    content = render[name](read_json(saved)) if saved.exists() else "Not measured yet."
    assert fill(page, name, content) == page


def test_planted_copies_are_found_and_controls_are_not(monkeypatch):
    from ingest import crop_anew, plant_copies

    rng = np.random.default_rng(0)
    pixels = np.stack([np.asarray(draw_face(emotion, rng)) for emotion in EMOTIONS * 6])
    assert crop_anew(pixels[0], (0.8, 0.85), rng).shape == (48, 48, 3)
    columns = {"emotion": "sad", "split": ["test", "train"] * 21, "label": 1, "decision": "", "judgement": ""}
    records = audit_pictures(pd.DataFrame(columns), pixels)
    found = plant_copies(records, pixels, 10)
    assert found["band"].tolist() == ["80% to 85%", "85% to 90%", "90% to 95%", "95% to 100%"]
    assert (found["planted"] == 10).all() and (found["controls"] == 10).all()
    assert (found["found"] >= 9).all() and (found["set_aside"] <= 3).all()
    monkeypatch.setattr("ingest.find_near_duplicates", lambda pixels: np.empty((0, 2), dtype=int))
    assert (plant_copies(records, pixels, 10)["found"] == 0).all()


@pytest.fixture
def store(tmp_path):
    """A function that writes a TensorFlow.js model: 8 bits where `quantization` is given, else float32."""

    def write(manifest, weights, topology=None):
        entries, stored = [], b""
        for name, (values, quantization) in weights.items():
            values = np.asarray(values, np.uint8 if quantization else np.float32)
            entry = {"name": name, "shape": list(values.shape), "dtype": "float32"}
            entries.append(entry | ({"quantization": quantization | {"dtype": "uint8"}} if quantization else {}))
            stored += values.tobytes()
        group = {"weights": entries, "paths": ["weights.bin"]}
        path = tmp_path / manifest
        path.parent.mkdir(exist_ok=True)
        path.with_name("weights.bin").write_bytes(stored)
        write_json(path, [group] if topology is None else {"modelTopology": topology, "weightsManifest": [group]})
        return path

    return write


def test_a_face_api_network_is_rebuilt(store, tmp_path):
    """Its convolutions let the middle of a grey picture pass as it is, so that the last layer's answer is known."""
    from peer_networks import FACE_API_MEAN, load_face_api

    middle = np.zeros((3, 3, 3, 1))
    middle[1, 1] = 1
    weights = {"dense0/conv0/filters": (middle[:, :, :, :1], None), "dense0/conv0/bias": ([0.5], None)}
    layers = [f"dense{block}/conv{layer}" for block in range(4) for layer in range(4)][1:]
    for name in layers:
        passes = name.endswith("conv0")
        weights[f"{name}/depthwise_filter"] = (passes * middle[:, :, :1], None)
        weights[f"{name}/pointwise_filter"] = ([[[[1]]]], None)
        weights[f"{name}/bias"] = ([0], None)
    weights["fc/weights"] = ([[0, 1, 2, 3, 4, 5, 6]], {"scale": 0.5, "min": -1.0})
    weights["fc/bias"] = (np.arange(7) / 10, None)
    store("model/face_expression_model-weights_manifest.json", weights)
    found = load_face_api(tmp_path)(np.full((2, 48, 48, 3), 200, np.uint8))
    feature = (3 * 200 - sum(FACE_API_MEAN)) / 255 + 0.5
    # a block adds up what its first layer finds and the others' zeros
    logits = feature * (np.arange(7) * 0.5 - 1) + np.arange(7) / 10
    assert found == pytest.approx(np.tile(np.exp(logits) / np.exp(logits).sum(), (2, 1)), abs=1e-6)


def test_a_graph_of_tensorflow_js_is_run(store, tmp_path):
    from peer_networks import load_human

    def node(name, op, *inputs, **attributes):
        return {"name": name, "op": op, "input": list(inputs), "attr": {"T": {"type": "DT_FLOAT"}} | attributes}

    constant = {"dtype": {"type": "DT_FLOAT"}, "value": {"tensor": {"dtype": "DT_FLOAT"}}}
    topology = {
        "node": [
            {"name": "input_1", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}}},
            {"name": "filters", "op": "Const", "attr": constant},
            {"name": "bias", "op": "Const", "attr": constant},
            node("convolved", "_FusedConv2D", "input_1", "filters", "bias", num_args={"i": "1"},
                 strides={"list": {"i": ["1", "64", "64", "1"]}}, padding={"s": "VkFMSUQ="},
                 fused_ops={"list": {"s": ["Qmlhc0FkZA=="]}}),
            node("Identity", "Softmax", "convolved"),
        ]
    }  # fmt: skip
    store("models/emotion.json", {"filters": ([[[[1, 2]]]], None), "bias": ([0, 0.25], None)}, topology)
    pictures = np.zeros((1, 48, 48, 3), np.uint8)
    pictures[..., 1] = 255  # green
    found = load_human(tmp_path)(pictures)
    grey = (0.587 - 0.5) * 2
    assert found[0, 0, 0] == pytest.approx([1 / (1 + np.exp(grey + 0.25)), 1 / (1 + np.exp(-grey - 0.25))], abs=1e-6)


def test_pictures_are_enlarged_as_tensorflow_js_does():
    from peer_networks import _enlarge

    picture = np.array([[[[0], [2]], [[0], [2]]]], np.uint8)
    assert _enlarge(picture, 4).numpy()[0, 0, :, 0].tolist() == [0, 1, 2, 2]


def test_weights_that_are_cut_short_are_refused(store, tmp_path):
    from peer_networks import _read_weights

    path = store("model/weights.json", {"bias": ([1, 2], None)})
    (path.parent / "weights.bin").write_bytes(bytes(12))
    with pytest.raises(ValueError, match="describes 8 bytes of weights, beside it are 12"):
        _read_weights(path)


def test_other_systems_are_timed_on_one_core(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    folders = [word for name in ("fer", "face-api", "human") for word in (f"--{name}", tmp_path)]
    result = run_benchmark("peers.py", tmp_path, *folders)
    assert result.returncode == 2 and "set TF_NUM_INTRAOP_THREADS=1" in result.stderr
