"""What is kept of the person, and how far the profile was moved."""

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.distances import Matrix, pairwise
from tspg.analysis.donors import Groups, Numbers, bootstrap_interval, donor_codes, monte_carlo_p, permuted_rows
from tspg.analysis.measure import Measure

MOST_PERMUTATIONS, FEWEST_PERMUTATIONS = 499, 99
_CELLS_TO_VISIT = 2e8  # by all permutations together, about a second
_NO_RESIDUAL = 1e-6  # of a gene, on the scaled axis; below it there is only rounding


def individuality(
    profiles: Matrix,
    source_means: Matrix,
    moved: Matrix,
    target_mean: NDArray[np.float64],
    *,
    groups: Groups = None,
    seed: int = 0,
) -> Measure:
    """What is kept of the person: a gene that is high for its class stays high for the target class.

    Pearson correlation across genes of x - mu_class with moved - mu_t, mean over samples.
    `source_means` holds the training mean of each sample's own class, one row a sample. A moved
    profile without any residual keeps nothing and counts 0. The mean shift has nearly 1 by
    construction: something to read the number against, no merit.
    """
    if len(moved) == 0:
        return Measure(np.nan, note="too few")
    kept = np.empty(len(moved))
    empty = 0
    for row in range(len(moved)):
        before = _centred(profiles[row] - source_means[row].astype(np.float64))
        after = _centred(moved[row] - target_mean)
        lengths = np.linalg.norm(before), np.linalg.norm(after)
        has_residual = min(lengths) > _NO_RESIDUAL * np.sqrt(len(before))
        kept[row] = before @ after / (lengths[0] * lengths[1]) if has_residual else 0.0
        empty += not has_residual
    note = f"{empty} profiles without any residual count 0" if empty else ""
    return _mean_with_interval(kept, groups, seed, note)


def _centred(residual: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = residual - residual.mean()
    return centred


def _mean_with_interval(per_sample: Numbers, groups: Groups, seed: int, note: str = "") -> Measure:
    """The mean of one number a sample, with its interval over donors."""

    def replicates(weights: Numbers) -> Numbers:
        means: Numbers = weights @ per_sample / weights.sum(axis=1)
        return means

    value = float(per_sample.mean())
    (donors,) = donor_codes((len(per_sample), groups))
    low, high = bootstrap_interval(value, donors, replicates, seed=seed)
    return Measure(value, low, high, len(per_sample), note)


def distance_correlation(before: Matrix, after: Matrix, *, groups: Groups = None, seed: int) -> Measure:
    """Do people who differ before still differ after? Bias-corrected distance correlation of two sets of rows.

    Szekely & Rizzo 2013 (the squared form R*): 0 on average, and sometimes below 0, if the two
    are independent, however many genes there are; 1 if distances agree. The usual form tends to 1
    with many genes and few samples. `before` holds x - mu_class, `after` moved - mu_t, one row a
    sample. The p-value in the note permutes whole donors among those with as many samples.
    """
    n = len(before)
    if n < 4:
        return Measure(np.nan, n=n, note="too few")
    first, second = _u_centred(pairwise(before)), _u_centred(pairwise(after))
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    scale = float(lengths[0] * lengths[1])
    if min(lengths) <= _NO_RESIDUAL * n * np.sqrt(before.shape[1]):
        return Measure(np.nan, n=n, note="undefined: the profiles do not differ")
    (donors,) = donor_codes((n, groups))
    n_permutations = int(np.clip(_CELLS_TO_VISIT / n**2, FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
    orders = permuted_rows(donors, n=n_permutations, rng=np.random.default_rng([seed, 90]))
    null = np.array([np.vdot(first[np.ix_(order, order)], second) for order in orders]) / scale
    value = float(np.vdot(first, second)) / scale
    p = monte_carlo_p(value, null)
    return Measure(value, n=n, note=f"permutation p = {p:.2g} ({n_permutations} permutations)")


def _u_centred(distances: Numbers) -> Numbers:
    """Distances without the part that each sample has with all others (U-centring); the diagonal is 0."""
    n = len(distances)
    rows = distances.sum(axis=1) / (n - 2)
    centred: Numbers = distances - rows - rows[:, None] + distances.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def mean_abs_change(before: Matrix, after: Matrix, *, groups: Groups = None, seed: int = 0) -> Measure:
    """How far a gene was moved on the scaled axis: mean absolute change over genes and samples."""
    if len(before) == 0:
        return Measure(np.nan, note="too few")
    per_sample = np.array([np.abs(b - a).mean(dtype=np.float64) for b, a in zip(before, after, strict=True)])
    return _mean_with_interval(per_sample, groups, seed)


def clipped_fraction(moved: Matrix, *, groups: Groups = None, seed: int = 0) -> Measure:
    """Share of cells at the ends of the scaled axis, 0 or 1; read it against the untouched and the real profiles."""
    if len(moved) == 0:
        return Measure(np.nan, note="too few")
    return _mean_with_interval(((moved <= 0) | (moved >= 1)).mean(axis=1), groups, seed)
