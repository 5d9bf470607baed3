"""How a short fit did: the few measures of the evidence table that a control needs, without intervals."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.energy import energy_distance
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.model.trained import TrainedModel

MOST_ROWS = 400  # of each cloud: the energy distance of 400 is known to a few thousandths of the gap


@dataclass(frozen=True)
class Stage:
    """Held-out sources and real targets of a question, and the target's training samples (all real ones)."""

    sources: FloatMatrix
    source_class: NDArray[np.object_]
    real: FloatMatrix
    reference: FloatMatrix

    @classmethod
    def of(cls, prepared: Prepared, target_class: str, source_class: str | None = None) -> "Stage":
        """The stage of one study; `source_class` None takes every class but the target."""
        is_target = prepared.in_class(target_class)
        is_source = ~is_target if source_class is None else prepared.in_class(source_class)
        sources = _thinned(is_source & ~prepared.is_train)
        return cls(
            prepared.profiles[sources],
            prepared.source_class[sources],
            prepared.profiles[_thinned(is_target & ~prepared.is_train)],
            prepared.profiles[_thinned(is_target & prepared.is_train)],
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

    def energy_ratio(self, moved: FloatMatrix) -> float:
        """(E(moved, T) - e0) / (E(sources, T) - e0); nan where source and target cannot be told apart."""
        if self.is_empty or self.gap <= 0:
            return math.nan
        return (energy_distance(moved, self.real) - self._floor) / self.gap


def _thinned(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """At most `MOST_ROWS` rows, taken evenly."""
    found = np.flatnonzero(rows)
    return found[:: max(1, math.ceil(len(found) / MOST_ROWS))]


def share_called(called: NDArray[np.object_], target_class: str) -> float:
    """The share of profiles that a judge calls the target class."""
    return float((called == target_class).mean()) if len(called) else math.nan


def class_changes(model: TrainedModel, prepared: Prepared) -> dict[str, NDArray[np.float64]]:
    """The mean effective change of every gene, for each source class; all its samples, as in a run's gene lists."""
    found = {}
    for name in prepared.classes:
        if name != model.target_class:
            rows = prepared.in_class(name)
            profiles = prepared.profiles[rows]
            moved = model.move(profiles, prepared.source_class[rows])
            found[name] = (moved - profiles).mean(axis=0, dtype=np.float64)
    return found
