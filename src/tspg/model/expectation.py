"""Where a sample of one class is expected in another, learned from donors who gave samples of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.data.prepare import Dataset
from tspg.model.gene_statistics import moderated_sd
from tspg.model.residuals import Tail, as_stored, cross_fitted, from_mean, mean_and_spread
from tspg.utils.typing import BoolArray, Float64Array, Int64Array, NameArray, NamedArrays

FEWEST_PAIRS = 8  # donors with samples of both classes, to learn a slope from


@dataclass(frozen=True)
class Expectation:
    """Where samples of one class are expected in the target class: mean_t + slope x (value - mean_s), per gene.

    Without `n_pairs`, `slope` is 0 and `sd` the spread of the target's samples. With donors who gave samples of both
    classes, `slope` is the share of a deviation that a person keeps, and `sd` the spread of what is left.
    """

    slope: Float64Array
    sd: Float64Array
    tail: Tail
    n_pairs: int

    @classmethod
    def of_target(cls, values: Float64Array, donors: Int64Array, *, seed: int) -> "Expectation":
        """The target class's mean and spread, from its training samples."""
        _, z = cross_fitted(from_mean(values), donors, seed=seed)
        sd = mean_and_spread(values)[1]
        return cls(np.zeros(len(sd)), as_stored(sd), Tail.fit(z), 0)

    @classmethod
    def of_pairs(cls, before: Float64Array, after: Float64Array, donors: Int64Array, *, seed: int) -> "Expectation":
        """The share that donors keep: `before` deviates a sample from its class, `after` its donor from the target."""

        def residuals(train: BoolArray, held_out: BoolArray) -> tuple[Float64Array, None]:
            slopes = paired_slopes(before[train], after[train], donors[train])
            return after[held_out] - slopes * before[held_out], None

        left, z = cross_fitted(residuals, donors, seed=seed)
        n_pairs = len(np.unique(donors))
        sd = np.where(np.ptp(after, axis=0) > 0, moderated_sd((left**2).mean(axis=0), n_pairs), 0.0)
        return cls(as_stored(paired_slopes(before, after, donors)), as_stored(sd), Tail.fit(z), n_pairs)

    def arrays(self) -> NamedArrays:
        """Everything that was learned, as arrays to store."""
        facts = np.array([self.n_pairs, *self.tail])
        return {"slope": self.slope.astype(np.float32), "sd": self.sd.astype(np.float32), "facts": facts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Expectation":
        """The expectation as it was stored."""
        n_pairs, *tail = arrays["facts"].tolist()
        return cls(arrays["slope"].astype(float), arrays["sd"].astype(float), Tail(*tail), int(n_pairs))


def paired_slopes(before: Float64Array, after: Float64Array, donors: Int64Array) -> Float64Array:
    """Per gene the slope of `after` on `before`, shrunk towards one slope of all genes; shapes (samples, genes).

    Least squares through the origin, in which donors count alike. A gene's slope counts as much as slopes of genes
    differ beyond their errors (empirical Bayes by moments).
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
    shrunk = np.zeros(len(size))
    if usable.any():
        raw, precision = slopes[usable], size[usable] / variance[usable]
        common = float(precision @ raw / precision.sum())
        beyond = max(float(precision @ (raw - common) ** 2 - len(raw)) / float(precision.sum()), 0.0)
        shrunk[usable] = common + beyond / (beyond + 1 / precision) * (raw - common)
    return shrunk


def counterparts(
    values: NDArray[np.floating], is_source: BoolArray, is_target: BoolArray, donors: Int64Array
) -> tuple[NDArray[np.int64], Float64Array]:
    """Rows of the source samples whose donor has target samples too, and the mean of those, one row for each."""
    paired = np.flatnonzero(is_source & np.isin(donors, donors[is_target]))
    means = {d: values[is_target & (donors == d)].mean(axis=0, dtype=np.float64) for d in np.unique(donors[paired])}
    return paired, np.array([means[d] for d in donors[paired]]).reshape(len(paired), values.shape[1])


def classes_with_pairs(dataset: Dataset, target_class: str) -> frozenset[str]:
    """The classes with eight or more training donors who also gave target samples: `paired_regression` needs them."""
    if dataset.groups is None:
        return frozenset()
    donors = np.asarray(dataset.groups, dtype=object)[dataset.is_train]
    found = donors_of_both(dataset.source_class[dataset.is_train], donors, target_class)
    return frozenset(name for name, n in found.items() if n >= FEWEST_PAIRS)


def donors_of_both(
    class_names: Sequence[str] | NameArray, donors: Sequence[object] | NDArray[Any], target_class: str
) -> dict[str, int]:
    """For every other class, how many donors gave samples of it and of the target class."""
    donors_of: dict[str, set[object]] = {}
    for name, donor in zip(class_names, donors, strict=True):
        donors_of.setdefault(name, set()).add(donor)
    targets = donors_of.pop(target_class, set())
    return {name: len(found & targets) for name, found in donors_of.items()}
