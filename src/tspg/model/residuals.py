"""Residuals of samples that a fit has not seen, and how large such residuals get."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import t as student

from tspg.model.gene_statistics import mean_and_sd, moderated_sd
from tspg.model.random import REFERENCE_FOLDS, donor_folds, stream
from tspg.utils.typing import BoolArray, Float64Array, Int64Array

# Takes the samples to learn from and those held out; gives the residuals of these, and the spread per gene or None.
Residuals = Callable[[BoolArray, BoolArray], tuple[Float64Array, Float64Array | None]]

FEWEST_GENES_FOR_SPREAD = 100  # with fewer, a noisy sample looks like one with unusual genes
BODY, TAIL = 0.05, 0.001  # shares of held-out residuals that `Tail` is fitted to
LEAST_DF, MOST_DF = 1.5, 500.0
NORMAL_MEDIAN = 0.6745  # of |z| under the normal distribution


class Tail(NamedTuple):
    """How large standardised residuals get: Student's t with `df` degrees of freedom, times `scale`."""

    df: float = MOST_DF
    scale: float = 1.0

    @classmethod
    def fit(cls, residuals: Float64Array) -> "Tail":
        """The distribution that agrees with residuals on the |z| that 5 and 0.1 percent exceed."""
        residuals = residuals[np.isfinite(residuals)]
        if residuals.size == 0:
            return cls()
        body, tail = np.quantile(np.abs(residuals), [1 - BODY, 1 - TAIL])
        if body <= 0:
            return cls()

        def excess(df: float) -> float:
            return float(stdtrit(df, 1 - TAIL / 2) / stdtrit(df, 1 - BODY / 2) - tail / body)

        if excess(MOST_DF) >= 0:
            df = MOST_DF
        else:
            df = LEAST_DF if excess(LEAST_DF) <= 0 else float(brentq(excess, LEAST_DF, MOST_DF))
        return cls(df, float(body / stdtrit(df, 1 - BODY / 2)))

    def p_value(self, z: Float64Array) -> Float64Array:
        """Two-sided p per standardised residual."""
        p: Float64Array = 2 * student.sf(np.abs(z) / self.scale, self.df)
        return p

    @property
    def half_width(self) -> float:
        """The |z| that 5 percent of residuals exceed."""
        return float(self.scale * stdtrit(self.df, 1 - BODY / 2))


def cross_fitted(residuals: Residuals, donors: Int64Array, *, seed: int) -> tuple[Float64Array, Float64Array]:
    """Residuals of samples that their fit has not seen, and the same as z; not a number where nothing varied.

    Five folds; a donor's samples stay together. z divides by the spread that the fit gives, or else by that of the
    residuals in other folds: a spread that includes a residual is larger than the one that a new sample meets.
    """
    fold = donor_folds(donors, stream(seed, REFERENCE_FOLDS, 0))
    parts = [residuals(fold != at, fold == at) for at in range(int(fold.max()) + 1)]
    left = np.empty((len(donors), parts[0][0].shape[1]))
    for at, (part, _) in enumerate(parts):
        left[fold == at] = part
    z = np.empty(left.shape)
    for at, (part, spread) in enumerate(parts):
        others = left[fold != at]
        sd = moderated_sd((others**2).mean(axis=0), len(others)) if spread is None else spread
        z[fold == at] = part / np.where(sd > 0, sd, np.nan)
    return left, z


def mean_and_spread(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Mean per gene, and the standard deviation of a new sample around it; 0 for a gene that does not vary."""
    mean, sd = mean_and_sd(values)
    return mean, sd * np.sqrt(1 + 1 / len(values))


def from_mean(values: Float64Array) -> Residuals:
    """Differences of samples from the mean of others, and the spread of those others."""

    def residuals(train: BoolArray, held_out: BoolArray) -> tuple[Float64Array, Float64Array]:
        mean, spread = mean_and_spread(values[train])
        return values[held_out] - mean, spread

    return residuals


def profile_spread(z: Float64Array) -> Float64Array:
    """How far each profile as a whole deviates, 1 for a usual one, shape (samples, 1): the median of |z|."""
    if z.shape[1] < FEWEST_GENES_FOR_SPREAD:
        return np.ones((len(z), 1))
    sizes = np.abs(z)
    of_known = np.nanmedian if np.isnan(sizes).any() else np.median  # the former takes twice as long
    median: Float64Array = of_known(sizes, axis=1, keepdims=True) / NORMAL_MEDIAN
    return np.where(median > 0, median, 1.0)


def as_stored(numbers: Float64Array) -> Float64Array:
    """Numbers rounded to float32, as they are stored: a model answers alike before and after."""
    return numbers.astype(np.float32).astype(np.float64)
