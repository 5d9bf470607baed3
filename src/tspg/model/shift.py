"""Whether a profile is like the training samples, or of another laboratory, pipeline or unknown biology.

Two statistics measure it: the distance of the profile's 99 percentiles from those of training samples, and the number
of genes outside the range of training samples once the distributions are made equal. Both are compared with those of
training samples from a fit that has not seen them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.data.quantiles import LEVELS, Quantiles, percentiles, quantile_functions, ranks_of
from tspg.model.random import SHIFT_FOLDS, donor_folds, stream
from tspg.utils.threads import over_threads
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, Int64Array, NamedArrays

FEWEST_SAMPLES = 40  # with fewer, no p of two tests falls below .05
PANEL, MODEL = "panel", "model"  # the genes that a test uses
# Share of the panel that may be missing: of the lowest 1 % one in ten of GTEx's own samples is called odd, of any 1 %
# none more (benchmarks/truth_shift.py).
MOST_MISSING = 0.002
_RIDGE = 0.05  # of the mean variance of a percentile


@dataclass(frozen=True)
class Distribution:
    """The distribution of values in some samples, and the range of each gene's rank.

    `reference` is the mean quantile function; `center` the mean of the percentiles; `whitening` W with
    W W' = K^-1; `lowest` and `highest` the range of ranks of each gene.
    """

    reference: Float32Array
    center: Float64Array
    whitening: Float64Array
    lowest: Float32Array
    highest: Float32Array

    @classmethod
    def fit(cls, quantiles: Float32Array, lowest: Float32Array, highest: Float32Array) -> "Distribution":
        """Learn from quantile functions, shape (samples, levels), and the range of each gene's rank."""
        found = percentiles(quantiles)
        covariance = np.atleast_2d(np.cov(found, rowvar=False))
        n = len(covariance)
        covariance += _RIDGE * np.trace(covariance) / n * np.eye(n)
        values, vectors = np.linalg.eigh(covariance)
        scale = np.where(values > 0, 1 / np.sqrt(np.where(values > 0, values, 1)), 0.0)
        reference = quantiles.mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(reference, found.mean(axis=0), vectors * scale, lowest, highest)

    def distance(self, quantiles: Float32Array) -> Float64Array:
        """(q - m)' K^-1 (q - m) of each sample's percentiles."""
        distance: Float64Array = (((percentiles(quantiles) - self.center) @ self.whitening) ** 2).sum(axis=1)
        return distance

    def share_outside(self, ranks: Float32Array) -> Float64Array:
        """The share of genes outside the known range once the distributions are made equal.

        Ranks with the same value there, such as those of genes that are zero in every sample, count as one rank.
        """
        floor = LEVELS[np.searchsorted(self.reference, self.reference[0], "right") - 1].astype(np.float32)
        lowest = np.where(self.lowest > floor, self.lowest, -np.inf)  # no rank, raised to the floor, is below it
        highest = np.maximum(self.highest, floor)
        share: Float64Array = ((ranks < lowest) | (ranks > highest)).mean(axis=1)
        return share


@dataclass(frozen=True)
class ShiftTest:
    """A test of whether profiles are like the training samples; p counts held-out training samples.

    `distances` and `shares` are theirs, each sorted, so that no person can be found in them.
    """

    known: Distribution
    distances: Float64Array
    shares: Float64Array

    @classmethod
    def fit(
        cls, quantiles: Float32Array, values: NDArray[np.floating], donors: Int64Array, *, seed: int
    ) -> "tuple[ShiftTest, Float64Array]":
        """The test, and the p of each training sample from a fit without its donor's samples.

        `quantiles` are the quantile functions of training samples, shape (samples, levels); `values` the model's genes
        in the user's units, shape (samples, genes); `donors` the donor of each. `seed` decides the five folds.
        """
        fold = donor_folds(donors, stream(seed, SHIFT_FOLDS, 0))
        parts = [fold == at for at in range(int(fold.max()) + 1)]
        ranks = over_threads(lambda rows: ranks_of(values[rows], quantiles[rows]), parts)
        lowest, highest = (np.array([end(part, axis=0) for part in ranks]) for end in (np.min, np.max))
        distances, shares = np.zeros(len(values)), np.zeros(len(values))
        for at, held_out in enumerate(parts if len(parts) > 1 else ()):  # else a single donor
            range_of_others = (np.delete(lowest, at, 0).min(axis=0), np.delete(highest, at, 0).max(axis=0))
            others = Distribution.fit(quantiles[~held_out], *range_of_others)
            distances[held_out] = others.distance(quantiles[held_out])
            shares[held_out] = others.share_outside(ranks[at])
        known = Distribution.fit(quantiles, lowest.min(axis=0), highest.max(axis=0))
        test = cls(known, np.sort(distances), np.sort(shares))
        return test, test._p_of_both(distances, shares, known=1)

    @property
    def n(self) -> int:
        """The number of training samples."""
        return len(self.distances)

    @property
    def is_tested(self) -> bool:
        """Whether there are enough training samples."""
        return self.n >= FEWEST_SAMPLES

    def p_values(self, quantiles: Float32Array, values: NDArray[np.floating]) -> Float64Array:
        """The p of each new profile under the hypothesis that it is like the training samples.

        Parameters are those of `fit`. NaN with fewer than 40 training samples.
        """
        ranks = ranks_of(values, quantiles)
        return self._p_of_both(self.known.distance(quantiles), self.known.share_outside(ranks), known=0)

    def _p_of_both(self, distances: Float64Array, shares: Float64Array, *, known: int) -> Float64Array:
        """Twice the smaller p of the two tests; `known` is 1 for samples that are among those counted."""
        if not self.is_tested:
            return np.full(len(distances), np.nan)
        at_least = self.n - np.maximum(np.searchsorted(self.distances, distances), np.searchsorted(self.shares, shares))
        return np.minimum(1.0, 2 * (1 - known + at_least) / (1 - known + self.n))

    def arrays(self) -> NamedArrays:
        """Everything as named arrays to store."""
        return {**vars(self.known), "distances": self.distances, "shares": self.shares}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ShiftTest":
        """The test as it was stored."""
        known = Distribution(*(arrays[part.name] for part in fields(Distribution)))
        return cls(known, arrays["distances"], arrays["shares"])


