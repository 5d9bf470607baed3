"""The blocks of a table collected into one matrix, samples x genes, of the wanted genes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from tspg.data.duplicates import joined_names, joined_values
from tspg.data.genesets import GeneSet
from tspg.data.identifiers import GeneMatch, match_genes, possible_match
from tspg.data.quantiles import PANEL, PanelRows, Quantiles, panel_among, quantile_functions
from tspg.data.readers.table import GrowingMatrix, Table
from tspg.data.sample_statistics import SampleStatistics, Shape
from tspg.data.scale import UNCLEAR, Scale
from tspg.data.scale_detection import decide
from tspg.errors import ExpressionError, GeneSetError
from tspg.utils.names import check_names, is_no_gene
from tspg.utils.typing import BoolArray, Float32Array, IndexArray

Selection = Sequence[str] | GeneSet | None  # wanted genes; None means all


@dataclass(frozen=True)
class Matrix:
    """Values of shape (samples, genes) with their names; `match` is None if all genes were wanted."""

    values: Float32Array
    sample_ids: list[str]
    gene_ids: list[str]
    match: GeneMatch | None


@dataclass(frozen=True)
class Collected:
    """The genes of some selections, read once; `positions` are those of the columns of `values` in `gene_ids`.

    `panel` are genes of the whole file and their values, over which the distribution of each sample's values is
    taken; None if all genes were wanted. `names_in_file` are the genes before those of one name were joined.
    `statistics` are of every sample over all genes of the file, `left_out` the names of rows that are no genes.
    """

    file: str
    values: Float32Array
    sample_ids: list[str]
    gene_ids: list[str]  # of the whole file
    positions: IndexArray
    names_in_file: list[str]
    statistics: SampleStatistics
    left_out: list[str]
    panel: tuple[list[str], Float32Array] | None = None
    are_joined: bool = False  # some wanted genes are several of one name

    def some(self, samples: BoolArray) -> "Collected":
        """The same for some of the samples."""
        return replace(
            self,
            values=self.values[samples],
            sample_ids=list(compress(self.sample_ids, samples)),
            statistics=self.statistics.some(samples),
            panel=None if self.panel is None else (self.panel[0], self.panel[1][samples]),
        )

    def scale(self, quantiles: Quantiles | None, fixed: str) -> tuple[Scale, Shape | None]:
        """The scale of the values, and the distribution of each sample's; `fixed` is as for `decide`."""
        panel = self.values if self.panel is None else self.panel[1]
        if quantiles is None or len(quantiles.genes) < self.values.shape[1] <= PANEL:  # none of another file's panel
            panel = self.values
            if not panel.size:
                return Scale(UNCLEAR, "few genes"), None
            shape = Shape.of(quantile_functions(panel), panel.shape[1])
        else:
            shape = Shape.of(quantiles.values, len(quantiles.genes))
        return decide(self.statistics, panel, shape, fixed), shape

    def quantiles(self, genes: Sequence[str] | None) -> Quantiles | None:
        """The quantile function of each sample over some genes, by default those of the panel; None without any."""
        names, values = self.panel or (self.gene_ids, self.values)
        found, chosen = panel_among(names, genes)
        if not found:
            return None
        return Quantiles(tuple(found), quantile_functions(values if len(chosen) == len(names) else values[:, chosen]))

    def select(self, genes: Selection) -> Matrix:
        """The values of one of the selections that the file was read for.

        Raises GeneSetError if the file has none of its genes.
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
    limit: float,
    duplicates: str = "error",
    panel: Sequence[str] | None = None,
) -> Collected:
    """The values of all wanted genes; every value of the file is read and checked.

    Genes of one name are refused or joined, as `duplicates` says. `panel` are the genes over which distributions are
    taken, instead of the file's own panel.
    """
    if turned:
        _check(table.column_ids, "sample", table)
        found = _collect_genes(table, selections, limit, panel)
        _check(found.gene_ids, "gene", table, duplicates)
    else:
        _check(table.column_ids, "gene", table, duplicates)
        found = _collect_samples(table, selections, limit, panel)
        _check(found.sample_ids, "sample", table)
    if duplicates == "error":
        return found
    genes, gene_of = joined_names(found.gene_ids)
    kept, joined_panel = gene_of[found.positions], None
    values = joined_values(found.values, kept, duplicates)
    if not np.isfinite(values).all():
        raise ExpressionError(
            f"{found.file}: genes of one name add up to more than a 32-bit number holds. "
            "Use --duplicates mean or first."
        )
    if found.panel is not None:
        names, gene_of_panel = joined_names(found.panel[0])
        joined_panel = names, joined_values(found.panel[1], gene_of_panel, duplicates)
    return replace(
        found,
        values=values,
        gene_ids=genes,
        positions=np.unique(kept),
        panel=joined_panel,
        are_joined=values.size < found.values.size,
    )


def _check(names: list[str], what: str, table: Table, duplicates: str = "error") -> None:
    check_names(names, what=what, file=table.file, error=ExpressionError, twice_allowed=duplicates != "error")


def _genes_of(selection: Selection) -> Sequence[str]:
    return selection.genes if isinstance(selection, GeneSet) else selection or ()


def _match(selection: Selection, gene_ids: list[str]) -> GeneMatch:
    name = selection.name if isinstance(selection, GeneSet) else "the gene set"
    return match_genes(_genes_of(selection), gene_ids, name=name)


def _wanted_positions(selections: Sequence[Selection], gene_ids: list[str]) -> IndexArray | None:
    """Positions of the genes of all selections, in the order of the file; None if all are wanted.

    A single selection without any gene in the file is refused at once; one of several, when it is taken.
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
    table: Table, selections: Sequence[Selection], limit: float, panel_genes: Sequence[str] | None
) -> Collected:
    gene_ids, left_out, are_genes = _without_no_genes(table.column_ids)
    columns = _wanted_positions(selections, gene_ids)
    if columns is None:
        wanted, panel = np.arange(len(gene_ids)), np.empty(0, np.intp)
    else:
        names, gene_of = joined_names(gene_ids)
        wanted, panel = columns, np.flatnonzero(np.isin(gene_of, panel_among(names, panel_genes)[1]))
    kept, of_panel = (GrowingMatrix(len(part), file=table.file, limit=limit) for part in (wanted, panel))
    no_values = np.empty((0, len(gene_ids)), np.float32)
    statistics, sample_ids = [SampleStatistics.of_block(no_values)], list[str]()
    for block in table.blocks:
        sample_ids += block.row_ids
        values = block.values() if not left_out else block.values()[:, are_genes]
        statistics.append(SampleStatistics.of_block(values))
        kept.append(values if columns is None else values[:, columns])
        of_panel.append(values[:, panel])
    found = None if columns is None else ([gene_ids[at] for at in panel], of_panel.values)
    of_all = SampleStatistics.of_samples(statistics)
    return Collected(table.file, kept.values, sample_ids, gene_ids, wanted, gene_ids, of_all, left_out, found)


