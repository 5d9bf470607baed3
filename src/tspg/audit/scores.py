"""The few measures of the evidence table that a control needs of a short fit, without intervals."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.energy import energy_distance
from tspg.audit.refit import Refit
from tspg.data.prepare import Dataset
from tspg.utils.typing import Float32Array

MOST_ROWS = 400  # of each cloud: the energy distance of 400 is known to a few thousandths of the gap


@dataclass(frozen=True)
class EvalSet:
    """Held-out sources and real targets, and the target's training samples (all real ones)."""

    sources: Float32Array
    source_class: NDArray[np.object_]
    real: Float32Array
    reference: Float32Array

    @classmethod
    def of(cls, dataset: Dataset, target_class: str, source_class: str | None = None) -> "EvalSet":
        """That of a dataset; `source_class` None takes every class but the target."""
        is_target = dataset.class_mask(target_class)
        is_source = ~is_target if source_class is None else dataset.class_mask(source_class)
        sources = _thinned(is_source & ~dataset.is_train)
        return cls(
            dataset.profiles[sources],
            dataset.source_class[sources],
            dataset.profiles[_thinned(is_target & ~dataset.is_train)],
            dataset.profiles[_thinned(is_target & dataset.is_train)],
        )

    @property
    def is_empty(self) -> bool:
        """Whether there are too few samples for any distance."""
        return min(len(self.sources), len(self.real), len(self.reference)) < 2

    @cached_property
    def _floor(self) -> float:
        return energy_distance(self.reference, self.real)

    @cached_property
    def gap(self) -> float:
        """E(sources, T) - E(training target, T)."""
        return energy_distance(self.sources, self.real) - self._floor

    def energy_ratio(self, moved: Float32Array) -> float:
        """(E(moved, T) - e0) / (E(sources, T) - e0); nan where source and target cannot be told apart."""
        if self.is_empty or self.gap <= 0:
            return math.nan
        return (energy_distance(moved, self.real) - self._floor) / self.gap


def _thinned(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """At most `MOST_ROWS` rows, taken evenly."""
    found = np.flatnonzero(rows)
    return found[:: max(1, math.ceil(len(found) / MOST_ROWS))]


def hit_rate(called: NDArray[np.object_], target_class: str) -> float:
    """The share of profiles that are called the target class."""
    return float((called == target_class).mean()) if len(called) else math.nan


def class_changes(model: Refit, dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    """The mean effective change of every gene, for each source class; all its samples, as in a run's gene lists."""
    found = {}
    for name in dataset.classes:
        if name != model.target_class:
            rows = dataset.class_mask(name)
            profiles = dataset.profiles[rows]
            moved = model.move(profiles, dataset.source_class[rows])
            found[name] = (moved - profiles).mean(axis=0, dtype=np.float64)
    return found
