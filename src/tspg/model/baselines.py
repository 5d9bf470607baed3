"""What can be had without a generator: the simplest methods, to compare with and to choose instead.

Each is fitted on training samples only, and leaves a sample that is already of the target class where
it is. `arrays` and `from_arrays` are how a model folder keeps one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tspg.model.baseline import Baseline, TrainingPart, finished, rows_by_class
from tspg.model.expected_profile import PairedRegression, TargetMean
from tspg.model.quantile_map import QuantileMap
from tspg.model.random import BASELINE_DRAWS, stream
from tspg.model.target_state import TargetState
from tspg.utils.typing import Float32Array, NameArray, NamedArrays


@dataclass(frozen=True)
class MeanShift:
    """Each profile plus the difference of the class means: x + mu_t - mu_source."""

    name: ClassVar[str] = "mean_shift"
    asks_class: ClassVar[bool] = True
    means: NDArray[np.float64]  # classes x genes
    classes: tuple[str, ...]
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "MeanShift":  # noqa: ARG003 - as every method
        """Learn the mean profile of every class."""
        means = np.array([training.mean_of(name) for name in training.classes])
        return cls(means, training.classes, training.target_class)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], target_class: str
    ) -> "MeanShift":
        """The shift as it was stored."""
        return cls(arrays["means"], classes, target_class)

    def arrays(self) -> NamedArrays:
        """The class means."""
        return {"means": self.means}

    def with_class(self, name: str, cohort: Float32Array) -> "MeanShift":
        """With the mean of one more class."""
        mean = cohort.mean(axis=0, dtype=np.float64)
        return replace(self, means=np.vstack([self.means, mean]), classes=(*self.classes, name))

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
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
    asks_class: ClassVar[bool] = False
    targets: Float32Array
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

    def arrays(self) -> NamedArrays:
        """The training samples of the target class."""
        return {"targets": self.targets}

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """For every profile the target sample at the smallest Euclidean distance."""
        nearest = cdist(profiles, self.targets).argmin(axis=1)
        return finished(self.targets[nearest], profiles, source_class, self.target_class)


@dataclass(frozen=True)
class GaussianDraw:
    """A random draw from N(mu_t, Sigma_t): as real as means and covariances go, and no person in it."""

    name: ClassVar[str] = "gaussian_draw"
    asks_class: ClassVar[bool] = False
    state: TargetState
    seed: int
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "GaussianDraw":
        """Learn mu_t and Sigma_t."""
        return cls(TargetState.estimate(training.of_class(training.target_class)), seed, training.target_class)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        classes: tuple[str, ...],  # noqa: ARG003 - as every method
        target_class: str,
    ) -> "GaussianDraw":
        """The distribution as it was stored."""
        return cls(TargetState(arrays["mean"], arrays["factor"]), int(arrays["seed"][0]), target_class)

    def arrays(self) -> NamedArrays:
        """Mean, factor of the covariance, and seed."""
        seed = np.array([self.seed], dtype=np.int64)
        return {"mean": self.state.mean, "factor": self.state.factor, "seed": seed}

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """One draw a profile; the same seed and number of profiles give the same draws."""
        draws = self.state.draw(len(profiles), stream(self.seed, BASELINE_DRAWS, 0))
        return finished(draws, profiles, source_class, self.target_class)


BASELINES: dict[str, type[Baseline]] = {
    method.name: method
    for method in (MeanShift, QuantileMap, NearestTarget, GaussianDraw, TargetMean, PairedRegression)
}
