"""The rows of text tables as blocks of whole lines, checked field by field."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tspg.data.readers.fields import parsed, split_line, split_name
from tspg.data.readers.streams import NO_LINE_END, TextLines
from tspg.data.readers.table import Block, Table, check_width
from tspg.errors import ExpressionError
from tspg.utils.names import shown
from tspg.utils.typing import Float32Array, IndexArray

SECOND_NAME = "second_name"  # the column for the other name of genes that have two, such as an Entrez id
_UNIT_SEPARATOR = "\x1f"  # between fields once quotation marks are removed; names may not hold it
_Cells = tuple[bytes | npt.NDArray[np.uint8], npt.NDArray[np.int32]]  # characters of all values, and where each ends


@dataclass(frozen=True)
class RowFormat:
    """Where in each line the row's name, the values, the texts and `n_empty` empty fields at the end are.

    Only those rows are read whose field `only_rows[0]` is one of `only_rows[1]`, letters' case aside; with
    `nameless_left_out`, only rows with a name. `split_names` cuts a row's name in two, and the first is taken.
    """

    file: str
    delimiter: str
    quoted: bool
    n_fields: int
    values_at: IndexArray
    column_ids: list[str]
    names_at: int = 0
    texts_at: dict[str, int] | None = None
    n_empty: int = 0
    only_rows: tuple[int, frozenset[str]] | None = None
    nameless_left_out: bool = False
    split_names: re.Pattern[str] | None = None


def make_table(
    form: RowFormat,
    lines: TextLines,
    rows: Iterator[tuple[int, bytes]],
    reopen: Callable[[ExitStack], Table],
    n_declared: int | None = None,
) -> Table:
    """The table whose header has been read; `reopen` opens the same file once more from its start.

    While blocks are read, the number of rows must turn out as declared.
    """
    check_width(form.file, len(form.column_ids))
    first = next(rows, None)
    if first is None:
        raise ExpressionError(
            f"{form.file}: there is a header line but no row of values below it. Check that the file is complete."
        )
    first_block = TextBlock(*first, form)
    texts_at = form.texts_at or {}

    def all_row_ids() -> list[str]:
        with ExitStack() as again:
            return [row for block in reopen(again).blocks for row in block.row_ids]

    def blocks() -> Iterator[Block]:
        n_rows = n_left_out = 0
        for block in chain([first_block], (TextBlock(*each, form) for each in rows)):
            for name, at in texts_at.items():
                table.row_texts[name] += block.texts(at)
            if form.split_names is not None:
                table.row_texts[SECOND_NAME] += block.second_names(form.split_names)
            n_left_out += block.n_left_out
            n_rows += len(block.row_ids)
            yield block
        if n_declared not in (None, n_rows):
            raise ExpressionError(
                f"{form.file}: line 2 declares {n_declared:,} genes, the file holds {n_rows:,}. "
                "Check that the file is complete."
            )
        if n_left_out:
            why = "they have no name" if form.nameless_left_out else "they are not the main profile of their model"
            table.notes.append(f"{n_left_out:,} row(s) were left out: {why}")
        if lines.ends_without_newline:
            table.warnings.append(f"{table.file}: {NO_LINE_END}")

    table = Table(Path(form.file).name, form.column_ids, first_block.row_ids, blocks(), all_row_ids)
    table.row_texts = {name: [] for name in [*texts_at, *([SECOND_NAME] if form.split_names else [])]}
    return table


class TextBlock:
    """Some whole lines; the ends of all fields are found at once, values are parsed on demand."""

    def __init__(self, first_line: int, data: bytes, form: RowFormat) -> None:
        self._first_line = first_line
        self._form = form
        delimiter = form.delimiter
        if form.quoted and b'"' in data:
            data, delimiter = self._without_quotes(data), _UNIT_SEPARATOR
        self._data = data
        self._delimiter = delimiter.encode()
        self._bytes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero((self._bytes == ord(delimiter)) | (self._bytes == ord("\n")))
        n_rows = data.count(b"\n")
        last = ends[form.n_fields - 1 :: form.n_fields]
        if len(ends) != n_rows * form.n_fields or not (self._bytes[last] == ord("\n")).all():
            raise self._ragged()
        self._ends = ends.reshape(n_rows, form.n_fields)
        full = np.flatnonzero(self._ends[:, -1] - self._ends[:, -1 - form.n_empty] != form.n_empty)
        if len(full):
            raise ExpressionError(
                f"{form.file}, line {first_line + int(full[0]):,}: there is a value in a column that has "
                "no name. Name the column in the header, or remove it."
            )
        self._rows = self._rows_read()
        self.n_left_out = 0 if self._rows is None else n_rows - len(self._rows)

    @cached_property
    def row_ids(self) -> list[str]:
        """Names of the rows."""
        names, pattern = self.texts(self._form.names_at), self._form.split_names
        return names if pattern is None else [split_name(name, pattern)[0] for name in names]

    def second_names(self, pattern: re.Pattern[str]) -> list[str]:
        """The second names of rows whose names are cut in two."""
        return [split_name(name, pattern)[1] for name in self.texts(self._form.names_at)]

    def texts(self, at: int) -> list[str]:
        """One field of every row, as text."""
        texts = self._texts(at)
        return texts if self._rows is None else [texts[row] for row in self._rows]

    def values(self) -> Float32Array:
        """The values as float32; every one must be a finite number, also in rows that are left out."""
        side_by_side = 0 < self._form.values_at[0] == self._form.values_at[-1] + 1 - len(self._form.values_at)
        characters, offsets = self._cells_side_by_side() if side_by_side else self._cells_anywhere()
        cells = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(characters))
        values, bad, fault = parsed(cells)
        if fault:
            row, column = divmod(bad, len(self._form.column_ids))
            name = shown(self._texts(self._form.names_at)[row])
            raise ExpressionError(
                f"{self._form.file}, line {self._first_line + row:,}: row {name}, "
                f"column {shown(self._form.column_ids[column])}: {fault}"
            )
        values = values.reshape(len(self._ends), len(self._form.column_ids))
        return values if self._rows is None else values[self._rows]

    def _rows_read(self) -> IndexArray | None:
        """The rows that are not left out; None if that is all of them."""
        if self._form.nameless_left_out:
            read = [bool(name.strip()) for name in self._texts(self._form.names_at)]
        elif self._form.only_rows is not None:
            at, wanted = self._form.only_rows
            read = [text.strip().casefold() in wanted for text in self._texts(at)]
        else:
            return None
        return None if all(read) else np.flatnonzero(read)

    def _texts(self, at: int) -> list[str]:
        starts = (self._ends[:, at - 1] + 1).tolist() if at else [0, *(self._ends[:-1, -1] + 1).tolist()]
        return [self._data[start:end].decode() for start, end in zip(starts, self._ends[:, at].tolist(), strict=True)]

    def _cells_side_by_side(self) -> _Cells:
        """The cells of values in one piece of each line, behind another field; faster than anywhere."""
        ends, first, last = self._ends, int(self._form.values_at[0]), int(self._form.values_at[-1])
        pieces = [self._data[start + 1 : end] for start, end in ends[:, [first - 1, last]].tolist()]
        characters = b"".join(pieces).translate(None, self._delimiter)
        lengths = ends[:, last] - ends[:, first - 1] - (last - first + 1)
        before = np.cumsum(lengths) - lengths - ends[:, first - 1] - 1
        offsets = np.zeros(lengths.size * (last - first + 1) + 1, np.int32)
        shift = before[:, None] - np.arange(last - first + 1)
        np.add(ends[:, first : last + 1], shift, out=offsets[1:].reshape(shift.shape), casting="same_kind")
        return characters, offsets

    def _cells_anywhere(self) -> _Cells:
        fields = np.arange(len(self._ends))[:, None] * self._form.n_fields + self._form.values_at
        starts, ends = np.where(fields > 0, self._ends.ravel()[fields - 1] + 1, 0), self._ends.ravel()[fields]
        lengths = (ends - starts).ravel()
        offsets = np.zeros(lengths.size + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        source = np.repeat(starts.ravel() - offsets[:-1], lengths)
        source += np.arange(len(source))
        return self._bytes[source], offsets

    def _without_quotes(self, data: bytes) -> bytes:
        """The same lines with quotation marks removed and another character between the fields."""
        form = self._form
        lines = data.decode().split("\n")[:-1]
        return "".join(
            _UNIT_SEPARATOR.join(split_line(line, form.delimiter, True, f"{form.file}, line {number:,}")) + "\n"
            for number, line in enumerate(lines, self._first_line)
        ).encode()

    def _ragged(self) -> ExpressionError:
        for number, line in enumerate(self._data.split(b"\n"), self._first_line):
            n_fields = line.count(self._delimiter) + 1
            if n_fields != self._form.n_fields:
                found = f"{n_fields:,} field(s)" if line else "none: the line is empty"
                advice = "Every line needs as many as the header says; check" if line else "Remove the line, or check"
                return ExpressionError(
                    f"{self._form.file}, line {number:,}: expected {self._form.n_fields:,} fields, "
                    f"found {found}. {advice} that the file is complete."
                )
        raise AssertionError("a block was called ragged although every line has the right number of fields")
