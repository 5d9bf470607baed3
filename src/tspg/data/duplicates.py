"""Genes that a file holds several times, joined by a rule that looks at one sample at a time."""

from collections.abc import Sequence

import numpy as np

from tspg.data.readers.table import to_float32
from tspg.utils.names import listed
from tspg.utils.typing import Float32Array, IndexArray

_IN_WORDS = {"first": "the first of each was kept", "mean": "they were averaged", "sum": "they were added up"}


def joined_names(names: Sequence[str]) -> tuple[list[str], IndexArray]:
    """Every name once, in order of first appearance, and the number of each given name among these."""
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return list(number_of), np.asarray([number_of[name] for name in names], np.intp)


def joined_values(values: Float32Array, gene_of: IndexArray, rule: str) -> Float32Array:
    """The columns of each gene joined, in order of the numbers that `gene_of` gives to each column's gene."""
    genes, first, place, counts = np.unique(gene_of, return_index=True, return_inverse=True, return_counts=True)
    joined: Float32Array = np.ascontiguousarray(values[:, first])
    if rule == "first" or len(genes) == len(gene_of):
        return joined
    for at in np.flatnonzero(counts > 1):
        total = values[:, place == at].sum(axis=1, dtype=np.float64)
        joined[:, at] = to_float32(total / counts[at] if rule == "mean" else total)
    return joined


def note_on_joined(names: Sequence[str], rule: str) -> list[str]:
    """What was done with genes that occur several times."""
    genes, gene_of = joined_names(names)
    if len(genes) == len(names):
        return []
    twice = [genes[at] for at in np.flatnonzero(np.bincount(gene_of) > 1)]
    return [
        f"{len(twice):,} gene name(s) occur more than once; {_IN_WORDS[rule]} (--duplicates {rule}): {listed(twice)}"
    ]
