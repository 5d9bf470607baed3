"""What every method without a network has in common: what it is fitted on, and how it is stored and used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tspg.data.prepare import Dataset
from tspg.errors import UsageError
from tspg.utils.typing import Float32Array, NameArray, NamedArrays


@dataclass(frozen=True)
class TrainingPart:
    """Scaled training profiles, the class of each, the class to move to, and the donors where they are known."""

    profiles: Float32Array
    class_names: NameArray
    target_class: str
    donors: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, dataset: Dataset, target_class: str) -> "TrainingPart":
        """The training samples of a prepared matrix."""
        train, donors = dataset.is_train, None
        if dataset.groups is not None:
            donors = np.unique(np.asarray(dataset.groups, dtype=object)[train], return_inverse=True)[1]
        return cls(dataset.profiles[train], dataset.source_class[train], target_class, donors)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes with a training sample, in alphabetical order."""
        return tuple(sorted(set(self.class_names)))

    def of_class(self, name: str) -> Float32Array:
        """The training profiles of one class."""
        members: Float32Array = self.profiles[self.class_names == name]
        return members

    def mean_of(self, name: str) -> NDArray[np.float64]:
        """The mean training profile of one class."""
        mean: NDArray[np.float64] = self.of_class(name).mean(axis=0, dtype=np.float64)
        return mean


class Baseline(Protocol):
    """A method that moves profiles to the target class without a network."""

    name: ClassVar[str]
    asks_class: ClassVar[bool]  # whether each class is moved in a way of its own

    @classmethod
    def fit(cls, training: TrainingPart, *, seed: int = 0) -> Self:
        """Learn what the method needs from training samples."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], target_class: str) -> Self:
        """The method as it was stored; `classes` are those of the training part."""

    def arrays(self) -> NamedArrays:
        """All that was learned, as arrays to store."""

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """Profiles moved to the target class, in [0, 1]; `source_class` names each one's own class."""


@runtime_checkable
class ByClass(Baseline, Protocol):
    """A baseline that knows each class by that class's own samples alone, so that one more can be added."""

    def with_class(self, name: str, cohort: Float32Array) -> Self:
        """The baseline with one more class, which comes last, known by scaled profiles of it."""


def finished(
    moved: NDArray[np.floating], profiles: Float32Array, source_class: NameArray, target_class: str
) -> Float32Array:
    """What every method hands back: values clipped to [0, 1], samples of the target class as they were."""
    stays = (source_class == target_class)[:, None]
    return np.where(stays, profiles, np.clip(moved, 0.0, 1.0)).astype(np.float32)


def rows_by_class(source_class: NameArray, classes: tuple[str, ...]) -> list[tuple[int, NDArray[np.int64]]]:
    """The number of each class that occurs, with its rows."""
    unknown = sorted(set(source_class) - set(classes))
    if unknown:
        raise UsageError(f"There is no class {unknown[0]!r} in the training part: {', '.join(classes)}.")
    return [(number, np.flatnonzero(source_class == name)) for number, name in enumerate(classes)]
