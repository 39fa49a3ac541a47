"""The figures that reports give, each once: where it stands, its name, how it is written, what it means.

Tables, cards, comparisons, first pages and the README read them here: a new figure is its function in `metrics` and a
line in METRICS. reports/SCHEMA.md gets its tables from here, too (`make readme`).
"""

from dataclasses import dataclass
from numbers import Real


@dataclass(frozen=True)
class Unit:
    """How numbers of one kind are written.

    Attributes:
        factor: that the number is multiplied with.
        decimals: that are written.
        mark: what follows the number.
        difference: what follows a difference of two: one of shares is in points, and not itself a share.
        axis: the unit's name at an axis.
    """

    factor: int = 1
    decimals: int = 3
    mark: str = ""
    difference: str = ""
    axis: str = ""


NUMBER = Unit()
NATS = Unit(axis="nats a picture")
SLOPE = Unit(decimals=2)
SHARE = Unit(100, 1, " %", " points", "share")
POINTS = Unit(100, 1, " points", " points")
"""Of shares that are differences: a loss, a calibration error."""


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        key: where it stands in `model` of reports/SCHEMA.md, "stress.accuracy"; of a class, in `class`.
        name: in tables.
        means: a clause that says what it is, for who meets it first.
        where: the tables that show it, by their names: notebook, card, page (the first one of a run), readme;
            comparison (of two models, of two runs), mapping (one model under each), mapping-card, given (against the
            data set's own labels), class (of each class) and people (against votes).
        unit: how it is written.
        lower_is_better: for verdicts.
        hub: its name among Hugging Face's metrics, "" where a card's head leaves it out.
    """

    key: str
    name: str
    means: str = ""
    where: str = ""
    unit: Unit = NUMBER
    lower_is_better: bool = False
    hub: str = ""

    @property
    def block(self) -> str:
        """The part of a model's figures in which it stands: "stress"."""
        return self.key.partition(".")[0]

    @property
    def figure(self) -> str:
        """Its name within that part: "accuracy"."""
        return self.key.partition(".")[2]

    @property
    def title(self) -> str:
        """Its name at the head of a figure."""
        return self.name[0].upper() + self.name[1:]

    @property
    def sentence(self) -> str:
        """What it is, as a sentence."""
        return f"{self.means[0].upper()}{self.means[1:]}."

    @property
    def direction(self) -> str:
        """Which way is better."""
        return f"{'lower' if self.lower_is_better else 'higher'} is better"

    def find(self, scores: dict | None):
        """What stands under its key, None where a part of the way is missing."""
        for name in self.key.split("."):
            scores = (scores or {}).get(name)
        return scores

    def show(self, scores: dict | None) -> str:
        """The figure with its interval as text, "–" where it is missing."""
        found = self.find(scores)
        if isinstance(found, dict) and "perfect_95th" in found:
            return show_calibration_error(found, self.unit)
        return f"{found:,}" if isinstance(found, int) else show_interval(found, self.unit)


_EVERYWHERE = "notebook card page readme comparison mapping mapping-card given"

METRICS = (
    Metric("stress.count", "pictures", where="notebook card"),
    Metric("stress.prevalence", "share of Stress", "share of the pictures that are Stress",
           "notebook mapping mapping-card", SHARE),
    Metric("stress.majority_accuracy", "majority-class baseline",
           "accuracy of always giving the majority class, without looking at a picture",
           "notebook card readme mapping mapping-card", SHARE),
    Metric("stress.accuracy", "accuracy", "share of the pictures that got the right one of the two labels",
           _EVERYWHERE.replace("page ", ""), SHARE, hub="accuracy"),
    Metric("stress.balanced_accuracy", "balanced accuracy",
           "mean recall of the labels: what a common label cannot lift; guessing gets 50 %", "notebook card mapping",
           SHARE),
    Metric("stress.mcc", "MCC", "Matthews correlation coefficient of answers and labels, -1 to 1; guessing gets 0",
           "notebook card mapping", hub="matthews_correlation"),
    Metric("stress.auroc", "AUROC",
           "area under the ROC curve: of a Stress and a Non-stress picture, how often the first got the higher "
           "probability of Stress; guessing gets 0.5", _EVERYWHERE, hub="roc_auc"),
    Metric("stress.average_precision", "average precision",
           "area under the precision-recall curve of Stress; guessing gets the share of Stress", "notebook card"),
    Metric("stress.log_loss", "log-loss",
           "mean of -log(probability of the truth), in nats: small where the right labels got high probabilities; 0 is "
           "perfect, saying 50 % every time gets 0.693", _EVERYWHERE, NATS, True, hub="log_loss"),
    Metric("stress.brier", "Brier score",
           "mean squared distance of P(Stress) from the share of people who see it, ties among them; from the label "
           "where nobody voted", "notebook card", lower_is_better=True),
    Metric("stress.ece", "ECE",
           "expected calibration error: by how much P(Stress) is off on average, in 15 bins of equal width, from the "
           "share of people who see it, or the label; 0.02 are two points in a hundred. Chance alone makes it larger "
           "than 0, so instead of an interval the bracket holds what a perfectly calibrated model would show: on "
           "average, and at most in 19 of 20 test splits", "notebook card page readme", lower_is_better=True),
    Metric("calibration.after.slope", "slope", "of the calibration: 1 is ideal, below 1 the model is too sure",
           "readme", SLOPE),
    Metric("classes.majority_accuracy", "majority-class baseline over the classes",
           "accuracy of always giving the commonest class", "notebook", SHARE),
    Metric("classes.accuracy", "accuracy over the classes",
           "share of the pictures that got the right one of the data set's own classes, emotions for example",
           "notebook readme comparison given", SHARE),
    Metric("classes.balanced_accuracy", "balanced accuracy over the classes", "mean recall of the classes",
           "notebook readme", SHARE),
    Metric("classes.macro_f1", "macro-F1", "mean F1 of the classes", "notebook readme"),
    Metric("classes.weakest_recall", "weakest class's recall", "the lowest recall among the classes", "notebook readme",
           SHARE),
    Metric("classes.mcc", "MCC over the classes", "Matthews correlation coefficient, -1 to 1"),
    Metric("classes.auroc", "AUROC over the classes", "mean over the classes, each against all others",
           "notebook comparison"),
    Metric("classes.average_precision", "average precision over the classes",
           "mean over the classes, each against all others"),
    Metric("classes.log_loss", "log-loss over the classes", "mean of -log(probability of the truth)",
           "notebook comparison", NATS, True),
    Metric("classes.brier", "Brier score over the classes",
           "mean over pictures of the squared error summed over classes, 0 to 2", lower_is_better=True),
    Metric("classes.ece", "ECE over the classes", "of the likeliest class's probability", lower_is_better=True),
    Metric("precision", "precision", "share of the class among the pictures answered with it", "class", SHARE),
    Metric("recall", "recall", "share of the class's pictures answered with it", "class", SHARE),
    Metric("f1", "F1", "harmonic mean of the two", "class", SHARE),
    Metric("people.judged", "pictures that people could judge", where="people"),
    Metric("people.ties", "ties on Stress", where="people"),
    Metric("people.accuracy", "agrees with the majority on Stress", where="people", unit=SHARE),
    Metric("people.class_accuracy", "agrees with the most votes over the classes", where="people", unit=SHARE),
    Metric("people.share.brier", "Brier score of P(Stress) against the share of people", where="people"),
    Metric("people.share.floor", "the same, of the true shares (noise of the votes)", where="people"),
    Metric("people.share.ceiling", "the same, of the mean share", where="people"),
    Metric("people.share.slope", "slope (ideal: 1)", where="people", unit=SLOPE),
    Metric("people.share.intercept", "intercept at slope 1 (ideal: 0)", where="people", unit=SLOPE),
    Metric("people.neutral.count", "clearly neutral faces", where="people"),
    Metric("people.neutral.called_stress", "clearly neutral faces called Stress", where="people", unit=SHARE),
    Metric("people.agreed.count", "pictures on whose class people agree", where="people"),
    Metric("people.agreed.accuracy", "there, right on Stress", where="people", unit=SHARE),
    Metric("people.agreed.class_accuracy", "there, right over the classes", where="people", unit=SHARE),
)  # fmt: skip
"""In the order of the tables."""

BY_KEY = {metric.key: metric for metric in METRICS}


def list_metrics(where: str, block: str = "") -> list[Metric]:
    """The figures that a table shows (see `Metric.where`), in their order; only those of one part where it is given."""
    return [metric for metric in METRICS if where in metric.where.split() and block in ("", metric.block)]


def as_figure(content) -> dict | None:
    """A figure with its interval: {"value", "low", "high"}; from a bare number one without, from nothing None."""
    if isinstance(content, Real):
        return {"value": content, "low": None, "high": None}
    if not content or content.get("value") is None:
        return None
    return content


def show_percent(share: float | None) -> str:
    """.7512 -> "75.1 %", None -> "–"."""
    return show_interval(share, SHARE)


def show_p_value(p_value: float) -> str:
    """.0352 -> "p = 0.035"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def show_interval(content, unit: Unit = SHARE) -> str:
    """Shown as "75.1 % (73.7 to 76.5)" or "0.612 (0.598 to 0.626)", without the bracket where there is no interval.

    Args:
        content: as for `as_figure`.
        unit: how it is written.
    """
    return _show(as_figure(content), unit, unit.mark)


def show_calibration_error(ece: dict, unit: Unit = NUMBER) -> str:
    """Shown as "0.014 (by chance 0.009, up to 0.011)"; `ece` in reports/SCHEMA.md. It is biased: no interval."""
    value, mean, high = (show_interval(ece[key], unit) for key in ("value", "perfect_mean", "perfect_95th"))
    return f"{value} (by chance {mean}, up to {high})"


def show_difference(content, unit: Unit = SHARE) -> str:
    """Shown as "+3.5 points (-0.2 to +7.1)" or "-0.012 (-0.020 to -0.004)"; arguments as `show_interval`."""
    return _show(as_figure(content), unit, unit.difference, sign="+")


def _show(figure: dict | None, unit: Unit, mark: str, sign: str = "") -> str:
    if figure is None:
        return "–"
    value, *ends = (
        None if figure[key] is None else f"{unit.factor * figure[key]:{sign}.{unit.decimals}f}"
        for key in ("value", "low", "high")
    )
    # what the design of the data keeps constant has no interval
    return f"{value}{mark}" + ("" if ends[0] is None or value == ends[0] == ends[1] else f" ({ends[0]} to {ends[1]})")
