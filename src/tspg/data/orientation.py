"""Which side of a table holds the samples; never guessed from its shape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tspg.data.identifiers import is_known_gene, possible_match
from tspg.data.joining import Found, LabelOptions, find_exactly, find_samples, none_found
from tspg.data.labels import LabelsFile
from tspg.data.readers.table import Table
from tspg.data.sample_names import FEW, MANY
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import listed

_SHOWN = 5
_NEARLY_ALL = 0.9  # share of names found that outweighs a few on the other side
TURNED = "genes are in the rows of this file: it was turned"


@dataclass(frozen=True)
class Orientation:
    """Whether a table must be turned so that samples are rows, and what to tell about that."""

    turned: bool
    notes: tuple[str, ...] = ()


def orientation(
    table: Table,
    *,
    transpose: bool,
    labels: LabelsFile | None,
    options: LabelOptions,
    model_genes: Sequence[str] | None,
) -> Orientation:
    """Which side of a table holds the samples.

    The format decides where it can; else the side that holds the genes of a model, or the labelled samples; else
    `transpose`, or the side whose names are known as genes.

    Raises
    ------
    UsageError, ExpressionError, LabelError
        If these do not agree, or none of them is found.
    """
    by_name = labels if labels is not None and not labels.by_order else None
    if table.genes_in_rows is not None:
        if transpose and not table.genes_in_rows:
            raise UsageError(
                f"--transpose: the format of {table.file} says by itself where its genes are. Leave it out."
            )
        if by_name is not None:
            _check_side(table, by_name, options)
        return Orientation(table.genes_in_rows)
    turned = transpose if model_genes is None else _by_genes(table, model_genes)
    if by_name is not None:
        in_columns = _samples_in_columns(table, by_name, options, turned)
        if in_columns != turned and (transpose or model_genes is not None):
            side = "columns" if in_columns else "rows"
            if model_genes is not None:
                raise ExpressionError(
                    f"{table.file}: the labelled samples and the genes of the model are both in the {side}. "
                    "Give samples and genes different names."
                )
            raise ExpressionError(f"{table.file}: the labelled samples are in the {side}. Leave out --transpose.")
        return Orientation(in_columns, (TURNED,) if in_columns and not turned else ())
    if not turned and model_genes is None and _genes_in_rows_alone(table):
        return Orientation(True, (TURNED,))
    return Orientation(turned)


def _samples_in_columns(table: Table, labels: LabelsFile, options: LabelOptions, turned: bool) -> bool:
    """Whether the labelled samples are in the columns; on both sides, `turned` has the say, or (nearly) all beat few.

    Refused where they are as many on both sides, or on none.
    """
    rows, columns = table.first_row_ids, table.column_ids
    found, shares = _found(rows, columns, labels, options)
    if not any(shares) and options.allow_unlabelled:  # those without a label may be the first ones
        found, shares = _found(table.all_row_ids(), columns, labels, options)
    if min(shares) >= FEW:
        if turned:
            return True
        if max(shares) < _NEARLY_ALL or min(shares) >= MANY:
            raise ExpressionError(
                f"{table.file}: labelled samples are found both in the rows and in the columns. {_both_sides(table)} "
                "Give samples and genes different names, or say --transpose if the genes are in the rows."
            )
    if not any(shares):
        side = int(turned or _genes_in_rows_alone(table))
        where = f"They are neither in the rows nor in the columns. {_both_sides(table)}"
        raise none_found(table.file, (rows, columns)[side], found[side], labels, options, where)
    return shares[1] > shares[0]


def _check_side(table: Table, labels: LabelsFile, options: LabelOptions) -> None:
    """Refuse a file whose format says that genes are where the labelled samples are."""
    _, shares = _found(table.first_row_ids, table.column_ids, labels, options)
    of_samples, of_genes = shares[::-1] if table.genes_in_rows else shares
    if of_samples < FEW <= of_genes:
        raise ExpressionError(
            f"{table.file}: the labelled samples are where the genes should be by the format of this file. "
            "Write it again with genes and samples exchanged (in Python, adata.T.write_h5ad)."
        )


def _found(
    rows: Sequence[str], columns: Sequence[str], labels: LabelsFile, options: LabelOptions
) -> tuple[tuple[Found, Found], tuple[float, float]]:
    """The labelled samples among rows and columns, and their shares; by rule only where they must be."""
    for find in (find_exactly, find_samples):
        found = find(rows, labels, options), find(columns, labels, options)
        shares = found[0].n / max(1, len(rows)), found[1].n / max(1, len(columns))
        if max(shares) >= FEW:
            break
    return found, shares


def _genes_in_rows_alone(table: Table) -> bool:
    """Whether the names of the rows are known as genes, and those of the columns are not."""
    rows, columns = (
        sum(map(is_known_gene, names)) / max(1, len(names)) for names in (table.first_row_ids, table.column_ids)
    )
    return columns < FEW and rows > MANY


def _by_genes(table: Table, model_genes: Sequence[str]) -> bool:
    is_gene = possible_match(model_genes)
    in_columns = _count(table.column_ids, is_gene)
    if in_columns >= len(model_genes) / 2:
        return False
    # Few or none: a sample may be called like a gene (MET), so the other side is counted as well.
    in_rows = _count(table.all_row_ids(), is_gene)
    if in_rows == in_columns == 0:
        raise ExpressionError(
            f"{table.file}: none of the {len(model_genes):,} genes ({listed(model_genes[:_SHOWN])}) is in "
            "the rows or in the columns. "
            f"{_both_sides(table)} Use the gene names that the model was trained with."
        )
    return in_rows > in_columns


def _count(names: Sequence[str], is_gene: Callable[[str], bool]) -> int:
    return sum(map(is_gene, names))


def _both_sides(table: Table) -> str:
    rows, columns = table.first_row_ids[:_SHOWN], table.column_ids[:_SHOWN]
    return f"Rows start with {listed(rows)}; columns with {listed(columns)}."
