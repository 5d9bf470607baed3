"""The scale of values, decided by what their samples look like."""

import numpy as np
from anndata import AnnData

from tspg.data.identifiers import FEWEST_GENES
from tspg.data.matrix import X
from tspg.data.quantiles import is_as_read, panel_of, quantile_functions
from tspg.data.sample_statistics import LARGEST_LOG, SampleStatistics, Shape
from tspg.data.scale import (
    CENTRED,
    CENTRED_KINDS,
    EQUAL_SUMS,
    ESTIMATED_COUNTS,
    LARGEST_LOG2,
    LINEAR,
    LINEAR_KINDS,
    LOG_KINDS,
    LOG_SCALE,
    MIXED,
    OTHER_LOG,
    RANKS,
    RAW_COUNTS,
    UNCLEAR,
    UNEQUAL_SUMS,
    Z_SCORES,
    Scale,
)
from tspg.utils.typing import BoolArray, Float32Array, Float64Array

_A_MILLION = 1e6
_INTENSITIES = 64.0  # log2 of mass spectrometry's intensities is below
_MANY = 0.9  # share of the samples that decides, whatever the others look like
_EQUAL = 1e-3  # spread of sums, by their mean, that only scaling to one sum gives
_ABOUT_A_MILLION = 0.05
_ABOUT = 0.02  # by which sums of logarithms that were rounded differ
_ROUNDED, _ROUNDED_LOGS = 0.01, 0.3  # the same for whole numbers; sums of counts this small always differ more
_FEW_COUNTS = 11.0  # largest values of samples above which small counts and rounded logarithms differ
_SCATTERED = 2.0  # `Shape.scatter` that no logarithms reach
_NARROW = 0.6  # and below which hardly any linear values are
_MOST_SAMPLES, _MOST_GENES = 500, 1000  # that are examined gene by gene
_DEPTH = 0.25  # spread of the logarithms of size factors that is left once samples are normalised between one another

Verdict = tuple[str, str, float]  # the kind, the code of what decided it, and the number that it rests on


def scale_of(values: Float32Array) -> Scale:
    """The scale of a matrix in memory, shape (samples, genes)."""
    if not values.size:
        return Scale(UNCLEAR, "few genes")
    chosen = panel_of([str(at) for at in range(values.shape[1])])
    panel = values if len(chosen) == values.shape[1] else values[:, chosen]
    return decide(SampleStatistics.of(values), panel, Shape.of(quantile_functions(panel), panel.shape[1]))


def scale_in(adata: AnnData, values: Float32Array, layer: str | None = None) -> tuple[Scale, bool]:
    """The scale that was decided when the file was read, and True; else that of these values, and False."""
    stored = adata.uns.get("tspg_input", {}).get("scale")
    if stored is not None and layer in (None, X) and is_as_read(adata):
        return Scale.of_dict(stored), True
    return scale_of(values), False


def decide(stats: SampleStatistics, panel: Float32Array, shape: Shape, fixed: str = "") -> Scale:
    """The scale of a file, from statistics of every sample over all of its genes.

    `panel` are the values of some genes, shape (samples, genes), `shape` the distribution of each sample's. `fixed` is
    the kind that the file's layout says; used unless the values contradict it.
    """
    totals, n_cells = stats.totals, max(1, stats.n_genes * len(stats.totals))
    kind, why, figure = _kind(stats, panel, shape)
    families = (LINEAR_KINDS, LOG_KINDS, (*CENTRED_KINDS, LOG_SCALE))
    if fixed and (kind == UNCLEAR or any(fixed in family and kind in family for family in families)):
        kind, why = fixed, "layout"
        if fixed == RAW_COUNTS and not _all_whole(stats):
            kind = ESTIMATED_COUNTS
    return Scale(
        kind,
        why,
        figure,
        n_genes=stats.n_genes,
        smallest=float(stats.smallest.min(initial=np.inf)),
        largest=float(stats.largest.max(initial=-np.inf)),
        whole=float(stats.n_whole.sum() / n_cells),
        library=float(np.median(totals)) if len(totals) else 0.0,
        library_ratio=float(totals.max() / totals.min()) if len(totals) and totals.min() > 0 else 0.0,
    )


