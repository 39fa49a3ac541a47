"""A saved model's figures computed anew from raw pictures: what published figures are held against."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from utils.inference import Classifier
from utils.ingest import inspect_source, read_pictures
from utils.metrics import score_stress

SAMPLE_PICTURES = 300


def rescore(folder: Path, source: Path, pictures: int = 0, split: str = "") -> dict:
    """Score a saved model on raw labelled pictures.

    Args:
        folder: with model.tflite and model.json.
        source: anything that `ingest.inspect_source` reads.
        pictures: about that many, stratified, always the same ones; 0 takes all.
        split: only the pictures of this published split; "" takes all.

    Returns:
        `pictures` (number), `accuracy`, `auroc`, `log_loss` of Stress against Non-stress, and `class_accuracy` over the
        data set's own classes.
    """
    found = inspect_source(source)
    if split:
        entries = found.layout.entries
        chosen = entries[entries["split"] == split].reset_index(drop=True)
        found = replace(found, layout=replace(found.layout, entries=chosen))
    records, pixels, _ = read_pictures(found, pictures, seed=0)
    classifier = Classifier.load(folder)
    probabilities = classifier.probabilities(pixels)
    figures = score_stress(records["label"].to_numpy(), classifier.p_stress(probabilities))
    found = {"pictures": len(records)} | {name: float(figures[name][0]) for name in ("accuracy", "auroc", "log_loss")}
    answers = np.array(classifier.class_names)[probabilities.argmax(axis=1)]
    return found | {"class_accuracy": float((answers == records["class"].to_numpy()).mean())}
