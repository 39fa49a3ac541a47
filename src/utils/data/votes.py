"""How many people saw which class in each picture: read, checked, and what they say of it."""

import io
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from utils.archives import Archive
from utils.csv_files import SourceError, read_text_table, require_most_there
from utils.data.classes import Translation, name_class
from utils.data.layouts import Layout
from utils.data.sources import FER_PLUS, VOTES, find_votes
from utils.files import is_stray, match_names
from utils.labels import CLASS_NAMES, EMOTIONS, find_majority, find_split, name_classes

UNSURE = ("unknown", "not_a_face")
"""What people may say instead of a class."""

UNJUDGED = ("unknown", "not-a-face", "no-votes")
"""Flags of pictures of which people do not say a class: nothing is learnt from them."""

WANTED = ("auto", "required", "off")
"""Values of the parameter VOTES."""

_FER_2013 = "fer2013.csv"
_UNSURE_SPELLINGS = {"unknown": "unknown", "notaface": "not_a_face", "nf": "not_a_face"}


def read_votes(
    path: Path, archive: Archive, names: list[str], wanted: str, translation: Translation
) -> pd.DataFrame | None:
    """The votes on a source's pictures: index `file`, int columns a class and UNSURE, and `split` where it is told.

    They stand in `<source>.votes.csv` beside the source, in a `votes.csv` in it, or in FER+'s fer2013new.csv, whose
    rows are those of fer2013.csv (Barsoum et al. 2016, arXiv 1608.01041).

    Args:
        path: of the source.
        archive: the same, opened.
        names: of its files.
        wanted: one of WANTED.
        translation: from `classes.read_classes`.

    Returns:
        None where there are none, or they are not wanted.

    Raises:
        SourceError: they are required and missing, stand in several files, or are damaged: a file twice, unknown
            columns, counts that are no whole numbers.
        ValueError: `wanted` is none of WANTED.
    """
    if wanted not in WANTED:
        raise ValueError(f"VOTES {wanted!r}: expected one of {', '.join(WANTED)}.")
    found = {} if wanted == "off" else _find_files(path, archive, names)
    if len(found) > 1:
        raise SourceError(f"votes in {' and in '.join(found)}; expected one file. Remove or rename the others.")
    if not found:
        if wanted == "required":
            raise SourceError(
                f"VOTES=required, and there are none: expected {find_votes(path).name} beside the source, {VOTES} in"
                f" it, or FER+'s {FER_PLUS} beside {_FER_2013}, whose rows it follows; see data/README.md."
            )
        return None
    ((name, content),) = found.items()
    table = read_text_table(io.BytesIO(content), name)
    if PurePosixPath(name).name.lower() == FER_PLUS:
        (rows_of,) = _find_named([*names, path.name], _FER_2013)
        return _read_fer_plus(table, name, rows_of)
    beside = PurePosixPath(name).parent if name in names else PurePosixPath()
    return _read_table(table, name, beside, translation)


def _find_named(names: list[str], wanted: str) -> list[str]:
    """The outermost of the source's files of a name, in whatever case, alone in a list; or none."""
    found = [name for name in names if PurePosixPath(name).name.lower() == wanted and not is_stray(name)]
    return sorted(found, key=lambda name: len(PurePosixPath(name).parts))[:1]


def _find_files(path: Path, archive: Archive, names: list[str]) -> dict[str, bytes]:
    """By name, the content of each file with votes."""
    inside, beside, plus = _find_named(names, VOTES), [find_votes(path)], _find_named(names, FER_PLUS)
    if _find_named([*names, path.name], _FER_2013):
        inside, beside = inside + plus, beside + [path.with_name(FER_PLUS)] * (not plus)
    try:
        read = {file.name: file.read_bytes() for file in beside if file.is_file()}
        return {name: archive.read(name) for name in inside} | read
    except OSError as error:
        raise SourceError(f"votes: {error}") from None


