"""How far moved profiles lie from real ones: energy distance (Szekely & Rizzo 2013) and what it is read against."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.distances import CloudPair, pairwise
from tspg.analysis.evaluation.measure import Measure, few_targets, joined_notes
from tspg.analysis.evaluation.resampling import (
    FEWEST_DONORS,
    Groups,
    bootstrap_weights,
    donor_codes,
    monte_carlo_p,
    permuted_sides,
    spread_interval,
)
from tspg.utils.typing import Float64Array, FloatArray, Int64Array

NULL_SPLITS = 500
BOOTSTRAPS = 1000
PERMUTATIONS = 999
FEWEST_ROWS = 4  # of the target, to be split in two with a distance inside either part
_PERMUTATIONS_AT_ONCE = 128


def energy_distance(x: FloatArray, y: FloatArray) -> float:
    """How far two clouds of profiles lie apart: 2 E|x - y| - E|x - x'| - E|y - y'|.

    Euclidean, not squared: the squared form sees only the means and is blind to collapse. Unbiased: a sample is
    never paired with itself, so two draws from one population give 0 on average, and slightly less than 0 is
    possible. A single profile has no pair; its own term is 0.
    """
    return float(2 * pairwise(x, y).mean() - mean_within(pairwise(x)) - mean_within(pairwise(y)))


def mean_within(distances: Float64Array) -> float:
    """Mean distance between two different samples; 0 for a single one."""
    n = len(distances)
    return float(distances.sum() / (n * (n - 1))) if n > 1 else 0.0


def _pair_means(sums: Float64Array, weights: Float64Array) -> Float64Array:
    """Mean distance between two different samples in each draw, from `weights @ distances`; copies are no pair."""
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    totals = np.einsum("bi,bi->b", sums, weights)
    means: Float64Array = np.divide(totals, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return means


def _means_between(sums: Float64Array, first: Float64Array, second: Float64Array) -> Float64Array:
    """Mean distance from the first to the second side in each draw, from `first @ distances`."""
    means: Float64Array = np.einsum("bj,bj->b", sums, second) / (first.sum(axis=1) * second.sum(axis=1))
    return means


@dataclass(frozen=True)
class Excess:
    """E(X, T) - E(R, T) of one method's `n` profiles, and the same for every bootstrap draw of donors."""

    value: float
    drawn: Float64Array
    n: int


@dataclass(frozen=True)
class EnergyScale:
    """The axis of the energy ratio: 0 at the target's training samples, 1 at the untouched sources.

    With T the held-out real target samples and R those of the training part, e0 = E(R, T), and
    ratio(X) = (E(X, T) - e0) / (E(sources, T) - e0). E|t - t'| cancels in both differences. Without R, T is its
    own reference and e0 = 0: 0 is then where T itself lies.
    """

    within_sources: Float64Array
    sources_to_real: Float64Array
    real_to_reference: Float64Array  # mean distance to R, for each real sample
    within_reference: float
    source_weights: Float64Array
    real_weights: Float64Array
    null: Float64Array  # E between random pieces of the target
    n_donors: int

    @classmethod
    def of(
        cls,
        sources: FloatArray,
        real: FloatArray,
        training_target: FloatArray | None,
        *,
        source_groups: Groups = None,
        real_groups: Groups = None,
        training_groups: Groups = None,
        seed: int,
        n_boot: int = BOOTSTRAPS,
    ) -> "EnergyScale":
        """Measure the axis once; every method is then read off it with the same bootstrap draws.

        Donors are drawn anew separately among those with sources only, with target samples only and
        with both. The training part stays as it is: everything was fitted on it.
        """
        n, m = len(sources), len(real)
        reference = real[:0] if training_target is None else training_target
        source_donors, real_donors, training_donors = donor_codes(
            (n, source_groups), (m, real_groups), (len(reference), training_groups)
        )
        donors = np.concatenate([source_donors, real_donors])
        strata = 2 * np.isin(donors, source_donors) + np.isin(donors, real_donors)
        weights = bootstrap_weights(donors, n_boot=n_boot, rng=np.random.default_rng([seed, 60]), strata=strata)
        within_target = pairwise(np.concatenate([real, reference]))
        to_reference, within = within_target[:m, m:], within_target[m:, m:]
        pieces = _pieces(np.concatenate([real_donors, training_donors]), m, seed)
        first, second = ((pieces == piece).astype(np.float64) for piece in (1, 2))
        null = _energies(first @ within_target, second @ within_target, first, second)
        if training_target is None:
            to_reference, within = within_target[~np.eye(m, dtype=bool)].reshape(m, m - 1), within_target
            null /= 2  # as of pieces as large as T: without a difference E goes with 1 / size
        return cls(
            within_sources=pairwise(sources),
            sources_to_real=pairwise(sources, real),
            real_to_reference=to_reference.mean(axis=1),
            within_reference=mean_within(within),
            source_weights=weights[:, :n],
            real_weights=weights[:, n:],
            null=null,
            n_donors=min(len(np.unique(source_donors)), len(np.unique(real_donors))),
        )

    @property
    def gap(self) -> float:
        """E(sources, T) - e0: how far the sources lie from the target before anything is moved."""
        return self._untouched.value

    @cached_property
    def _untouched(self) -> Excess:
        return self._excess(self.within_sources, self.sources_to_real)

    @property
    def is_defined(self) -> bool:
        """Whether source and target can be told apart at all.

        They can where E(sources, T) - e0 is above the 95% quantile of E between two random pieces of
        the target (training and held-out samples together, split by donor), each as large as T or,
        where T is the larger part, half of all. Below that the ratio divides noise by noise.
        """
        return len(self.null) > 0 and bool(self.gap > max(np.quantile(self.null, 0.95), 0.0))

    def _excess(self, within: Float64Array, between: Float64Array) -> Excess:
        value = 2 * (between.mean() - self.real_to_reference.mean()) - (mean_within(within) - self.within_reference)
        sources, real = self.source_weights, self.real_weights
        reference = real @ self.real_to_reference / real.sum(axis=1)
        drawn_between = _means_between(sources @ between, sources, real)
        drawn = 2 * (drawn_between - reference) - (_pair_means(sources @ within, sources) - self.within_reference)
        return Excess(float(value), drawn, len(within))

    def excess(self, pair: CloudPair) -> Excess:
        """How far moved profiles (in the order of the sources) lie beyond the target's own training samples."""
        return self._excess(pair.within_moved, pair.between)

    def ratio(self, excess: Excess) -> Measure:
        """The energy ratio, a place on the axis from 0 to 1, with its interval over donors."""
        if not self.is_defined:
            return self._undefined(excess.n)
        value, low, high = excess.value / self.gap, np.nan, np.nan
        if self.n_donors >= FEWEST_DONORS:
            above = np.where(self._untouched.drawn > 0, self._untouched.drawn, np.nan)
            low, high = spread_interval(value, excess.drawn / above, self.n_donors)
        return Measure(value, low, high, excess.n, *few_targets(len(self.real_to_reference), low, high))

    def difference(self, excess: Excess, other: Excess) -> Measure:
        """How much the energy ratio of one method lies above another's: the same donors are drawn for both."""
        return self.ratio(Excess(excess.value - other.value, excess.drawn - other.drawn, excess.n))

    def split_halves(self) -> Measure:
        """What chance alone makes of a perfect method: one random piece of the real target against another.

        The mean over pieces is near 0 by construction; the interval holds 95% of them.
        """
        n_real = len(self.real_to_reference)
        if not self.is_defined:
            return self._undefined(n_real)
        low, high = np.quantile(self.null / self.gap, [0.025, 0.975])
        status, few = few_targets(n_real)
        note = joined_notes("real against real: 95% of random splits", few)
        return Measure(float(np.mean(self.null)) / self.gap, float(low), float(high), n_real, status, note)

    def _undefined(self, n: int) -> Measure:
        return Measure.undefined(n) if len(self.null) else Measure.too_few(n)


