"""Text tables of any layout opened as expression matrices."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tspg.data.readers import geo
from tspg.data.readers.blocks import SECOND_NAME, make_table
from tspg.data.readers.columns import columns_of
from tspg.data.readers.excel import note_on_sheets
from tspg.data.readers.head import Head, blocks_of_rows, read_head
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Table
from tspg.errors import ExpressionError


def open_text(path: Path, stack: ExitStack, label_column: str | None = None) -> Table:
    """Open a text table: a header line, then lines with a row's name and its values; `stack` closes it.

    Separators, comments, columns of text and the layouts of `tspg.data.readers.layouts` are recognised, which `notes`
    tell. Numbers in `label_column` are classes.

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
    return _matrix(lines, read_head(lines), reopen, label_column=label_column)


def open_excel(path: Path, stack: ExitStack, label_column: str | None = None) -> Table:
    """Open the first sheet of an Excel file as a text table."""
    table = open_text(path, stack, label_column)
    table.notes += note_on_sheets(path, ExpressionError)
    return table


def _series_matrix(lines: TextLines, reopen: Callable[[ExitStack], Table]) -> Table:
    samples = geo.samples_of_series(lines)
    head = read_head(lines, geo.TABLE_END)
    if not head.rows:
        raise ExpressionError(
            f"{lines.path}: this {geo.NAME} holds no values, as is usual for RNA sequencing. Download the counts among "
            "the supplementary files of the series and give them as --expression, and this file as --labels."
        )
    table = _matrix(lines, head, reopen, until=geo.TABLE_END)
    table.layout, table.genes_in_rows = geo.NAME, True
    table.annotations = geo.annotations_of(samples, table.column_ids, str(lines.path))
    table.notes.insert(0, f"read as {geo.NAME}: its lines about samples are columns to choose labels from")
    return table


def _matrix(
    lines: TextLines, head: Head, reopen: Callable[[ExitStack], Table], until: str = "", label_column: str | None = None
) -> Table:
    columns = columns_of(head, label_column)
    if columns.second_header:
        lines.take_line()
    table = make_table(columns.form, lines, blocks_of_rows(lines, until), reopen)
    table.notes += [*head.notes, *filter(None, [columns.note])]
    table.left_out = columns.left_out
    table.columns_in_file = columns.in_file
    if columns.second_names:
        table.column_texts = {SECOND_NAME: columns.second_names}
    if columns.layout is not None:
        table.layout, table.units = columns.layout.name, columns.layout.units
        table.genes_in_rows = columns.layout.genes_in_rows
    return table
