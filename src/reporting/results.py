"""The tables of README, docs/results.md, reports/SCHEMA.md and of the shipped cards, from the published figures.

python -m reporting.results [RUN ...] [--check]
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from reporting import published
from reporting.facts import RunFacts
from reporting.findings import show_metric
from reporting.first_page import CARDS, render_card
from reporting.people import find_typical_error
from utils.data.sealed_test import count_published
from utils.evaluation.people import NEARLY_ALL
from utils.evaluation.registry import BY_KEY, POINTS, Metric, list_metrics, show_difference, show_interval, show_percent
from utils.files import fill, read_json, write_text
from utils.paths import ROOT, Run

READMES = ("README.md", "README.fr.md")

PEERS = Path("docs") / "peers.json"
"""What other systems reach on the same pictures, by benchmarks/peers.py."""

_NOTHING = "No figures are published yet."


def _read_all() -> list[tuple[Path, RunFacts]]:
    paths = sorted(published.PUBLISHED.glob("*.json"), key=lambda path: path.stem)
    return [(path, published.read_published(path)) for path in paths]


def _find_shipped() -> RunFacts | None:
    return next((facts for path, facts in _read_all() if published.find_shipped(path)), None)


def _tabulate(head: list[str], rows: list[list[str]]) -> list[str]:
    line = "| {} |".format
    return [line(" | ".join(head)), "|---|" + "---:|" * (len(head) - 1), *(line(" | ".join(row)) for row in rows)]


def render_headline() -> str:
    """The shipped model beside people, its data's own labels and another system: what a README tells first."""
    facts = _find_shipped()
    if facts is None or not facts.people:
        return _NOTHING
    people, label, peers = facts.people, facts.model["label"], _read_peers()
    rows = [["**the shipped model**", people["accuracy"], people["neutral"]["called_stress"]]]
    again = [other.people for _, other in _read_all() if other.run.name.startswith(f"{facts.run.name}-seed-")]
    rows += [
        ["the same, trained from another seed", each["accuracy"], each["neutral"]["called_stress"]] for each in again
    ]
    for panel in people["panels"][:2]:
        who = "one voter" if panel["size"] == 1 else f"{panel['size']} voters"
        who += f", by the others' majority (the model, by the same, minus them: {show_difference(panel['difference'])})"
        rows.append([who, panel["people"], None])
    rows.append(["the labels from before the vote", label["accuracy"], label["neutral"]["called_stress"]])
    for name, peer in list(peers.items())[:1]:
        rows.append(
            [f"another program, `{name}`", peer["people"]["accuracy"], peer["people"]["neutral"]["called_stress"]]
        )
    rows.append(["always saying Non-stress", facts.majority_accuracy, 0.0])
    neutral = f"calls Stress, of {people['neutral']['count']:,} faces that at least {100 * NEARLY_ALL:g} % call neutral"
    head = ["", "agrees with most people", neutral]
    shown = [[name, *map(show_interval, figures)] for name, *figures in rows]
    return "\n".join([*_tabulate(head, shown), "", _count_pictures(facts)])


def _count_pictures(facts: RunFacts) -> str:
    """Which pictures count, how many of a label are found, how far off P(Stress) is, and what flatters."""
    recall, precision = (show_interval(facts.stress["per_class"]["Stress"][name]) for name in ("recall", "precision"))
    share, off = show_percent(facts.stress["prevalence"]["value"]), find_typical_error(facts.people["share"])
    panels = facts.people["panels"]
    voters = f" (voters' rows: {panels[0]['pictures']:,})" if panels else ""
    missed, by_chance = (show_interval(facts.stress["ece"][name], POINTS) for name in ("value", "perfect_95th"))
    told = (
        f"In brackets, 95 % intervals over pictures, not over trainings. {facts.people['majority']:,} of "
        f"{facts.test['test_pictures']:,} pictures have a majority{voters}. All are answered; right is what most say. "
        f"The model finds {recall} of the Stress pictures, which are {share} of all; {precision} of its answers of "
        f"Stress are right. P(Stress) is off by {missed} on average over groups of like answers (by chance up to "
        f"{by_chance}), by {show_interval(off, POINTS)} for one picture (root mean square, without the votes' noise). "
        "To predict votes is no skill at reading faces. Models were scored on these pictures at least "
        f"{count_published(facts.run.name)} times: the figures may be too good."
    )
    own, peers = facts.model["given"], list(_read_peers().values())
    better = sum(peer["given"]["accuracy"]["value"] > own["accuracy"]["value"] for peer in peers) if own else 0
    admitted = f" By the labels from before the vote {better} of {len(peers)} other programs are right more often."
    return told + (admitted if better else "")


