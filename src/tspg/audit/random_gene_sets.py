"""Does this gene set do better than any? Random sets of the same size, alike in mean and variance."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.evaluation.resampling import monte_carlo_p
from tspg.analysis.evaluation.thresholds import PASS, THRESHOLDS
from tspg.audit.context import RunContext
from tspg.audit.inputs import NotThereError, all_genes
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan
from tspg.audit.scores import EvalSet, hit_rate
from tspg.data.batch import Adjustment
from tspg.data.own_columns import own_column
from tspg.data.prepare import Dataset, Scaler, text_column
from tspg.model.learning import fit_closed_form, move_with
from tspg.utils.typing import Float32Array, Float64Array, Int64Array

DRAWS = 74  # stream of random numbers
BINS = (10, 5, 3, 2, 1)  # deciles; coarser ones where those hold hardly any gene but one's own
MOST_OWN = 0.5  # share of one's own genes that a random set may be expected to hold
MOST_TRAINING = 60  # samples of a class: enough for a logistic regression that only has to be compared


def random_gene_sets(context: RunContext, plan: Plan) -> Outcome:
    """The closed-form map on the run's gene set beside the same on random sets: (1 + b) / (1 + B)."""
    measure, dataset, seed = "energy_ratio p-value", context.dataset, context.config.seed
    try:
        values, genes = all_genes(context, plan.reading)
    except NotThereError as error:
        return not_tested(measure, str(error))
    column = context.config.adjust_column
    if column is not None:
        kept = own_column(context.perturbations, column) or column
        levels = np.asarray(text_column(context.perturbations, kept), dtype=object)
        values = adjusted(dataset, values, levels, column=column)

    def score(drawn: Int64Array) -> list[tuple[float, float]]:
        return [GeneSetTrial.of(dataset, values[:, drawn]).score(context.target, seed=seed)]

    own = np.array([genes.index(gene) for gene in dataset.gene_ids], dtype=np.int64)
    (found,) = compare_with_random_sets(score, own, moments(values[dataset.is_train]), n=plan.gene_sets, seed=seed)
    if found.note:
        return not_tested(measure, found.note)
    energy = f"{found.energy_ratio:.3f}, random sets {found.random_energy_ratio:.3f}"
    called = f"{found.hit_rate:.2f}, random sets {found.random_hit_rate:.2f}"
    return Outcome(
        (
            _row(measure, found.energy_p_value, energy, plan.gene_sets),
            _row("hit_rate p-value", found.hit_rate_p_value, called, plan.gene_sets),
        )
    )


def _row(measure: str, p: float, found: str, n: int) -> Row:
    answer = THRESHOLDS["p_value"].answer(p)
    warning = "" if answer == PASS else "; random genes do as well: nothing here is special to this set"
    return Row(measure, p, n=n, note=f"by the map in closed form this set {found}{warning}", answer=answer)


class Comparison(NamedTuple):
    """A gene set beside random ones for one target: what it scores, their medians, and the share that does as well.

    `note` says why there are no numbers; empty if there are.
    """

    n_random: int
    energy_ratio: float = math.nan
    random_energy_ratio: float = math.nan
    energy_p_value: float = math.nan
    hit_rate: float = math.nan
    random_hit_rate: float = math.nan
    hit_rate_p_value: float = math.nan
    note: str = ""


def moments(training: Float32Array) -> pd.DataFrame:
    """For every gene whether it varies, its mean and its variance; `training` has shape (samples, genes)."""
    columns = {
        "varies": training.min(axis=0) < training.max(axis=0),
        "mean": training.mean(axis=0, dtype=np.float64),
        "variance": training.var(axis=0, dtype=np.float64),
    }
    return pd.DataFrame(columns)


