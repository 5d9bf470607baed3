"""How few genes are enough: the change of a few genes alone, until f and an independent classifier both switch."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.evaluation.measure import MEAN_SHIFT
from tspg.analysis.interpretation.cases import Case, Setting
from tspg.utils.typing import Float32Array, Int64Array

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
        ways = {
            name: _Way.of(case.before, change, _most_changed_first(change), FINE)
            for name, change in _shifts(case, setting, target_mean, method).items()
        }
        orders = [rng.permutation(n) for _ in range(RANDOM_ORDERS)]
        at_random = [_Way.of(case.before, case.change, order, COARSE) for order in orders]
        enough = _enough(case.before, [*ways.values(), *at_random], setting)
        for (name, way), k in zip(ways.items(), enough, strict=False):
            chosen = " ".join(gene_names[at] for at in way.order[: int(k)]) if np.isfinite(k) else ""
            rows.append((*who, name, k, np.nan, np.nan, n, chosen))
        rows.append((*who, "random_genes", *_middle_low_high(enough[len(ways) :]), n, ""))
    return pd.DataFrame(rows, columns=list(SMALLEST_SET_COLUMNS))


def _shifts(
    case: Case, setting: Setting, target_mean: NDArray[np.float64], method: str
) -> dict[str, NDArray[np.float32]]:
    """What the run's method adds to a case's profiles, and what the mean shift would add."""
    shifts = {method: case.change}
    known = setting.of_class(case.like_class)
    if len(known) and method != MEAN_SHIFT:
        shift = (target_mean - known.mean(axis=0, dtype=np.float64)).astype(np.float32)
        shifts[MEAN_SHIFT] = np.clip(case.before + shift, 0.0, 1.0) - case.before
    return shifts


def _most_changed_first(change: Float32Array) -> Int64Array:
    return np.argsort(-np.abs(change.mean(axis=0, dtype=np.float64)), kind="stable")


def _middle_low_high(found: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and most of the numbers found; each NaN where it is that of an order that never is enough."""
    numbers = np.where(np.isfinite(found), found, np.inf)
    middle, low, high = (
        float(value) if np.isfinite(value) else np.nan for value in (np.median(numbers), numbers.min(), numbers.max())
    )
    return middle, low, high


@dataclass(frozen=True)
class _Way:
    """One order in which genes are changed: `place` is each gene's place in it, `moved` the profiles with all changed.

    From one number of genes tried to the next it is a `factor`.
    """

    order: Int64Array
    place: Int64Array
    moved: Float32Array
    factor: float

    @classmethod
    def of(cls, before: Float32Array, change: Float32Array, order: Int64Array, factor: float) -> "_Way":
        return cls(order, np.argsort(order), before + change, factor)

    def with_first(self, k: int, before: Float32Array) -> Float32Array:
        """The profiles with the first k genes changed and all others as they were."""
        profiles: Float32Array = np.where(self.place < k, self.moved, before)
        return profiles


def _enough(before: Float32Array, ways: Sequence[_Way], setting: Setting) -> list[float]:
    """For each way the smallest number of genes at which enough profiles are called the target; NaN if none.

    All ways are searched side by side, so that the classifiers are asked once a round about many profiles.
    """
    searches = [_search(before.shape[1], way.factor) for way in ways]
    found = [float("nan")] * len(ways)
    asked = {number: next(search) for number, search in enumerate(searches)}
    while asked:
        groups = np.stack([ways[number].with_first(k, before) for number, k in asked.items()])
        shares = setting.shares_agreed(groups, least=ENOUGH)
        for number, share in zip(list(asked), shares, strict=True):
            try:
                asked[number] = searches[number].send(bool(share >= ENOUGH))
            except StopIteration as finished:
                found[number] = finished.value
                del asked[number]
    return found


def _search(n_genes: int, factor: float) -> Generator[int, bool, float]:
    """Ask for one number of genes after another, whether it is enough, and return the smallest that is; NaN if none.

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
