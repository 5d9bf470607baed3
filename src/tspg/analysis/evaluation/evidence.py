"""Is the moved profile really like the target? Every method next to a simple shift and real target samples.

Everything is measured on samples held out from every fit: S are the held-out sources, T the held-out
real samples of the target class. Classifiers and references see the training part only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from tspg.analysis.evaluation.measure import (
    COLUMNS,
    MEAN_SHIFT,
    NEAREST,
    NN_P_VALUE,
    REAL,
    UNTOUCHED,
    Measure,
    by_chance,
)
from tspg.analysis.evaluation.neighbours import nn_two_sample, precision_recall_density_coverage
from tspg.analysis.evaluation.pairs import Counterparts
from tspg.analysis.evaluation.structure import gene_correlation, gene_correlation_at, variance_ratio
from tspg.analysis.evaluation.subsampling import MOST_MOVED, rows_within_bound
from tspg.data.prepare import Dataset
from tspg.utils.typing import Float32Array, NameArray

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
    """The evidence for one task: each method, the untouched sources, and what real target samples score.

    Parameters
    ----------
    dataset
        The samples with their split; methods are measured on those held out.
    methods
        For each name, what moves scaled profiles (samples, genes) of the named classes to the target.
    classify
        The class that f sees in each scaled profile.
    target_class
        The class that profiles are moved to.
    source_classes
        Those that are moved; None means all but the target.
    seed
        Decides all that is drawn at random: bootstrap, permutations, classifiers.
    classifiers
        What `fit_independent_classifiers` returned for these training samples and this seed: they are the same for
        every target. None fits them here.
    own_reference
        Energy ratio and variance ratio are read against the held-out target samples themselves: for a second cohort,
        whose target may lie elsewhere than the one that was trained on.

    Returns
    -------
    One row per method and measure: `value` with `low` and `high` (95% over donors: Clopper-Pearson at the effective
    number of samples for rates, bootstrap otherwise), the number of samples `n`, a `status` (`ok`, `too_few`,
    `undefined`, `not_admitted`) and a `note` for people. Rows `..._by_chance` and `nn_p_value` hold what a measure
    would be by chance. The measures are described where they are computed, and in docs/evidence.md.

    Examples
    --------
    >>> dataset = tspg.prepare(adata, label_column="subtype")
    >>> table = tspg.evidence_table(
    ...     dataset, {"ours": run.model.move}, run.model.classify, target_class="GI.MSI"
    ... )
    >>> table["method"].unique().tolist()
    ['ours', 'untouched_source', 'real_target']
    """
    if classifiers is None:
        is_train = dataset.is_train
        classifiers = fit_independent_classifiers(dataset.profiles[is_train], dataset.source_class[is_train], seed=seed)
    shift = methods.get(MEAN_SHIFT)
    scores = _Evaluation(dataset, target_class, source_classes, classify, classifiers, seed, shift, own_reference)
    moves: dict[str, Move] = {**methods, UNTOUCHED: lambda profiles, _: profiles}
    found = {name: scores.of_method(move) for name, move in moves.items()} | {REAL: scores.of_real_samples()}
    rows = [row for name, measures in found.items() for row in _rows(name, measures)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(method: str, measures: Iterable[tuple[str, Measure]]) -> Iterator[tuple[object, ...]]:
    for name, measure in measures:
        yield method, name, *measure.cells
        if measure.chance is not None:
            yield method, by_chance(name), *measure.chance.cells


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
class _Evaluation:
    """The samples that methods are measured on, and classifiers and references that have seen none of them."""

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
    def training_sources(self) -> _Part:
        """Training samples of the classes that are moved; of more than 2,000 so many, drawn at random."""
        rows = np.flatnonzero(self._is_source & self.dataset.is_train)
        chosen = np.zeros(len(self._is_source), dtype=bool)
        chosen[rows[rows_within_bound(len(rows), seed=self.seed, bound=MOST_MOVED)]] = True
        return _Part.of(self.dataset, chosen)

    @cached_property
    def _scores(self) -> dict[str, ClassifierScore]:
        """How f and the independent classifiers call samples whose class is known."""
        score = partial(
            ClassifierScore.of,
            target_class=self.target_class,
            sources=self.sources.profiles,
            real=self.real.profiles,
            source_groups=self.sources.groups,
            real_groups=self.real.groups,
        )
        note = training_note(int(self.dataset.is_train.sum()))
        return {"f": score(self.f)} | {name: score(one, note=note) for name, one in self.classifiers.items()}

    @cached_property
    def _energy(self) -> EnergyScale:
        reference = None if self.own_reference else self.reference
        return EnergyScale.of(
            self.sources.profiles,
            self.real.profiles,
            None if reference is None else reference.profiles,
            source_groups=self.sources.groups,
            real_groups=self.real.groups,
            training_groups=None if reference is None else reference.groups,
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
        return self._energy.excess(self._pair(moved, self.sources.groups))

    @cached_property
    def _own_means(self) -> NDArray[np.float64]:
        """The training mean of each source's own class, one row per source."""
        means = {name: self.dataset.class_mean(name) for name in set(self.sources.source_class)}
        rows = [means[name] for name in self.sources.source_class]
        return np.stack(rows) if rows else np.empty(self.sources.profiles.shape)

    @cached_property
    def _distances_before(self) -> NDArray[np.float64]:
        """Distances among the sources, each taken from the mean of its own class."""
        return pairwise(self.sources.profiles - self._own_means)

    @cached_property
    def _target_mean(self) -> NDArray[np.float64]:
        return self.dataset.class_mean(self.target_class)

    @cached_property
    def _counterparts(self) -> Counterparts | None:
        """People with held-out samples of a source class and of the target class."""
        sources, real = self.sources, self.real
        donors = {"source_groups": sources.groups, "real_groups": real.groups}
        return Counterparts.of(sources.profiles, real.profiles, self._target_mean, **donors)

    @cached_property
    def _lesson(self) -> TargetLesson:
        training, held_out = (_Part.of(self.dataset, rows) for rows in (self.dataset.is_train, ~self.dataset.is_train))
        samples = training.profiles, training.source_class, held_out.profiles, held_out.source_class
        return TargetLesson(*samples, self.target_class, held_out.groups, self.seed)

    def of_method(self, move: Move) -> Found:
        """Every measure of one method."""
        sources, seed, n = self.sources, self.seed, len(self.sources)
        moved = move(sources.profiles, sources.source_class)
        for name, score in self._scores.items():
            yield f"hit_rate_{name}", score.of_moved(moved)
        pair = self._pair(moved, sources.groups) if self._has_pairs else None
        excess = self._energy.excess(pair) if pair else None
        yield "energy_ratio", self._energy.ratio(excess) if excess else Measure.too_few(n)
        if self.mean_shift is not None:
            less = self._energy.difference(excess, self._shifted) if excess and self._shifted else Measure.too_few(n)
            yield "energy_less_mean_shift", less
        yield "energy_p_value", energy_p_value(pair, seed=seed) if pair else Measure.too_few(n)
        yield from self._resemblance(moved, pair, sources.groups)
        yield from self._individuality(moved, pair)
        if pair and self._counterparts:
            yield from self._counterparts.measures(moved, pair.between, seed=seed)
        leak = source_leak(moved, sources.source_class, groups=sources.groups, seed=seed) if n else None
        yield "source_leak", leak or Measure.too_few()
        training = self.training_sources
        yield "train_on_moved", self._lesson.from_moved(move(training.profiles, training.source_class))

    def of_real_samples(self) -> Found:
        """What real target samples score: held-out ones by the classifiers, training ones by resemblance."""
        for name, score in self._scores.items():
            yield f"hit_rate_{name}", score.recall
        n = len(self.real)
        yield "energy_ratio", self._energy.split_halves() if self._has_pairs else Measure.too_few(n)
        pair = self._pair(self.reference.profiles, self.reference.groups) if self._has_pairs else None
        yield "energy_p_value", energy_p_value(pair, seed=self.seed) if pair else Measure.too_few(n)
        yield from self._resemblance(self.real.profiles, pair, self.real.groups)

    def _pair(self, moved: Float32Array, groups: list[str] | None) -> CloudPair:
        return CloudPair.of(moved, self.real.profiles, moved_groups=groups, real_groups=self.real.groups)

    def _resemblance(self, moved: Float32Array, pair: CloudPair | None, groups: list[str] | None) -> Found:
        """How alike clouds are: by neighbours to the held-out target, by spread and correlation to the training one."""
        seed, reference = self.seed, self.reference.profiles
        if pair is None:
            for name in (*NEAREST, "precision", "recall", "density", "coverage"):
                yield name, Measure.too_few(len(moved))
        else:
            test = nn_two_sample(pair, seed=seed)
            yield from zip(NEAREST, (test.fake, test.real), strict=True)
            yield NN_P_VALUE, Measure(test.p_value, n=test.fake.n)
            yield from precision_recall_density_coverage(pair).items()
        spread = self.real.profiles if self.own_reference else reference
        yield "variance_ratio", variance_ratio(moved, spread, groups=groups, seed=seed)
        yield "gene_correlation", gene_correlation(moved, reference, groups=groups, seed=seed)
        n = min(len(self.sources), len(self.real))
        yield "gene_correlation_at_equal_n", gene_correlation_at(n, moved, reference, seed=seed)
        yield "clipped_fraction", clipped_fraction(moved, groups=groups, seed=seed)

    def _individuality(self, moved: Float32Array, pair: CloudPair | None) -> Found:
        """What is kept of each sample, and how far it was moved."""
        before, groups, seed = self.sources.profiles, self.sources.groups, self.seed
        kept = individuality(before, self._own_means, moved, self._target_mean, groups=groups, seed=seed)
        yield "individuality", kept
        after = pairwise(moved) if pair is None else pair.within_moved
        n_genes = moved.shape[1]
        kept = distance_correlation(self._distances_before, after, n_genes=n_genes, groups=groups, seed=seed)
        yield "distance_correlation", kept
        yield "mean_abs_change", mean_abs_change(before, moved, groups=groups, seed=seed)
