"""One trained model under every mapping of emotions to Stress: no agreed mapping, so all that are in use."""

from collections.abc import Mapping

import numpy as np

from utils.evaluation.bootstrap import bootstrap
from utils.evaluation.metrics import score_stress
from utils.inference.classifier import stress_probability
from utils.labels import EMOTIONS, STRESS_MAPPINGS

FIGURES = ("prevalence", "majority_accuracy", "accuracy", "balanced_accuracy", "mcc", "auroc", "log_loss")


def score_mappings(
    targets: np.ndarray,
    probabilities: np.ndarray,
    class_names: list[str],
    groups: np.ndarray,
    mappings: Mapping[str, frozenset] = STRESS_MAPPINGS,
) -> dict | None:
    """A model's stored probabilities scored anew: only which columns are summed, and which targets count, changes.

    Args:
        targets: int (n,), column of the true class.
        probabilities: float (n, classes), columns as `class_names`.
        class_names: of the network's outputs, in their order.
        groups: (n,), as for `bootstrap.draw_weights`.
        mappings: by name, the emotions that count as Stress.

    Returns:
        By mapping name, `stress_classes`, `count` of pictures and FIGURES with intervals; None where a class is no
        emotion. A mapping under which these pictures are all of one label is left out.
    """
    if not set(class_names) <= set(EMOTIONS):
        return None
    scored = {}
    for mapping, emotions in mappings.items():
        stress_classes = [name for name in class_names if name in emotions]
        labels = np.isin(targets, [class_names.index(name) for name in stress_classes]).astype(int)
        if labels.min() == labels.max():
            continue
        p_stress = stress_probability(probabilities, class_names, stress_classes)

        def score(weights, labels=labels, p_stress=p_stress):
            figures = score_stress(labels, p_stress, weights)
            return {name: figures[name] for name in FIGURES}

        scored[mapping] = {"stress_classes": stress_classes, "count": len(labels)} | bootstrap(score, groups)
    return scored
