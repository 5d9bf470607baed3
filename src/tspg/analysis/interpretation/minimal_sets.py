"""How few genes are enough: the change of a few genes alone, until f and an independent classifier both switch."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT
from tspg.analysis.interpretation.cases import Case, LayeredClassifier, Reference
from tspg.utils.typing import Float32Array, FloatArray, Int64Array

ENOUGH = 0.5  # of a case's profiles have to be called the target, by both classifiers
RANDOM_ORDERS = 10
COARSE, FINE = 1.6, 1.2  # from one number of genes tried to the next
MINIMAL_SET_COLUMNS = ("source_class", "sample", "genes_by", "n_genes", "low", "high", "n_genes_in_all", "genes")


def minimal_sets(
    cases: Iterable[Case], reference: Reference, gene_names: Sequence[str], *, method: str, seed: int = 0
) -> pd.DataFrame:
    """The smallest number of top genes whose change alone makes f and an independent classifier see the target.

    Genes are taken by the size of their mean change. To compare, the same is done for the shift by the difference
    of class means, in its own order, and for the run's own changes with genes taken in random order.

    Returns
    -------
    One row per case and way of choosing (`MINIMAL_SET_COLUMNS`; `genes_by` is the run's method,
    `mean_shift` or `random_genes`). `n_genes` is empty where all genes together are not enough. For
    random orders it is the median of ten, `low` and `high` the least and the most. `genes` names
    the genes of the smallest set, the most changed first.
    """
    rng = np.random.default_rng([seed, 80])
    target_mean = reference.of_class(reference.target_class).mean(axis=0, dtype=np.float64)
    rows: list[tuple[object, ...]] = []
    for case in cases:
        who, n = (case.source_class, case.sample), case.before.shape[1]
        shifts, known = {method: case.change}, reference.of_class(case.like_class)
        if len(known) and method != MEAN_SHIFT:
            shift = (target_mean - known.mean(axis=0, dtype=np.float64)).astype(np.float32)
            shifts[MEAN_SHIFT] = np.clip(case.before + shift, 0.0, 1.0) - case.before
        by_size = [np.argsort(-np.abs(one.mean(axis=0, dtype=np.float64)), kind="stable") for one in shifts.values()]
        untouched = {name: (0, case.before @ classifier.weights) for name, classifier in reference.classifiers.items()}
        ways = [
            *(_Way(order, one, FINE, {**untouched}) for order, one in zip(by_size, shifts.values(), strict=True)),
            *(_Way(rng.permutation(n), case.change, COARSE, {**untouched}) for _ in range(RANDOM_ORDERS)),
        ]
        enough = _enough(ways, reference)
        for name, order, k in zip(shifts, by_size, enough, strict=False):
            chosen = " ".join(gene_names[at] for at in order[: int(k)]) if np.isfinite(k) else ""
            rows.append((*who, name, k, np.nan, np.nan, n, chosen))
        at_random = np.nan_to_num(enough[len(shifts) :], nan=np.inf)  # an order that never is enough is the last
        numbers = (np.median(at_random), at_random.min(), at_random.max())
        rows.append((*who, "random_genes", *(float(k) if np.isfinite(k) else np.nan for k in numbers), n, ""))
    return pd.DataFrame(rows, columns=list(MINIMAL_SET_COLUMNS))


@dataclass(frozen=True)
class _Way:
    """One order in which genes are changed, and the change of all; from one number tried to the next it is a `factor`.

    `reached` holds, by classifier, for how many genes its units were computed last, and these: from there on only
    genes between that number and the next are multiplied.
    """

    order: Int64Array
    change: Float32Array
    factor: float
    reached: dict[str, tuple[int, FloatArray]]

    def units(self, k: int, name: str, classifier: LayeredClassifier) -> FloatArray:
        """What a classifier's first layer makes of the profiles with the first k genes changed."""
        last, units = self.reached[name]
        genes = self.order[min(k, last) : max(k, last)]
        moved = self.change[:, genes] @ classifier.weights.take(genes, axis=0)
        units = units + moved if k > last else units - moved
        self.reached[name] = k, units
        return units


def _enough(ways: Sequence[_Way], reference: Reference) -> list[float]:
    """For each way the smallest number of genes at which enough profiles are called the target; NaN if none.

    All ways are searched at once, so that each round calls the classifiers once, on many profiles.
    """
    searches = [_search(len(way.order), way.factor) for way in ways]
    found = [float("nan")] * len(ways)
    tried = {number: next(search) for number, search in enumerate(searches)}
    while tried:
        groups = [partial(ways[number].units, k) for number, k in tried.items()]
        shares = reference.shares_agreed(groups, least=ENOUGH)
        for number, share in zip(list(tried), shares, strict=True):
            try:
                tried[number] = searches[number].send(bool(share >= ENOUGH))
            except StopIteration as finished:
                found[number] = finished.value
                del tried[number]
    return found


def _search(n_genes: int, factor: float) -> Generator[int, bool, float]:
    """Yield one number of genes after another, get whether it is enough, and return the smallest that is; NaN if none.

    Growing numbers are tried first, then the gap before the first that is enough is halved: between
    two numbers tried, more genes are taken to be no worse.
    """
    if (yield 0):
        return 0.0
    too_few = 0
    for k in numbers_tried(n_genes, factor):
        if (yield k):
            break
        too_few = k
    else:
        return float("nan")
    while k - too_few > 1:
        middle = (k + too_few) // 2
        k, too_few = (middle, too_few) if (yield middle) else (k, middle)
    return float(k)


def numbers_tried(n: int, factor: float) -> list[int]:
    """1, 2, 3, ... and from there on each the next by a factor, up to all n."""
    tried = [1]
    while tried[-1] < n:
        tried.append(min(n, max(tried[-1] + 1, round(tried[-1] * factor))))
    return tried