def covers(panel: Sequence[str], quantiles: Quantiles | None) -> bool:
    """Whether quantiles are of all genes of the panel, but for so few that it does not matter."""
    return quantiles is not None and len(quantiles.genes) >= (1 - MOST_MISSING) * len(panel)


@dataclass(frozen=True)
class Shift:
    """The distribution of values among a model's training samples.

    `panel` are genes of the whole training matrix, and `of_panel` tests over them. Where a file lacks some of
    them, `of_genes` tests over the model's genes, which are always there.
    """

    panel: tuple[str, ...]
    of_panel: ShiftTest
    of_genes: ShiftTest

    @classmethod
    def fit(
        cls, quantiles: Quantiles, values: NDArray[np.floating], is_train: BoolArray, donors: Int64Array, *, seed: int
    ) -> "tuple[Shift, Float64Array]":
        """Learn from the training samples of a study; also the p of every sample, each from a fit without it.

        `quantiles` are those of all samples, over genes of the whole matrix; the rest is as for `ShiftTest.fit`.
        """
        train, donors = values[is_train], donors[is_train]
        p = np.empty(len(values))
        over_panel, over_genes = quantiles.values[is_train], quantile_functions(train)
        of_panel, p[is_train] = ShiftTest.fit(over_panel, train, donors, seed=seed)
        p[~is_train] = of_panel.p_values(quantiles.values[~is_train], values[~is_train])
        of_genes = of_panel
        if not np.array_equal(over_panel, over_genes):  # else the model's genes are the panel
            of_genes, _ = ShiftTest.fit(over_genes, train, donors, seed=seed)
        return cls(quantiles.genes, of_panel, of_genes), p

    def p_values(self, quantiles: Quantiles | None, values: NDArray[np.floating]) -> tuple[Float64Array, str]:
        """The p of each new profile, and the genes it was taken over: `panel`, `model`, or empty."""
        if not self.of_panel.is_tested:
            return np.full(len(values), np.nan), ""
        if quantiles is not None and covers(self.panel, quantiles):
            return self.of_panel.p_values(quantiles.values, values), PANEL
        return self.of_genes.p_values(quantile_functions(values), values), MODEL

    def check(self, n_genes: int) -> None:
        """Refuse arrays that do not fit together, or hold no finite numbers.

        Raises
        ------
        ValueError
            Naming the first such array.
        """
        shapes = {"reference": len(LEVELS), "center": 99, "whitening": 99, "lowest": n_genes, "highest": n_genes}
        for place, array in self.arrays().items():
            name = place.split(".")[1]
            if array.shape[:1] != (shapes.get(name, self.of_panel.n),) or not np.isfinite(array).all():
                raise ValueError(f"{place} of shift.safetensors has shape {array.shape}, or a value that is not finite")

    def arrays(self) -> NamedArrays:
        """Everything but the names, as named arrays to store."""
        parts = ((PANEL, self.of_panel), (MODEL, self.of_genes))
        return {f"{kind}.{name}": array for kind, test in parts for name, array in test.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], panel: tuple[str, ...]) -> "Shift":
        """The distribution as it was stored."""
        parts: dict[str, NamedArrays] = {PANEL: {}, MODEL: {}}
        for place, array in arrays.items():
            kind, name = place.split(".")
            parts[kind][name] = array
        return cls(panel, ShiftTest.from_arrays(parts[PANEL]), ShiftTest.from_arrays(parts[MODEL]))
