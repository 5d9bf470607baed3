"""Which known gene set carries the transformation: its genes moved alone, everything else left as it is."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.interpretation.cases import Case, Setting
from tspg.analysis.interpretation.membership import membership
from tspg.data.annotations import Annotation

MOST_SETS = 20  # a case: those that carry most of the way
FEWEST_GENES = 3
CARRIER_COLUMNS = (
    "source_class",
    "sample",
    "category",
    "term",
    "n_genes",
    "share_of_genes",
    "share_of_way",
    "called_by_f",
    "called_by_logistic",
)


def carriers(
    cases: Iterable[Case], setting: Setting, gene_names: Sequence[str], annotation: Annotation
) -> pd.DataFrame:
    """How far a gene set takes a sample towards the target if the change is applied to its genes alone.

    Returns
    -------
    One row a case and set (`CARRIER_COLUMNS`), the twenty that carry most. `share_of_way` is how much of
    the fall in squared distance from the case's mean to the target's mean these genes bring about; over
    all genes it adds up to 1, so a set beside which `share_of_genes` is smaller carries more than its
    number. `called_by_...` are shares of the case's profiles called the target.
    """
    known = membership(annotation.gene_sets, tuple(gene_names))
    if known is None:
        return pd.DataFrame(columns=list(CARRIER_COLUMNS))
    sets = [known.positions[genes] for genes in np.split(known.matrix.indices, known.matrix.indptr[1:-1])]
    rows: list[tuple[object, ...]] = []
    target_mean = setting.of_class(setting.target_class).mean(axis=0, dtype=np.float64)
    for case in cases:
        before = case.before.mean(axis=0, dtype=np.float64)
        gain = (before - target_mean) ** 2 - (before + case.mean_change - target_mean) ** 2
        if gain.sum() <= 0:
            continue
        share = [gain[genes].sum() / gain.sum() if len(genes) >= FEWEST_GENES else -np.inf for genes in sets]
        chosen = [n for n in np.argsort(np.negative(share), kind="stable")[:MOST_SETS] if np.isfinite(share[n])]
        if not chosen:
            continue
        called = _called_with(case, [sets[number] for number in chosen], setting)
        for at, number in enumerate(chosen):
            rows.append(
                (
                    case.source_class,
                    case.sample,
                    annotation.category,
                    known.terms[number],
                    len(sets[number]),
                    len(sets[number]) / len(gene_names),
                    float(share[number]),
                    float(called["f"][at]),
                    float(called["logistic"][at]),
                )
            )
    return pd.DataFrame(rows, columns=list(CARRIER_COLUMNS))


def _called_with(case: Case, sets: Sequence[NDArray[np.int64]], setting: Setting) -> dict[str, NDArray[np.float64]]:
    """The share of a case's profiles that each judge calls the target once the genes of a set are moved, set by set."""
    profiles = np.tile(case.before, (len(sets), 1, 1))
    for own, genes in zip(profiles, sets, strict=True):
        own[:, genes] += case.change[:, genes]
    called = setting.called(profiles.reshape(-1, case.before.shape[1]))
    return {name: found.reshape(len(sets), -1).mean(axis=1) for name, found in called.items()}
