"""What is wrong with the pictures. Findings are flags on the records; nothing is deleted."""

import hashlib

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from utils.data.near_duplicates import find_near_duplicates
from utils.data.votes import UNJUDGED
from utils.quiet import track

FLAGS = {
    "blank": "all pixels equal",
    "near-blank": "hardly any contrast",
    "duplicate": "another picture has the same pixels",
    "leak": "a training or validation picture with the same pixels as a test picture",
    "emotion-conflict": "pictures with the same pixels have different emotions",
    "label-conflict": "pictures with the same pixels have different stress labels",
    "near-duplicate": "another picture is nearly the same: cropped anew, mirrored, brightened, compressed again",
    "near-leak": "a training or validation picture that is nearly the same as a test or validation picture",
    "copied": "a test picture of which a copy, a near-duplicate or the person also occurs outside test",
    "near-conflict": "pictures that are nearly the same have different stress labels",
    "person-leak": "a training or validation picture of a person who is also in a test picture",
    "tie": "as many people saw Stress in it as did not: learnt from, left out where one label is asked for",
    "unknown": "most people could not tell what it shows",
    "not-a-face": "most people saw no face in it",
    "no-votes": "nobody was asked, though others of the pictures have votes",
    "kept": "a person looked at its label and kept it",
    "relabelled": "a person looked at its label and changed it",
}
"""What each flag means. The three leaks, and that people see no class, keep a picture out of training."""

LEAST_CONTRAST = 5.0
"""Standard deviation of a picture's pixels, of 0 to 255, below which it is near-blank."""


def audit_pictures(records: pd.DataFrame, pixels: np.ndarray) -> pd.DataFrame:
    """Find blank, duplicate and nearly equal pictures, conflicting labels, and copies across splits.

    Args:
        records: with `emotion`, `label` (-1 where people tie), `split` ("" where none is published), `judgement` (from
            `votes.settle_labels`), `decision` (a person's on the label; "" where none) and, where it is known,
            `subject` (the person; "" where not).
        pixels: uint8 (n, 48, 48, 3), RGB, in the order of the records.

    Returns:
        The records with `sha256` (of the 48x48x3 pixels), `near` (those of all pictures that are nearly the same,
        separated by spaces), `scene` (the same number for pictures that are the same or, most of them, nearly so),
        `group` (joins scenes and persons: what no split may divide), both numbered in the order of their first
        picture, `brightness` (mean, 0 to 255) and `flags` (names from FLAGS, separated by spaces).
    """
    seen = track(pixels, len(pixels), "picture", "Auditing")
    measured = [(hashlib.sha256(picture).hexdigest(), picture.mean(), picture.mean(axis=2).std()) for picture in seen]
    digests, brightness, contrast = map(np.array, zip(*measured, strict=True))
    records = records.assign(sha256=digests, brightness=brightness.round(1))
    records["near"], records["scene"] = _find_near(records, contrast, pixels)
    records["group"] = _join_persons(records)
    blank = np.array([bool((picture == picture[0, 0]).all()) for picture in pixels])
    found = {"blank": blank, "near-blank": ~blank & (contrast < LEAST_CONTRAST)} | _find_relations(records)
    # what the splits decide is not known yet
    flags = pd.DataFrame(found).reindex(columns=list(FLAGS), fill_value=False).to_numpy()
    names = np.array(list(FLAGS))
    return records.assign(flags=[" ".join(names[row]) for row in flags])


