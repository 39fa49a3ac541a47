"""Put a finished run's model into models/shipped/, with its figures and cards: what a fresh checkout answers with.

python -m utils.shipping RUN [--force]
"""

import argparse
import shutil
import sys
from pathlib import Path

from utils.cards import CARDS, render_card
from utils.files import read_json, replaced_folder, write_json, write_text
from utils.paths import ROOT, Run
from utils.published import MODEL_FILES, SHIPPED, publish, read_published

NAME = "EmotionDetector_2"

ALIKE = 1e-5
"""Log-loss: by less, the same weights differ before and after they are rounded to float16."""


def ship(run: Run, force: bool = False) -> Path:
    """Publish a run's figures and copy its last model; returns the shipped folder, which is replaced whole.

    Args:
        force: also where the shipped model does better, or other data chose it.

    Raises:
        FileNotFoundError: the run has no tested model.
        ValueError: the shipped model does better on the validation pictures, or other data chose it. The test
            pictures choose nothing.
    """
    source, shipped = run.models / NAME, SHIPPED / NAME
    if not (source / "model.json").exists():
        raise FileNotFoundError(f"Run {run.name!r}: no model in {source}. Finish the run first.")
    card = read_json(source / "model.json")
    if (shipped / "model.json").exists() and not force:
        before = read_json(shipped / "model.json")
        if card["data"] != before["data"]:
            raise ValueError(
                f"{source} was chosen on other data than what is shipped: --force replaces it all the same."
            )
        losses = [one["validation"]["log_loss"] for one in (card, before)]
        if losses[0] > losses[1] + ALIKE:
            raise ValueError(
                f"{source} does worse on validation than what is shipped: log-loss {losses[0]:.4f} against"
                f" {losses[1]:.4f}. Nothing was replaced."
            )
    published = read_published(publish(run))
    provenance = {"run": run.name, "commits": published.commits, "machine": published.machine}
    provenance["parameters"] = {name: value for name, value in published.parameters.items() if name != "SOURCE"}
    with replaced_folder(shipped) as folder:
        for name in MODEL_FILES:
            shutil.copyfile(source / name, folder / name)
        write_json(folder / "model.json", card | provenance)
        for name in CARDS:
            write_text(folder / f"{name}.md", render_card(name, published))
    return shipped


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m utils.shipping", description=__doc__.splitlines()[0])
    parser.add_argument("run", metavar="RUN", help="a finished run")
    parser.add_argument("--force", action="store_true", help="replace a shipped model that does better, too")
    options = parser.parse_args(arguments)
    try:
        folder = ship(Run(options.run), options.force)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Shipped: {folder.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
