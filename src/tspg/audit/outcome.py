"""What a control found: rows of `controls.tsv`, each with an answer that follows from a written threshold."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, THRESHOLDS

COLUMNS = ["control", "measure", "value", "low", "high", "n", "note", "answer"]
STABLE_COLUMNS = [
    "source_class",
    "direction",
    "gene",
    "selection_frequency",
    "mean_perturbation",
    "sign_agreement",
    "stable",
    "donor_frequency",
]


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
    genes: tuple[dict[str, Any], ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for what is no finite number."""
        return {"rows": [_finite(asdict(row)) for row in self.rows], "genes": [_finite(gene) for gene in self.genes]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Outcome":
        """The outcome as it was stored."""
        rows = [Row(**_numbers(row)) for row in stored["rows"]]
        genes = [_numbers(gene) for gene in stored["genes"]]
        return cls(tuple(rows), tuple(genes))


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None else value for key, value in values.items()}


def not_tested(measure: str, reason: str) -> Outcome:
    """The outcome of a control that could not be carried out, with the reason."""
    return Outcome((Row(measure, note=reason),))


def judged(measure: str, values: Iterable[float], threshold: str, *, note: str = "", n: int | None = None) -> Row:
    """The mean of repeats with their range, and the answer to it."""
    found = np.asarray([value for value in values if math.isfinite(value)], dtype=np.float64)
    if len(found) == 0:
        return Row(measure, note="no fit gave a number")
    value = float(found.mean())
    limits = (float(found.min()), float(found.max())) if len(found) > 1 else (math.nan, math.nan)
    return Row(measure, value, *limits, len(found) if n is None else n, note, THRESHOLDS[threshold].answer(value))


def without_fails(outcome: Outcome, note: str) -> Outcome:
    """The same outcome with every failure only a doubt, and why: a fit shorter than the run's could be to blame."""
    rows = [
        replace(row, answer=DOUBTFUL, note=f"{row.note}; {note}" if row.note else note) if row.answer == FAIL else row
        for row in outcome.rows
    ]
    return Outcome(tuple(rows), outcome.genes)


def controls_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row a control and measure, in the order of the controls."""
    records = [{"control": name, **asdict(row)} for name, outcome in outcomes.items() for row in outcome.rows]
    return pd.DataFrame(records, columns=COLUMNS)


def stable_genes_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """The gene lists averaged over seeds, those most often selected first in each list."""
    return pd.DataFrame([gene for outcome in outcomes.values() for gene in outcome.genes], columns=STABLE_COLUMNS)