def _collect_genes(
    table: Table, selections: Sequence[Selection], limit: float, panel_genes: Sequence[str] | None
) -> Collected:
    is_wanted = None
    if None not in selections:
        is_wanted = possible_match({gene for genes in selections for gene in _genes_of(genes)})
    kept = GrowingMatrix(len(table.column_ids), file=table.file, limit=limit)
    of_panel = PanelRows(len(table.column_ids), panel_genes, file=table.file, limit=limit)
    statistics = SampleStatistics.of_block(np.empty((0, len(table.column_ids)), np.float32), genes_axis=0)
    gene_ids, left_out = list[str](), list[str]()
    positions: list[int] = []  # among the genes, of each kept row
    for block in table.blocks:
        names, others, are_genes = _without_no_genes(block.row_ids)
        values = block.values() if not others else block.values()[are_genes]
        statistics = statistics.with_genes(SampleStatistics.of_block(values, genes_axis=0))
        rows = np.asarray([at for at, gene in enumerate(names) if is_wanted is None or is_wanted(gene)], np.intp)
        positions += (rows + len(gene_ids)).tolist()
        gene_ids += names
        left_out += others
        kept.append(values if is_wanted is None else values[rows])
        if is_wanted is not None:
            panel = of_panel.candidates(names)
            of_panel.add([names[at] for at in panel], values[panel])
    found = None if is_wanted is None else of_panel.samples()
    at = np.asarray(positions, np.intp)
    return Collected(table.file, kept.values.T, table.column_ids, gene_ids, at, gene_ids, statistics, left_out, found)


def _without_no_genes(names: Sequence[str]) -> tuple[list[str], list[str], BoolArray]:
    """The names of genes, the other names, and a mask of the genes."""
    are_genes = np.fromiter((not is_no_gene(name) for name in names), bool, len(names))
    return list(compress(names, are_genes)), list(compress(names, ~are_genes)), are_genes
