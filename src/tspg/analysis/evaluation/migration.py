"""Evidence tables of older versions: what these said in notes alone becomes values. Only here a note is read."""

import re
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import COLUMNS, NEAREST, NN_P_VALUE, Status, by_chance

_NUMBER = r"(\d[\d.e-]*)"
_BY_CHANCE = re.compile(rf"by chance {_NUMBER} \({_NUMBER} to {_NUMBER}\), both sides p = {_NUMBER}")
_CLASSES = re.compile(r"chance \S+ \((\d+) classes\)")


def complete_evidence(table: pd.DataFrame) -> pd.DataFrame:
    """An evidence table with all `COLUMNS`; one that has a status already is returned as it is.

    Until tspg 0.1.0 there was no `status`, and levels by chance stood in notes alone.
    """
    if "status" in table or table.empty:
        return table
    old = table.reindex(columns=COLUMNS).astype({"note": object}).fillna({"n": 0, "note": ""})
    status = [str(_status(*row)) for row in old[["note", "value", "n"]].itertuples(index=False, name=None)]
    added = [row for old_row in old.to_dict("records") for row in _references(old_row)]
    added = [row for number, row in enumerate(added) if row[:2] not in {earlier[:2] for earlier in added[:number]}]
    complete = old.assign(status=status).astype({"n": int})
    return pd.concat([complete, pd.DataFrame(added, columns=COLUMNS)], ignore_index=True) if added else complete


def _status(note: str, value: float, n: int) -> Status:
    parts = note.split("; ")
    if "too few" in parts or (n == 0 and not np.isfinite(value)):
        return Status.TOO_FEW
    if "not admitted" in parts:
        return Status.NOT_ADMITTED
    return Status.OK if np.isfinite(value) else Status.UNDEFINED


def _references(row: dict[Hashable, Any]) -> list[tuple[object, ...]]:
    """The rows for what the note of another one says of chance."""
    method, measure, n, note = row["method"], str(row["measure"]), row["n"], str(row["note"])
    rest = n, str(Status.OK), ""
    if measure in NEAREST and (found := _BY_CHANCE.search(note)):
        value, low, high, p = map(float, found.groups())
        nothing = (np.nan, np.nan)
        return [(method, by_chance(measure), value, low, high, *rest), (method, NN_P_VALUE, p, *nothing, *rest)]
    if measure == "source_leak" and (found := _CLASSES.search(note)):
        return [(method, by_chance(measure), 1 / int(found[1]), np.nan, np.nan, *rest)]
    return []
