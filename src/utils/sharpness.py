"""Training that keeps clear of sharp minima, in which a network learns doubtful labels by heart."""

from utils.tensorflow_quietly import keras, tf

LOOKED_AT = 4
"""One picture in so many says which way is uphill: as good as all of them, and cheaper."""


class SharpnessAware(keras.Model):
    """A model each of whose training steps takes the gradient from where the loss is higher, a little way uphill.

    Foret et al. 2021 (ICLR), "Sharpness-aware minimization for efficiently improving generalization": what lowers the
    loss there lowers it all around. Layers and weights are those of the model that it is made from.

    Args:
        model: a functional keras.Model.
        radius: how far uphill: Euclidean length of the step in the space of all weights, above 0.
    """

    def __init__(self, model, radius: float):
        super().__init__(model.input, model.output)
        self.radius = radius

    def train_step(self, data):
        pictures, targets = data
        weights = self.trainable_variables
        few = slice(tf.maximum(tf.shape(pictures)[0] // LOOKED_AT, 1))
        gradients, _, _ = self._differentiate(pictures[few], targets[few])
        length = self.radius / tf.maximum(tf.linalg.global_norm(gradients), 1e-12)
        steps = [length * gradient for gradient in gradients]
        for weight, step in zip(weights, steps, strict=True):
            weight.assign_add(step)
        gradients, loss, answers = self._differentiate(pictures, targets)
        for weight, step in zip(weights, steps, strict=True):
            weight.assign_sub(step)
        self.optimizer.apply(gradients, weights)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(pictures)[0])
        return self.compute_metrics(pictures, targets, answers)

    def _differentiate(self, pictures, targets) -> tuple:
        with tf.GradientTape() as tape:
            answers = self(pictures, training=True)
            loss = self.compute_loss(pictures, targets, answers, training=True)
            scaled = self.optimizer.scale_loss(loss)
        return tape.gradient(scaled, self.trainable_variables), loss, answers
