import numpy as np
import pytest

from utils.models import layers
from utils.models.layers import MANY_FILTERS, ScaledConv2D
from utils.models.precision import compute_in
from utils.quiet import keras, tf

PICTURES = np.random.default_rng(0).normal(0, 1, (2, 16, 16, 64)).astype(np.float32)


@pytest.fixture
def trained():
    """A layer whose gains and biases are no longer those of a new one."""
    layer = ScaledConv2D(48)
    layer.build(PICTURES.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([layer.get_weights()[0] + 0.1, rng.uniform(0.5, 2, 48), rng.normal(0, 0.3, 48)])
    return layer


def test_what_passes_through_keeps_its_size():
    x = PICTURES
    for _ in range(4):
        x = np.asarray(ScaledConv2D(64)(x))
        inside = x[:, 4:-4, 4:-4]  # the border is thinned by the padding
        assert inside.var(axis=(0, 1, 2)).mean() == pytest.approx(1, abs=0.3)
        assert inside.min() == 0
        x = x - x.mean()


def test_filters_are_standardised_times_their_gain(trained):
    kernel = np.asarray(trained.scaled_kernel())
    assert kernel.mean(axis=(0, 1, 2)) == pytest.approx(np.zeros(48), abs=1e-6)
    expected = ScaledConv2D.RELU_GAIN * np.asarray(trained.gain) / np.sqrt(9 * 64)
    assert kernel.std(axis=(0, 1, 2)) == pytest.approx(expected, rel=1e-3)


def test_a_plain_layer_answers_the_same(trained):
    plain, weights = trained.to_plain()
    plain.build(PICTURES.shape)
    plain.set_weights(weights)
    assert np.asarray(plain(PICTURES)) == pytest.approx(np.asarray(trained(PICTURES)), abs=1e-5)


def test_it_takes_over_what_a_plain_layer_learnt(trained):
    kernel, bias = trained.to_plain()[1]
    alive = np.arange(48) != 3
    kernel = kernel * alive
    other = ScaledConv2D(48)
    other.build(PICTURES.shape)
    new = other.get_weights()[0]
    other.set_plain_weights(kernel, bias)
    assert np.asarray(other.scaled_kernel()) == pytest.approx(kernel, abs=1e-5)
    assert np.asarray(other.kernel)[..., alive].std() == pytest.approx(new.std(), rel=0.05)
    expected = np.asarray(trained(PICTURES))[..., alive]
    assert np.asarray(other(PICTURES))[..., alive] == pytest.approx(expected, abs=1e-4)


def test_half_precision_standardises_in_single(trained):
    with compute_in("bfloat16"):
        half = ScaledConv2D(48)
    half.build(PICTURES.shape)
    half.set_weights(trained.get_weights())
    assert half(PICTURES).dtype == "bfloat16"
    assert np.array_equal(half.scaled_kernel(), trained.scaled_kernel())


def test_a_branch_ends_with_nothing_and_may_fall_below_zero(trained):
    layer = ScaledConv2D(48, ends_branch=True)
    layer.build(PICTURES.shape)
    assert not np.asarray(layer(PICTURES)).any()
    layer.set_weights(trained.get_weights())
    answers = np.asarray(layer(PICTURES))
    assert answers.min() < -1
    assert np.maximum(answers, 0) == pytest.approx(np.asarray(trained(PICTURES)), abs=1e-5)
    plain, weights = layer.to_plain()
    plain.build(PICTURES.shape)
    plain.set_weights(weights)
    assert np.asarray(plain(PICTURES)) == pytest.approx(answers, abs=1e-5)


@pytest.mark.parametrize("ends_branch", [False, True])
@pytest.mark.parametrize("side", [1, 2, 7])
def test_many_filters_learn_the_same_by_another_way(monkeypatch, side, ends_branch):
    pictures = tf.constant(np.random.default_rng(2).normal(0, 1, (5, side, side + 1, 6)).astype(np.float32))
    keras.utils.set_random_seed(0)
    layer = ScaledConv2D(MANY_FILTERS, ends_branch)
    layer.build(pictures.shape)
    layer.gain.assign(tf.ones_like(layer.gain) * 0.7)
    wanted = tf.constant(np.random.default_rng(3).normal(0, 1, (5, side, side + 1, MANY_FILTERS)).astype(np.float32))

    def learn():
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            loss = tf.reduce_sum(layer(pictures) * wanted)
        return [loss, *tape.gradient(loss, [pictures, *(weight.value for weight in layer.weights)])]

    found = learn()
    monkeypatch.setattr(layers, "_convolve_widely", layers._convolve)
    for one, other in zip(found, learn(), strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-4, abs=1e-3)
