"""Whether moved profiles vary as real ones do, gene by gene and together."""

from dataclasses import replace

import numpy as np

from tspg.analysis.evaluation.measure import EQUAL_SIZE_DRAWS, Measure, joined_notes
from tspg.analysis.evaluation.resampling import Groups, bootstrap_interval, donor_codes
from tspg.utils.typing import Float64Array, FloatArray

MOST_GENES = 300
_SAME = 1e-12  # of correlations, squared, what is left without their mean; below it there is only rounding
_VARIES = 1e-6  # standard deviation on the scaled axis; below it there is only rounding


def variance_ratio(
    moved: FloatArray, training_target: FloatArray, *, groups: Groups = None, seed: int = 0, n_boot: int = 300
) -> Measure:
    """Total variance over genes, moved against the target's training samples (ddof 1).

    1 is right, 0 is collapse to one profile. The interval is over the donors of the moved profiles, and is
    that of the logarithm: a variance is more often far too large than far too small.
    """
    if len(moved) < 2 or len(training_target) < 2:
        return Measure.too_few(len(moved))
    reference = float(training_target.var(axis=0, ddof=1, dtype=np.float64).sum())
    if reference == 0:
        return Measure.undefined(len(moved))
    centred = moved - moved.mean(axis=0, dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centred, centred)
    value = float(lengths.sum() / (len(moved) - 1)) / reference
    if value * reference <= _VARIES**2 * moved.shape[1]:
        return Measure(0.0, 0.0, 0.0, len(moved))

    def logarithms(weights: Float64Array) -> Float64Array:
        total = weights.sum(axis=1)
        sums = weights @ centred
        spread = total * (weights @ lengths) - np.einsum("bj,bj->b", sums, sums)
        pairs = total**2 - (weights**2).sum(axis=1)  # copies of one sample are no pair
        usable = (pairs > 0) & (spread > 0)
        ratios: Float64Array = np.divide(spread, pairs * reference, out=np.full(len(total), np.nan), where=usable)
        return np.log(ratios)

    (donors,) = donor_codes((len(moved), groups))
    low, high = np.exp(bootstrap_interval(np.log(value), donors, logarithms, seed=seed, n_boot=n_boot))
    return Measure(value, float(low), float(high), len(moved))


def gene_correlation(
    moved: FloatArray,
    training_target: FloatArray,
    *,
    seed: int,
    groups: Groups = None,
    most_genes: int = MOST_GENES,
    n_boot: int = 100,
) -> Measure:
    """Do genes go up and down together as in the target? 1 if the two gene-gene correlation matrices agree.

    Pearson correlation between the upper triangles, over at most 300 genes. They are drawn with the
    seed among the genes that vary in the target's training samples, so that all methods use the same
    ones; genes that do not vary in the moved profiles are then left out and counted.
    """
    chosen = _choose_genes(moved, training_target, seed=seed, most_genes=most_genes)
    if isinstance(chosen, Measure):
        return chosen
    profiles, reference, note = chosen

    def replicates(weights: Float64Array) -> Float64Array:
        return np.array([_agreement(_correlations(profiles, row), reference) for row in weights])

    value = _agreement(_correlations(profiles), reference)
    (donors,) = donor_codes((len(moved), groups))
    low, high = bootstrap_interval(value, donors, replicates, seed=seed, n_boot=n_boot)
    return Measure(value, float(np.clip(low, -1, 1)), float(np.clip(high, -1, 1)), len(moved), note=note)


def gene_correlation_at(
    n: int, moved: FloatArray, training_target: FloatArray, *, seed: int, most_genes: int = MOST_GENES
) -> Measure:
    """The gene correlation of `n` of the moved samples, to be compared with that of `n` real ones.

    Correlations of few samples are blurred, whatever the samples are. The mean over 20 random choices.
    """
    chosen = _choose_genes(moved, training_target, seed=seed, most_genes=most_genes)
    if n < 3:
        return Measure.too_few(n)
    if isinstance(chosen, Measure):
        return replace(chosen, n=n)
    profiles, reference, note = chosen
    rng = np.random.default_rng([seed, 81])
    draws = EQUAL_SIZE_DRAWS if n < len(moved) else 1
    rows = (rng.choice(len(moved), n, replace=False) for _ in range(draws))
    found = [_agreement(_correlations(profiles[chosen]), reference) for chosen in rows]
    return Measure(float(np.mean(found)), n=n, note=note)


def _choose_genes(
    moved: FloatArray, training_target: FloatArray, *, seed: int, most_genes: int
) -> tuple[Float64Array, Float64Array, str] | Measure:
    """Profiles of the chosen genes, these genes' correlations in the target, and a note; or why there are none."""
    if len(moved) < 3 or len(training_target) < 3:
        return Measure.too_few(len(moved))
    varying = np.flatnonzero(training_target.std(axis=0, dtype=np.float64) > _VARIES)
    if len(varying) > most_genes:
        varying = np.sort(np.random.default_rng([seed, 80]).choice(varying, most_genes, replace=False))
    chosen = varying[moved[:, varying].std(axis=0, dtype=np.float64) > _VARIES]
    lost = len(varying) - len(chosen)
    note = f"{lost} of {len(varying)} genes do not vary" if lost else ""
    if len(chosen) < 3:
        return Measure.undefined(len(moved), joined_notes("undefined", note))
    reference = _unit(_correlations(training_target[:, chosen].astype(np.float64)))
    if not reference.any():
        return Measure.undefined(len(moved))
    return moved[:, chosen].astype(np.float64), reference, note


def _correlations(profiles: Float64Array, weights: Float64Array | None = None) -> Float64Array:
    """The correlation of every two genes, each sample counted as often as its weight says; 0 on the diagonal.

    A gene without variance has correlation 0.
    """
    if weights is not None:
        drawn = weights > 0  # a bootstrap leaves out a third
        profiles, weights = profiles[drawn], weights[drawn]
        centred = profiles - weights @ profiles / weights.sum()
        centred *= np.sqrt(weights)[:, None]  # once on either side: a symmetric product takes half the time
    else:
        centred = profiles - profiles.mean(axis=0)
    scale = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    centred *= np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > _VARIES)
    found: Float64Array = centred.T @ centred
    np.fill_diagonal(found, 0.0)
    return found


def _unit(correlations: Float64Array) -> Float64Array:
    """Correlations less their mean, and of length 1 over all pairs of genes; zeros where all are the same."""
    pairs = ~np.eye(len(correlations), dtype=bool)
    centred = np.where(pairs, correlations - correlations[pairs].mean(), 0.0)
    length = float(np.linalg.norm(centred))
    return centred / length if length**2 > _SAME else np.zeros_like(centred)


def _agreement(correlations: Float64Array, reference: Float64Array) -> float:
    """Pearson's correlation, over pairs of genes, with a reference that `_unit` has made; 0 where all are the same."""
    n_pairs = len(correlations) * (len(correlations) - 1)  # either way round
    squares = float(np.vdot(correlations, correlations))
    spread = squares - float(correlations.sum()) ** 2 / n_pairs
    return float(np.vdot(correlations, reference) / np.sqrt(spread)) if spread > _SAME * squares else 0.0
