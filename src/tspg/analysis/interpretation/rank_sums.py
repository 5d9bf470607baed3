"""Whether the genes of a set are together at one end of all genes: rank sums, tested in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import norm, rankdata


@dataclass(frozen=True)
class RankSums:
    """How far each set's rank sum lies above what chance would give, for every profile of changes.

    `above` has shape (profiles, sets); `untied` is what ties leave of the variance, one number a profile;
    `sizes` counts the genes of each set.
    """

    above: NDArray[np.float64]
    untied: NDArray[np.float64]
    sizes: NDArray[np.float64]
    n_genes: int

    @classmethod
    def of(cls, members: csr_array, values: NDArray[np.floating]) -> "RankSums":
        """Rank the genes; `members` has shape (sets, genes), `values` (profiles, genes)."""
        n_genes = values.shape[1]
        ranks = rankdata(values, axis=1)
        inside = np.diff(members.indptr).astype(np.float64)
        above = np.asarray(members @ ranks.T).T - inside * (inside + 1) / 2 - inside * (n_genes - inside) / 2
        tied = [np.unique(row, return_counts=True)[1].astype(np.float64) for row in ranks]
        ties = np.array([float((counts**3 - counts).sum()) for counts in tied])
        return cls(above, np.clip(1 - ties / (n_genes**3 - n_genes), 0.0, 1.0), inside, n_genes)

    def test(self, *, correlation: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Standard deviations from chance, and two-sided p, of every set's rank sum; shape (profiles, sets) both.

        With `correlation` 0 this is the Mann-Whitney test with normal approximation, ties and continuity
        correction.
        """
        inside, outside = self.sizes, self.n_genes - self.sizes
        # Variance of the rank sum where the members are correlated with each other (Barry et al. 2008, eq. 10).
        independent = np.pi / 2 + (outside - 1) * np.pi / 6
        together = (inside - 1) * (outside - 1) * np.arcsin(correlation / 2)
        together += (inside - 1) * np.arcsin((correlation + 1) / 2)
        variance = inside * outside / (2 * np.pi) * (independent + together)
        deviation = np.sqrt(self.untied[:, None] * variance)
        distance = np.maximum(np.abs(self.above) - 0.5, 0.0)
        z = np.divide(distance, deviation, out=np.zeros_like(self.above), where=deviation > 0)
        p_value = np.maximum(2 * norm.sf(z), np.finfo(np.float64).tiny)
        return np.sign(self.above) * z, np.minimum(p_value, 1.0)
