"""What can be had without a generator: the simplest methods, to compare with and to choose instead.

Each is fitted on training samples only, and leaves a sample that is already of the target class where
it is. `arrays` and `from_arrays` are how a model folder keeps one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.distances import Matrix, pairwise
from tspg.analysis.methods import Arrays, Baseline, Names, TrainingPart, finished, rows_by_class
from tspg.analysis.quantile_map import QuantileMap
from tspg.data.prepare import FloatMatrix, Prepared


@dataclass(frozen=True)
class MeanShift:
    """Each profile plus the difference of the class means: x + mu_t - mu_source."""

    name: ClassVar[str] = "mean_shift"
    means: NDArray[np.float64]  # classes x genes
    classes: tuple[str, ...]
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "MeanShift":  # noqa: ARG003 - as every method
        """Learn the mean profile of every class."""
        means = [training.of_class(name).mean(axis=0, dtype=np.float64) for name in training.classes]
        return cls(np.array(means), training.classes, training.target_class)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], target_class: str
    ) -> "MeanShift":
        """The shift as it was stored."""
        return cls(arrays["means"], classes, target_class)

    def arrays(self) -> Arrays:
        """The class means."""
        return {"means": self.means}

    def move(self, profiles: Matrix, source_class: Names) -> FloatMatrix:
        """Profiles plus the difference of the class means."""
        target_mean = self.means[self.classes.index(self.target_class)]
        moved = profiles.astype(np.float64)
        for number, rows in rows_by_class(source_class, self.classes):
            moved[rows] += target_mean - self.means[number]
        return finished(moved, profiles, source_class, self.target_class)


@dataclass(frozen=True)
class NearestTarget:
    """The closest real training sample of the target class: real by construction, but another person."""

    name: ClassVar[str] = "nearest_target"
    targets: FloatMatrix
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "NearestTarget":  # noqa: ARG003 - as every method
        """Keep the training samples of the target class."""
        return cls(training.of_class(training.target_class), training.target_class)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        classes: tuple[str, ...],  # noqa: ARG003 - as every method
        target_class: str,
    ) -> "NearestTarget":
        """The samples as they were stored."""
        return cls(arrays["targets"], target_class)

    def arrays(self) -> Arrays:
        """The training samples of the target class."""
        return {"targets": self.targets}

    def move(self, profiles: Matrix, source_class: Names) -> FloatMatrix:
        """For every profile the target sample at the smallest Euclidean distance."""
        nearest = pairwise(profiles, self.targets).argmin(axis=1)
        return finished(self.targets[nearest], profiles, source_class, self.target_class)


@dataclass(frozen=True)
class GaussianDraw:
    """A random draw from N(mu_t, Sigma_t): as real as means and covariances go, and no person in it."""

    name: ClassVar[str] = "gaussian_draw"
    mean: NDArray[np.float32]
    factor: NDArray[np.float32]  # A', samples x genes, with Sigma_t = A A'
    seed: int
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "GaussianDraw":
        """Learn mu_t and, through the centred samples, Sigma_t: exact although it is singular."""
        targets = training.of_class(training.target_class).astype(np.float64)
        mean = targets.mean(axis=0)
        factor = (targets - mean) / np.sqrt(max(len(targets) - 1, 1))
        return cls(mean.astype(np.float32), factor.astype(np.float32), seed, training.target_class)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        classes: tuple[str, ...],  # noqa: ARG003 - as every method
        target_class: str,
    ) -> "GaussianDraw":
        """The distribution as it was stored."""
        return cls(arrays["mean"], arrays["factor"], int(arrays["seed"][0]), target_class)

    def arrays(self) -> Arrays:
        """Mean, factor of the covariance, and seed."""
        return {"mean": self.mean, "factor": self.factor, "seed": np.array([self.seed], dtype=np.int64)}

    def move(self, profiles: Matrix, source_class: Names) -> FloatMatrix:
        """One draw a profile; the same seed and number of profiles give the same draws."""
        noise = np.random.default_rng([self.seed, 92]).standard_normal((len(profiles), len(self.factor)))
        return finished(self.mean + noise.astype(np.float32) @ self.factor, profiles, source_class, self.target_class)


BASELINES: dict[str, type[Baseline]] = {
    method.name: method for method in (MeanShift, QuantileMap, NearestTarget, GaussianDraw)
}


def mean_shift(
    prepared: Prepared, profiles: FloatMatrix, source_class: NDArray[np.object_], target_class: str
) -> FloatMatrix:
    """Each profile plus the difference of the class means: x + mu_t - mu_source, clipped to [0, 1].

    Means are those of the training samples. `profiles` has shape (samples, genes), `source_class`
    names each sample's own class.
    """
    return MeanShift.fit(TrainingPart.of(prepared, target_class)).move(profiles, source_class)