def _read_fer_plus(table: pd.DataFrame, name: str, rows_of: str) -> pd.DataFrame:
    """The rows of fer2013new.csv, under the names of those of fer2013.csv. One without a picture has no votes."""
    table.columns = [column.strip() for column in table.columns]
    known = {"Usage", "Image name"}
    if not known <= set(table.columns):
        raise SourceError(f"{name}: expected the columns Usage and Image name; found {', '.join(table.columns)}.")
    files = pd.Index([f"{rows_of}#{line}" for line in range(2, len(table) + 2)], name="file")
    counts = _read_counts(table.drop(columns=list(known)), name, Translation()).set_axis(files)
    counts["split"] = table["Usage"].str.strip().map(lambda usage: find_split(usage) or "").to_numpy()
    return counts[(table["Image name"].str.strip() != "").to_numpy()]


def _read_table(table: pd.DataFrame, name: str, beside: PurePosixPath, translation: Translation) -> pd.DataFrame:
    columns = [column.strip().lower() for column in table.columns]
    if columns.count("file") != 1:
        raise SourceError(f"{name}: expected one column file; found {', '.join(table.columns) or 'none'}.")
    named = table.pop(table.columns[columns.index("file")])
    files = pd.Index([(beside / file.strip().replace("\\", "/")).as_posix() for file in named], name="file")
    if files.has_duplicates:
        raise SourceError(f"{name}: {files[files.duplicated()][0]!r} occurs twice; expected each picture once.")
    return _read_counts(table, name, translation).set_axis(files)


def _read_counts(table: pd.DataFrame, name: str, translation: Translation) -> pd.DataFrame:
    """The columns of counts under the names of their classes, in those's order: int."""
    meanings = [_name_column(column, translation) for column in table.columns]
    unknown = [column for column, meaning in zip(table.columns, meanings, strict=True) if not meaning]
    kinds = [len(set(kind) & set(meanings)) for kind in (EMOTIONS, CLASS_NAMES)]
    if unknown or sorted(kinds)[0] or sorted(kinds)[1] < 2 or len(set(meanings)) < len(meanings):
        found = ", ".join(map(repr, unknown or table.columns)) or "none"
        raise SourceError(
            f"{name}: expected the column file, one for each of two or more classes (emotions, or"
            f" {' and '.join(CLASS_NAMES)}) and perhaps {' and '.join(UNSURE)}, each once; found {found}."
        )
    counts = {}
    for column, meaning in zip(table.columns, meanings, strict=True):
        cells = table[column].str.strip()
        wrong = ~cells.str.fullmatch(r"\d{1,6}(\.0*)?")
        if wrong.any():
            line, value = int(np.argmax(wrong)) + 2, table[column][wrong].iloc[0]
            raise SourceError(f"{name}, line {line}: {value!r} votes for {column}; expected a whole number, 0 or more.")
        counts[meaning] = cells.astype(float).astype(int)
    order = [column for column in (*EMOTIONS, *CLASS_NAMES) if column in counts]
    return pd.DataFrame({column: counts.get(column, 0) for column in (*order, *UNSURE)}, index=table.index)


def _name_column(column: str, translation: Translation) -> str:
    emotion, label = name_class(column, translation) or ("", -1)
    named = emotion or (CLASS_NAMES[label] if label >= 0 else "")
    return named or _UNSURE_SPELLINGS.get("".join(filter(str.isalpha, column.lower())), "")


def list_classes(votes: pd.DataFrame) -> list[str]:
    """The columns that are classes."""
    return [column for column in votes if column in (*EMOTIONS, *CLASS_NAMES)]


