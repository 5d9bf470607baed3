"""How few genes are enough: the change of a few genes alone, until f and an independent classifier both switch."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.cases import Case, Setting
from tspg.analysis.measure import MEAN_SHIFT
from tspg.data.prepare import FloatMatrix

ENOUGH = 0.5  # of a case's profiles have to be called the target, by both classifiers
RANDOM_ORDERS = 10
COARSE, FINE = 1.6, 1.2  # from one number of genes tried to the next
SMALLEST_SET_COLUMNS = ("source_class", "sample", "genes_by", "n_genes", "low", "high", "n_genes_in_all", "genes")


def smallest_sets(
    cases: Iterable[Case], setting: Setting, gene_names: Sequence[str], *, method: str, seed: int = 0
) -> pd.DataFrame:
    """The smallest number of top genes whose change alone makes f and an independent classifier see the target.

    Genes are taken by the size of their mean change. So that the number means something it stands
    beside the same for the shift by the difference of class means, in its own order, and for the
    run's own changes with genes taken in random order.

    Returns
    -------
    One row a case and way of choosing (`SMALLEST_SET_COLUMNS`; `genes_by` is the run's method,
    `mean_shift` or `random_genes`). `n_genes` is empty where all genes together are not enough. For
    random orders it is the median of ten, `low` and `high` the least and the most. `genes` names
    the genes of the smallest set, the most changed first.
    """
    rng = np.random.default_rng([seed, 80])
    target_mean = setting.of_class(setting.target_class).mean(axis=0, dtype=np.float64)
    rows: list[tuple[object, ...]] = []
    for case in cases:
        who, n = (case.source_class, case.sample), case.before.shape[1]
        known = setting.of_class(case.like_class)
        shifts = {method: case.change}
        if len(known) and method != MEAN_SHIFT:
            shift = (target_mean - known.mean(axis=0, dtype=np.float64)).astype(np.float32)
            shifts[MEAN_SHIFT] = np.clip(case.before + shift, 0.0, 1.0) - case.before
        for name, change in shifts.items():
            order = np.argsort(-np.abs(change.mean(axis=0, dtype=np.float64)), kind="stable")
            k = _enough(case.before, change, order, setting, FINE)
            chosen = " ".join(gene_names[at] for at in order[: int(k)]) if np.isfinite(k) else ""
            rows.append((*who, name, k, np.nan, np.nan, n, chosen))
        orders = [rng.permutation(n) for _ in range(RANDOM_ORDERS)]
        found = np.array([_enough(case.before, case.change, order, setting, COARSE) for order in orders])
        found = np.where(np.isfinite(found), found, np.inf)
        middle, low, high = (
            value if np.isfinite(value) else np.nan for value in (np.median(found), found.min(), found.max())
        )
        rows.append((*who, "random_genes", middle, low, high, n, ""))
    return pd.DataFrame(rows, columns=list(SMALLEST_SET_COLUMNS))


def _enough(
    before: FloatMatrix, change: FloatMatrix, order: NDArray[np.int64], setting: Setting, factor: float
) -> float:
    """The smallest number of genes, the first of `order`, at which enough profiles are called the target; NaN if none.

    Growing numbers are tried first, then the gap before the first that is enough is halved: between
    two numbers tried, more genes are taken to be no worse.
    """

    def is_enough(k: int) -> bool:
        profiles = before.copy()
        profiles[:, order[:k]] += change[:, order[:k]]
        return bool(np.logical_and.reduce(list(setting.called(profiles).values())).mean() >= ENOUGH)

    if is_enough(0):
        return 0.0
    too_few = 0
    for k in numbers_tried(before.shape[1], factor):
        if is_enough(k):
            break
        too_few = k
    else:
        return float("nan")
    while k - too_few > 1:
        middle = (k + too_few) // 2
        k, too_few = (middle, too_few) if is_enough(middle) else (k, middle)
    return float(k)


def numbers_tried(n: int, factor: float) -> list[int]:
    """1, 2, 3, ... and from there on each the next by a factor, up to all n."""
    tried = [1]
    while tried[-1] < n:
        tried.append(min(n, max(tried[-1] + 1, round(tried[-1] * factor))))
    return tried
