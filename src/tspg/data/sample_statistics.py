"""Statistics of every sample over all genes of a file, taken while it is read: sums, zeros, whole numbers, extremes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from tspg.data.quantiles import LEVELS
from tspg.utils.typing import BoolArray, Float32Array, Float64Array

# Bases of logarithms, and the largest value that may be one to that base: a billion copies of one gene.
LARGEST_LOG = {2.0: 30.0, float(np.e): 21.0, 10.0: 9.0}
_GRID = np.searchsorted(LEVELS, np.linspace(0, 1, 401))  # levels at equal steps, without the denser tails
_ROWS_AT_ONCE = 256
_ARRAYS = ("smallest", "largest", "totals", "n_zero", "n_whole", "unlogged_sums")
_REDUCED_BY = {"smallest": np.minimum, "largest": np.maximum}  # the others are sums


@dataclass(frozen=True)
class SampleStatistics:
    """One number per sample, over every gene of a file, kept or not; zeros are whole numbers, too."""

    n_genes: int
    smallest: Float64Array
    largest: Float64Array
    totals: Float64Array  # library sizes, if values are counts
    n_zero: Float64Array
    n_whole: Float64Array
    unlogged_sums: Float64Array  # shape (bases, samples)

    def unlogged(self, base: float) -> Float64Array:
        """The sum of each sample's values if they are log(x + 1) to a base; NaN if they cannot be."""
        return np.asarray(self.unlogged_sums[list(LARGEST_LOG).index(base)])

    @classmethod
    def of(cls, values: Float32Array) -> Self:
        """Those of a matrix of shape (samples, genes)."""
        starts = range(0, len(values), _ROWS_AT_ONCE)
        return cls.of_samples([cls.of_block(values[start : start + _ROWS_AT_ONCE]) for start in starts])

    @classmethod
    def of_samples(cls, parts: Sequence[Self]) -> Self:
        """Those of all samples, from those of consecutive ones with the same genes."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(one, name) for one in parts], axis=-1) for name in _ARRAYS
        }
        return replace(parts[0], **arrays)

    def with_genes(self, more: Self) -> Self:
        """Those of the same samples over more genes."""
        arrays: dict[str, Any] = {
            name: _REDUCED_BY.get(name, np.add)(getattr(self, name), getattr(more, name)) for name in _ARRAYS
        }
        return replace(self, n_genes=self.n_genes + more.n_genes, **arrays)

    def some(self, samples: BoolArray) -> Self:
        """Those of some of the samples."""
        return replace(self, **{name: getattr(self, name)[..., samples] for name in _ARRAYS})

    @classmethod
    def of_block(cls, values: Float32Array, genes_axis: int = 1) -> Self:
        """Those of one block, in few passes, since a file may have a billion values; no genes change no others."""
        axis, n = genes_axis, values.shape[genes_axis]
        largest = values.max(axis=axis, initial=-np.inf).astype(np.float64)
        unlogged = []
        for base, most in LARGEST_LOG.items():
            sums = np.where((largest == 0) | (n == 0), 0.0, np.nan)
            possible = (largest > 0) & (largest <= most)
            if possible.any():
                part = values if possible.all() else np.compress(possible, values, axis=1 - axis)
                with np.errstate(over="ignore"):  # values far below zero become nothing
                    sums[possible] = np.exp(part * np.float32(np.log(base))).sum(axis=axis, dtype=np.float64) - n
            unlogged.append(sums)
        return cls(
            n,
            smallest=values.min(axis=axis, initial=np.inf).astype(np.float64),
            largest=largest,
            totals=values.sum(axis=axis, dtype=np.float64),
            n_zero=n - np.count_nonzero(values, axis=axis).astype(np.float64),
            n_whole=np.count_nonzero(np.floor(values) == values, axis=axis).astype(np.float64),
            unlogged_sums=np.stack(unlogged),
        )


@dataclass(frozen=True)
class Shape:
    """The distribution of each sample's values, read off its quantile function; one number per sample.

    The largest and the smallest value do not count, so that a single bad cell changes nothing. `scatter` is the
    standard deviation of the values above zero over their mean: many times 1 on a linear scale, below 1.5 on a log
    scale, whatever the unit.
    """

    grid: Float32Array  # shape (samples, 401): from the smallest to the largest in equal steps
    low: Float64Array
    high: Float64Array
    middle: Float64Array
    spread: Float64Array  # interquartile range
    scatter: Float64Array

    @classmethod
    def of(cls, quantiles: Float32Array, n_genes: int) -> "Shape":
        """That of quantile functions at `LEVELS`, shape (samples, levels), over so many genes."""
        ranks = np.round(LEVELS * (n_genes - 1))
        inner = (ranks >= min(1, n_genes - 1)) & (ranks <= max(n_genes - 2, 0))
        inside = quantiles[:, inner] if inner.any() else quantiles
        grid = quantiles[:, _GRID]
        kept = grid[:, inner[_GRID]] if inner[_GRID].any() else grid
        quarter, middle, upper = (quantiles[:, np.searchsorted(LEVELS, level)] for level in (0.25, 0.5, 0.75))
        return cls(
            grid,
            low=inside[:, 0].astype(np.float64),
            high=inside[:, -1].astype(np.float64),
            middle=middle.astype(np.float64),
            spread=(upper - quarter).astype(np.float64),
            scatter=_scatter(kept.astype(np.float64)),
        )


def _scatter(values: Float64Array) -> Float64Array:
    """The standard deviation over the mean of each row's values above zero; 0 if there are none."""
    above = values > 0
    n = np.maximum(above.sum(axis=1), 1)
    mean = np.where(above, values, 0.0).sum(axis=1) / n
    variance = np.where(above, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / n
    return np.asarray(np.sqrt(variance) / np.where(mean > 0, mean, 1.0), np.float64)
