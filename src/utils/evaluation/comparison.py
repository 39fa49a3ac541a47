"""Models on the same pictures: paired intervals, McNemar's test, a verdict in words; one model under every mapping."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from utils.evaluation.bootstrap import bootstrap
from utils.evaluation.metrics import score_classes, score_stress
from utils.evaluation.registry import BY_KEY, list_metrics, show_percent
from utils.inference.classifier import stress_probability
from utils.labels import CLASS_NAMES, EMOTIONS, STRESS_MAPPINGS, THRESHOLD, find_majority

LEVEL = 0.05
"""Of the tests, over all pairs that are compared."""


def compare_rows(rows: dict, labels: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> list[dict]:
    """Each pair of rows on the same pictures; `comparison` in reports/SCHEMA.md.

    Every resample of the groups scores all rows, so what makes pictures hard for all of them cancels out.

    Args:
        rows: by name, anything with `p_stress`, float (n,), and `probabilities`, float (n, classes).
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        targets: int (n,), column of the true class.
        groups: (n,), as for `bootstrap.draw_weights`.
    """
    pairs = list(combinations(rows, 2))

    def score(weights):
        figures = {name: _score(row, labels, targets, weights) for name, row in rows.items()}
        return {
            (first, second): {
                block: {
                    metric.figure: metric.find(figures[second]) - metric.find(figures[first])
                    for metric in list_metrics("comparison", block)
                }
                for block in ("stress", "classes")
            }
            for first, second in pairs
        }

    differences = bootstrap(score, groups)
    compared = [
        {"first": first, "second": second}
        | {block: _judge(block, figures) for block, figures in differences[first, second].items()}
        | count_agreement(labels, rows[first].p_stress, rows[second].p_stress, groups)
        for first, second in pairs
    ]
    return _correct(compared)


def _correct(compared: list[dict]) -> list[dict]:
    """The same with p-values corrected over the pairs: Holm 1979 (Scandinavian Journal of Statistics 6)."""
    for block in ("stress", "classes"):
        for metric in list_metrics("comparison", block):
            figures = [metric.find(pair) for pair in compared]
            _correct_verdicts([figure for figure in figures if figure])
    corrected = multipletests([pair["mcnemar_p"] for pair in compared], method="holm")[1]
    return [pair | {"mcnemar_p": float(p_value)} for pair, p_value in zip(compared, corrected, strict=True)]


def _correct_verdicts(figures: list[dict]) -> None:
    # by the width of the bootstrap's interval, as of a normal distribution
    widths = np.array([figure["high"] - figure["low"] for figure in figures])
    values = np.abs([figure["value"] for figure in figures])
    p_values = 2 * norm.sf(2 * norm.ppf(0.975) * values / np.maximum(widths, 1e-12))
    for figure, rejected in zip(figures, multipletests(p_values, LEVEL, method="holm")[0], strict=True):
        if not rejected:
            figure["verdict"] = "cannot be told apart"


def _score(row, labels: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict:
    names = map(str, range(row.probabilities.shape[1]))
    return {
        "stress": score_stress(labels, row.p_stress, weights),
        "classes": score_classes(targets, row.probabilities, names, weights),
    }


def _judge(block: str, differences: dict) -> dict:
    return {
        name: difference | {"verdict": find_verdict(difference, BY_KEY[f"{block}.{name}"].lower_is_better)}
        for name, difference in differences.items()
    }


def find_verdict(difference: dict, lower_is_better: bool = False) -> str:
    """Tell "better" or "worse" where the interval of a difference leaves out 0, else "cannot be told apart"."""
    if difference["low"] <= 0 <= difference["high"]:
        return "cannot be told apart"
    return "better" if (difference["value"] < 0) == lower_is_better else "worse"


def count_agreement(labels: np.ndarray, first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> dict:
    """How many pictures both, one or neither of two models answer right, and McNemar's test of it.

    McNemar 1947 (Psychometrika 12): pictures that both or neither answer right say nothing about which is better. The
    test is exact where the others are each of a group of its own, else that of Obuchowski 1998 (Statistics in
    Medicine 17), "On the comparison of correlated proportions for clustered data", whose variance is that under the
    null hypothesis.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress.
        first: P(stress) of one model, float (n,), 0 to 1.
        second: P(stress) of the other, float (n,), 0 to 1.
        groups: (n,), as for `bootstrap.draw_weights`.

    Returns:
        `agreement` (`both`, `first_only`, `second_only`, `neither`) and `mcnemar_p`, two-sided.
    """
    first_right, second_right = ((p >= THRESHOLD) == labels for p in (first, second))
    agreement = {
        "both": int((first_right & second_right).sum()),
        "first_only": int((first_right & ~second_right).sum()),
        "second_only": int((~first_right & second_right).sum()),
        "neither": int((~first_right & ~second_right).sum()),
    }
    both, first_only, second_only, neither = agreement.values()
    apart = first_right != second_right
    group = pd.factorize(np.asarray(groups)[apart])[0]
    gains = np.bincount(group, weights=np.where(second_right, 1, -1)[apart])
    if len(gains) == apart.sum():
        p_value = mcnemar([[both, first_only], [second_only, neither]], exact=True).pvalue
    else:
        squares = (gains**2).sum()
        p_value = chi2.sf(gains.sum() ** 2 / squares, df=1) if squares else 1.0
    return {"agreement": agreement, "mcnemar_p": float(p_value)}


def score_mappings(
    targets: np.ndarray,
    probabilities: np.ndarray,
    class_names: list[str],
    groups: np.ndarray,
    mappings: Mapping[str, frozenset] = STRESS_MAPPINGS,
) -> dict | None:
    """A model's stored probabilities scored anew: only which columns are summed, and which targets count, changes.

    Nobody has agreed on a mapping of emotions to Stress, so all that are in use are scored.

    Args:
        targets: float (n, classes), each class's share of the votes, or 1 for the one label: a mapping's truth is what
            most people say under it, and where they tie, a picture is left out.
        probabilities: float (n, classes), columns as `class_names`.
        class_names: of the network's outputs, in their order.
        groups: (n,), as for `bootstrap.draw_weights`.
        mappings: by name, the emotions that count as Stress.

    Returns:
        By mapping name, `mapping` in reports/SCHEMA.md; None where a class is no emotion. A mapping under which these
        pictures are all of one label is left out.
    """
    if not set(class_names) <= set(EMOTIONS):
        return None
    scored = {}
    for mapping, emotions in mappings.items():
        stress_classes = [name for name in class_names if name in emotions]
        share = targets[:, [class_names.index(name) for name in stress_classes]].sum(axis=1)
        labels = find_majority(share, targets.sum(axis=1))
        decided = labels >= 0
        if not {0, 1} <= set(labels):
            continue
        labels = labels[decided]
        p_stress = stress_probability(probabilities[decided], class_names, stress_classes)

        def score(weights, labels=labels, p_stress=p_stress):
            figures = {"stress": score_stress(labels, p_stress, weights)}
            return {metric.figure: metric.find(figures) for metric in list_metrics("mapping")}

        scored[mapping] = {"stress_classes": stress_classes, "count": len(labels)} | bootstrap(score, groups[decided])
    return scored


def find_faces(final, of_each: int, seed: int) -> dict[str, list[int]]:
    """Test pictures to look at, by kind: answered right, wrong with most confidence, and people divided.

    Args:
        final: a model's `scoring.Evaluation`.
        of_each: pictures at most of each kind.
        seed: of the drawing of those that are right, and of those that people split on: four to six votes of ten.

    Returns:
        Positions among its test pictures; kinds without any are left out.
    """
    test, rng = final.test, np.random.default_rng(seed)
    right = (final.p_stress >= THRESHOLD) == (test.labels == 1)
    wrong = np.flatnonzero(~right & (test.labels >= 0))
    surest = wrong[np.argsort(-abs(final.p_stress[wrong] - THRESHOLD), kind="stable")]
    kinds = {"right": rng.permutation(np.flatnonzero(right & (test.labels >= 0))), "wrong, at its surest": surest}
    if test.votes is not None:
        split = (test.classes >= 0) & (abs(final.share - 0.5) <= _SPLIT)
        kinds["people disagree"] = rng.permutation(np.flatnonzero(split))
    return {kind: chosen[:of_each].tolist() for kind, chosen in kinds.items() if len(chosen)}


_SPLIT = 0.1 + 1e-6
"""How far from one half the share of people who see Stress may lie where they are said to disagree."""


def find_disagreements(before, final, of_each: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Pictures that one of two models alone answers right: the first one's, then the second one's, drawn at random.

    Args:
        before: the first model's `scoring.Evaluation`.
        final: the second's.
        of_each: pictures at most of each kind.
        seed: of the drawing.

    Returns:
        The pictures, uint8 (k, 48, 48, 3), and a title for each: its label, and how sure each model was of it.
    """
    test, models = before.decided.test, {"before": before.decided.p_stress, "final": final.decided.p_stress}
    right = {name: (p_stress >= THRESHOLD) == test.labels for name, p_stress in models.items()}
    rng, drawn = np.random.default_rng(seed), []
    for name, other in (("before", "final"), ("final", "before")):
        drawn += rng.permutation(np.flatnonzero(right[name] & ~right[other]))[:of_each].tolist()
    titles = []
    for i in drawn:
        sure = {name: p_stress[i] if test.labels[i] else 1 - p_stress[i] for name, p_stress in models.items()}
        shown = "\n".join(f"{name} {show_percent(share)}" for name, share in sure.items())
        titles.append(f"{CLASS_NAMES[test.labels[i]]}\n{shown}")
    return test.images[drawn], titles
