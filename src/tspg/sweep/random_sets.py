"""Does a gene set carry a transition better than random genes do? Size-matched random sets, for every target."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.donors import monte_carlo_p
from tspg.audit.random_gene_sets import DRAWS, Numbers, Positions, Trial, adjusted, matched_draws
from tspg.audit.subject import relabelled
from tspg.data.prepare import Prepared, text_column
from tspg.fitting import prepare_study
from tspg.question import Question
from tspg.sweep.plan import RANDOM_COLUMNS

_GENES_AT_ONCE = 1000


def against_random_sets(questions: Sequence[Question], everything: AnnData, *, n: int) -> pd.DataFrame:
    """The closed-form map on a gene set beside the same on `n` random sets, alike in size, mean and variance.

    The questions are those of one gene set and seed; `everything` has the same samples and all genes,
    from which the random sets are drawn.

    Returns
    -------
    One row a target: energy ratio (0: moved samples lie like real ones) and hit rate of a linear judge on the
    gene set, their medians on random sets, and the share of random sets that do as well, (1 + b) / (1 + n).
    """
    question = questions[0]
    name, seed = question.config.gene_set or "", question.config.seed
    targets = [one.config.target_class for one in questions]
    prepared = prepare_study(question)
    position = {str(gene): at for at, gene in enumerate(everything.var_names)}
    own = np.array([position[gene] for gene in prepared.gene_ids], dtype=np.int64)
    usable, mean, variance = _moments(everything, prepared)
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
    scores = np.array([_scores(question, prepared, everything, genes, targets) for genes in drawn])
    return pd.DataFrame(
        [(name, target, n, *_row(scores[:, at])) for at, target in enumerate(targets)], columns=list(RANDOM_COLUMNS)
    )


def _row(scores: Numbers) -> tuple[Any, ...]:
    """Energy ratio and hit rate of one target, own set first, as a row of the table."""
    (ratio, hits), ratios, hit_rates = scores[0], scores[1:, 0], scores[1:, 1]
    if not math.isfinite(ratio):
        return *[math.nan] * 6, "source and target cannot be told apart on these genes"
    ratios = np.where(np.isfinite(ratios), ratios, np.inf)  # a set that tells nothing apart does no better
    found = (ratio, np.median(ratios), monte_carlo_p(-ratio, -ratios))
    return *map(float, (*found, hits, np.median(hit_rates), monte_carlo_p(hits, hit_rates))), ""


def _moments(everything: AnnData, prepared: Prepared) -> tuple[NDArray[np.bool_], Numbers, Numbers]:
    """For every gene whether it varies among the training samples, its mean and its variance; some genes at a time."""
    parts = []
    for start in range(0, everything.n_vars, _GENES_AT_ONCE):
        block = everything.X[:, start : start + _GENES_AT_ONCE][prepared.is_train]
        varies = block.min(axis=0) < block.max(axis=0)
        parts.append((varies, block.mean(axis=0, dtype=np.float64), block.var(axis=0, dtype=np.float64)))
    varies, mean, variance = (np.concatenate(side) for side in zip(*parts, strict=True))
    return varies, mean, variance


def _scores(
    question: Question, prepared: Prepared, everything: AnnData, genes: Positions, targets: Sequence[str]
) -> list[tuple[float, float]]:
    """Energy ratio and hit rate of some genes for each target."""
    config = question.config
    values = np.ascontiguousarray(everything.X[:, genes])
    if config.adjust_column is not None:
        levels = np.asarray(text_column(question.study, config.adjust_column), dtype=object)
        values = adjusted(prepared, values, levels, column=config.adjust_column)
    sources, seed = config.source_classes, config.seed
    if sources is None:
        trial = Trial.of(prepared, values)
        return [trial.score(target, seed=seed) for target in targets]
    scores = []
    for target in targets:
        rows = np.isin(prepared.source_class, [*sources, target])
        some = relabelled(prepared, prepared.source_class, rows=rows)
        scores.append(Trial.of(some, values[rows]).score(target, seed=seed))
    return scores
