"""A share of samples, and how surely it is known: people count, not samples."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv, stdtrit

from tspg.analysis.evaluation.resampling import Groups, donor_codes


def clopper_pearson(hits: float, n: float) -> tuple[float, float]:
    """Between which shares the true one lies with 95% confidence, after `hits` of `n` independent samples.

    Either number may have a fraction: that of an effective sample size.
    """
    low = float(betaincinv(hits, n - hits + 1, 0.025)) if hits else 0.0
    return low, float(betaincinv(hits + 1, n - hits, 0.975)) if hits < n else 1.0


def rate_interval(is_hit: NDArray[np.bool_], groups: Groups = None) -> tuple[float, float]:
    """The 95% interval of a share among people like these; `groups` name each sample's donor."""
    if not len(is_hit):
        return math.nan, math.nan
    size = effective_size(is_hit, groups)
    share = float(is_hit.mean())
    return clopper_pearson(size if share == 1 else share * size, size)


def effective_size(is_hit: NDArray[np.bool_], groups: Groups = None) -> float:
    """As many independent samples would know the share as well (Korn & Graubard 1998).

    Fewer than there are where the samples of a donor are hit or missed together. Where all are hit, or
    none, that cannot be seen, and each donor counts once.
    """
    n, share = len(is_hit), float(is_hit.mean())
    (donors,) = donor_codes((n, groups))
    n_donors = int(donors.max()) + 1
    if n_donors in (1, n) or share in (0, 1):
        return float(n_donors)
    off = np.bincount(donors, weights=is_hit - share)
    variance = n_donors / (n_donors - 1) * float((off**2).sum()) / n**2
    uncertain = float(stdtrit(n - 1, 0.975) / stdtrit(n_donors - 1, 0.975)) ** 2  # a variance of few donors
    return float(np.clip(share * (1 - share) / max(variance, 1e-12) * uncertain, 1, n))


def size_behind(share: float, low: float, high: float, n: int) -> float:
    """The effective size that an interval of `rate_interval` was made with; `n` where there is no interval."""

    def too_wide(size: float) -> float:
        least, most = clopper_pearson(size if share == 1 else share * size, size)
        return most - least - (high - low)

    if n < 2 or not math.isfinite(low) or too_wide(n) >= -1e-9:
        return float(n)
    return float(brentq(too_wide, 1, n)) if too_wide(1) > 0 else 1.0
