"""Statistics of many genes at once: moderated variances (Smyth 2004) and q-values."""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import false_discovery_control

from tspg.utils.typing import Float64Array

_LEAST_SHARE = 1e-5  # of the median variance; a smaller one would have a logarithm without bounds


class ModeratedVariances(NamedTuple):
    """Variance per gene after moderation, and the prior; `prior_df` may be infinite."""

    variance: Float64Array
    prior_df: float
    prior_variance: float


def moderate_variances(variance: Float64Array, df: float) -> ModeratedVariances:
    """Each gene's variance, shrunk towards a prior learned from all genes (Smyth 2004, equations 6.1 to 6.3).

    Parameters
    ----------
    variance
        Sample variance per gene, shape (genes,), in squared units of the values.
    df
        Residual degrees of freedom of each variance, above 0.
    """
    median = float(np.median(variance))
    usual = median if median > 0 else float(variance.max(initial=0.0))
    if usual == 0:
        return ModeratedVariances(variance, 0.0, 0.0)
    logs = np.log(np.maximum(variance, _LEAST_SHARE * usual)) - digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, df / 2)) if len(logs) > 1 else 0.0
    if excess <= 0:  # genes differ by chance alone
        prior = float(np.maximum(variance, _LEAST_SHARE * usual).mean())
        return ModeratedVariances(np.full(len(variance), prior), np.inf, prior)
    prior_df = 2 * _inverse_trigamma(excess)
    prior = float(np.exp(logs.mean() + digamma(prior_df / 2) - np.log(prior_df / 2)))
    return ModeratedVariances((prior_df * prior + df * variance) / (prior_df + df), prior_df, prior)


def _inverse_trigamma(value: float) -> float:
    """The y with trigamma(y) = value, by Newton's method from below (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    found = 0.5 + 1 / value
    for _ in range(50):
        slope = float(polygamma(1, found))
        step = slope * (1 - slope / value) / float(polygamma(2, found))
        found += step
        if -step / found < 1e-8:
            break
    return found


def moderated_sd(variance: Float64Array, df: float) -> Float64Array:
    """Standard deviation per gene, moderated over the genes that vary; 0 for the others."""
    sd = np.zeros(len(variance))
    varies = variance > 0
    if varies.any():
        sd[varies] = np.sqrt(moderate_variances(variance[varies], max(df, 1)).variance)
    return sd


def mean_and_sd(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Mean and moderated standard deviation per gene of (samples, genes); 0 where a gene does not vary."""
    sd = moderated_sd(values.var(axis=0, ddof=1), len(values) - 1)
    return values.mean(axis=0), np.where(np.ptp(values, axis=0) > 0, sd, 0.0)


def q_values(p_value: Float64Array) -> Float64Array:
    """Benjamini-Hochberg's q over the genes with a p (SciPy); NaN for the others."""
    q = np.full(len(p_value), np.nan)
    known = np.isfinite(p_value)
    if known.any():
        q[known] = false_discovery_control(p_value[known])
    return q
