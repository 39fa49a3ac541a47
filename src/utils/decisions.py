"""What a person decided about doubtful labels: read from a CSV beside the raw data, which themselves stay untouched."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from utils.archives import SourceError
from utils.csv_layouts import read_text_table
from utils.labels import CLASS_NAMES, EMOTIONS, name_classes
from utils.layouts import Layout, name_class

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


def apply_decisions(layout: Layout, path: Path) -> tuple[Layout, pd.DataFrame]:
    """Drop and relabel entries as a person decided.

    Args:
        layout: of the source.
        path: of the CSV of decisions, which need not exist.

    Returns:
        The layout, its entries with a column `decision` ("" where none), and a table of what was done:
        TABLE_COLUMNS. What was dropped, and decisions on files that are not there, are among `ignored`.

    Raises:
        SourceError: as `read_decisions`; a picture is relabelled to no class of the data's kind.
    """
    decisions = read_decisions(path)
    entries = layout.entries.set_index("file")
    there = decisions["file"].isin(entries.index)
    absent = decisions.loc[~there, ["file"]].assign(reason=f"in {path.name}, but not there")
    decisions = decisions[there].set_index("file")
    entries["decision"] = decisions["decision"].reindex(entries.index, fill_value="")
    was = name_classes(entries.loc[decisions.index])
    for row in decisions[decisions["decision"] == "relabel"].itertuples():
        entries.loc[row.Index, ["emotion", "label"]] = _read_class(row, bool(entries.at[row.Index, "emotion"]), path)
    table = decisions.assign(was=was, now=name_classes(entries.loc[decisions.index])).reset_index()[TABLE_COLUMNS]
    dropped = table["decision"] == "drop"
    table.loc[dropped, "now"] = ""
    reasons = table.loc[dropped, ["file"]].assign(reason=("dropped: " + table["why"]).str.removesuffix(": "))
    kept = entries[entries["decision"] != "drop"].reset_index()
    ignored = pd.concat([layout.ignored, reasons, absent], ignore_index=True)
    return replace(layout, entries=kept, ignored=ignored), table


def _read_class(row, has_emotion: bool, path: Path) -> list:
    """[emotion, label] that a relabelled picture gets."""
    found = name_class(row.label)
    if found is None or bool(found[0]) != has_emotion:
        expected = ", ".join(EMOTIONS if has_emotion else CLASS_NAMES)
        raise SourceError(f"{path}, line {row.line}: label {row.label!r}; expected one of {expected}.")
    return list(found)
