"""The model that page and command line answer with: taken over from a finished run into models/shipped/.

`make train-shipped` runs the notebooks with profiles/shipped.yml, and then this.

python -m pipeline.shipping RUN
"""

import argparse
import shutil
import sys
from pathlib import Path

from reporting.facts import RunFacts, read_facts
from reporting.first_page import CARDS, render_card
from reporting.published import MODEL_FILES, SHIPPED, publish
from utils.files import read_json, replaced_folder, write_json, write_text
from utils.paths import Run

MODEL = "EmotionDetector_2"


def ship(run: Run) -> Path:
    """Publish a run's figures, and put its stronger network with card and data card into models/shipped/.

    Its model.json then also says by which commit, on which machine and with which parameters it was made.

    Args:
        run: finished, on votes, by committed code, its network from nothing.

    Returns:
        The folder of the shipped model.

    Raises:
        FileNotFoundError: as `reporting.published.publish`.
        ValueError: the same, or it is not such a run.
    """
    facts = read_facts(run)
    _require_repeatable(facts)
    published, shipped = publish(run), SHIPPED / MODEL
    made = read_json(published)
    card = read_json(run.models / MODEL / "model.json")
    card |= {"run": run.name, "commit": made["commit"], "machine": made["machine"]}
    known = {name: value for name, value in facts.parameters.items() if name not in ("SOURCE", "PICTURE")}
    with replaced_folder(shipped) as beside:
        for name in MODEL_FILES:
            shutil.copyfile(run.models / MODEL / name, beside / name)
        write_json(beside / "model.json", card | {"parameters": known})
        for name in CARDS:
            write_text(beside / f"{name}.md", render_card(name, facts))
    return shipped


def _require_repeatable(facts: RunFacts) -> None:
    """Raises ValueError where nobody could make the run's network again by one command."""
    given, name = facts.parameters, facts.run.name
    commits = facts.commits
    if len(commits) != 1 or commits[0].endswith("-dirty"):
        found = ", ".join(commits) or "no commit"
        raise ValueError(f"Run {name!r}: expected one commit without changes, found {found}. Commit, and run it again.")
    if facts.data.get("target") != "votes":
        raise ValueError(f"Run {name!r}: expected a network that learnt people's votes, found one of labels.")
    if given.get("INITIAL_MODEL") or given.get("TEACHERS"):
        raise ValueError(f"Run {name!r}: expected a network trained from nothing, without other runs' networks.")


def main(arguments: list[str] | None = None) -> int:
    """Ship a run's model; 2 where it is not fit."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.shipping", description=__doc__.splitlines()[0])
    parser.add_argument("run", metavar="RUN", help="a finished run")
    options = parser.parse_args(arguments)
    try:
        folder = ship(Run(options.run))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Shipped: {folder}. Then: `make readme`, look at the differences, and commit them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
