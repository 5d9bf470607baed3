"""Samples and single cells that are not like the rest of a file: on another scale, empty, or far out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tspg.data.sample_statistics import SampleStatistics, Shape
from tspg.data.scale import (
    CENTRED,
    ESTIMATED_COUNTS,
    LINEAR_KINDS,
    LOG_KINDS,
    MIXED,
    UNCLEAR,
    Z_SCORES,
    Scale,
)
from tspg.data.scale_detection import are_apart, bases_of, look_linear
from tspg.utils.names import listed, shown
from tspg.utils.typing import BoolArray, Float32Array, Float64Array

_FEWEST = 3  # samples, of which one may be unlike the others
_MOST_CELLS = 3
_GENE_RANGES = 20.0  # interquartile ranges beyond the rest of its gene
# Beyond the rest of its sample, with room above four real cohorts: on a log scale in interquartile ranges (2 there, and
# 6 among 50 genes), where values are centred likewise (13), on a linear scale as a multiple of the next (27).
_LOG_RANGES, _CENTRED_RANGES, _TIMES = 8.0, 20.0, 40.0
_BASES = {2.0: "log2", float(np.e): "natural logarithms", 10.0: "logarithms to base 10"}
_OF_A_MILLION = 1e-3
_ALMOST_ALL = 0.95  # of a sample's sum in one value


@dataclass(frozen=True)
class Cells:
    """The values of some genes in memory, shape (samples, genes)."""

    genes: Sequence[str]
    values: Float32Array


def doubts_about_samples(
    of: SampleStatistics, shape: Shape, scale: Scale, sample_ids: Sequence[str], cells: Sequence[Cells]
) -> list[str]:
    """Each kind of odd sample in a sentence with their names.

    Parameters
    ----------
    of, shape, scale
        Of the file, as it is.
    sample_ids
        Names of the samples, in order.
    cells
        Where single values far out are looked for.
    """
    zero = (of.largest == 0) & (of.smallest == 0)
    constant = (of.largest == of.smallest) & ~zero
    used = ~zero & ~constant
    found = [
        (zero, "nothing but zeros"),
        (constant & (of.n_genes > 1), "the same value in every gene"),
    ]
    if used.sum() >= _FEWEST:
        found += _on_another_scale(of, shape, scale, used)
        found += _counts_beside_tpm(of, used) if scale.kind in LINEAR_KINDS else _on_another_base(of, used)
    told = [f"{_have(odd)} {what}: {_named(odd, sample_ids)}" for odd, what in found if odd.any()]
    return [*told, *(_far_cells(of, shape, scale, sample_ids, cells, used) if used.sum() >= _FEWEST else [])]


def _have(odd: BoolArray) -> str:
    n = int(odd.sum())
    return f"{n:,} sample{' has' if n == 1 else 's have'}"


def _named(odd: BoolArray, sample_ids: Sequence[str]) -> str:
    return listed(sample_ids[at] for at in np.flatnonzero(odd).tolist())


def _on_another_scale(of: SampleStatistics, shape: Shape, scale: Scale, used: BoolArray) -> list[tuple[BoolArray, str]]:
    """Samples that look like another kind of values than most."""
    linear, negative = look_linear(shape, used), used & (shape.low < 0)
    others, whole = used & ~linear, of.n_whole == of.n_genes
    nothing = np.zeros_like(used)
    found: list[tuple[BoolArray, str]] = []
    if scale.kind == MIXED:
        if linear.sum() <= others.sum():
            found.append((linear, "linear values, the others logarithms"))
        else:
            found.append((others, "values like logarithms, the others linear values"))
    if scale.kind in (*LOG_KINDS, Z_SCORES, CENTRED, UNCLEAR) and linear.any() and others.any():
        apart = are_apart(shape.high[others], shape.high[linear])
        found.append((linear if apart else nothing, "linear values, the others not"))
    if scale.kind in LINEAR_KINDS and linear.any() and others.any():
        odd = others & ~whole & (10 * shape.high < np.quantile(shape.high[linear], 0.1))
        found.append((odd, "values like logarithms, the others linear values"))
    if scale.kind == ESTIMATED_COUNTS and 1 - whole[used].mean() < 0.1:
        found.append((used & ~whole, "values with decimals, the others whole numbers"))
    if negative[used].mean() < 0.1:
        found.append((negative, "values below zero, the others none"))
    if scale.kind in (Z_SCORES, CENTRED):
        found.append((used & (shape.low >= 0), "no value below zero, the others are centred"))
    if scale.kind in LINEAR_KINDS:
        share = of.largest / np.where(of.totals > 0, of.totals, np.inf)
        rare = np.median(share[used]) < 0.5
        found.append((used & (share > _ALMOST_ALL) if rare else nothing, "nearly its whole sum in one value"))
    return found


def _on_another_base(of: SampleStatistics, used: BoolArray) -> list[tuple[BoolArray, str]]:
    """Samples whose logarithms are to another base than most."""
    bases = bases_of(of, used)
    here = sorted(set(bases[used]), key=lambda base: int((bases == base).sum()))
    if len(here) < 2:
        return []
    few, most = (_BASES[base] for base in here)
    return [(bases == here[0], f"values like {few}, the others like {most}")]


def _counts_beside_tpm(of: SampleStatistics, used: BoolArray) -> list[tuple[BoolArray, str]]:
    """Samples of counts where the others add up to one million, or these where they are fewer."""
    million = np.abs(of.totals / 1e6 - 1) < _OF_A_MILLION
    counts = used & (of.n_whole == of.n_genes) & ~million
    scaled = used & (of.n_whole < of.n_genes) & million
    if scaled.sum() + counts.sum() < 0.9 * used.sum() or not scaled.any() or not counts.any():
        return []
    if counts.sum() <= scaled.sum():
        return [(counts, "whole numbers like counts, the others add up to one million like TPM")]
    return [(scaled, "values with decimals that add up to one million like TPM, the others whole numbers like counts")]


def _far_cells(
    of: SampleStatistics,
    shape: Shape,
    scale: Scale,
    sample_ids: Sequence[str],
    cells: Sequence[Cells],
    used: BoolArray,
) -> list[str]:
    """Single values far beyond the rest of their gene and of their sample."""
    on_log_scale = scale.kind not in (*LINEAR_KINDS, MIXED)
    sides: list[tuple[Callable[..., np.intp], Float64Array, Float64Array]] = [(np.argmax, of.largest, shape.high)]
    if on_log_scale:
        sides.append((np.argmin, of.smallest, shape.low))
    ranges = _CENTRED_RANGES if scale.kind in (Z_SCORES, CENTRED) else _LOG_RANGES
    told = []
    for which, ends, inner in sides:
        gap = np.minimum(np.abs(ends - inner), np.abs(ends - np.median(ends[used])))
        limit = ranges * shape.spread if on_log_scale else (_TIMES - 1) * np.maximum(inner, np.median(ends[used]))
        for at in np.flatnonzero(used & (gap > limit)).tolist():
            gene = _gene_of(at, ends[at], which, cells, on_log_scale=on_log_scale)
            if gene is not None:
                told.append(f"sample {shown(sample_ids[at])}, gene {shown(gene)}: {ends[at]:,.6g}")
    if not told:
        return []
    left = f" and {len(told) - _MOST_CELLS:,} more" if len(told) > _MOST_CELLS else ""
    are = "value is" if len(told) == 1 else "values are"
    return [f"{len(told):,} {are} far outside of their gene and sample: {'; '.join(told[:_MOST_CELLS])}{left}"]


def _gene_of(
    sample: int, value: float, which: Callable[..., np.intp], cells: Sequence[Cells], *, on_log_scale: bool
) -> str | None:
    """The gene in which a sample has its farthest value, if that is far from the gene's others as well."""
    for part in cells:
        at = int(which(part.values[sample]))
        if part.values[sample, at] != np.float32(value):
            continue
        rest = np.delete(part.values[:, at], sample).astype(np.float64)
        low, first, third, high = np.quantile(rest, [0, 0.25, 0.75, 1])
        gap = max(value - high, low - value)
        own = np.delete(part.values[sample], at)
        far = on_log_scale or value > _TIMES * float(own.max(initial=0.0))
        return str(part.genes[at]) if far and gap > _GENE_RANGES * (third - first) else None
    return None
