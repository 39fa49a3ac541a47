"""What people see in the test pictures beside what a model says: sentences, tables and a section of notebooks."""

import pandas as pd

from utils import plots
from utils.display import say, show_figure, show_table
from utils.evaluation.bootstrap import as_proportion
from utils.evaluation.people import NEARLY_ALL
from utils.evaluation.registry import (
    NUMBER,
    POINTS,
    SHARE,
    SLOPE,
    list_metrics,
    show_difference,
    show_interval,
    show_p_value,
    show_percent,
)

PUBLISHED_FERPLUS = (
    ("VGG13 from scratch, 48x48", 0.8499, 0.8499, "Barsoum et al. 2016, arXiv 1608.01041"),
    ("networks pretrained on millions of faces, 224 pixels", 0.88, 0.905, "several authors"),
)
"""Accuracy over the 8 classes by FER+'s protocol, all on the other half of FER-2013's test pictures (PrivateTest):
what, lowest, highest, by whom."""

_NEARLY_ALL = f"{100 * NEARLY_ALL:g} %"


def tabulate_people(people_by_column: dict[str, dict]) -> pd.DataFrame:
    """A row a figure, a column a model: the value and its 95 % interval.

    Args:
        people_by_column: by name, `people` in reports/SCHEMA.md; of `label` what it has is filled.
    """
    metrics = list_metrics("people")
    columns = {name: [each.show({"people": found}) for each in metrics] for name, found in people_by_column.items()}
    table = pd.DataFrame({"figure": [metric.name for metric in metrics]} | columns)
    return table[(table.drop(columns="figure") != "–").any(axis=1)].reset_index(drop=True)


def tabulate_panels(people: dict, label: dict | None = None) -> pd.DataFrame:
    """A row a number of people: how often they, the model and the data set's labels agree with the remaining people."""
    rows = [
        {
            "people": panel["size"],
            "pictures": panel["pictures"],
            "they agree": show_interval(panel["people"]),
            "the model agrees": show_interval(panel["model"]),
            "difference": show_difference(panel["difference"], SHARE),
        }
        for panel in people["panels"]
    ]
    own = {panel["size"]: show_interval(panel["model"]) for panel in label["panels"]} if label else {}
    return pd.DataFrame([row | {"the data set's label agrees": own.get(row["people"], "–")} for row in rows])


def tabulate_ferplus(people: dict) -> pd.DataFrame:
    """The 8 classes by FER+'s protocol, beside what was published on other pictures."""
    ferplus = people["ferplus"]
    own = {"network": "this model", "accuracy": show_interval(ferplus["accuracy"])}
    own |= {"pictures": f"these {ferplus['count']:,}", "by": "this notebook"}
    others = [
        {"network": what, "accuracy": " to ".join(show_percent(share) for share in sorted({low, high}))}
        | {"pictures": "FER-2013's other test half", "by": source}
        for what, low, high, source in PUBLISHED_FERPLUS
    ]
    return pd.DataFrame([own, *others])


def show_people(scores: dict) -> None:
    """A model against people's votes: a figure, tables, and what they mean.

    Args:
        scores: `model` in reports/SCHEMA.md; its `people` is None where the pictures have no votes, its `label` where
            the data set has no labels of its own.
    """
    people, label = scores["people"], scores["label"]
    if people is None:
        say("Nobody voted on these pictures: what people see in them is not known.")
        return
    show_table(tabulate_people({"the model": people} | ({"the data set's label": label} if label else {})))
    say(f"{describe_people(people)} {describe_label(label) if label else ''}\n\n{describe_clear(people, label)}")
    if people["panels"]:
        show_table(tabulate_panels(people, label))
        alt = "Curves: how often 1 to 7 people, and the model, agree with the majority of the remaining people"
        show_figure(plots.people_and_model(people["panels"], label), alt, "people")
    say(describe_panels(people))
    say(describe_share(people["share"]))
    if people["ferplus"]:
        show_table(tabulate_ferplus(people))
        say(describe_ferplus(people["ferplus"]))


def show_given(given: dict | None) -> None:
    """A model against the data set's own labels; `given` in reports/SCHEMA.md, None where it has none."""
    if given is None:
        say("The data set has no labels of its own.")
        return
    found = {"stress": given, "classes": {"accuracy": given["class_accuracy"]}}
    rows = [(metric.name, metric.show(found)) for metric in list_metrics("given")]
    show_table(pd.DataFrame([("pictures", f"{given['count']:,}"), *rows], columns=["figure", "the model"]))
    say(describe_given(given))


def describe_people(people: dict) -> str:
    """How often the model says what most people say."""
    return (
        f"People could judge {people['judged']:,} test pictures. On {people['ties']:,} they tie on Stress; on the "
        f"{people['majority']:,} others the model gives the majority's answer in {show_interval(people['accuracy'])}."
    )


def describe_label(label: dict) -> str:
    """How often the data set's own labels say what most people say."""
    return f"The data set's own labels do in {show_interval(label['accuracy'])} of {label['majority']:,}."


def describe_clear(people: dict, label: dict | None = None) -> str:
    """What becomes of the pictures on which nearly all people agree."""
    text = ""
    if people["neutral"] and people["neutral"]["count"]:
        called = as_proportion(people["neutral"]["called_stress"], people["neutral"]["count"])
        text = (
            f"Of the {people['neutral']['count']:,} faces that at least {_NEARLY_ALL} of the people call neutral, "
            f"the model calls {show_interval(called)} Stress"
        )
        if label and label["neutral"] and label["neutral"]["count"]:
            text += f", the data set's own labels {show_interval(label['neutral']['called_stress'])}"
        text += ". "
    agreed = people["agreed"]
    if not agreed["count"]:
        return f"{text}On no picture do {_NEARLY_ALL} of the votes for classes agree."
    return text + (
        f"On {agreed['count']:,} pictures at least {_NEARLY_ALL} of the votes for classes agree on one: there the "
        f"model is right on Stress in {show_interval(agreed['accuracy'])}, on the class in "
        f"{show_interval(agreed['class_accuracy'])}."
    )


