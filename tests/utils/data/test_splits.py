import numpy as np
import pandas as pd
import pytest

from utils.data import splits
from utils.data.splits import tabulate_splits


def assign_splits(records, *arguments, **options):
    """The splits alone, of records that are no near-duplicates of one another and carry no flag."""
    audited = records.assign(sha256=records.index.astype(str), near="", flags="")
    return splits.assign_splits(audited, *arguments, **options)["split"]


@pytest.fixture
def records():
    """1,000 training pictures in 800 groups and 100 test pictures, 20 of which are copies of training pictures."""
    rng = np.random.default_rng(0)
    groups = np.concatenate([rng.permutation(np.r_[np.arange(800), np.arange(200)]), np.r_[np.arange(20), 800:880]])
    emotions = np.array(["angry", "happy", "sad", "neutral"])[groups % 4]
    split = ["train"] * 1000 + ["test"] * 100
    label = np.isin(emotions, ["angry", "sad"]).astype(int)
    return pd.DataFrame({"class": emotions, "group": groups, "split": split, "label": label, "judgement": ""})


def test_no_group_is_on_two_sides(records):
    split = assign_splits(records, 0.1, 0.1, seed=0)
    used = records.assign(split=split)[split != "none"]
    assert (used.groupby("group")["split"].nunique() == 1).all()


def test_the_published_test_split_is_kept_and_its_copies_are_set_aside(records):
    split = assign_splits(records, 0.1, 0.1, seed=0)
    assert (split[1000:] == "test").all()
    assert set(records.loc[split == "none", "group"]) == set(range(20))


def test_validation_has_the_fraction_and_the_shares(records):
    split = assign_splits(records, 0.1, 0.1, seed=0)
    validation = records[split == "validation"]
    assert validation["group"].nunique() == 78
    assert validation.groupby("class")["group"].nunique().between(18, 21).all()


def test_the_seed_repeats_the_cut(records):
    assert assign_splits(records, 0.1, 0.1, 1).equals(assign_splits(records, 0.1, 0.1, 1))
    assert not assign_splits(records, 0.1, 0.1, 1).equals(assign_splits(records, 0.1, 0.1, 2))


def test_a_published_validation_split_is_kept(records):
    records.loc[:99, "split"] = "validation"
    split = assign_splits(records, 0.1, 0.1, seed=0)
    assert set(split[:100]) <= {"validation", "none"}
    assert not set(records.loc[split == "train", "group"]) & set(records.loc[split == "validation", "group"])
    assert not (split[100:1000] == "validation").any()


def test_a_test_split_is_cut_where_none_is_published(records):
    split = assign_splits(records.assign(split=""), 0.1, 0.2, seed=0)
    used = records.assign(split=split)
    assert (used.groupby("group")["split"].nunique() == 1).all()
    assert set(split) == {"train", "validation", "test"}
    assert used[split == "test"]["group"].nunique() == round(0.2 * 880)


@pytest.mark.parametrize("fractions", [(0, 0.1), (1, 0.1), (0.1, -0.1), (0.1, 2)])
def test_a_fraction_out_of_range(records, fractions):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        assign_splits(records, *fractions, 0)


def test_a_class_with_a_single_picture(records):
    records.loc[0, ["class", "group"]] = ["fear", 9999]
    with pytest.raises(ValueError, match=r"2 or more different pictures of each class; found .*'fear': 1"):
        assign_splits(records, 0.1, 0.1, 0)


