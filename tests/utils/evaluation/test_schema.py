import copy

import numpy as np
import pytest
from schema import find_mismatches, read_schema

from utils.evaluation.bootstrap import measure_classes, measure_stress


@pytest.fixture(scope="module")
def schema():
    return read_schema()


@pytest.fixture(scope="module")
def stress():
    rng = np.random.default_rng(0)
    return measure_stress(rng.integers(2, size=40), rng.random(40), np.arange(40))


def test_every_kind_that_is_named_is_known(schema):
    def kinds(branch):
        return [branch] if isinstance(branch, str) else [kind for part in branch.values() for kind in kinds(part)]

    for kind in {kind for branch in schema.values() for kind in kinds(branch)}:
        name = kind.removesuffix(" or null")
        assert name in ("figure", "number", "text", "list", "truth") or name.split("(#")[1].rstrip(")") in schema


def test_figures_are_as_documented(schema, stress):
    assert find_mismatches(stress, schema, schema["stress"]) == []
    probabilities = np.random.default_rng(1).dirichlet(np.ones(3), 40)
    classes = measure_classes(np.arange(40) % 3, probabilities, list("abc"), np.arange(40))
    assert find_mismatches(classes, schema, schema["classes"]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda figures: figures.pop("mcc"), "only documented {'mcc'}"),
     (lambda figures: figures.update(kappa=0.3), "only there {'kappa'}"),
     (lambda figures: figures["auroc"].pop("low"), ".auroc: expected figure"),
     (lambda figures: figures.update(count="40"), ".count: expected number"),
     (lambda figures: figures.update(ece=None), ".ece: expected {"),
     (lambda figures: figures["per_class"]["Stress"].pop("f1"), ".per_class.Stress: only there")],
)  # fmt: skip
def test_what_differs_is_found(schema, stress, change, message):
    changed = copy.deepcopy(stress)
    change(changed)
    assert message in " ".join(find_mismatches(changed, schema, schema["stress"]))
