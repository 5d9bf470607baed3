"""Differential expression between two classes: limma's moderated t (Smyth 2004), with donors and batches."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import orth
from scipy.sparse import csr_array
from scipy.stats import t as student

from tspg.model.gene_statistics import moderate_variances
from tspg.utils.typing import Float64Array, Int64Array

GENES_AT_ONCE = 1024  # temporaries stay small whatever the matrix
_ROUNDING = 1e-12  # of a value: a standard deviation below it is none
_CONFOUNDED = 1e-8  # share of the class contrast that donors and levels leave; below it there is only rounding


class ModeratedT(NamedTuple):
    """Per gene the estimated difference, target less source, its standard error, t and two-sided p.

    `df` are the degrees of freedom of t, `paired` says whether samples were compared within donors.
    """

    estimate: Float64Array
    standard_error: Float64Array
    t: Float64Array
    p_value: Float64Array
    df: float
    paired: bool

    def interval(self) -> tuple[Float64Array, Float64Array]:
        """The ends of the 95% interval of the difference; not a number where there is no t."""
        reach = np.where(np.isnan(self.t), np.nan, student.ppf(0.975, self.df) * self.standard_error)
        return self.estimate - reach, self.estimate + reach


def moderated_t(
    values: ArrayLike,
    is_target: NDArray[np.bool_],
    *,
    donors: Int64Array | None = None,
    levels: Int64Array | None = None,
) -> ModeratedT:
    """Which genes differ between two classes, and how surely (limma's moderated t).

    Samples of one donor and class are averaged first, so that repeated samples do not count as people.
    Where more than half of the donors have samples of both classes, they are compared within donors.

    Parameters
    ----------
    values
        Expression of the samples of two classes, shape (samples, genes), in the user's units.
    is_target
        True for samples of the target class, shape (samples,).
    donors
        A number for the donor of each sample; None: every sample has its own.
    levels
        A number for the batch or platform of each sample, taken into account as a block.

    Returns
    -------
    Numbers per gene; not a number where too few samples or a confounded batch leave nothing to test.
    """
    matrix = np.asarray(values)
    design = _Design.of(is_target, donors, levels)
    estimate, variance = np.full((2, matrix.shape[1]), np.nan)
    size = float(design.contrast @ design.contrast)
    if design.df < 1 or size <= _CONFOUNDED * design.whole:
        return ModeratedT(estimate, estimate, estimate, estimate, np.nan, design.paired)
    for start in range(0, matrix.shape[1], GENES_AT_ONCE):
        genes = slice(start, start + GENES_AT_ONCE)
        estimate[genes], variance[genes] = design.fit(matrix[:, genes].astype(np.float64), size)
    moderated = moderate_variances(variance, design.df)
    error = np.sqrt(moderated.variance / size)
    t = estimate / np.where(error > 0, error, np.nan)  # where nothing varies within classes there is no t
    df = float(min(design.df + moderated.prior_df, design.df * matrix.shape[1]))
    return ModeratedT(estimate, error, t, 2 * student.sf(np.abs(t), df), df, design.paired)


@dataclass(frozen=True)
class _Design:
    """The linear model: value = donor or mean + batch + class, with `df` residual degrees of freedom.

    `cell` says which samples are averaged, `block` which of these averages share a donor. `contrast` is the class
    and `basis` the batch, both less what blocks, and for the contrast the batch, explain. `whole` is the squared
    length that the contrast had before the batch.
    """

    cell: Int64Array
    block: Int64Array
    basis: Float64Array
    contrast: Float64Array
    whole: float
    paired: bool
    df: int

    @classmethod
    def of(cls, is_target: NDArray[np.bool_], donors: Int64Array | None, levels: Int64Array | None) -> "_Design":
        """Average the samples of each donor and class, and compare within donors where most have both classes."""
        own = np.arange(len(is_target)) if donors is None else np.unique(donors, return_inverse=True)[1]
        cells, first, cell = np.unique(2 * own + is_target, return_index=True, return_inverse=True)
        n_donors = len(np.unique(own))
        paired = len(cells) - n_donors > n_donors / 2
        block = np.unique(cells // 2 if paired else np.zeros_like(cells), return_inverse=True)[1]
        batch = np.zeros((len(is_target), 0)) if levels is None else np.eye(int(levels.max()) + 1)[levels]
        centred = _less_means(_means(batch, cell), block)
        basis: Float64Array = orth(centred) if centred.shape[1] else centred
        contrast = _less_means(is_target[first].astype(np.float64)[:, None], block)[:, 0]
        whole, df = float(contrast @ contrast), int(len(block) - len(np.unique(block)) - basis.shape[1] - 1)
        return cls(cell, block, basis, contrast - basis @ (basis.T @ contrast), whole, paired, df)

    def fit(self, values: Float64Array, size: float) -> tuple[Float64Array, Float64Array]:
        """Difference and residual variance per gene; `size` is the squared length of the contrast."""
        left = _less_means(_means(values, self.cell), self.block)
        left -= self.basis @ (self.basis.T @ left)
        estimate: Float64Array = self.contrast @ left / size
        left -= np.outer(self.contrast, estimate)
        variance: Float64Array = np.einsum("ij,ij->j", left, left) / self.df
        rounding = (_ROUNDING * np.abs(values).max(axis=0)) ** 2
        return estimate, np.where(variance > rounding, variance, 0.0)


def _means(values: Float64Array, groups: Int64Array) -> Float64Array:
    """The mean row of each group, in the order of their numbers."""
    n_groups = int(groups.max()) + 1
    if n_groups == len(groups):
        return values[np.argsort(groups)]
    members: Any = csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))), shape=(n_groups, len(groups)))
    means: Float64Array = (members @ values) / np.bincount(groups)[:, None]
    return means


def _less_means(values: Float64Array, groups: Int64Array) -> Float64Array:
    """Rows less the mean of their group."""
    left: Float64Array = values - _means(values, groups)[groups]
    return left
