"""Samples and single values unlike the rest of a file: on another scale, empty, or far out."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tspg.data.sample_statistics import SampleStatistics, Shape
from tspg.data.scale import CENTRED_KINDS, ESTIMATED_COUNTS, LINEAR_KINDS, LOG_KINDS, MIXED, UNCLEAR, Scale
from tspg.data.scale_detection import are_apart, bases_of, look_linear
from tspg.utils.names import listed, shown
from tspg.utils.typing import BoolArray, Float32Array, Float64Array

_FEWEST = 3  # samples, of which one may be unlike the others
_MOST_CELLS = 3
_GENE_RANGES = 20.0  # interquartile ranges beyond the rest of its gene
# Beyond the rest of its sample, with room above four real cohorts: on a log scale in interquartile ranges (2 there, and
# 6 among 50 genes), for centred values likewise (13), on a linear scale as a multiple of the next (27).
_LOG_RANGES, _CENTRED_RANGES, _TIMES = 8.0, 20.0, 40.0
_BASES = {2.0: "log2", float(np.e): "natural logarithms", 10.0: "logarithms to base 10"}
_OF_A_MILLION = 1e-3
_ALMOST_ALL = 0.95  # of a sample's sum in one value

Part = tuple[Sequence[str], Float32Array]  # some genes, and their values of shape (samples, genes)
Odd = tuple[BoolArray, str]  # some samples, and what they have


def warnings_about_samples(
    stats: SampleStatistics, shape: Shape, scale: Scale, sample_ids: Sequence[str], parts: Sequence[Part]
) -> list[str]:
    """One sentence for each kind of odd samples, with their names.

    `stats`, `shape` and `scale` are of the file, before any transform; single values far out are sought in `parts`.
    """
    zero = (stats.largest == 0) & (stats.smallest == 0)
    constant = (stats.largest == stats.smallest) & ~zero
    used = ~zero & ~constant
    found: list[Odd] = [
        (zero, "nothing but zeros"),
        (constant & (stats.n_genes > 1), "the same value in every gene"),
    ]
    if used.sum() >= _FEWEST:
        found += _on_another_scale(stats, shape, scale, used)
        found += _counts_beside_tpm(stats, used) if scale.kind in LINEAR_KINDS else _on_another_base(stats, used)
    sentences = []
    for odd, what in found:
        n = int(odd.sum())
        if n:
            names = listed(sample_ids[at] for at in np.flatnonzero(odd).tolist())
            sentences.append(f"{n:,} sample{' has' if n == 1 else 's have'} {what}: {names}")
    return [*sentences, *(_far_values(stats, shape, scale, sample_ids, parts, used) if used.sum() >= _FEWEST else [])]


def _on_another_scale(stats: SampleStatistics, shape: Shape, scale: Scale, used: BoolArray) -> Iterator[Odd]:
    """Samples that look like another kind of values than most."""
    linear, negative = look_linear(shape, used), used & (shape.low < 0)
    others, whole = used & ~linear, stats.n_whole == stats.n_genes
    both = bool(linear.any() and others.any())
    like_logarithms = "values like logarithms, the others linear values"
    if scale.kind == MIXED:
        few_linear = linear.sum() <= others.sum()
        yield (linear, "linear values, the others logarithms") if few_linear else (others, like_logarithms)
    if (
        scale.kind in (*LOG_KINDS, *CENTRED_KINDS, UNCLEAR)
        and both
        and are_apart(shape.high[others], shape.high[linear])
    ):
        yield linear, "linear values, the others not"
    if scale.kind in LINEAR_KINDS and both:
        yield others & ~whole & (10 * shape.high < np.quantile(shape.high[linear], 0.1)), like_logarithms
    if scale.kind == ESTIMATED_COUNTS and 1 - whole[used].mean() < 0.1:
        yield used & ~whole, "values with decimals, the others whole numbers"
    if negative[used].mean() < 0.1:
        yield negative, "values below zero, the others none"
    if scale.kind in CENTRED_KINDS:
        yield used & (shape.low >= 0), "no value below zero, the others are centred"
    if scale.kind in LINEAR_KINDS:
        share = stats.largest / np.where(stats.totals > 0, stats.totals, np.inf)
        if np.median(share[used]) < 0.5:
            yield used & (share > _ALMOST_ALL), "nearly its whole sum in one value"


def _on_another_base(stats: SampleStatistics, used: BoolArray) -> list[Odd]:
    """Samples whose logarithms are to another base than most."""
    bases = bases_of(stats, used)
    here = sorted(set(bases[used]), key=lambda base: int((bases == base).sum()))
    if len(here) < 2:
        return []
    few, most = (_BASES[base] for base in here)
    return [(bases == here[0], f"values like {few}, the others like {most}")]


def _counts_beside_tpm(stats: SampleStatistics, used: BoolArray) -> list[Odd]:
    """Samples of counts if the others add up to one million, or the latter if they are fewer."""
    million = np.abs(stats.totals / 1e6 - 1) < _OF_A_MILLION
    counts = used & (stats.n_whole == stats.n_genes) & ~million
    scaled = used & (stats.n_whole < stats.n_genes) & million
    if scaled.sum() + counts.sum() < 0.9 * used.sum() or not scaled.any() or not counts.any():
        return []
    if counts.sum() <= scaled.sum():
        return [(counts, "whole numbers like counts, the others add up to one million like TPM")]
    return [(scaled, "values with decimals that add up to one million like TPM, the others whole numbers like counts")]


def _far_values(
    stats: SampleStatistics,
    shape: Shape,
    scale: Scale,
    sample_ids: Sequence[str],
    parts: Sequence[Part],
    used: BoolArray,
) -> list[str]:
    """Single values far beyond the rest of their gene and of their sample."""
    on_log_scale = scale.kind not in (*LINEAR_KINDS, MIXED)
    sides: list[tuple[Callable[..., np.intp], Float64Array, Float64Array]] = [(np.argmax, stats.largest, shape.high)]
    if on_log_scale:
        sides.append((np.argmin, stats.smallest, shape.low))
    ranges = _CENTRED_RANGES if scale.kind in CENTRED_KINDS else _LOG_RANGES
    found = []
    for which, ends, inner in sides:
        gap = np.minimum(np.abs(ends - inner), np.abs(ends - np.median(ends[used])))
        limit = ranges * shape.spread if on_log_scale else (_TIMES - 1) * np.maximum(inner, np.median(ends[used]))
        for at in np.flatnonzero(used & (gap > limit)).tolist():
            gene = _gene_of(at, ends[at], which, parts, on_log_scale=on_log_scale)
            if gene is not None:
                found.append(f"sample {shown(sample_ids[at])}, gene {shown(gene)}: {ends[at]:,.6g}")
    if not found:
        return []
    left = f" and {len(found) - _MOST_CELLS:,} more" if len(found) > _MOST_CELLS else ""
    are = "value is" if len(found) == 1 else "values are"
    return [f"{len(found):,} {are} far outside of their gene and sample: {'; '.join(found[:_MOST_CELLS])}{left}"]


def _gene_of(
    sample: int, value: float, which: Callable[..., np.intp], parts: Sequence[Part], *, on_log_scale: bool
) -> str | None:
    """The gene in which a sample has its farthest value, if that is far from the gene's other values as well."""
    for genes, values in parts:
        at = int(which(values[sample]))
        if values[sample, at] != np.float32(value):
            continue
        rest = np.delete(values[:, at], sample).astype(np.float64)
        low, first, third, high = np.quantile(rest, [0, 0.25, 0.75, 1])
        gap = max(value - high, low - value)
        own = np.delete(values[sample], at)
        far = on_log_scale or value > _TIMES * float(own.max(initial=0.0))
        return genes[at] if far and gap > _GENE_RANGES * (third - first) else None
    return None
