"""Two runs side by side: what changed between them, which figures moved, and whether that can be told from chance.

python -m reporting.comparison FIRST SECOND
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reporting.facts import RunFacts, read_facts
from reporting.first_page import write_overview
from reporting.html import find_figures, render_page
from reporting.words import describe_data
from utils.evaluation.comparison import compare_rows, find_verdict
from utils.evaluation.registry import Metric, as_figure, list_metrics, show_difference
from utils.files import write_text
from utils.paths import TEST_EVALUATIONS, Run

FEWEST_SHARED = 30
"""Test pictures that two runs must share for a paired comparison."""


@dataclass(frozen=True)
class _Answers:
    """What `comparison.compare_rows` asks of a model: float (n,) and float (n, classes)."""

    p_stress: np.ndarray
    probabilities: np.ndarray


def write_comparison(first: Run, second: Run) -> Path:
    """Write reports/compare-<first>+<second>.html, and renew reports/index.html, which lists it.

    Raises:
        FileNotFoundError: one of the runs has no report.
    """
    for run in (first, second):
        if not (run.reports / "stages").is_dir():
            raise FileNotFoundError(f"No run {run.name!r} in {run.reports.parent}.")
    facts = [read_facts(run) for run in (first, second)]
    figures = [{figure.name: figure for figure in find_figures(run, at_most=8)} for run in (first, second)]
    # no run's name holds a +
    page = TEST_EVALUATIONS.parent / f"compare-{first.name}+{second.name}.html"
    values = {
        "runs": facts,
        "changes": list_changes(*facts),
        "moved": compare_figures(*facts),
        "figures": [(figures[0][name], figures[1][name]) for name in figures[0] if name in figures[1]],
        "describe": describe_data,
        "metrics": list_metrics("comparison", "stress"),
    }
    write_text(page, render_page("comparison.html.j2", **values))
    write_overview()
    return page


def list_changes(first: RunFacts, second: RunFacts) -> dict[str, list[tuple[str, str, str]]]:
    """What differs in parameters, data, code, versions and machine: (name, in the first, in the second) by kind."""
    kinds = {
        "parameters": [
            {k: v for k, v in facts.parameters.items() if k not in ("RUN", "SOURCE")} for facts in (first, second)
        ],
        "data": [_describe_data(facts) for facts in (first, second)],
        "code": [_merge(facts, "code") | {"commit": ", ".join(facts.commits)} for facts in (first, second)],
        "versions": [_merge(facts, "versions") for facts in (first, second)],
        "machine": [{"machine": facts.machine} for facts in (first, second)],
    }
    return {kind: _differ(*pair) for kind, pair in kinds.items()}


def _describe_data(facts: RunFacts) -> dict:
    counts = {f"{split} pictures": sum(labels.values()) for split, labels in facts.counts.items()}
    return {"source": facts.data.get("source", ""), "fingerprint": facts.fingerprint[:16]} | counts


def _merge(facts: RunFacts, key: str) -> dict:
    return {name: value for stage in facts.stages.values() for name, value in (stage.made.get(key) or {}).items()}


def _differ(first: dict, second: dict) -> list[tuple[str, str, str]]:
    names = list(dict.fromkeys([*first, *second]))
    pairs = [(name, first.get(name, "–"), second.get(name, "–")) for name in names]
    return [(name, str(before), str(after)) for name, before, after in pairs if before != after]


def compare_figures(first: RunFacts, second: RunFacts) -> list[dict]:
    """Each model that both runs have: its figures in both, their difference, and a verdict.

    Returns:
        Dicts `model`, `pictures` (tested in both, None where not paired) and `rows`: `figure`, `first`, `second`,
        `difference` (text) and `verdict`.
    """
    found = []
    for stage in first.stages:
        models = [facts.stages[stage].metrics.get("models", {}) for facts in (first, second)]
        if not all(models):
            continue
        name = list(models[1])[-1]
        if name in models[0]:
            before, after = (each[name] for each in models)
            paired = _pair(first.run, second.run, name)
            found.append(
                {"model": name, "pictures": paired and paired["pictures"]}
                | {"rows": _compare_model(before, after, paired)}
            )
    return found


def _compare_model(before: dict, after: dict, paired: dict | None) -> list[dict]:
    rows = []
    for metric in list_metrics("comparison", "stress"):
        row = {"figure": metric.name, "first": metric.show(before), "second": metric.show(after)}
        if paired:
            difference = metric.find(paired)
            row |= {"difference": show_difference(difference, metric.unit), "verdict": difference["verdict"]}
        else:
            row |= _judge_apart(metric, before, after)
        rows.append(row)
    return rows


def _judge_apart(metric: Metric, first: dict, second: dict) -> dict:
    """A verdict on different pictures: intervals that do not touch. Careful: touching ones may differ too."""
    before, after = (as_figure(metric.find(scores)) for scores in (first, second))
    if before is None or after is None or before["low"] is None or after["low"] is None:
        return {"difference": "–", "verdict": "no intervals to tell by"}
    difference = {"value": after["value"] - before["value"]}
    difference |= {"low": after["low"] - before["high"], "high": after["high"] - before["low"]}
    return {"difference": "other pictures", "verdict": find_verdict(difference, metric.lower_is_better)}


def _pair(first: Run, second: Run, model: str) -> dict | None:
    """`comparison` in reports/SCHEMA.md on the test pictures of both runs, and their number; None where too few."""
    before, after = (_read_predictions(run, model) for run in (first, second))
    if before is None or after is None:
        return None
    both = before.merge(after, on="picture", suffixes=("_1", "_2"), validate="one_to_one")
    both = both[both["label_1"] == both["label_2"]]
    if len(both) < FEWEST_SHARED or both["label_1"].nunique() < 2:
        return None
    labels = both["label_1"].to_numpy()
    rows = {end: _read_answers(both[f"p_stress_{end}"].to_numpy()) for end in ("1", "2")}
    (comparison,) = compare_rows(rows, labels, labels, both["group_1"].to_numpy())
    return comparison | {"pictures": len(both)}


def _read_answers(p_stress: np.ndarray) -> _Answers:
    return _Answers(p_stress, np.column_stack([1 - p_stress, p_stress]))


def _read_predictions(run: Run, model: str) -> pd.DataFrame | None:
    """`picture` (its pixels' sha256, occurring once), `label`, `p_stress`, `group`; None where the files are gone."""
    index = run.data / "index.csv"
    if not run.predictions(model).exists() or not index.exists():
        return None
    records = pd.read_csv(index, usecols=["file", "sha256", "group"])
    table = pd.read_csv(run.predictions(model), usecols=["file", "label", "p_stress"]).merge(records, on="file")
    return table.rename(columns={"sha256": "picture"}).drop_duplicates("picture", keep=False)


def main(arguments: list[str] | None = None) -> int:
    """Compare two runs; 0 where the page is written, 2 where a run has no report."""
    parser = argparse.ArgumentParser(prog="python -m reporting.comparison", description=__doc__.splitlines()[0])
    parser.add_argument("first", metavar="FIRST", help="a run's name")
    parser.add_argument("second", metavar="SECOND", help="another's")
    names = parser.parse_args(arguments)
    try:
        page = write_comparison(Run(names.first), Run(names.second))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Compared: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
