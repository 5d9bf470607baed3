"""The rows of text tables as blocks of whole lines, checked field by field."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from re import Pattern

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tspg.data.readers.fields import cell_fault, split_line
from tspg.data.readers.streams import NO_LINE_END, TextLines
from tspg.data.readers.table import MOST_COLUMNS, Block, Table
from tspg.errors import ExpressionError
from tspg.utils.names import shown
from tspg.utils.typing import Float32Array, IndexArray

_ADVICE_ON_FIELDS = "Every line needs as many as the header says; check that the file is complete."
SECOND_NAME = "second_name"  # the column with what stood beside a gene's name, such as its Entrez id
_UNIT_SEPARATOR = "\x1f"  # stands between fields once quotes are removed; names may not hold it


@dataclass(frozen=True)
class Fields:
    """Where the fields of each line are: the row's name, values, texts beside the name, and empty fields at the end.

    Rows are read whose field at `only_rows[0]` is one of `only_rows[1]`, letters' case aside, and, with
    `nameless_left_out`, that have a name. `split_names` cuts a row's name in two, and the first is taken.
    """

    file: str
    delimiter: str
    quoted: bool
    n_fields: int
    values_at: IndexArray
    column_ids: list[str]
    names_at: int = 0
    texts_at: tuple[tuple[str, int], ...] = ()
    n_empty: int = 0
    only_rows: tuple[int, frozenset[str]] | None = None
    nameless_left_out: bool = False
    split_names: Pattern[str] | None = None

    @cached_property
    def side_by_side(self) -> bool:
        """Whether the values stand in one piece, behind something else."""
        first, last = int(self.values_at[0]), int(self.values_at[-1])
        return first > 0 and last - first + 1 == len(self.values_at)


def make_table(
    fields: Fields,
    lines: TextLines,
    rows: Iterator[tuple[int, bytes]],
    reopen: Callable[[ExitStack], Table],
) -> Table:
    """The table whose header has been read; `reopen` opens the same file once more from its start."""
    if len(fields.column_ids) > MOST_COLUMNS:
        raise ExpressionError(
            f"{fields.file}: more than {MOST_COLUMNS:,} columns. This is no table of expression values."
        )
    first = next(rows, None)
    if first is None:
        raise ExpressionError(
            f"{fields.file}: there is a header line but no row of values below it. Check that the file is complete."
        )
    first_block = TextBlock(*first, fields)
    table = Table(
        Path(fields.file).name, fields.column_ids, first_block.row_ids, iter(()), lambda: _all_row_ids(reopen)
    )
    table.row_texts = {name: [] for name, _ in fields.texts_at}
    if fields.split_names is not None:
        table.row_texts[SECOND_NAME] = []

    def blocks() -> Iterator[Block]:
        n_left_out = 0
        for block in _first_and_rest(first_block, rows, fields):
            for name, at in fields.texts_at:
                table.row_texts[name] += block.texts(at)
            if fields.split_names is not None:
                table.row_texts[SECOND_NAME] += block.second_names()
            n_left_out += block.n_left_out
            yield block
        if n_left_out:
            table.notes.append(f"{n_left_out:,} row(s) were left out: {_why_left_out(fields)}")
        if lines.ends_without_newline:
            table.doubts.append(f"{table.file}: {NO_LINE_END}")

    table.blocks = blocks()
    return table


def _first_and_rest(first: "TextBlock", rows: Iterator[tuple[int, bytes]], fields: Fields) -> Iterator["TextBlock"]:
    yield first
    for number, data in rows:
        yield TextBlock(number, data, fields)


def _all_row_ids(reopen: Callable[[ExitStack], Table]) -> list[str]:
    with ExitStack() as again:
        return [row for block in reopen(again).blocks for row in block.row_ids]


def _why_left_out(fields: Fields) -> str:
    return "they have no name" if fields.nameless_left_out else "they are not the main profile of their model"


class TextBlock:
    """Some whole lines; field ends are found and counted at once, values are parsed on demand."""

    def __init__(self, first_line: int, data: bytes, fields: Fields) -> None:
        self._first_line = first_line
        self._fields = fields
        delimiter = fields.delimiter
        if fields.quoted and b'"' in data:
            data, delimiter = self._without_quotes(data), _UNIT_SEPARATOR
        self._data = data
        self._delimiter = delimiter
        self._bytes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero((self._bytes == ord(delimiter)) | (self._bytes == ord("\n")))
        n_rows = data.count(b"\n")
        last = ends[fields.n_fields - 1 :: fields.n_fields]
        if len(ends) != n_rows * fields.n_fields or not (self._bytes[last] == ord("\n")).all():
            raise self._ragged()
        self._ends = ends.reshape(n_rows, fields.n_fields)
        self._check_empty_end()
        self._rows = self._rows_read()
        self.n_left_out = 0 if self._rows is None else n_rows - len(self._rows)

    @cached_property
    def row_ids(self) -> list[str]:
        """Names of the rows."""
        names = self.texts(self._fields.names_at)
        split = self._fields.split_names
        if split is None:
            return names
        return [pair[1] if (pair := split.match(name)) else name for name in names]

    def second_names(self) -> list[str]:
        """What stands beside the names of the rows where these are cut in two."""
        split = self._fields.split_names
        pairs = [split.match(name) if split else None for name in self.texts(self._fields.names_at)]
        return [pair[2] or "" if pair else "" for pair in pairs]

    def texts(self, at: int) -> list[str]:
        """What stands in one field of every row, as text."""
        texts = self._texts(at)
        return texts if self._rows is None else [texts[row] for row in self._rows]

    def values(self) -> Float32Array:
        """The values as float32; every one of them is a finite number, also in rows that are left out."""
        values = self._all_values()
        return values if self._rows is None else values[self._rows]

    def _rows_read(self) -> IndexArray | None:
        """The rows that are not left out; None if that is all of them."""
        if self._fields.nameless_left_out:
            read = [bool(name.strip()) for name in self._texts(self._fields.names_at)]
        elif self._fields.only_rows is not None:
            at, wanted = self._fields.only_rows
            read = [text.strip().casefold() in wanted for text in self._texts(at)]
        else:
            return None
        return None if all(read) else np.flatnonzero(read)

    def _texts(self, at: int) -> list[str]:
        starts = (self._ends[:, at - 1] + 1).tolist() if at else [0, *(self._ends[:-1, -1] + 1).tolist()]
        return [self._data[start:end].decode() for start, end in zip(starts, self._ends[:, at].tolist(), strict=True)]

    def _all_values(self) -> Float32Array:
        characters, offsets = self._whole_rows() if self._fields.side_by_side else self._gathered()
        cells = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(characters))
        try:
            values: Float32Array = cells.cast(pa.float32()).to_numpy()
        except pa.ArrowInvalid:
            bad = first_bad(cells)
            raise self._bad_cell(cell_fault(cells[bad].as_py()), bad) from None
        if not np.isfinite(values).all():
            bad = int(np.flatnonzero(~np.isfinite(values))[0])
            raise self._bad_cell(cell_fault(cells[bad].as_py(), is_number=True), bad)
        return values.reshape(len(self._ends), len(self._fields.column_ids))

    def _whole_rows(self) -> tuple[bytes | npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """The characters of all values, nothing between them, and where each value starts and ends."""
        ends, first, last = self._ends, int(self._fields.values_at[0]), int(self._fields.values_at[-1])
        pieces = [self._data[start + 1 : end] for start, end in ends[:, [first - 1, last]].tolist()]
        characters = b"".join(pieces).translate(None, self._delimiter.encode())
        lengths = ends[:, last] - ends[:, first - 1] - (last - first + 1)
        before = np.cumsum(lengths) - lengths - ends[:, first - 1] - 1
        offsets = np.zeros(lengths.size * (last - first + 1) + 1, np.int32)
        shift = before[:, None] - np.arange(last - first + 1)
        np.add(ends[:, first : last + 1], shift, out=offsets[1:].reshape(shift.shape), casting="same_kind")
        return characters, offsets

    def _gathered(self) -> tuple[bytes | npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """The same where other fields stand between the values."""
        fields = np.arange(len(self._ends))[:, None] * self._fields.n_fields + self._fields.values_at
        starts, ends = np.where(fields > 0, self._ends.ravel()[fields - 1] + 1, 0), self._ends.ravel()[fields]
        lengths = (ends - starts).ravel()
        offsets = np.zeros(lengths.size + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        source = np.repeat(starts.ravel() - offsets[:-1], lengths)
        source += np.arange(len(source))
        return self._bytes[source], offsets

    def _bad_cell(self, fault: str, at: int) -> ExpressionError:
        row, column = divmod(at, len(self._fields.column_ids))
        return ExpressionError(
            f"{self._fields.file}, line {self._first_line + row:,}: row "
            f"{shown(self._texts(self._fields.names_at)[row])}, "
            f"column {shown(self._fields.column_ids[column])}: {fault}"
        )

    def _without_quotes(self, data: bytes) -> bytes:
        """The same lines with quotation marks removed and another character between the fields."""
        fields = self._fields
        lines = data.decode().split("\n")[:-1]
        return "".join(
            _UNIT_SEPARATOR.join(split_line(line, fields.delimiter, True, f"{fields.file}, line {number:,}")) + "\n"
            for number, line in enumerate(lines, self._first_line)
        ).encode()

    def _check_empty_end(self) -> None:
        """Refuse what stands in fields at the ends of lines that have no name and were empty so far."""
        n_empty = self._fields.n_empty
        full = np.flatnonzero(self._ends[:, -1] - self._ends[:, -1 - n_empty] != n_empty)  # none where there are none
        if len(full):
            raise ExpressionError(
                f"{self._fields.file}, line {self._first_line + int(full[0]):,}: there is a value in a column that has "
                "no name. Name the column in the header, or remove it."
            )

    def _ragged(self) -> ExpressionError:
        for number, line in enumerate(self._data.split(b"\n"), self._first_line):
            n_fields = line.count(self._delimiter.encode()) + 1
            if n_fields != self._fields.n_fields:
                found = f"{n_fields:,} field(s)" if line else "none: the line is empty"
                return ExpressionError(
                    f"{self._fields.file}, line {number:,}: expected {self._fields.n_fields:,} fields, "
                    f"found {found}. "
                    f"{_ADVICE_ON_FIELDS if line else 'Remove the line, or check that the file is complete.'}"
                )
        raise AssertionError("a block was called ragged although every line has the right number of fields")


def first_bad(cells: pa.StringArray) -> int:
    """Position of the first cell that is not a number, found by halving."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            cells.slice(low, middle - low).cast(pa.float32())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low
