"""Genes that a file holds several times: refused, or made one gene by a rule that looks at one sample at a time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tspg.data.readers.table import to_float32
from tspg.errors import UsageError
from tspg.utils.names import listed
from tspg.utils.options import DUPLICATES
from tspg.utils.typing import Float32Array

_IN_WORDS = {"first": "the first of each was kept", "mean": "they were averaged", "sum": "they were added up"}


def check_rule(rule: str) -> None:
    """Refuse a rule that there is not.

    Raises
    ------
    UsageError
        With the rules that there are.
    """
    if rule not in DUPLICATES:
        raise UsageError(f"--duplicates {rule}: there is no such rule. Choose one of: {', '.join(DUPLICATES)}.")


def joined_names(names: Sequence[str]) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Every name once, in order of first appearance, and for each of the given ones which it is."""
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return list(number_of), np.asarray([number_of[name] for name in names], np.intp)


def joined_values(values: Float32Array, gene_of: npt.NDArray[np.intp], rule: str) -> Float32Array:
    """Columns of one gene made one; `gene_of` numbers each column's gene, and the result is in order of the numbers."""
    genes, first, place, counts = np.unique(gene_of, return_index=True, return_inverse=True, return_counts=True)
    joined: Float32Array = np.ascontiguousarray(values[:, first])
    if rule == "first" or len(genes) == len(gene_of):
        return joined
    for at in np.flatnonzero(counts > 1):
        total = values[:, place == at].sum(axis=1, dtype=np.float64)
        joined[:, at] = to_float32(total / counts[at] if rule == "mean" else total)
    return joined


def note_on_joined(names: Sequence[str], rule: str) -> list[str]:
    """What was done about genes that occur several times, for the user."""
    genes, gene_of = joined_names(names)
    twice = [genes[at] for at in np.flatnonzero(np.bincount(gene_of) > 1)] if len(genes) < len(names) else []
    if not twice:
        return []
    return [
        f"{len(twice):,} gene name(s) occur more than once; {_IN_WORDS[rule]} (--duplicates {rule}): {listed(twice)}"
    ]
