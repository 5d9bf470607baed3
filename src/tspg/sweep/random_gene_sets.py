"""Does a gene set carry a transition better than random genes do? Size-matched random sets, for every target."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.audit.context import relabelled
from tspg.audit.random_gene_sets import GeneSetTrial, adjusted, compare_with_random_sets, moments
from tspg.data.prepare import Dataset, text_column
from tspg.experiment.fit import prepare_task
from tspg.experiment.task import Task
from tspg.sweep.plan import RANDOM_COLUMNS
from tspg.utils.typing import Int64Array

_GENES_AT_ONCE = 1000


def against_random_sets(tasks: Sequence[Task], all_genes: AnnData, *, n: int) -> pd.DataFrame:
    """The closed-form map on a gene set beside the same on `n` random sets, alike in size, mean and variance.

    The tasks are those of one gene set and seed; `all_genes` has the same samples and every gene, from which the
    random sets are drawn.

    Returns
    -------
    One row per target: energy ratio (0: moved samples are like real ones) and hit rate of a linear classifier on the
    gene set, their medians on random sets, and the share of random sets that do as well, (1 + b) / (1 + n).
    """
    task, targets = tasks[0], [one.config.target_class for one in tasks]
    dataset = prepare_task(task)
    blocks = range(0, all_genes.n_vars, _GENES_AT_ONCE)
    parts = [moments(all_genes.X[:, at : at + _GENES_AT_ONCE][dataset.is_train]) for at in blocks]
    found = compare_with_random_sets(
        lambda genes: _scores(task, dataset, all_genes, genes, targets),
        all_genes.var_names.get_indexer(list(dataset.gene_ids)).astype(np.int64),
        pd.concat(parts, ignore_index=True),
        n=n,
        seed=task.config.seed,
    )
    rows = [(task.config.gene_set or "", target, *one) for target, one in zip(targets, found, strict=True)]
    return pd.DataFrame(rows, columns=list(RANDOM_COLUMNS))


def _scores(
    task: Task, dataset: Dataset, all_genes: AnnData, genes: Int64Array, targets: Sequence[str]
) -> list[tuple[float, float]]:
    """Energy ratio and hit rate of some genes for each target."""
    config = task.config
    values = np.ascontiguousarray(all_genes.X[:, genes])
    if config.adjust_column is not None:
        levels = np.asarray(text_column(task.adata, config.adjust_column), dtype=object)
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
