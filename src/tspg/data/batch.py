"""A technical difference, such as a batch or platform, subtracted from the expression values gene by gene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import connected_components

from tspg.errors import Option, UsageError
from tspg.utils.typing import Float32Array, Int64Array

MOST_LEVELS = 20  # a column with more values is no batch
CONFOUNDED = 0.5  # Cramer's V from which on an association is large (Cohen 1988)
_ADJUST = Option("adjust_column")


@dataclass(frozen=True)
class Adjustment:
    """The offset of each level of a technical column from the others, per gene, at equal class.

    `offsets` has shape (levels, genes), in the units of the input.
    """

    column: str
    levels: tuple[str, ...]
    offsets: Float32Array

    @classmethod
    def fit(cls, values: ArrayLike, class_index: Int64Array, levels: Sequence[str], *, column: str) -> "Adjustment":
        """Least squares of value = class + level on training samples; offsets average 0 over them."""
        names, level_index = np.unique(np.asarray(levels, dtype=object), return_inverse=True)
        of_class = (class_index[:, None] == np.unique(class_index)).astype(np.float64)
        of_level = (level_index[:, None] == np.arange(len(names))).astype(np.float64)
        effects = np.linalg.lstsq(np.hstack([of_class, of_level]), np.asarray(values, np.float64), rcond=None)[0]
        offsets = effects[of_class.shape[1] :]
        offsets -= of_level.mean(axis=0) @ offsets
        return cls(column, tuple(map(str, names)), offsets.astype(np.float32))

    def transform(self, values: Float32Array, levels: Sequence[str]) -> tuple[Float32Array, int]:
        """Values without the offset of their level, and the number of samples of unknown level, which stay."""
        row_of = {name: row for row, name in enumerate(self.levels)}
        rows = np.array([row_of.get(level, -1) for level in levels], dtype=np.int64)
        known = rows >= 0
        adjusted = values.copy()
        adjusted[known] -= self.offsets[rows[known]]
        return adjusted, int((~known).sum())


def check_adjustable(classes: Sequence[str], levels: Sequence[str], *, column: str) -> None:
    """Refuse a column whose effect cannot be separated from that of the class.

    Raises UsageError if the column has one value or very many, is closely associated with the class, or splits the
    classes into parts that share no level.
    """
    counts = pd.crosstab(np.asarray(classes, dtype=object), np.asarray(levels, dtype=object)).to_numpy()
    n_classes, n_levels = counts.shape
    if not 2 <= n_levels <= MOST_LEVELS:
        raise UsageError(_ADJUST, f" {column}: it has {n_levels} different values; 2 to {MOST_LEVELS} are needed.")
    shared = np.zeros((n_classes + n_levels,) * 2)  # which class and level occur together, classes first
    shared[:n_classes, n_classes:] = counts
    association = cramers_v(counts)
    if association >= CONFOUNDED or connected_components(shared, directed=False)[0] > 1:
        raise UsageError(
            _ADJUST,
            f" {column}: it goes so closely with the class (Cramer's V {association:.2f}) that its effect cannot be "
            "separated from biology. Compare classes within one value of the column instead.",
        )


def cramers_v(table: Int64Array) -> float:
    """Cramer's V of a table of counts, corrected for bias (Bergsma 2013): 0 independent, 1 one gives the other."""
    from scipy.stats import chi2_contingency  # takes half a second to load, and few studies have such a column

    n, (r, c) = int(table.sum()), table.shape
    if min(r, c) < 2 or n < 2:
        return float("nan")
    squared = max(0.0, float(chi2_contingency(table, correction=False)[0]) / n - (r - 1) * (c - 1) / (n - 1))
    most = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(squared / most))) if most > 0 else float("nan")
