"""On what scale expression values are: decided once for a file, by what its samples look like, and kept with a model.

Kinds are the words that a user reads. What they rest on is kept as numbers; sentences are made of them last.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from anndata import AnnData

from tspg.data.identifiers import FEWEST_GENES
from tspg.data.matrix import X
from tspg.data.naming import shown
from tspg.data.quantiles import is_as_read, panel_of, quantile_functions
from tspg.data.sample_statistics import LARGEST_LOG, Flags, Numbers, SampleStatistics, Shape
from tspg.data.table import FloatArray
from tspg.errors import ExpressionError

RAW_COUNTS, ESTIMATED_COUNTS = "raw counts", "estimated counts"
EQUAL_SUMS, UNEQUAL_SUMS = "linear, like TPM", "linear, with library sizes"
LINEAR, LOG_SCALE, OTHER_LOG = "linear", "log scale", "log scale of another base"
Z_SCORES, CENTRED, RANKS, MIXED, UNCLEAR = "z-scores", "centred values", "ranks", "mixed scales", "unclear"

COUNT_KINDS = (RAW_COUNTS, ESTIMATED_COUNTS, UNEQUAL_SUMS)  # library size is in the values
LINEAR_KINDS = (*COUNT_KINDS, EQUAL_SUMS, LINEAR)
LOG_KINDS = (LOG_SCALE, OTHER_LOG)
KINDS = (*LINEAR_KINDS, *LOG_KINDS, Z_SCORES, CENTRED, RANKS, MIXED, UNCLEAR)

_AS_NOUN = {
    EQUAL_SUMS: "TPM or the like",
    UNEQUAL_SUMS: "linear values with library size in them",
    LINEAR: "linear values",
    LOG_SCALE: "logarithms",
    OTHER_LOG: "logarithms of another base",
}

TRANSFORMS = ("auto", "none", "log2")
COUNTS_PER_LIBRARY = 1e6
_FOR_LOG2 = 30.0  # log2 of the largest values of RNA sequencing is below: a billion copies of one gene
_INTENSITIES = 64.0  # log2 of mass spectrometry's intensities is below
_MANY = 0.9  # share of the samples that decides, whatever the others look like
_EQUAL = 1e-3  # spread of sums, by their mean, that only scaling to one sum gives
_ABOUT_A_MILLION = 0.05
_SCATTERED = 2.0  # `Shape.scatter` that no logarithms reach
_NARROW = 0.6  # and below which hardly any linear values are
_MOST_SAMPLES, _MOST_GENES = 500, 1000  # that are looked at gene by gene
_DEPTH = 0.25  # spread of the logarithms of size factors that is left once samples are normalised between one another


@dataclass(frozen=True)
class Scale:
    """What the values of a file are, by what, and what was done to them.

    `why` is the code of what decided (`reason` says it in words), `figure` the number that it rests on. `whole` is the
    share of values that are whole numbers; `library` is the median of the samples' sums, `library_ratio` the largest
    sum by the smallest, both over `n_genes` genes. `transform` is what was done, `none` or `log2`, and `scaled`
    whether samples were scaled to one million first.
    """

    kind: str
    why: str = ""
    figure: float = 0.0
    n_genes: int = 0
    smallest: float = 0.0
    largest: float = 0.0
    whole: float = 0.0
    library: float = 0.0
    library_ratio: float = 1.0
    transform: str = "none"
    scaled: bool = False

    @property
    def now(self) -> str:
        """The kind that the values are of after the transform."""
        return LOG_SCALE if self.transform == "log2" else self.kind

    @property
    def is_log2(self) -> bool:
        """Whether a difference of the values is a log2 fold change."""
        return self.now == LOG_SCALE

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `as_dict` made."""
        return cls(**{field.name: kept[field.name] for field in fields(cls) if field.name in kept})

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Self:
        """What a stored model says of its training values; of an older one as far as its words tell."""
        kept = details.get("scale")
        if kept is not None:
            return cls.of_dict(kept)
        transform = str(details["transform"])
        units = str(details["units"]).partition(":")[0]
        kind = next((kind for kind in (RAW_COUNTS, LOG_SCALE, LINEAR) if units == kind), UNCLEAR)
        if transform == "log2":  # the words are those of the logarithms; the notes say whether they were of counts
            scaled = any("scaled to counts per million" in str(note) for note in details.get("notes", ()))
            return cls(RAW_COUNTS if scaled else LINEAR, "stored", transform="log2", scaled=scaled)
        return cls(kind, "stored")


