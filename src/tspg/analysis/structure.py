"""Whether moved profiles vary as real ones do, gene by gene and together."""

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.distances import Matrix
from tspg.analysis.donors import Groups, Numbers, bootstrap_interval, donor_codes
from tspg.analysis.measure import Measure, joined_notes

MOST_GENES = 300
_VARIES = 1e-6  # standard deviation on the scaled axis; below it there is only rounding


def variance_ratio(
    moved: Matrix, training_target: Matrix, *, groups: Groups = None, seed: int = 0, n_boot: int = 300
) -> Measure:
    """Total variance over genes, moved against the target's training samples (ddof 1).

    1 is right, 0 is collapse to one profile. The interval is over the donors of the moved profiles.
    """
    if len(moved) < 2 or len(training_target) < 2:
        return Measure(np.nan, n=len(moved), note="too few")
    reference = float(training_target.var(axis=0, ddof=1, dtype=np.float64).sum())
    if reference == 0:
        return Measure(np.nan, n=len(moved), note="undefined")
    centred = moved - moved.mean(axis=0, dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centred, centred)
    value = float(lengths.sum() / (len(moved) - 1)) / reference

    def replicates(weights: Numbers) -> Numbers:
        total = weights.sum(axis=1)
        sums = weights @ centred
        spread = total * (weights @ lengths) - np.einsum("bj,bj->b", sums, sums)
        pairs = total**2 - (weights**2).sum(axis=1)  # copies of one sample are no pair
        ratios: Numbers = np.divide(spread, pairs * reference, out=np.full(len(total), np.nan), where=pairs > 0)
        return ratios

    (donors,) = donor_codes((len(moved), groups))
    low, high = bootstrap_interval(value, donors, replicates, seed=seed, n_boot=n_boot)
    return Measure(value, float(np.maximum(low, 0)), high, len(moved))


def gene_correlation(
    moved: Matrix,
    training_target: Matrix,
    *,
    seed: int,
    groups: Groups = None,
    most_genes: int = MOST_GENES,
    n_boot: int = 100,
) -> Measure:
    """Do genes go up and down together as in the target? 1 if the two gene-gene correlation matrices agree.

    Pearson correlation between the upper triangles, over at most 300 genes. They are drawn with the
    seed among the genes that vary in the target's training samples, so that all methods are asked
    about the same ones; genes that do not vary in the moved profiles are then left out and counted.
    """
    if len(moved) < 3 or len(training_target) < 3:
        return Measure(np.nan, n=len(moved), note="too few")
    varying = np.flatnonzero(training_target.std(axis=0, dtype=np.float64) > _VARIES)
    if len(varying) > most_genes:
        varying = np.sort(np.random.default_rng([seed, 80]).choice(varying, most_genes, replace=False))
    chosen = varying[moved[:, varying].std(axis=0, dtype=np.float64) > _VARIES]
    lost = len(varying) - len(chosen)
    note = f"{lost} of {len(varying)} genes do not vary" if lost else ""
    if len(chosen) < 3:
        return Measure(np.nan, n=len(moved), note=joined_notes("undefined", note))
    above = np.triu_indices(len(chosen), 1)
    reference = _unit(_correlations(training_target[:, chosen].astype(np.float64))[above])
    values = moved[:, chosen].astype(np.float64)
    if not reference.any():
        return Measure(np.nan, n=len(moved), note="undefined")

    def replicates(weights: Numbers) -> Numbers:
        return np.array([_unit(_correlations(values, row)[above]) @ reference for row in weights])

    value = float(_unit(_correlations(values)[above]) @ reference)
    (donors,) = donor_codes((len(moved), groups))
    low, high = bootstrap_interval(value, donors, replicates, seed=seed, n_boot=n_boot)
    return Measure(value, float(np.clip(low, -1, 1)), float(np.clip(high, -1, 1)), len(moved), note)


def _correlations(profiles: NDArray[np.float64], weights: Numbers | None = None) -> Numbers:
    """Gene-gene correlation matrix, each sample counted as often as its weight says; 0 for a gene without variance."""
    counts = np.ones(len(profiles)) if weights is None else weights
    centred = profiles - counts @ profiles / counts.sum()
    covariance = (centred * counts[:, None]).T @ centred
    scale = np.sqrt(np.diag(covariance))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > _VARIES)
    correlations: Numbers = covariance * inverse * inverse[:, None]
    return correlations


def _unit(values: Numbers) -> Numbers:
    """Centred and of length 1, so that a dot product is a Pearson correlation; zeros where nothing varies."""
    centred = values - values.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-12 else np.zeros_like(centred)
