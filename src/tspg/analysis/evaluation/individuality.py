"""What is kept of each person, and how far the profile was moved."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.measure import Measure, joined_notes
from tspg.analysis.evaluation.resampling import (
    MOST_PERMUTED,
    Groups,
    bootstrap_interval,
    bound_note,
    donor_codes,
    monte_carlo_p,
    permuted_rows,
    rows_within_bound,
)
from tspg.utils.typing import Float64Array, FloatArray

MOST_PERMUTATIONS, FEWEST_PERMUTATIONS = 499, 99
_CELLS_TO_VISIT = 2e8  # by all permutations together, about a second
_NO_RESIDUAL = 1e-6  # of a gene, on the scaled axis; below it there is only rounding


def individuality(
    profiles: FloatArray,
    source_means: FloatArray,
    moved: FloatArray,
    target_mean: NDArray[np.float64],
    *,
    groups: Groups = None,
    seed: int = 0,
) -> Measure:
    """What is kept of the person: a gene that is high for its class stays high for the target class.

    Pearson correlation across genes of x - mu_class with moved - mu_t, mean over samples.
    `source_means` holds the training mean of each sample's own class, one row per sample. A moved
    profile without any residual keeps nothing and counts 0. The mean shift has nearly 1 by
    construction: something to read the number against, no merit.
    """
    if len(moved) == 0:
        return Measure.too_few()
    rows = zip(profiles, source_means.astype(np.float64, copy=False), moved, strict=True)
    kept, note = residual_correlations((before - mean, after - target_mean) for before, mean, after in rows)
    return mean_with_interval(kept, groups, seed, note)


def residual_correlations(pairs: Iterable[tuple[Float64Array, Float64Array]]) -> tuple[Float64Array, str]:
    """Pearson correlation across genes of two residuals of each sample, 0 where one is none; and how many these are."""
    kept = []
    for pair in pairs:
        first, second = (residual - residual.mean() for residual in pair)
        lengths = np.linalg.norm(first), np.linalg.norm(second)
        is_none = min(lengths) <= _NO_RESIDUAL * np.sqrt(len(first))
        kept.append(np.nan if is_none else float(first @ second / (lengths[0] * lengths[1])))
    n_none = int(np.isnan(kept).sum())
    return np.nan_to_num(kept), f"{n_none} profiles without any residual count 0" if n_none else ""


def mean_with_interval(per_sample: Float64Array, groups: Groups, seed: int, note: str = "") -> Measure:
    """The mean of one number per sample, with its interval over donors."""

    def replicates(weights: Float64Array) -> Float64Array:
        means: Float64Array = weights @ per_sample / weights.sum(axis=1)
        return means

    value = float(per_sample.mean())
    (donors,) = donor_codes((len(per_sample), groups))
    low, high = bootstrap_interval(value, donors, replicates, seed=seed)
    return Measure(value, low, high, len(per_sample), note=note)


def distance_correlation(
    before: Float64Array, after: Float64Array, *, n_genes: int, groups: Groups = None, seed: int
) -> Measure:
    """Do people who differ before still differ after? Bias-corrected distance correlation of two sets of profiles.

    Szekely & Rizzo 2013 (the squared form R*): 0 on average, and sometimes below 0, if the two
    are independent, however many genes there are; 1 if distances agree. The usual form tends to 1
    with many genes and few samples. `before` holds the distances among x - mu_class, `after` those
    among the moved profiles, both (samples, samples). The p-value in the note permutes whole donors among
    those with as many samples; of more than 500 samples it takes 500, the correlation itself takes all.
    """
    n = len(before)
    if n < 4:
        return Measure.too_few(n)
    first, second = _u_centred(before), _u_centred(after)
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if min(lengths) <= _NO_RESIDUAL * n * np.sqrt(n_genes):
        return Measure.undefined(n, "undefined: the profiles do not differ")
    value = float(np.vdot(first, second)) / float(lengths[0] * lengths[1])
    rows = rows_within_bound(n, seed=seed, bound=MOST_PERMUTED)
    if len(rows) < n:  # their common part is taken off among those who are permuted
        first, second = (_u_centred(distances[np.ix_(rows, rows)]) for distances in (before, after))
    (donors,) = donor_codes((n, groups))
    n_permutations = int(np.clip(_CELLS_TO_VISIT / len(rows) ** 2, FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
    orders = permuted_rows(donors[rows], n=n_permutations, rng=np.random.default_rng([seed, 90]))
    null = np.array([np.vdot(first.take(order, axis=0).take(order, axis=1), second) for order in orders])
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    p = monte_carlo_p(float(np.vdot(first, second)) / scale, null / scale)
    of_how_many = joined_notes(f"{n_permutations} permutations", bound_note(len(rows), n, "samples"))
    return Measure(value, n=n, note=f"permutation p = {p:.2g} ({of_how_many})")


def _u_centred(distances: Float64Array) -> Float64Array:
    """Distances without the part that each sample has with all others (U-centring); the diagonal is 0."""
    n = len(distances)
    rows = distances.sum(axis=1) / (n - 2)
    centred: Float64Array = distances - rows - rows[:, None] + distances.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def mean_abs_change(before: FloatArray, after: FloatArray, *, groups: Groups = None, seed: int = 0) -> Measure:
    """How far a gene was moved on the scaled axis: mean absolute change over genes and samples."""
    if len(before) == 0:
        return Measure.too_few()
    per_sample = np.array([np.abs(b - a).mean(dtype=np.float64) for b, a in zip(before, after, strict=True)])
    return mean_with_interval(per_sample, groups, seed)


def clipped_fraction(moved: FloatArray, *, groups: Groups = None, seed: int = 0) -> Measure:
    """Share of cells at the ends of the scaled axis, 0 or 1; read it against the untouched and the real profiles."""
    if len(moved) == 0:
        return Measure.too_few()
    return mean_with_interval(((moved <= 0) | (moved >= 1)).mean(axis=1), groups, seed)