def scale_of(values: FloatArray) -> Scale:
    """The scale of a matrix in memory, shape (samples, genes)."""
    if not values.size:
        return Scale(UNCLEAR, "few genes")
    chosen = panel_of([str(at) for at in range(values.shape[1])])
    panel = values if len(chosen) == values.shape[1] else values[:, chosen]
    return decide(SampleStatistics.of(values), panel, Shape.of(quantile_functions(panel), panel.shape[1]))


def scale_in(adata: AnnData, values: FloatArray, layer: str | None = None) -> tuple[Scale, bool]:
    """The scale of expression, and whether it was decided when its file was read; else that of some of its values."""
    kept = adata.uns.get("tspg_input", {}).get("scale")
    if kept is not None and layer in (None, X) and is_as_read(adata):
        return Scale.of_dict(kept), True
    return scale_of(values), False


def decide(of: SampleStatistics, panel: FloatArray, shape: Shape, fixed: str = "") -> Scale:
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


def _kind(of: SampleStatistics, panel: FloatArray, shape: Shape) -> tuple[str, str, float]:
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
        top = float(of.largest.max())
        return (RAW_COUNTS, "whole", top) if top > 1 else (UNCLEAR, "yes or no", top)
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
        return (RAW_COUNTS, "whole", largest) if largest > _FOR_LOG2 else (UNCLEAR, "few genes", of.n_genes)
    if largest > _FOR_LOG2:
        return LINEAR, "large" if smallest >= 0 else "negative and large", largest
    return (LOG_SCALE, "bounded", largest) if smallest >= 0 else (LOG_SCALE, "negative", smallest)


def _all_whole(of: SampleStatistics) -> bool:
    return bool((of.n_whole == of.n_genes).all() and (of.smallest >= 0).all() and of.n_genes)


def _look_negative(of: SampleStatistics, shape: Shape, used: Flags) -> Flags:
    """Samples with values below zero, more than a single bad cell."""
    return used & (of.smallest < 0) & ((shape.low < 0) | (shape.middle <= 0))


def look_linear(shape: Shape, used: Flags) -> Flags:
    """Samples whose values are no logarithms: too large, or scattered over too many sizes."""
    high, scatter = shape.high, shape.scatter
    too_large = (high > _INTENSITIES) | ((high > _FOR_LOG2) & (scatter > _NARROW))
    return used & (shape.low >= 0) & (too_large | (scatter > _SCATTERED))


def are_apart(smaller: Numbers, larger: Numbers) -> bool:
    """Whether nearly all of some numbers are below nearly all of others, tenfold: on another scale, not less of it."""
    return bool(10 * np.quantile(smaller, 0.9) < np.quantile(larger, 0.1))


def _of_negatives(of: SampleStatistics, panel: FloatArray, shape: Shape, used: Flags) -> tuple[str, str, float]:
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