def describe_panels(people: dict) -> str:
    """As many people as the model agrees with the majority as often as."""
    panels = people["panels"]
    if not panels:
        return "Too few people voted on each picture to hold some of them against the others."
    reached = people["as_often_as"]
    beside = next(panel for panel in panels if panel["size"] == max(reached, 1))
    more = next((panel for panel in panels if panel["size"] > reached), None)
    if reached == 0:
        verdict = "less often than one person would"
    elif more is None:
        verdict = f"at least as often as {_count(reached)} would, the most that were tried"
    else:
        verdict = f"at least as often as {_count(reached)} would, and less often than {_count(more['size'])}"
    return (
        f"The model agrees with the majority of the remaining people {verdict}; against {_count(beside['size'])} it "
        f"differs by {show_difference(beside['difference'], SHARE)}."
    )


def _count(people: int) -> str:
    return "one person" if people == 1 else f"{people} people"


def describe_share(share: dict) -> str:
    """Whether P(Stress) is the share of people who see Stress; `share` in reports/SCHEMA.md."""
    text = (
        f"Against the share of people who see Stress, P(Stress) has a Brier score of "
        f"{show_interval(share['brier'], NUMBER)}; always saying the mean share gets "
        f"{show_interval(share['ceiling']['value'], NUMBER)}"
    )
    floor = show_interval(share["floor"]["value"], NUMBER)
    text += "." if floor == "–" else f", and the noise of so few votes leaves {floor} to the true shares."
    slope, intercept = share["slope"], share["intercept"]
    if slope is None or intercept is None:
        return f"{text} A calibration slope cannot be estimated here."
    sure = "neither over- nor underconfident as far as can be told"
    if not slope["low"] <= 1 <= slope["high"]:
        sure = "too sure" if slope["high"] < 1 else "not sure enough"
    low, high = intercept["low"], intercept["high"]
    side = "too high" if high < 0 else "too low" if low > 0 else "neither too high nor too low"
    slopes, intercepts = (show_interval(each, SLOPE) for each in (slope, intercept))
    return (
        f"{text} The slope of the votes on logit P(Stress) is {slopes}: the model is {sure}. The intercept at slope "
        f"1 is {intercepts}: as a whole, P(Stress) is {side}. Wald's test of "
        f"slope 1 and intercept 0 at once, clustered by group: {show_p_value(share['p_value'])}{_weigh(share)}."
    )


def _weigh(share: dict) -> str:
    """What the test says, and how far off one picture's P(Stress) is."""
    rejected, off = " (rejected)" if share["p_value"] < 0.05 else " (not rejected)", find_typical_error(share)
    if off is None:
        return rejected
    return (
        f"{rejected}. That is on average: of single pictures P(Stress) is off by {show_interval(off, POINTS)} (root "
        "mean square, without the noise of the votes)"
    )


def find_typical_error(share: dict) -> dict | None:
    """Root mean square error against the true share, as a figure: the Brier score's; None where the noise hides it."""
    floor = share["floor"]["value"]
    if floor is None or share["brier"]["value"] <= floor:
        return None
    return {end: None if value is None else max(value - floor, 0) ** 0.5 for end, value in share["brier"].items()}


def describe_ferplus(ferplus: dict) -> str:
    """What the 8 classes come to by FER+'s protocol."""
    return (
        "By FER+'s protocol single votes do not count, and a class needs more than half of the others: "
        f"{ferplus['count']:,} pictures have one. The model gets {show_interval(ferplus['accuracy'])} of them right; "
        f"its mean recall of the classes is {show_interval(ferplus['balanced_accuracy'])}. What is published was "
        "measured on other pictures: differences of a point or two say nothing."
    )


def describe_given(given: dict) -> str:
    """What the data set's own labels are, and what was done for them."""
    dropped = ""
    if given["dropped"]:
        dropped = f" Not among these labels, so dropped from the answers: {', '.join(given['dropped'])}."
    return (
        "These labels came with the pictures; FER-2013's stem from the search words that its pictures were found by, "
        "and people often see something else. They stand here because other repositories report them. Of "
        f"{given['count']:,} such labels the model has {show_interval(given['accuracy'])} right on Stress, "
        f"{show_interval(given['class_accuracy'])} over the classes.{dropped}"
    )


def describe_votes(counted: dict | None) -> str:
    """What is known of people's votes, from `audit.count_votes`."""
    if counted is None:
        return "There are no votes: each picture's one label is learnt, and P(Stress) is how likely it is so labelled."
    return (
        f"{counted['pictures']:,} pictures have votes, of {counted['people']} people as a rule. Pictures in which "
        "people see no class are set aside; of those on which they tie between Stress and not, the votes are learnt."
    )


def describe_outvoted(ranking: pd.DataFrame, pictures: int) -> str:
    """How many of the data set's own labels people contradict: a sentence on `label_errors.rank_outvoted`."""
    nobody, contradicted = int((ranking["score"] == 0).sum()), show_percent(len(ranking) / max(pictures, 1))
    return (
        f"Of {pictures:,} pictures, {len(ranking):,} have a label of the data set's own that more people gave another "
        f"class ({contradicted}); in {nobody:,} nobody saw what the label says. Nothing is "
        "learnt from these labels: the votes stand in their place."
    )
