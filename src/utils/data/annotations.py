"""What is said of a source's pictures beyond their classes: attributes, people's votes, a person's decisions."""

import io
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from utils.archives import Archive
from utils.csv_files import SourceError, read_text_table, require_most_there
from utils.data.classes import Translation, name_class
from utils.data.layouts import Layout
from utils.data.sources import ATTRIBUTES, find_decisions
from utils.data.votes import apply_votes, read_votes, settle_labels
from utils.files import is_stray, match_names
from utils.labels import CLASS_NAMES, EMOTIONS, name_classes, read_file_name

_KEYS = ("file", "subject")
"""Columns with a meaning of their own."""


@dataclass(frozen=True)
class Annotations:
    """Tables about the pictures of a source.

    Attributes:
        attributes: the rows of its attributes.csv, as text, key `file`, and the `subject` that its files' names tell;
            None where there is neither.
        votes: how many people saw which class: index `file`, a column a class and votes.UNSURE; None where it has none.
        decisions: a person's on its labels: COLUMNS and `line`; once applied, TABLE_COLUMNS: what they did.
        file: the name of attributes.csv in the source; None where it has none.
    """

    attributes: pd.DataFrame | None
    votes: pd.DataFrame | None
    decisions: pd.DataFrame
    file: str | None


def read_annotations(
    path: Path, archive: Archive, names: list[str], csv_path: Path | None, votes: str, translation: Translation
) -> Annotations:
    """What stands in a source, and beside it.

    Args:
        path: of the source.
        archive: the same, opened.
        names: of its files.
        csv_path: a CSV that was itself given as the source: it labels pictures, whatever its name.
        votes: whether they are used, as `votes.read_votes`.
        translation: from `classes.read_classes`.

    Raises:
        SourceError: a table is damaged, or required and missing.
        ValueError: `votes` is not understood.
    """
    attributes, file = _read_attributes(archive, names, csv_path)
    counts = read_votes(path, archive, names, votes, translation)
    return Annotations(attributes, counts, read_decisions(find_decisions(path)), file)


def apply_annotations(
    layout: Layout, annotations: Annotations, path: Path, names: list[str], stress_classes: Collection[str]
) -> tuple[Layout, Annotations]:
    """Let people's votes say what each picture shows, then a person's decisions, and settle the labels.

    Args:
        layout: of the source.
        annotations: on it.
        path: of the source.
        names: of its files.
        stress_classes: the emotions that count as Stress.

    Returns:
        The layout, as of `votes.settle_labels`, and the annotations under its files' own names; what they name and the
        source does not hold is among `ignored`.

    Raises:
        SourceError: they do not fit the source.
    """
    layout, attributes = _match_attributes(layout, annotations.attributes, names)
    attributes = _add_persons(attributes, layout.entries["file"])
    layout, votes = apply_votes(layout, annotations.votes)
    layout, decisions = _apply_decisions(layout, annotations.decisions, find_decisions(path))
    entries, votes = settle_labels(layout.entries, votes, stress_classes)
    return replace(layout, entries=entries), Annotations(attributes, votes, decisions, annotations.file)


def _read_attributes(archive: Archive, names: list[str], labels: Path | None) -> tuple[pd.DataFrame | None, str | None]:
    """The outermost attributes.csv of a source, and its name; (None, None) where there is none."""
    found = [name for name in names if PurePosixPath(name).name.lower() == ATTRIBUTES and not is_stray(name)]
    name = min(found, key=lambda name: len(PurePosixPath(name).parts), default=None)
    if name is None or (labels and labels.name == name):
        return None, None
    try:
        return parse_attributes(archive.read(name), name), name
    except OSError as error:
        raise SourceError(f"{name}: {error}") from None


def parse_attributes(data: bytes, csv_name: str) -> pd.DataFrame:
    """All rows, as text: `file` (the path in the source), then the other columns as they are.

    Args:
        data: the CSV, in UTF-8; its column `file` holds paths from the folder where it lies.
        csv_name: its own path in the source.

    Raises:
        SourceError: as `read_text_table`, no column `file`, a file twice.
    """
    table = read_text_table(io.BytesIO(data), csv_name)
    table.columns = _name_keys([column.strip() for column in table.columns])
    if list(table.columns).count("file") != 1:
        raise SourceError(f"{csv_name}: expected one column file; found {', '.join(table.columns) or 'none'}.")
    beside = PurePosixPath(csv_name).parent
    files = [(beside / name.strip().replace("\\", "/")).as_posix() for name in table["file"]]
    table = table.assign(file=files)[["file", *table.columns.drop("file")]]
    twice = table["file"].duplicated()
    if twice.any():
        raise SourceError(f"{csv_name}: {table.loc[twice, 'file'].iloc[0]!r} occurs twice; expected each picture once.")
    return table


def _name_keys(columns: list[str]) -> list[str]:
    """The columns, where the only one that is a key but for its case has the key's name."""
    lower = [column.lower() for column in columns]
    return [
        key if key in _KEYS and lower.count(key) == 1 else column for key, column in zip(lower, columns, strict=True)
    ]


def _match_attributes(
    layout: Layout, attributes: pd.DataFrame | None, names: list[str]
) -> tuple[Layout, pd.DataFrame | None]:
    """The attributes under the files' own names; what they name and the source does not hold is among `ignored`."""
    if attributes is None:
        return layout, None
    there = match_names(attributes["file"], [*names, *layout.entries["file"]])
    absent = sorted(set(attributes["file"]) - set(there))
    require_most_there(ATTRIBUTES, absent, len(attributes))
    rows = pd.DataFrame({"file": absent, "reason": f"in {ATTRIBUTES}, but not there"})
    layout = replace(layout, ignored=pd.concat([layout.ignored, rows], ignore_index=True))
    return layout, attributes.assign(file=[there.get(name, name) for name in attributes["file"]])


