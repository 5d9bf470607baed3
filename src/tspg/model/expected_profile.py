"""Where a profile is expected in the target class: at its mean, and as far from it as people like this one stay.

The answers with the smallest expected error. They say nothing about how samples differ from each other:
moved profiles are alike, or nearly so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tspg.data.prepare import Dataset
from tspg.model.baseline import TrainingPart, finished, rows_by_class
from tspg.model.expectation import FEWEST_PAIRS, counterparts, paired_slopes
from tspg.utils.typing import Float32Array, NameArray, NamedArrays


@dataclass(frozen=True)
class TargetMean:
    """The mean of the target class, whoever the profile came from: mu_t."""

    name: ClassVar[str] = "target_mean"
    asks_class: ClassVar[bool] = False
    mean: NDArray[np.float64]
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "TargetMean":  # noqa: ARG003 - as every method
        """Learn the mean profile of the target class."""
        return cls(training.mean_of(training.target_class), training.target_class)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        classes: tuple[str, ...],  # noqa: ARG003 - as every method
        target_class: str,
    ) -> "TargetMean":
        """The mean as it was stored."""
        return cls(arrays["mean"], target_class)

    def arrays(self) -> NamedArrays:
        """The mean profile."""
        return {"mean": self.mean}

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """The same mean profile for each."""
        return finished(np.broadcast_to(self.mean, profiles.shape), profiles, source_class, self.target_class)


@dataclass(frozen=True)
class PairedRegression:
    """The target's mean and what people keep of their own: mu_t + b (x - mu_source), b per gene and source class.

    b is learned from donors with samples of both classes, eight or more; for a class with fewer it is 0.
    """

    name: ClassVar[str] = "paired_regression"
    asks_class: ClassVar[bool] = True
    means: NDArray[np.float64]  # classes x genes
    slopes: NDArray[np.float64]  # classes x genes
    classes: tuple[str, ...]
    target_class: str

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> "PairedRegression":  # noqa: ARG003 - as every method
        """Learn the means of the classes, and how much of a deviation donors keep."""
        means = np.array([training.mean_of(name) for name in training.classes])
        slopes = np.array([_slopes(training, name) for name in training.classes])
        return cls(means, slopes, training.classes, training.target_class)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], target_class: str
    ) -> "PairedRegression":
        """The regression as it was stored."""
        return cls(arrays["means"], arrays["slopes"], classes, target_class)

    def arrays(self) -> NamedArrays:
        """Means and slopes."""
        return {"means": self.means, "slopes": self.slopes}

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """The target's mean, and the part of each profile's own deviation that donors keep."""
        target_mean = self.means[self.classes.index(self.target_class)]
        moved = profiles.astype(np.float64)
        for number, rows in rows_by_class(source_class, self.classes):
            moved[rows] = target_mean + self.slopes[number] * (moved[rows] - self.means[number])
        return finished(moved, profiles, source_class, self.target_class)


def _slopes(training: TrainingPart, name: str) -> NDArray[np.float64]:
    """What donors keep of a deviation from their class, per gene; 0 where too few of them gave samples of both."""
    donors, target = training.donors, training.target_class
    if donors is None or donors_of_both(training.class_names, donors, target).get(name, 0) < FEWEST_PAIRS:
        return np.zeros(training.profiles.shape[1])
    is_source, is_target = (training.class_names == one for one in (name, target))
    paired, after = counterparts(training.profiles, is_source, is_target, donors)
    before = training.profiles[paired] - training.mean_of(name)
    return paired_slopes(before, after - training.mean_of(target), donors[paired])


def classes_with_pairs(dataset: Dataset, target_class: str) -> frozenset[str]:
    """The classes from which `PairedRegression` learns: eight donors or more are trained on in both classes."""
    if dataset.groups is None:
        return frozenset()
    train = dataset.is_train
    found = donors_of_both(dataset.source_class[train], np.asarray(dataset.groups, dtype=object)[train], target_class)
    return frozenset(name for name, n in found.items() if n >= FEWEST_PAIRS)


def donors_of_both(
    class_names: Sequence[str] | NameArray, donors: Sequence[object] | NDArray[Any], target_class: str
) -> dict[str, int]:
    """For every other class, how many donors gave samples of it and of the target class."""
    who: dict[str, set[object]] = {}
    for name, donor in zip(class_names, donors, strict=True):
        who.setdefault(name, set()).add(donor)
    targets = who.pop(target_class, set())
    return {name: len(own & targets) for name, own in who.items()}
