import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from reporting import sections
from reporting.doubts import describe_slices
from utils.evaluation.slices import (
    FEWEST_GROUPS,
    FEWEST_PICTURES,
    measure_slices,
    slice_by_attributes,
    slice_by_condition,
)


def test_thirds_of_brightness_contrast_and_sharpness():
    rng = np.random.default_rng(0)
    base = rng.normal(0, 1, (60, 48, 48, 1))
    level, spread = rng.permutation(np.linspace(60, 190, 60)), rng.permutation(np.linspace(5, 20, 60))
    images = (level[:, None, None, None] + spread[:, None, None, None] * base).clip(0, 255).astype(np.uint8)
    slices = slice_by_condition(np.broadcast_to(images, (60, 48, 48, 3)))
    assert list(slices) == ["brightness", "contrast", "sharpness"]
    assert (slices.nunique() == 3).all()
    assert all((slices[name].value_counts() == 20).all() for name in slices)
    brightest = slices["brightness"][np.argmax(level)]
    assert set(np.flatnonzero(slices["brightness"] == brightest)) == set(np.argsort(level)[-20:])
    # white noise: sharpness goes with contrast
    assert slices["sharpness"][np.argmax(spread)] == slices["sharpness"].iloc[np.argsort(spread)[-5:]].mode()[0]


