"""How many samples the slow measures use: all of them, up to a bound that only large data sets reach."""

import numpy as np
from numpy.typing import NDArray

from tspg.utils.typing import Int64Array

MOST_TAUGHT = 2000  # real training samples that a classifier learns from
MOST_MOVED = 2000  # training sources that are moved to teach what the target looks like
MOST_TOLD_APART = 1000  # moved samples in which the class they came from is looked for
MOST_PERMUTED = 500  # people whose distances are permuted; each permutation visits every two of them


def rows_within_bound(n: int, *, seed: int, bound: int) -> Int64Array:
    """The samples to look at: all of them up to the bound, above that so many drawn at random, in their order."""
    if n <= bound:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng([seed, 52]).choice(n, bound, replace=False)).astype(np.int64)


def rows_of_every_class(class_names: NDArray[np.object_], *, seed: int, bound: int) -> Int64Array:
    """The same with a fair part for every class: the largest classes give way first, a small one keeps all it has."""
    if len(class_names) <= bound:
        return np.arange(len(class_names), dtype=np.int64)
    number = np.unique(class_names, return_inverse=True)[1]
    order = np.random.default_rng([seed, 53]).permutation(len(number))
    by_class = order[np.argsort(number[order], kind="stable")]
    sizes = np.bincount(number)
    place_in_class = np.arange(len(number)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    parts = np.arange(1, int(sizes.max()) + 1)  # that a class may have at most
    within = np.minimum(sizes, parts[:, None]).sum(axis=1) <= bound
    return np.sort(by_class[place_in_class < max(1, int(within.sum()))]).astype(np.int64)


def bound_note(used: int, n: int, what: str) -> str:
    """A note on samples that were left out; empty where none was."""
    return "" if used == n else f"{used:,} of {n:,} {what}"
