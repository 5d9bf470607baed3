"""The scale of expression values: what kind they are, what is done to them, and what is refused.

A `Scale` is decided once per file (`scale_detection`) and stored with a model. It holds codes and numbers; words are
made from them last.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np

from tspg.errors import ExpressionError
from tspg.utils.names import shown
from tspg.utils.typing import Float32Array, Float64Array

RAW_COUNTS, ESTIMATED_COUNTS = "raw counts", "estimated counts"
EQUAL_SUMS, UNEQUAL_SUMS = "linear, like TPM", "linear, with library sizes"
LINEAR, LOG_SCALE, OTHER_LOG = "linear", "log scale", "log scale of another base"
Z_SCORES, CENTRED, RANKS, MIXED, UNCLEAR = "z-scores", "centred values", "ranks", "mixed scales", "unclear"

COUNT_KINDS = (RAW_COUNTS, ESTIMATED_COUNTS, UNEQUAL_SUMS)  # library size is in the values
LINEAR_KINDS = (*COUNT_KINDS, EQUAL_SUMS, LINEAR)
LOG_KINDS = (LOG_SCALE, OTHER_LOG)
CENTRED_KINDS = (Z_SCORES, CENTRED)
KINDS = (*LINEAR_KINDS, *LOG_KINDS, *CENTRED_KINDS, RANKS, MIXED, UNCLEAR)
_OF_ANY_KIND = (UNCLEAR, MIXED)
_ALIKE = (COUNT_KINDS, (UNEQUAL_SUMS, EQUAL_SUMS, LINEAR), (LOG_SCALE,), (OTHER_LOG,), CENTRED_KINDS, (RANKS,))

COUNTS_PER_LIBRARY = 1e6
LARGEST_SUM_OF_SHARES = 1e5
LARGEST_LOG2 = 30.0  # log2 of the largest values of RNA sequencing is below: a billion copies of one gene
# Share of the training genes over which libraries are summed: fewer is a warning, still fewer refused.
_FEW_OF_LIBRARY, _TOO_FEW_OF_LIBRARY = 0.5, 0.25

_NOUNS = {
    EQUAL_SUMS: "TPM or the like",
    UNEQUAL_SUMS: "linear values with library size in them",
    LINEAR: "linear values",
    LOG_SCALE: "logarithms",
    OTHER_LOG: "logarithms of another base",
}
_REASONS = {  # by `Scale.why`
    "whole": "all values are whole numbers, the largest is {figure:,.6g}",
    "some whole": "{share} of the values above zero are whole numbers",
    "equal sums": "the values of every sample add up to about {number}",
    "rounded": "all values are whole numbers, but every sample adds up to about {number}: rounded",
    "whole and even": "all values are whole numbers up to {figure:,.6g}, but too even for counts: they may be "
    "logarithms that were rounded",
    "library sizes": "values have decimals, and library sizes differ up to {figure:,.3g}-fold",
    "large": "values have decimals, the largest is {figure:,.6g}",
    "scattered": "most values are small beside the largest, {figure:,.6g}",
    "negative": "some values are negative, the smallest is {figure:,.6g}",
    "negative and large": "some values are negative, and others as large as {figure:,.6g}",
    "far below zero": "many values are as low as {figure:,.6g}",
    "one around zero": "values lie around zero; with so few samples they may be logarithms or centred",
    "centred by gene": "the values of each gene lie around zero with standard deviation {figure:.2g}",
    "centred by sample": "the values of each sample lie around zero with standard deviation {figure:.2g}",
    "ranks": "the values of every sample are spread evenly over the same range",
    "mixed": "{figure:.0%} of the samples look linear, the others like logarithms",
    "two bases": "{figure:.0%} of the samples look like log2, the others like logarithms of another base",
    "between": "{figure:.0%} of the samples look linear, the others rather like logarithms",
    "narrow": "values go up to {figure:,.6g}, high for log2 of RNA-seq, but too even for linear values",
    "log2": "2^x - 1 adds up to about {number} in every sample",
    "log2.71828": "e^x - 1 adds up to about {number} in every sample: a natural logarithm",
    "log10": "10^x - 1 adds up to about {number} in every sample: a logarithm to base 10",
    "none above 1": "no value is above 1",
    "yes or no": "all values are 0 or 1",
    "bounded": f"no value is above {LARGEST_LOG2:.0f}, the largest is {{figure:,.6g}}",
    "mostly bounded": f"in most samples no value is above {LARGEST_LOG2:.0f}",
    "few genes": "only {n_genes:,} genes, too few to tell",
    "constant": "no sample has two different values",
    "layout": "by the layout of the file; the largest is {largest:,.6g}",
    "stored": "as the stored model says",
}
# What a logarithm is divided by to be one to base 2, and its name, by `Scale.why`.
_LOG2_IN = {"log2.71828": "0.6931 (natural logarithm of 2)", "log10": "0.30103 (log10 of 2)"}
_OTHER_LOGS = {"log2.71828": "natural logarithms of x + 1", "log10": "log10(x + 1)"}


@dataclass(frozen=True)
class Scale:
    """What the values of a file are, by what evidence, and what is done to them.

    `why` is the code of what decided (see `reason`), `figure` the number that it rests on. `whole` is the share of
    values that are whole numbers; `library` is the median of the samples' sums, `library_ratio` the largest sum by the
    smallest, both over `n_genes` genes. `transform` is `none` or `log2`, `scaled` whether samples are scaled to one
    million first.
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
        """The kind of the values after the transform."""
        return LOG_SCALE if self.transform == "log2" else self.kind

    @property
    def are_shares(self) -> bool:
        """Whether values are shares of a sum far below one million, for which log2(x + 1) is nearly linear."""
        return self.kind == EQUAL_SUMS and 0 < self.library < LARGEST_SUM_OF_SHARES

    @property
    def is_log2(self) -> bool:
        """Whether a difference of the values is a log2 fold change."""
        return self.now == LOG_SCALE

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def of_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The scale that `as_dict` wrote."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Self:
        """The scale of the training values of a stored model; an older model has it in words only."""
        stored = details.get("scale")
        if stored is not None:
            return cls.of_dict(stored)
        if details["transform"] == "log2":  # `units` is of the logarithms; only notes say whether they are of counts
            scaled = any("scaled to counts per million" in str(note) for note in details.get("notes", ()))
            return cls(RAW_COUNTS if scaled else LINEAR, "stored", transform="log2", scaled=scaled)
        kind = str(details["units"]).partition(":")[0]
        return cls(kind if kind in (RAW_COUNTS, LOG_SCALE, LINEAR) else UNCLEAR, "stored")


