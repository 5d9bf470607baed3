"""Which scale values are on, by what their samples look like."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from anndata import AnnData

from tspg.data.identifiers import FEWEST_GENES
from tspg.data.matrix import X
from tspg.data.quantiles import is_as_read, panel_of, quantile_functions
from tspg.data.sample_statistics import LARGEST_LOG, SampleStatistics, Shape
from tspg.data.scale import (
    CENTRED,
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
_ROUNDED, _ROUNDED_LOGS = 0.01, 0.3  # the same of whole numbers; counts as small as logarithms have ever other sums
_FEW_COUNTS = 11.0  # largest values of samples from which on small counts and rounded logarithms can be told apart
_SCATTERED = 2.0  # `Shape.scatter` that no logarithms reach
_NARROW = 0.6  # and below which hardly any linear values are
_MOST_SAMPLES, _MOST_GENES = 500, 1000  # that are looked at gene by gene
_DEPTH = 0.25  # spread of the logarithms of size factors that is left once samples are normalised between one another


def scale_of(values: Float32Array) -> Scale:
    """The scale of a matrix in memory, shape (samples, genes)."""
    if not values.size:
        return Scale(UNCLEAR, "few genes")
    chosen = panel_of([str(at) for at in range(values.shape[1])])
    panel = values if len(chosen) == values.shape[1] else values[:, chosen]
    return decide(SampleStatistics.of(values), panel, Shape.of(quantile_functions(panel), panel.shape[1]))


def scale_in(adata: AnnData, values: Float32Array, layer: str | None = None) -> tuple[Scale, bool]:
    """The scale of expression, and whether it was decided when its file was read; else that of some of its values."""
    kept = adata.uns.get("tspg_input", {}).get("scale")
    if kept is not None and layer in (None, X) and is_as_read(adata):
        return Scale.of_dict(kept), True
    return scale_of(values), False


def decide(of: SampleStatistics, panel: Float32Array, shape: Shape, fixed: str = "") -> Scale:
    """The scale of a file.

    Parameters
    ----------
    of
        Statistics of every sample over all genes of the file.
    panel, shape
        The values of some genes, shape (samples, genes), and how each sample's are distributed.
    fixed
        The kind that the file's layout says; it holds unless the values contradict it.
    """
    totals, n_cells = of.totals, max(1, of.n_genes * len(of.totals))
    known = Scale(
        UNCLEAR,
        n_genes=of.n_genes,
        smallest=float(of.smallest.min(initial=np.inf)),
        largest=float(of.largest.max(initial=-np.inf)),
        whole=float(of.n_whole.sum() / n_cells),
        library=float(np.median(totals)) if len(totals) else 0.0,
        library_ratio=float(totals.max() / totals.min()) if len(totals) and totals.min() > 0 else 0.0,
    )
    kind, why, figure = _kind(of, panel, shape)
    if fixed and _agree(fixed, kind):
        kind, why = fixed, "layout"
        if fixed == RAW_COUNTS and not _all_whole(of):
            kind = ESTIMATED_COUNTS
    return replace(known, kind=kind, why=why, figure=figure)


def _agree(fixed: str, found: str) -> bool:
    """Whether values that look like one kind may be of another, which a layout says they are."""
    families = (LINEAR_KINDS, LOG_KINDS, (Z_SCORES, CENTRED, LOG_SCALE))
    return found == UNCLEAR or any(fixed in family and found in family for family in families)


def _kind(of: SampleStatistics, panel: Float32Array, shape: Shape) -> tuple[str, str, float]:
    """The kind, what decided it, and the number that it rests on."""
    used = of.largest > of.smallest  # what is the same in every gene says nothing
    if of.n_genes < FEWEST_GENES:
        return _of_few(of)
    if not used.any():
        return UNCLEAR, "constant", 0.0
    negative, linear = _look_negative(of, shape, used), look_linear(shape, used)
    if negative[used].mean() >= 0.5:
        return _of_negatives(of, panel, shape, used)
    if _are_ranks(of, shape, used):
        return RANKS, "ranks", of.n_genes
    if _all_whole(of):
        return _of_whole(of, shape, used)
    share = float(linear[used].mean())
    if 1 - _MANY < share < _MANY and are_apart(shape.high[used & ~linear], shape.high[linear]):
        return MIXED, "mixed", share
    if share >= 0.5:
        return _of_linear(of, panel, shape, used)
    return (UNCLEAR, "between", share) if share > 1 - _MANY else _of_bounded(of, shape, used)


def _of_few(of: SampleStatistics) -> tuple[str, str, float]:
    """By size alone, where genes are too few to tell by how their values are distributed."""
    smallest, largest = float(of.smallest.min(initial=0.0)), float(of.largest.max(initial=0.0))
    if _all_whole(of):
        return (RAW_COUNTS, "whole", largest) if largest > LARGEST_LOG2 else (UNCLEAR, "few genes", of.n_genes)
    if largest > LARGEST_LOG2:
        return LINEAR, "large" if smallest >= 0 else "negative and large", largest
    return (LOG_SCALE, "bounded", largest) if smallest >= 0 else (LOG_SCALE, "negative", smallest)


def _of_whole(of: SampleStatistics, shape: Shape, used: BoolArray) -> tuple[str, str, float]:
    """Whole numbers: counts, or what was rounded to them."""
    top, totals = float(of.largest.max()), of.totals[used]
    if top <= 1:
        return UNCLEAR, "yes or no", top
    if bool((np.abs(totals / _A_MILLION - 1) < (_ROUNDED if len(totals) > 1 else _EQUAL)).all()):
        return EQUAL_SUMS, "rounded", float(np.median(totals))
    high, middle, scatter = (float(np.median(part[used])) for part in (shape.high, shape.middle, shape.scatter))
    if top <= LARGEST_LOG2 and high >= _FEW_COUNTS:
        sums = of.unlogged(2.0)[used]
        of_one_sum = _spread_of(sums if len(sums) > 1 else np.append(sums, _A_MILLION)) < _ROUNDED_LOGS
        if of_one_sum or (middle >= high / 5 and scatter < _NARROW):
            return UNCLEAR, "whole and even", top
    return RAW_COUNTS, "whole", top


def _all_whole(of: SampleStatistics) -> bool:
    return bool((of.n_whole == of.n_genes).all() and (of.smallest >= 0).all() and of.n_genes)


def _look_negative(of: SampleStatistics, shape: Shape, used: BoolArray) -> BoolArray:
    """Samples with values below zero, more than a single bad cell."""
    return used & (of.smallest < 0) & ((shape.low < 0) | (shape.middle <= 0))


def look_linear(shape: Shape, used: BoolArray) -> BoolArray:
    """Samples whose values are no logarithms: too large, or scattered over too many sizes."""
    high, scatter = shape.high, shape.scatter
    too_large = (high > _INTENSITIES) | ((high > LARGEST_LOG2) & (scatter > _NARROW))
    return used & (shape.low >= 0) & (too_large | (scatter > _SCATTERED))


def are_apart(smaller: Float64Array, larger: Float64Array) -> bool:
    """Whether nearly all of some numbers are below nearly all of others, tenfold: on another scale, not less of it."""
    return bool(10 * np.quantile(smaller, 0.9) < np.quantile(larger, 0.1))


def _of_negatives(of: SampleStatistics, panel: Float32Array, shape: Shape, used: BoolArray) -> tuple[str, str, float]:
    """Values below zero: centred ones, or logarithms of small numbers."""
    low, high = float(np.median(shape.low[used])), float(np.median(shape.high[used]))
    if high > _INTENSITIES:
        return LINEAR, "negative and large", high
    if low < -_INTENSITIES:
        return UNCLEAR, "far below zero", low
    centres, spreads = _centres(_some(panel, used))
    if used.sum() > 2 and len(centres) and float(np.median(centres)) < 0.25:
        return _centred("gene", spreads)
    own, spread = np.abs(of.totals[used]) / of.n_genes, shape.grid[used].std(axis=1)
    if float(np.median(own / np.maximum(spread, 1e-12))) < 0.02:
        return _centred("sample", spread)
    if used.sum() <= 2 and float(np.median(np.abs(shape.middle[used]) / np.maximum(spread, 1e-12))) < 0.5:
        return UNCLEAR, "one around zero", low
    return LOG_SCALE, "negative", float(of.smallest.min())


def _centred(of_each: str, spreads: npt.NDArray[np.floating]) -> tuple[str, str, float]:
    few, spread, many = np.quantile(spreads, [0.1, 0.5, 0.9])
    return (Z_SCORES if few > 0.8 and many < 1.25 else CENTRED), f"centred by {of_each}", float(spread)


def _some(panel: Float32Array, used: BoolArray) -> Float64Array:
    """Every so manyth of the samples used and of the genes: enough to see how genes vary, in little time."""
    rows = np.flatnonzero(used)
    kept = rows[:: -(-len(rows) // _MOST_SAMPLES)], np.arange(0, panel.shape[1], -(-panel.shape[1] // _MOST_GENES))
    found: Float64Array = panel[np.ix_(*kept)].astype(np.float64)
    return found


def _centres(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """How far from zero each gene's mean lies, in standard deviations, and these; of genes that vary."""
    spread, mean = values.std(axis=0), np.abs(values.mean(axis=0))
    varies = spread > 0
    return mean[varies] / spread[varies], spread[varies]


