"""Which known gene set brings about the transformation: its genes moved alone, everything else left as it is."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tspg.analysis.interpretation.cases import Case, Reference
from tspg.analysis.interpretation.membership import membership
from tspg.data.annotations import Annotation

MOST_SETS = 20  # per case: those that contribute most
FEWEST_GENES = 3
CONTRIBUTION_COLUMNS = (
    *("source_class", "sample", "category", "term", "n_genes", "share_of_genes", "share_of_way"),
    *("called_by_f", "called_by_logistic"),
)


def gene_set_contribution(
    cases: Iterable[Case], reference: Reference, gene_names: Sequence[str], annotation: Annotation
) -> pd.DataFrame:
    """How far a gene set takes a sample towards the target if the change is applied to its genes alone.

    Returns
    -------
    One row per case and set (`CONTRIBUTION_COLUMNS`), the twenty that contribute most. `share_of_way` is how much
    of the fall in squared distance from the case's mean to the target's mean these genes bring about; over all
    genes it adds up to 1, so a set with a smaller `share_of_genes` contributes more than its number.
    `called_by_...` are shares of the case's profiles called the target.
    """
    known = membership(annotation.gene_sets, tuple(gene_names))
    if known is None:
        return pd.DataFrame(columns=list(CONTRIBUTION_COLUMNS))
    sets = [known.positions[genes] for genes in np.split(known.matrix.indices, known.matrix.indptr[1:-1])]
    target_mean = reference.of_class(reference.target_class).mean(axis=0, dtype=np.float64)
    rows: list[tuple[object, ...]] = []
    for case in cases:
        before = case.before.mean(axis=0, dtype=np.float64)
        gain = (before - target_mean) ** 2 - (before + case.mean_change - target_mean) ** 2
        if gain.sum() <= 0:
            continue
        share = [gain[genes].sum() / gain.sum() if len(genes) >= FEWEST_GENES else -np.inf for genes in sets]
        chosen = [n for n in np.argsort(np.negative(share), kind="stable")[:MOST_SETS] if np.isfinite(share[n])]
        if not chosen:
            continue
        called = reference.called_with(case, [sets[number] for number in chosen])
        shares = [called[name].mean(axis=1) for name in ("f", "logistic")]
        for number, *called_by in zip(chosen, *shares, strict=True):
            n_genes, term = len(sets[number]), known.terms[number]
            numbers = n_genes, n_genes / len(gene_names), float(share[number]), *map(float, called_by)
            rows.append((case.source_class, case.sample, annotation.category, term, *numbers))
    return pd.DataFrame(rows, columns=list(CONTRIBUTION_COLUMNS))