def test_a_class_of_which_only_copies_of_test_pictures_could_train(records):
    records.loc[records["group"] < 20, "class"] = "fear"
    with pytest.raises(ValueError, match="expected every class in train"):
        assign_splits(records, 0.1, 0.1, 0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_to_three_persons_are_too_few(count):
    classes = np.tile(["angry", "happy"], 4 * count)
    columns = {
        "class": classes,
        "group": np.repeat(np.arange(count), 8),
        "split": "",
        "label": np.tile([1, 0], 4 * count),
    }
    with pytest.raises(
        ValueError, match=r"Too few different pictures to cut \w+ .*: 1 left, .* Expected 4 or more: two to"
    ):
        assign_splits(pd.DataFrame(columns | {"judgement": ""}), 0.1, 0.1, seed=0)


def test_train_equal_to_test_leaves_nothing_to_train_on(records):
    test = records[records["split"] == "test"]
    same = pd.concat([test, test.assign(split="train")], ignore_index=True)
    with pytest.raises(ValueError, match=r"No picture is left to train on: each of the 100 outside test has a copy"):
        assign_splits(same, 0.1, 0.1, 0)


def test_a_class_that_is_only_in_test_is_named(records):
    records.loc[1050:1054, "class"] = "contempt"
    with pytest.raises(
        ValueError, match=r'contempt is only in test \(5\): .*, or leave it out with CLASSES="contempt=skip"'
    ):
        assign_splits(records, 0.1, 0.1, 0)


def test_a_test_split_with_one_label(records):
    records = records[(records["split"] == "train") | (records["label"] == 1)].reset_index(drop=True)
    with pytest.raises(ValueError, match="both Non-stress and Stress in test"):
        assign_splits(records, 0.1, 0.1, 0)


def test_persons_with_pictures_of_every_class():
    """100 persons with a picture of each class, one more with one picture: whole persons move, classes stay even."""
    classes = np.append(np.tile(["angry", "happy", "sad", "neutral"], 100), "sad")
    label = np.isin(classes, ["angry", "sad"]).astype(int)
    columns = {"class": classes, "group": np.append(np.repeat(np.arange(100), 4), 100), "split": "", "label": label}
    persons = pd.DataFrame(columns).assign(judgement="")
    split = assign_splits(persons, 0.1, 0.2, seed=0)
    assert (persons.assign(used=split).groupby("group")["used"].nunique() == 1).all()
    assert persons[split == "test"]["group"].nunique() == 20
    assert persons[split == "validation"].groupby("class").size().tolist() == [8, 8, 8, 8]
    assert split.iloc[-1] == "train"


@pytest.mark.parametrize("count", [4, 8])
def test_few_persons_leave_two_to_test(count):
    classes = np.tile(["angry", "happy"], count)
    columns = {"class": classes, "group": np.repeat(np.arange(count), 2), "split": "", "label": np.tile([1, 0], count)}
    persons = pd.DataFrame(columns).assign(judgement="")
    split = assign_splits(persons, 0.1, 0.1, seed=0)
    assert persons.groupby(split)["group"].nunique().to_dict() == {"test": 2, "train": count - 3, "validation": 1}


def test_a_published_test_split_of_one_person(records):
    records.loc[records["split"] == "test", "group"] = 9999
    with pytest.raises(ValueError, match="of one person, or copies of one: expected two or more in test"):
        assign_splits(records, 0.1, 0.1, 0)


def test_a_near_duplicate_of_a_test_or_validation_picture_is_set_aside_whatever_its_group(records):
    """Pictures 900 to 939 are nearly the same as one of the test each, 940 to 999 as one of training each."""
    partners = np.r_[1020:1060, :60]
    near = pd.Series("", index=records.index)
    near[900:1000], near[partners] = partners.astype(str), np.arange(900, 1000).astype(str)
    audited = records.assign(sha256=records.index.astype(str), near=near, flags="duplicate kept")
    audited.loc[900, "flags"] = "leak"
    found = splits.assign_splits(audited, 0.1, 0.1, seed=0)
    assert (found["split"][900:940] == "none").all()
    assert found["flags"][900:902].tolist() == ["leak", "duplicate near-leak kept"]
    held = found[found["split"].isin(["validation", "test"])]
    near_held = found["near"].isin(held["sha256"])
    assert not ((found["split"] == "train") & near_held).any()
    cut = near_held & ~near_held.index.isin(range(900, 940)) & (found["split"] == "none")
    assert cut.sum() >= 3 and found["flags"][cut].str.contains("near-leak").all()
    assert not held["flags"].str.contains("near-leak").any()


def test_table(records):
    table = tabulate_splits(records.assign(split=assign_splits(records, 0.1, 0.1, 0)))
    assert table["split"].tolist() == ["train", "validation", "test", "none"]
    assert table["pictures"].sum() == 1100
    assert (table["Stress"] + table["Non-stress"] == table["pictures"]).all()
