"""Methods without a network and simpler than the linear map: to compare with, or to choose instead.

Each is fitted on training samples only and leaves a sample of the target class as it is.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from tspg.data.prepare import Dataset
from tspg.model.expectation import FEWEST_PAIRS, counterparts, paired_slopes
from tspg.model.methods import Method
from tspg.model.random import BASELINE_DRAWS, stream
from tspg.model.target_state import TargetState
from tspg.utils.typing import Float32Array, Float64Array, Int64Array, NamedArrays

MOST_LEVELS = 51  # quantiles kept per class and gene


@dataclass(frozen=True)
class TrainingPart:
    """Scaled profiles, the class of each, the class to move to, and the donors where they are known.

    The class of a sample that is not trained on is -1: a large matrix is not copied for it.
    """

    profiles: Float32Array
    class_index: Int64Array
    target_index: int
    donors: Int64Array | None = None

    @classmethod
    def of(cls, dataset: Dataset, target_class: str) -> "TrainingPart":
        """The training samples of a prepared matrix."""
        donors = None
        if dataset.groups is not None:
            donors = np.unique(np.asarray(dataset.groups, dtype=object), return_inverse=True)[1]
        class_index = np.where(dataset.is_train, dataset.class_index, -1)
        return cls(dataset.profiles, class_index, dataset.index_of(target_class), donors)

    @property
    def by_class(self) -> Iterator[Float32Array]:
        """The training profiles of one class after the other."""
        return (self.profiles[self.class_index == number] for number in range(int(self.class_index.max()) + 1))

    @property
    def targets(self) -> Float32Array:
        """Those of the target class."""
        targets: Float32Array = self.profiles[self.class_index == self.target_index]
        return targets


@dataclass(frozen=True)
class Baseline(Method):
    """A method whose fields are arrays: those and the target class are all that it has learned."""

    target_index: int

    @classmethod
    @abstractmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:
        """Learn from training samples; `seed` decides random draws."""

    @abstractmethod
    def _moved(self, profiles: Float32Array, class_index: Int64Array) -> NDArray[np.floating]:
        """Profiles moved to the target class, not yet clipped."""

    def move(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """Profiles moved to the target class, in [0, 1]; `class_index` is the class of each."""
        moved = np.clip(self._moved(profiles, class_index), 0.0, 1.0)
        return np.where((class_index == self.target_index)[:, None], profiles, moved).astype(np.float32)

    def raw_perturbation(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """The difference between x and its moved profile."""
        return self.move(profiles, class_index) - profiles

    def arrays(self) -> NamedArrays:
        """All that was learned, by the names of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "target_index"}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], target_index: int) -> Self:
        """The method as it was stored."""
        return cls(target_index, **arrays)

    def files(self) -> dict[str, dict[str, Tensor]]:
        """All that was learned, in one file."""
        arrays = self.arrays().items()
        return {self.name: {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays}}