def _kind(stats: SampleStatistics, panel: Float32Array, shape: Shape) -> Verdict:
    used = stats.largest > stats.smallest  # a sample with one value in every gene says nothing
    if stats.n_genes < FEWEST_GENES:
        return _of_few_genes(stats)
    if not used.any():
        return UNCLEAR, "constant", 0.0
    # Samples with values below zero, more than a single bad cell.
    negative = used & (stats.smallest < 0) & ((shape.low < 0) | (shape.middle <= 0))
    linear = look_linear(shape, used)
    if negative[used].mean() >= 0.5:
        return _of_negatives(stats, panel, shape, used)
    if _are_ranks(stats, shape, used):
        return RANKS, "ranks", stats.n_genes
    if _all_whole(stats):
        return _of_whole(stats, shape, used)
    share = float(linear[used].mean())
    if 1 - _MANY < share < _MANY and are_apart(shape.high[used & ~linear], shape.high[linear]):
        return MIXED, "mixed", share
    if share >= 0.5:
        return _of_linear(stats, panel, shape, used)
    return (UNCLEAR, "between", share) if share > 1 - _MANY else _of_bounded(stats, shape, used)


def _of_few_genes(stats: SampleStatistics) -> Verdict:
    """By size alone: the genes are too few to judge by the distribution of their values."""
    smallest, largest = float(stats.smallest.min(initial=0.0)), float(stats.largest.max(initial=0.0))
    if _all_whole(stats):
        return (RAW_COUNTS, "whole", largest) if largest > LARGEST_LOG2 else (UNCLEAR, "few genes", stats.n_genes)
    if largest > LARGEST_LOG2:
        return LINEAR, "large" if smallest >= 0 else "negative and large", largest
    return (LOG_SCALE, "bounded", largest) if smallest >= 0 else (LOG_SCALE, "negative", smallest)


def _of_whole(stats: SampleStatistics, shape: Shape, used: BoolArray) -> Verdict:
    """Whole numbers: counts, or values rounded to whole numbers."""
    top, totals = float(stats.largest.max()), stats.totals[used]
    if top <= 1:
        return UNCLEAR, "yes or no", top
    if _all_about_a_million(totals, _ROUNDED if len(totals) > 1 else _EQUAL):
        return EQUAL_SUMS, "rounded", float(np.median(totals))
    high, middle, scatter = (float(np.median(part[used])) for part in (shape.high, shape.middle, shape.scatter))
    if top <= LARGEST_LOG2 and high >= _FEW_COUNTS:
        sums = stats.unlogged(2.0)[used]
        of_one_sum = _spread_of(sums if len(sums) > 1 else np.append(sums, _A_MILLION)) < _ROUNDED_LOGS
        if of_one_sum or (middle >= high / 5 and scatter < _NARROW):
            return UNCLEAR, "whole and even", top
    return RAW_COUNTS, "whole", top


def _all_whole(stats: SampleStatistics) -> bool:
    return bool((stats.n_whole == stats.n_genes).all() and (stats.smallest >= 0).all() and stats.n_genes)


def _all_about_a_million(totals: Float64Array, tolerance: float) -> bool:
    return bool((np.abs(totals / _A_MILLION - 1) < tolerance).all())


def look_linear(shape: Shape, used: BoolArray) -> BoolArray:
    """Samples whose values are no logarithms: too large, or scattered over too many sizes."""
    high, scatter = shape.high, shape.scatter
    too_large = (high > _INTENSITIES) | ((high > LARGEST_LOG2) & (scatter > _NARROW))
    return used & (shape.low >= 0) & (too_large | (scatter > _SCATTERED))


def are_apart(smaller: Float64Array, larger: Float64Array) -> bool:
    """Whether nearly all of some numbers are tenfold below nearly all of others: on another scale, not less of it."""
    return bool(10 * np.quantile(smaller, 0.9) < np.quantile(larger, 0.1))