def _are_ranks(of: SampleStatistics, shape: Shape, used: BoolArray) -> bool:
    """Whether every sample's values are spread evenly over the same range, as ranks alone are."""
    grid = shape.grid[used].astype(np.float64)
    if of.n_genes < (2 if len(grid) > 1 else 20) * FEWEST_GENES:  # one sample of few genes may look even by chance
        return False
    all_of_them = of.n_genes * (of.n_genes + 1) / 2  # added up, also where ties have the middle rank
    if (
        np.allclose(of.totals[used], all_of_them, rtol=1e-6)
        and of.largest.max() <= of.n_genes
        and of.smallest.min() > 0
    ):
        return True
    first, last = grid[:, :1], grid[:, -1:]
    away = np.abs((grid - first) / (last - first) - np.linspace(0, 1, grid.shape[1])).max(axis=1)
    alike = float(np.ptp(last)) <= 0.05 * float(np.abs(last).max())
    return bool(alike and np.median(away) < 0.02 + 0.5 / of.n_genes)


def _of_linear(of: SampleStatistics, panel: Float32Array, shape: Shape, used: BoolArray) -> tuple[str, str, float]:
    """Linear values, by whether library size is still in them."""
    totals = of.totals[used]
    sums = float(np.median(totals))
    equal = _spread_of(totals) < _EQUAL and len(totals) > 1
    are_shares = any(np.allclose(totals, whole, rtol=_EQUAL) for whole in (1, 100))
    if equal or are_shares or bool((np.abs(totals / _A_MILLION - 1) < _ABOUT_A_MILLION).all()):
        return EQUAL_SUMS, "equal sums", sums
    above = np.maximum(of.n_genes - of.n_zero[used], 1)
    whole = float(np.median((of.n_whole[used] - of.n_zero[used]) / above))
    if whole >= 0.2:  # of numbers with one decimal a tenth are whole by chance
        return ESTIMATED_COUNTS, "some whole", whole
    factors = _size_factors(_some(panel, used))
    if len(factors) > 1 and float(np.diff(np.quantile(factors, [0.16, 0.84]))[0]) / 2 > _DEPTH:
        return UNEQUAL_SUMS, "library sizes", float(np.exp(np.ptp(factors)))
    return LINEAR, "large" if np.median(shape.high[used]) > LARGEST_LOG2 else "scattered", float(of.largest.max())