def reason(scale: Scale) -> str:
    """Why the values are taken for what they are, and what is done to them."""
    figure = scale.figure
    words = _REASONS.get(scale.why, "").format(
        figure=figure,
        number=f"{figure:,.0f}" if figure >= 1000 else f"{figure:,.4g}",
        share="nearly all" if figure > 0.99 else f"{figure:.0%}",
        n_genes=scale.n_genes,
        largest=scale.largest,
    )
    if scale.transform != "log2":
        return words
    return f"log2(x + 1) of {_noun(scale)}{f' scaled to {_unit(scale)}' if scale.scaled else ''}: {words}"


def scale_in_words(scale: Scale) -> str:
    """The kind and the reason, in one line."""
    return f"{scale.now} ({reason(scale)})"


def _noun(scale: Scale) -> str:
    """The kind of the values of the file, for use in a sentence."""
    return _NOUNS.get(scale.kind, scale.kind)


def _unit(scale: Scale) -> str:
    """The unit of samples that are scaled to one million each."""
    return "counts per million" if scale.kind in COUNT_KINDS or scale.kind == UNCLEAR else "one million"


def _reason_in_file(scale: Scale) -> str:
    return reason(replace(scale, transform="none"))


def _described(scale: Scale) -> str:
    """What the values of the file are and why: `raw counts (...)`."""
    return f"{_noun(scale)} ({_reason_in_file(scale)})"


