"""NPY, Parquet and Feather files as tables; nothing in them is ever unpickled."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from tspg.data.readers.arrow_safety import BEFORE_MESSAGES, declared_in_arrow
from tspg.data.readers.columns import numbers_about_samples
from tspg.data.readers.damage import refused_if_damaged
from tspg.data.readers.fields import is_number
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import (
    MISSING_ADVICE,
    MOST_COLUMNS,
    Block,
    Table,
    check_filled,
    check_finite,
    check_size,
    to_float32,
)
from tspg.data.readers.unpacking import RATIO_FREE, RATIO_LIMIT
from tspg.errors import ExpressionError
from tspg.utils.names import listed, shown
from tspg.utils.typing import Float32Array

_BLOCK_VALUES = 4 << 20
_NPY = b"\x93NUMPY"
ReadColumns = Callable[..., pa.Table]  # takes `columns`, a list of names
_EXTENSION = b"ARROW:extension:name"  # what a column of a type has that pyarrow does not know


def open_npy(path: Path) -> Table:
    """Open an NPY matrix with its names in `NAME.rownames.txt` and `NAME.colnames.txt`, one a line."""
    with refused_if_damaged(path, "NPY"):
        with path.open("rb") as stream:
            is_npy = stream.read(len(_NPY)) == _NPY
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
    rows, columns = names_beside(path)
    row_ids, column_ids = _names(rows, path, "rows", matrix.shape[0]), _names(columns, path, "columns", matrix.shape[1])
    step = max(1, _BLOCK_VALUES // max(1, len(column_ids)))
    blocks = (
        ArrayBlock(matrix[start : start + step], str(path), row_ids[start : start + step], column_ids)
        for start in range(0, len(row_ids), step)
    )
    return Table(path.name, column_ids, row_ids, blocks, lambda: row_ids)


def names_beside(path: Path) -> list[Path]:
    """The files with the names of an NPY matrix's rows and columns; none for other formats, which hold them."""
    return (
        [path.with_suffix(f".{side}names.txt") for side in ("row", "col")] if content_of(path).kind == Kind.NPY else []
    )


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


@dataclass(frozen=True)
class ArrayBlock:
    """Some rows of a matrix that is memory-mapped or already in memory."""

    array: npt.NDArray[Any]
    file: str
    row_ids: list[str]
    column_ids: list[str]

    def values(self) -> Float32Array:
        """The values as float32; every one of them is a finite number."""
        values = to_float32(self.array)
        check_finite(values, self.array, self.file, self.row_ids, self.column_ids)
        return values


def open_parquet(path: Path, stack: ExitStack, *, limit: float, label_column: str | None = None) -> Table:
    """Open a Parquet table: names of the rows in the pandas index or the first column, then numbers and texts."""
    with refused_if_damaged(path, "Parquet"):
        source = stack.enter_context(pq.ParquetFile(path))
        schema = source.schema_arrow
        columns = _columns(path, schema, source.metadata.num_rows, label_column)
        _check_declared(path, source.metadata, schema, limit)
        words = [name for name in (columns.ids, *columns.texts) if pa.types.is_string(schema.field(name).type)]
        if words:
            source = stack.enter_context(pq.ParquetFile(path, read_dictionary=words))
        rows = [source.metadata.row_group(at).num_rows for at in range(source.num_row_groups)]
        read = [partial(source.read_row_group, at) for at in range(source.num_row_groups)]
        return _table_of_groups(path, "Parquet", columns, list(zip(read, rows, strict=True)))


