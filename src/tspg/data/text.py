"""TSV, CSV and GCT files as tables, read as a stream and checked field by field."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tspg.data.fields import cell_fault, is_quoted, split_line
from tspg.data.naming import shown
from tspg.data.streams import NO_LINE_END, TextLines, hint_on_delimiter, split_at
from tspg.data.table import MOST_COLUMNS, Block, FloatArray, IntArray, Table
from tspg.errors import ExpressionError

_ADVICE_ON_FIELDS = "Every line needs as many as the header says; check that the file is complete."
_UNIT_SEPARATOR = "\x1f"  # stands between fields once quotes are removed; names may not hold it
# A line that is one longer than a header starting like this is faulty, not the work of R.
_NAMES_OF_ROW_NAMES = frozenset(
    {"", "sample", "sample_id", "sampleid", "sampid", "samples", "id", "gene", "gene_id", "genes", "name", "symbol"}
)


@dataclass(frozen=True)
class Layout:
    """Where the fields of each line are: `n_id_fields` names of the row, then one value a column."""

    file: str
    delimiter: str
    quoted: bool
    n_id_fields: int
    column_ids: list[str]

    @property
    def n_fields(self) -> int:
        """Fields in every line."""
        return self.n_id_fields + len(self.column_ids)


def open_text(path: Path, stack: ExitStack) -> Table:
    """Open a TSV or CSV file: a header line, then lines that start with a row's name; `stack` closes it."""
    lines = stack.enter_context(TextLines(path, ExpressionError))
    header = lines.take_line()
    if not header:
        raise ExpressionError(
            f"{path}: the file is empty or starts with an empty line. It must start with a line of column names."
        )
    delimiter = split_at(path)
    quoted = is_quoted(header, delimiter)
    fields = split_line(header, delimiter, quoted, f"{path}, line 1")
    if len(fields) == 1 and (hint := hint_on_delimiter(header, delimiter)):
        raise ExpressionError(f"{path}: {hint}")
    blocks = lines.blocks()
    first = next(blocks, None)
    if first is None:
        raise ExpressionError(
            f"{path}: there is a header line but no row of values below it. Check that the file is complete."
        )
    n_fields = len(
        split_line(first[1][: first[1].index(b"\n")].decode(), delimiter, quoted, f"{path}, line {first[0]}")
    )
    # R leaves out the name of the column of row names, so its header is one field short.
    header_of_r = n_fields == len(fields) + 1 and fields[0].casefold() not in _NAMES_OF_ROW_NAMES
    layout = Layout(str(path), delimiter, quoted, 1, fields if header_of_r else fields[1:])
    table = make_table(layout, lines, first, blocks, lambda again: open_text(path, again))
    if header_of_r:
        table.notes.append("the header has no name above the row names, as R writes it")
    if quoted and delimiter != ",":
        table.notes.append("names are written in quotation marks; the quotation marks were removed")
    return table


def make_table(
    layout: Layout,
    lines: TextLines,
    first: tuple[int, bytes],
    rest: Iterator[tuple[int, bytes]],
    reopen: Callable[[ExitStack], Table],
) -> Table:
    """The table whose header has been read; `reopen` opens the same file once more from its start."""
    if not layout.column_ids:
        raise ExpressionError(
            f"{layout.file}: the first line is one field, so there is no column of values. "
            f"Put {'commas' if layout.delimiter == ',' else 'tabs'} between the fields."
        )
    if len(layout.column_ids) > MOST_COLUMNS:
        raise ExpressionError(
            f"{layout.file}: more than {MOST_COLUMNS:,} columns. This is no table of expression values."
        )
    first_block = TextBlock(*first, layout)
    doubts: list[str] = []

    def blocks() -> Iterator[Block]:
        yield first_block
        for number, data in rest:
            yield TextBlock(number, data, layout)
        if lines.ends_without_newline:
            doubts.append(f"{Path(layout.file).name}: {NO_LINE_END}")

    def all_row_ids() -> list[str]:
        with ExitStack() as again:
            return [row for block in reopen(again).blocks for row in block.row_ids]

    return Table(Path(layout.file).name, layout.column_ids, first_block.row_ids, blocks(), all_row_ids, doubts=doubts)


