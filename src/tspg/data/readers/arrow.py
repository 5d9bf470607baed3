"""Parquet and Feather files as tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from tspg.data.readers.arrow_safety import BEFORE_MESSAGES, declared_in_arrow
from tspg.data.readers.columns import numbers_about_samples
from tspg.data.readers.fields import is_number
from tspg.data.readers.table import (
    MISSING_ADVICE,
    ArrayBlock,
    Block,
    Table,
    check_filled,
    check_size,
    check_width,
    refused_if_damaged,
)
from tspg.data.readers.unpacking import RATIO_LIMIT, is_bomb
from tspg.errors import ExpressionError
from tspg.utils.names import listed, shown
from tspg.utils.typing import Float32Array

_ReadColumns = Callable[..., pa.Table]  # takes `columns`, a list of names
_EXTENSION = b"ARROW:extension:name"  # in the metadata of a column of a type that pyarrow does not know


def open_parquet(path: Path, stack: ExitStack, *, limit: float, label_column: str | None = None) -> Table:
    """Open a Parquet table: names of the rows in the pandas index or the first column, then numbers and texts."""
    with refused_if_damaged(path, "Parquet"):
        source = stack.enter_context(pq.ParquetFile(path))
        schema, about = source.schema_arrow, source.metadata
        columns = _columns(path, schema, about.num_rows, label_column)
        n_rows = [about.row_group(at).num_rows for at in range(about.num_row_groups)]
        widths = sum(kind.bit_width // 8 for kind in schema.types if _is_number(kind))
        check_size(str(path), max(n_rows, default=0), max(1, widths // 4), limit)
        _check_ratio(path, about.num_rows * widths, is_empty=not any(n_rows))
        words = [name for name in (columns.ids, *columns.texts) if pa.types.is_string(schema.field(name).type)]
        if words:
            source = stack.enter_context(pq.ParquetFile(path, read_dictionary=words))
        read = [partial(source.read_row_group, at) for at in range(source.num_row_groups)]
        return _table(path, "Parquet", columns, list(zip(read, n_rows, strict=True)))


def open_feather(path: Path, stack: ExitStack, *, limit: float, label_column: str | None = None) -> Table:
    """Open a Feather (Arrow) table, whose columns are as in a Parquet table."""
    with refused_if_damaged(path, "Feather"):
        stream = stack.enter_context(pa.memory_map(str(path)))
        size = sum(declared_in_arrow(stream))
        check_size(str(path), 1, -(-size // 4), limit)
        _check_ratio(path, size)
        stream.seek(0)
        n_batches = pa.ipc.open_file(stream).num_record_batches
        stream.seek(BEFORE_MESSAGES)  # in their order in the file, as measured: the table at its end may lead elsewhere
        source = pa.ipc.open_stream(stream)
        batches = list(source)
        if len(batches) != n_batches:
            raise ValueError(f"{len(batches):,} of {n_batches:,} batches are there")
        columns = _columns(path, source.schema, sum(batch.num_rows for batch in batches), label_column)
        groups = [(partial(_columns_of, batch), batch.num_rows) for batch in batches if batch.num_rows]
        return _table(path, "Feather", columns, groups)


def _columns_of(batch: pa.RecordBatch, *, columns: list[str]) -> pa.Table:
    batch.validate(full=True)  # else a damaged one makes Arrow read memory that is not its own
    return pa.Table.from_batches([batch.select(columns)])


def _check_ratio(path: Path, size: int, *, is_empty: bool = False) -> None:
    stored = path.stat().st_size
    if is_empty or is_bomb(size, stored):
        raise ExpressionError(
            f"{path}: declares {size:,} bytes of values in a file of {stored:,}, more than {RATIO_LIMIT} "
            "times as many, as harmful files do. If it is sound, write it without dictionary and compression."
        )


@dataclass(frozen=True)
class _Columns:
    """The names of the columns: that of the rows' names, those of values, and those that describe rows."""

    ids: str
    values: list[str]
    texts: list[str]


def _columns(path: Path, schema: pa.Schema, n_rows: int, label_column: str | None) -> _Columns:
    """What each column is; all must be of numbers or of words."""
    check_filled(str(path), n_rows, len(schema.names))
    check_width(str(path), len(schema.names))
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise ExpressionError(f"{path}: column {shown(twice)} occurs more than once. Keep one column of each name.")
    id_column = _id_column(path, schema)
    column_ids = [name for name in schema.names if name != id_column]
    for name in column_ids:
        kind = schema.field(name).type
        if _EXTENSION in (schema.field(name).metadata or {}):
            raise ExpressionError(f"{path}: column {shown(name)} is of an extension type. Write it as plain numbers.")
        if not (_is_number(kind) or _is_words(kind) or pa.types.is_boolean(_plain(kind))):
            raise ExpressionError(
                f"{path}: column {shown(name)} holds {kind}, not numbers. Keep only the row names, numbers and words."
            )
    numbers = [at for at, name in enumerate(column_ids) if _is_number(schema.field(name).type)]
    about_samples = {*numbers_about_samples(column_ids, numbers, label_column)}
    values = {column_ids[at]: None for at in numbers if at not in about_samples}
    if column_ids and not values:
        raise ExpressionError(f"{path}: there is no column of values. Give a table with one number in each cell.")
    return _Columns(id_column, list(values), [name for name in column_ids if name not in values])