def _of_negatives(stats: SampleStatistics, panel: Float32Array, shape: Shape, used: BoolArray) -> Verdict:
    """Values below zero: centred ones, or logarithms of small numbers."""
    low, high = float(np.median(shape.low[used])), float(np.median(shape.high[used]))
    if high > _INTENSITIES:
        return LINEAR, "negative and large", high
    if low < -_INTENSITIES:
        return UNCLEAR, "far below zero", low
    values = _some(panel, used)
    spreads, means = values.std(axis=0), np.abs(values.mean(axis=0))
    varies = spreads > 0
    if used.sum() > 2 and varies.any() and float(np.median(means[varies] / spreads[varies])) < 0.25:
        return _centred("gene", spreads[varies])
    spread = shape.grid[used].std(axis=1)

    def median_in_spreads(centres: Float64Array) -> float:
        return float(np.median(np.abs(centres) / np.maximum(spread, 1e-12)))

    if median_in_spreads(stats.totals[used] / stats.n_genes) < 0.02:
        return _centred("sample", spread)
    if used.sum() <= 2 and median_in_spreads(shape.middle[used]) < 0.5:
        return UNCLEAR, "one around zero", low
    return LOG_SCALE, "negative", float(stats.smallest.min())


def _centred(of_each: str, spreads: Float32Array | Float64Array) -> Verdict:
    few, spread, many = np.quantile(spreads, [0.1, 0.5, 0.9])
    return (Z_SCORES if few > 0.8 and many < 1.25 else CENTRED), f"centred by {of_each}", float(spread)