def transform_scale(scale: Scale, transform: str, file: str, *, refuse_linear: bool = True) -> Scale:
    """The scale with what is done to its values under a transform: `auto`, `none` or `log2`.

    Raises ExpressionError if `auto` meets linear values, or `log2` meets logarithms or values without a logarithm.
    """
    if transform == "auto" and scale.kind in LINEAR_KINDS and refuse_linear:
        raise ExpressionError(f"{file}: {_needs_transform(scale)}")
    if transform != "log2":
        return replace(scale, transform="none")
    if scale.smallest < 0 and scale.kind not in CENTRED_KINDS:
        step = "Such values are on a log scale already: use --transform none."
        if scale.kind not in LOG_KINDS:
            step = "Correct the value, or take all as they are with --transform none."
        raise ExpressionError(
            f"{file}: the smallest value is {scale.smallest:.6g}, and log2(x + 1) is for values from zero on. {step}"
        )
    if scale.kind == MIXED:
        raise ExpressionError(
            f"{file}: {reason(scale)}, so log2(x + 1) is not for all. Put all samples on one scale first."
        )
    if scale.kind in (*LOG_KINDS, *CENTRED_KINDS, RANKS):
        raise ExpressionError(
            f"{file}: the values look like {_described(scale)}, so log2(x + 1) is not for them. "
            "Leave out --transform log2, or use --transform none."
        )
    are_counts = scale.kind in COUNT_KINDS or (scale.kind == UNCLEAR and scale.whole == 1 and scale.largest > 1)
    return replace(scale, transform="log2", scaled=are_counts or scale.are_shares)


def _needs_transform(scale: Scale) -> str:
    """The message about linear values without a transform."""
    found = f"the values look like {_described(scale)}, but a log scale is needed."
    if scale.smallest < 0:
        return f"{found} Negative values have no logarithm: say --transform none to take them as they are."
    are_scaled = scale.kind in COUNT_KINDS or scale.are_shares
    first = f" (each sample is scaled to {_unit(scale)} first)" if are_scaled else ""
    return f"{found} Add --transform log2{first}, or --transform none to take them as they are."


def are_alike(one: str, other: str) -> bool:
    """Whether values of two kinds can be compared: counts not with TPM, logarithms with neither, unclear with all."""
    return one in _OF_ANY_KIND or other in _OF_ANY_KIND or any(one in group and other in group for group in _ALIKE)


def match_scale(found: Scale, learned: Scale, file: str) -> Scale:
    """The scale with what is done to its values to put them on the scale of a model or a first cohort.

    Logarithms are kept as they are if the values learned from are logarithms after their transform.

    Raises ExpressionError if the values cannot be put on that scale.
    """
    if learned.now == found.kind == LOG_SCALE:
        return found
    older = learned.why == "stored" and learned.kind == LOG_SCALE  # older models call all values with negatives so
    if not are_alike(found.kind, learned.kind) and not (older and found.kind in CENTRED_KINDS):
        data = f"log2(x + 1) of {_noun(learned)}" if learned.transform == "log2" else _noun(learned)
        raise ExpressionError(
            f"{file}: the values look like {_described(found)}; the training data are {data}. "
            f"{_how_to_match(found, learned)}"
        )
    if learned.transform == "none":
        return found
    if found.smallest < 0:
        raise ExpressionError(
            f"{file}: the smallest value is {found.smallest:.6g}, but the training data are log2(x + 1), which needs "
            "values of 0 or more. Correct the value."
        )
    if learned.scaled and found.n_genes < _TOO_FEW_OF_LIBRARY * learned.n_genes:
        raise ExpressionError(
            f"{file}: it holds {found.n_genes:,} genes, the training data {learned.n_genes:,}; counts per million of "
            "so few genes come out much too large. Give the counts of all genes, or log2(counts per million + 1) made "
            "from all genes."
        )
    return replace(found, transform="log2", scaled=learned.scaled or (found.are_shares and not learned.are_shares))


