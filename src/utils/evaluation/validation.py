"""What the validation pictures decide and show: temperature, abstention, what chance and settings do to a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from utils.data.dataset import Split
from utils.evaluation.calibration import fit_temperature, soften
from utils.evaluation.comparison import LEVEL, find_verdict
from utils.evaluation.metrics import score_stress
from utils.evaluation.registry import Metric, list_metrics
from utils.evaluation.selective import choose_threshold

METRICS = list_metrics("comparison", "stress")
"""Those that are known on validation: `validation` in each model.json."""


@dataclass(frozen=True)
class Choices:
    """Made on validation, before the test split is opened.

    Attributes:
        answers: class probabilities of the validation pictures without a temperature, float (n, classes).
        temperature: see `calibration.fit_temperature`.
        target_accuracy: what was to be promised of the answers that are given.
        abstention: see `selective.choose_threshold`.
        figures: `accuracy`, `auroc`, `log_loss` of Stress against Non-stress with the temperature.
    """

    answers: np.ndarray
    temperature: float
    target_accuracy: float
    abstention: dict | None
    figures: dict[str, float]

    def for_card(self) -> dict:
        """What model.json keeps of them."""
        promised = {"target_accuracy": self.target_accuracy, "abstention": self.abstention}
        return {"temperature": self.temperature} | promised | {"validation": self.figures}


def choose_on_validation(
    answers: np.ndarray, validation: Split, stress_columns: list[int], target_accuracy: float
) -> Choices:
    """Choose temperature and threshold for a network, as it will be saved.

    Args:
        answers: class probabilities of each view of the validation pictures, float (views, n, classes).
        validation: those pictures.
        stress_columns: the classes that count as Stress.
        target_accuracy: to be promised of the answers that are given, .5 to 1.
    """
    temperature = fit_temperature(answers, validation.targets[:, stress_columns].sum(axis=1), stress_columns)
    p_stress = soften(answers, temperature).mean(axis=0)[:, stress_columns].sum(axis=1)
    decided = validation.labels >= 0
    labels, p_stress, groups = validation.labels[decided], p_stress[decided], validation.records["group"][decided]
    abstention = choose_threshold(labels, p_stress, groups.to_numpy(), target_accuracy)
    scores = score_stress(labels, p_stress)
    figures = {metric.figure: float(scores[metric.figure][0]) for metric in METRICS}
    return Choices(answers.mean(axis=0), temperature, target_accuracy, abstention, figures)


def measure_seeds(labels: np.ndarray, answers: dict[int, np.ndarray], stress_columns: list[int]) -> dict:
    """Validation figures of each seed's network; `seeds` in reports/SCHEMA.md.

    Validation, not test: every look at the test pictures is one too many for a network that is not kept.

    Args:
        labels: int (n,), 0 = Non-stress, 1 = Stress, -1 is left out, of the validation pictures.
        answers: by seed, class probabilities, float (n, classes).
        stress_columns: the classes that count as Stress.
    """
    decided = labels >= 0
    figures = [score_stress(labels[decided], each[decided][:, stress_columns].sum(axis=1)) for each in answers.values()]
    names = [metric.figure for metric in METRICS]
    return {"seeds": list(answers)} | {name: [float(each[name][0]) for each in figures] for name in names}


def predict_next(values: Sequence[float]) -> dict:
    """Repeated trainings of one setting, and where another one would lie.

    Returns:
        `mean`, `deviation` (standard, None of one value) and `count`; `low` and `high`, between which one more training
        would lie 19 times of 20 (Student's t, as of normal distributions), None of fewer than three.
    """
    count, mean = len(values), float(np.mean(values))
    deviation = float(np.std(values, ddof=1)) if count > 1 else None
    found: dict = {"mean": mean, "deviation": deviation, "count": count, "low": None, "high": None}
    if count >= 3:
        reach = t.ppf(0.975, count - 1) * deviation * np.sqrt(1 + 1 / count)
        found |= {"low": float(mean - reach), "high": float(mean + reach)}
    return found


def compare_settings(figures: dict[str, dict[int, float]]) -> list[dict]:
    """Each pair of settings that were trained from the same seeds: their difference, paired by seed.

    What a seed does to all settings cancels out. The chance that is left is estimated from all settings together, as in
    a randomized complete block design (Montgomery 2017, "Design and Analysis of Experiments", chapter 4), and so taken
    to be as large in all: of two settings, this is the paired t test. p-values are corrected over the pairs: Holm 1979
    (Scandinavian Journal of Statistics 6).

    Args:
        figures: by setting, by seed, a figure.

    Returns:
        `first`, `second`, `value` (second minus first), `low` and `high` (95 % interval of this pair alone) and
        `p_value` (corrected), of the seeds that all settings have; [] where these are fewer than two.
    """
    seeds = sorted(set.intersection(*map(set, figures.values()))) if figures else []
    if len(figures) < 2 or len(seeds) < 2:
        return []
    table = np.array([[values[seed] for seed in seeds] for values in figures.values()])
    means = table.mean(axis=1)
    left = table - means[:, np.newaxis] - table.mean(axis=0) + table.mean()
    freedom = (len(figures) - 1) * (len(seeds) - 1)
    # where nothing is left to chance, rounding is
    error = max(np.sqrt(2 * (left**2).sum() / freedom / len(seeds)), 1e-12)
    reach = t.ppf(0.975, freedom) * error
    pairs = list(combinations(range(len(figures)), 2))
    differences = np.array([means[second] - means[first] for first, second in pairs])
    p_values = multipletests(2 * t.sf(np.abs(differences) / error, freedom), method="holm")[1]
    names = list(figures)
    return [
        {"first": names[first], "second": names[second], "value": float(value)}
        | {"low": float(value - reach), "high": float(value + reach), "p_value": float(p_value)}
        for (first, second), value, p_value in zip(pairs, differences, p_values, strict=True)
    ]


def compare_runs(runs: list[dict]) -> dict:
    """What repeated trainings of several settings show: `settings`, `pairs` and the name of the `best`.

    Args:
        runs: of each its `setting`, `seed`, the name of its `data`, and by name `models`, each with `stress` as in
            reports/SCHEMA.md; none where it is not there.

    Returns:
        `settings`: by model and setting, what `predict_next` gives of each figure. `pairs`: what `compare_settings`
        gives, of each `model` and `figure`, with a `verdict` on the second; only of the same data, since other pictures
        may be easier. The best setting has the lowest mean log-loss of the last model; "" where data differ, or no run
        is there.
    """
    settings: dict[str, dict] = {}
    pairs = []
    # the run with most models has them in order
    for model in dict.fromkeys(
        name for run in sorted(runs, key=lambda run: -len(run["models"])) for name in run["models"]
    ):
        of_data: dict[str, dict[str, dict[int, dict]]] = {}
        for run in (run for run in runs if model in run["models"]):
            of_setting = of_data.setdefault(run["data"], {}).setdefault(run["setting"], {})
            of_setting[run["seed"]] = run["models"][model]
        settings[model] = {
            setting: {
                metric.figure: predict_next([metric.find(scores) for scores in of_seed.values()]) for metric in METRICS
            }
            for by_setting in of_data.values()
            for setting, of_seed in by_setting.items()
        }
        for metric in METRICS:
            for by_setting in of_data.values():
                figures = {
                    name: {seed: metric.find(s) for seed, s in seeds.items()} for name, seeds in by_setting.items()
                }
                for pair in compare_settings(figures):
                    pairs.append({"model": model, "figure": metric.figure} | pair | {"verdict": _judge(pair, metric)})
    last = list(settings.values())[-1] if settings and len({run["data"] for run in runs if run["models"]}) == 1 else {}
    best = min(last, key=lambda setting: last[setting]["log_loss"]["mean"], default="")
    return {"settings": settings, "pairs": pairs, "best": best}


def _judge(pair: dict, metric: Metric) -> str:
    value, end = pair["value"], pair["value"] if pair["p_value"] < LEVEL else 0.0
    return find_verdict({"value": value, "low": min(end, value), "high": max(end, value)}, metric.lower_is_better)
