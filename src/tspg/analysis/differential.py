"""Differential expression between two classes: limma's moderated t (Smyth 2004), with donors and batches."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import orth
from scipy.sparse import csr_array
from scipy.stats import t as student

from tspg.analysis.donors import Codes, Numbers
from tspg.model.variances import moderate_variances

_GENES_AT_ONCE = 1024  # temporaries stay small whatever the matrix
_CONFOUNDED = 1e-8  # share of the class contrast that donors and levels leave; below it there is only rounding


class ModeratedT(NamedTuple):
    """Per gene the estimated difference, target less source, its standard error, t and two-sided p.

    `df` are the degrees of freedom of t, `paired` says whether samples were compared within donors.
    """

    estimate: Numbers
    standard_error: Numbers
    t: Numbers
    p_value: Numbers
    df: float
    paired: bool


def moderated_t(
    values: ArrayLike, is_target: NDArray[np.bool_], *, donors: Codes | None = None, levels: Codes | None = None
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
    nuisance = np.zeros((len(matrix), 0)) if levels is None else np.eye(int(levels.max()) + 1)[levels]
    block = np.zeros(len(matrix), dtype=np.int64)
    averaged: Any = None
    paired = False
    if donors is not None:
        codes = np.unique(donors, return_inverse=True)[1]
        cells, first, cell = np.unique(2 * codes + is_target, return_index=True, return_inverse=True)
        share = 1 / np.bincount(cell)[cell]
        averaged = csr_array((share, (cell, np.arange(len(cell)))), shape=(len(cells), len(cell)))
        nuisance, is_target = averaged @ nuisance, is_target[first]
        in_both = len(cells) - len(np.unique(cells // 2))
        paired = in_both > len(np.unique(cells // 2)) / 2
        block = cells // 2 if paired else np.zeros(len(cells), dtype=np.int64)
    block = np.unique(block, return_inverse=True)[1]
    basis = orth(_centred(nuisance, block)) if nuisance.shape[1] else nuisance[:, :0]
    contrast = _centred(is_target.astype(np.float64)[:, None], block)[:, 0]
    size = contrast @ contrast
    contrast -= basis @ (basis.T @ contrast)
    left = float(contrast @ contrast)
    df = len(is_target) - (int(block.max()) + 1) - basis.shape[1] - 1
    if df < 1 or left <= _CONFOUNDED * size or size == 0:
        nothing = np.full(matrix.shape[1], np.nan)
        return ModeratedT(nothing, nothing, nothing, nothing, np.nan, paired)
    estimate, variance = np.empty(matrix.shape[1]), np.empty(matrix.shape[1])
    for start in range(0, matrix.shape[1], _GENES_AT_ONCE):
        genes = slice(start, start + _GENES_AT_ONCE)
        part = matrix[:, genes].astype(np.float64)
        part = _centred(part if averaged is None else averaged @ part, block)
        part -= basis @ (basis.T @ part)
        estimate[genes] = contrast @ part / left
        part -= np.outer(contrast, estimate[genes])
        variance[genes] = np.einsum("ij,ij->j", part, part) / df
    moderated = moderate_variances(variance, df)
    error = np.sqrt(moderated.variance / left)
    with np.errstate(divide="ignore", invalid="ignore"):  # a study in which nothing varies has no t
        t = estimate / error
    total_df = float(min(df + moderated.prior_df, df * matrix.shape[1]))
    return ModeratedT(estimate, error, t, 2 * student.sf(np.abs(t), total_df), total_df, paired)


def _centred(values: Numbers, block: Codes) -> Numbers:
    """Values less the mean of their block, column by column."""
    rows = np.arange(len(block))
    sums: Any = csr_array((np.ones(len(block)), (block, rows)), shape=(int(block.max()) + 1, len(block)))
    means = (sums @ values) / np.bincount(block)[:, None]
    centred: Numbers = values - means[block]
    return centred