def _weigh_figures(facts: RunFacts) -> Iterator[str]:
    """What figures are worth: answers held back, what other systems learnt, how often the pictures were used."""
    abstention = facts.model["abstention"]
    if abstention:
        yield (
            f"Where it may say “cannot say”, it answers {show_interval(abstention['coverage'])} of those with "
            f"a majority, {show_interval(abstention['accuracy'])} of these right."
        )
    for name, peer in _read_peers().items():
        own, other = (show_interval(model["given"]["accuracy"]) for model in (facts.model, peer))
        yield f"By the labels that the data came with, `{name}` is right in {other}, the shipped model in {own}."
    yield (
        f"Models were scored on these pictures at least {count_published(facts.run.name)} times: the figures may "
        "flatter, and no interval holds that. It learnt to predict these voters, which is no skill at reading faces."
    )


def render_people() -> str:
    """Each published run on people's votes: its last model against what people see."""
    runs = [facts for _, facts in _read_all() if facts.people]
    if not runs:
        return _NOTHING
    metrics = [BY_KEY["stress.auroc"], BY_KEY["stress.mcc"], BY_KEY["stress.log_loss"], *list_metrics("people")]
    rows = [[metric.name, *(metric.show(facts.model) for facts in runs)] for metric in metrics]
    for position, panel in enumerate(runs[0].people["panels"][:3]):
        who = "one vote" if panel["size"] == 1 else f"{panel['size']} votes"
        for name, whose in (("people", "they agree"), ("model", "the model agrees")):
            figures = [facts.people["panels"][position][name] for facts in runs]
            rows.append([f"{who}, against the majority of the others: {whose}", *map(show_interval, figures)])
        differences = [facts.people["panels"][position]["difference"] for facts in runs]
        rows.append([f"{who}: the model minus them, paired", *map(show_difference, differences)])
    protocol = {"pictures that count by FER+'s protocol": "count", "8 classes by FER+'s protocol": "accuracy"}
    for name, figure in protocol.items():
        found = [(facts.people["ferplus"] or {}).get(figure) for facts in runs]
        rows.append([name, *(f"{value:,}" if figure == "count" and value else show_interval(value) for value in found)])
    for figure in ("coverage", "accuracy"):
        chosen = [(facts.model["abstention"] or {}).get(figure) for facts in runs]
        rows.append([f"selective classification: {figure}", *map(show_interval, chosen)])
    lines, shipped = _tabulate(["", *(facts.run.name for facts in runs)], rows), _find_shipped()
    agreed = f"at least {100 * NEARLY_ALL:g} % of the"
    lines += ["", f"Clearly neutral: {agreed} people call it so. They agree: {agreed} votes for classes are for one."]
    return "\n".join([*lines, "", *(["Of the shipped model:", *_weigh_figures(shipped)] if shipped else [])])


def _read_peers() -> dict[str, dict]:
    """By name, of other systems, the one that agrees most with people first; {} before they were measured."""
    systems = read_json(ROOT / PEERS)["systems"] if (ROOT / PEERS).exists() else {}
    return dict(sorted(systems.items(), key=lambda item: -item[1]["people"]["accuracy"]["value"]))


def render_peers() -> str:
    """Other systems on the same pictures."""
    facts, peers = _find_shipped(), _read_peers()
    if facts is None or not facts.people or not peers:
        return _NOTHING
    systems = {facts.run.name: facts.model | read_json(ROOT / PEERS)["shipped"]} | peers
    keys = ("people.accuracy", "people.neutral.called_stress", "people.share.brier", "stress.ece", "people.share.slope")
    rows = [
        [f"`{name}`", *(BY_KEY[key].show(model) for key in keys)]
        + [show_interval((model["people"]["ferplus"] or {}).get("accuracy"))]
        + [show_interval(model["given"]["accuracy"]), show_interval(model["given"]["class_accuracy"])]
        + [f"{model['milliseconds']['median']:.1f}"]
        for name, model in systems.items()
    ]
    head = ["", *(BY_KEY[key].name for key in keys), "8 classes by FER+'s protocol"]
    head += ["Stress by FER-2013's labels", "7 classes by FER-2013's labels", "milliseconds a picture"]
    return "\n".join(_tabulate(head, rows))


