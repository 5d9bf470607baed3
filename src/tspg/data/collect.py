"""A table's blocks put together as one matrix of samples x genes, with only the wanted genes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tspg.data.genesets import GeneSet
from tspg.data.identifiers import GeneMatch, match_genes, possible_match
from tspg.data.naming import check_names
from tspg.data.table import FloatArray, GrowingMatrix, Table
from tspg.data.units import LibrarySizes
from tspg.errors import ExpressionError, GeneSetError

Selection = Sequence[str] | GeneSet | None  # wanted genes; None means all
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Matrix:
    """Values of shape (samples, genes) with their names; `match` is None if all genes were wanted."""

    values: FloatArray
    sample_ids: list[str]
    gene_ids: list[str]
    match: GeneMatch | None


@dataclass(frozen=True)
class Collected:
    """The genes that some selections want, read once; `positions` tells where in the file each column stood."""

    file: str
    values: FloatArray
    sample_ids: list[str]
    gene_ids: list[str]  # of the whole file
    positions: Positions

    def select(self, genes: Selection) -> Matrix:
        """The part of one of the selections that the file was read for.

        Raises
        ------
        GeneSetError
            If the file has none of its genes.
        """
        match = None if genes is None else _match(genes, self.gene_ids)
        wanted = np.arange(len(self.gene_ids)) if match is None else np.asarray(match.positions, np.intp)
        columns = np.searchsorted(self.positions, wanted)
        complete = len(columns) == len(self.positions)
        values = self.values if complete else self.values[:, columns]
        if not values.size:
            raise ExpressionError(
                f"{self.file}: the matrix has {len(self.sample_ids):,} samples and {len(wanted):,} genes. It is empty."
            )
        return Matrix(np.ascontiguousarray(values), self.sample_ids, [self.gene_ids[at] for at in wanted], match)


def collect(
    table: Table, turned: bool, selections: Sequence[Selection], libraries: LibrarySizes | None, limit: float
) -> Collected:
    """The values of all wanted genes, block by block; all values are parsed only if libraries are summed."""
    check_names(table.column_ids, what="sample" if turned else "gene", file=table.file, error=ExpressionError)
    return (_collect_genes if turned else _collect_samples)(table, selections, libraries, limit)


def genes_of(selection: Selection) -> Sequence[str]:
    """The genes of a selection; none where all are wanted."""
    return selection.genes if isinstance(selection, GeneSet) else selection or ()


def _match(selection: Selection, gene_ids: list[str]) -> GeneMatch:
    name = selection.name if isinstance(selection, GeneSet) else "the gene set"
    return match_genes(genes_of(selection), gene_ids, name=name)


def _wanted(selections: Sequence[Selection], gene_ids: list[str]) -> Positions | None:
    """Where the genes of all selections stand, in the order of the file; None means everywhere.

    One selection of genes that are not there is refused at once; among several, when it is asked for.
    """
    positions: set[int] = set()
    for genes in selections:
        if genes is None:
            return None
        with suppress(*((GeneSetError,) if len(selections) > 1 else ())):
            positions.update(_match(genes, gene_ids).positions)
    return np.array(sorted(positions), np.intp)


def _collect_samples(
    table: Table, selections: Sequence[Selection], libraries: LibrarySizes | None, limit: float
) -> Collected:
    columns = _wanted(selections, table.column_ids)
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
    positions = np.arange(len(table.column_ids)) if columns is None else columns
    return Collected(table.file, kept.values, sample_ids, table.column_ids, positions)


def _collect_genes(
    table: Table, selections: Sequence[Selection], libraries: LibrarySizes | None, limit: float
) -> Collected:
    genes = None if None in selections else {gene for genes in selections for gene in genes_of(genes)}
    is_wanted = None if genes is None else possible_match(genes)
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
    return Collected(table.file, kept.values.T, table.column_ids, gene_ids, np.asarray(kept_at, np.intp))
