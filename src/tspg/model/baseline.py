"""What every method without a network has in common: what it is fitted on, and how it is stored and used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tspg.data.prepare import FloatMatrix, Prepared
from tspg.errors import UsageError

Names = NDArray[np.object_]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TrainingPart:
    """Scaled training profiles, the class of each, the class to move to, and the donors where they are known."""

    profiles: FloatMatrix
    class_names: Names
    target_class: str
    donors: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, prepared: Prepared, target_class: str) -> "TrainingPart":
        """The training samples of a prepared matrix."""
        train, donors = prepared.is_train, None
        if prepared.groups is not None:
            donors = np.unique(np.asarray(prepared.groups, dtype=object)[train], return_inverse=True)[1]
        return cls(prepared.profiles[train], prepared.source_class[train], target_class, donors)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes with a training sample, in alphabetical order."""
        return tuple(sorted(set(self.class_names)))

    def of_class(self, name: str) -> FloatMatrix:
        """The training profiles of one class."""
        members: FloatMatrix = self.profiles[self.class_names == name]
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

    def arrays(self) -> Arrays:
        """All that was learned, as arrays to store."""

    def move(self, profiles: FloatMatrix, source_class: Names) -> FloatMatrix:
        """Profiles moved to the target class, in [0, 1]; `source_class` names each one's own class."""


@runtime_checkable
class ByClass(Baseline, Protocol):
    """A baseline that knows each class by that class's own samples alone, so that one more can be added."""

    def with_class(self, name: str, cohort: FloatMatrix) -> Self:
        """The baseline with one more class, which comes last, known by scaled profiles of it."""


def finished(moved: NDArray[np.floating], profiles: FloatMatrix, source_class: Names, target_class: str) -> FloatMatrix:
    """What every method hands back: values clipped to [0, 1], samples of the target class as they were."""
    stays = (source_class == target_class)[:, None]
    return np.where(stays, profiles, np.clip(moved, 0.0, 1.0)).astype(np.float32)


def rows_by_class(source_class: Names, classes: tuple[str, ...]) -> list[tuple[int, NDArray[np.int64]]]:
    """The number of each class that occurs, with its rows."""
    unknown = sorted(set(source_class) - set(classes))
    if unknown:
        raise UsageError(f"There is no class {unknown[0]!r} in the training part: {', '.join(classes)}.")
    return [(number, np.flatnonzero(source_class == name)) for number, name in enumerate(classes)]
