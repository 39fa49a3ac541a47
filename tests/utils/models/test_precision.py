import numpy as np
import pytest

from utils.models.networks import build_inference_network, build_strong_cnn
from utils.models.precision import POLICIES, candidates, choose_precision, compute_in, time_training
from utils.parameters import PRECISIONS
from utils.quiet import keras


def build():
    return build_strong_cnn(3, widths=((4,), (8,)))


def test_auto_takes_the_fastest(monkeypatch):
    rates = {"float32": 100.0, "bfloat16": 300.0, "float16": 300.0}
    monkeypatch.setattr("utils.models.precision.time_training", lambda candidate, *_: rates[candidate])
    chosen, measured = choose_precision("auto", build, 4)
    assert chosen == candidates()[1]
    assert measured == {"float32": 100.0, chosen: 300.0}
    rates["float32"] = 400.0
    assert choose_precision("auto", build, 4)[0] == "float32"


def test_a_named_one_is_taken_without_timing():
    assert choose_precision("bfloat16", None, 4) == ("bfloat16", {})
    assert ("auto", *POLICIES) == PRECISIONS


@pytest.mark.usefixtures("eager")
def test_timing_trains_in_that_precision_and_leaves_no_trace(capfd):
    seen = []

    def spy():
        seen.append(keras.config.dtype_policy().name)
        return build()

    assert time_training("bfloat16", spy, batch_size=4, steps=1) > 0
    assert seen == ["mixed_bfloat16"]
    assert keras.config.dtype_policy().name == "float32"
    assert capfd.readouterr() == ("", "")


def test_what_is_saved_is_float32_whatever_trained_it():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), np.uint8)
    with compute_in("bfloat16"):
        network = build()
    inference = build_inference_network(network)
    assert {weight.dtype for weight in inference.weights} == {"float32"}
    assert np.asarray(inference(pictures)) == pytest.approx(np.asarray(network(pictures)), abs=0.02)
