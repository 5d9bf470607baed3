"""Where a sample of one class is expected in another: at its mean, or as far from it as people like this one stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.model.residuals import Residuals, Tail, cross_fitted, moderated_sd, single
from tspg.utils.typing import BoolArray, Float64Array, Int64Array

FEWEST_PAIRS = 8  # donors with samples of both classes, to learn a slope from


@dataclass(frozen=True)
class Expectation:
    """Where samples of one class are expected in the target class: mean_t + slope x (value - mean_s), per gene.

    `slope` is 0 without `n_pairs`: then target samples themselves tell the spread `sd` around it. With donors
    who gave samples of both classes it is what is kept of a person, and `sd` how far her own sample lies off.
    """

    slope: Float64Array
    sd: Float64Array
    tail: Tail
    n_pairs: int

    @classmethod
    def of_target(cls, values: Float64Array, donors: Int64Array, *, seed: int) -> "Expectation":
        """The target class's mean and spread, from its training samples."""
        _, z = cross_fitted(from_mean(values), donors, seed=seed)
        _, sd = mean_and_spread(values)
        return cls(np.zeros(len(sd)), single(sd), Tail.fit(z), 0)

    @classmethod
    def of_pairs(cls, before: Float64Array, after: Float64Array, donors: Int64Array, *, seed: int) -> "Expectation":
        """What donors keep: `before` deviates each sample from its class, `after` its donor from the target class."""

        def residuals(train: BoolArray, held_out: BoolArray) -> tuple[Float64Array, None]:
            slopes = paired_slopes(before[train], after[train], donors[train])
            return after[held_out] - slopes * before[held_out], None

        left, z = cross_fitted(residuals, donors, seed=seed)
        n_pairs = len(np.unique(donors))
        sd = np.where(np.ptp(after, axis=0) > 0, moderated_sd((left**2).mean(axis=0), n_pairs), 0.0)
        slope = single(paired_slopes(before, after, donors))
        return cls(slope, single(sd), Tail.fit(z), n_pairs)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned, as arrays to store."""
        facts = np.array([self.n_pairs, *self.tail])
        return {"slope": self.slope.astype(np.float32), "sd": self.sd.astype(np.float32), "facts": facts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Expectation":
        """What is expected, as it was stored."""
        n_pairs, *tail = arrays["facts"].tolist()
        slope, sd = (arrays[name].astype(np.float64) for name in ("slope", "sd"))
        return cls(slope, sd, Tail(*tail), int(n_pairs))


def paired_slopes(before: Float64Array, after: Float64Array, donors: Int64Array) -> Float64Array:
    """Per gene the slope of `after` on `before`, shrunk towards one slope of all genes; shapes (samples, genes).

    Least squares through the origin, in which donors count alike. A gene's own slope counts as much as slopes of
    genes differ beyond their errors (empirical Bayes by moments).
    """
    of_donor = np.unique(donors, return_inverse=True)[1]
    n_donors = int(of_donor.max()) + 1
    weight = (1 / np.bincount(of_donor))[of_donor]
    size = np.einsum("i,ij,ij->j", weight, before, before)
    usable = size > 0
    slopes = np.zeros(len(size))
    slopes[usable] = np.einsum("i,ij,ij->j", weight, before, after)[usable] / size[usable]
    left = after - slopes * before
    df = max(n_donors - 1, 1)
    variance = moderated_sd(np.einsum("i,ij,ij->j", weight, left, left) / df, df) ** 2
    usable &= variance > 0
    if not usable.any():
        return np.zeros(len(size))
    own, precision = slopes[usable], size[usable] / variance[usable]
    common = float(precision @ own / precision.sum())
    beyond = max(float(precision @ (own - common) ** 2 - len(own)) / float(precision.sum()), 0.0)
    shrunk = np.zeros(len(size))
    shrunk[usable] = common + beyond / (beyond + 1 / precision) * (own - common)
    return shrunk


def counterparts(
    values: NDArray[np.floating], is_source: BoolArray, is_target: BoolArray, donors: Int64Array
) -> tuple[NDArray[np.int64], Float64Array]:
    """Rows of the source samples whose donor has target samples too, and the mean of those, one row for each."""
    paired = np.flatnonzero(is_source & np.isin(donors, donors[is_target]))
    own = {d: values[is_target & (donors == d)].mean(axis=0, dtype=np.float64) for d in np.unique(donors[paired])}
    return paired, np.array([own[d] for d in donors[paired]]).reshape(len(paired), values.shape[1])


def from_others(deviations: Float64Array, donors: Int64Array) -> Float64Array:
    """Deviations from the mean of a class, as they would be from the mean of its other donors."""
    n = len(np.unique(donors))
    return deviations * (n / (n - 1))


def from_mean(values: Float64Array) -> Residuals:
    """How far samples lie from the mean of others, and the spread that these tell."""

    def residuals(train: BoolArray, held_out: BoolArray) -> tuple[Float64Array, Float64Array]:
        mean, spread = mean_and_spread(values[train])
        return values[held_out] - mean, spread

    return residuals


def mean_and_spread(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Mean per gene, and how far a new sample lies from it (standard deviation); 0 for a gene that does not vary."""
    n = len(values)
    sd = moderated_sd(values.var(axis=0, ddof=1), n - 1) * np.sqrt(1 + 1 / n)
    return values.mean(axis=0), np.where(np.ptp(values, axis=0) > 0, sd, 0.0)
