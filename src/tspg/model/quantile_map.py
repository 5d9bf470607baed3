"""Gene by gene to the target's distribution: the strongest method that looks at single genes only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tspg.model.baseline import TrainingPart, finished, rows_by_class
from tspg.utils.typing import Float32Array, NameArray, NamedArrays

MOST_LEVELS = 51  # quantiles kept a class and gene


@dataclass(frozen=True)
class QuantileMap:
    """Gene by gene, the value that has the same rank in the target class as x has in its own class.

    The distributions of single genes become the target's; how genes vary together does not.
    """

    name: ClassVar[str] = "quantile_map"
    asks_class: ClassVar[bool] = True
    quantiles: NDArray[np.float32]  # classes x levels x genes
    classes: tuple[str, ...]
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "QuantileMap":  # noqa: ARG003 - as every method
        """Learn the quantiles of every gene in every class, at up to 51 levels."""
        largest = max(len(training.of_class(name)) for name in training.classes)
        n_levels = min(MOST_LEVELS, max(largest, 2))
        quantiles = np.array([_quantiles(training.of_class(name), n_levels) for name in training.classes])
        return cls(quantiles, training.classes, training.target_class)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], target_class: str
    ) -> "QuantileMap":
        """The map as it was stored."""
        return cls(arrays["quantiles"], classes, target_class)

    def arrays(self) -> NamedArrays:
        """The quantiles."""
        return {"quantiles": self.quantiles}

    def with_class(self, name: str, cohort: Float32Array) -> "QuantileMap":
        """With the quantiles of one more class."""
        own = _quantiles(cohort, self.quantiles.shape[1])
        return replace(self, quantiles=np.concatenate([self.quantiles, own[None]]), classes=(*self.classes, name))

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """Profiles with every gene's rank read off in the target class; outside the known range, its ends."""
        target = self.quantiles[self.classes.index(self.target_class)]
        moved = np.array(profiles, dtype=np.float32)
        for number, rows in rows_by_class(source_class, self.classes):
            moved[rows] = _same_rank(moved[rows], self.quantiles[number], target)
        return finished(moved, profiles, source_class, self.target_class)


def _quantiles(profiles: Float32Array, n_levels: int) -> NDArray[np.float32]:
    """So many quantiles of every gene at even steps, shape (levels, genes)."""
    return np.quantile(profiles, np.linspace(0, 1, n_levels), axis=0).astype(np.float32)


def _same_rank(profiles: Float32Array, source: Float32Array, target: Float32Array) -> Float32Array:
    """The target's value at the rank of each gene's value in the source; the middle rank where values are tied.

    A gene that does not vary in the source class has no ranks: it is moved by the difference of the medians.
    """
    low, width = source[:-1], np.diff(source, axis=0)
    slope = np.divide(1.0, width, out=np.zeros_like(width), where=width > 0)
    ranks = np.zeros_like(profiles)
    for row, rank in zip(profiles, ranks, strict=True):
        np.clip((row - low) * slope, 0.0, 1.0).sum(axis=0, out=rank)
    has_ties = np.flatnonzero((width == 0).any(axis=0))
    tied = np.where(width == 0, low, np.nan)[:, has_ties]  # nan is neither above nor at any value
    for index, row in enumerate(profiles[:, has_ties]):
        ranks[index, has_ties] += 0.5 * ((row > tied).sum(axis=0) + (row >= tied).sum(axis=0))
    below = np.minimum(ranks.astype(np.int64), len(target) - 2)
    genes = np.arange(target.shape[1])
    there = target[below, genes] + (ranks - below) * (target[below + 1, genes] - target[below, genes])
    medians = np.median(target, axis=0) - np.median(source, axis=0)
    return np.where(source[-1] > source[0], there, profiles + medians).astype(np.float32)