def _size_factors(panel: Float64Array) -> Float64Array:
    """The logarithm of each sample's median ratio to the mean profile, over genes that most samples have."""
    above = panel > 0
    common = above.mean(axis=0) >= 0.5
    logs, there = np.log(np.where(above, panel, 1))[:, common], above[:, common]
    if not common.any() or not there.any(axis=1).all():
        return np.empty(0)
    ratios = np.where(there, logs - (logs.sum(axis=0) / there.sum(axis=0)), np.nan)
    found: Float64Array = np.nanmedian(ratios, axis=1)
    return found


def _are_of_one_size(sums: Float64Array) -> bool:
    """Whether samples add up to the same, or the only one to a million."""
    if len(sums) == 1:
        return abs(float(sums[0]) / _A_MILLION - 1) < 0.01
    return _spread_of(sums) < _EQUAL


def _spread_of(values: Float64Array) -> float:
    """The standard deviation by the mean."""
    mean = float(np.abs(values.mean()))
    return float(values.std()) / mean if mean > 0 else np.inf


def bases_of(of: SampleStatistics, used: BoolArray) -> Float64Array:
    """The base of each sample's logarithms, where they add up to one sum under one of two bases; else 0 throughout."""
    sums = {base: of.unlogged(base) for base in LARGEST_LOG}
    n = int(used.sum())

    def fit(base: float, total: float) -> BoolArray:
        fits: BoolArray = used & (np.abs(sums[base] / total - 1) < _ABOUT)
        return fits

    totals = {_A_MILLION}
    for own in sums.values():
        known = own[used & np.isfinite(own) & (own > 0)]
        totals |= {float(np.quantile(known, level)) for level in (0.25, 0.5, 0.75)} if len(known) else set()
    for total in sorted(totals):
        fits = {base: fit(base, total) for base in LARGEST_LOG}
        most, next_most = sorted(LARGEST_LOG, key=lambda base: -int(fits[base].sum()))[:2]
        others = fits[next_most] & ~fits[most]
        if n > 2 and others.any() and int(fits[most].sum() + others.sum()) >= _MANY * n:
            return np.where(others, next_most, most)
    return np.zeros(len(used))


