"""How far single samples lie off: residuals of samples that a fit has not seen, and how large such residuals get."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import t as student

from tspg.model.gene_statistics import moderate_variances
from tspg.model.random import REFERENCE_FOLDS, stream
from tspg.utils.typing import BoolArray, Float64Array, Int64Array

# Takes which samples to learn from and which to give; the spread per gene is None where others' residuals tell it.
Residuals = Callable[[BoolArray, BoolArray], tuple[Float64Array, Float64Array | None]]

FOLDS = 5
FEWEST_GENES_FOR_SPREAD = 100  # with fewer, a sample's own spread cannot be told from its unusual genes
BODY, TAIL = 0.05, 0.001  # shares of held-out residuals that `Tail` is fitted to
LEAST_DF, MOST_DF = 1.5, 500.0
NORMAL_MEDIAN = 0.6745  # of |z| under the normal distribution


class Tail(NamedTuple):
    """How large standardised residuals get: Student's t with `df` degrees of freedom, times `scale`."""

    df: float = MOST_DF
    scale: float = 1.0

    @classmethod
    def fit(cls, residuals: Float64Array) -> "Tail":
        """The distribution that 5 and .1 percent of residuals lie beyond as they do beyond these."""
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
        """The |z| that 5 percent of residuals lie beyond."""
        return float(self.scale * stdtrit(self.df, 1 - BODY / 2))


def cross_fitted(residuals: Residuals, donors: Int64Array, *, seed: int) -> tuple[Float64Array, Float64Array]:
    """Residuals of samples that their fit has not seen, and the same as z; not a number where nothing varied.

    Five folds, donors whole. z divides by the spread that the fit tells, or else by that of residuals in other
    folds: a spread that a residual took part in is larger than the one that a new sample meets.
    """
    codes, of_donor = np.unique(donors, return_inverse=True)
    fold = (stream(seed, REFERENCE_FOLDS, 0).permutation(len(codes)) % min(FOLDS, len(codes)))[of_donor]
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


def moderated_sd(variance: Float64Array, df: float) -> Float64Array:
    """Standard deviation per gene, moderated over the genes that vary; 0 for the others."""
    sd = np.zeros(len(variance))
    varies = variance > 0
    if varies.any():
        sd[varies] = np.sqrt(moderate_variances(variance[varies], max(df, 1)).variance)
    return sd


def own_spread(z: Float64Array) -> Float64Array:
    """How far profiles lie off as a whole, 1 for a usual one, shape (samples, 1): the median of |z|."""
    if z.shape[1] < FEWEST_GENES_FOR_SPREAD:
        return np.ones((len(z), 1))
    middle: Float64Array = np.nanmedian(np.abs(z), axis=1, keepdims=True) / NORMAL_MEDIAN
    return np.where(middle > 0, middle, 1.0)


def single(numbers: Float64Array) -> Float64Array:
    """Numbers as precise as they are stored, so that a model answers alike before and after."""
    return numbers.astype(np.float32).astype(np.float64)
