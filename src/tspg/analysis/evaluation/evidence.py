"""Is the moved profile really like the target? Every method next to a simple shift and real target samples.

Everything is measured on samples held out from every fit: S are the held-out sources, T the held-out
real samples of the target class. Classifiers and references see the training part only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

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
    joined_notes,
)
from tspg.analysis.evaluation.neighbours import nn_two_sample, precision_recall_density_coverage
from tspg.analysis.evaluation.pairs import Counterparts
from tspg.analysis.evaluation.resampling import (
    MOST_HELD_OUT,
    MOST_MOVED,
    MOST_SEPARATED,
    MOST_TRAINING,
    bound_note,
    rows_of_every_class,
    rows_within_bound,
)
from tspg.analysis.evaluation.structure import gene_correlation, gene_correlation_at, variance_ratio
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
    scores = _Evaluation(
        *(dataset, target_class, source_classes, classify, classifiers),
        seed=seed,
        mean_shift=methods.get(MEAN_SHIFT),
        own_reference=own_reference,
    )
    moves: dict[str, Move] = {**methods, UNTOUCHED: lambda profiles, _: profiles}
    found = {name: scores.of_method(move) for name, move in moves.items()} | {REAL: scores.of_real_samples()}
    rows = [row for name, measures in found.items() for row in _rows(name, measures, scores.bounds(name))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(method: str, measures: Iterable[tuple[str, Measure]], bounds: str) -> Iterator[tuple[object, ...]]:
    for name, measure in measures:
        yield method, name, *replace(measure, note=joined_notes(measure.note, bounds)).cells
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


def _within_bound(is_wanted: NDArray[np.bool_], bound: int, seed: int) -> NDArray[np.bool_]:
    rows = np.flatnonzero(is_wanted)
    return np.isin(np.arange(len(is_wanted)), rows[rows_within_bound(len(rows), seed=seed, bound=bound)])


class _Evaluation:
    """The samples that methods are measured on, and classifiers and references that have seen none of them.

    `sources` are S, held-out samples to be moved, `real` T, held-out real samples of the target class, `reference`
    R, the target's training samples. Of more than 1,000 of S or T, so many are drawn.
    """

    def __init__(
        self,
        dataset: Dataset,
        target_class: str,
        source_classes: tuple[str, ...] | None,
        f: Classify,
        classifiers: Mapping[str, Classify],
        *,
        seed: int,
        mean_shift: Move | None,
        own_reference: bool,
    ) -> None:
        is_target, is_train = dataset.class_mask(target_class), dataset.is_train
        is_source = ~is_target if source_classes is None else np.isin(dataset.source_class, source_classes)
        self.seed, self.own_reference, self.has_shift = seed, own_reference, mean_shift is not None
        held_out_sources, held_out_targets = is_source & ~is_train, is_target & ~is_train
        sides = (_within_bound(rows, MOST_HELD_OUT, seed) for rows in (held_out_sources, held_out_targets))
        self.sources, self.real, self.reference, held_out = (
            _Part.of(dataset, rows) for rows in (*sides, is_target & is_train, ~is_train)
        )
        self.sources_note = bound_note(len(self.sources), int(held_out_sources.sum()), "held-out sources")
        self.separated = self.sources
        if self.sources_note:  # a class that few are drawn of cannot be told apart
            rows = np.flatnonzero(held_out_sources)
            rows = rows[rows_of_every_class(dataset.source_class[rows], seed=seed, bound=MOST_SEPARATED)]
            self.separated = _Part.of(dataset, np.isin(np.arange(len(is_train)), rows))
        self.real_note = bound_note(len(self.real), int(held_out_targets.sum()), "held-out targets")
        sources, real, donors = self.sources, self.real, (self.sources.groups, self.real.groups)
        score = partial(
            ClassifierScore.of,
            target_class=target_class,
            sources=sources.profiles,
            real=real.profiles,
            source_groups=sources.groups,
            real_groups=real.groups,
        )
        train = np.flatnonzero(is_train)
        note = training_note(len(train))
        self.scores = {"f": score(f)} | {name: score(one, note=note) for name, one in classifiers.items()}
        means = {name: dataset.class_mean(name) for name in set(sources.source_class)}
        self.target_mean = dataset.class_mean(target_class)
        self.own_means = np.array([means[name] for name in sources.source_class]).reshape(sources.profiles.shape)
        self.distances_before = pairwise(sources.profiles - self.own_means)
        self.counterparts = Counterparts.of(
            sources.profiles, real.profiles, self.target_mean, source_groups=donors[0], real_groups=donors[1]
        )
        teaching = train[rows_of_every_class(dataset.source_class[train], seed=seed, bound=MOST_TRAINING)]
        samples = dataset.profiles[teaching], dataset.source_class[teaching], held_out.profiles, held_out.source_class
        bound = bound_note(len(teaching), len(train), "training samples")
        self.lesson = TargetLesson(*samples, target_class, held_out.groups, seed, bound)
        rows = np.flatnonzero(_within_bound(is_source & is_train, MOST_MOVED, seed))
        taught = np.isin(np.arange(len(is_train)), rows[self.lesson.taught(len(rows))])
        self.training_sources = _Part.of(dataset, taught)
        self.energy: EnergyScale | None = None
        self.shifted: Excess | None = None
        if min(len(sources), len(real)) >= 2:
            reference = None if own_reference else self.reference
            self.energy = EnergyScale.of(
                sources.profiles,
                real.profiles,
                None if reference is None else reference.profiles,
                source_groups=sources.groups,
                real_groups=real.groups,
                training_groups=None if reference is None else reference.groups,
                seed=seed,
            )
            if mean_shift is not None:
                shifted = mean_shift(sources.profiles, sources.source_class)
                self.shifted = self.energy.excess(self._pair(shifted, sources.groups))

    def bounds(self, method: str) -> str:
        """How many of the held-out samples a method is measured on, where it is not all."""
        return self.real_note if method == REAL else joined_notes(self.sources_note, self.real_note)

    def of_method(self, move: Move) -> Found:
        """Every measure of one method."""
        sources, seed, n = self.sources, self.seed, len(self.sources)
        moved = move(sources.profiles, sources.source_class)
        for name, score in self.scores.items():
            yield f"hit_rate_{name}", score.of_moved(moved)
        pair, ratio, less, p_value = None, *[Measure.too_few(n)] * 3
        if self.energy is not None:
            pair = self._pair(moved, sources.groups)
            excess = self.energy.excess(pair)
            ratio, p_value = self.energy.ratio(excess), energy_p_value(pair, seed=seed)
            less = self.energy.difference(excess, self.shifted) if self.shifted else less
        yield "energy_ratio", ratio
        if self.has_shift:
            yield "energy_less_mean_shift", less
        yield "energy_p_value", p_value
        yield from self._resemblance(moved, pair, sources.groups)
        yield from self._individuality(moved, pair)
        if pair and self.counterparts:
            yield from self.counterparts.measures(moved, pair.between, seed=seed)
        part = self.separated
        theirs = moved if part is sources else move(part.profiles, part.source_class)
        leak = source_leak(theirs, part.source_class, groups=part.groups, seed=seed) if n else None
        yield "source_leak", leak or Measure.too_few()
        training = self.training_sources
        yield "train_on_moved", self.lesson.from_moved(move(training.profiles, training.source_class))

    def of_real_samples(self) -> Found:
        """What real target samples score: held-out ones by the classifiers, training ones by resemblance."""
        for name, score in self.scores.items():
            yield f"hit_rate_{name}", score.recall
        pair, ratio, p_value = None, *[Measure.too_few(len(self.real))] * 2
        if self.energy is not None:
            pair = self._pair(self.reference.profiles, self.reference.groups)
            ratio, p_value = self.energy.split_halves(), energy_p_value(pair, seed=self.seed)
        yield "energy_ratio", ratio
        yield "energy_p_value", p_value
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
        kept = individuality(before, self.own_means, moved, self.target_mean, groups=groups, seed=seed)
        yield "individuality", kept
        after = pairwise(moved) if pair is None else pair.within_moved
        n_genes = moved.shape[1]
        kept = distance_correlation(self.distances_before, after, n_genes=n_genes, groups=groups, seed=seed)
        yield "distance_correlation", kept
        yield "mean_abs_change", mean_abs_change(before, moved, groups=groups, seed=seed)
