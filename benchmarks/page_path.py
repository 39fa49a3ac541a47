"""What the page's way costs: its answers about faces found in scenes, beside those about the same faces cut out.

python benchmarks/page_path.py RUN [--model FOLDER]

Each validation picture of a run, of which most people saw one label, is enlarged and pasted alone on a photograph of a
surface, saved as JPEG, and answered as an upload is: opened, searched, cut, judged. No test picture is read.
"""

import argparse
from io import BytesIO
from pathlib import Path

import numpy as np
import skimage.data
from face_search import PHOTOS, cut_surface, fits, paste_faces
from PIL import Image
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from utils.data.dataset import load_split, read_manifest
from utils.inference.classifier import Classifier, find_model
from utils.labels import THRESHOLD
from utils.paths import Run

SIDES = {"80 to 150 px": (80, 151), "150 to 300 px": (150, 301)}
"""Of the face, in a scene of 640x480 pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run with processed data, and votes")
    parser.add_argument("--model", type=Path, default=find_model(), help="default: the shipped one")
    options = parser.parse_args()
    split = load_split(Run(options.run), "validation")
    # a picture without contrast shows no face
    split = split.take((split.labels >= 0) & (split.images.std(axis=(1, 2, 3)) > 15))
    classifier = Classifier.load(options.model)
    stress = np.isin(read_manifest(Run(options.run))["class_names"], classifier.stress_classes)
    share = split.targets[:, stress].sum(axis=1)
    cut_out = classifier.p_stress(classifier.probabilities(split.images))
    print(
        "| the face | scenes | found | answered | of the found | agrees | AUROC | Brier |",
        "|---|" + "---:|" * 7,
        sep="\n",
    )
    for name, sides in SIDES.items():
        p_stress, answered = answer_scenes(classifier, split.images, name, sides)
        found = ~np.isnan(p_stress)
        start = f"| {name} | {len(found)} | {found.mean():.1%} | {answered.sum() / found.sum():.1%} |"
        for way, answers in (("as the page finds it", p_stress), ("cut out", cut_out)):
            print(start, f"{way} |", score(split.labels[found], share[found], answers[found]))
            start = "| | | | |"


def answer_scenes(classifier: Classifier, pictures: np.ndarray, name: str, sides: tuple) -> tuple[np.ndarray, ...]:
    """P(Stress) of each scene's surest face, NaN where that is not the pasted one, and whether it was answered."""
    rng = np.random.default_rng(0)
    surfaces = [Image.fromarray(getattr(skimage.data, photo)()).convert("RGB") for photo in PHOTOS.split()]
    p_stress, answered = np.full(len(pictures), np.nan), np.zeros(len(pictures), bool)
    for position, picture in enumerate(tqdm(pictures, name)):
        scene, (truth,) = paste_faces(cut_surface(surfaces, rng), picture[np.newaxis], 1, sides, 0.0, rng)
        encoded = BytesIO()
        scene.save(encoded, "JPEG", quality=90)
        found = classifier.predict(encoded.getvalue())
        if found.box is not None and fits(np.array(found.box), truth):
            p_stress[position], answered[position] = found.p_stress, found.label is not None
    return p_stress, answered


def score(labels: np.ndarray, share: np.ndarray, p_stress: np.ndarray) -> str:
    """Cells: agreement with most people, AUROC, and the Brier score to the share of people."""
    agrees = np.mean((p_stress >= THRESHOLD) == labels)
    return f"{agrees:.3f} | {roc_auc_score(labels, p_stress):.3f} | {np.mean((p_stress - share) ** 2):.4f} |"


if __name__ == "__main__":
    main()
