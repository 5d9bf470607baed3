"""The target state: mean and covariance of the target class, and random draws from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tspg.errors import ShapeError
from tspg.utils.typing import Float32Array


@dataclass(frozen=True)
class TargetState:
    """Mean and spread of the target class's training samples on the scaled axis.

    `mean` is mu_t, shape (genes,). `factor` is A, shape (genes, samples), with Sigma_t = A A^T: the
    centred samples over sqrt(m - 1). With fewer samples than genes Sigma_t is singular and has no
    Cholesky factor; A is exact all the same, and small.

    Examples
    --------
    >>> import numpy as np
    >>> two_samples_of_three_genes = [[0.2, 0.4, 0.1], [0.4, 0.4, 0.3]]
    >>> state = tspg.TargetState.estimate(two_samples_of_three_genes)
    >>> state.factor.shape
    (3, 2)
    >>> state.draw(5, np.random.default_rng(0)).shape
    (5, 3)
    """

    mean: Float32Array
    factor: Float32Array

    @classmethod
    def estimate(cls, target_profiles: npt.ArrayLike) -> "TargetState":
        """Learn mu_t and A from the training samples of the target class, shape (samples, genes).

        A single sample has no spread: every draw is that sample.
        """
        profiles = np.asarray(target_profiles, dtype=np.float64)
        if profiles.ndim != 2 or len(profiles) == 0:
            raise ShapeError(f"target_profiles has shape {profiles.shape}; (one or more samples, genes) is needed.")
        mean = profiles.mean(axis=0)
        factor = (profiles - mean).T / np.sqrt(max(len(profiles) - 1, 1))
        return cls(mean.astype(np.float32), np.ascontiguousarray(factor, dtype=np.float32))

    def draw(self, n: int, rng: np.random.Generator) -> Float32Array:
        """`n` random target states r_t ~ N(mu_t, Sigma_t), shape (n, genes), not yet clipped to [0, 1]."""
        noise = rng.standard_normal((n, self.factor.shape[1]), dtype=np.float32)
        return self.mean + noise @ self.factor.T
