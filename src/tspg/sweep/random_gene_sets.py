"""Does a gene set carry a transition better than random genes do? Size-matched random sets, for every target."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.evaluation.resampling import monte_carlo_p
from tspg.audit.context import relabelled
from tspg.audit.random_gene_sets import DRAWS, GeneSetTrial, adjusted, matched_draws
from tspg.data.prepare import Dataset, text_column
from tspg.experiment.fit import prepare_task
from tspg.experiment.task import Task
from tspg.sweep.plan import RANDOM_COLUMNS
from tspg.utils.typing import Float64Array, Int64Array

_GENES_AT_ONCE = 1000


def against_random_sets(tasks: Sequence[Task], everything: AnnData, *, n: int) -> pd.DataFrame:
    """The closed-form map on a gene set beside the same on `n` random sets, alike in size, mean and variance.

    The questions are those of one gene set and seed; `everything` has the same samples and all genes,
    from which the random sets are drawn.

    Returns
    -------
    One row a target: energy ratio (0: moved samples lie like real ones) and hit rate of a linear judge on the
    gene set, their medians on random sets, and the share of random sets that do as well, (1 + b) / (1 + n).
    """
    task = tasks[0]
    name, seed = task.config.gene_set or "", task.config.seed
    targets = [one.config.target_class for one in tasks]
    dataset = prepare_task(task)
    position = {str(gene): at for at, gene in enumerate(everything.var_names)}
    own = np.array([position[gene] for gene in dataset.gene_ids], dtype=np.int64)
    usable, mean, variance = _moments(everything, dataset)
    own = np.sort(own[usable[own]])  # in the order of the drawn ones: another one changes the last digits of a tie
    pool = np.flatnonzero(usable)
    n_others = len(pool) - len(own)
    if n_others < 2 * len(own):
        note = f"{n_others} other genes are too few to draw sets of {len(own)} from"
        return pd.DataFrame(
            [(name, target, 0, *[math.nan] * 6, note) for target in targets], columns=list(RANDOM_COLUMNS)
        )
    rng = np.random.default_rng([seed, DRAWS])
    drawn = [own, *matched_draws(mean, variance, own, pool, n, rng)]
    scores = np.array([_scores(task, dataset, everything, genes, targets) for genes in drawn])
    return pd.DataFrame(
        [(name, target, n, *_row(scores[:, at])) for at, target in enumerate(targets)], columns=list(RANDOM_COLUMNS)
    )


def _row(scores: Float64Array) -> tuple[Any, ...]:
    """Energy ratio and hit rate of one target, own set first, as a row of the table."""
    (ratio, hits), ratios, hit_rates = scores[0], scores[1:, 0], scores[1:, 1]
    if not math.isfinite(ratio):
        return *[math.nan] * 6, "source and target cannot be told apart on these genes"
    ratios = np.where(np.isfinite(ratios), ratios, np.inf)  # a set that tells nothing apart does no better
    found = (ratio, np.median(ratios), monte_carlo_p(-ratio, -ratios))
    return *map(float, (*found, hits, np.median(hit_rates), monte_carlo_p(hits, hit_rates))), ""


def _moments(everything: AnnData, dataset: Dataset) -> tuple[NDArray[np.bool_], Float64Array, Float64Array]:
    """For every gene whether it varies among the training samples, its mean and its variance; some genes at a time."""
    parts = []
    for start in range(0, everything.n_vars, _GENES_AT_ONCE):
        block = everything.X[:, start : start + _GENES_AT_ONCE][dataset.is_train]
        varies = block.min(axis=0) < block.max(axis=0)
        parts.append((varies, block.mean(axis=0, dtype=np.float64), block.var(axis=0, dtype=np.float64)))
    varies, mean, variance = (np.concatenate(side) for side in zip(*parts, strict=True))
    return varies, mean, variance


def _scores(
    task: Task, dataset: Dataset, everything: AnnData, genes: Int64Array, targets: Sequence[str]
) -> list[tuple[float, float]]:
    """Energy ratio and hit rate of some genes for each target."""
    config = task.config
    values = np.ascontiguousarray(everything.X[:, genes])
    if config.adjust_column is not None:
        levels = np.asarray(text_column(task.adata, config.adjust_column), dtype=object)
        values = adjusted(dataset, values, levels, column=config.adjust_column)
    sources, seed = config.source_classes, config.seed
    if sources is None:
        trial = GeneSetTrial.of(dataset, values)
        return [trial.score(target, seed=seed) for target in targets]
    scores = []
    for target in targets:
        rows = np.isin(dataset.source_class, [*sources, target])
        some = relabelled(dataset, dataset.source_class, rows=rows)
        scores.append(GeneSetTrial.of(some, values[rows]).score(target, seed=seed))
    return scores
