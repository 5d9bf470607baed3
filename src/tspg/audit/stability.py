"""Agreement of gene lists from fit to fit.

Stability: `analysis/agreement.py`. Rank-biased overlap: Webber, Moffat & Zobel, ACM Trans. Inf. Syst. 28(4), 2010.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from tspg.analysis.interpretation.agreement import DIRECTIONS, nogueira_stability, ranked
from tspg.utils.typing import Float64Array, Int64Array

List = tuple[str, str]  # source class and direction
PERSISTENCE = 0.9  # p of the rank-biased overlap: the first ten genes carry 86% of the weight


def rank_biased_overlap(first: Sequence[object], second: Sequence[object], p: float = PERSISTENCE) -> float:
    """How alike two ranked lists are, the top counting most: 1 the same, 0 nothing in common.

    The extrapolated overlap RBO_ext of lists that may differ in length (Webber et al. 2010, Eq. 32).
    """
    short, long = sorted((list(first), list(second)), key=len)
    s, l = len(short), len(long)  # noqa: E741 - the letters of the paper
    if s == 0:
        return 1.0 if l == 0 else 0.0
    common = [len(set(short[:depth]) & set(long[:depth])) for depth in range(1, l + 1)]
    agreed = sum(common[d - 1] / d * p**d for d in range(1, l + 1))
    beyond = sum(common[s - 1] * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    tail = (common[l - 1] - common[s - 1]) / l + common[s - 1] / s
    return (1 - p) / p * (agreed + beyond) + tail * p**l


@dataclass(frozen=True)
class Repeats:
    """Mean changes of the genes in several fits: for each source class an array (fits, genes)."""

    changes: Mapping[str, Float64Array]
    may_rank: NDArray[np.bool_]
    k: int

    @classmethod
    def of(cls, fits: Sequence[Mapping[str, Float64Array]], may_rank: NDArray[np.bool_], k: int) -> "Repeats":
        """Join what every fit found."""
        return cls({name: np.stack([fit[name] for fit in fits]) for name in fits[0]}, may_rank, k)

    @property
    def lists(self) -> list[List]:
        """Every source class in both directions."""
        return [(name, direction) for name in self.changes for direction in DIRECTIONS]

    @property
    def n(self) -> int:
        """How many fits there are."""
        return len(next(iter(self.changes.values()), ()))

    def first(self, n: int) -> "Repeats":
        """The first fits only."""
        return replace(self, changes={name: changes[:n] for name, changes in self.changes.items()})

    @cached_property
    def _rankings(self) -> dict[List, list[Int64Array]]:
        return {
            (name, direction): [ranked(change, self.may_rank, self.k, direction) for change in self.changes[name]]
            for name, direction in self.lists
        }

    def rankings(self, of: List) -> list[Int64Array]:
        """One list's top genes in every fit."""
        return self._rankings[of]

    @cached_property
    def _selected(self) -> dict[List, NDArray[np.bool_]]:
        found = {}
        for of in self.lists:
            found[of] = np.zeros((self.n, len(self.may_rank)), dtype=bool)
            for row, ranking in zip(found[of], self.rankings(of), strict=True):
                row[ranking] = True
        return found

    def selected(self, of: List) -> NDArray[np.bool_]:
        """Which genes each fit selects, shape (fits, genes)."""
        return self._selected[of]

    def stability(self) -> tuple[float, float, float]:
        """Phi over all lists together: a gene counts once for every list that it could be in."""
        if not self.changes or not self.may_rank.any():
            return math.nan, math.nan, math.nan
        return nogueira_stability(np.hstack([self.selected(of)[:, self.may_rank] for of in self.lists]))

    def by_chance(self, often: float) -> float:
        """How many genes random lists of these lengths would select so often, all lists together."""
        selected = [self.selected(of)[:, self.may_rank] for of in self.lists]
        return float(
            sum(one.shape[1] * binom.sf(np.ceil(often * len(one)) - 1, len(one), one.mean()) for one in selected)
        )

    def overlap(self) -> float:
        """Mean rank-biased overlap over all pairs of fits and all lists."""
        return self._mean_of_pairs(rank_biased_overlap)

    def agreement(self) -> float:
        """Mean share of the top genes that two fits have in common."""
        return self._mean_of_pairs(lambda a, b: len(set(a) & set(b)) / max(len(a), len(b), 1))

    def _mean_of_pairs(self, agreement: Callable[[Sequence[object], Sequence[object]], float]) -> float:
        pairs = [pair for of in self.lists for pair in itertools.combinations(self.rankings(of), 2)]
        return float(np.mean([agreement(a.tolist(), b.tolist()) for a, b in pairs])) if pairs else math.nan

    def averaged(self, of: List) -> Int64Array:
        """One list's top genes by the change averaged over the fits."""
        return ranked(self.changes[of[0]].mean(axis=0), self.may_rank, self.k, of[1])

    def same_sign(self, source_class: str) -> Float64Array:
        """For every gene the share of fits in which it moves the way it does on average."""
        changes = self.changes[source_class]
        agreement: Float64Array = (np.sign(changes) == np.sign(changes.mean(axis=0))).mean(axis=0)
        return agreement
