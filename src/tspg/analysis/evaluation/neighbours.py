"""Whether moved and real profiles mix: nearest neighbours, seen from either side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.measure import (
    EQUAL_SIZE_DRAWS,
    Measure,
    as_noted,
    chance_note,
    few_targets,
    joined_notes,
)
from tspg.analysis.evaluation.resampling import joint_p_value, permuted_sides
from tspg.utils.typing import Float64Array

PERMUTATIONS = 999
NEAREST_K = 5
_SHORT_LIST = 64  # neighbours kept per sample; where a draw has none of them, all distances are searched


@dataclass(frozen=True)
class NearestNeighbourTest:
    """Leave-one-out 1-nearest-neighbour accuracy for either side, with its permutation null.

    `fake`: share of moved profiles whose nearest neighbour is moved too; `real`: the same for real ones; both with
    what they would be by chance. `p_value` is that of both sides together; `null` has shape (permutations, 2).
    """

    fake: Measure
    real: Measure
    p_value: float
    null: Float64Array


def nn_two_sample(pair: CloudPair, *, seed: int, n_permutations: int = PERMUTATIONS) -> NearestNeighbourTest:
    """Can the nearest neighbour tell moved from real (Lopez-Paz & Oquab 2017)? About .5 on both sides if not.

    The two sides are never averaged: lost gene-gene correlation gives 0 on one and 1 on the other.
    Equal numbers of both are compared; the larger side is drawn from 20 times and the accuracies
    averaged. Each permutation of whole donors is one such draw, so where the sides differ in size
    the null is wider than that of the average, with 8 samples against 30 by far: it errs towards "cannot
    be told apart".
    """
    n = min(pair.n_moved, pair.n_real)
    if n < 2:
        return NearestNeighbourTest(Measure.too_few(n), Measure.too_few(n), np.nan, np.empty((0, 2)))
    rng = np.random.default_rng([seed, 70])
    nearest = _shortlist(pair.pooled, rng)
    draws = EQUAL_SIZE_DRAWS if pair.n_moved != pair.n_real else 1
    observed = np.mean([_accuracies(pair.pooled, nearest, pair.is_moved, rng) for _ in range(draws)], axis=0)
    sides = permuted_sides(pair.donors, pair.is_moved, n=n_permutations, rng=rng)
    null = np.array([_accuracies(pair.pooled, nearest, side, rng) for side in sides])
    every = np.vstack([observed, null])  # what was observed is one of them by chance: so p is exact
    unlike = np.abs(every - every.mean(axis=0))  # either way from chance counts
    p_value = as_noted(joint_p_value(unlike[0], unlike[1:]), ".2g")
    status, few = few_targets(pair.n_real)

    def against_null(value: float, null: Float64Array) -> Measure:
        low, high = np.quantile(null, [0.025, 0.975])
        chance = Measure(as_noted(null.mean()), as_noted(low), as_noted(high), n)
        note = joined_notes(chance_note(chance, p_value), few)
        return Measure(float(value), n=n, status=status, note=note, chance=chance)

    fake, real = (against_null(observed[side], null[:, side]) for side in (0, 1))
    return NearestNeighbourTest(fake, real, p_value, null)


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
    is_drawn = np.zeros(len(pooled), dtype=bool)
    is_drawn[drawn] = True
    usable = is_drawn[nearest[drawn]]
    neighbour = nearest[drawn, usable.argmax(axis=1)]
    lost = np.flatnonzero(~usable.any(axis=1))
    if len(lost):
        distances = pooled[np.ix_(drawn[lost], drawn)]
        distances[np.arange(len(lost)), lost] = np.inf
        neighbour[lost] = drawn[distances.argmin(axis=1)]
    same = is_fake[neighbour] == is_fake[drawn]
    return float(same[:n].mean()), float(same[n:].mean())


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
        return dict.fromkeys(("precision", "recall", "density", "coverage"), Measure.too_few())
    in_real_ball = pair.between <= _kth_distance(pair.within_real, used)
    in_moved_ball = pair.between <= _kth_distance(pair.within_moved, used)[:, None]
    values = {
        "precision": (in_real_ball.any(axis=1).mean(), pair.n_moved),
        "recall": (in_moved_ball.any(axis=0).mean(), pair.n_real),
        "density": (in_real_ball.sum(axis=1).mean() / used, pair.n_moved),
        "coverage": (in_real_ball.any(axis=0).mean(), pair.n_real),
    }
    status, few = few_targets(pair.n_real)
    note = joined_notes(f"k = {used}", few)
    return {name: Measure(float(value), n=n, status=status, note=note) for name, (value, n) in values.items()}


def _kth_distance(within: Float64Array, k: int) -> Float64Array:
    """Distance from each sample to its k-th nearest other one; its own 0 is the smallest of its row."""
    radius: Float64Array = np.partition(within, k, axis=1)[:, k]
    return radius