def _of_bounded(of: SampleStatistics, shape: Shape, used: BoolArray) -> tuple[str, str, float]:
    """Values that may be logarithms, as far as their size goes."""
    high, totals = float(np.median(shape.high[used])), of.totals[used]
    middle = shape.grid[used][:, 200:380:20].astype(np.float64)
    differ = float(np.median(middle.std(axis=0) / np.maximum(middle.mean(axis=0), 1e-12)))
    if len(totals) > 2 and _spread_of(totals) < _EQUAL and differ > 0.02:
        return EQUAL_SUMS, "equal sums", float(np.median(totals))
    if high > LARGEST_LOG2:
        return UNCLEAR, "narrow", high
    bases = bases_of(of, used)[used]
    if len(set(bases)) > 1:
        share = float((bases == 2.0).mean())
        if 1 - _MANY < share < _MANY:
            return MIXED, "two bases", share
        base = max(LARGEST_LOG, key=lambda base: int((bases == base).sum()))
        return (LOG_SCALE if base == 2.0 else OTHER_LOG), f"log{base:g}", float(np.median(of.unlogged(base)[used]))
    for base in LARGEST_LOG:
        sums = of.unlogged(base)[used]
        if np.isfinite(sums).all() and (sums > 0).all() and _are_of_one_size(sums):
            return (LOG_SCALE if base == 2.0 else OTHER_LOG), f"log{base:g}", float(np.median(sums))
    if float(of.largest[used].max()) <= 1:
        return UNCLEAR, "none above 1", high
    largest = float(of.largest[used].max())
    return LOG_SCALE, "bounded" if largest <= LARGEST_LOG2 else "mostly bounded", largest
