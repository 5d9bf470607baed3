"""Statistics of every sample over all genes of a file, taken while it is read: sums, zeros, whole numbers, extremes."""

from dataclasses import dataclass

import numpy as np

from tspg.data.quantiles import LEVELS
from tspg.utils.typing import BoolArray, Float32Array, Float64Array

# Bases of logarithms, and the largest value that may be one to that base: a billion copies of one gene.
LARGEST_LOG = {2.0: 30.0, float(np.e): 21.0, 10.0: 9.0}
_GRID = np.searchsorted(LEVELS, np.linspace(0, 1, 401))  # levels at equal steps, without the denser tails
_ROWS_AT_ONCE = 256
_UNLOGGED = {base: f"unlogged_{base:g}" for base in LARGEST_LOG}
_NAMES = ("smallest", "largest", "total", "n_zero", "n_whole", *_UNLOGGED.values())
_REDUCED_BY = {"smallest": np.minimum, "largest": np.maximum}  # the others are sums


class SampleStatistics:
    """Running statistics, one number per sample, over every gene of the file, kept or not."""

    def __init__(self) -> None:
        self.n_genes = 0
        self._parts: list[dict[str, Float64Array]] = []

    @classmethod
    def of(cls, values: Float32Array) -> "SampleStatistics":
        """Those of a matrix of shape (samples, genes)."""
        found = cls()
        for start in range(0, len(values), _ROWS_AT_ONCE):
            found.add_samples(values[start : start + _ROWS_AT_ONCE])
        return found

    def add_samples(self, values: Float32Array) -> None:
        """Add some samples with all their genes; shape (samples, genes)."""
        self.n_genes = values.shape[1]
        self._parts.append(_measure(values, axis=1))

    def add_genes(self, values: Float32Array) -> None:
        """Add some genes of all samples; shape (genes, samples)."""
        if not len(values):
            return
        self.n_genes += len(values)
        found = _measure(values, axis=0)
        for before in self._parts:  # one at most
            found = {name: _REDUCED_BY.get(name, np.add)(before[name], found[name]) for name in found}
        self._parts = [found]

    def some(self, samples: BoolArray) -> "SampleStatistics":
        """Those of some of the samples."""
        found = SampleStatistics()
        found.n_genes, found._parts = self.n_genes, [{name: self._all(name)[samples] for name in _NAMES}]
        return found

    def _all(self, name: str) -> Float64Array:
        return np.concatenate([part[name] for part in self._parts] or [np.empty(0)])

    @property
    def smallest(self) -> Float64Array:
        """The smallest value of each sample."""
        return self._all("smallest")

    @property
    def largest(self) -> Float64Array:
        """The largest value of each sample."""
        return self._all("largest")

    @property
    def totals(self) -> Float64Array:
        """The sum of each sample's values: the library size, if they are counts."""
        return self._all("total")

    @property
    def n_zero(self) -> Float64Array:
        """The number of zeros of each sample."""
        return self._all("n_zero")

    @property
    def n_whole(self) -> Float64Array:
        """The number of whole numbers of each sample, zeros included."""
        return self._all("n_whole")

    def unlogged(self, base: float) -> Float64Array:
        """The sum of each sample's values if they are log(x + 1) to a base; NaN if they cannot be."""
        return self._all(_UNLOGGED[base])


def _measure(values: Float32Array, axis: int) -> dict[str, Float64Array]:
    """Every statistic of one block, in few passes, since a file may have a billion values."""
    n = values.shape[axis]
    if not n:
        return dict.fromkeys(_NAMES, np.zeros(values.shape[1 - axis]))
    largest = values.max(axis=axis).astype(np.float64)
    found = {
        "smallest": values.min(axis=axis).astype(np.float64),
        "largest": largest,
        "total": values.sum(axis=axis, dtype=np.float64),
        "n_zero": n - np.count_nonzero(values, axis=axis).astype(np.float64),
        "n_whole": np.count_nonzero(np.floor(values) == values, axis=axis).astype(np.float64),
    }
    for base, most in LARGEST_LOG.items():
        sums = np.where(largest == 0, 0.0, np.nan)
        possible = (largest > 0) & (largest <= most)
        if possible.any():
            part = values if possible.all() else np.compress(possible, values, axis=1 - axis)
            with np.errstate(over="ignore"):  # values far below zero become nothing
                sums[possible] = np.exp(part * np.float32(np.log(base))).sum(axis=axis, dtype=np.float64) - n
        found[_UNLOGGED[base]] = sums
    return found


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
