"""Every sentence follows its number: a run with and without what is to be distrusted."""

import copy

import pytest
from report_runs import write_run

from reporting.doubts import list_doubts
from reporting.facts import RunFacts, StageFacts, read_facts
from reporting.words import describe_headline, list_reasons_to_be_sure, list_terms, summarise


@pytest.fixture(scope="module")
def run():
    return write_run("doubted", skill=1.5)


@pytest.fixture
def change(run):
    """The run's facts with another test block: `change(lambda test, facts: ...)`."""

    def apply(alter):
        facts = read_facts(run)
        stages = {name: StageFacts(**(vars(stage) | copy.deepcopy({"metrics": stage.metrics, "made": stage.made})))
                  for name, stage in facts.stages.items()}  # fmt: skip
        for unasked in ("slices", "robustness"):
            del stages["05_second_look"].metrics[unasked]
        alter(stages["03_augmented_retraining"].metrics, stages)
        return RunFacts(run, stages)

    return apply


def doubts(facts):
    return dict(list_doubts(facts))


def test_a_skilled_model_is_not_said_to_lack_skill(change):
    facts = change(lambda test, stages: None)
    assert "Perhaps no skill" not in doubts(facts)
    assert describe_headline(facts).endswith("the model beats it, so it has learnt something.")


def lose_skill(test, stages):
    stress = test["models"]["EmotionDetector_2"]["stress"]
    stress["accuracy"] = {"value": 0.52, "low": 0.45, "high": 0.59}


def copy_pictures(test, stages):
    model = test["models"]["EmotionDetector_2"]
    kept = model["stress"] | {"count": model["stress"]["count"] - 7}
    test["test_copies"], model["without_copies"] = 7, {"stress": kept}


def lean(test, stages):
    row = {"by": "light", "slice": "dark", "pictures": 30, "accuracy": 0.5, "low": 0.4, "high": 0.6}
    test["slices"] = [row | {"difference": -0.25, "stands_out": True}, row | {"difference": 0.2, "stands_out": True}]


def weaken(test, stages):
    lean(test, stages)
    test["slices"][0]["by"] = "intensity"


