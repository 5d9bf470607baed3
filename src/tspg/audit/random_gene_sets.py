"""Does this gene set do better than any? Random sets of the same size, alike in mean and variance."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.evaluation.resampling import monte_carlo_p
from tspg.analysis.evaluation.thresholds import THRESHOLDS
from tspg.audit.context import RunContext
from tspg.audit.inputs import NotThereError, all_genes
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan, Work
from tspg.audit.scores import EvalSet, share_called
from tspg.data.batch import Adjustment
from tspg.data.own_columns import own_column
from tspg.data.prepare import Dataset, Scaler, text_column
from tspg.model.learning import fit_closed_form, move_with
from tspg.utils.typing import Float32Array, Float64Array, Int64Array

DRAWS = 74  # stream of random numbers
BINS = (10, 5, 3, 2, 1)  # deciles; coarser ones where those hold hardly any gene but one's own
MOST_OWN = 0.5  # share of one's own genes that a random set may be expected to hold
MOST_TRAINING = 60  # samples of a class: enough for a logistic regression that only has to be compared


def random_gene_sets(subject: RunContext, plan: Plan) -> Outcome:
    """The closed-form map on the run's gene set beside the same on random sets: (1 + b) / (1 + B)."""
    measure = "energy_ratio p-value"
    try:
        values, genes = all_genes(subject, plan.reading)
    except NotThereError as error:
        return not_tested(measure, str(error))
    column = subject.config.adjust_column
    if column is not None:
        kept = own_column(subject.perturbations, column) or column
        levels = np.asarray(text_column(subject.perturbations, kept), dtype=object)
        values = adjusted(subject.dataset, values, levels, column=column)
    own = np.array([genes.index(gene) for gene in subject.dataset.gene_ids], dtype=np.int64)
    train = subject.dataset.is_train
    usable = values[train].min(axis=0) < values[train].max(axis=0)
    own = np.sort(own[usable[own]])  # in the order of the drawn ones: another one changes the last digits of a tie
    pool = np.flatnonzero(usable)
    n_others = len(pool) - len(own)
    if n_others < 2 * len(own):
        few = f"{n_others:,} other genes are too few to draw sets of {len(own):,} from"
        return not_tested(measure, few if n_others else "every gene of the matrix is in use, so none is left to draw")
    rng = np.random.default_rng([subject.config.seed, DRAWS])
    ratio, hits = score(subject, values[:, own])
    if not math.isfinite(ratio):
        return not_tested(measure, "source and target cannot be told apart on these genes")
    training = values[train]
    mean, variance = training.mean(axis=0, dtype=np.float64), training.var(axis=0, dtype=np.float64)
    draws = matched_draws(mean, variance, own, pool, plan.gene_sets, rng)
    scores = np.array([score(subject, values[:, drawn]) for drawn in draws])
    ratios = np.where(np.isfinite(scores[:, 0]), scores[:, 0], np.inf)  # a set that tells nothing apart does no better
    return Outcome(
        (
            _row(measure, monte_carlo_p(-ratio, -ratios), f"{ratio:.3f}, random sets {np.median(ratios):.3f}", plan),
            _row(
                "hit_rate p-value",
                monte_carlo_p(hits, scores[:, 1]),
                f"{hits:.2f}, random sets {np.median(scores[:, 1]):.2f}",
                plan,
            ),
        )
    )


def adjusted(dataset: Dataset, values: Float32Array, levels: NDArray[Any], *, column: str) -> Float32Array:
    """The values without the batch that a run took out of its own genes, estimated in the same way."""
    train = dataset.is_train
    fitted = Adjustment.fit(values[train], dataset.class_index[train], levels[train].tolist(), column=column)
    return fitted.transform(values, levels.tolist())[0]


def _row(measure: str, p: float, found: str, plan: Plan) -> Row:
    answer = THRESHOLDS["p_value"].answer(p)
    note = f"by the map in closed form this set {found}"
    note += "" if answer == "pass" else "; random genes do as well: nothing here is special to this set"
    return Row(measure, p, n=plan.gene_sets, note=note, answer=answer)


def matched_draws(
    means: Float64Array, variances: Float64Array, own: Int64Array, pool: Int64Array, n: int, rng: np.random.Generator
) -> Iterator[Int64Array]:
    """Random sets as large as one's own, from the same deciles of the genes' means and variances, or coarser parts.

    They are drawn from `pool`, which holds one's own genes too: only then is a set that has nothing special one
    among equals. Without them the random sets resemble each other, and in small matrices chance alone sets the
    own one apart.
    """
    for bins in BINS:
        members, wanted = _alike(means, variances, own, pool, bins)
        sizes = np.array([max(1, len(genes)) for genes in members])
        if (wanted * wanted / sizes).sum() <= MOST_OWN * len(own):
            break
    for _ in range(n):
        drawn = [rng.permutation(genes)[:count] for genes, count in zip(members, wanted, strict=True)]
        yield np.sort(np.concatenate(drawn))


def _alike(
    means: Float64Array, variances: Float64Array, own: Int64Array, pool: Int64Array, bins: int
) -> tuple[list[Int64Array], Int64Array]:
    """The genes of every part that holds some of one's own, and how many of those it holds."""
    mean, variance = ((_ranks(of) * bins).astype(int) for of in (means, variances))
    part = mean * bins + variance
    parts, wanted = np.unique(part[own], return_counts=True)
    return [pool[part[pool] == which] for which in parts], wanted


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values)) / len(values)
    return ranks


def score(subject: RunContext, values: Float32Array) -> tuple[float, float]:
    """Energy ratio and logistic hit rate of the closed-form map on some genes."""
    return GeneSetTrial.of(subject.dataset, values).score(subject.target, seed=subject.config.seed)


@dataclass(frozen=True)
class GeneSetTrial:
    """Some genes on trial: the samples of a study, scaled anew on them, and a linear judge for any target."""

    study: Dataset

    @classmethod
    def of(cls, dataset: Dataset, values: Float32Array) -> "GeneSetTrial":
        """Take the split and the classes of a study, and the values of other genes."""
        scaler = Scaler.fit(values[dataset.is_train])
        profiles, _ = scaler.transform(values)
        names = tuple(map(str, range(values.shape[1])))
        return cls(replace(dataset, profiles=profiles, scaler=scaler, gene_ids=names))

    @cached_property
    def judge(self) -> LinearClassifier:
        """Taught on a few training samples of every class."""
        rows = few_of_each(self.study)
        return LinearClassifier.fit(self.study.profiles[rows], self.study.source_class[rows])

    def score(self, target_class: str, *, seed: int) -> tuple[float, float]:
        """Energy ratio and logistic hit rate of the closed-form map to a target."""
        stage = EvalSet.of(self.study, target_class)
        if stage.is_empty:
            return math.nan, math.nan
        anchor = fit_closed_form("linear_map", self.study, target_class, seed=seed)
        moved = move_with(anchor, stage.sources, stage.source_class, self.study.classes)
        return stage.energy_ratio(moved), share_called(self.judge(moved), target_class)


def few_of_each(dataset: Dataset) -> Int64Array:
    """The first training samples of every class."""
    rows = [np.flatnonzero(dataset.class_mask(name) & dataset.is_train)[:MOST_TRAINING] for name in dataset.classes]
    return np.concatenate(rows)


def gene_sets_work(subject: RunContext, plan: Plan) -> Work:
    """A closed-form map a set."""
    del subject
    return Work(closed=plan.gene_sets + 1)