def _how_to_match(found: Scale, learned: Scale) -> str:
    """What puts values of one scale on the scale that was learned from."""
    total = COUNTS_PER_LIBRARY if learned.scaled else learned.figure if learned.why == "log2" else found.figure
    if learned.now == LOG_SCALE and found.why in _LOG2_IN and abs(found.figure - total) < 0.05 * total:
        return f"Divide all values by {_LOG2_IN[found.why]} to make them log2."
    if learned.kind == OTHER_LOG and learned.why in _OTHER_LOGS:
        return f"Give {_OTHER_LOGS[learned.why]}, as in training."
    if learned.kind == LOG_SCALE and learned.why == "log2" and abs(total / COUNTS_PER_LIBRARY - 1) < 0.05:
        return "Give log2(x + 1) of TPM or counts per million, as in training."
    if learned.kind == LOG_SCALE:
        return "Give log2 values made as in training, such as log2(x + 1) of TPM or counts per million."
    if learned.transform != "log2":
        return f"Give {_noun(learned)}."
    per_million = learned.scaled and not learned.are_shares
    log2 = "log2(counts per million + 1)" if per_million else f"log2(x + 1) of {_noun(learned)}"
    return f"Give {_noun(learned)}, or {log2}."


def notes_on_matched_scale(scale: Scale, learned: Scale) -> tuple[list[str], list[str]]:
    """Notes and warnings on values that `match_scale` has put on another scale."""
    if scale.kind in _OF_ANY_KIND:
        reason_in_file = _reason_in_file(scale)
        return [], [
            f"the scale of the values is unclear ({reason_in_file}); it was taken to be that of the training data"
        ]
    if learned.transform == "log2" and scale.transform == "none":
        of = _unit(learned) if learned.scaled and not learned.are_shares else _noun(learned)
        return [
            f"the values are on a log scale already ({reason(scale)}) and were not changed; the training data are "
            f"log2(x + 1) of {of}"
        ], []
    if scale.scaled and scale.n_genes < _FEW_OF_LIBRARY * learned.n_genes:
        return [], [
            f"counts per million were made from {scale.n_genes:,} genes, in training from {learned.n_genes:,}: if "
            "highly expressed genes are missing, values are too large"
        ]
    return notes_on_scale(scale, "none") if scale.transform == "log2" else ([], [])


def notes_on_scale(scale: Scale, transform: str) -> tuple[list[str], list[str]]:
    """Notes and warnings on the scale and what was done; `transform` is empty if there was no such option."""
    if scale.transform == "log2":
        done = "values were changed to log2(x + 1)"
        if scale.scaled:
            to = "one million each, since they are shares of a whole," if scale.are_shares else "counts per million"
            note = f"{_described(scale)} were scaled to {to} and changed to log2(x + 1)"
            return ([], [note]) if scale.kind == UNCLEAR else ([note], [])
        unclear = [f"{done}, but their scale is unclear ({_reason_in_file(scale)})"] if scale.kind == UNCLEAR else []
        return [done], unclear
    as_they_are = f"values look like {_described(scale)}; they were taken as they are"
    if scale.kind in LINEAR_KINDS:
        if transform == "auto":
            return [], [_needs_transform(scale)]
        usual = " (--transform none)" if transform == "none" else ", where log2(x + 1) is usual"
        return [f"{as_they_are}{usual}"], []
    of_centred = f"{as_they_are}. A new sample cannot be put on this scale; log2 values are better"
    warnings = {
        OTHER_LOG: f"values are on a log scale ({reason(scale)}); they were taken as they are, so differences are no "
        "log2 fold changes",
        Z_SCORES: of_centred,
        CENTRED: of_centred,
        RANKS: f"{as_they_are}. Differences of ranks are no fold changes; log2 values are better",
        MIXED: f"not all samples are on one scale: {reason(scale)}. Put all on one scale first",
        UNCLEAR: f"the scale of the values is unclear ({reason(scale)}); they were taken as they are",
    }
    return [], [warnings[scale.kind]] if scale.kind in warnings else []


def to_log2(values: Float32Array, sizes: Float64Array | None, *, file: str, sample_ids: list[str]) -> None:
    """Put a matrix on the scale log2(x + 1), in place.

    With `sizes`, each sample's sum over all genes of the file, it is scaled to counts per million first, so that a
    single new sample needs no others.

    Raises ExpressionError if all counts of a sample are zero.
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
