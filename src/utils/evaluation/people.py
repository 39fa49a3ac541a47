"""Answers against what many people saw in each picture: how often they agree, and how often people agree themselves."""

import numpy as np
from scipy.stats import hypergeom

from utils.data.votes import judge_votes
from utils.evaluation.bootstrap import bootstrap
from utils.evaluation.calibration import measure_fit_to_people
from utils.evaluation.metrics import rank_figures, score_confusion, stress_log_loss, weigh_confusion
from utils.inference.classifier import stress_probability
from utils.labels import EMOTIONS, THRESHOLD

PANELS = (1, 3, 5, 7)
"""How many people are drawn and held against the others; odd, so that a panel never ties."""

NEARLY_ALL = 0.8
"""Share of the votes from which people count as agreed."""


def apply_ferplus_protocol(votes: np.ndarray, unsure: np.ndarray) -> np.ndarray:
    """The class that counts by FER+'s protocol: int (n,), its column, -1 where there is none.

    Single votes count 0; of what is left more than half must be for the class (Barsoum et al. 2016, arXiv 1608.01041,
    and the code beside it).

    Args:
        votes: int (n, classes), how many people chose each class.
        unsure: int (n, 2), how many said unknown, and not a face; a picture that most say this of has no class.
    """
    everything = np.column_stack([votes, unsure])
    counted = np.where(everything > 1, everything, 0)
    first = counted.argmax(axis=1)
    clear = (2 * counted.max(axis=1) > counted.sum(axis=1)) & (first < votes.shape[1])
    return np.where(clear, first, -1)


def align_probabilities(probabilities: np.ndarray, known: list[str], class_names: list[str]) -> np.ndarray:
    """The columns of a network in the order of the votes', 0 for a class that it does not know: float (n, classes).

    Args:
        probabilities: float (n, len(known)).
        known: the network's classes.
        class_names: the votes' classes, all of `known` among them.
    """
    if unheard := [name for name in known if name not in class_names]:
        raise ValueError(f"The model knows {', '.join(unheard)}: expected classes with votes, {class_names}.")
    aligned = np.zeros((len(probabilities), len(class_names)), dtype=probabilities.dtype)
    aligned[:, [class_names.index(name) for name in known]] = probabilities
    return aligned


def measure_people(
    votes: np.ndarray,
    unsure: np.ndarray,
    probabilities: np.ndarray,
    class_names: list[str],
    stress_classes: list[str],
    groups: np.ndarray,
) -> dict | None:
    """A model's answers against people's votes; `people` in reports/SCHEMA.md, None where no picture is judged.

    Only judged pictures count (`votes.judge_votes`). What most people say of Stress is the majority of the votes for
    classes.

    Args:
        votes: int (n, classes), how many people chose each class, columns as `class_names`.
        unsure: int (n, 2), how many said unknown, and not a face.
        probabilities: float (n, classes), columns as `class_names`; see `align_probabilities`.
        class_names: of the votes.
        stress_classes: those of them that count as Stress.
        groups: (n,), as for `bootstrap.draw_weights`.
    """
    expected = (len(votes), len(class_names))
    if votes.shape != expected or probabilities.shape != expected or unsure.shape != (len(votes), 2):
        shapes = f"votes {votes.shape}, unsure {unsure.shape}, probabilities {probabilities.shape}"
        raise ValueError(f"{shapes}: expected (n, {len(class_names)}), (n, 2), (n, {len(class_names)}).")
    judged = judge_votes(votes, unsure) == ""
    if not judged.any():
        return None
    votes, unsure, probabilities = votes[judged], unsure[judged], probabilities[judged]
    groups, is_stress = np.array(groups)[judged], np.isin(class_names, stress_classes)
    p_stress = stress_probability(probabilities, class_names, stress_classes)
    counts, ratios = _count(votes, unsure, is_stress, p_stress >= THRESHOLD, probabilities.argmax(axis=1), class_names)
    measured = _merge(counts, bootstrap(lambda weights: _divide(ratios, weights), groups))
    measured["panels"] = [{"size": size} | panel for size, panel in measured["panels"].items()]
    measured["as_often_as"] = count_people(measured["panels"])
    measured["share"] = measure_fit_to_people(votes[:, is_stress].sum(axis=1), votes.sum(axis=1), p_stress, groups)
    measured["ferplus"] = _measure_ferplus(votes, unsure, probabilities.argmax(axis=1), class_names, groups)
    return measured


