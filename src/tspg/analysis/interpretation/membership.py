"""Which of a matrix's genes belong to which annotated gene set."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tspg.data.genesets import GeneSets
from tspg.data.identifiers import AvailableGenes, without_version
from tspg.errors import GeneSetError


class Membership(NamedTuple):
    """Which background genes each term of a category holds; `positions` are the background's among all genes."""

    terms: list[str]
    matrix: csr_array
    positions: NDArray[np.int64]


@lru_cache(maxsize=16)  # every table of a run asks about the same few categories and genes
def membership(gene_sets: GeneSets, genes: tuple[str, ...]) -> Membership | None:
    """The sets with a gene among `genes`; None if there is none.

    Ensembl ids are found by their symbols; of several versions of one the first counts.
    """
    kept, available = _available(genes)
    try:
        found, _ = available.find(gene_sets.union().genes)
    except GeneSetError:
        return None
    if not found:
        return None
    positions = sorted(found.values())
    number_of = {position: number for number, position in enumerate(positions)}
    column = {gene: number_of[position] for gene, position in found.items()}
    rows = {name: sorted(column[gene] for gene in one.genes if gene in column) for name, one in gene_sets.items()}
    held = {name: row for name, row in rows.items() if row}
    indptr = np.cumsum([0, *map(len, held.values())])
    indices = np.concatenate([np.asarray(row, dtype=np.int64) for row in held.values()])
    matrix = csr_array((np.ones(len(indices), dtype=np.int32), indices, indptr), shape=(len(held), len(column)))
    return Membership(list(held), matrix, kept[positions])


@lru_cache(maxsize=2)  # most genes are in several categories: each is looked up once
def _available(genes: tuple[str, ...]) -> tuple[NDArray[np.int64], AvailableGenes]:
    """The genes by any of their names, of several versions of one the first; and their positions."""
    first: dict[str, int] = {}
    for position, gene in enumerate(genes):
        first.setdefault(without_version(gene), position)
    kept = np.array(list(first.values()), dtype=np.int64)
    return kept, AvailableGenes([genes[position] for position in kept])


def of_size(known: Membership, least: int) -> Membership:
    """The sets of so many genes or more, and with a gene outside."""
    sizes = np.diff(known.matrix.indptr)
    kept = np.flatnonzero((sizes >= least) & (sizes < len(known.positions)))
    return Membership([known.terms[t] for t in kept], known.matrix[kept], known.positions)
