"""Which side of a table holds the samples; never guessed from its shape."""

from collections.abc import Callable, Collection, Sequence

from tspg.data.identifiers import possible_match
from tspg.data.naming import listed, near_matches, shown
from tspg.data.table import Table
from tspg.errors import ExpressionError, LabelError, UsageError

_FEW = 0.1
_SHOWN = 5


def genes_in_rows(
    table: Table,
    *,
    transpose: bool,
    labelled: Collection[str] | None,
    model_genes: Sequence[str] | None,
    allow_unlabelled: bool,
) -> bool:
    """Whether the table must be turned so that samples are rows.

    The format decides where it can; else the side that holds the genes of a model; else
    `transpose`. Where there are labels, they must agree.

    Raises
    ------
    ExpressionError
        If the labelled samples or the genes are not where they should be.
    """
    if table.genes_in_rows is not None:
        if transpose and not table.genes_in_rows:
            raise UsageError(
                f"--transpose: the format of {table.file} says by itself where its genes are. Leave it out."
            )
        return table.genes_in_rows
    turned = _by_genes(table, model_genes) if model_genes is not None else transpose
    if labelled is not None:
        check_samples(table, labelled, turned=turned, allow_unlabelled=allow_unlabelled)
    return turned


def check_samples(table: Table, labelled: Collection[str], *, turned: bool, allow_unlabelled: bool) -> None:
    """Check that the labelled samples are on the side where the samples should be, and only there."""
    rows, columns = table.first_row_ids, table.column_ids
    samples, others = (columns, rows) if turned else (rows, columns)
    share, other_share = _share(samples, labelled), _share(others, labelled)
    if share < _FEW <= other_share:
        side, advice = (
            ("rows", "Leave out --transpose") if turned else ("columns", "Use --transpose: genes are rows in this file")
        )
        raise ExpressionError(f"{table.file}: the labelled samples are in the {side}. {advice}.")
    if other_share >= _FEW:
        raise ExpressionError(
            f"{table.file}: labelled samples are found both in the rows and in the columns. {_both_sides(table)} "
            "Give samples and genes different names."
        )
    if share < _FEW and not allow_unlabelled:
        pairs = near_matches(samples, set(labelled)) or near_matches(others, set(labelled))
        near = "".join(f" {shown(ours)} is nearly the labelled {shown(theirs)}." for ours, theirs in pairs)
        raise LabelError(
            f"{table.file}: the labelled samples ({listed(sorted(labelled)[:_SHOWN])}) are neither in the "
            "rows nor in the columns. "
            f"{_both_sides(table)}{near} Use the same sample names in both files."
        )


def _share(names: Sequence[str], known: Collection[str]) -> float:
    return sum(name in known for name in names) / max(1, len(names))


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