def _count(votes, unsure, is_stress, says_stress, answers, class_names: list[str]) -> tuple[dict, dict]:
    """Counts of judged pictures, and for each figure (part, whole), each (n,): its sums' ratio is the figure.

    Args:
        votes: int (n, classes), of judged pictures.
        unsure: int (n, 2).
        is_stress: bool (classes,).
        says_stress: bool (n,), the model's label.
        answers: int (n,), the column of the model's class.
        class_names: of the columns.
    """
    stress, people = votes[:, is_stress].sum(axis=1), votes.sum(axis=1)
    right_label, right_class = says_stress == (2 * stress > people), answers == votes.argmax(axis=1)
    decided, agreed = 2 * stress != people, votes.max(axis=1) / people >= NEARLY_ALL
    counts: dict = {"judged": len(votes), "ties": int((~decided).sum()), "majority": int(decided.sum())}
    counts |= {"panels": {}, "agreed": {"count": int(agreed.sum())}, "neutral": None}
    ratios: dict = {
        "accuracy": (right_label & decided, decided),
        "class_accuracy": (right_class, np.ones(len(votes))),
        "agreed": {"accuracy": (right_label & agreed, agreed), "class_accuracy": (right_class & agreed, agreed)},
        "panels": {},
    }
    for size in PANELS:
        drawn, people_right, model_right = _weigh_draws(stress, people, says_stress, size)
        if drawn.any():
            counts["panels"][size] = {"pictures": int((drawn > 0).sum())}
            parts = {"people": people_right, "model": model_right, "difference": model_right - people_right}
            ratios["panels"][size] = {name: (part, drawn) for name, part in parts.items()}
    if "neutral" in class_names:
        neutral = votes[:, class_names.index("neutral")] / (people + unsure.sum(axis=1)) >= NEARLY_ALL
        counts["neutral"] = {"count": int(neutral.sum())}
        ratios["neutral"] = {"called_stress": (says_stress & neutral, neutral)}
    return counts, ratios


def _weigh_draws(stress: np.ndarray, people: np.ndarray, says_stress: np.ndarray, size: int) -> tuple:
    """What the draws of `size` people from a picture's voters come to, exactly (hypergeometric distribution).

    Held against the majority of the remaining voters; draws whose remainder ties, or is nobody, are left out. Every
    voter counts the same: a picture weighs as much as it has voters for a class.

    Returns:
        Weights, each float (n,): of all draws that count, and of those in which the drawn, or the model, agree.
    """
    of_drawn = np.arange(size + 1)
    pool, stressed = np.maximum(people, size)[:, None], stress[:, None]
    lead = 2 * (stressed - of_drawn) - (pool - size)
    weight = hypergeom.pmf(of_drawn, pool, stressed, size) * (lead != 0) * np.where(people > size, people, 0)[:, None]
    people_right = weight * ((2 * of_drawn > size) == (lead > 0))
    model_right = weight * (says_stress[:, None] == (lead > 0))
    return weight.sum(axis=1), people_right.sum(axis=1), model_right.sum(axis=1)


def count_people(panels: list[dict]) -> int | None:
    """As many people as the answers agree with the majority of the others at least as often as, by value.

    Counted from one upwards, up to the first panel that agrees more often; 0: one person does already; None: there
    are too few voters to tell.
    """
    reached = 0
    for panel in panels:
        if panel["difference"]["value"] < -1e-9:
            break
        reached = panel["size"]
    return reached if panels else None