def open_feather(path: Path, stack: ExitStack, *, limit: float, label_column: str | None = None) -> Table:
    """Open a Feather (Arrow) table, whose columns are as in a Parquet table."""
    with refused_if_damaged(path, "Feather"):
        stream = stack.enter_context(pa.memory_map(str(path)))
        size, stored = sum(declared_in_arrow(stream)), path.stat().st_size
        check_size(str(path), 1, -(-size // 4), limit)
        if size > RATIO_FREE and size > RATIO_LIMIT * stored:
            raise _too_good_to_be_true(path, size, stored)
        stream.seek(0)
        n_batches = pa.ipc.open_file(stream).num_record_batches
        stream.seek(BEFORE_MESSAGES)  # in their order in the file, as measured: the table at its end may lead elsewhere
        source = pa.ipc.open_stream(stream)
        batches = list(source)
        if len(batches) != n_batches:
            raise ValueError(f"{len(batches):,} of {n_batches:,} batches are there")
        columns = _columns(path, source.schema, sum(batch.num_rows for batch in batches), label_column)
        groups = [(partial(_columns_of, batch), batch.num_rows) for batch in batches if batch.num_rows]
        return _table_of_groups(path, "Feather", columns, groups)


def _columns_of(batch: pa.RecordBatch, *, columns: list[str]) -> pa.Table:
    batch.validate(full=True)  # else a damaged one makes Arrow read what is not its own
    return pa.Table.from_batches([batch.select(columns)])


@dataclass(frozen=True)
class _Columns:
    """The names of the columns: that of the rows' names, those of values, and those that describe rows."""

    ids: str
    values: list[str]
    texts: list[str]


def _columns(path: Path, schema: pa.Schema, n_rows: int, label_column: str | None) -> _Columns:
    """What each column is; all must be of numbers or of words."""
    check_filled(str(path), n_rows, len(schema.names))
    if len(schema.names) > MOST_COLUMNS:
        raise ExpressionError(f"{path}: more than {MOST_COLUMNS:,} columns. This is no expression matrix.")
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise ExpressionError(f"{path}: column {shown(twice)} occurs more than once. Keep one column of each name.")
    id_column = _id_column(path, schema)
    column_ids = [name for name in schema.names if name != id_column]
    for name in column_ids:
        kind = schema.field(name).type
        if _EXTENSION in (schema.field(name).metadata or {}):
            raise ExpressionError(f"{path}: column {shown(name)} is of an extension type. Write it as plain numbers.")
        if not (_is_number(kind) or _is_words(kind)):
            raise ExpressionError(
                f"{path}: column {shown(name)} holds {kind}, not numbers. Keep only the row names, numbers and words."
            )
    numbers = [at for at, name in enumerate(column_ids) if _is_number(schema.field(name).type)]
    about_samples = numbers_about_samples(column_ids, numbers, label_column)
    values = [column_ids[at] for at in numbers if at not in about_samples]
    if column_ids and not values:
        raise ExpressionError(f"{path}: there is no column of values. Give a table with one number in each cell.")
    known = set(values)
    return _Columns(id_column, values, [name for name in column_ids if name not in known])


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_words(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind))


def _table_of_groups(path: Path, kind: str, columns: _Columns, groups: Sequence[tuple[ReadColumns, int]]) -> Table:
    parts = [RowGroup(read, n_rows, str(path), kind, columns.ids, columns.values) for read, n_rows in groups]
    table = Table(
        path.name, columns.values, parts[0].row_ids, iter(()), lambda: [row for one in parts for row in one.row_ids]
    )
    table.row_texts = {name: [] for name in columns.texts}
    if columns.texts:
        table.notes.append(f"{len(columns.texts):,} column(s) hold no values: {listed(columns.texts, 4)}")

    def blocks() -> Iterator[Block]:
        for one in parts:
            for name in columns.texts:
                table.row_texts[name] += one.texts(name)
            yield one

    table.blocks = blocks()
    return table


def _too_good_to_be_true(path: Path, size: int, stored: int) -> ExpressionError:
    return ExpressionError(
        f"{path}: declares {size:,} bytes of values in a file of {stored:,}, more than {RATIO_LIMIT} "
        "times as many, as harmful files do. If it is sound, write it without dictionary and compression."
    )


def _check_declared(path: Path, about: pq.FileMetaData, schema: pa.Schema, limit: float) -> None:
    """Refuse row groups that would not fit into memory, and a file that holds hardly anything of what it declares."""
    widths = [kind.bit_width // 8 for kind in schema.types if pa.types.is_integer(kind) or pa.types.is_floating(kind)]
    widest = max((about.row_group(at).num_rows for at in range(about.num_row_groups)), default=0)
    check_size(str(path), widest, max(1, sum(widths) // 4), limit)
    size, stored = about.num_rows * sum(widths), path.stat().st_size
    if widest == 0 or (size > RATIO_FREE and size > RATIO_LIMIT * stored):
        raise _too_good_to_be_true(path, size, stored)


def _id_column(path: Path, schema: pa.Schema) -> str:
    """The column that names the rows; it must be text (or whole numbers, whose digits are their names)."""
    try:
        stored = (schema.pandas_metadata or {}).get("index_columns", [])
        named = [name for name in stored if isinstance(name, str) and name in schema.names]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ExpressionError(f"{path}: what pandas wrote about its index is damaged. Write it again.") from error
    name = str(named[0] if named else schema.names[0])
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
    ):
        raise ExpressionError(
            f"{path}: column {shown(name)} holds {kind}, not names. "
            "The pandas index or the first column must name the samples."
        )
    return name


def _length_of_all(names: pa.Array) -> int:
    """How many bytes names take that a file holds once and points to often."""
    if not isinstance(names, pa.DictionaryArray) or not pa.types.is_string(names.type.value_type):
        return 0
    lengths = compute.binary_length(names.dictionary).fill_null(0)
    return int(compute.sum(lengths.take(names.indices)).as_py() or 0)


@dataclass(frozen=True)
class RowGroup:
    """Some rows of a Parquet or Feather file, whose columns are read one by one."""

    read: ReadColumns
    n_rows: int
    file: str
    kind: str
    id_column: str
    column_ids: list[str]

    @cached_property
    def row_ids(self) -> list[str]:
        """Names of the rows."""
        return self._words(self.id_column)

    def texts(self, name: str) -> list[str]:
        """What stands beside the values in a column of this name, which may be of words."""
        texts, kind = self._words(name), self.read(columns=[name]).schema.field(0).type
        if not _is_number(kind) and sum(map(is_number, texts)) > sum(map(bool, texts)) / 2:
            raise ExpressionError(
                f"{self.file}: column {shown(name)} holds numbers that are written as text ({kind}). Write them as "
                "numbers, or remove the column."
            )
        return texts

    def _words(self, name: str) -> list[str]:
        with refused_if_damaged(self.file, self.kind):
            column = self._read([name]).column(0)
            if sum(map(_length_of_all, column.chunks)) > max(RATIO_FREE, RATIO_LIMIT * Path(self.file).stat().st_size):
                raise ExpressionError(
                    f"{self.file}: the names in column {shown(name)} are longer than any names of samples "
                    "or genes. Check that this is an expression matrix."
                )
            return ["" if text is None else str(text) for text in column.to_pylist()]

    def values(self) -> Float32Array:
        """The values as float32; every one of them is a finite number."""
        with refused_if_damaged(self.file, self.kind):
            return self._values(self._read(self.column_ids))

    def _values(self, table: pa.Table) -> Float32Array:
        values = np.empty((table.num_rows, len(self.column_ids)), np.float32)
        for at, name in enumerate(self.column_ids):
            cells = table.column(name)
            if cells.null_count:
                row = int(np.flatnonzero(cells.is_null())[0])
                raise ExpressionError(
                    f"{self.file}: row {shown(self.row_ids[row])}, column {shown(name)}: "
                    f"the value is missing. {MISSING_ADVICE}"
                )
            column = cells.to_numpy()
            values[:, at] = to_float32(column)
            check_finite(values[:, at : at + 1], column[:, None], self.file, self.row_ids, [name])
        return values

    def _read(self, names: list[str]) -> pa.Table:
        table = self.read(columns=names)
        if table.num_rows != self.n_rows:
            raise ValueError(f"a group of {self.n_rows:,} rows has {table.num_rows:,}")
        return table