def _some(panel: FloatArray, used: Flags) -> Numbers:
    """Every so manyth of the samples used and of the genes: enough to see how genes vary, in little time."""
    rows = np.flatnonzero(used)
    kept = rows[:: -(-len(rows) // _MOST_SAMPLES)], np.arange(0, panel.shape[1], -(-panel.shape[1] // _MOST_GENES))
    found: Numbers = panel[np.ix_(*kept)].astype(np.float64)
    return found


def _centres(values: Numbers) -> tuple[Numbers, Numbers]:
    """How far from zero each gene's mean lies, in standard deviations, and these; of genes that vary."""
    spread, mean = values.std(axis=0), np.abs(values.mean(axis=0))
    varies = spread > 0
    return mean[varies] / spread[varies], spread[varies]


def _are_ranks(of: SampleStatistics, shape: Shape, used: Flags) -> bool:
    """Whether every sample's values are spread evenly over the same range, as ranks alone are."""
    grid = shape.grid[used].astype(np.float64)
    if of.n_genes < 2 * FEWEST_GENES:
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


def _of_linear(of: SampleStatistics, panel: FloatArray, shape: Shape, used: Flags) -> tuple[str, str, float]:
    """Linear values, by whether library size is still in them."""
    totals = of.totals[used]
    sums = float(np.median(totals))
    equal = _spread_of(totals) < _EQUAL and len(totals) > 1
    if equal or bool((np.abs(totals / COUNTS_PER_LIBRARY - 1) < _ABOUT_A_MILLION).all()):
        return EQUAL_SUMS, "equal sums", sums
    above = np.maximum(of.n_genes - of.n_zero[used], 1)
    whole = float(np.median((of.n_whole[used] - of.n_zero[used]) / above))
    if whole >= 0.2:  # of numbers with one decimal a tenth are whole by chance
        return ESTIMATED_COUNTS, "some whole", whole
    factors = _size_factors(_some(panel, used))
    if len(factors) > 1 and float(np.diff(np.quantile(factors, [0.16, 0.84]))[0]) / 2 > _DEPTH:
        return UNEQUAL_SUMS, "library sizes", float(np.exp(np.ptp(factors)))
    return LINEAR, "large" if np.median(shape.high[used]) > _FOR_LOG2 else "scattered", float(of.largest.max())


def _size_factors(panel: Numbers) -> Numbers:
    """The logarithm of each sample's median ratio to the mean profile, over genes that most samples have."""
    above = panel > 0
    common = above.mean(axis=0) >= 0.5
    logs, there = np.log(np.where(above, panel, 1))[:, common], above[:, common]
    if not common.any() or not there.any(axis=1).all():
        return np.empty(0)
    ratios = np.where(there, logs - (logs.sum(axis=0) / there.sum(axis=0)), np.nan)
    found: Numbers = np.nanmedian(ratios, axis=1)
    return found


def _are_of_one_size(sums: Numbers) -> bool:
    """Whether samples add up to the same, or the only one to a million."""
    if len(sums) == 1:
        return abs(float(sums[0]) / COUNTS_PER_LIBRARY - 1) < 0.01
    return _spread_of(sums) < _EQUAL


def _spread_of(values: Numbers) -> float:
    """The standard deviation by the mean."""
    mean = float(np.abs(values.mean()))
    return float(values.std()) / mean if mean > 0 else np.inf


def _of_bounded(of: SampleStatistics, shape: Shape, used: Flags) -> tuple[str, str, float]:
    """Values that may be logarithms, as far as their size goes."""
    high, totals = float(np.median(shape.high[used])), of.totals[used]
    middle = shape.grid[used][:, 200:380:20].astype(np.float64)
    differ = float(np.median(middle.std(axis=0) / np.maximum(middle.mean(axis=0), 1e-12)))
    if len(totals) > 2 and _spread_of(totals) < _EQUAL and differ > 0.02:
        return EQUAL_SUMS, "equal sums", float(np.median(totals))
    if high > _FOR_LOG2:
        return UNCLEAR, "narrow", high
    for base in LARGEST_LOG:
        sums = of.unlogged(base)[used]
        if np.isfinite(sums).all() and (sums > 0).all() and _are_of_one_size(sums):
            return (LOG_SCALE if base == 2.0 else OTHER_LOG), f"log{base:g}", float(np.median(sums))
    if float(of.largest[used].max()) <= 1:
        return UNCLEAR, "none above 1", high
    largest = float(of.largest[used].max())
    return LOG_SCALE, "bounded" if largest <= _FOR_LOG2 else "mostly bounded", largest


def reason(scale: Scale) -> str:
    """Why the values are held for what they are, and what was done to them, in words."""
    found = scale.figure
    words = {
        "whole": f"all values are whole numbers, the largest is {found:,.6g}",
        "some whole": f"{_share(found)} of the values above zero are whole numbers",
        "equal sums": f"the values of every sample add up to about {_number(found)}",
        "library sizes": f"values have decimals, and library sizes differ up to {found:,.3g}-fold",
        "large": f"values have decimals, the largest is {found:,.6g}",
        "scattered": f"most values are small beside the largest, {found:,.6g}",
        "negative": f"some values are negative, the smallest is {found:,.6g}",
        "negative and large": f"some values are negative, and others as large as {found:,.6g}",
        "far below zero": f"many values are as low as {found:,.6g}",
        "one around zero": "values lie around zero, and with so few samples centred ones look like logarithms",
        "centred by gene": f"the values of each gene lie around zero with standard deviation {found:.2g}",
        "centred by sample": f"the values of each sample lie around zero with standard deviation {found:.2g}",
        "ranks": "the values of every sample are spread evenly over the same range",
        "mixed": f"{found:.0%} of the samples look linear, the others like logarithms",
        "between": f"{found:.0%} of the samples look linear, the others rather like logarithms",
        "narrow": f"values go up to {found:,.6g}, too high for logarithms of reads, too alike for linear values",
        "log2": f"2^x - 1 adds up to about {_number(found)} in every sample",
        "log2.71828": f"e^x - 1 adds up to about {_number(found)} in every sample: a natural logarithm",
        "log10": f"10^x - 1 adds up to about {_number(found)} in every sample: a logarithm to base 10",
        "none above 1": "no value is above 1",
        "yes or no": "all values are 0 or 1",
        "bounded": f"no value is above {_FOR_LOG2:.0f}, the largest is {found:,.6g}",
        "mostly bounded": f"in most samples no value is above {_FOR_LOG2:.0f}",
        "few genes": f"there are only {scale.n_genes:,} genes to tell by",
        "constant": "no sample has two different values",
        "layout": f"by its layout; the largest is {scale.largest:,.6g}",
        "stored": "as the stored model says",
    }.get(scale.why, "")
    if scale.transform != "log2":
        return words
    return f"log2(x + 1) of {_noun(scale)}{' scaled to counts per million' if scale.scaled else ''}: {words}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"


def _share(value: float) -> str:
    return "more than 99%" if 0.99 < value < 1 else f"{value:.0%}"


def scale_in_words(scale: Scale) -> str:
    """The kind and the reason, in one line."""
    return f"{scale.now} ({reason(scale)})"


def transformed(scale: Scale, asked: str, file: str, *, refuse_linear: bool = True) -> Scale:
    """The scale with what is to be done to values of it, under the transform that was asked for.

    Raises
    ------
    ExpressionError
        If linear values are to be taken as they are and nobody said so, or logarithms would be taken twice.
    """
    transform = _effective(scale, asked, file, refuse_linear=refuse_linear)
    are_counts = scale.kind in COUNT_KINDS or (scale.kind == UNCLEAR and scale.whole == 1 and scale.largest > 1)
    return replace(scale, transform=transform, scaled=transform == "log2" and are_counts)


_ALIKE = (COUNT_KINDS, (UNEQUAL_SUMS, EQUAL_SUMS, LINEAR), (LOG_SCALE,), (OTHER_LOG,), (Z_SCORES, CENTRED), (RANKS,))
_OF_ANY_KIND = (UNCLEAR, MIXED)
_LIBRARY, _OF_LIBRARY = 0.5, 0.25  # of the genes that libraries were summed over: fewer is told, still fewer refused


def are_alike(one: str, other: str) -> bool:
    """Whether values of two kinds may stand beside each other; counts beside TPM and logarithms beside either may not.

    What is unclear may be anything.
    """
    return one in _OF_ANY_KIND or other in _OF_ANY_KIND or any(one in group and other in group for group in _ALIKE)


def like(found: Scale, learned: Scale, file: str) -> Scale:
    """The scale with what is to be done to values of it, so that they stand beside those that were learned from.

    Logarithms are taken as they are where those learned from are logarithms once transformed.

    Raises
    ------
    ExpressionError
        If the values cannot be put on that scale.
    """
    kind = found.kind
    if learned.now == LOG_SCALE and kind == LOG_SCALE:
        return found
    older = learned.why == "stored" and learned.kind == LOG_SCALE  # which called whatever has negative values so
    if not are_alike(kind, learned.kind) and not (older and kind in (Z_SCORES, CENTRED)):
        raise ExpressionError(
            f"{file}: the values look like {_described(found)}; those that were learned from are {_learned(learned)}. "
            f"{_the_same(learned)}"
        )
    if learned.transform == "none":
        return found
    if found.smallest < 0:
        raise ExpressionError(
            f"{file}: the smallest value is {found.smallest:.6g}, and log2(x + 1), which the values that were learned "
            "from are on, is for values from zero on. Correct the value."
        )
    if learned.scaled and found.n_genes < _OF_LIBRARY * learned.n_genes:
        raise ExpressionError(
            f"{file}: it holds {found.n_genes:,} genes, and libraries of those that were learned from were summed over "
            f"{learned.n_genes:,}; counts per million of so few are much larger. Give the whole file of counts, or "
            "log2(counts per million + 1) of it."
        )
    return replace(found, transform="log2", scaled=learned.scaled)


def _learned(scale: Scale) -> str:
    return f"log2(x + 1) of {_noun(scale)}" if scale.transform == "log2" else _noun(scale)


def _the_same(scale: Scale) -> str:
    also = ", or log2(counts per million + 1)" if scale.scaled else ", or log2(x + 1) of them"
    return f"Give {_noun(scale)}{also if scale.transform == 'log2' else ''}."


def notes_on_likeness(scale: Scale, learned: Scale) -> tuple[list[str], list[str]]:
    """What to know and what to doubt of values that are to stand beside others, once `like` has let them through."""
    if scale.kind in _OF_ANY_KIND:
        return [], [
            f"the scale of the values is unclear ({_of_file(scale)}); they were read as those learned from were"
        ]
    if learned.transform == "log2" and scale.transform == "none":
        of = "counts per million" if learned.scaled else _noun(learned)
        return [
            f"the values are on a log scale already ({reason(scale)}) and were taken as they are; those learned from "
            f"are log2(x + 1) of {of}"
        ], []
    if scale.scaled and scale.n_genes < _LIBRARY * learned.n_genes:
        return [], [
            f"libraries were summed over {scale.n_genes:,} genes, those learned from over {learned.n_genes:,}: if "
            "genes with many counts are missing, all values are too large"
        ]
    return notes_on_scale(scale, "none") if scale.transform == "log2" else ([], [])


def _effective(scale: Scale, transform: str, file: str, *, refuse_linear: bool) -> str:
    """`none` or `log2`."""
    if transform == "auto":
        if scale.kind in LINEAR_KINDS and refuse_linear:
            raise ExpressionError(f"{file}: {_needs_transform(scale)}")
        return "none"
    if transform == "log2" and scale.kind in (*LOG_KINDS, Z_SCORES, CENTRED, RANKS, MIXED):
        if scale.kind == MIXED:
            what, step = f"{reason(scale)}, so log2(x + 1) is not for all", "Put all samples on one scale first."
        else:
            what = f"the values look like {_described(scale)}, so log2(x + 1) is not for them"
            step = "Leave out --transform log2, or use --transform none."
        raise ExpressionError(f"{file}: {what}. {step}")
    if transform == "log2" and scale.smallest < 0:
        raise ExpressionError(
            f"{file}: the smallest value is {scale.smallest:.6g}, and log2(x + 1) is for values from zero on. "
            "Correct the value, or take all as they are with --transform none."
        )
    return transform


def _described(scale: Scale) -> str:
    return f"{_noun(scale)} ({_of_file(scale)})"


def _noun(scale: Scale) -> str:
    return _AS_NOUN.get(scale.kind, scale.kind)


def _needs_transform(scale: Scale) -> str:
    """What to say of linear values that nobody has said how to take."""
    found = f"the values look like {_described(scale)}; a log scale is needed."
    if scale.smallest < 0:
        return f"{found} Negative values have no logarithm: say --transform none to take them as they are."
    first = " (each sample is scaled to counts per million first)" if scale.kind in COUNT_KINDS else ""
    return f"{found} Add --transform log2{first}, or --transform none to take them as they are."


def notes_on_scale(scale: Scale, asked: str) -> tuple[list[str], list[str]]:
    """What to know about the scale and what was done, and what to doubt; `asked` is empty where nobody was asked."""
    if scale.transform == "log2":
        return _notes_on_log2(scale)
    told = f"values look like {_described(scale)}; they were taken as they are"
    if scale.kind in LINEAR_KINDS:
        if asked == "auto":
            return [], [_needs_transform(scale)]
        return [f"{told}{' (--transform none)' if asked == 'none' else ', where log2(x + 1) is usual'}"], []
    doubts = {
        OTHER_LOG: f"values are on a log scale ({reason(scale)}); they were taken as they are, so differences are no "
        "log2 fold changes",
        Z_SCORES: f"{told}. A new sample cannot be put on this scale; log2 values are better",
        CENTRED: f"{told}. A new sample cannot be put on this scale; log2 values are better",
        RANKS: f"{told}. Differences of ranks are no fold changes; log2 values are better",
        MIXED: f"not all samples are on one scale: {reason(scale)}",
        UNCLEAR: f"the scale of the values is unclear ({reason(scale)}); they were taken as they are",
    }
    return [], [doubts[scale.kind]] if scale.kind in doubts else []


def _notes_on_log2(scale: Scale) -> tuple[list[str], list[str]]:
    if scale.scaled:
        note = f"{_described(scale)} were scaled to counts per million and changed to log2(x + 1)"
        return [note], []
    done = "values were changed to log2(x + 1)"
    if scale.kind == UNCLEAR:
        return [done], [f"{done}, but their scale is unclear ({_of_file(scale)})"]
    return [done], []


def _of_file(scale: Scale) -> str:
    """The reason for what the values were in the file."""
    return reason(replace(scale, transform="none"))


def to_log2(values: FloatArray, sizes: Numbers | None, *, file: str, sample_ids: list[str]) -> None:
    """Put a matrix on the scale log2(x + 1) in place.

    With `sizes`, each sample's sum over all genes of the file, it is scaled to counts per million first, so that one
    new sample needs no others.

    Raises
    ------
    ExpressionError
        If a sample of counts is zero throughout.
    """
    if sizes is not None:
        if not sizes.all():
            empty = sample_ids[int(np.flatnonzero(sizes == 0)[0])]
            raise ExpressionError(
                f"{file}: all counts of sample {shown(empty)} are zero, so it cannot be scaled. Remove the sample."
            )
        values *= (COUNTS_PER_LIBRARY / sizes)[:, None].astype(np.float32)
    np.log1p(values, out=values)
    values *= np.float32(1 / np.log(2))
