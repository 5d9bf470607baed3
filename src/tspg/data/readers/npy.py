"""NPY matrices with their names in text files beside them; nothing is ever unpickled."""

from pathlib import Path
from typing import Any

import numpy as np

from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import ArrayBlock, Table, check_filled, refused_if_damaged, row_slices
from tspg.errors import ExpressionError

_MAGIC = b"\x93NUMPY"


def open_npy(path: Path) -> Table:
    """Open an NPY matrix with its names in `NAME.rownames.txt` and `NAME.colnames.txt`, one per line."""
    with refused_if_damaged(path, "NPY"):
        with path.open("rb") as stream:
            is_npy = stream.read(len(_MAGIC)) == _MAGIC
        if not is_npy:  # NumPy would take it for a pickle, and advise to trust it
            raise ValueError("it does not begin as such a file does")
        with np.errstate(over="raise"):  # a shape beyond all bounds
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(matrix, np.memmap) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise ExpressionError(
            f"{path}: expected one matrix of numbers, found {_described(matrix)}. "
            "Write a two-dimensional array of numbers."
        )
    if matrix.offset + matrix.nbytes != path.stat().st_size:
        raise ExpressionError(f"{path}: the file is longer than its {_described(matrix)}. Write it again.")
    check_filled(str(path), *matrix.shape)
    row_ids, column_ids = (
        _names(names, path, what, n)
        for names, what, n in zip(names_beside(path), ("rows", "columns"), matrix.shape, strict=True)
    )
    blocks = (
        ArrayBlock(matrix[rows], str(path), row_ids[rows], column_ids)
        for rows in row_slices(len(row_ids), len(column_ids))
    )
    return Table(path.name, column_ids, row_ids, blocks, lambda: row_ids)


def names_beside(path: Path) -> list[Path]:
    """The files with the names of an NPY matrix's rows and columns; none for other formats, which hold them."""
    is_npy = content_of(path).kind == Kind.NPY
    return [path.with_suffix(f".{side}names.txt") for side in ("row", "col")] if is_npy else []


def _described(array: Any) -> str:
    return f"array of shape {getattr(array, 'shape', '?')} and type {getattr(array, 'dtype', '?')}"


def _names(path: Path, matrix_path: Path, what: str, n_expected: int) -> list[str]:
    if not path.is_file():
        raise ExpressionError(
            f"{path}: there is no such file. It must hold the names of the {what} of {matrix_path.name}, one per line."
        )
    with TextLines(path, ExpressionError) as lines:
        names = [line for _, line in lines.numbered_lines()]
    if len(names) != n_expected:
        raise ExpressionError(
            f"{path}: {len(names):,} names for the {n_expected:,} {what} of {matrix_path.name}. Give one name per line."
        )
    return names