def _find_near(records: pd.DataFrame, contrast: np.ndarray, pixels: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """The digests of each picture's near-duplicates, and a number that copies and most near-duplicates share.

    Blank pictures are the same as their copies only. Two pictures whose persons are both known are not compared:
    all of a person's pictures are joined as it is.
    """
    copies, digests = pd.factorize(records["sha256"])
    compared = ~records["sha256"].duplicated().to_numpy() & (contrast >= LEAST_CONTRAST)
    known = (records["subject"] != "").to_numpy() if "subject" in records else None
    pairs = copies[find_near_duplicates(pixels, known, compared)]
    scene = _group_pairs(pairs, len(digests))
    both = np.array(digests)[np.concatenate([pairs, pairs[:, ::-1]])]
    near = pd.Series(both[:, 1]).groupby(both[:, 0]).agg(" ".join)
    near = records["sha256"].map(lambda digest: near.get(digest, ""))
    return near, pd.factorize(scene[copies])[0]


def _group_pairs(pairs: np.ndarray, count: int) -> np.ndarray:
    """Number the groups of nearly equal pictures: int (count,), in no particular order.

    Each picture, the one with most partners first, gets those of its partners that are still free: no chain leads
    from one picture to a quite different one, and some pairs are torn apart.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    partners = coo_array((np.ones(len(both), dtype=bool), both.T), shape=(count, count)).tocsr()
    group = np.full(count, -1)
    for position in np.argsort(-np.diff(partners.indptr), kind="stable"):
        if group[position] < 0:
            members = partners.indices[partners.indptr[position] : partners.indptr[position + 1]]
            group[members[group[members] < 0]] = position
            group[position] = position
    return group


def _join_persons(records: pd.DataFrame) -> np.ndarray:
    """Number pictures so that all of a scene, and all of a person where known, share a number: int (n,)."""
    if "subject" not in records:
        return records["scene"].to_numpy()
    known = records["subject"] != ""
    person = pd.factorize(records["subject"])[0] + records["scene"].max() + 1
    links = records["scene"][known], person[known]
    size = int(person.max()) + 1
    _, group = connected_components(coo_array((np.ones(known.sum()), links), shape=(size, size)), directed=False)
    return pd.factorize(group[records["scene"]])[0]


def _find_relations(records: pd.DataFrame) -> dict[str, pd.Series]:
    """The flags that come from a picture's copies, near-duplicates, person, and a person's decision."""
    same = records.groupby("sha256")
    in_test = records["split"] == "test"
    leaks = {key: ~in_test & in_test.groupby(records[key]).transform("any") for key in ("sha256", "scene", "group")}
    duplicate = same["sha256"].transform("size") > 1
    near_leak = leaks["scene"] | (~in_test & is_near(records, in_test))
    conflict = records["label"].where(records["label"] >= 0).groupby(records["sha256"]).transform("nunique") > 1
    judged = {judgement: records["judgement"] == judgement for judgement in ("tie", *UNJUDGED)}
    return judged | {
        "duplicate": duplicate,
        "leak": leaks["sha256"],
        "emotion-conflict": same["emotion"].transform("nunique") > 1,
        "label-conflict": conflict,
        "near-duplicate": records["near"] != "",
        "near-leak": near_leak & ~leaks["sha256"],
        "near-conflict": (records["label"] == 0) & is_near(records, records["label"] == 1)
        | (records["label"] == 1) & is_near(records, records["label"] == 0),
        "person-leak": leaks["group"] & ~near_leak,
        "kept": records["decision"] == "keep",
        "relabelled": records["decision"] == "relabel",
    }


def is_near(records: pd.DataFrame, chosen: pd.Series) -> pd.Series:
    """Whether each record is nearly the same as one of the chosen ones, whatever their groups.

    Args:
        records: with `sha256` and `near`.
        chosen: bool, one a record.
    """
    digests = set(records.loc[chosen, "sha256"])
    return records["near"].map(lambda near: not digests.isdisjoint(near.split())).astype(bool)


def is_copied(records: pd.DataFrame, chosen: pd.Series) -> pd.Series:
    """Whether each record is chosen, and a copy, a near-duplicate or the person of it is not.

    Args:
        records: with `sha256`, `near` and `group`.
        chosen: bool, one a record.
    """
    return chosen & (is_near(records, ~chosen) | records["group"].isin(set(records.loc[~chosen, "group"])))


def add_flag(records: pd.DataFrame, flag: str, chosen: pd.Series) -> pd.Series:
    """The flags of the records, with one more on the chosen ones, in the order of FLAGS."""
    added = records["flags"].map(lambda flags: " ".join(name for name in FLAGS if name in {*flags.split(), flag}))
    return records["flags"].mask(chosen, added)


def has_flag(records: pd.DataFrame, flag: str) -> pd.Series:
    """Whether each record carries the flag."""
    return records["flags"].str.split().map(lambda flags: flag in flags)


def count_votes(votes: pd.DataFrame | None) -> dict | None:
    """`pictures` with votes, and how many `people` voted on half of them or more; None where there are no votes.

    Args:
        votes: how many people said what, a row a picture.
    """
    if votes is None:
        return None
    return {"pictures": len(votes), "people": int(votes.sum(axis=1).median())}


def tabulate_flags(records: pd.DataFrame) -> pd.DataFrame:
    """How many pictures carry each flag that occurs, and what it means: `flag`, `pictures`, `meaning`."""
    rows = [(flag, int(has_flag(records, flag).sum()), meaning) for flag, meaning in FLAGS.items()]
    return pd.DataFrame([row for row in rows if row[1]], columns=["flag", "pictures", "meaning"])


def tabulate_findings(findings: dict[str, int]) -> pd.DataFrame:
    """What of `count_findings` was found at all: `finding`, `number`."""
    return pd.DataFrame([row for row in findings.items() if row[1]], columns=["finding", "number"])


def count_findings(records: pd.DataFrame) -> dict[str, int]:
    """The audit in numbers, for the report and the manifest."""
    groups, scenes = records.groupby("sha256"), records.groupby("scene")
    copied = groups.size()[lambda size: size > 1]
    distinct = scenes["sha256"].nunique()[lambda count: count > 1]
    in_test = records["split"] == "test"
    crossing = in_test.groupby(records["sha256"]).nunique() > 1
    flagged = {flag: int(has_flag(records, flag).sum()) for flag in FLAGS}
    by_people = {f"pictures: {FLAGS[flag]}": flagged[flag] for flag in ("tie", *UNJUDGED) if flagged[flag]}
    return {
        "blank pictures": flagged["blank"],
        "near-blank pictures": flagged["near-blank"],
        "groups of identical pictures": len(copied),
        "surplus copies": int((copied - 1).sum()),
        "groups across training and test": int(crossing.sum()),
        "test pictures with a copy outside test": int((in_test & records["sha256"].map(crossing)).sum()),
        "pictures kept out of training for it": flagged["leak"],
        "groups with conflicting emotions": int((groups["emotion"].nunique() > 1).sum()),
        "groups with conflicting stress labels": records.loc[has_flag(records, "label-conflict"), "sha256"].nunique(),
        "groups of near-duplicates": len(distinct),
        "different pictures in the largest group of near-duplicates": int(distinct.max()) if len(distinct) else 0,
        "test pictures with a copy or near-duplicate outside test": int(
            (in_test & (records["sha256"].map(crossing) | is_near(records, ~in_test))).sum()
        ),
        "more pictures kept out of training for near-duplicates": flagged["near-leak"],
        "more pictures kept out of training for a person in test": flagged["person-leak"],
    } | by_people


def describe_label_source(rendered: bool, people: dict | None) -> str:
    """Where the labels come from, in one sentence.

    Args:
        rendered: whether the pictures are the rendered faces of this repository.
        people: from `audit.count_votes`; None where nobody voted.
    """
    if rendered:
        return "Each label is the expression that the face was rendered with: no people have seen and labelled it."
    if people:
        return f"Each label is what most of some {people['people']:,} people saw in the face, not what anyone felt."
    return "Each label is what somebody said of the face, or searched for: not what anyone felt."


def describe_classes(counts: dict[str, int], stress_classes: list[str]) -> str:
    """How many pictures each class has, where all have as many: a sentence says what bars would.

    Args:
        counts: pictures by class, all the same.
        stress_classes: those that count as Stress.
    """
    stress = [name for name in counts if name in stress_classes]
    others = [name for name in counts if name not in stress_classes]
    return (
        f"Each of the {len(counts)} classes has {next(iter(counts.values())):,} pictures. {', '.join(stress)} count as "
        f"Stress; {', '.join(others)} as Non-stress."
    )