@dataclass(frozen=True)
class _ByClass(Baseline):
    """A baseline with one map per class."""

    asks_class: ClassVar[bool] = True

    @abstractmethod
    def _move_class(self, profiles: Float32Array, number: int) -> NDArray[np.floating]:
        """Profiles of one class moved to the target class, not yet clipped."""

    def _moved(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        moved = profiles.copy()
        for number in np.unique(class_index):
            rows = class_index == number
            moved[rows] = np.clip(self._move_class(profiles[rows], number), 0.0, 1.0)
        return moved


@dataclass(frozen=True)
class MeanShift(_ByClass):
    """Each profile plus the difference of the class means: x + mu_t - mu_source."""

    name: ClassVar[str] = "mean_shift"
    means: Float64Array  # classes x genes

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:  # noqa: ARG003 - as every method
        """Learn the mean profile of every class."""
        return cls(training.target_index, _class_means(training))

    def with_class(self, cohort: Float32Array, likeliest: Int64Array) -> Self:
        """With the mean of one more class."""
        del likeliest
        return replace(self, means=np.vstack([self.means, cohort.mean(axis=0, dtype=np.float64)]))

    def _move_class(self, profiles: Float32Array, number: int) -> Float64Array:
        moved: Float64Array = profiles + (self.means[self.target_index] - self.means[number])
        return moved


@dataclass(frozen=True)
class QuantileMap(_ByClass):
    """Per gene, the value that has the same rank in the target class as x has in its own class.

    The distribution of every gene becomes the target's; how genes vary together does not.
    """

    name: ClassVar[str] = "quantile_map"
    quantiles: Float32Array  # classes x levels x genes

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:  # noqa: ARG003 - as every method
        """Learn the quantiles of every gene in every class, at up to 51 levels."""
        largest = np.unique(training.class_index[training.class_index >= 0], return_counts=True)[1].max()
        n_levels = min(MOST_LEVELS, max(2, int(largest)))
        quantiles = [_quantiles(profiles, n_levels) for profiles in training.by_class]
        return cls(training.target_index, np.array(quantiles))

    def with_class(self, cohort: Float32Array, likeliest: Int64Array) -> Self:
        """With the quantiles of one more class."""
        del likeliest
        added = _quantiles(cohort, self.quantiles.shape[1])
        return replace(self, quantiles=np.concatenate([self.quantiles, added[None]]))

    def _move_class(self, profiles: Float32Array, number: int) -> Float32Array:
        return _same_rank(profiles, self.quantiles[number], self.quantiles[self.target_index])


@dataclass(frozen=True)
class NearestTarget(Baseline):
    """The closest training sample of the target class: real by construction, but another person."""

    name: ClassVar[str] = "nearest_target"
    asks_class: ClassVar[bool] = False
    targets: Float32Array

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:  # noqa: ARG003 - as every method
        """Keep the training samples of the target class."""
        return cls(training.target_index, training.targets)

    def _moved(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        del class_index
        nearest: Float32Array = self.targets[cdist(profiles, self.targets).argmin(axis=1)]
        return nearest


@dataclass(frozen=True)
class GaussianDraw(Baseline):
    """A random draw from N(mu_t, Sigma_t): right in means and covariances, and unrelated to the person."""

    name: ClassVar[str] = "gaussian_draw"
    asks_class: ClassVar[bool] = False
    mean: Float32Array
    factor: Float32Array
    seed: Int64Array  # one number

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:
        """Learn mu_t and Sigma_t."""
        state = TargetState.estimate(training.targets)
        return cls(training.target_index, state.mean, state.factor, np.array([seed], dtype=np.int64))

    def _moved(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        del class_index
        rng = stream(int(self.seed[0]), BASELINE_DRAWS, 0)
        return TargetState(self.mean, self.factor).draw(len(profiles), rng)


@dataclass(frozen=True)
class TargetMean(Baseline):
    """The mean of the target class, mu_t, for every profile: the smallest expected error, and no individuality."""

    name: ClassVar[str] = "target_mean"
    asks_class: ClassVar[bool] = False
    mean: Float64Array

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:  # noqa: ARG003 - as every method
        """Learn the mean profile of the target class."""
        return cls(training.target_index, training.targets.mean(axis=0, dtype=np.float64))

    def _moved(self, profiles: Float32Array, class_index: Int64Array) -> Float64Array:
        del class_index
        return np.broadcast_to(self.mean, profiles.shape)


@dataclass(frozen=True)
class PairedRegression(_ByClass):
    """The target's mean and the part of a deviation that people keep: mu_t + b (x - mu_source).

    b, per gene and source class, is learned from donors with samples of both classes. It is 0 for a class with fewer
    than eight of them.
    """

    name: ClassVar[str] = "paired_regression"
    means: Float64Array  # classes x genes
    slopes: Float64Array  # classes x genes

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:  # noqa: ARG003 - as every method
        """Learn the means of the classes, and how much of a deviation donors keep."""
        means, target, donors = _class_means(training), training.target_index, training.donors
        slopes = np.zeros_like(means)
        if donors is None:
            return cls(target, means, slopes)
        for number in range(len(means)):
            is_source, is_target = training.class_index == number, training.class_index == target
            paired, after = counterparts(training.profiles, is_source, is_target, donors)
            if number != target and len(np.unique(donors[paired])) >= FEWEST_PAIRS:
                before = training.profiles[paired] - means[number]
                slopes[number] = paired_slopes(before, after - means[target], donors[paired])
        return cls(target, means, slopes)

    def _move_class(self, profiles: Float32Array, number: int) -> Float64Array:
        moved: Float64Array = self.means[self.target_index] + self.slopes[number] * (profiles - self.means[number])
        return moved


BASELINES: dict[str, type[Baseline]] = {
    method.name: method
    for method in (MeanShift, QuantileMap, NearestTarget, GaussianDraw, TargetMean, PairedRegression)
}


def _class_means(training: TrainingPart) -> Float64Array:
    return np.array([profiles.mean(axis=0, dtype=np.float64) for profiles in training.by_class])


def _quantiles(profiles: Float32Array, n_levels: int) -> Float32Array:
    """Quantiles of every gene at even steps, shape (levels, genes)."""
    ordered = np.sort(profiles, axis=0)  # of what is sorted, quantiles are found three times as fast
    return np.quantile(ordered, np.linspace(0, 1, n_levels), axis=0).astype(np.float32)


def _same_rank(profiles: Float32Array, source: Float32Array, target: Float32Array) -> Float32Array:
    """The target's value at the rank of each gene's value in the source; the middle rank where values are tied.

    Outside the known range it is the end of the target's range. A gene that does not vary in the source class has no
    ranks: it is moved by the difference of the medians.
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
