"""Is a profile like those that a model was trained on? Another laboratory, another pipeline, or unknown biology.

Two statistics say so. How unusual is the profile's distribution of values: its 99 percentiles, by their distance
from those of training samples. And how many genes stand where no training sample has them, once the distributions
are made equal. Both are held against what training samples get from a fit that has not seen them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.data.quantiles import LEVELS, at_ranks, percentiles, ranks_of
from tspg.model.randomness import SHIFT_FOLDS, stream

Numbers = NDArray[np.float64]
Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

FOLDS = 5
FEWEST_SAMPLES = 40  # with fewer, no p of two tests falls below .05
_RIDGE = 0.05  # of the mean variance of a percentile


@dataclass(frozen=True)
class Distribution:
    """What the distributions of some samples are like, and where each gene stands in them.

    `reference` is the mean quantile function; `center` the mean of the percentiles; `whitening` W with
    W W' = K^-1; `lowest` and `highest` the ranks between which each gene stands.
    """

    reference: Floats
    center: Numbers
    whitening: Numbers
    lowest: Floats
    highest: Floats

    @classmethod
    def fit(cls, quantiles: Floats, ranks: Floats) -> "Distribution":
        """Learn from quantile functions, shape (samples, levels), and ranks of genes, shape (samples, genes)."""
        found = percentiles(quantiles)
        covariance = np.atleast_2d(np.cov(found, rowvar=False))
        n = len(covariance)
        covariance += _RIDGE * np.trace(covariance) / n * np.eye(n)
        values, vectors = np.linalg.eigh(covariance)
        scale = np.where(values > 0, 1 / np.sqrt(np.where(values > 0, values, 1)), 0.0)
        return cls(
            quantiles.mean(axis=0, dtype=np.float64).astype(np.float32),
            found.mean(axis=0),
            vectors * scale,
            ranks.min(axis=0),
            ranks.max(axis=0),
        )

    def distance(self, quantiles: Floats) -> Numbers:
        """(q - m)' K^-1 (q - m) of each sample's percentiles."""
        off = (percentiles(quantiles) - self.center) @ self.whitening
        distance: Numbers = (off**2).sum(axis=1)
        return distance

    def share_outside(self, ranks: Floats) -> Numbers:
        """The share of genes that stand outside the known range once the distributions are made equal.

        Ranks that have one and the same value there, such as those of the genes that are zero in every sample,
        are one rank.
        """
        floor = LEVELS[np.searchsorted(self.reference, self.reference[0], "right") - 1].astype(np.float32)
        ranks, lowest, highest = (np.maximum(part, floor) for part in (ranks, self.lowest, self.highest))
        share: Numbers = ((ranks < lowest) | (ranks > highest)).mean(axis=1)
        return share


@dataclass(frozen=True)
class ShiftTest:
    """Tests whether profiles are like the training samples; what held-out training samples got is what p counts.

    `distances` and `shares` are theirs, each sorted: no longer those of a person.
    """

    known: Distribution
    distances: Numbers
    shares: Numbers

    @classmethod
    def fit(
        cls, quantiles: Floats, values: NDArray[np.floating], donors: Codes, *, seed: int
    ) -> "tuple[ShiftTest, Numbers]":
        """Learn from training samples alone; the test, and the p of each of them from a fit without her donor's.

        Parameters
        ----------
        quantiles
            The quantile function of each training sample, shape (samples, levels).
        values
            The model's genes in the user's units, shape (samples, genes).
        donors
            The number of each sample's donor, whose samples are held out together.
        seed
            Decides the five folds.
        """
        ranks = ranks_of(values, quantiles)
        codes, of_donor = np.unique(donors, return_inverse=True)
        n_folds = min(FOLDS, len(codes))
        fold = (stream(seed, SHIFT_FOLDS, 0).permutation(len(codes)) % n_folds)[of_donor]
        distances, shares = np.zeros(len(values)), np.zeros(len(values))
        if n_folds > 1:
            for held_out in (fold == at for at in range(n_folds)):
                others = Distribution.fit(quantiles[~held_out], ranks[~held_out])
                distances[held_out] = others.distance(quantiles[held_out])
                shares[held_out] = others.share_outside(ranks[held_out])
        test = cls(Distribution.fit(quantiles, ranks), np.sort(distances), np.sort(shares))
        return test, test._both(distances, shares, known=1)

    @property
    def n(self) -> int:
        """How many training samples there are."""
        return len(self.distances)

    @property
    def is_tested(self) -> bool:
        """Whether there are enough of them."""
        return self.n >= FEWEST_SAMPLES

    def p_values(self, quantiles: Floats, values: NDArray[np.floating]) -> Numbers:
        """The p of each new profile under the hypothesis that it is one like the training samples.

        Parameters are those of `fit`. Not a number where there are under 40 training samples.
        """
        ranks = ranks_of(values, quantiles)
        return self._both(self.known.distance(quantiles), self.known.share_outside(ranks), known=0)

    def _both(self, distances: Numbers, shares: Numbers, *, known: int) -> Numbers:
        """Twice the smaller p of the two; `known` is 1 for samples that are among those counted."""
        if not self.is_tested:
            return np.full(len(distances), np.nan)
        at_least = np.minimum(
            self.n - np.searchsorted(self.distances, distances), self.n - np.searchsorted(self.shares, shares)
        )
        return np.minimum(1.0, 2 * (1 - known + at_least) / (1 - known + self.n))

    def normalise(self, values: NDArray[np.floating], quantiles: Floats) -> Floats:
        """Each value replaced by the one of the same rank in the mean distribution of the training samples."""
        return at_ranks(ranks_of(values, quantiles), self.known.reference)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as named arrays, ready to be stored."""
        parts = ("reference", "center", "whitening", "lowest", "highest")
        return {
            **{name: getattr(self.known, name) for name in parts},
            "distances": self.distances,
            "shares": self.shares,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ShiftTest":
        """The test as it was stored."""
        known = Distribution(*(arrays[part.name] for part in fields(Distribution)))
        return cls(known, arrays["distances"], arrays["shares"])