def apply_votes(layout: Layout, votes: pd.DataFrame | None) -> tuple[Layout, pd.DataFrame | None]:
    """Let people's votes say what each picture shows; its own class, where it has one, is kept as `given`.

    Args:
        layout: of the source.
        votes: from `read_votes`.

    Returns:
        The layout, its entries with `given` (the source's own class, "" where it has none), `emotion` (that with most
        votes, the first in the order of the classes where several have; `given` where no class has any) and `judgement`
        (one of UNJUDGED, or ""); and the votes of its pictures, without `split`. Votes on files that are not there, and
        pictures of which nothing says a class, are among `ignored`.

    Raises:
        SourceError: no picture has votes, as `csv_files.require_most_there`, votes are for another kind of class than
            the source's, or follow other splits.
    """
    entries = layout.entries.assign(given=name_classes(layout.entries), judgement="")
    entries.loc[(entries["emotion"] == "") & (entries["label"] < 0), "given"] = ""
    if votes is None:
        return replace(layout, entries=entries), None
    votes, absent = _match(votes, entries)
    classes = list_classes(votes)
    emotions = classes[0] in EMOTIONS
    other = entries[(entries["given"] != "") & (entries["given"].isin(EMOTIONS) != emotions)]
    if len(other):
        raise SourceError(
            f"votes for {', '.join(classes)}, but {other['file'].iloc[0]!r} is {other['given'].iloc[0]}: expected votes"
            " for the source's own kind of class, emotions or stress. Mend or remove the votes, or set VOTES=off."
        )
    counts = votes.reindex(entries["file"], fill_value=0)
    of_classes, unsure = counts[classes].to_numpy(), counts[list(UNSURE)].to_numpy()
    entries["judgement"] = judge_votes(of_classes, unsure)
    seen = np.array(classes)[of_classes.argmax(axis=1)]
    has_votes = of_classes.any(axis=1)
    if emotions:
        entries["emotion"] = np.where(has_votes, seen, entries["emotion"])
    nothing = ~has_votes & (entries["given"] == "").to_numpy()
    ignored = [layout.ignored, absent, entries.loc[nothing, ["file"]].assign(reason="nobody saw a class in it")]
    kept = entries[~nothing].reset_index(drop=True)
    return replace(layout, entries=kept, ignored=pd.concat(ignored, ignore_index=True)), votes


def _match(votes: pd.DataFrame, entries: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The votes on pictures that are there, under those's own names, and the rest as rows for `ignored`."""
    names = match_names(votes.index, entries["file"])
    if not names:
        raise SourceError(
            f"the votes name none of its pictures ({votes.index[0] if len(votes) else 'no file'!r}, for example, is"
            f" not there; {entries['file'].iloc[0] if len(entries) else 'no picture'!r} is). Expected the same paths."
        )
    absent = [name for name in votes.index if name not in names]
    require_most_there("the votes", absent, len(votes))
    votes = votes.loc[list(names)].rename(index=names)
    if "split" in votes:
        published = entries.set_index("file")["split"].reindex(votes.index)
        wrong = published[(published != "") & (votes["split"] != "") & (published != votes["split"])]
        if len(wrong):
            raise SourceError(
                f"{wrong.index[0]!r} is of {wrong.iloc[0]}, but the row of its votes is not: expected the same rows in"
                f" {FER_PLUS} and {_FER_2013}. Take both as they were published."
            )
        votes = votes.drop(columns="split")
    return votes, pd.DataFrame({"file": absent, "reason": "has votes, but is not there"})


def judge_votes(of_classes: np.ndarray, unsure: np.ndarray) -> np.ndarray:
    """One of UNJUDGED, or "", a picture, by int (n, classes) votes and int (n, 2) of UNSURE."""
    most = of_classes.max(axis=1)
    unknown, no_face = unsure.T
    conditions = [(most == 0) & ~unsure.any(axis=1), (unknown > most) & (unknown >= no_face), no_face > most]
    return np.select(conditions, ["no-votes", "unknown", "not-a-face"], "")


def settle_labels(
    entries: pd.DataFrame, votes: pd.DataFrame | None, stress_classes: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The `label` that most people's votes make, or else the class: -1 where there is none.

    Args:
        entries: from `apply_votes`, after a person's decisions: of what was relabelled, only the new class counts.
        votes: of the same pictures.
        stress_classes: the emotions that count as Stress.

    Returns:
        The entries, `judgement` "tie" where as many people saw Stress as did not; and the votes that count.
    """
    by_class = entries["emotion"].isin(stress_classes).astype(int).where(entries["emotion"] != "", entries["label"])
    if votes is None:
        return entries.assign(label=by_class), None
    classes = list_classes(votes)
    stress = [name for name in classes if name in (*stress_classes, CLASS_NAMES[1])]
    counts = votes.reindex(entries["file"], fill_value=0)
    label = find_majority(counts[stress].sum(axis=1).to_numpy(), counts[classes].sum(axis=1).to_numpy())
    judged, relabelled = (entries["judgement"] == "").to_numpy(), (entries["decision"] == "relabel").to_numpy()
    tied = np.where(judged & (label < 0), "tie", entries["judgement"])
    entries = entries.assign(
        label=np.where(relabelled, by_class, np.where(judged, label, -1)), judgement=np.where(relabelled, "", tied)
    )
    return entries, votes.drop(entries.loc[relabelled, "file"], errors="ignore")
