"""Pictures for a final test: all of a source, audited, and held against those that the model was trained on.

No signature of a training picture is stored with a model: what tells a picture again, shows it. So the training
source itself is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.audit import audit_pictures, is_copied
from utils.data.dataset import INDEX_COLUMNS, copy_images
from utils.data.ingest import inspect_source, read_pictures


@dataclass(frozen=True)
class Unseen:
    """The pictures of a source that a model is to be tested on.

    Attributes:
        records: one row a picture, with INDEX_COLUMNS, all of `test`.
        images: uint8 (n, 48, 48, 3), RGB, in their order.
        votes: as `ingest.Source` has them.
        copies: which of them are in training, too, or nearly so: `file`, `what`, `training_picture`.
        skipped: what could not be read: `file`, `reason`.
        compared: number of training pictures that they were held against.
    """

    records: pd.DataFrame
    images: np.ndarray
    votes: pd.DataFrame | None
    copies: pd.DataFrame
    skipped: pd.DataFrame
    compared: int

    def without_copies(self) -> "Unseen":
        """The others."""
        kept = ~self.records["file"].isin(self.copies["file"]).to_numpy()
        if kept.all():
            return self
        records, images = self.records[kept].reset_index(drop=True), copy_images(self.images, np.flatnonzero(kept))
        return replace(self, records=records, images=images)


def read_unseen(path: Path, trained_on: Path, stress_classes: Sequence[str], classes: str = "") -> Unseen:
    """Read a source's pictures, whatever their splits, and look for each among those of a training source.

    A picture counts as known by the same rule by which a run flags its test pictures as `copied`, so with one known
    picture of a person whom the source names, all of this person's are. Persons are not told again across sources: the
    same name need not be the same person.

    Args:
        path: of the source.
        trained_on: of the other one; its published test split, if it has one, is left out.
        stress_classes: the emotions that count as Stress.
        classes: what the source's class names mean, see `classes.read_classes`.

    Raises:
        SourceError, ValueError, OSError: as `inspect_source` and `read_pictures`.
    """
    source = inspect_source(path, classes, stress_classes=stress_classes)
    records, pixels, skipped = read_pictures(source)
    trained, others = _read_trained(trained_on)
    both = pd.concat([records.assign(split="test"), trained], ignore_index=True)
    if "subject" in both:
        both["subject"] = both["subject"].fillna("")
    both = audit_pictures(both, np.concatenate([pixels, others]))
    in_test = both["split"] == "test"
    copied = is_copied(both, in_test)
    return Unseen(
        both.loc[in_test, INDEX_COLUMNS].reset_index(drop=True),
        pixels,
        source.votes,
        _name_copies(both[copied], both[~in_test]),
        skipped,
        len(trained),
    )


def _read_trained(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """The records of all pictures outside a source's published test split, as training's, and their pixels."""
    source = inspect_source(path)
    entries = source.layout.entries
    entries = entries[entries["split"] != "test"].reset_index(drop=True)
    records, pixels, _ = read_pictures(replace(source, layout=replace(source.layout, entries=entries)))
    return records.drop(columns="subject", errors="ignore").assign(split="train"), pixels


def _name_copies(copied: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """For each test picture that is known, why, and a training picture by which: `file`, `what`, `training_picture`."""
    by_digest, by_group = (trained.drop_duplicates(key).set_index(key)["file"].to_dict() for key in ("sha256", "group"))
    rows = []
    for record in copied.itertuples():
        near = [by_digest[digest] for digest in record.near.split() if digest in by_digest]
        if record.sha256 in by_digest:
            rows.append((record.file, "the same pixels", by_digest[record.sha256]))
        elif near:
            rows.append((record.file, "nearly the same", near[0]))
        else:
            rows.append((record.file, "with a third one: a scene, or a person", by_group[record.group]))
    return pd.DataFrame(rows, columns=["file", "what", "training_picture"])
