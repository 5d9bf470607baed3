"""What every expression file is once opened: a table whose values are read block by block."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from tspg.errors import ExpressionError, ResourceError, UsageError
from tspg.utils.names import shown
from tspg.utils.resources import usable_memory
from tspg.utils.typing import Float32Array

MOST_COLUMNS = 1_000_000
NAMES_FROM_FILES = "sample names were taken from file names"


class Block(Protocol):
    """Some consecutive rows of a table; nothing is parsed before `values` is called."""

    @property
    def row_ids(self) -> list[str]:
        """Names of the rows, in file order."""
        ...

    def values(self) -> Float32Array:
        """The finite float32 values, shape (rows, columns)."""
        ...


@dataclass
class Table:
    """An opened expression file.

    `genes_in_rows` is None where the format does not say. `annotations` is what the file says of its samples where
    that is known when it is opened, `gene_annotations` what it says of its genes, both in its order; `row_texts` are
    columns of text beside the names of the rows, filled while the blocks are read; `column_texts` are the same of the
    columns. `left_out` are columns that are neither. `layout` is the name of what the file was recognised as, such as
    `featureCounts output`, and `units` the units that this layout fixes, one of the kinds of `tspg.data.scale`; empty
    where it does not. `columns_in_file` are the names of the columns as they stand in the file, where `column_ids`
    were made from names of files. `sample_column` is the column of a table of files that names the samples.
    """

    file: str
    column_ids: list[str]
    first_row_ids: list[str]
    blocks: Iterator[Block]
    all_row_ids: Callable[[], list[str]]
    genes_in_rows: bool | None = None
    annotations: pd.DataFrame | None = None
    gene_annotations: pd.DataFrame | None = None
    row_texts: dict[str, list[str]] = field(default_factory=dict)
    column_texts: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    columns_in_file: list[str] = field(default_factory=list)
    sample_column: str = ""
    layout: str = ""
    units: str = ""
    notes: list[str] = field(default_factory=list)  # on how it was read
    doubts: list[str] = field(default_factory=list)  # whether it is what the user means it to be

    def prefer_names(self, labelled: Collection[str]) -> None:
        """Take the columns' names as they stand in the file if more samples of that name have a label."""
        if sum(map(labelled.__contains__, self.columns_in_file)) > sum(map(labelled.__contains__, self.column_ids)):
            self.column_ids, self.columns_in_file = self.columns_in_file, []
            self.notes.remove(NAMES_FROM_FILES)


class GrowingMatrix:
    """Rows of float32 appended without ever holding two copies of them."""

    def __init__(self, n_columns: int, *, file: str, limit: float) -> None:
        self.values: Float32Array = np.empty((0, n_columns), np.float32)
        self._file = file
        self._limit = limit

    def append(self, rows: Float32Array) -> None:
        """Put rows below those there are.

        Raises
        ------
        ResourceError
            If the matrix outgrows the memory limit.
        """
        n_before, n_columns = self.values.shape
        check_size(self._file, n_before + len(rows), n_columns, self._limit)
        # The array is never shared before it is complete, so growing it in place is safe.
        self.values.resize((n_before + len(rows), n_columns), refcheck=False)
        self.values[n_before:] = rows


def check_filled(file: str, n_rows: int, n_columns: int) -> None:
    """Refuse a matrix without rows or columns."""
    if not n_rows or not n_columns:
        raise ExpressionError(
            f"{file}: the matrix has {n_rows:,} rows and {n_columns:,} columns. It is empty; check that it is complete."
        )


def check_size(file: str, n_rows: int, n_columns: int, limit: float) -> None:
    """Refuse a matrix that would not fit into memory, before any of it is allocated."""
    size = n_rows * n_columns * 4
    if size > limit:
        raise ResourceError(
            f"{file}: {n_rows:,} x {n_columns:,} values need {size / 1e9:,.1f} GB, the limit is "
            f"{limit / 1e9:,.1f} GB. "
            "Choose fewer genes with --gene-sets, or raise --max-memory."
        )


def memory_limit(max_memory_gb: float | None) -> float:
    """The most bytes a matrix may take: what the user said, else the memory that this process can have."""
    if max_memory_gb is not None:
        if not max_memory_gb > 0:
            raise UsageError(f"--max-memory is {max_memory_gb:g} GB; a number above 0 is needed.")
        return max_memory_gb * 1e9
    return usable_memory()


def to_float32(values: npt.NDArray[Any]) -> Float32Array:
    """Numbers of any kind as float32; what is too large becomes infinite and is refused afterwards."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def check_finite(
    values: Float32Array, original: npt.NDArray[Any], file: str, row_ids: list[str], column_ids: list[str]
) -> None:
    """Refuse missing, infinite and too large values of a binary file, naming the first such cell."""
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(at[0]) for at in np.nonzero(~finite))
        value = original[row, column]
        fault = f"the value is missing (nan). {MISSING_ADVICE}" if np.isnan(value) else f"{value} {TOO_LARGE}"
        raise ExpressionError(f"{file}: row {shown(row_ids[row])}, column {shown(column_ids[column])}: {fault}")


TOO_LARGE = "is infinite or too large for a 32-bit number. Correct the value."
MISSING_ADVICE = "Missing values are not filled in: remove the gene or the sample, or correct the file."
