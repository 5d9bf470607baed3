"""The values of an AnnData as one plain matrix, whether it holds them dense, sparse or in its file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from tspg.errors import ShapeError, UsageError
from tspg.utils.names import closest, listed, shown
from tspg.utils.typing import Float32Array

X = "X"  # the name of the matrix itself among the layers
_VALUES_AT_ONCE = 1 << 22


def require_anndata(adata: object) -> None:
    """Refuse anything but an AnnData, such as a table or the name of a file."""
    if not isinstance(adata, AnnData):
        raise UsageError(
            f"The expression is a {type(adata).__name__}; an AnnData is needed: tspg.read_expression(file), "
            "or anndata.AnnData(table) of a table with samples in rows and genes in columns."
        )


def file_of(adata: AnnData) -> str:
    """The name of the file that a matrix was read from; empty if it was made in Python."""
    return str(adata.uns.get("tspg_input", {}).get("file", ""))


def other_genes(adata: AnnData, chosen: AnnData) -> list[str]:
    """The genes of the matrix, and of the file that it was read from, that are not among the chosen ones."""
    of_file, inside = adata.uns.get("tspg_input", {}).get("matrix_genes", ()), set(map(str, chosen.var_names))
    return [name for name in dict.fromkeys(map(str, (*adata.var_names, *of_file))) if name not in inside]


def dense_adata(adata: AnnData, *, layer: str | None = None, genes: Sequence[int] | None = None) -> AnnData:
    """The same samples with the wanted genes only, their values a plain matrix in memory, with obs and var.

    Parameters as in `dense`. Values that are plain already and wanted whole are shared, not copied.
    """
    values = dense(adata, layer=layer, genes=genes)
    obs = adata.obs.set_axis(adata.obs_names.astype(str))
    var = adata.var if genes is None else adata.var.iloc[list(genes)]
    return AnnData(X=values, obs=obs, var=var.set_axis(var.index.astype(str)))


def dense(adata: AnnData, *, layer: str | None = None, genes: Sequence[int] | None = None) -> Float32Array:
    """The expression values as one plain float32 matrix of finite numbers, shape (samples, genes).

    `adata` may hold them in any form; a matrix in its file is read block by block. `layer` None, or `X`, is the matrix
    itself. `genes` are positions of the wanted genes, in the wanted order; None takes all, others are not checked.

    Raises UsageError if there is no such layer, ShapeError if there are no values or some are not finite.
    """
    matrix = gathered(adata, layer=layer, genes=genes)
    finite = np.isfinite(matrix)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        gene = adata.var_names[column if genes is None else genes[column]]
        raise ShapeError(
            f"{_name_of(layer)}: {int((~finite).sum())} values are missing or not finite, the first at sample "
            f"{str(adata.obs_names[row])!r}, gene {str(gene)!r}. Fill them in or leave them out."
        )
    return matrix


def gathered(adata: AnnData, *, layer: str | None = None, genes: Sequence[int] | None = None) -> Float32Array:
    """The same as `dense`, but values may not be finite."""
    values = _held(adata, layer)
    if values.dtype.kind not in "fiub":
        raise ShapeError(
            f"{_name_of(layer)} holds values of type {values.dtype}, not numbers. Put the expression values there."
        )
    columns = np.arange(adata.n_vars) if genes is None else np.asarray(genes, dtype=np.intp)
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray) and values.dtype == np.float32:
        matrix = np.ascontiguousarray(values if genes is None else values[:, columns])
    else:
        matrix = np.empty((adata.n_obs, len(columns)), dtype=np.float32)
        # Sparse columns: rows cannot be taken one by one.
        by_column = getattr(values, "format", "") == "csc"
        n, n_values = values.shape[::-1] if by_column else values.shape
        step = max(1, _VALUES_AT_ONCE // max(1, n_values))
        with np.errstate(over="ignore"):  # values too large for 32 bits become infinite
            for block in (slice(start, min(start + step, n)) for start in range(0, n, step)):
                if not by_column:
                    matrix[block] = _plain(values[block])[:, columns]
                elif len(here := np.flatnonzero((columns >= block.start) & (columns < block.stop))):
                    matrix[:, here] = _plain(values[:, block])[:, columns[here] - block.start]
    return matrix


def _name_of(layer: str | None) -> str:
    return X if layer in (None, X) else f"Layer {shown(str(layer))}"


def _held(adata: AnnData, layer: str | None) -> Any:
    if layer in (None, X):
        if adata.X is None:
            raise ShapeError("The AnnData has no X: put the expression values there, or name a layer that has them.")
        return adata.X
    layers = {str(name): name for name in adata.layers}
    if str(layer) not in layers:
        near = listed(closest(str(layer), layers, len(layers))) if layers else ""
        have = f"There are: {near}" if layers else "The AnnData has none"
        raise UsageError(f"There is no layer {shown(str(layer))}. {have}; {X!r} is the matrix itself.")
    return adata.layers[layers[str(layer)]]


def _plain(part: Any) -> NDArray[Any]:
    """A part as a dense matrix; masked values become NaN."""
    if isinstance(part, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(part), np.float32(np.nan), part.data)
    return np.asarray(part.toarray() if hasattr(part, "toarray") else part)
