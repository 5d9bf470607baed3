"""What a control found: rows of `controls.tsv`, each with an answer that follows from a written threshold."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tspg.data.adjust import CONFOUNDED

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
PASS, DOUBTFUL, FAIL, NOT_TESTED = "pass", "doubtful", "fail", "not tested"


@dataclass(frozen=True)
class Threshold:
    """Up to where (or, with `higher`, from where) a number passes, and from where on it fails."""

    good: float
    bad: float
    higher: bool = False

    def answer(self, value: float) -> str:
        """The answer for a number; one that could not be had is not tested."""
        if not math.isfinite(value):
            return NOT_TESTED
        sign = -1 if self.higher else 1
        if sign * value <= sign * self.good:
            return PASS
        return DOUBTFUL if sign * value <= sign * self.bad else FAIL


# Where a source is named the number is its; the others are chosen so that a pass leaves no practical doubt.
THRESHOLDS: Mapping[str, Threshold] = {
    "excess_accuracy": Threshold(0.05, 0.15),  # of f above chance, permuted labels
    "excess_hit_rate": Threshold(0.10, 0.30),  # of a judge above untouched sources, permuted labels
    "distance_from_one": Threshold(0.15, 0.40),  # of the energy ratio, permuted labels
    "false_stability": Threshold(0.20, 0.40),  # permuted labels; .4 is the least that Nogueira et al. interpret
    "share_defined": Threshold(0.15, 0.40),  # of random halves told apart by energy; nominal .05
    "genes_beyond_noise": Threshold(0.01, 0.05),  # share of genes, random halves
    "relative_change": Threshold(0.25, 0.50),  # mean change beside that of the run itself
    "cramers_v": Threshold(0.30, CONFOUNDED),  # Cohen 1988: .3 medium, .5 large
    "p_value": Threshold(0.05, 1.0),
    "unseen_energy_ratio": Threshold(0.05, 0.25),  # as for the run itself (Peidli et al. 2024 use the distance)
    "unseen_hit_rate": Threshold(0.90, 0.70, higher=True),  # as the transfer of the run itself
    "precision_below_mean_shift": Threshold(0.10, 0.30),  # planted drivers: must tie with the mean shift
    "stability": Threshold(0.75, 0.40, higher=True),  # Nogueira et al. 2018, after Fleiss
    "overlap": Threshold(0.75, 0.40, higher=True),
    "sign_agreement": Threshold(0.95, 0.80, higher=True),
    "share_stable": Threshold(0.80, 0.40, higher=True),
}
SELECTED_OFTEN = 0.8  # a gene is called stable from here on (trust: selection in 4 of 5 fits)


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
        return Row(measure, note=note)
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