def _add_persons(attributes: pd.DataFrame | None, files: pd.Series) -> pd.DataFrame | None:
    """The attributes with `subject` from the names of KDEF's, JAFFE's and CK+48's files, unless they name persons."""
    persons = files.map(lambda name: read_file_name(name)[0])
    if (attributes is not None and "subject" in attributes) or not (persons != "").any():
        return attributes
    named = pd.DataFrame({"file": files, "subject": persons})
    return named if attributes is None else attributes.merge(named, on="file", how="outer").fillna("")


def add_subjects(records: pd.DataFrame, attributes: pd.DataFrame | None) -> pd.DataFrame:
    """The records with `subject` ("" where not known), where the attributes have such a column."""
    if attributes is None or "subject" not in attributes:
        return records
    subjects = attributes.set_index("file")["subject"].str.strip()
    return records.assign(subject=records["file"].map(subjects).fillna(""))


def tabulate_attributes(attributes: pd.DataFrame) -> pd.DataFrame:
    """What each column holds: `attribute`, `pictures` (where it is known), `different`, `commonest`."""
    rows = []
    for name in attributes.columns.drop("file"):
        known = attributes[name][attributes[name] != ""]
        commonest = known.mode()[0] if known.duplicated().any() else ""
        rows.append((name, len(known), known.nunique(), commonest))
    return pd.DataFrame(rows, columns=["attribute", "pictures", "different", "commonest"])


DECISIONS = ("keep", "relabel", "drop")

COLUMNS = ["file", "decision", "label", "why"]
"""Of the CSV: `label` is the new class of a picture that is relabelled."""

TABLE_COLUMNS = ["file", "decision", "was", "now", "why"]


def read_decisions(path: Path) -> pd.DataFrame:
    """The rows on which something was decided: COLUMNS, and `line`; none where there is no such file.

    Raises:
        SourceError: as `read_text_table`, a missing column, an unknown decision, a file twice.
    """
    if not path.exists():
        return pd.DataFrame(columns=[*COLUMNS, "line"])
    table = read_text_table(path, str(path)).rename(columns=lambda name: name.strip().lower())
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise SourceError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}.")
    table = table[COLUMNS].apply(lambda column: column.str.strip()).assign(line=range(2, len(table) + 2))
    table["decision"] = table["decision"].str.lower()
    table = table[table["decision"] != ""].reset_index(drop=True)
    for row in table.itertuples():
        if row.decision not in DECISIONS:
            raise SourceError(f"{path}, line {row.line}: decision {row.decision!r}; expected {', '.join(DECISIONS)}.")
    twice = table["file"].duplicated()
    if twice.any():
        raise SourceError(f"{path}: {table.loc[twice, 'file'].iloc[0]!r} occurs twice; expected each picture once.")
    return table


def _apply_decisions(layout: Layout, decisions: pd.DataFrame, path: Path) -> tuple[Layout, pd.DataFrame]:
    """Drop and relabel entries as a person decided.

    Args:
        layout: of the source.
        decisions: from `read_decisions`.
        path: of the CSV that holds them.

    Returns:
        The layout, its entries with a column `decision` ("" where none), and a table of what was done:
        TABLE_COLUMNS. What was dropped, and decisions on files that are not there, are among `ignored`.

    Raises:
        SourceError: as `csv_files.require_most_there`; a picture is relabelled to no class of the data's kind.
    """
    entries = layout.entries.set_index("file")
    names = match_names(decisions["file"], entries.index)
    there = decisions["file"].isin(list(names))
    absent = decisions.loc[~there, ["file"]].assign(reason=f"in {path.name}, but not there")
    require_most_there(path.name, absent["file"].tolist(), len(decisions))
    decisions = decisions[there].assign(file=lambda table: table["file"].map(names)).set_index("file")
    entries["decision"] = decisions["decision"].reindex(entries.index, fill_value="")
    was = name_classes(entries.loc[decisions.index])
    for row in decisions[decisions["decision"] == "relabel"].itertuples():
        entries.loc[row.Index, ["emotion", "label"]] = _read_class(row, bool(entries.at[row.Index, "emotion"]), path)
    table = decisions.assign(was=was, now=name_classes(entries.loc[decisions.index])).reset_index()[TABLE_COLUMNS]
    dropped = table["decision"] == "drop"
    table.loc[dropped, "now"] = ""
    reasons = table[dropped].assign(reason=lambda rows: ("dropped: " + rows["why"]).str.removesuffix(": "))
    kept = entries[entries["decision"] != "drop"].reset_index()
    ignored = pd.concat([layout.ignored, reasons[["file", "reason"]], absent], ignore_index=True)
    return replace(layout, entries=kept, ignored=ignored), table


def _read_class(row, has_emotion: bool, path: Path) -> list:
    """[emotion, label] that a relabelled picture gets."""
    found = name_class(row.label)
    if found is None or bool(found[0]) != has_emotion:
        expected = ", ".join(EMOTIONS if has_emotion else CLASS_NAMES)
        raise SourceError(f"{path}, line {row.line}: label {row.label!r}; expected one of {expected}.")
    return list(found)
