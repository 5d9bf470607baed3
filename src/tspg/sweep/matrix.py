"""The user's matrix as the gene sets of a sweep need it: read once, matched, and written part by part."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.expression import ExpressionFile, read_once
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.data.identifiers import FEWEST_GENES, match_genes
from tspg.data.readers.npy import names_beside
from tspg.data.readers.sample_sheets import input_files
from tspg.errors import GeneSetError
from tspg.sweep.cache import has_matrix, write_matrix
from tspg.sweep.inputs import label_column_of, reading_of
from tspg.sweep.settings import ALL, NOT_DECISIVE, SweepSettings
from tspg.utils.files import fingerprint, slug

DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))})
UNION = "all"
EVERY_GENE = "every-gene"  # in file names
LONGEST_NAME = 40  # letters of it in a file name


@dataclass(frozen=True)
class WantedSet:
    """A gene set of the sweep on the matrix; `gene_set` None is every gene.

    `matrix` is the folder of its part; `skipped` says why it has too few genes, and is empty otherwise.
    """

    gene_set: GeneSet | None
    matrix: str
    n_genes: int
    skipped: str = ""

    @property
    def name(self) -> str:
        """Its name; empty for every gene."""
        return "" if self.gene_set is None else self.gene_set.name

    @property
    def n_wanted(self) -> int:
        """How many genes it has by itself."""
        return self.n_genes if self.gene_set is None else len(self.gene_set.genes)


class SweepMatrix:
    """The matrix and gene sets of a sweep file, read when they are needed; `known` are the fingerprints of files."""

    def __init__(self, settings: SweepSettings, known: dict[Path, str]) -> None:
        self.settings, self.known = settings, known
        self.plain_settings: dict[str, Any] = json.loads(json.dumps(asdict(settings), default=str))
        self.draws_random_sets = settings.random_gene_sets > 0 and settings.gene_sets is not None

    @cached_property
    def gene_sets(self) -> list[GeneSet | None]:
        """The wanted gene sets in the order of the sweep file; None for every gene."""
        if self.settings.gene_sets is None:
            return [None]
        read = read_gene_sets(*self.settings.gene_set_files)
        named = {UNION: [read.union()], ALL: list(read.values())}
        found = [one for name in self.settings.gene_sets for one in named.get(name) or [read[name]]]
        return list({one.name: one for one in found}.values())

    @property
    def _read_for(self) -> list[GeneSet | None]:
        """The gene sets, and every gene if random sets are drawn."""
        return [*self.gene_sets, *([None] if self.draws_random_sets else [])]

    @cached_property
    def expression(self) -> ExpressionFile:
        """The matrix, read once for all gene sets."""
        return read_once(reading_of(self.plain_settings), self._read_for)

    def select(self, gene_set: GeneSet | None) -> AnnData:
        """The labelled expression of one gene set."""
        adata = self.expression.select(gene_set)
        return adata[(adata.obs[label_column_of(self.plain_settings, adata)] != "").to_numpy()]

    @cached_property
    def wanted(self) -> list[WantedSet]:
        """Every gene set with how many of its genes the matrix has; one that was named and has none is refused."""
        available, wanted = self.expression.collected.gene_ids, []
        for gene_set in self.gene_sets:
            if gene_set is None:
                wanted.append(WantedSet(None, self.folder_name(None), len(available)))
                continue
            try:
                n_genes = len(match_genes(gene_set.genes, available, name=gene_set.name).found)
            except GeneSetError:
                if gene_set.name in (self.settings.gene_sets or ()):
                    raise
                n_genes = 0
            reason = f"{n_genes} of {len(gene_set.genes)} genes are in the matrix; {FEWEST_GENES} or more are needed"
            skipped = reason if n_genes < FEWEST_GENES else ""
            wanted.append(WantedSet(gene_set, self.folder_name(gene_set), n_genes, skipped))
        return wanted

    @cached_property
    def usable(self) -> list[WantedSet]:
        """Gene sets with enough genes."""
        return [one for one in self.wanted if not one.skipped]

    @cached_property
    def first(self) -> WantedSet:
        """The gene set on which classes and targets are checked: one with enough genes, if there is."""
        first = (self.usable or sorted(self.wanted, key=lambda one: -one.n_genes))[0]
        if first.gene_set is not None and first.n_genes == 0:
            try:
                match_genes(first.gene_set.genes, self.expression.collected.gene_ids, name=first.name)
            except GeneSetError as error:
                raise GeneSetError(
                    f"None of the {len(self.wanted)} gene sets has a gene in the matrix: {error}"
                ) from error
        return first

    def folder_name(self, gene_set: GeneSet | None) -> str:
        """The folder of a gene set's part: it changes with the input files, how they are read, and the genes."""
        expression = self.settings.expression
        files = [*input_files(expression), *names_beside(expression), self.settings.labels]
        content = [
            [(path.name, self.known[path]) for path in files if path is not None],
            self.settings.label_column,
            {key: value for key, value in self.plain_settings["reading"].items() if key not in NOT_DECISIVE},
            None if gene_set is None else [gene_set.name, *gene_set.genes],
        ]
        return f"{short('' if gene_set is None else gene_set.name)}.{fingerprint(json.dumps(content))}"

    @cached_property
    def classes(self) -> list[str]:
        """Every class of the labelled samples."""
        adata = self.select(self.first.gene_set)
        return sorted(set(adata.obs[label_column_of(self.plain_settings, adata)]))

    def write(self, folder: Path) -> None:
        """Write each gene set's part, where it is not there yet."""
        used = {one.matrix for one in self.usable} | {self.folder_name(None)}
        for gene_set in self._read_for:
            part = folder / "data" / self.folder_name(gene_set)
            if part.name in used and not has_matrix(part):
                write_matrix(part, self.select(gene_set), gene_set)


def short(name: str) -> str:
    """A gene set's or class's name as a part of a file name, also on Windows, where CON.x is no file."""
    readable = slug(name, LONGEST_NAME) or EVERY_GENE
    return f"{readable}_" if readable.upper() in DEVICES else readable
