"""Text tables of any layout opened as expression matrices."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tspg.data.readers import geo
from tspg.data.readers.blocks import SECOND_NAME, Fields, make_table
from tspg.data.readers.columns import Columns, columns_of
from tspg.data.readers.head import Head, blocks_of_rows, read_head
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Table
from tspg.errors import ExpressionError


def open_text(path: Path, stack: ExitStack, label_column: str | None = None) -> Table:
    """Open a text table: a header line, then lines with a row's name and its values; `stack` closes it.

    Separators, comments, columns of text and the layouts of `tspg.data.readers.layouts` are recognised and said in
    `notes`. Numbers in `label_column` are classes.

    Raises
    ------
    ExpressionError
        If it is no table, or none of expression values.
    """
    lines = stack.enter_context(TextLines(path, ExpressionError))

    def reopen(again: ExitStack) -> Table:
        return open_text(path, again, label_column)

    if any(line.startswith("!") for line in lines.peek(1)):
        return _series_matrix(lines, reopen)
    head = read_head(lines)
    return _matrix(lines, head, reopen, label_column=label_column)


def _series_matrix(lines: TextLines, reopen: Callable[[ExitStack], Table]) -> Table:
    samples = geo.samples_of_series(lines)
    head = read_head(lines, geo.TABLE_END)
    geo.check_table(lines, head)
    table = _matrix(lines, head, reopen, until=geo.TABLE_END)
    table.layout, table.genes_in_rows = geo.NAME, True
    table.annotations = geo.annotations_of(samples, table.column_ids, str(lines.path))
    table.notes[:0] = [f"read as {geo.NAME}: what it says of the samples are columns to choose labels from"]
    return table


def _matrix(
    lines: TextLines,
    head: Head,
    reopen: Callable[[ExitStack], Table],
    until: str = "",
    label_column: str | None = None,
) -> Table:
    columns = columns_of(head, str(lines.path), label_column)
    if columns.second_header:
        lines.take_line()
    table = make_table(_fields(head, columns), lines, blocks_of_rows(lines, until), reopen)
    table.notes += [*head.notes, *columns.notes]
    table.left_out = columns.left_out
    table.columns_in_file = columns.in_file
    if columns.ids_beside:
        table.column_texts = {SECOND_NAME: columns.ids_beside}
    if columns.layout is not None:
        table.layout, table.units = columns.layout.name, columns.layout.units
        table.genes_in_rows = columns.layout.genes_in_rows
    return table


def _fields(head: Head, columns: Columns) -> Fields:
    return Fields(
        head.file,
        head.delimiter,
        head.quoted,
        head.n_fields,
        np.asarray(columns.values_at, np.intp),
        columns.column_ids,
        columns.names_at,
        tuple(columns.texts_at.items()),
        head.n_empty,
        columns.kept_rows,
        columns.layout is not None and columns.layout.nameless_rows,
        columns.split_names,
    )