def _id_column(path: Path, schema: pa.Schema) -> str:
    """The column that names the rows; it must be text (or whole numbers, whose digits are their names)."""
    try:
        stored = (schema.pandas_metadata or {}).get("index_columns", [])
        named = [name for name in stored if isinstance(name, str) and name in schema.names]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ExpressionError(f"{path}: what pandas wrote about its index is damaged. Write it again.") from error
    name = str(named[0] if named else schema.names[0])
    kind = _plain(schema.field(name).type)
    if not (_is_words(kind) or pa.types.is_string_view(kind) or pa.types.is_integer(kind)):
        raise ExpressionError(
            f"{path}: column {shown(name)} holds {kind}, not names. "
            "The pandas index or the first column must name the samples."
        )
    return name


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_words(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(_plain(kind)) or pa.types.is_large_string(_plain(kind)))


def _table(path: Path, kind: str, columns: _Columns, groups: Sequence[tuple[_ReadColumns, int]]) -> Table:
    parts = [_RowGroup(read, n_rows, path, kind, columns) for read, n_rows in groups]

    def blocks() -> Iterator[Block]:
        for one in parts:
            for name in columns.texts:
                table.row_texts[name] += one.texts(name)
            yield one

    def all_row_ids() -> list[str]:
        return [row for one in parts for row in one.row_ids]

    table = Table(path.name, columns.values, parts[0].row_ids, blocks(), all_row_ids)
    table.row_texts = {name: [] for name in columns.texts}
    if columns.texts:
        table.notes.append(f"{len(columns.texts):,} column(s) hold no values: {listed(columns.texts, 4)}")
    return table


@dataclass(frozen=True)
class _RowGroup:
    """Some rows of a Parquet or Feather file, whose columns are read one by one."""

    read: _ReadColumns
    n_rows: int
    path: Path
    kind: str
    columns: _Columns

    @cached_property
    def row_ids(self) -> list[str]:
        """Names of the rows."""
        return self._words(self.columns.ids)

    def texts(self, name: str) -> list[str]:
        """The entries of a column that is not one of values, as text."""
        texts, kind = self._words(name), self.read(columns=[name]).schema.field(0).type
        if not _is_number(kind) and sum(map(is_number, texts)) > sum(map(bool, texts)) / 2:
            raise ExpressionError(
                f"{self.path}: column {shown(name)} holds numbers that are written as text ({kind}). Write them as "
                "numbers, or remove the column."
            )
        return texts

    def values(self) -> Float32Array:
        """The values as float32; every one must be a finite number."""
        with refused_if_damaged(self.path, self.kind):
            table = self._read(self.columns.values)
            values = np.empty(table.shape, np.float32)
            for at, name in enumerate(self.columns.values):
                cells = table.column(name)
                if cells.null_count:
                    row = int(np.flatnonzero(cells.is_null())[0])
                    raise ExpressionError(
                        f"{self.path}: row {shown(self.row_ids[row])}, column {shown(name)}: "
                        f"the value is missing. {MISSING_ADVICE}"
                    )
                block = ArrayBlock(cells.to_numpy()[:, None], str(self.path), self.row_ids, [name])
                values[:, at] = block.values()[:, 0]
            return values

    def _words(self, name: str) -> list[str]:
        with refused_if_damaged(self.path, self.kind):
            column = self._read([name]).column(0)
            if is_bomb(sum(map(_length_of_all, column.chunks)), self.path.stat().st_size):
                raise ExpressionError(
                    f"{self.path}: the names in column {shown(name)} are longer than any names of samples "
                    "or genes. Check that this is an expression matrix."
                )
            return ["" if text is None else str(text) for text in column.to_pylist()]

    def _read(self, names: list[str]) -> pa.Table:
        table = self.read(columns=names)
        if table.num_rows != self.n_rows:
            raise ValueError(f"a group of {self.n_rows:,} rows has {table.num_rows:,}")
        return table


def _length_of_all(names: pa.Array) -> int:
    """How many bytes names take that a file holds once and points to often."""
    if not isinstance(names, pa.DictionaryArray) or not pa.types.is_string(names.type.value_type):
        return 0
    lengths = compute.binary_length(names.dictionary).fill_null(0)
    return int(compute.sum(lengths.take(names.indices)).as_py() or 0)
