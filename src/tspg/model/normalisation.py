"""Profiles of another laboratory or pipeline given the distribution of values that a model was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData

from tspg.data.quantiles import Quantiles, at_ranks, quantile_functions, ranks_of
from tspg.errors import ExpressionError
from tspg.model.shift import Shift, covers
from tspg.utils.names import listed
from tspg.utils.typing import Float32Array

FEWEST_GENES = 100  # ranks among fewer are coarser than percentiles
_ROUNDING = 2e-3  # of values that were written and read again


@dataclass(frozen=True)
class Matrix:
    """Expression of all genes in `layer` of `adata`; `positions` and `values` are those of the model's genes."""

    adata: AnnData
    layer: str
    positions: Sequence[int]
    values: Float32Array

    def quantiles(self, genes: tuple[str, ...]) -> Quantiles | None:
        """The quantile function of each sample over those of the genes that are there."""
        return Quantiles.of(self.adata, self.layer, genes)


def require_panel(panel: Sequence[str], found: Quantiles | None) -> Quantiles:
    """The same quantiles, if they are over the genes of the panel: those that the distribution was learned over.

    Raises
    ------
    ExpressionError
        If too many genes are missing, or the panel has very few.
    """
    if found is None or not covers(panel, found):
        n_missing = len(panel) - (len(found.genes) if found else 0)
        raise ExpressionError(
            f"{n_missing:,} of the {len(panel):,} genes over which the values' distribution was learned are not "
            "in the matrix, or not as numbers, so ranks among the others mean something else. Give a matrix with all "
            "genes, or the training matrix as well (--reference FILE): what both have is then compared."
        )
    return _require_enough(found)


def _require_enough(found: Quantiles | None) -> Quantiles:
    n_genes = len(found.genes) if found else 0
    if found is None or n_genes < FEWEST_GENES:
        raise ExpressionError(
            f"Quantiles are normalised by ranks among {FEWEST_GENES} genes or more; there are {n_genes} here that the "
            "training matrix has, too. Give a matrix with all genes."
        )
    return found


def quantile_normalised(
    matrix: Matrix, shift: Shift, split: Mapping[str, str], reference: Matrix | None
) -> Float32Array:
    """The model's genes, each value replaced by the mean one of the same rank in training samples.

    Parameters
    ----------
    matrix
        New profiles; ranks are taken among all genes of the panel.
    shift
        The distribution of values in training samples.
    split
        The samples of the training matrix, each `train` or `test`.
    reference
        The training matrix, where genes of the panel are missing: ranks are then taken among the genes of both.

    Raises
    ------
    ExpressionError
        If genes are missing and there is no reference, if it is not the training matrix, or if few genes are left.
    """
    found = matrix.quantiles(shift.panel)
    if reference is None:
        among = require_panel(shift.panel, found)
        return at_ranks(ranks_of(matrix.values, among.values), shift.of_panel.known.reference)
    theirs = reference.quantiles(shift.panel)
    both = set(theirs.genes if theirs else ()) & set(found.genes if found else ())
    shared = tuple(gene for gene in shift.panel if gene in both)
    rows, theirs = _training_rows(reference, shift, split), reference.quantiles(shared)
    mean = shift.of_panel.known.reference if theirs is None else theirs.values[rows].mean(axis=0)
    return at_ranks(ranks_of(matrix.values, _require_enough(matrix.quantiles(shared)).values), mean)


def _training_rows(reference: Matrix, shift: Shift, split: Mapping[str, str]) -> list[int]:
    """The rows of the training samples, once it is sure that these are they."""
    row_of = {str(name): row for row, name in enumerate(reference.adata.obs_names)}
    names = [name for name, part in split.items() if part == "train"]
    if missing := [name for name in names if name not in row_of]:
        raise ExpressionError(
            f"The reference lacks {len(missing):,} of the {len(names):,} samples that the model was trained on: "
            f"{listed(missing)}. Give the matrix that it was trained on."
        )
    rows = [row_of[name] for name in names]
    mean = quantile_functions(reference.values[rows]).mean(axis=0)
    if not np.allclose(mean, shift.of_genes.known.reference, rtol=_ROUNDING, atol=_ROUNDING):
        raise ExpressionError(
            "The reference has the samples that the model was trained on, with other values. Give the matrix that it "
            "was trained on."
        )
    return rows
