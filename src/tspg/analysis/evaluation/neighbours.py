"""Whether moved and real profiles mix: nearest neighbours, seen from either side."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.measure import EQUAL_SIZE_DRAWS, Measure, few_targets_note, joined_notes
from tspg.analysis.evaluation.resampling import joint_p_value, permuted_sides
from tspg.utils.typing import Float64Array

PERMUTATIONS = 999
NEAREST_K = 5
_CHANCE = re.compile(r"by chance (\S+) \((\S+) to (\S+)\), both sides p = ([\d.e-]+)")
_SHORT_LIST = 64  # neighbours kept a sample; whoever has none of a draw among them is looked up in all distances


@dataclass(frozen=True)
class NearestNeighbourTest:
    """Leave-one-out 1-nearest-neighbour accuracy for either side, with its permutation null.

    `fake`: share of moved profiles whose nearest neighbour is moved too; `real`: the same for real
    ones. `null` has shape (permutations, 2).
    """

    fake: Measure
    real: Measure
    null: Float64Array


def nn_two_sample(pair: CloudPair, *, seed: int, n_permutations: int = PERMUTATIONS) -> NearestNeighbourTest:
    """Can the nearest neighbour tell moved from real (Lopez-Paz & Oquab 2017)? About .5 on both sides if not.

    The two sides are never averaged: lost gene-gene correlation gives 0 on one and 1 on the other.
    Equal numbers of both are compared; the larger side is drawn from 20 times and the accuracies
    averaged. Each permutation of whole donors is one such draw, so where the sides differ in size
    the null is wider than that of the average, of 8 samples against 30 by far: it errs towards "cannot
    be told apart".
    """
    n = min(pair.n_moved, pair.n_real)
    if n < 2:
        nothing = Measure(np.nan, n=n, note="too few")
        return NearestNeighbourTest(nothing, nothing, np.empty((0, 2)))
    rng = np.random.default_rng([seed, 70])
    nearest = _shortlist(pair.pooled, rng)
    draws = EQUAL_SIZE_DRAWS if pair.n_moved != pair.n_real else 1
    observed = np.mean([_accuracies(pair.pooled, nearest, pair.is_moved, rng) for _ in range(draws)], axis=0)
    sides = permuted_sides(pair.donors, pair.is_moved, n=n_permutations, rng=rng)
    null = np.array([_accuracies(pair.pooled, nearest, side, rng) for side in sides])
    every = np.vstack([observed, null])  # what was observed is one of them by chance: so p is exact
    unlike = np.abs(every - every.mean(axis=0))  # either way from chance counts
    p = joint_p_value(unlike[0], unlike[1:])
    fake, real = (_against_null(observed[side], null[:, side], p, n, pair.n_real) for side in (0, 1))
    return NearestNeighbourTest(fake, real, null)


def _against_null(value: float, null: Float64Array, p: float, n: int, n_real: int) -> Measure:
    low, high = np.quantile(null, [0.025, 0.975])
    chance = Chance(float(null.mean()), float(low), float(high), p)
    return Measure(float(value), n=n, note=joined_notes(chance.note, few_targets_note(n_real)))


@dataclass(frozen=True)
class Chance:
    """What an accuracy would be by chance: mean and 95% range of its permutation null, and p for both sides at once."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def note(self) -> str:
        """The same in words, for the evidence table; `read` takes them apart again."""
        return f"by chance {self.mean:.3f} ({self.low:.3f} to {self.high:.3f}), both sides p = {self.p:.2g}"

    @classmethod
    def read(cls, note: str) -> "Chance | None":
        """What a note tells of; None where it tells of none."""
        found = _CHANCE.search(note)
        return None if found is None else cls(*map(float, found.groups()))


def _shortlist(pooled: Float64Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """The nearest other samples of every sample, nearest first, ties in random order."""
    n = len(pooled)
    order = rng.permutation(n)
    k = min(_SHORT_LIST, n - 1)
    found = np.empty((n, k), dtype=np.int64)
    for row in range(n):
        distances = pooled[row, order]
        distances[order == row] = np.inf
        close = np.argpartition(distances, k - 1)[:k]
        found[row] = order[close[np.argsort(distances[close], kind="stable")]]
    return found


def _accuracies(
    pooled: Float64Array, nearest: NDArray[np.int64], is_fake: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[float, float]:
    """Share of fakes, and of real ones, whose nearest neighbour is on their own side, at equal numbers."""
    fake, real = np.flatnonzero(is_fake), np.flatnonzero(~is_fake)
    n = min(len(fake), len(real))
    fake = fake if len(fake) == n else rng.choice(fake, n, replace=False)
    real = real if len(real) == n else rng.choice(real, n, replace=False)
    drawn = np.concatenate([fake, real])
    neighbour = _nearest_drawn(pooled, nearest, drawn)
    same = is_fake[neighbour] == is_fake[drawn]
    return float(same[:n].mean()), float(same[n:].mean())


def _nearest_drawn(pooled: Float64Array, nearest: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nearest neighbour of each drawn sample among the drawn ones."""
    is_drawn = np.zeros(len(pooled), dtype=bool)
    is_drawn[drawn] = True
    candidates = nearest[drawn]
    usable = is_drawn[candidates]
    found: NDArray[np.int64] = candidates[np.arange(len(drawn)), usable.argmax(axis=1)]
    lost = np.flatnonzero(~usable.any(axis=1))
    if len(lost):
        distances = pooled[np.ix_(drawn[lost], drawn)]
        distances[np.arange(len(lost)), lost] = np.inf
        found[lost] = drawn[distances.argmin(axis=1)]
    return found


def precision_recall_density_coverage(pair: CloudPair, *, k: int = NEAREST_K) -> dict[str, Measure]:
    """How far moved profiles lie where real ones do, and everywhere they do (Kynkaanniemi 2019; Naeem 2020).

    Around each real profile lies a ball that reaches to its k-th nearest real neighbour.
    `precision`: share of moved profiles inside any ball; `density`: in how many balls a moved profile
    lies, over k (can exceed 1); `coverage`: share of balls that hold a moved profile; `recall`: share
    of real profiles inside any ball around moved ones. With few samples k becomes smaller, as the
    note says. The sides are not brought to equal numbers: recall and coverage profit from many
    moved profiles, so compare methods, not data sets.
    """
    used = min(k, pair.n_moved - 1, pair.n_real - 1)
    if used < 1:
        return dict.fromkeys(("precision", "recall", "density", "coverage"), Measure(np.nan, note="too few"))
    in_real_ball = pair.between <= _kth_distance(pair.within_real, used)
    in_moved_ball = pair.between <= _kth_distance(pair.within_moved, used)[:, None]
    values = {
        "precision": (in_real_ball.any(axis=1).mean(), pair.n_moved),
        "recall": (in_moved_ball.any(axis=0).mean(), pair.n_real),
        "density": (in_real_ball.sum(axis=1).mean() / used, pair.n_moved),
        "coverage": (in_real_ball.any(axis=0).mean(), pair.n_real),
    }
    note = joined_notes(f"k = {used}", few_targets_note(pair.n_real))
    return {name: Measure(float(value), n=n, note=note) for name, (value, n) in values.items()}


def _kth_distance(within: Float64Array, k: int) -> Float64Array:
    """Distance from each sample to its k-th nearest other one; its own 0 is the smallest of its row."""
    radius: Float64Array = np.partition(within, k, axis=1)[:, k]
    return radius
