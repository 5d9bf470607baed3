"""A table's blocks put together as one matrix of samples x genes, with only the wanted genes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tspg.data.duplicates import joined_names, joined_values
from tspg.data.genesets import GeneSet
from tspg.data.identifiers import GeneMatch, match_genes, possible_match
from tspg.data.naming import check_names
from tspg.data.quantiles import PanelRows, Quantiles, panel_among, quantiles_of
from tspg.data.table import Block, FloatArray, GrowingMatrix, IntArray, Table
from tspg.data.units import LOG_SCALE, LibrarySizes, guess_units
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
    """The genes that some selections want, read once; `positions` tells where in `gene_ids` each column's gene stands.

    `panel` are genes of the whole file, and their values, that tell how each sample's values are distributed; None
    where every gene was wanted. `names_in_file` are the genes as the file has them, where some of one name were
    made one; `doubts` are whether that was right.
    """

    file: str
    values: FloatArray
    sample_ids: list[str]
    gene_ids: list[str]  # of the whole file
    positions: Positions
    names_in_file: list[str]
    panel: tuple[list[str], FloatArray] | None = None
    doubts: tuple[str, ...] = ()

    def quantiles(self, genes: Sequence[str] | None) -> Quantiles | None:
        """The quantile function of each sample over some genes, or else those of the panel; None without any."""
        names, values = self.panel or (self.gene_ids, self.values)
        found, chosen = panel_among(names, genes)
        return quantiles_of(found, values if len(chosen) == len(names) else values[:, chosen]) if found else None

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
                f"{self.file}: the matrix has {len(self.sample_ids):,} samples and {len(wanted):,} genes. "
                "It is empty; check that it is complete."
            )
        return Matrix(np.ascontiguousarray(values), self.sample_ids, [self.gene_ids[at] for at in wanted], match)


def collect(
    table: Table,
    turned: bool,
    selections: Sequence[Selection],
    libraries: LibrarySizes | None,
    limit: float,
    duplicates: str = "error",
    panel: Sequence[str] | None = None,
) -> Collected:
    """The values of all wanted genes, block by block; all values are parsed only if libraries are summed.

    Genes of one name are refused or made one, as `duplicates` says. `panel` are the genes that distributions are
    taken over, where the file's own panel is not meant.
    """
    if turned:
        _check(table.column_ids, "sample", table)
        found = _collect_genes(table, selections, libraries, limit, panel)
        _check(found.gene_ids, "gene", table, duplicates)
    else:
        _check(table.column_ids, "gene", table, duplicates)
        found = _collect_samples(table, selections, libraries, limit, panel)
        _check(found.sample_ids, "sample", table)
    return found if duplicates == "error" else _joined(found, duplicates)


def _check(names: list[str], what: str, table: Table, duplicates: str = "error") -> None:
    check_names(names, what=what, file=table.file, error=ExpressionError, twice_allowed=duplicates != "error")


def _joined(found: Collected, rule: str) -> Collected:
    """The same with each gene once."""
    genes, gene_of = joined_names(found.gene_ids)
    kept = gene_of[found.positions]
    values = joined_values(found.values, kept, rule)
    if not np.isfinite(values).all():
        raise ExpressionError(
            f"{found.file}: genes of one name add up to more than a 32-bit number holds. "
            "Use --duplicates mean or first."
        )
    kind, reason = guess_units(found.values) if rule == "sum" and values.size < found.values.size else ("", "")
    doubt = f"genes of one name were added up, but {reason}: on a log scale use --duplicates mean or first"
    doubts = (doubt,) if kind == LOG_SCALE else ()
    panel = None
    if found.panel is not None:
        names, beside = joined_names(found.panel[0])
        panel = names, joined_values(found.panel[1], beside, rule)
    return Collected(found.file, values, found.sample_ids, genes, np.unique(kept), found.names_in_file, panel, doubts)


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
    names, gene_of = joined_names(gene_ids)
    wanted: set[int] = set()
    for genes in selections:
        if genes is None:
            return None
        with suppress(*((GeneSetError,) if len(selections) > 1 else ())):
            wanted.update(_match(genes, names).positions)
    return np.flatnonzero(np.isin(gene_of, sorted(wanted)))


def _collect_samples(
    table: Table,
    selections: Sequence[Selection],
    libraries: LibrarySizes | None,
    limit: float,
    genes: Sequence[str] | None,
) -> Collected:
    columns = _wanted(selections, table.column_ids)
    names, gene_of = joined_names(table.column_ids)
    panel = np.empty(0, np.intp) if columns is None else np.flatnonzero(np.isin(gene_of, panel_among(names, genes)[1]))
    wanted = np.arange(len(table.column_ids)) if columns is None else columns
    kept, beside = (GrowingMatrix(len(part), file=table.file, limit=limit) for part in (wanted, panel))
    sample_ids: list[str] = []
    for block in table.blocks:
        sample_ids += block.row_ids
        if libraries is not None and libraries.wanted:
            values = block.values()
            libraries.add_samples(values)
            kept.append(values if columns is None else values[:, columns])
            beside.append(values[:, panel])
        elif columns is None:
            kept.append(block.values())
        else:
            ours, others = _readable(block, columns, panel, side="columns")
            kept.append(ours)
            beside.append(others)
    found = None if columns is None else ([table.column_ids[at] for at in panel], beside.values)
    return Collected(table.file, kept.values, sample_ids, table.column_ids, wanted, table.column_ids, found)


def _collect_genes(
    table: Table,
    selections: Sequence[Selection],
    libraries: LibrarySizes | None,
    limit: float,
    of_panel: Sequence[str] | None,
) -> Collected:
    genes = None if None in selections else {gene for genes in selections for gene in genes_of(genes)}
    is_wanted = None if genes is None else possible_match(genes)
    kept = GrowingMatrix(len(table.column_ids), file=table.file, limit=limit)
    beside = PanelRows(len(table.column_ids), of_panel, file=table.file, limit=limit)
    gene_ids: list[str] = []
    kept_at: list[int] = []  # position in the file of each kept row
    for block in table.blocks:
        rows = np.asarray(
            [at for at, gene in enumerate(block.row_ids) if is_wanted is None or is_wanted(gene)], np.intp
        )
        panel = np.empty(0, np.intp) if is_wanted is None else beside.candidates(block.row_ids)
        kept_at += (rows + len(gene_ids)).tolist()
        gene_ids += block.row_ids
        if libraries is not None and libraries.wanted:
            values = block.values()
            libraries.add_genes(values)
            ours, others = values[rows], values[panel]
        else:
            ours, others = _readable(block, rows, panel, side="rows")
        kept.append(ours)
        if len(panel):
            beside.add([block.row_ids[at] for at in panel], others)
    found = None if is_wanted is None else beside.samples()
    positions = np.asarray(kept_at, np.intp)
    return Collected(table.file, kept.values.T, table.column_ids, gene_ids, positions, gene_ids, found)


def _readable(block: Block, wanted: IntArray, beside: IntArray, *, side: str) -> tuple[FloatArray, FloatArray]:
    """The values of wanted rows or columns, each a number, and of others beside them, not a number where unreadable.

    What nobody asked for is no reason to refuse a file.
    """
    axis, both = 0 if side == "rows" else 1, np.union1d(wanted, beside)
    try:
        values = block.values(**{side: both})
    except ExpressionError:
        ours = block.values(**{side: wanted})
        return ours, _as_far_as_readable(block, beside, side, ours.shape[1 - axis])
    ours, others = (values.take(np.searchsorted(both, part), axis=axis) for part in (wanted, beside))
    return ours, others


def _as_far_as_readable(block: Block, at: IntArray, side: str, length: int) -> FloatArray:
    """Values of rows or columns of a length; not a number all along one that holds something else, found by halves."""
    try:
        return block.values(**{side: at})
    except ExpressionError:
        if len(at) > 1:
            halves = [_as_far_as_readable(block, half, side, length) for half in np.array_split(at, 2)]
            return np.concatenate(halves, axis=0 if side == "rows" else 1)
        return np.full((len(at), length) if side == "rows" else (length, len(at)), np.nan, np.float32)