def test_attributes_that_name_kinds_become_slices():
    files = pd.Series([f"{i}.png" for i in range(40)])
    attributes = pd.DataFrame(
        {
            "file": files[:39],
            "subject": [str(i // 2) for i in range(39)],
            "sex": ["f", "m", None] * 13,
            "yaw": np.linspace(-30, 30, 39),
            "units": [f"text {i}" for i in range(39)],
            "same": "x",
            "stars": np.arange(39) % 3,
        }
    )
    slices = slice_by_attributes(attributes.sample(frac=1, random_state=0), files)
    assert list(slices) == ["sex", "yaw", "stars"]
    assert slices["sex"].tolist()[:2] == ["f", "m"]
    assert slices["yaw"].nunique() == 3
    assert slices.iloc[39].isna().all()
    assert slice_by_attributes(None, files).shape == (40, 0)


def independent(count, seed=0):
    return np.random.default_rng(seed), np.arange(count)


def test_intervals_are_wilsons_where_pictures_are_independent():
    rng, groups = independent(600)
    right, slices = rng.random(600) < 0.8, pd.DataFrame({"kind": np.repeat(["a", "b", "c"], 200)})
    table = measure_slices(right, slices, groups)
    for row, start in zip(table.itertuples(), (0, 200, 400), strict=True):
        part = right[start : start + 200]
        reference = binomtest(int(part.sum()), 200).proportion_ci(method="wilson")
        assert (row.accuracy, row.pictures) == (part.mean(), 200)
        assert (row.low, row.high) == (pytest.approx(reference.low, abs=2e-3), pytest.approx(reference.high, abs=2e-3))
        assert row.difference == pytest.approx(part.mean() - np.delete(right, range(start, start + 200)).mean())


def test_a_worse_slice_stands_out_and_the_sentence_says_so():
    rng, groups = independent(1200)
    slices = pd.DataFrame({"light": np.tile(["day", "night"], 600), "sex": np.repeat(["f", "m"], 600)})
    right = rng.random(1200) < np.where(slices["light"] == "night", 0.65, 0.85)
    table = measure_slices(right, slices, groups)
    assert set(table.loc[table["stands_out"], "by"]) == {"light"}
    text = describe_slices(table.to_dict("records"))
    assert re.search(r"where light is night, .* points \([^)]*\) below the others", text)
    assert text.startswith("Of 4 slices (pictures that have something in common: light and sex) 2 differ")


def test_a_difference_has_an_interval_and_two_halves_count_once():
    right, halves = np.arange(800) % 9 > 1, pd.DataFrame({"half": np.tile(["a", "b"], 400)})
    table = measure_slices(right, halves, np.arange(800))
    first, second = table.itertuples()
    each = [DescrStatsW(right[halves["half"] == name].astype(float)) for name in "ab"]
    interval = CompareMeans(*each).tconfint_diff()
    assert (first.difference_low, first.difference_high) == pytest.approx(interval, abs=2e-3)
    assert second.difference_low == pytest.approx(-first.difference_high)
    expected = proportions_ztest([right[::2].sum(), right[1::2].sum()], [400, 400])[1]
    assert [first.p_holm, second.p_holm] == pytest.approx([expected, expected], abs=1e-3)
    assert first.detectable == pytest.approx(2.8 * np.ptp(interval) / 3.92, rel=0.01)
    text = describe_slices(table.to_dict("records"))
    assert "That is no proof that there is none. A difference of 8.2 points or more would likely have been seen" in text


@pytest.mark.parametrize("size", [1, 10])
def test_few_false_alarms_over_simulated_models_without_any_difference(size, monkeypatch):
    """Answers agree within groups of `size`, and some columns are constant within groups, as a person's traits are."""
    # statsmodels collects garbage with each correction, which takes long in a process that has loaded much
    monkeypatch.setattr("gc.collect", lambda: 0)
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(600 // size), size)
        right = (rng.random(600 // size) < 0.75)[groups]
        columns = {f"trait {i}": rng.choice(["a", "b"], 600 // size)[groups] for i in range(4)}
        columns |= {f"shot {i}": rng.choice(["a", "b", "c"], 600) for i in range(2)}
        table = measure_slices(right, pd.DataFrame(columns), groups)
        alarms += table["stands_out"].any()
    assert alarms / 40 <= 0.1


def test_slices_that_are_too_small_are_left_out():
    kinds = np.array(["rare"] * (FEWEST_PICTURES - 1) + ["common"] * 300)
    table = measure_slices(np.ones(len(kinds), bool), pd.DataFrame({"kind": kinds}), np.arange(len(kinds)))
    assert table.empty
    assert describe_slices(table.to_dict("records")) == "No slice holds enough pictures."


def test_a_slice_of_few_persons_is_left_out():
    persons = np.repeat(np.arange(20), 40)
    kinds = pd.DataFrame({"glasses": np.isin(persons, range(FEWEST_GROUPS - 1)).astype(str), "beard": persons % 2 == 0})
    table = measure_slices(np.arange(800) % 3 > 0, kinds.astype(str), persons)
    assert set(table["by"]) == {"beard"}


def test_thirds_of_large_numbers_keep_different_names():
    files = pd.Series([f"{i}.png" for i in range(30)])
    dates = slice_by_attributes(pd.DataFrame({"file": files, "taken": 20200101 + np.arange(30)}), files)["taken"]
    assert dates.value_counts().tolist() == [10, 10, 10]
    assert dates[0].startswith("20200101 to 202001")


def test_all_right_is_no_alarm():
    table = measure_slices(np.ones(100, bool), pd.DataFrame({"kind": np.tile(["a", "b"], 50)}), np.arange(100))
    assert not table["stands_out"].any()
    assert (table["high"] == 1).all() and (table["low"] < 1).all()
    assert "none stands out" in describe_slices(table.to_dict("records"))


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="3 answers, 2 rows, 3 groups"):
        measure_slices(np.ones(3), pd.DataFrame({"kind": ["a", "b"]}), np.arange(3))


@pytest.mark.parametrize("digits", [18, 30])
def test_thirds_of_numbers_of_many_digits(digits):
    files = pd.Series([f"{i}.png" for i in range(30)])
    numbers = pd.DataFrame({"file": files, "serial": (1 + np.arange(30) / 30) * 10.0 ** (digits - 1)})
    assert slice_by_attributes(numbers, files)["serial"].value_counts().tolist() == [10, 10, 10]


def test_a_column_that_is_named_as_a_measured_one_is_kept_beside_it(monkeypatch):
    said, files = [], [f"{i}.png" for i in range(400)]
    attributes = pd.DataFrame({"file": files, "brightness": ["low", "<b>"] * 200})
    monkeypatch.setattr(sections, "read_attributes", lambda _run: attributes)
    monkeypatch.setattr(sections, "show_figure", lambda *_shown: None)
    monkeypatch.setattr(sections, "say", said.append)
    images = np.random.default_rng(0).integers(0, 256, (400, 48, 48, 3), dtype=np.uint8)
    test = SimpleNamespace(images=images, records=attributes[["file"]], labels=np.ones(400, int))
    decided = SimpleNamespace(test=test, groups=np.arange(400), p_stress=np.tile([0.9, 0.1], 200))
    rows = sections.show_slices(None, SimpleNamespace(decided=decided))
    plt.close("all")
    assert {row["by"] for row in rows} == {"brightness (measured)", "contrast", "sharpness", "brightness"}
    assert "where brightness is low, " in said[0]
    assert "where brightness is &lt;b&gt;, " in said[0]