class TextBlock:
    """Some whole lines; field ends are found and counted at once, values are parsed on demand."""

    def __init__(self, first_line: int, data: bytes, layout: Layout) -> None:
        self._first_line = first_line
        self._layout = layout
        delimiter = layout.delimiter
        if layout.quoted and b'"' in data:
            data, delimiter = self._without_quotes(data), _UNIT_SEPARATOR
        self._data = data
        self._delimiter = delimiter
        self._bytes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero((self._bytes == ord(delimiter)) | (self._bytes == ord("\n")))
        n_rows = data.count(b"\n")
        last = ends[layout.n_fields - 1 :: layout.n_fields]
        if len(ends) != n_rows * layout.n_fields or not (self._bytes[last] == ord("\n")).all():
            raise self._ragged()
        self._ends = ends.reshape(n_rows, layout.n_fields)

    @cached_property
    def row_ids(self) -> list[str]:
        """Names of the rows: the first field of each line."""
        starts = [0, *(self._ends[:-1, -1] + 1).tolist()]
        ends = self._ends[:, 0].tolist()
        return [self._data[start:end].decode() for start, end in zip(starts, ends, strict=True)]

    def values(self, rows: IntArray | None = None, columns: IntArray | None = None) -> FloatArray:
        """The values of some rows and columns as float32; every one of them is a finite number."""
        rows = np.arange(len(self._ends)) if rows is None else rows
        ends = self._ends[rows]
        first = self._layout.n_id_fields
        if columns is None:
            characters = self._whole_rows(ends)
            starts, ends = ends[:, first - 1 : -1] + 1, ends[:, first:]
            columns = np.arange(len(self._layout.column_ids))
        else:
            starts, ends = ends[:, columns + (first - 1)] + 1, ends[:, columns + first]
            characters = self._gathered(starts, ends)
        offsets = np.zeros(starts.size + 1, np.int32)
        np.cumsum(ends - starts, out=offsets[1:])
        cells = pa.StringArray.from_buffers(starts.size, pa.py_buffer(offsets), pa.py_buffer(characters))
        try:
            values: FloatArray = cells.cast(pa.float32()).to_numpy()
        except pa.ArrowInvalid:
            at = first_bad(cells)
            raise self._bad_cell(cell_fault(cells[at].as_py()), at, rows, columns) from None
        if not np.isfinite(values).all():
            at = int(np.flatnonzero(~np.isfinite(values))[0])
            raise self._bad_cell(cell_fault(cells[at].as_py(), is_number=True), at, rows, columns)
        return values.reshape(len(rows), len(columns))

    def _whole_rows(self, ends: IntArray) -> npt.NDArray[np.uint8]:
        """The characters of all values of some lines, without anything between them."""
        first = self._layout.n_id_fields - 1
        lines = [self._bytes[start + 1 : end] for start, end in ends[:, [first, -1]].tolist()]
        joined = np.concatenate(lines) if lines else np.empty(0, np.uint8)
        values: npt.NDArray[np.uint8] = joined[joined != ord(self._delimiter)]
        return values

    def _gathered(self, starts: IntArray, ends: IntArray) -> npt.NDArray[np.uint8]:
        """The characters of the fields between `starts` and `ends`, without anything between them."""
        lengths = (ends - starts).ravel()
        before = np.cumsum(lengths) - lengths
        source = np.repeat(starts.ravel() - before, lengths)
        source += np.arange(len(source))
        characters: npt.NDArray[np.uint8] = self._bytes[source]
        return characters

    def _bad_cell(self, fault: str, at: int, rows: IntArray, columns: IntArray) -> ExpressionError:
        row, column = divmod(at, len(columns))
        line = self._first_line + int(rows[row])
        return ExpressionError(
            f"{self._layout.file}, line {line:,}: row {shown(self.row_ids[rows[row]])}, "
            f"column {shown(self._layout.column_ids[columns[column]])}: {fault}"
        )

    def _without_quotes(self, data: bytes) -> bytes:
        """The same lines with quotation marks removed and another character between the fields."""
        layout = self._layout
        lines = data.decode().split("\n")[:-1]
        return "".join(
            _UNIT_SEPARATOR.join(split_line(line, layout.delimiter, True, f"{layout.file}, line {number:,}")) + "\n"
            for number, line in enumerate(lines, self._first_line)
        ).encode()

    def _ragged(self) -> ExpressionError:
        for number, line in enumerate(self._data.split(b"\n"), self._first_line):
            n_fields = line.count(self._delimiter.encode()) + 1
            if n_fields != self._layout.n_fields:
                found = f"{n_fields:,} field(s)" if line else "none: the line is empty"
                return ExpressionError(
                    f"{self._layout.file}, line {number:,}: expected {self._layout.n_fields:,} fields, "
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