def render_runs(rendered: bool) -> str:
    """All models of the published runs on rendered, or on real faces, and what the columns mean."""
    known = [(path, facts) for path, facts in _read_all() if facts.is_sample == rendered]
    rows = [(path, facts, name) for path, facts in known for name in facts.models]
    if not rows:
        return _NOTHING
    metrics = [
        metric
        for metric in list_metrics("readme")
        if any(metric.find(facts.models[name]) is not None for _, facts, name in rows)
    ]
    lines = _tabulate(
        ["run and model", "test pictures", *(metric.name for metric in metrics)],
        [_show_row(path, facts, name, metrics) for path, facts, name in rows],
    )
    lines += ["", *_say_from_what([facts for _, facts in known])]
    seed = next((facts.seed_project for _, facts in known if facts.seed_project), None)
    if seed and not rendered:
        metrics = [BY_KEY[f"stress.{name}"] for name in seed]
        told = " and ".join(f"{metric.name} {metric.show({'stress': seed})}" for metric in metrics)
        lines.append(f"The student project that this one goes back to reported {told}, on other pictures.")
    return "\n".join(lines)


def _show_row(path: Path, facts: RunFacts, name: str, metrics: list[Metric]) -> list[str]:
    model = facts.models[name]
    note = " (shipped)" if name == facts.model_name and published.find_shipped(path) else ""
    first = f"[{facts.run.name}](../reports/published/{path.name}): {facts.names[name]}, {name}{note}"
    counts = dict.fromkeys(f"{model[block]['count']:,}" for block in ("stress", "classes") if model.get(block))
    return [first, ", classes ".join(counts), *(show_metric(metric, model) for metric in metrics)]


def _say_from_what(runs: list[RunFacts]) -> Iterator[str]:
    """Which other networks the published ones began with or learnt from."""
    for facts in runs:
        given, model = facts.parameters, f"`{facts.run.name}`'s {facts.model_name}"
        if len(set(facts.epochs.values())) > 1:
            told = ", ".join(f"{epochs} for {name}" for name, epochs in facts.epochs.items())
            yield f"Epochs differ in `{facts.run.name}`, at most {told}."
        if given.get("INITIAL_MODEL"):
            yield f"{model} was initialised from that of `{given['INITIAL_MODEL']}`."
        if given.get("TEACHERS"):
            yield f"{model} also learnt from the answers of `{'`, `'.join(given['TEACHERS'])}`."


def find_outdated() -> dict[Path, str]:
    """The documents whose tables are not those of published figures and registry, with the text that each gets."""
    tables = {name: {"results": render_headline()} for name in READMES}
    tables["docs/results.md"] = {
        "people": render_people(), "peers": render_peers(), "real": render_runs(False), "rendered": render_runs(True)
    }  # fmt: skip
    tables["reports/SCHEMA.md"] = published.render_schema()
    outdated = {}
    for name, contents in tables.items():
        path = ROOT / name
        text = filled = path.read_text(encoding="utf-8")
        for marker, content in contents.items():
            filled = fill(filled, marker, content)
        if filled != text:
            outdated[path] = filled
    shipped = {folder: facts for path, facts in _read_all() if (folder := published.find_shipped(path))}
    cards = {folder / f"{name}.md": render_card(name, facts) for folder, facts in shipped.items() for name in CARDS}
    return outdated | {card: text for card, text in cards.items() if card.read_text(encoding="utf-8") != text}


def main(arguments: list[str] | None = None) -> int:
    """Publish runs and renew the documents' tables; 2 where a run is not fit, 1 where --check finds an old one."""
    parser = argparse.ArgumentParser(prog="python -m reporting.results", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", help="finished runs to publish the figures of")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table is outdated")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            for name in options.runs:
                print(f"Published: {published.publish(Run(name)).relative_to(ROOT)}")
        outdated = find_outdated()
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for path, text in outdated.items():
        print(f"{'Outdated' if options.check else 'Written'}: {path.name}")
        if not options.check:
            write_text(path, text)
    return int(options.check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
