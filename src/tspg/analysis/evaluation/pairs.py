"""Truth for single people: how near a moved profile comes to the person's own sample of the target class.

It takes donors with both held-out source samples and held-out target samples. A person's own counterpart is
the mean of their held-out target samples; what is found for their source samples is averaged first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.individuality import mean_with_interval, residual_correlations
from tspg.analysis.evaluation.measure import Measure
from tspg.analysis.evaluation.resampling import Groups, bootstrap_interval, donor_codes
from tspg.model.expectation import counterparts
from tspg.utils.typing import Float32Array, Float64Array, FloatArray, Int64Array

FEWEST_PERSONS = 2
MOST_TOP_GENES, TOP_SHARE = 100, 10  # the top tenth of all genes, at most 100
_SAME_DISTANCE = 1e-9  # of a distance: what differs less is tied


@dataclass(frozen=True)
class Counterparts:
    """Held-out source samples whose donor has held-out target samples too.

    `rows` are their places among all held-out sources, `person` the number of each one's donor. `own` holds
    each one's counterpart, `is_own`, shape (rows, targets), which target samples are of the same donor.
    """

    rows: NDArray[np.int64]
    person: Int64Array
    before: FloatArray
    own: Float64Array
    is_own: NDArray[np.bool_]
    target_mean: Float64Array

    @classmethod
    def of(
        cls,
        sources: Float32Array,
        real: Float32Array,
        target_mean: Float64Array,
        *,
        source_groups: Groups,
        real_groups: Groups,
    ) -> "Counterparts | None":
        """Find them; None without a donor column, or where fewer than two donors have samples of both.

        `target_mean` is the mean of the target's training samples. All profiles are scaled.
        """
        if source_groups is None or real_groups is None:
            return None
        of_sources, of_real = donor_codes((len(sources), source_groups), (len(real), real_groups))
        donors = np.concatenate([of_sources, of_real])
        is_source = np.arange(len(donors)) < len(sources)
        rows, own = counterparts(np.concatenate([sources, real]), is_source, ~is_source, donors)
        persons, person = np.unique(donors[rows], return_inverse=True)
        if len(persons) < FEWEST_PERSONS:
            return None
        return cls(rows, person, sources[rows], own, donors[rows][:, None] == of_real, target_mean)

    def measures(self, moved: Float32Array, distances: Float64Array, *, seed: int) -> Iterator[tuple[str, Measure]]:
        """The four measures of one method, from all moved held-out sources and their distances to the real targets."""
        moved, n = moved[self.rows], int(self.person.max()) + 1
        yield "pair_error", self._error(moved, n, seed)
        rows = zip(moved, self.own, strict=True)
        kept, note = residual_correlations((after - self.target_mean, own - self.target_mean) for after, own in rows)
        yield "pair_correlation", self._mean(kept, seed, note)
        yield "pair_discrimination", self._mean(self._discrimination(distances[self.rows]), seed)
        yield "pair_top_genes", self._top_genes(moved, n, seed)

    def _by_person(self, per_sample: Float64Array) -> Float64Array:
        means: Float64Array = np.bincount(self.person, per_sample) / np.bincount(self.person)
        return means

    def _mean(self, per_sample: Float64Array, seed: int, note: str = "") -> Measure:
        return mean_with_interval(self._by_person(per_sample), None, seed, note)

    def _errors(self, moved: FloatArray | Float64Array) -> Float64Array:
        """Root mean squared error to their own counterpart, per person."""
        squared = [np.square(after - own).mean() for after, own in zip(moved, self.own, strict=True)]
        return self._by_person(np.sqrt(squared))

    @cached_property
    def _errors_of_mean(self) -> Float64Array:
        return self._errors(np.broadcast_to(self.target_mean, self.own.shape))

    def _error(self, moved: FloatArray, n: int, seed: int) -> Measure:
        """Mean error over the mean error of the target's mean; both are drawn anew for the same people."""
        errors, of_mean = self._errors(moved), self._errors_of_mean
        if not of_mean.any():
            return Measure.undefined(n, "undefined: everybody's own is the target's mean")

        def ratios(weights: Float64Array) -> Float64Array:
            below = weights @ of_mean
            found: Float64Array = np.divide(weights @ errors, below, out=np.full(len(weights), np.nan), where=below > 0)
            return found

        value = float(errors.sum() / of_mean.sum())
        return Measure(value, *bootstrap_interval(value, np.arange(n), ratios, seed=seed), n)

    def _discrimination(self, distances: Float64Array) -> Float64Array:
        """Per sample the share of others' target samples that lie farther than their own; ties count half."""
        found = np.empty(len(distances))
        for row, (lengths, is_own) in enumerate(zip(distances, self.is_own, strict=True)):
            own, others = lengths[is_own][:, None], lengths[~is_own]
            tied = np.abs(others - own) <= _SAME_DISTANCE * own
            found[row] = np.where(tied, 0.5, others > own).mean()
        return found

    def _top_genes(self, moved: FloatArray, n: int, seed: int) -> Measure:
        """How many of the genes that differ most are moved most; a gene that is not moved is not among them."""
        k = min(MOST_TOP_GENES, moved.shape[1] // TOP_SHARE)
        changes = np.abs(moved - self.before)
        if k == 0:
            return Measure.undefined(n, "undefined: fewer than ten genes")
        if not changes.any():
            return Measure.undefined(n, "undefined: nothing was moved")

        def top(values: FloatArray) -> NDArray[np.int64]:
            largest = np.argpartition(values, -k)[-k:]
            return largest[values[largest] > 0]

        pairs = zip(np.abs(self.own - self.before), changes, strict=True)
        return self._mean(np.array([np.isin(top(own), top(change)).sum() / k for own, change in pairs]), seed)