def _some(panel: Float32Array, used: BoolArray) -> Float64Array:
    """Evenly spaced used samples and genes: enough to see how genes vary, in little time."""
    rows = np.flatnonzero(used)
    kept = rows[:: -(-len(rows) // _MOST_SAMPLES)], np.arange(0, panel.shape[1], -(-panel.shape[1] // _MOST_GENES))
    return np.asarray(panel[np.ix_(*kept)], np.float64)


def _are_ranks(stats: SampleStatistics, shape: Shape, used: BoolArray) -> bool:
    """Whether every sample's values are spread evenly over the same range, as only ranks are."""
    grid = shape.grid[used].astype(np.float64)
    if stats.n_genes < (2 if len(grid) > 1 else 20) * FEWEST_GENES:  # one sample of few genes may look even by chance
        return False
    sum_of_ranks = stats.n_genes * (stats.n_genes + 1) / 2  # also if ties have the middle rank
    are_summed = np.allclose(stats.totals[used], sum_of_ranks, rtol=1e-6)
    if are_summed and stats.largest.max() <= stats.n_genes and stats.smallest.min() > 0:
        return True
    first, last = grid[:, :1], grid[:, -1:]
    away = np.abs((grid - first) / (last - first) - np.linspace(0, 1, grid.shape[1])).max(axis=1)
    alike = float(np.ptp(last)) <= 0.05 * float(np.abs(last).max())
    return bool(alike and np.median(away) < 0.02 + 0.5 / stats.n_genes)


def _of_linear(stats: SampleStatistics, panel: Float32Array, shape: Shape, used: BoolArray) -> Verdict:
    """Linear values, by whether library size is still in them."""
    totals = stats.totals[used]
    equal = _spread_of(totals) < _EQUAL and len(totals) > 1
    are_shares = any(np.allclose(totals, whole, rtol=_EQUAL) for whole in (1, 100))
    if equal or are_shares or _all_about_a_million(totals, _ABOUT_A_MILLION):
        return EQUAL_SUMS, "equal sums", float(np.median(totals))
    above = np.maximum(stats.n_genes - stats.n_zero[used], 1)
    whole = float(np.median((stats.n_whole[used] - stats.n_zero[used]) / above))
    if whole >= 0.2:  # of numbers with one decimal a tenth are whole by chance
        return ESTIMATED_COUNTS, "some whole", whole
    factors = _size_factors(_some(panel, used))
    if len(factors) > 1 and float(np.diff(np.quantile(factors, [0.16, 0.84]))[0]) / 2 > _DEPTH:
        return UNEQUAL_SUMS, "library sizes", float(np.exp(np.ptp(factors)))
    return LINEAR, "large" if np.median(shape.high[used]) > LARGEST_LOG2 else "scattered", float(stats.largest.max())


def _size_factors(panel: Float64Array) -> Float64Array:
    """The logarithm of each sample's median ratio to the mean profile, over genes that most samples have."""
    above = panel > 0
    common = above.mean(axis=0) >= 0.5
    logs, there = np.log(np.where(above, panel, 1))[:, common], above[:, common]
    if not common.any() or not there.any(axis=1).all():
        return np.empty(0)
    ratios = np.where(there, logs - (logs.sum(axis=0) / there.sum(axis=0)), np.nan)
    return np.asarray(np.nanmedian(ratios, axis=1), np.float64)


def _spread_of(values: Float64Array) -> float:
    mean = float(np.abs(values.mean()))
    return float(values.std()) / mean if mean > 0 else np.inf


def bases_of(stats: SampleStatistics, used: BoolArray) -> Float64Array:
    """The base of each sample's logarithms if they add up to one sum under one of two bases; else 0 throughout."""
    sums = {base: stats.unlogged(base) for base in LARGEST_LOG}
    n = int(used.sum())
    totals = {_A_MILLION}
    for own in sums.values():
        known = own[used & np.isfinite(own) & (own > 0)]
        totals |= set(np.quantile(known, [0.25, 0.5, 0.75]).tolist()) if len(known) else set()
    for total in sorted(totals):
        fits = {base: used & (np.abs(sums[base] / total - 1) < _ABOUT) for base in LARGEST_LOG}
        most, next_most = sorted(LARGEST_LOG, key=lambda base: -int(fits[base].sum()))[:2]
        others = fits[next_most] & ~fits[most]
        if n > 2 and others.any() and int(fits[most].sum() + others.sum()) >= _MANY * n:
            return np.where(others, next_most, most)
    return np.zeros(len(used))


def _of_bounded(stats: SampleStatistics, shape: Shape, used: BoolArray) -> Verdict:
    """Values that may be logarithms by their size."""
    high, totals = float(np.median(shape.high[used])), stats.totals[used]
    middle = shape.grid[used][:, 200:380:20].astype(np.float64)
    differ = float(np.median(middle.std(axis=0) / np.maximum(middle.mean(axis=0), 1e-12)))
    if len(totals) > 2 and _spread_of(totals) < _EQUAL and differ > 0.02:
        return EQUAL_SUMS, "equal sums", float(np.median(totals))
    if high > LARGEST_LOG2:
        return UNCLEAR, "narrow", high
    bases = bases_of(stats, used)[used]
    if len(set(bases)) > 1:
        share = float((bases == 2.0).mean())
        if 1 - _MANY < share < _MANY:
            return MIXED, "two bases", share
        return _logarithms(stats, used, max(LARGEST_LOG, key=lambda base: int((bases == base).sum())))
    for base in LARGEST_LOG:
        sums = stats.unlogged(base)[used]
        if not (np.isfinite(sums).all() and (sums > 0).all()):
            continue
        # All samples add up to the same, or the only one to a million.
        if abs(float(sums[0]) / _A_MILLION - 1) < 0.01 if len(sums) == 1 else _spread_of(sums) < _EQUAL:
            return _logarithms(stats, used, base)
    largest = float(stats.largest[used].max())
    if largest <= 1:
        return UNCLEAR, "none above 1", high
    return LOG_SCALE, "bounded" if largest <= LARGEST_LOG2 else "mostly bounded", largest


def _logarithms(stats: SampleStatistics, used: BoolArray, base: float) -> Verdict:
    kind = LOG_SCALE if base == 2.0 else OTHER_LOG
    return kind, f"log{base:g}", float(np.median(stats.unlogged(base)[used]))