def _pieces(donors: Int64Array, size: int, seed: int) -> NDArray[np.int8]:
    """Random pairs of disjoint pieces of the target: 1 and 2 mark the two, 0 is left out; shape (splits, samples)."""
    codes, row_donor = np.unique(donors, return_inverse=True)
    if len(donors) < FEWEST_ROWS or len(codes) < FEWEST_ROWS:
        return np.empty((0, len(donors)), dtype=np.int8)
    size = max(2, min(size, len(donors) // 2))
    n_rows = np.bincount(row_donor)
    rng = np.random.default_rng([seed, 61])
    pieces = np.zeros((NULL_SPLITS, len(donors)), dtype=np.int8)
    for split in pieces:
        order = rng.permutation(len(codes))
        before = np.cumsum(n_rows[order]) - n_rows[order]  # samples placed before this donor
        of_donor = np.empty(len(codes), dtype=np.int8)
        of_donor[order] = np.where(before < size, 1, np.where(before < 2 * size, 2, 0))
        split[:] = of_donor[row_donor]
    return pieces


def _energies(
    to_first: Float64Array, to_second: Float64Array, first: Float64Array, second: Float64Array
) -> Float64Array:
    """The energy distance between two sides in every draw; a single sample has no pair of its own."""
    between = _means_between(to_first, first, second)
    within = [np.nan_to_num(_pair_means(*side)) for side in ((to_first, first), (to_second, second))]
    energies: Float64Array = 2 * between - within[0] - within[1]
    return energies


def energy_null(pair: CloudPair, *, seed: int, n_permutations: int = PERMUTATIONS) -> tuple[float, Float64Array]:
    """The energy distance of two clouds, and the same for random re-assignments of whole donors."""
    rng = np.random.default_rng([seed, 62])
    sides = np.vstack([pair.is_moved, permuted_sides(pair.donors, pair.is_moved, n=n_permutations, rng=rng)])
    totals, energies = pair.pooled.sum(axis=0), []
    for start in range(0, len(sides), _PERMUTATIONS_AT_ONCE):
        first = sides[start : start + _PERMUTATIONS_AT_ONCE].astype(np.float64)
        to_first = first @ pair.pooled  # what is not on the first side is on the second: one large product, not two
        energies.append(_energies(to_first, totals - to_first, first, 1.0 - first))
    found = np.concatenate(energies)
    return float(found[0]), found[1:]


def energy_p_value(pair: CloudPair, *, seed: int, n_permutations: int = PERMUTATIONS) -> Measure:
    """Permutation p-value that moved and real profiles come from one population; small with any visible difference.

    With enough samples every method becomes significant (the error of mu_t alone suffices), so
    nothing should be judged by this number alone.
    """
    if pair.n_moved < 2 or pair.n_real < 2:
        return Measure.too_few(pair.n_moved)
    observed, null = energy_null(pair, seed=seed, n_permutations=n_permutations)
    status, few = few_targets(pair.n_real)
    note = joined_notes(f"{n_permutations} permutations", few)
    return Measure(monte_carlo_p(observed, null), n=pair.n_moved, status=status, note=note)
