"""What a sweep measured: gene sets by target classes, one number a run, with its mean over seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT, REAL
from tspg.report.sweep.measures import ANSWER_VALUES, MEASURES, Measure

ALL_GENES = "all genes"  # how a run without a gene set is called, as in table_1.tsv
STATUSES = DONE, FAILED, SKIPPED, NOT_RUN = ("done", "failed", "skipped", "not run")
PAIR = ["gene_set", "target_class"]


@dataclass(frozen=True)
class SweepTables:
    """The tables of a sweep; all but `runs` may be empty, with their columns.

    `runs` has a row for each gene set (empty text: every gene), target class and seed: gene_set, n_genes,
    target_class, seed, status (done, failed: why, skipped: why, not run), run (folder) and, if there are any, report
    (both relative to the page), then the numbers of metrics.json under dotted names.
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


@dataclass(frozen=True)
class Study:
    """The tables with their gene sets, targets and seeds in order; a pair is one gene set and one target."""

    tables: SweepTables

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run, numbered from 0."""
        return self.tables.runs.reset_index(drop=True)

    @cached_property
    def gene_sets(self) -> list[str]:
        """The gene sets in the order of the runs, empty text for every gene."""
        return [str(name) for name in pd.unique(self.runs["gene_set"])]

    @cached_property
    def targets(self) -> list[str]:
        """The target classes in the order of the runs."""
        return [str(name) for name in pd.unique(self.runs["target_class"])]

    @cached_property
    def seeds(self) -> list[str]:
        """The seeds in rising order, as text."""
        return [str(seed) for seed in sorted(pd.unique(self.runs["seed"]))]

    @cached_property
    def n_genes(self) -> dict[str, int | None]:
        """How many genes each set has; None where no run of it says so."""
        most = self.runs.groupby("gene_set", sort=False)["n_genes"].max()
        return {str(name): None if pd.isna(n) else int(n) for name, n in most.items()}

    @cached_property
    def kinds(self) -> pd.Series:
        """How each run ended, without the reason."""
        return self.runs["status"].map(lambda status: str(status).partition(":")[0])

    @cached_property
    def method(self) -> str:
        """What moved the profiles: `generator`, or a method in closed form."""
        found = self.runs["training.method"].dropna() if "training.method" in self.runs else ()
        return str(next(iter(found), "generator"))

    @cached_property
    def measures(self) -> list[Measure]:
        """The measures of which this sweep holds at least one number, the likeness to real samples first."""
        return [measure for measure in MEASURES if self.values(measure).notna().any()] or [MEASURES[0]]

    def values(self, measure: Measure) -> pd.Series:
        """A measure's number in every run, or in every row of its table where it belongs to a pair."""
        if measure.table:
            return self._column(getattr(self.tables, measure.table), measure.column)
        return self.of_runs(measure, self.method)

    def of_runs(self, measure: Measure, method: str) -> pd.Series:
        """The same for another method that every run was compared with, such as the mean shift."""
        own = self._column(self.runs, measure.column.format(method=method))
        if measure.below:
            return self._column(self.runs, measure.below) - own
        return own

    def pairs(self, measure: Measure, method: str | None = None, *, least: bool = False) -> pd.DataFrame:
        """The mean over seeds or the least, of shape (gene sets, targets); not a number where no run has one."""
        table = getattr(self.tables, measure.table) if measure.table else self.runs
        values = self.values(measure) if method is None else self.of_runs(measure, method)
        groups = values.groupby([table[name] for name in PAIR])
        return (
            (groups.min() if least else groups.mean())
            .unstack()
            .reindex(index=self.gene_sets, columns=self.targets)
            .astype(float)
        )

    @staticmethod
    def _column(table: pd.DataFrame, name: str) -> pd.Series:
        if name not in table:
            return pd.Series(np.nan, index=table.index, dtype=float)
        numbers = table[name].map(lambda value: ANSWER_VALUES.get(value, value))
        return pd.to_numeric(numbers, errors="coerce").astype(float)


def shown(gene_set: str) -> str:
    """A gene set's name for people."""
    return gene_set or ALL_GENES


BESIDE: Mapping[str, str] = {MEAN_SHIFT: "plain shift", REAL: "real samples"}


def beside(study: Study, measure: Measure) -> dict[str, pd.DataFrame]:
    """What a plain shift and real target samples score in the same measure, by pairs; only where it was measured."""
    if "{method}" not in measure.column or measure.below:
        return {}
    found: dict[str, pd.DataFrame] = {name: study.pairs(measure, name) for name in BESIDE}
    return {name: table for name, table in found.items() if table.notna().any(axis=None)}


def rows_by_pair(table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """The rows of a table, by gene set and target."""
    return {(str(key[0]), str(key[1])): rows for key, rows in table.groupby(PAIR, sort=False)}
