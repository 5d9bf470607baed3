"""What every peer learns from: training profiles of each source class and of the target, and an inner split of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from tspg.analysis.evaluation.energy import energy_distance
from tspg.analysis.evaluation.resampling import donor_codes, donor_folds
from tspg.data.prepare import Dataset

Profiles = NDArray[np.float32]
Names = NDArray[np.object_]
Move = Callable[[Profiles, Names], Profiles]  # scaled profiles of these classes, moved to the target
COMPONENTS, INNER_FOLDS = 50, 5


@dataclass(frozen=True)
class Lesson:
    """Training profiles with the class and the donor of each, the classes that are moved, and the target."""

    profiles: Profiles
    classes: Names
    donors: NDArray[np.int64]
    sources: tuple[str, ...]
    target: str
    seed: int

    @classmethod
    def of(cls, dataset: Dataset, sources: tuple[str, ...], target: str, seed: int) -> "Lesson":
        """The training part of a prepared matrix, without classes that are neither moved nor the target."""
        (donors,) = donor_codes((len(dataset.sample_ids), dataset.groups))
        wanted = dataset.is_train & np.isin(dataset.source_class, [*sources, target])
        return cls(dataset.profiles[wanted], dataset.source_class[wanted], donors[wanted], sources, target, seed)

    def of_class(self, name: str) -> Profiles:
        """The training profiles of one class."""
        return self.profiles[self.classes == name]

    @property
    def targets(self) -> Profiles:
        """Those of the target."""
        return self.of_class(self.target)

    def rows(self, chosen: NDArray[np.bool_]) -> "Lesson":
        """A part of the samples."""
        parts = self.profiles[chosen], self.classes[chosen], self.donors[chosen]
        return Lesson(*parts, self.sources, self.target, self.seed)

    def tuned(self, fit: Callable[["Lesson", float], Move], grid: Sequence[float]) -> tuple[Move, float]:
        """The method with the value of its one number that moves the inner held-out fifth nearest to real samples.

        Donors are whole. The distance is the energy distance to the held-out target samples, all classes together.
        """
        inner = donor_folds(self.donors, self.classes, n_folds=INNER_FOLDS, seed=self.seed) != 0
        learned, held_out = self.rows(inner), self.rows(~inner)
        known = held_out.classes != self.target
        profiles, classes = held_out.profiles[known], held_out.classes[known]
        found = [energy_distance(fit(learned, value)(profiles, classes), held_out.targets) for value in grid]
        best = grid[int(np.argmin(found))]
        return fit(self, best), best


def by_class(maps: dict[str, Callable[[Profiles], NDArray[np.floating]]]) -> Move:
    """One map for each class as one function of profiles and classes."""

    def move(profiles: Profiles, classes: Names) -> Profiles:
        moved = profiles.copy()
        for name in np.unique(classes):
            moved[classes == name] = maps[name](profiles[classes == name])
        return np.clip(moved, 0, 1).astype(np.float32)

    return move


@dataclass(frozen=True)
class Components:
    """Principal components of training profiles: what networks learn on."""

    pca: PCA

    @classmethod
    def of(cls, lesson: Lesson) -> "Components":
        """The leading ones, at most 50."""
        n = min(COMPONENTS, len(lesson.profiles) - 1)
        return cls(PCA(n, random_state=lesson.seed).fit(lesson.profiles.astype(np.float64)))

    def scores(self, profiles: Profiles) -> NDArray[np.float64]:
        """Profiles on the components."""
        return self.pca.transform(profiles.astype(np.float64))

    def profiles(self, scores: NDArray[np.floating]) -> Profiles:
        """Profiles made from their components alone, in [0, 1]."""
        return np.clip(self.pca.inverse_transform(scores), 0, 1).astype(np.float32)


def parts(classes: Names) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each class and the rows of it."""
    return ((name, classes == name) for name in np.unique(classes))
