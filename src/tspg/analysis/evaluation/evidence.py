"""Is the moved profile really like the target? Every method beside a simple shift and real target samples.

Everything is measured on samples held out from every fit: S are the held-out sources, T the held-out
real samples of the target class. Judges and references see the training part only.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.evaluation.classification import TargetLesson, source_leak
from tspg.analysis.evaluation.classifiers import ClassifierScore, Classify, fit_independent_classifiers, training_note
from tspg.analysis.evaluation.distances import CloudPair, pairwise
from tspg.analysis.evaluation.energy import EnergyScale, Excess, energy_p_value
from tspg.analysis.evaluation.individuality import (
    clipped_fraction,
    distance_correlation,
    individuality,
    mean_abs_change,
)
from tspg.analysis.evaluation.measure import MEAN_SHIFT, REAL, UNTOUCHED, Measure
from tspg.analysis.evaluation.neighbours import nn_two_sample, precision_recall_density_coverage
from tspg.analysis.evaluation.pairs import Counterparts
from tspg.analysis.evaluation.structure import gene_correlation, gene_correlation_at, variance_ratio
from tspg.analysis.evaluation.subsampling import MOST_MOVED, rows_within_bound
from tspg.data.prepare import Dataset
from tspg.utils.typing import Float32Array, NameArray

COLUMNS = ["method", "measure", "value", "low", "high", "n", "note"]

Move = Callable[[Float32Array, NameArray], Float32Array]
Found = Iterator[tuple[str, Measure]]


def evidence_table(
    dataset: Dataset,
    methods: Mapping[str, Move],
    classify: Classify,
    *,
    target_class: str,
    source_classes: tuple[str, ...] | None = None,
    seed: int = 0,
    classifiers: Mapping[str, Classify] | None = None,
    own_reference: bool = False,
) -> pd.DataFrame:
    """The evidence for one study: each method, the untouched sources, and what real target samples score.

    Parameters
    ----------
    prepared
        The study with its split; what is held out there is what methods are judged on.
    methods
        For each name, what moves scaled profiles (samples, genes) of the named classes to the target.
    classify
        The class that f sees in each scaled profile.
    target_class
        The class that profiles are moved to.
    source_classes
        Those that are moved; None means all but the target.
    seed
        Decides all that is drawn by chance: bootstrap, permutations, judges.
    judges
        What `fit_independent_classifiers` returned for these training samples and this seed: they are the same for
        every target. None fits them here.
    own_reference
        Energy ratio and variance ratio are read against the held-out target samples themselves: for a second cohort,
        whose target may lie elsewhere than the one that was trained on.

    Returns
    -------
    One row a method and measure: `value` with `low` and `high` (95% over donors: Clopper-Pearson at
    the effective number of samples for rates, bootstrap otherwise), the number of samples `n`, and words
    where they are needed in `note`. The measures are described where they are computed, and in docs/evidence.md.

    Examples
    --------
    >>> prepared = tspg.prepare(adata, label_column="subtype")
    >>> table = tspg.evidence_table(
    ...     prepared, {"ours": run.model.move}, run.model.classify, target_class="GI.MSI"
    ... )
    >>> table["method"].unique().tolist()
    ['ours', 'untouched_source', 'real_target']
    """
    if classifiers is None:
        classifiers = fit_independent_classifiers(
            dataset.profiles[dataset.is_train], dataset.source_class[dataset.is_train], seed=seed
        )
    shift = methods.get(MEAN_SHIFT)
    bench = _Bench(dataset, target_class, source_classes, classify, classifiers, seed, shift, own_reference)
    records = [
        (name, measure, *astuple(found))
        for name, move in {**methods, UNTOUCHED: _stay}.items()
        for measure, found in bench.judge(move)
    ]
    records += [(REAL, measure, *astuple(found)) for measure, found in bench.ceiling()]
    return pd.DataFrame(records, columns=COLUMNS)


def _stay(profiles: Float32Array, source_class: NameArray) -> Float32Array:
    del source_class
    return profiles


@dataclass(frozen=True)
class _Part:
    """Some samples: their scaled profiles, classes and donors (None: every sample its own)."""

    profiles: Float32Array
    source_class: NameArray
    groups: list[str] | None

    @classmethod
    def of(cls, dataset: Dataset, rows: NDArray[np.bool_]) -> "_Part":
        groups = None if dataset.groups is None else [dataset.groups[row] for row in np.flatnonzero(rows)]
        return cls(dataset.profiles[rows], dataset.source_class[rows], groups)

    def __len__(self) -> int:
        return len(self.profiles)


@dataclass(frozen=True)
class _Bench:
    """Where methods are judged: the samples they are judged on, and judges that have seen none of them."""

    dataset: Dataset
    target_class: str
    source_classes: tuple[str, ...] | None
    f: Classify
    classifiers: Mapping[str, Classify]
    seed: int
    mean_shift: Move | None
    own_reference: bool = False

    @cached_property
    def _is_target(self) -> NDArray[np.bool_]:
        return self.dataset.class_mask(self.target_class)

    @cached_property
    def _is_source(self) -> NDArray[np.bool_]:
        if self.source_classes is None:
            return ~self._is_target
        return np.isin(self.dataset.source_class, self.source_classes)

    @cached_property
    def sources(self) -> _Part:
        """S: held-out samples to be moved."""
        return _Part.of(self.dataset, self._is_source & ~self.dataset.is_train)

    @cached_property
    def real(self) -> _Part:
        """T: held-out real samples of the target class."""
        return _Part.of(self.dataset, self._is_target & ~self.dataset.is_train)

    @cached_property
    def reference(self) -> _Part:
        """R: the target's training samples."""
        return _Part.of(self.dataset, self._is_target & self.dataset.is_train)

    @cached_property
    def training(self) -> _Part:
        """Every training sample, of all classes."""
        return _Part.of(self.dataset, self.dataset.is_train)

    @cached_property
    def training_sources(self) -> _Part:
        """Training samples of the classes that are moved; of more than 2,000 so many, drawn at random."""
        rows = np.flatnonzero(self._is_source & self.dataset.is_train)
        chosen = np.zeros(len(self._is_source), dtype=bool)
        chosen[rows[rows_within_bound(len(rows), seed=self.seed, bound=MOST_MOVED)]] = True
        return _Part.of(self.dataset, chosen)

    @cached_property
    def held_out(self) -> _Part:
        """Every held-out sample, of all classes."""
        return _Part.of(self.dataset, ~self.dataset.is_train)

    @cached_property
    def hearings(self) -> dict[str, ClassifierScore]:
        """F and the independent judges, each with how it calls samples whose class is known."""
        taught = training_note(len(self.training))
        hearing = partial(
            ClassifierScore.of,
            target_class=self.target_class,
            sources=self.sources.profiles,
            real=self.real.profiles,
            source_groups=self.sources.groups,
            real_groups=self.real.groups,
        )
        return {"f": hearing(self.f)} | {
            name: hearing(judge, taught=taught) for name, judge in self.classifiers.items()
        }

    @cached_property
    def scale(self) -> EnergyScale:
        """The axis of the energy ratio."""
        return EnergyScale.of(
            self.sources.profiles,
            self.real.profiles,
            None if self.own_reference else self.reference.profiles,
            source_groups=self.sources.groups,
            real_groups=self.real.groups,
            training_groups=None if self.own_reference else self.reference.groups,
            seed=self.seed,
        )

    @property
    def _has_pairs(self) -> bool:
        return min(len(self.sources), len(self.real)) >= 2

    @cached_property
    def _shifted(self) -> Excess | None:
        """How far the sources lie from real target samples once the mean shift has moved them."""
        if self.mean_shift is None or not self._has_pairs:
            return None
        moved = self.mean_shift(self.sources.profiles, self.sources.source_class)
        return self.scale.excess(self._pair(moved, self.sources.groups))

    @cached_property
    def _own_means(self) -> NDArray[np.float64]:
        """The training mean of each source's own class, one row a source."""
        if not len(self.sources):
            return np.empty(self.sources.profiles.shape)
        means = {name: self.dataset.class_mean(name) for name in set(self.sources.source_class)}
        return np.stack([means[name] for name in self.sources.source_class])

    @cached_property
    def _counterparts(self) -> Counterparts | None:
        """People with held-out samples of a source class and of the target class."""
        return Counterparts.of(
            self.sources.profiles,
            self.real.profiles,
            self.dataset.class_mean(self.target_class),
            source_groups=self.sources.groups,
            real_groups=self.real.groups,
        )

    @cached_property
    def _apart_before(self) -> NDArray[np.float64]:
        """Distances among the sources, each taken from the mean of its own class."""
        return pairwise(self.sources.profiles - self._own_means)

    @cached_property
    def _lesson(self) -> TargetLesson:
        return TargetLesson(
            self.training.profiles,
            self.training.source_class,
            self.held_out.profiles,
            self.held_out.source_class,
            self.target_class,
            self.held_out.groups,
            self.seed,
        )

    def judge(self, move: Move) -> Found:
        """Every measure of one method."""
        moved = move(self.sources.profiles, self.sources.source_class)
        for name, hearing in self.hearings.items():
            yield f"hit_rate_{name}", hearing.of_moved(moved)
        pair = self._pair(moved, self.sources.groups) if self._has_pairs else None
        excess = self.scale.excess(pair) if pair else None
        yield "energy_ratio", self.scale.ratio(excess) if excess else _too_few(moved)
        if self.mean_shift is not None:
            beside = self.scale.difference(excess, self._shifted) if excess and self._shifted else _too_few(moved)
            yield "energy_less_mean_shift", beside
        yield "energy_p_value", energy_p_value(pair, seed=self.seed) if pair else _too_few(moved)
        yield from self._resemblance(moved, pair, self.sources.groups)
        yield from self._person(moved, pair)
        if pair and self._counterparts:
            yield from self._counterparts.judge(moved, pair.between, seed=self.seed)
        yield (
            "source_leak",
            source_leak(moved, self.sources.source_class, groups=self.sources.groups, seed=self.seed)
            if len(moved)
            else _too_few(moved),
        )
        taught_by = self.training_sources
        yield "train_on_moved", self._lesson.from_moved(move(taught_by.profiles, taught_by.source_class))

    def ceiling(self) -> Found:
        """What real target samples score: held-out ones by the judges, training ones by resemblance."""
        for name, hearing in self.hearings.items():
            yield f"hit_rate_{name}", hearing.recall
        yield "energy_ratio", self.scale.split_halves() if self._has_pairs else _too_few(self.real.profiles)
        pair = self._pair(self.reference.profiles, self.reference.groups) if self._has_pairs else None
        yield "energy_p_value", energy_p_value(pair, seed=self.seed) if pair else _too_few(self.real.profiles)
        yield from self._resemblance(self.real.profiles, pair, self.real.groups)

    def _pair(self, moved: Float32Array, groups: list[str] | None) -> CloudPair:
        return CloudPair.of(moved, self.real.profiles, moved_groups=groups, real_groups=self.real.groups)

    def _resemblance(self, moved: Float32Array, pair: CloudPair | None, groups: list[str] | None) -> Found:
        """How alike clouds are: by neighbours to the held-out target, by spread and correlation to the training one."""
        if pair is None:
            for name in ("nn_fake", "nn_real", "precision", "recall", "density", "coverage"):
                yield name, _too_few(moved)
        else:
            test = nn_two_sample(pair, seed=self.seed)
            yield "nn_fake", test.fake
            yield "nn_real", test.real
            yield from precision_recall_density_coverage(pair).items()
        reference = self.reference.profiles
        spread = self.real.profiles if self.own_reference else reference
        yield "variance_ratio", variance_ratio(moved, spread, groups=groups, seed=self.seed)
        yield "gene_correlation", gene_correlation(moved, reference, groups=groups, seed=self.seed)
        n = min(len(self.sources), len(self.real))
        yield "gene_correlation_at_equal_n", gene_correlation_at(n, moved, reference, seed=self.seed)
        yield "clipped_fraction", clipped_fraction(moved, groups=groups, seed=self.seed)

    def _person(self, moved: Float32Array, pair: CloudPair | None) -> Found:
        """What is kept of each sample, and how far it was moved."""
        before, groups, seed = self.sources.profiles, self.sources.groups, self.seed
        target_mean = self.dataset.class_mean(self.target_class)
        yield "individuality", individuality(before, self._own_means, moved, target_mean, groups=groups, seed=seed)
        apart_after = pairwise(moved) if pair is None else pair.within_moved
        yield (
            "distance_correlation",
            distance_correlation(self._apart_before, apart_after, n_genes=moved.shape[1], groups=groups, seed=seed),
        )
        yield "mean_abs_change", mean_abs_change(before, moved, groups=groups, seed=seed)


def _too_few(profiles: Float32Array) -> Measure:
    return Measure(np.nan, n=len(profiles), note="too few")
