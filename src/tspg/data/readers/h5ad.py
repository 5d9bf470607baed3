"""H5AD files as tables: only X or one layer, obs and the names of var are read, and nothing leads out of the file."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from tspg.data.matrix import X
from tspg.data.readers.hdf5_safety import opened_hdf5, read_part
from tspg.data.readers.table import ArrayBlock, Block, Table, check_filled, check_width, refused_if_damaged, row_slices
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import listed, shown

RAW = "raw"


def open_h5ad(path: Path, stack: ExitStack, *, limit: float, layer: str | None = None) -> Table:
    """Open an H5AD file, of X, a layer or `raw`; `stack` closes it. Column-compressed matrices have genes in rows.

    Raises
    ------
    UsageError
        If there is no such layer.
    ExpressionError
        If the file is damaged, unsafe, or no AnnData file with a numeric matrix.
    """
    values = {None: f"/{X}", X: f"/{X}", RAW: f"/{RAW}/{X}"}.get(layer, f"/layers/{layer}")
    genes = f"{RAW}/var" if layer == RAW else "var"
    whole = ("/obs/", f"/{genes}/", f"{values}/indptr")  # the rest is read in blocks, or not at all
    with refused_if_damaged(path, "H5AD"):
        source = stack.enter_context(opened_hdf5(path, limit=limit, whole=whole, values=values))
        obs, var = _frame(source, "obs", path), _frame(source, genes, path)
        layers = list(source["layers"]) if isinstance(source.get("layers"), h5py.Group) else []
        others = [*layers, *([RAW] if f"{RAW}/{X}" in source else [])]
        table = _table(_matrix(source, path, layer, others), path, obs, var)
        table.blocks = _checked(table.blocks, path, others if layer is None else [], table)
        return table


def _checked(blocks: Iterator[Block], path: Path, others: list[str], table: Table) -> Iterator[Block]:
    """The same blocks: damage shows only when they are read, and the first negative value is a warning if `others`."""
    with refused_if_damaged(path, "H5AD"):
        for block in blocks:
            if others and not table.warnings and isinstance(block, ArrayBlock) and (block.array < 0).any():
                table.warnings.append(
                    f"{X} holds negative values, as scaled z-scores do. The file also has {listed(others)}, which may "
                    f"be better: try --layer {others[0]}"
                )
            yield block


def _frame(source: h5py.File, name: str, path: Path) -> pd.DataFrame:
    """The table of samples or genes, every column as text and missing entries empty."""
    if not isinstance(source.get(name), h5py.Group):
        raise ExpressionError(f"{path}: there is no group {name!r}. Write the file again with a recent anndata.")
    frame = read_part(source[name])
    columns = {
        str(column): [
            "" if missing else _text(value) for value, missing in zip(frame[column], frame[column].isna(), strict=True)
        ]
        for column in frame.columns
    }
    return pd.DataFrame(columns, index=pd.Index(list(map(_text, frame.index)), dtype=object), dtype=object)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)  # h5py has text of a fixed length as bytes


def _matrix(source: h5py.File, path: Path, layer: str | None, others: list[str]) -> h5py.Group | h5py.Dataset:
    """X, or the named layer, or the X of `raw`."""
    if layer in (None, X):
        if X not in source:
            use = f"It has {listed(others)}: use --layer {others[0]}" if others else "Put the expression values there"
            raise ExpressionError(f"{path}: there is no X. {use}.")
        return source[X]
    if layer not in others:
        have = f"There are: {listed(others)}" if others else "The file has none"
        raise UsageError(f"{path}: there is no layer {shown(str(layer))}. {have}; {X!r} is the matrix itself.")
    return source[RAW][X] if layer == RAW else source["layers"][layer]


def _table(matrix: h5py.Group | h5py.Dataset, path: Path, obs: pd.DataFrame, var: pd.DataFrame) -> Table:
    """The table of a matrix in whichever of three forms it is stored."""
    name = matrix.name.lstrip("/")
    sparse = isinstance(matrix, h5py.Group)
    shape = tuple(int(n) for n in (matrix.attrs.get("shape", ()) if sparse else matrix.shape))
    sample_ids, gene_ids = list(obs.index), list(var.index)
    if shape != (len(sample_ids), len(gene_ids)):
        raise ExpressionError(
            f"{path}: {name} has shape {shape}, but there are {len(sample_ids):,} samples and {len(gene_ids):,} genes. "
            "Write the file again with anndata."
        )
    check_filled(str(path), *shape)
    check_width(str(path), len(gene_ids), "genes")
    by_column = sparse and matrix.attrs.get("encoding-type") == "csc_matrix"
    row_ids, column_ids = (gene_ids, sample_ids) if by_column else (sample_ids, gene_ids)
    data = matrix["data"] if sparse else matrix
    if data.dtype.kind not in "fiub":
        raise ExpressionError(
            f"{path}: {data.name[1:]} holds {data.dtype}, not numbers. Put the expression values there."
        )
    blocks: Iterator[Block] = (
        ArrayBlock(matrix[rows], str(path), row_ids[rows], column_ids)
        for rows in row_slices(len(row_ids), len(column_ids))
    )
    if sparse:
        blocks = _sparse_blocks(matrix, str(path), row_ids, column_ids)
    return Table(
        path.name,
        column_ids,
        row_ids,
        blocks,
        lambda: row_ids,
        genes_in_rows=by_column,
        annotations=obs,
        gene_annotations=var,
    )


def _sparse_blocks(matrix: h5py.Group, file: str, row_ids: list[str], column_ids: list[str]) -> Iterator[Block]:
    """A row-compressed matrix, some rows at a time made dense."""
    data, indices, starts = matrix["data"], matrix["indices"], matrix["indptr"][:].astype(np.int64)
    in_order = len(starts) == len(row_ids) + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
    if not in_order or not starts[-1] == len(data) == len(indices):
        raise ExpressionError(
            f"{file}: the parts of the sparse matrix do not fit together. Write the file again with anndata."
        )
    for rows in row_slices(len(row_ids), len(column_ids)):
        shape, n_in_row = (rows.stop - rows.start, len(column_ids)), np.diff(starts[rows.start : rows.stop + 1])
        here = slice(starts[rows.start], starts[rows.stop])
        if n_in_row.sum() > np.prod(shape):
            raise ExpressionError(
                f"{file}: the sparse matrix holds more values than cells. Write it again with anndata."
            )
        columns: npt.NDArray[np.integer] = indices[here]
        if len(columns) and not 0 <= columns.min() <= columns.max() < len(column_ids):
            raise ExpressionError(
                f"{file}: the sparse matrix points outside its {len(column_ids):,} columns. "
                "Write the file again with anndata."
            )
        dense = np.zeros(shape, data.dtype)
        np.add.at(dense, (np.repeat(np.arange(shape[0]), n_in_row), columns), data[here])
        yield ArrayBlock(dense, file, row_ids[rows], column_ids)
