"""Is the moved profile really like the target? Generator, simple shift and real samples side by side.

Everything is measured on samples that nothing was fitted on. T are the held-out real samples of the
target class, S the held-out sources, R the target's training samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import binomtest

from tspg.analysis.baselines import mean_shift
from tspg.analysis.perturbations import held_out_sources, target_class_of
from tspg.data.prepare import FloatMatrix, Prepared

COLUMNS = ["method", "measure", "value", "low", "high", "n", "note"]
FEWEST_TARGETS = 10  # with fewer held-out target samples a number says more about chance than about the method
SPLIT_HALVES = 50

Classify = Callable[[FloatMatrix], NDArray[np.object_]]


@dataclass(frozen=True)
class Measure:
    """One number of the table, with its interval and what it rests on."""

    value: float
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    note: str = ""


def evidence_table(prepared: Prepared, perturbations: AnnData, classify: Classify, *, seed: int = 0) -> pd.DataFrame:
    """The evidence for one run: every method beside what real samples of the target score.

    Rows are method x measure. `hit_rate_f`: share that f calls the target, with the 95%
    Clopper-Pearson interval. `energy_ratio`: 0 like real target samples, 1 not moved.
    `variance_ratio`: total variance against the target's training samples, 1 is right, 0 is
    collapse to one profile. `classify` names the class that f sees in scaled profiles.
    """
    target = target_class_of(perturbations)
    is_target = prepared.in_class(target)
    real, training = (
        prepared.profiles[is_target & ~prepared.is_train],
        prepared.profiles[is_target & prepared.is_train],
    )
    rows = held_out_sources(perturbations)
    sources = perturbations.layers["original"][rows]
    source_class = perturbations.obs["source_class"].to_numpy(dtype=object)[rows]
    scale = _EnergyScale.of(sources, real, training) if len(sources) and len(real) else None
    methods: dict[str, FloatMatrix] = {
        "generator": np.asarray(perturbations.X)[rows],
        "mean_shift": mean_shift(prepared, sources, source_class, target),
        "untouched_source": sources,
    }
    records: list[tuple[str, str, Measure]] = []
    for method, moved in methods.items():
        records.append((method, "hit_rate_f", hit_rate(classify, moved, target)))
        records.append((method, "energy_ratio", scale.ratio(moved) if scale else Measure(np.nan, note="too few")))
        records.append((method, "variance_ratio", variance_ratio(moved, training)))
    records += [
        ("real_target", name, measure) for name, measure in _ceiling(real, training, scale, classify, target, seed)
    ]
    return pd.DataFrame([(method, measure, *astuple(found)) for method, measure, found in records], columns=COLUMNS)


def _ceiling(
    real: FloatMatrix,
    training: FloatMatrix,
    scale: "_EnergyScale | None",
    classify: Classify,
    target: str,
    seed: int,
) -> Iterator[tuple[str, Measure]]:
    """What real target samples score: no method can be expected to do better."""
    yield "hit_rate_f", hit_rate(classify, real, target)
    yield "energy_ratio", scale.split_halves(real, seed) if scale else Measure(np.nan, note="too few")
    yield "variance_ratio", variance_ratio(real, training)


def hit_rate(classify: Classify, profiles: FloatMatrix, target_class: str) -> Measure:
    """Share of profiles that f calls the target class, with its 95% Clopper-Pearson interval."""
    if len(profiles) == 0:
        return Measure(np.nan, note="too few")
    hits = int((classify(profiles) == target_class).sum())
    interval = binomtest(hits, len(profiles)).proportion_ci(confidence_level=0.95, method="exact")
    return Measure(hits / len(profiles), float(interval.low), float(interval.high), len(profiles))


def energy_distance(x: FloatMatrix, y: FloatMatrix) -> float:
    """How far two clouds of profiles lie apart: 2 E|x - y| - E|x - x'| - E|y - y'| (Szekely & Rizzo 2013).

    Euclidean, not squared: the squared form sees only the means and is blind to collapse. Unbiased:
    a sample is never paired with itself, so two draws from one population give 0 on average, and
    slightly less than 0 is possible. A single profile has no pair; its own term is 0.
    """
    return float(2 * cdist(x, y).mean() - _mean_within(x) - _mean_within(y))


def _mean_within(x: FloatMatrix) -> float:
    n = len(x)
    return float(cdist(x, x).sum() / (n * (n - 1))) if n > 1 else 0.0


@dataclass(frozen=True)
class _EnergyScale:
    """The axis of the energy ratio: 0 at the target's training samples, 1 at the untouched sources."""

    real: FloatMatrix
    zero: float
    one: float

    @classmethod
    def of(cls, sources: FloatMatrix, real: FloatMatrix, training: FloatMatrix) -> "_EnergyScale":
        return cls(real, energy_distance(training, real), energy_distance(sources, real))

    @property
    def note(self) -> str:
        return "too few" if len(self.real) < FEWEST_TARGETS else ""

    def ratio(self, moved: FloatMatrix) -> Measure:
        if self.one <= self.zero:
            return Measure(np.nan, n=len(moved), note="undefined")
        value = (energy_distance(moved, self.real) - self.zero) / (self.one - self.zero)
        return Measure(value, n=len(moved), note=self.note)

    def split_halves(self, real: FloatMatrix, seed: int) -> Measure:
        """The ratio of one random half of the real target samples against the other, mean over splits."""
        if len(real) < 4 or self.one <= self.zero:
            return Measure(np.nan, n=len(real), note="too few" if len(real) < 4 else "undefined")
        rng = np.random.default_rng([seed, 30])
        values = []
        for _ in range(SPLIT_HALVES):
            order = rng.permutation(len(real))
            first, second = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
            values.append((energy_distance(first, second) - self.zero) / (self.one - self.zero))
        return Measure(float(np.mean(values)), n=len(real), note=self.note)


def variance_ratio(moved: FloatMatrix, training: FloatMatrix) -> Measure:
    """Total variance over genes of the moved profiles against the target's training samples (ddof 1)."""
    if len(moved) < 2 or len(training) < 2:
        return Measure(np.nan, n=len(moved), note="too few")
    reference = float(training.var(axis=0, ddof=1, dtype=np.float64).sum())
    if reference == 0:
        return Measure(np.nan, n=len(moved), note="undefined")
    return Measure(float(moved.var(axis=0, ddof=1, dtype=np.float64).sum()) / reference, n=len(moved))