def _measure_ferplus(votes, unsure, answers, class_names: list[str], groups: np.ndarray) -> dict | None:
    """The classes by FER+'s protocol; None where these are not its 8, or no picture has one."""
    targets = apply_ferplus_protocol(votes, unsure)
    known = targets >= 0
    if set(class_names) != set(EMOTIONS) or not known.any():
        return None

    def score(weights):
        confusion = weigh_confusion(targets[known], answers[known], len(class_names), weights)
        figures = score_confusion(confusion, class_names)
        return {name: figures[name] for name in ("accuracy", "balanced_accuracy")}

    return {"count": int(known.sum())} | bootstrap(score, groups[known])


def _divide(ratios, weights: np.ndarray):
    """Each figure of `_count`, float (resamples,), NaN where its whole is 0."""
    if isinstance(ratios, dict):
        return {name: _divide(below, weights) for name, below in ratios.items()}
    part, whole = (values.astype(weights.dtype) @ weights for values in ratios)
    with np.errstate(invalid="ignore"):
        return part / whole


def _merge(counts: dict, figures: dict) -> dict:
    """Both, name by name."""
    both = {name: _merge(counts[name], figures[name]) for name in figures if isinstance(counts.get(name), dict)}
    return counts | figures | both


def measure_label(
    given: np.ndarray, votes: np.ndarray, unsure: np.ndarray, class_names: list[str], stress_classes: list[str], groups
) -> dict | None:
    """The data set's own labels against people's votes, as if a model had answered so; `label` in reports/SCHEMA.md.

    Args:
        given: int (n,), column of the data set's own class, -1 where it is not known: left out.
        votes: int (n, classes), and so on: as for `measure_people`.
        unsure: int (n, 2).
        class_names: of the votes.
        stress_classes: those of them that count as Stress.
        groups: (n,).
    """
    known = given >= 0
    answers = np.eye(len(class_names))[given[known]]
    found = measure_people(votes[known], unsure[known], answers, class_names, stress_classes, np.array(groups)[known])
    names = ("majority", "accuracy", "class_accuracy", "panels", "neutral")
    return found and {name: found[name] for name in names}


def measure_given(
    given: np.ndarray, probabilities: np.ndarray, class_names: list[str], stress_classes: list[str], groups: np.ndarray
) -> dict | None:
    """Answers against the data set's own labels, as other repositories report; `given` in reports/SCHEMA.md.

    Classes that never occur among the labels are dropped, and the other probabilities divided by their sum.

    Args:
        given: int (n,), column of the data set's own class, -1 where it is not known; such pictures are left out.
        probabilities: float (n, classes), columns as `class_names`.
        class_names: of the votes.
        stress_classes: those of them that count as Stress.
        groups: (n,).
    """
    known = given >= 0
    if not known.any():
        return None
    occurring, targets = np.unique(given[known], return_inverse=True)
    kept = [class_names[column] for column in occurring]
    probabilities = probabilities[known][:, occurring].astype(np.float64)
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    p_stress = stress_probability(probabilities, kept, [name for name in stress_classes if name in kept])
    labels = np.isin(kept, stress_classes)[targets].astype(int)
    ratios = {
        "accuracy": ((p_stress >= THRESHOLD) == labels, np.ones(len(labels))),
        "class_accuracy": (probabilities.argmax(axis=1) == targets, np.ones(len(labels))),
    }

    def score(weights):
        auroc, log_loss = rank_figures(labels, p_stress, weights)[0], stress_log_loss(labels, p_stress, weights)
        return _divide(ratios, weights) | {"auroc": auroc, "log_loss": log_loss}

    dropped = [name for name in class_names if name not in kept]
    return {"count": int(known.sum()), "dropped": dropped} | bootstrap(score, np.array(groups)[known])
