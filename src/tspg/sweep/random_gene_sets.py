"""Does a gene set carry a transition better than random genes do? Size-matched random sets, for every target."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.resampling import monte_carlo_p
from tspg.audit.context import relabelled
from tspg.audit.random_gene_sets import DRAWS, GeneSetTrial, adjusted, matched_draws
from tspg.data.prepare import Dataset, text_column
from tspg.experiment.fit import prepare_study
from tspg.experiment.task import Task
from tspg.sweep.plan import RANDOM_COLUMNS
from tspg.utils.typing import Int64Array

_GENES_AT_ONCE = 1000


def compare_with_random_sets(tasks: Sequence[Task], all_genes: AnnData, *, n: int) -> pd.DataFrame:
    """The closed-form map on a gene set beside the same on `n` random sets, alike in size, mean and variance.

    The tasks are those of one gene set and seed; `all_genes` has the same samples and every gene, from which the
    random sets are drawn.

    Returns
    -------
    One row per target: energy ratio (0: moved samples are like real ones) and hit rate of a linear classifier on the
    gene set, their medians on random sets, and the share of random sets that do as well, (1 + b) / (1 + n).
    """
    task = tasks[0]
    name, targets = task.config.gene_set or "", [one.config.target_class for one in tasks]
    dataset = prepare_study(task)
    moments = _moments(all_genes, dataset)
    usable = moments["varies"].to_numpy()
    own = all_genes.var_names.get_indexer(list(dataset.gene_ids)).astype(np.int64)
    own = np.sort(own[usable[own]])  # in the order of the drawn ones: another one changes the last digits of a tie
    pool = np.flatnonzero(usable)
    n_others = len(pool) - len(own)
    if n_others < 2 * len(own):
        note = f"{n_others} other genes are too few to draw sets of {len(own)} from"
        rows = [(name, target, 0, *[math.nan] * 6, note) for target in targets]
        return pd.DataFrame(rows, columns=list(RANDOM_COLUMNS))
    rng = np.random.default_rng([task.config.seed, DRAWS])
    drawn = [own, *matched_draws(moments["mean"].to_numpy(), moments["variance"].to_numpy(), own, pool, n, rng)]
    scores = np.array([_scores(task, dataset, all_genes, genes, targets) for genes in drawn])
    rows = []
    for target, ((ratio, hits), *_), (ratios, hit_rates) in zip(
        targets, scores.swapaxes(0, 1), scores[1:].transpose(1, 2, 0), strict=True
    ):
        if not math.isfinite(ratio):
            rows.append((name, target, n, *[math.nan] * 6, "source and target cannot be told apart on these genes"))
            continue
        finite = np.where(np.isfinite(ratios), ratios, np.inf)  # a set that tells nothing apart does no better
        energy = (ratio, np.median(finite), monte_carlo_p(-ratio, -finite))
        rows.append(
            (name, target, n, *map(float, (*energy, hits, np.median(hit_rates), monte_carlo_p(hits, hit_rates))), "")
        )
    return pd.DataFrame(rows, columns=list(RANDOM_COLUMNS))


def _moments(all_genes: AnnData, dataset: Dataset) -> pd.DataFrame:
    """For every gene whether it varies among the training samples, its mean and its variance; some genes at a time."""
    parts = []
    for start in range(0, all_genes.n_vars, _GENES_AT_ONCE):
        block = all_genes.X[:, start : start + _GENES_AT_ONCE][dataset.is_train]
        columns = {
            "varies": block.min(axis=0) < block.max(axis=0),
            "mean": block.mean(axis=0, dtype=np.float64),
            "variance": block.var(axis=0, dtype=np.float64),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _scores(
    task: Task, dataset: Dataset, all_genes: AnnData, genes: Int64Array, targets: Sequence[str]
) -> list[tuple[float, float]]:
    """Energy ratio and hit rate of some genes for each target."""
    config = task.config
    values = np.ascontiguousarray(all_genes.X[:, genes])
    if config.adjust_column is not None:
        levels = np.asarray(text_column(task.study, config.adjust_column), dtype=object)
        values = adjusted(dataset, values, levels, column=config.adjust_column)
    if config.source_classes is None:
        trial = GeneSetTrial.of(dataset, values)
        return [trial.score(target, seed=config.seed) for target in targets]
    scores = []
    for target in targets:
        rows = np.isin(dataset.source_class, [*config.source_classes, target])
        some = relabelled(dataset, dataset.source_class, rows=rows)
        scores.append(GeneSetTrial.of(some, values[rows]).score(target, seed=config.seed))
    return scores
