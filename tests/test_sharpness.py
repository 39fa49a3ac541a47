"""Steps that take the gradient a little way uphill."""

import numpy as np
import pytest

from utils.sharpness import SharpnessAware
from utils.tensorflow_quietly import keras, tf
from utils.training import set_seed

RADIUS, RATE = 0.3, 0.5
PICTURES = np.tile(np.random.default_rng(0).normal(size=(1, 5)).astype(np.float32), (8, 1))  # a quarter looks as all do
TARGETS = np.tile(np.float32([0, 1]), (8, 1))


@pytest.fixture
def model():
    set_seed(0)
    features = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="tanh")(features)
    return keras.Model(features, keras.layers.Dense(2, activation="softmax")(hidden))


def differentiate(model, weights):
    model.set_weights(weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(TARGETS, model(PICTURES)))
    return [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def test_the_gradient_is_that_a_radius_uphill(model):
    before = model.get_weights()
    uphill = differentiate(model, before)
    length = RADIUS / np.sqrt(sum((gradient**2).sum() for gradient in uphill))
    there = differentiate(model, [weight + length * step for weight, step in zip(before, uphill, strict=True)])
    model.set_weights(before)
    aware = SharpnessAware(model, RADIUS)
    aware.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy", metrics=["accuracy"])
    history = aware.fit(PICTURES, TARGETS, batch_size=8, epochs=1, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    for old, gradient, plain, new in zip(before, there, uphill, model.get_weights(), strict=True):
        assert new == pytest.approx(old - RATE * gradient, abs=1e-6)
        assert new != pytest.approx(old - RATE * plain, abs=1e-3)


def test_a_step_where_the_loss_is_flat_changes_nothing(model):
    model.layers[-1].set_weights([np.zeros((4, 2)), np.float32([-100, 100])])
    before = model.get_weights()
    aware = SharpnessAware(model, RADIUS)
    aware.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy")
    aware.fit(PICTURES, TARGETS, batch_size=8, epochs=1, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert new == pytest.approx(old, abs=1e-6)
