"""H5AD files as tables: only X or one layer, obs and the names of var are read, and nothing leads out of the file."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from tspg.data.matrix import X
from tspg.data.readers.binary import ArrayBlock
from tspg.data.readers.damage import refused_if_damaged
from tspg.data.readers.hdf5_safety import opened_hdf5, read_part
from tspg.data.readers.table import MOST_COLUMNS, Block, Table, check_filled
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import listed, shown

RAW = "raw"
_BLOCK_VALUES = 4 << 20


def open_h5ad(path: Path, stack: ExitStack, *, limit: float, layer: str | None = None) -> Table:
    """Open an H5AD file, of X, a layer or `raw`; `stack` closes it. What is column-compressed comes with genes in rows.

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
        table = _table(_matrix(source, path, layer), path, obs, var)
        others = _others(source) if layer is None else []
        table.blocks = _readable(table.blocks, path)
        if others:
            table.blocks = _watched(table.blocks, others, table)
        return table


def _others(source: h5py.File) -> list[str]:
    """What else than X holds expression values in a file: the names of its layers, and `raw`."""
    layers = list(source["layers"]) if isinstance(source.get("layers"), h5py.Group) else []
    return [*layers, *([RAW] if f"{RAW}/{X}" in source else [])]


def _watched(blocks: Iterator[Block], others: list[str], table: Table) -> Iterator[Block]:
    """The same blocks; the first negative value is a doubt where the file has other values that may be meant."""
    for block in blocks:
        if isinstance(block, ArrayBlock) and not table.doubts and (block.array < 0).any():
            table.doubts.append(
                f"{X} holds negative values, as scaled z-scores do. The file also has {listed(others)}, which may be "
                f"better: try --layer {others[0]}"
            )
        yield block


def _readable(blocks: Iterator[Block], path: Path) -> Iterator[Block]:
    """The same blocks; they are read one by one, so damage further on shows only now."""
    with refused_if_damaged(path, "H5AD"):
        yield from blocks


def _frame(source: h5py.File, name: str, path: Path) -> pd.DataFrame:
    """The table of samples or genes, every column as text and missing entries empty."""
    if not isinstance(source.get(name), h5py.Group):
        raise ExpressionError(f"{path}: there is no group {name!r}. Write the file again with a recent anndata.")
    frame = read_part(source[name])
    index = pd.Index([_word(row) for row in frame.index], dtype=object)
    columns = {str(column): _as_text(frame[column]) for column in frame.columns}
    return pd.DataFrame(columns, index=index, dtype=object)


def _as_text(column: pd.Series) -> list[str]:
    missing = column.isna().to_numpy()
    return ["" if gone else _word(value) for value, gone in zip(column, missing, strict=True)]


def _word(value: object) -> str:
    """A cell as text; h5py and R's writers store text of a fixed length as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _matrix(source: h5py.File, path: Path, layer: str | None) -> h5py.Group | h5py.Dataset:
    """X, or the named layer, or the X of `raw`."""
    others = _others(source)
    if layer in (None, X):
        if X not in source:
            advice = (
                f"It has {listed(others)}: use --layer {others[0]}" if others else "Put the expression values there"
            )
            raise ExpressionError(f"{path}: there is no X. {advice}.")
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
    if len(gene_ids) > MOST_COLUMNS:
        raise ExpressionError(f"{path}: more than {MOST_COLUMNS:,} genes. This is no expression matrix.")
    by_column = sparse and matrix.attrs.get("encoding-type") == "csc_matrix"
    row_ids, column_ids = (gene_ids, sample_ids) if by_column else (sample_ids, gene_ids)
    blocks = (
        _sparse_blocks(matrix, str(path), row_ids, column_ids)
        if sparse
        else _dense_blocks(matrix, str(path), row_ids, column_ids)
    )
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


def _steps(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK_VALUES // max(1, n_columns))
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _check_numeric(data: h5py.Dataset, file: str) -> None:
    if data.dtype.kind not in "fiub":
        raise ExpressionError(
            f"{file}: {data.name[1:]} holds {data.dtype}, not numbers. Put the expression values there."
        )


def _dense_blocks(matrix: h5py.Dataset, file: str, row_ids: list[str], column_ids: list[str]) -> Iterator[Block]:
    _check_numeric(matrix, file)
    for rows in _steps(*matrix.shape):
        yield ArrayBlock(matrix[rows], file, row_ids[rows], column_ids)


@dataclass(frozen=True)
class _Compressed:
    """The three arrays of a row-compressed matrix; `starts` is checked to be in order."""

    data: h5py.Dataset
    indices: h5py.Dataset
    starts: npt.NDArray[np.int64]


def _sparse_blocks(matrix: h5py.Group, file: str, row_ids: list[str], column_ids: list[str]) -> Iterator[Block]:
    parts = _Compressed(matrix["data"], matrix["indices"], matrix["indptr"][:].astype(np.int64))
    _check_numeric(parts.data, file)
    starts = parts.starts
    in_order = len(starts) == len(row_ids) + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
    if not in_order or not starts[-1] == len(parts.data) == len(parts.indices):
        raise ExpressionError(
            f"{file}: the parts of the sparse matrix do not fit together. Write the file again with anndata."
        )
    for rows in _steps(len(row_ids), len(column_ids)):
        yield ArrayBlock(_dense(parts, rows, len(column_ids), file), file, row_ids[rows], column_ids)


def _dense(parts: _Compressed, rows: slice, n_columns: int, file: str) -> npt.NDArray[Any]:
    starts = parts.starts[rows.start : rows.stop + 1]
    if starts[-1] - starts[0] > (rows.stop - rows.start) * n_columns:
        raise ExpressionError(f"{file}: the sparse matrix holds more values than cells. Write it again with anndata.")
    data, columns = parts.data[starts[0] : starts[-1]], parts.indices[starts[0] : starts[-1]]
    if len(columns) and not 0 <= columns.min() <= columns.max() < n_columns:
        raise ExpressionError(
            f"{file}: the sparse matrix points outside its {n_columns:,} columns. Write the file again with anndata."
        )
    dense = np.zeros((rows.stop - rows.start, n_columns), data.dtype)
    np.add.at(dense, (np.repeat(np.arange(len(dense)), np.diff(starts)), columns), data)
    return dense
