"""What every expression file becomes when it is opened: a table whose values are read block by block."""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from tspg.errors import ExpressionError, ResourceError, TspgError, UsageError
from tspg.utils.names import shown
from tspg.utils.resources import usable_memory
from tspg.utils.typing import Float32Array

MOST_COLUMNS = 1_000_000
BLOCK_VALUES = 4 << 20  # values in a block of a binary matrix
TOO_LARGE = "is infinite or too large for a 32-bit number. Correct the value."
MISSING_ADVICE = "Missing values are not filled in: remove the gene or the sample, or correct the file."
_ADVICE_ON_DAMAGE = {
    "H5AD": "Write it again with anndata.",
    "NPY": "Write it again with numpy.save, numbers only.",
    "Parquet": "Write it again, or copy it once more.",
    "Feather": "Write it again, best as Parquet: in Python table.to_parquet, in R arrow::write_parquet.",
}


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

    `row_texts` are columns of text beside the names of rows, filled while the blocks are read; `column_texts` are texts
    beside the names of columns. `layout` and `units` are what the file was recognised as, such as `featureCounts
    output`, and the units that this fixes, one of the kinds of `tspg.data.scale`; empty if none.
    """

    file: str
    column_ids: list[str]
    first_row_ids: list[str]  # of the first block
    blocks: Iterator[Block]
    all_row_ids: Callable[[], list[str]]  # reads the file once more
    genes_in_rows: bool | None = None  # None: the format does not say
    annotations: pd.DataFrame | None = None  # of the samples, in the file's order, if known on opening
    gene_annotations: pd.DataFrame | None = None
    row_texts: dict[str, list[str]] = field(default_factory=dict)
    column_texts: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)  # columns that hold neither values nor texts
    columns_in_file: list[str] = field(default_factory=list)  # if `column_ids` were made from names of files
    sample_column: str = ""  # the column of a table of files that names the samples
    layout: str = ""
    units: str = ""
    notes: list[str] = field(default_factory=list)  # how it was read
    warnings: list[str] = field(default_factory=list)  # why it may not be what the user means

    def prefer_names(self, labelled: Collection[str]) -> None:
        """Use the columns' names in the file if more samples of that name have a label; else note that they changed."""
        if sum(map(labelled.__contains__, self.columns_in_file)) > sum(map(labelled.__contains__, self.column_ids)):
            self.column_ids, self.columns_in_file = self.columns_in_file, []
        elif self.columns_in_file:
            self.notes.append("sample names were taken from file names")


@dataclass(frozen=True)
class ArrayBlock:
    """Some rows of a matrix that is memory-mapped or already in memory."""

    array: npt.NDArray[Any]
    file: str
    row_ids: list[str]
    column_ids: list[str]

    def values(self) -> Float32Array:
        """The values as float32.

        Raises
        ------
        ExpressionError
            If one is missing, infinite or too large, naming the first such cell.
        """
        values = to_float32(self.array)
        finite = np.isfinite(values)
        if not finite.all():
            row, column = (int(at[0]) for at in np.nonzero(~finite))
            value = self.array[row, column]
            fault = f"the value is missing (nan). {MISSING_ADVICE}" if np.isnan(value) else f"{value} {TOO_LARGE}"
            raise ExpressionError(
                f"{self.file}: row {shown(self.row_ids[row])}, column {shown(self.column_ids[column])}: {fault}"
            )
        return values


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


def to_float32(values: npt.NDArray[Any]) -> Float32Array:
    """Numbers of any kind as float32; what is too large becomes infinite and is refused afterwards."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def row_slices(n_rows: int, n_columns: int) -> Iterator[slice]:
    """The rows of a binary matrix, cut into blocks."""
    step = max(1, BLOCK_VALUES // max(1, n_columns))
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def check_filled(file: str, n_rows: int, n_columns: int) -> None:
    """Refuse a matrix without rows or columns."""
    if not n_rows or not n_columns:
        raise ExpressionError(
            f"{file}: the matrix has {n_rows:,} rows and {n_columns:,} columns. It is empty; check that it is complete."
        )


def check_width(file: str, n: int, what: str = "columns") -> None:
    """Refuse a matrix with more columns than any expression matrix has."""
    if n > MOST_COLUMNS:
        raise ExpressionError(f"{file}: more than {MOST_COLUMNS:,} {what}. This is no expression matrix.")


def check_size(file: str, n_rows: int, n_columns: int, limit: float) -> None:
    """Refuse a matrix that does not fit into memory, before any of it is allocated."""
    size = n_rows * n_columns * 4
    if size > limit:
        raise ResourceError(
            f"{file}: {n_rows:,} x {n_columns:,} values need {size / 1e9:,.1f} GB, the limit is "
            f"{limit / 1e9:,.1f} GB. Choose fewer genes with --gene-sets, or raise --max-memory."
        )


def memory_limit(max_memory_gb: float | None) -> float:
    """The most bytes that a matrix may take: the user's limit, else the memory that this process can have."""
    if max_memory_gb is None:
        return usable_memory()
    if not max_memory_gb > 0:
        raise UsageError(f"--max-memory is {max_memory_gb:g} GB; a number above 0 is needed.")
    return max_memory_gb * 1e9


@contextmanager
def refused_if_damaged(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a format's own library raises on damaged bytes into an ExpressionError with its reason.

    These libraries do not document what they raise, so every exception counts.
    """
    try:
        yield
    except (TspgError, MemoryError):
        raise
    except Exception as error:
        reason = re.sub(r"Unable to synchronously \w+ \w+ ", "", str(error.args[0] if error.args else error))
        raise ExpressionError(
            f"{path}: cannot be read as {kind} ({shown(reason.strip('()'))}). {_ADVICE_ON_DAMAGE[kind]}"
        ) from error
