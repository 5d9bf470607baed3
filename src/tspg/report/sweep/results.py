"""What a sweep measured: gene sets by target classes, one number per run, with its mean over seeds."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT, REAL
from tspg.report.sweep.measures import ANSWER_VALUES, MEASURES, Measure

ALL_GENES = "all genes"  # name of a run without a gene set, as in table_1.tsv
STATUSES = DONE, FAILED, SKIPPED, NOT_RUN = ("done", "failed", "skipped", "not run")
PAIR = ["gene_set", "target_class"]
_FACTS = (
    *("gene_set", "n_genes", "target_class", "seed", "status", "reason", "run", "report"),
    *("training.method", "verdict.realistic.answer", "verdict.realistic.sentence"),
)
COMPARED_WITH = {MEAN_SHIFT: "plain shift", REAL: "real samples"}


@dataclass(frozen=True)
class SweepTables:
    """The tables of a sweep; all but `runs` may be empty, with their columns.

    `runs` has one row per gene set (empty text: every gene), target class and seed: gene_set, n_genes, target_class,
    seed, status (one of `STATUSES`), reason (of what failed or was skipped), run (folder) and, if there are any,
    report (both relative to the page), then the numbers of metrics.json under dotted names.
    `random_gene_sets`: gene_set, target_class, n_random, energy_ratio, random_energy_ratio, energy_p_value, hit_rate,
    random_hit_rate, hit_rate_p_value.
    `stability`: gene_set, target_class, direction, rank, gene, mean_perturbation, selection_frequency,
    sign_agreement, n_seeds, phi, phi_low, phi_high.
    `gene_frequency`: gene_set, direction, gene, n_runs, n_runs_total, n_targets, n_targets_total.
    """

    runs: pd.DataFrame
    random_gene_sets: pd.DataFrame
    stability: pd.DataFrame
    gene_frequency: pd.DataFrame


def is_used(column: str) -> bool:
    """Whether a column of the runs is one that results need, by whatever method."""
    of_measures = (name for one in MEASURES for name in (one.column, one.below))
    return column in _FACTS or any(fnmatchcase(column, name.replace("{method}", "*")) for name in of_measures)


class SweepResults:
    """The tables, with gene sets, targets (in the order of the runs) and seeds; a pair is a gene set and a target.

    `runs` is numbered from 0; `is_done` marks its finished rows. `n_genes` is None where no run of a gene set says so.
    `method` is what moved the profiles; `measures` are those of which the sweep holds at least one number.
    """

    def __init__(self, tables: SweepTables) -> None:
        self.tables = tables
        self.runs = tables.runs.reset_index(drop=True)
        self.is_done = self.runs["status"] == DONE
        self.gene_sets = [str(name) for name in pd.unique(self.runs["gene_set"])]
        self.targets = [str(name) for name in pd.unique(self.runs["target_class"])]
        self.seeds = [str(seed) for seed in sorted(pd.unique(self.runs["seed"]))]
        largest = self.runs.groupby("gene_set", sort=False)["n_genes"].max()
        self.n_genes = {str(name): None if pd.isna(n) else int(n) for name, n in largest.items()}
        methods = self.runs["training.method"].dropna() if "training.method" in self.runs else ()
        self.method = str(next(iter(methods), "generator"))
        self.measures = [one for one in MEASURES if self.values(one).notna().any()] or [MEASURES[0]]

    def values(self, measure: Measure, method: str | None = None) -> pd.Series:
        """A measure in every run, or in every row of its table where it belongs to a pair; `method` None: the own."""
        table = self._table(measure)
        own = _numbers(table, measure.column.format(method=method or self.method))
        return _numbers(table, measure.below) - own if measure.below else own

    def pairs(self, measure: Measure, method: str | None = None, *, least: bool = False) -> pd.DataFrame:
        """The mean over seeds or the least, of shape (gene sets, targets); NaN where no run has a number."""
        groups = self.values(measure, method).groupby([self._table(measure)[name] for name in PAIR])
        found = (groups.min() if least else groups.mean()).unstack()
        return found.reindex(index=self.gene_sets, columns=self.targets).astype(float)

    def compared(self, measure: Measure) -> dict[str, pd.DataFrame]:
        """The measure of a plain shift and of real target samples by pairs, under their titles; what was measured."""
        if "{method}" not in measure.column or measure.below:
            return {}
        found = {title: self.pairs(measure, method) for method, title in COMPARED_WITH.items()}
        return {title: table for title, table in found.items() if table.notna().any(axis=None)}

    def _table(self, measure: Measure) -> pd.DataFrame:
        table: pd.DataFrame = getattr(self.tables, measure.table) if measure.table else self.runs
        return table


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        return pd.Series(np.nan, index=table.index, dtype=float)
    values = table[name]
    if values.dtype == object:
        values = values.map(lambda value: ANSWER_VALUES.get(value, value))
    return pd.to_numeric(values, errors="coerce").astype(float)


def display_name(gene_set: object) -> str:
    """A gene set's name for people."""
    return str(gene_set) or ALL_GENES


def rows_by_pair(table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """The rows of a table, by gene set and target."""
    return {(str(key[0]), str(key[1])): rows for key, rows in table.groupby(PAIR, sort=False)}
