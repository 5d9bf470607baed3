"""Resampling by donor, where a person's samples are drawn, permuted and held out together; and bounds on samples.

The slow measures use all samples up to a bound that only large data sets reach.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from tspg.utils.typing import Float64Array, Int64Array

Groups = Sequence[str] | NDArray[np.object_] | None

FEWEST_DONORS = 5  # resampling fewer says nothing about people that are not in the data
MOST_TRAINING = 2000  # real training samples that a classifier learns from
MOST_MOVED = 2000  # training sources that are moved to teach what the target looks like
MOST_HELD_OUT = 1000  # held-out samples of either side on which methods are measured; distances are those of every two
MOST_SEPARATED = 1000  # moved samples in which the class they came from is looked for
MOST_PERMUTED = 500  # people whose distances are permuted; each permutation visits every two of them


def donor_codes(*clouds: tuple[int, Groups]) -> list[Int64Array]:
    """A number for the donor of every sample, the same in all clouds of profiles.

    Each cloud is given as (number of samples, donor names); without names every sample is a donor
    of its own.
    """
    known: dict[object, int] = {}
    found = []
    for cloud, (n, groups) in enumerate(clouds):
        names: list[object] = [(cloud, row) for row in range(n)] if groups is None else [str(name) for name in groups]
        if len(names) != n:
            raise ValueError(f"{len(names)} donors are given for {n} samples.")
        found.append(np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64))
    return found


def bootstrap_weights(
    donors: Int64Array, *, n_boot: int, rng: np.random.Generator, strata: NDArray[np.int64] | None = None
) -> Float64Array:
    """How often each sample occurs in each bootstrap draw of donors, shape (n_boot, samples).

    `strata` holds a number for every sample, the same for all samples of a donor: as many donors are
    drawn of each stratum as there are.
    """
    codes, first_row, row_donor = np.unique(donors, return_index=True, return_inverse=True)
    stratum = np.zeros(len(codes), dtype=np.int64) if strata is None else strata[first_row]
    counts = np.empty((n_boot, len(codes)))
    for name in np.unique(stratum):
        members = np.flatnonzero(stratum == name)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=n_boot)
    return counts[:, row_donor]


def spread_interval(value: float, replicates: Float64Array, n_donors: int) -> tuple[float, float]:
    """The 95% interval of a number: the middle of its bootstrap replicates, moved so that their mean is the number.

    A resample holds some people twice and is noisier than the data, which shifts correlations, so only the
    spread of the replicates is used. It is widened as Student's t widens a mean's (Hesterberg 2015: with 8
    people the plain bootstrap covers 87%).
    """
    usable = replicates[np.isfinite(replicates)]
    if len(usable) < max(20, len(replicates) // 2):
        return np.nan, np.nan
    low, high = np.quantile(usable - usable.mean(), [0.025, 0.975]) * widening(n_donors)
    return float(value + low), float(value + high)


def widening(n_donors: int) -> float:
    """How much wider than a plain bootstrap's an interval over few donors has to be."""
    return float(stdtrit(n_donors - 1, 0.975) / ndtri(0.975) * np.sqrt(n_donors / (n_donors - 1)))


def bootstrap_interval(
    value: float,
    donors: Int64Array,
    statistic: Callable[[Float64Array], Float64Array],
    *,
    seed: int,
    n_boot: int = 1000,
) -> tuple[float, float]:
    """The 95% interval of a number over donors; `statistic` turns weights (n_boot, samples) into replicates."""
    n_donors = len(np.unique(donors))
    if n_donors < FEWEST_DONORS:
        return np.nan, np.nan
    rng = np.random.default_rng([seed, 50])
    return spread_interval(value, statistic(bootstrap_weights(donors, n_boot=n_boot, rng=rng)), n_donors)


def permuted_sides(
    donors: Int64Array, is_first: NDArray[np.bool_], *, n: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Random re-assignments of samples to two clouds that keep donors together, shape (n, samples).

    Donors with samples in one cloud only are permuted as a whole: as many donors lie in the first
    cloud as did. Donors with samples in both have theirs permuted among themselves.
    """
    codes, row_donor = np.unique(donors, return_inverse=True)
    n_first = np.bincount(row_donor, weights=is_first, minlength=len(codes))
    n_rows = np.bincount(row_donor, minlength=len(codes))
    in_both = (n_first > 0) & (n_first < n_rows)
    sides = np.tile(n_first > 0, (n, 1))
    sides[:, ~in_both] = rng.permuted(sides[:, ~in_both], axis=1)
    permuted: NDArray[np.bool_] = sides[:, row_donor]

    shared = np.flatnonzero(in_both[row_donor])
    shared = shared[np.lexsort((~is_first[shared], row_donor[shared]))]  # by donor, first cloud first
    for draw in range(n if len(shared) else 0):
        order = np.lexsort((rng.random(len(shared)), row_donor[shared]))
        permuted[draw, shared[order]] = is_first[shared]
    return permuted


def monte_carlo_p(observed: float, null: Float64Array) -> float:
    """The permutation p-value (1 + b) / (1 + B), with b of B at least as large; never 0 (Phipson & Smyth 2010)."""
    tolerance = 1e-12 * max(1.0, abs(observed))  # sums in another order differ in the last digits
    return float((1 + np.count_nonzero(null >= observed - tolerance)) / (1 + len(null)))


def joint_p_value(observed: Float64Array, null: Float64Array) -> float:
    """One p-value for several measures of the same permutations, by their largest standardised value.

    `observed` has shape (measures,), `null` (permutations, measures); large values are evidence
    against. The observed row takes part in the standardisation, so the p-value is exact.
    """
    every = np.vstack([observed, null])
    spread = every.std(axis=0)
    largest = ((every - every.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).max(axis=1)
    return monte_carlo_p(float(largest[0]), largest[1:])


def donor_folds(donors: Int64Array, classes: NDArray[np.object_], *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold in which each sample is held out, whole donors at a time and every class spread over the folds."""
    row_donor = np.unique(donors, return_inverse=True)[1]
    row_class = np.unique(classes, return_inverse=True)[1]
    counts = np.zeros((row_donor.max() + 1, row_class.max() + 1))
    np.add.at(counts, (row_donor, row_class), 1)
    held = np.zeros((n_folds, counts.shape[1]))
    fold_of = np.empty(len(counts), dtype=np.int64)
    for donor in np.random.default_rng([seed, 51]).permutation(len(counts)):
        crowding = (held / counts.sum(axis=0)) @ counts[donor]
        fold_of[donor] = np.argmin(crowding)
        held[fold_of[donor]] += counts[donor]
    return fold_of[row_donor]


def permuted_rows(donors: Int64Array, *, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random orders of the samples in which donors change places as a whole, shape (n, samples).

    Donors change places with those that have as many samples; one with a number of samples of its own stays.
    """
    codes, row_donor = np.unique(donors, return_inverse=True)
    by_donor = np.argsort(row_donor, kind="stable")
    n_rows = np.bincount(row_donor, minlength=len(codes))
    start = np.cumsum(n_rows) - n_rows
    orders = np.empty((n, len(donors)), dtype=np.int64)
    for size in np.unique(n_rows):
        rows = by_donor[start[n_rows == size][:, None] + np.arange(size)]  # donors x samples of each
        for order in orders:
            order[rows] = rows[rng.permutation(len(rows))]
    return orders


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
