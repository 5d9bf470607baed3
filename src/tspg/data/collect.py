"""A table's blocks put together as one matrix of samples x genes, with only the wanted genes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tspg.data.identifiers import GeneMatch, match_genes, possible_match
from tspg.data.naming import check_names
from tspg.data.table import FloatArray, GrowingMatrix, Table
from tspg.data.units import LibrarySizes
from tspg.errors import ExpressionError


@dataclass(frozen=True)
class Matrix:
    """Values of shape (samples, genes) with their names; `match` is None if all genes were wanted."""

    values: FloatArray
    sample_ids: list[str]
    gene_ids: list[str]
    match: GeneMatch | None


def collect(
    table: Table, turned: bool, genes: Sequence[str] | None, libraries: LibrarySizes | None, limit: float
) -> Matrix:
    """The values of the wanted genes, block by block; all values are parsed only if libraries are summed."""
    check_names(table.column_ids, what="sample" if turned else "gene", file=table.file, error=ExpressionError)
    matrix = (_collect_genes if turned else _collect_samples)(table, genes, libraries, limit)
    if not matrix.values.size:
        raise ExpressionError(
            f"{table.file}: the matrix has {len(matrix.sample_ids):,} samples and {len(matrix.gene_ids):,} "
            "genes. It is empty."
        )
    return matrix


def _collect_samples(table: Table, genes: Sequence[str] | None, libraries: LibrarySizes | None, limit: float) -> Matrix:
    match = None if genes is None else match_genes(genes, table.column_ids, name="the gene set")
    columns = None if match is None else np.asarray(match.positions, np.intp)
    kept = GrowingMatrix(len(table.column_ids) if columns is None else len(columns), file=table.file, limit=limit)
    sample_ids: list[str] = []
    for block in table.blocks:
        sample_ids += block.row_ids
        if libraries is not None and libraries.wanted:
            values = block.values()
            libraries.add_samples(values)
            kept.append(values if columns is None else values[:, columns])
        else:
            kept.append(block.values(columns=columns))
    check_names(sample_ids, what="sample", file=table.file, error=ExpressionError)
    gene_ids = table.column_ids if match is None else [table.column_ids[at] for at in match.positions]
    return Matrix(kept.values, sample_ids, gene_ids, match)


def _collect_genes(table: Table, genes: Sequence[str] | None, libraries: LibrarySizes | None, limit: float) -> Matrix:
    is_wanted = possible_match(genes) if genes is not None else None
    kept = GrowingMatrix(len(table.column_ids), file=table.file, limit=limit)
    gene_ids: list[str] = []
    kept_at: list[int] = []  # position in the file of each kept row
    for block in table.blocks:
        rows = np.asarray(
            [at for at, gene in enumerate(block.row_ids) if is_wanted is None or is_wanted(gene)], np.intp
        )
        kept_at += (rows + len(gene_ids)).tolist()
        gene_ids += block.row_ids
        if libraries is not None and libraries.wanted:
            values = block.values()
            libraries.add_genes(values)
            kept.append(values[rows])
        elif len(rows):
            kept.append(block.values(rows=rows))
    check_names(gene_ids, what="gene", file=table.file, error=ExpressionError)
    match = None if genes is None else match_genes(genes, gene_ids, name="the gene set")
    positions = range(len(gene_ids)) if match is None else match.positions
    among_kept = np.searchsorted(kept_at, positions)
    values = np.ascontiguousarray(kept.values[among_kept].T if match is not None else kept.values.T)
    return Matrix(values, table.column_ids, [gene_ids[at] for at in positions], match)
