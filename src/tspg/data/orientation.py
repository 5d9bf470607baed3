"""Which side of a table holds the samples; never guessed from its shape."""

from collections.abc import Sequence
from enum import StrEnum

from tspg.data.identifiers import is_known_gene, possible_match
from tspg.data.joining import Found, find_exactly, find_samples, none_found
from tspg.data.labels import LabelsFile
from tspg.data.readers.table import Table
from tspg.data.reading import Reading
from tspg.data.sample_names import FEW, MANY
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import listed

_SHOWN = 5
_NEARLY_ALL = 0.9  # share of names found that outweighs a few on the other side
TURNED = "genes are in the rows of this file: it was turned"


class Orientation(StrEnum):
    """Where the genes of a file are, as `uns["tspg_input"]` stores it."""

    GENES_IN_ROWS = "genes in rows"
    SAMPLES_IN_ROWS = "samples in rows"


def genes_in_rows(table: Table, reading: Reading, labels: LabelsFile | None) -> bool:
    """Whether the genes are in the rows, so that the table must be turned.

    The format decides if it can; else the side that holds the genes of a model, or the labelled samples; else
    `transpose`, or the side whose names are known as genes.

    Raises UsageError, ExpressionError, LabelError if these contradict each other, or none of them is found.
    """
    by_name = labels if labels is not None and not labels.by_order else None
    transpose, model_genes = reading.transpose, reading.orient_by_genes
    if table.genes_in_rows is not None:
        if transpose and not table.genes_in_rows:
            raise UsageError(f"--transpose: the format of {table.file} says where its genes are. Leave it out.")
        if by_name is not None:
            _check_side(table, by_name, reading, genes_in_rows=table.genes_in_rows)
        return table.genes_in_rows
    turned = transpose if model_genes is None else _by_genes(table, model_genes)
    if by_name is None:
        return turned or (model_genes is None and _only_rows_are_genes(table))
    in_columns = _samples_in_columns(table, by_name, reading, turned)
    if in_columns != turned and (transpose or model_genes is not None):
        side = "columns" if in_columns else "rows"
        if model_genes is not None:
            raise ExpressionError(
                f"{table.file}: the labelled samples and the genes of the model are both in the {side}. "
                "Give samples and genes different names."
            )
        raise ExpressionError(f"{table.file}: the labelled samples are in the {side}. Leave out --transpose.")
    return in_columns


def _samples_in_columns(table: Table, labels: LabelsFile, reading: Reading, turned: bool) -> bool:
    """Whether the labelled samples are in the columns; if on both sides, `turned` or (nearly) all against few decide.

    Refused if they are as many on both sides, or on none.
    """
    rows, columns = table.first_row_ids, table.column_ids
    found, shares = _find_on_both_sides(rows, columns, labels, reading)
    if not any(shares) and reading.allow_unlabelled:  # the first ones may be those without a label
        found, shares = _find_on_both_sides(table.all_row_ids(), columns, labels, reading)
    if min(shares) >= FEW:
        if turned:
            return True
        if max(shares) < _NEARLY_ALL or min(shares) >= MANY:
            raise ExpressionError(
                f"{table.file}: labelled samples are found both in the rows and in the columns. {_both_sides(table)} "
                "Give samples and genes different names, or say --transpose if the genes are in the rows."
            )
    if not any(shares):
        side = int(turned or _only_rows_are_genes(table))
        where = f"They are neither in the rows nor in the columns. {_both_sides(table)}"
        raise none_found(table.file, (rows, columns)[side], found[side], labels, reading, where)
    return shares[1] > shares[0]


def _check_side(table: Table, labels: LabelsFile, reading: Reading, *, genes_in_rows: bool) -> None:
    """Refuse a file with the labelled samples where its format has genes."""
    _, shares = _find_on_both_sides(table.first_row_ids, table.column_ids, labels, reading)
    of_samples, of_genes = shares[::-1] if genes_in_rows else shares
    if of_samples < FEW <= of_genes:
        raise ExpressionError(
            f"{table.file}: the labelled samples are where the genes should be by the format of this file. "
            "Write it again with genes and samples exchanged (in Python, adata.T.write_h5ad)."
        )


def _find_on_both_sides(
    rows: Sequence[str], columns: Sequence[str], labels: LabelsFile, reading: Reading
) -> tuple[tuple[Found, Found], tuple[float, float]]:
    """The labelled samples among rows and columns, and their shares; by rule only if few are written alike."""
    for find in (find_exactly, find_samples):
        found = find(rows, labels, reading), find(columns, labels, reading)
        shares = found[0].n / max(1, len(rows)), found[1].n / max(1, len(columns))
        if max(shares) >= FEW:
            break
    return found, shares


def _only_rows_are_genes(table: Table) -> bool:
    """Whether the names of the rows are known as genes, and those of the columns are not."""
    rows, columns = (
        sum(map(is_known_gene, names)) / max(1, len(names)) for names in (table.first_row_ids, table.column_ids)
    )
    return columns < FEW and rows > MANY


def _by_genes(table: Table, model_genes: Sequence[str]) -> bool:
    is_gene = possible_match(model_genes)
    n_columns = sum(map(is_gene, table.column_ids))
    if n_columns >= len(model_genes) / 2:
        return False
    # Few or none: a sample may be called like a gene (MET), so count the other side as well.
    n_rows = sum(map(is_gene, table.all_row_ids()))
    if n_rows == n_columns == 0:
        raise ExpressionError(
            f"{table.file}: none of the {len(model_genes):,} genes ({listed(model_genes[:_SHOWN])}) is in the rows or "
            f"in the columns. {_both_sides(table)} Use the gene names that the model was trained with."
        )
    return n_rows > n_columns


def _both_sides(table: Table) -> str:
    rows, columns = table.first_row_ids[:_SHOWN], table.column_ids[:_SHOWN]
    return f"Rows start with {listed(rows)}; columns with {listed(columns)}."
