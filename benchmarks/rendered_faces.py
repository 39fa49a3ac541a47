"""What the rendered sample teaches about real faces: HOG and logistic regression, trained on the sample alone.

python benchmarks/rendered_faces.py fer2013.zip [--sample data/sample/faces.zip]
"""

import argparse
from pathlib import Path

import numpy as np
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tqdm.std import tqdm

from utils.audit import audit_pictures, has_flag
from utils.ingest import inspect_source, read_pictures
from utils.labels import EMOTIONS, stress_label
from utils.paths import SAMPLE

_REGULARISATION = 0.03
_RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path, help="FER-2013's zip, or any source with a test split and the 7 emotions")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="the rendered faces; default: %(default)s")
    options = parser.parse_args()
    features, records = read_split(options.sample, "train")
    classifier = LogisticRegression(C=_REGULARISATION, max_iter=500).fit(features, records["emotion"])
    for source in (options.sample, options.real.expanduser()):
        features, records = read_split(source, "test")
        print(f"{source.name}: {describe(classifier, features, records)}")


def read_split(source: Path, split: str):
    """Features, float32 (n, d), and records of one split's pictures, blank ones left out."""
    records, pixels, _ = read_pictures(inspect_source(source))
    records = audit_pictures(records, pixels)
    kept = (records["split"] == split) & ~has_flag(records, "blank") & records["emotion"].isin(EMOTIONS)
    pictures = tqdm(pixels[kept.to_numpy()], f"{source.name}, {split}", unit="picture", leave=False)
    features = [hog(face.mean(axis=-1), 8, (6, 6), (2, 2)) for face in pictures]
    return np.array(features, np.float32), records[kept]


def describe(classifier: LogisticRegression, features: np.ndarray, records) -> str:
    """Accuracy on the classes, and AUROC of the summed stress classes with its 95 % bootstrap interval."""
    probabilities = classifier.predict_proba(features)
    accuracy = (classifier.classes_[probabilities.argmax(axis=1)] == records["emotion"]).mean()
    stress = [stress_label(emotion) == 1 for emotion in classifier.classes_]
    p_stress, labels = probabilities[:, stress].sum(axis=1), records["label"].to_numpy()
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(labels), (_RESAMPLES, len(labels)))
    low, high = np.percentile([roc_auc_score(labels[rows], p_stress[rows]) for rows in draws], [2.5, 97.5])
    auroc = roc_auc_score(labels, p_stress)
    return (
        f"{len(labels):,} test pictures, {len(stress)}-class accuracy {accuracy:.3f},"
        f" stress AUROC {auroc:.3f} [{low:.3f}, {high:.3f}]"
    )


if __name__ == "__main__":
    main()