def blur(test, stages):
    worse = [("blur", 0, 0.7, 0.0), ("blur", 1, 0.4, 0.3), ("blur", 2, 0.6, 0.1), ("noise", 2, 0.5, 0.2)]
    test["robustness"] = [
        {"change": change, "step": step, "pictures": 90, "lost": lost, "lost_low": lost - 0.1, "lost_high": lost + 0.1}
        | {"accuracy": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
        for change, step, accuracy, lost in worse
    ]


def dirty(test, stages):
    stages["02_baseline_cnn"].made["commit"] = "ba9876543210-dirty"


def conflict(test, stages):
    stages["01_preprocessing"].metrics["findings"]["groups with conflicting stress labels"] = 24


@pytest.mark.parametrize(
    ("alter", "what", "words"),
    [(lose_skill, "Perhaps no skill", "cannot be told apart from it"), (copy_pictures, "Copies", "7 test pictures"),
     (lean, "Slices", "where light is dark, 50.0 % (40.0 to 60.0) of 30"),
     (weaken, "Slices", "where intensity (how strongly the face shows its expression"),
     (blur, "Robustness to corruptions", "70.0 % (60.0 to 80.0) are answered right unchanged"),
     (blur, "Robustness to corruptions", "and 50.0 % (40.0 to 60.0) of the same pictures after the strongest noise"),
     (dirty, "Uncommitted code", "in no commit"),
     (dirty, "Several versions", "different commits"), (conflict, "Labels that contradict each other", "24 groups")],
)  # fmt: skip
def test_a_doubt_is_raised_where_there_is_reason_and_only_there(change, alter, what, words):
    assert what not in doubts(change(lambda test, stages: None))
    assert words in doubts(change(alter))[what]


def test_the_test_split_opened_more_often_than_there_are_models(change):
    assert "3 times" in doubts(change(lambda test, stages: None))["Several test evaluations"]
    facts = change(
        lambda test, stages: (
            test.update(test_evaluations=2) or stages["02_baseline_cnn"].metrics.pop("test_evaluations")
        )
    )
    assert "Several test evaluations" not in doubts(facts)
    noted = change(lambda test, stages: test.update(test_notes=["At least 54 are on record."]))
    assert doubts(noted)["Several test evaluations"].endswith(" At least 54 are on record.")


def describe_abstaining(change, coverage, accuracy, earlier=False):
    def alter(test, stages):
        figures = {"coverage": coverage, "accuracy": accuracy}
        figures = {name: {"value": value, "low": value - 0.02, "high": value + 0.02} for name, value in figures.items()}
        abstention = test["models"]["EmotionDetector_2"]["abstention"]
        abstention |= figures | {"confidence": 0.5023}
        if earlier:
            del abstention["delta"]

    return dict(list_reasons_to_be_sure(change(alter)))["Abstention"]


@pytest.mark.parametrize(
    ("coverage", "accuracy", "hardly", "outcome"),
    [(0.999, 0.98, True, ", as promised."),
     (0.5, 0.95, False, ", no fewer than promised, though the interval reaches below."),
     (0.5, 0.94, False, ", fewer than promised; that may happen once in 20 times, with other pictures more often.")],
)  # fmt: skip
def test_it_is_said_what_is_promised_and_whether_it_was_kept(change, coverage, accuracy, hardly, outcome):
    text = describe_abstaining(change, coverage, accuracy)
    assert "Below a confidence of 50.2 % the answer is “cannot say”" in text
    assert "at least 95 % of the answers given are right, for pictures like the validation pictures" in text
    assert "(at most 1 chance in 20, nominally: they also chose the temperature and, where a training stops" in text
    assert ("nearly every picture" in text) == hardly
    assert text.endswith(f"of these answers are right{outcome}")


@pytest.mark.parametrize(("accuracy", "fewer"), [(0.98, False), (0.92, True)])
def test_of_an_earlier_model_an_aim_is_told_and_no_promise(change, accuracy, fewer):
    text = describe_abstaining(change, 0.5, accuracy, earlier=True)
    assert "The aim: 95 % of the answers given are right." in text
    assert "romise" not in text
    assert text.endswith(", fewer than aimed at." if fewer else ", as aimed at.")


def test_a_model_that_always_answers_is_said_to(change):
    facts = change(lambda test, stages: test["models"]["EmotionDetector_2"].update(abstention=None))
    assert dict(list_reasons_to_be_sure(facts))["Abstention"].startswith("Every picture is answered: ")


def test_a_threshold_that_no_picture_reaches_is_told(change):
    none = {"value": None, "low": None, "high": None}
    facts = change(
        lambda test, stages: test["models"]["EmotionDetector_2"]["abstention"].update(accuracy=none, coverage=none)
    )
    assert "No test picture is answered." in dict(list_reasons_to_be_sure(facts))["Abstention"]


def test_it_is_said_where_two_models_had_different_epochs(change):
    def ask(epochs):
        facts = change(lambda test, stages: None)
        for stage in facts.stages.values():
            stage.made["parameters"] |= {"NETWORK": "strong_cnn", "EPOCHS": 3, "STRONG_EPOCHS": epochs}
        return dict(list_reasons_to_be_sure(facts))["Against Baseline CNN"]

    assert "Stronger CNN" in ask(60) and "EmotionDetector" not in ask(60)
    assert "numbers of epochs differ, too (at most 3 and 60)" in ask(60)
    assert "epochs differ" not in ask(3)


def test_what_to_distrust_is_said_first_in_a_few_sentences(change):
    def worsen(test, stages):
        test["still_falling"] = ["EmotionDetector_2"]
        classes = test["models"]["EmotionDetector_2"]["classes"]["per_class"]
        classes["sad"] |= {"count": 37, "recall": {"value": 2 / 37, "low": 0.0, "high": 0.13}}

    told = dict(summarise(change(worsen)))["What to distrust"]
    assert "Worst at sad: 2 of 37 pictures are recognised." in told
    assert "still improving when its training stopped" in told
    assert "still improving" not in dict(summarise(change(lambda test, stages: None)))["What to distrust"]
    # Wilson's interval of 2 of 37
    assert "Of 37 sad pictures it recognises 5.4 % (1.5 to 17.7)." in doubts(change(worsen))["The class it misses most"]


def test_words_of_the_table_are_explained_where_they_occur(change):
    def alter(test, stages):
        test["models"]["EmotionDetector_2"]["what"] = "a deeper CNN, mean over four views"

    assert {"CNN", "views", "AUROC"} <= dict(list_terms(change(alter))).keys()
    assert not {"CNN", "views"} & dict(list_terms(change(lambda test, stages: None))).keys()


def test_a_bare_number_of_an_older_run_is_shown_without_interval(change):
    def forget(test, stages):
        model = test["models"]["EmotionDetector_2"]
        model["stress"] = {
            key: value["value"]
            for key, value in model["stress"].items()
            if "value" in (value if isinstance(value, dict) else {})
        }
        model["stress"]["count"] = 10
        for key in ("calibration", "abstention"):
            del model[key]
        test["comparisons"], test["seeds"] = [], None

    facts = change(forget)
    assert list_reasons_to_be_sure(facts) == []
    assert "(" not in describe_headline(facts)
