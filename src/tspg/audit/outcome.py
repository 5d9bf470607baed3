"""What a control found: rows of `controls.tsv`, each with an answer by a fixed threshold; kept in the run folder."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tspg._version import __version__
from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, THRESHOLDS
from tspg.utils.files import read_json, write_json

COLUMNS = ["control", "measure", "value", "low", "high", "n", "note", "answer"]
STABLE_COLUMNS = [
    *("source_class", "direction", "gene", "selection_frequency", "mean_perturbation", "sign_agreement"),
    *("stable", "donor_frequency"),
]
FOLDER = "audit"  # in the run folder: finished controls, so that a stopped audit goes on where it was
FORMAT = 3  # of what a control computes and writes: finished ones of another format are repeated


@dataclass(frozen=True)
class Row:
    """One number of a control, its interval or range, how many repeats or samples it rests on, and the answer."""

    measure: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    note: str = ""
    answer: str = NOT_TESTED


@dataclass(frozen=True)
class Outcome:
    """All that one control found; `genes` are rows of `stable_genes.tsv`, if it ranks any."""

    rows: tuple[Row, ...]
    genes: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for what is no finite number."""

        def plain(row: Mapping[str, Any]) -> dict[str, Any]:
            return {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }

        return {"rows": [plain(asdict(row)) for row in self.rows], "genes": [plain(gene) for gene in self.genes]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Outcome":
        """The outcome as it was stored."""
        parts: dict[str, list[dict[str, Any]]] = {
            name: [{key: math.nan if value is None else value for key, value in row.items()} for row in stored[name]]
            for name in ("rows", "genes")
        }
        return cls(tuple(Row(**row) for row in parts["rows"]), tuple(parts["genes"]))


def not_tested(measure: str, reason: str) -> Outcome:
    """The outcome of a control that could not be carried out, with the reason."""
    return Outcome((Row(measure, note=reason),))


def mean_row(
    measure: str,
    values: Iterable[float],
    threshold: str,
    *,
    excess: float | None = None,
    note: str = "",
    n: int | None = None,
) -> Row:
    """The mean of repeats with their range, and the answer to it, or to `excess` where another value decides."""
    found = np.asarray([value for value in values if math.isfinite(value)], dtype=np.float64)
    if len(found) == 0:
        return Row(measure, note="no fit gave a number")
    value = float(found.mean())
    limits = (float(found.min()), float(found.max())) if len(found) > 1 else (math.nan, math.nan)
    answer = THRESHOLDS[threshold].answer(value if excess is None else excess)
    return Row(measure, value, *limits, len(found) if n is None else n, note, answer)


def without_fails(outcome: Outcome, note: str) -> Outcome:
    """The same outcome with every failure only a doubt, and why: a fit shorter than the run's could be to blame."""
    rows = [
        replace(row, answer=DOUBTFUL, note=f"{row.note}; {note}" if row.note else note) if row.answer == FAIL else row
        for row in outcome.rows
    ]
    return Outcome(tuple(rows), outcome.genes)


def controls_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per control and measure, in the order of the controls."""
    records = [{"control": name, **asdict(row)} for name, outcome in outcomes.items() for row in outcome.rows]
    return pd.DataFrame(records, columns=COLUMNS)


def stable_genes_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """The gene lists averaged over seeds, those most often selected first in each list."""
    return pd.DataFrame([gene for outcome in outcomes.values() for gene in outcome.genes], columns=STABLE_COLUMNS)


def key_of(model_id: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What a stored control belongs to: a model, the settings of the audit, and the version of the program."""
    return {"model_id": model_id, "settings": settings, "version": __version__, "format": FORMAT}


def load_outcome(folder: Path, name: str, key: dict[str, Any]) -> Outcome | None:
    """A control that was finished before; None if there is none, or it belongs to anything else."""
    try:
        stored = read_json(folder / FOLDER / f"{name}.json")
        return Outcome.from_dict(stored["outcome"]) if stored["belongs_to"] == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: it is repeated


def store_outcome(folder: Path, name: str, key: dict[str, Any], outcome: Outcome) -> None:
    """Keep a finished control."""
    write_json(folder / FOLDER / f"{name}.json", {"belongs_to": key, "outcome": outcome.as_dict()})