def compare_with_random_sets(
    score: Callable[[Int64Array], list[tuple[float, float]]],
    own: Int64Array,
    genes: pd.DataFrame,
    *,
    n: int,
    seed: int,
) -> list[Comparison]:
    """A gene set beside `n` random ones, for every target that `score` gives energy ratio and hit rate of.

    `own` are the positions of its genes in `genes`, the moments of all genes.
    """
    usable = genes["varies"].to_numpy()
    own = np.sort(own[usable[own]])  # in the order of the drawn ones: another one changes the last digits of a tie
    pool, scores = np.flatnonzero(usable), score(own)
    n_others = len(pool) - len(own)
    if n_others < 2 * len(own):
        few = f"{n_others:,} other genes are too few to draw sets of {len(own):,} from"
        note = few if n_others else "every gene of the matrix is in use, so none is left to draw"
        return [Comparison(0, note=note)] * len(scores)
    drawn: list[list[tuple[float, float]]] = []
    if any(math.isfinite(ratio) for ratio, _ in scores):
        rng, means, variances = np.random.default_rng([seed, DRAWS]), genes["mean"], genes["variance"]
        draws = matched_draws(means.to_numpy(), variances.to_numpy(), own, pool, n, rng)
        drawn = [score(positions) for positions in draws]
    found = []
    for at, (ratio, hits) in enumerate(scores):
        if not math.isfinite(ratio):
            found.append(Comparison(n, note="source and target cannot be told apart on these genes"))
            continue
        ratios, hit_rates = np.array([of_targets[at] for of_targets in drawn]).T
        ratios = np.where(np.isfinite(ratios), ratios, np.inf)  # a set that tells nothing apart does no better
        energy = (ratio, float(np.median(ratios)), monte_carlo_p(-ratio, -ratios))
        called = (hits, float(np.median(hit_rates)), monte_carlo_p(hits, hit_rates))
        found.append(Comparison(n, *energy, *called))
    return found


def adjusted(dataset: Dataset, values: Float32Array, levels: NDArray[Any], *, column: str) -> Float32Array:
    """The values without the batch that a run took out of its own genes, estimated in the same way."""
    train = dataset.is_train
    fitted = Adjustment.fit(values[train], dataset.class_index[train], levels[train].tolist(), column=column)
    return fitted.transform(values, levels.tolist())[0]


def matched_draws(
    means: Float64Array, variances: Float64Array, own: Int64Array, pool: Int64Array, n: int, rng: np.random.Generator
) -> Iterator[Int64Array]:
    """Random sets as large as one's own, from the same deciles of the genes' means and variances, or coarser parts.

    They are drawn from `pool`, which holds one's own genes too: only then is a set that has nothing special one
    among equals. Without them the random sets resemble each other, and in small matrices chance alone sets the
    own one apart.
    """
    ranks = [(rankdata(values, method="ordinal") - 1) / len(values) for values in (means, variances)]
    for bins in BINS:
        mean_bin, variance_bin = ((of * bins).astype(int) for of in ranks)
        part = mean_bin * bins + variance_bin
        parts, wanted = np.unique(part[own], return_counts=True)
        members = [pool[part[pool] == which] for which in parts]
        sizes = np.array([max(1, len(genes)) for genes in members])
        if (wanted * wanted / sizes).sum() <= MOST_OWN * len(own):
            break
    for _ in range(n):
        drawn = [rng.permutation(genes)[:count] for genes, count in zip(members, wanted, strict=True)]
        yield np.sort(np.concatenate(drawn))


@dataclass(frozen=True)
class GeneSetTrial:
    """How well some genes carry a transition: the samples, scaled anew on them, and a linear classifier."""

    dataset: Dataset

    @classmethod
    def of(cls, dataset: Dataset, values: Float32Array) -> "GeneSetTrial":
        """Take the split and the classes of a dataset, and the values of other genes."""
        scaler = Scaler.fit(values[dataset.is_train])
        profiles, _ = scaler.transform(values)
        names = tuple(map(str, range(values.shape[1])))
        return cls(replace(dataset, profiles=profiles, scaler=scaler, gene_ids=names))

    @cached_property
    def classifier(self) -> LinearClassifier:
        """Fitted on the first training samples of every class."""
        data = self.dataset
        first = [np.flatnonzero(data.class_mask(name) & data.is_train)[:MOST_TRAINING] for name in data.classes]
        rows = np.concatenate(first)
        return LinearClassifier.fit(data.profiles[rows], data.source_class[rows])

    def score(self, target_class: str, *, seed: int) -> tuple[float, float]:
        """Energy ratio and logistic hit rate of the closed-form map to a target."""
        eval_set = EvalSet.of(self.dataset, target_class)
        if eval_set.is_empty:
            return math.nan, math.nan
        linear_map = fit_closed_form("linear_map", self.dataset, target_class, seed=seed)
        moved = move_with(linear_map, eval_set.sources, eval_set.source_class, self.dataset.classes)
        return eval_set.energy_ratio(moved), hit_rate(self.classifier(moved), target_class)
