"""Euclidean distances between profiles, computed once for each pair of clouds and used by every measure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.resampling import Groups, donor_codes
from tspg.utils.typing import Float64Array, FloatArray, Int64Array

_GENES_AT_ONCE = 2048
_SAME = 1e-13  # of the squared lengths: two profiles closer than that are the same but for rounding


def pairwise(x: FloatArray, y: FloatArray | None = None) -> Float64Array:
    """Euclidean distances between the rows of x and y, or within x; shape (rows of x, rows of y).

    |x - y|^2 = |x|^2 + |y|^2 - 2 x.y in float64 on profiles centred by the mean of x, a block of genes
    at a time; the centring keeps the difference of large numbers from losing digits.
    """
    other = x if y is None else y
    squared = np.zeros((len(x), len(other)))
    lengths_x, lengths_y = np.zeros(len(x)), np.zeros(len(other))
    for start in range(0, x.shape[1], _GENES_AT_ONCE):
        genes = slice(start, start + _GENES_AT_ONCE)
        centre = x[:, genes].mean(axis=0, dtype=np.float64) if len(x) else 0.0
        block_x = x[:, genes] - centre
        block_y = block_x if y is None else y[:, genes] - centre
        squared -= 2.0 * (block_x @ block_y.T)
        lengths_x += np.einsum("ij,ij->i", block_x, block_x)
        lengths_y += np.einsum("ij,ij->i", block_y, block_y)
    squared += lengths_x[:, None]
    squared += lengths_y
    for row, length in zip(squared, lengths_x, strict=True):
        row[row <= _SAME * (length + lengths_y)] = 0.0
    if y is None:
        np.fill_diagonal(squared, 0.0)
    distances: Float64Array = np.sqrt(squared, out=squared)
    return distances


@dataclass(frozen=True)
class CloudPair:
    """All distances among moved profiles (the first rows) and real ones (the others), with their donors."""

    pooled: Float64Array
    n_moved: int
    donors: Int64Array

    @classmethod
    def of(
        cls, moved: FloatArray, real: FloatArray, *, moved_groups: Groups = None, real_groups: Groups = None
    ) -> "CloudPair":
        """Measure two clouds of profiles, shape (samples, genes); `groups` name each sample's donor."""
        donors = donor_codes((len(moved), moved_groups), (len(real), real_groups))
        return cls(pairwise(np.concatenate([moved, real])), len(moved), np.concatenate(donors))

    @property
    def n_real(self) -> int:
        """How many real profiles there are."""
        return len(self.pooled) - self.n_moved

    @property
    def is_moved(self) -> NDArray[np.bool_]:
        """True for the rows of moved profiles."""
        return np.arange(len(self.pooled)) < self.n_moved

    @property
    def within_moved(self) -> Float64Array:
        """Distances among the moved profiles."""
        return self.pooled[: self.n_moved, : self.n_moved]

    @property
    def between(self) -> Float64Array:
        """Distances from the moved profiles (rows) to the real ones (columns)."""
        return self.pooled[: self.n_moved, self.n_moved :]

    @property
    def within_real(self) -> Float64Array:
        """Distances among the real profiles."""
        return self.pooled[self.n_moved :, self.n_moved :]
