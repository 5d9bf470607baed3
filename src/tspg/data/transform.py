"""What is done to values of a scale: nothing, or log2(x + 1), as a user or a model asks; and what is refused."""

from dataclasses import replace

import numpy as np

from tspg.data.scale import (
    CENTRED,
    COUNT_KINDS,
    EQUAL_SUMS,
    LINEAR,
    LINEAR_KINDS,
    LOG_KINDS,
    LOG_SCALE,
    MIXED,
    OTHER_LOG,
    RANKS,
    UNCLEAR,
    UNEQUAL_SUMS,
    Z_SCORES,
    Scale,
    described,
    noun,
    of_file,
    reason,
    unit,
)
from tspg.errors import ExpressionError
from tspg.utils.names import shown
from tspg.utils.typing import Float32Array, Float64Array

COUNTS_PER_LIBRARY = 1e6


def transformed(scale: Scale, asked: str, file: str, *, refuse_linear: bool = True) -> Scale:
    """The scale with what is to be done to values of it, under the transform that was asked for.

    Raises
    ------
    ExpressionError
        If linear values are to be taken as they are and nobody said so, or logarithms would be taken twice.
    """
    transform = _effective(scale, asked, file, refuse_linear=refuse_linear)
    are_counts = scale.kind in COUNT_KINDS or (scale.kind == UNCLEAR and scale.whole == 1 and scale.largest > 1)
    return replace(scale, transform=transform, scaled=transform == "log2" and (are_counts or scale.are_shares))


_ALIKE = (COUNT_KINDS, (UNEQUAL_SUMS, EQUAL_SUMS, LINEAR), (LOG_SCALE,), (OTHER_LOG,), (Z_SCORES, CENTRED), (RANKS,))
_OF_ANY_KIND = (UNCLEAR, MIXED)
_LIBRARY, _OF_LIBRARY = 0.5, 0.25  # of the genes that libraries were summed over: fewer is told, still fewer refused
# What a logarithm is divided by to be one to base 2, and how it is called, by what decided its base.
_LOG2_IN = {"log2.71828": "0.6931 (natural logarithm of 2)", "log10": "0.30103 (log10 of 2)"}
_OF_OTHER_BASE = {"log2.71828": "natural logarithms of x + 1", "log10": "log10(x + 1)"}


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
            f"{file}: the values look like {described(found)}; the training data are {_learned(learned)}. "
            f"{_the_step(found, learned)}"
        )
    if learned.transform == "none":
        return found
    if found.smallest < 0:
        raise ExpressionError(
            f"{file}: the smallest value is {found.smallest:.6g}, but the training data are log2(x + 1), which needs "
            "values of 0 or more. Correct the value."
        )
    if learned.scaled and found.n_genes < _OF_LIBRARY * learned.n_genes:
        raise ExpressionError(
            f"{file}: it holds {found.n_genes:,} genes, the training data {learned.n_genes:,}; counts per million of "
            "so few genes come out much too large. Give the counts of all genes, or log2(counts per million + 1) made "
            "from all genes."
        )
    return replace(found, transform="log2", scaled=learned.scaled or (found.are_shares and not learned.are_shares))


def _learned(scale: Scale) -> str:
    return f"log2(x + 1) of {noun(scale)}" if scale.transform == "log2" else noun(scale)


def _the_step(found: Scale, learned: Scale) -> str:
    """What makes values of one scale like those that were learned from."""
    total = COUNTS_PER_LIBRARY if learned.scaled else learned.figure if learned.why == "log2" else found.figure
    if learned.now == LOG_SCALE and found.why in _LOG2_IN and abs(found.figure - total) < 0.05 * total:
        return f"Divide all values by {_LOG2_IN[found.why]} to make them log2."
    if learned.kind == OTHER_LOG and learned.why in _OF_OTHER_BASE:
        return f"Give {_OF_OTHER_BASE[learned.why]}, as in training."
    if learned.kind == LOG_SCALE and learned.why == "log2" and abs(total / COUNTS_PER_LIBRARY - 1) < 0.05:
        return "Give log2(x + 1) of TPM or counts per million, as in training."
    if learned.kind == LOG_SCALE:
        return "Give log2 values made as in training, such as log2(x + 1) of TPM or counts per million."
    return _the_same(learned)


def _the_same(scale: Scale) -> str:
    also = (
        ", or log2(counts per million + 1)"
        if scale.scaled and not scale.are_shares
        else f", or log2(x + 1) of {noun(scale)}"
    )
    return f"Give {noun(scale)}{also if scale.transform == 'log2' else ''}."


def notes_on_likeness(scale: Scale, learned: Scale) -> tuple[list[str], list[str]]:
    """What to know and what to doubt of values that are to stand beside others, once `like` has let them through."""
    if scale.kind in _OF_ANY_KIND:
        return [], [
            f"the scale of the values is unclear ({of_file(scale)}); it was taken to be that of the training data"
        ]
    if learned.transform == "log2" and scale.transform == "none":
        of = unit(learned) if learned.scaled and not learned.are_shares else noun(learned)
        return [
            f"the values are on a log scale already ({reason(scale)}) and were not changed; the training data are "
            f"log2(x + 1) of {of}"
        ], []
    if scale.scaled and scale.n_genes < _LIBRARY * learned.n_genes:
        return [], [
            f"counts per million were made from {scale.n_genes:,} genes, in training from {learned.n_genes:,}: if "
            "highly expressed genes are missing, values are too large"
        ]
    return notes_on_scale(scale, "none") if scale.transform == "log2" else ([], [])


def _effective(scale: Scale, transform: str, file: str, *, refuse_linear: bool) -> str:
    """`none` or `log2`."""
    if transform == "auto":
        if scale.kind in LINEAR_KINDS and refuse_linear:
            raise ExpressionError(f"{file}: {_needs_transform(scale)}")
        return "none"
    if transform == "log2" and scale.smallest < 0 and scale.kind not in (Z_SCORES, CENTRED):
        step = "Such values are on a log scale already: use --transform none."
        if scale.kind not in LOG_KINDS:
            step = "Correct the value, or take all as they are with --transform none."
        raise ExpressionError(
            f"{file}: the smallest value is {scale.smallest:.6g}, and log2(x + 1) is for values from zero on. {step}"
        )
    if transform == "log2" and scale.kind in (*LOG_KINDS, Z_SCORES, CENTRED, RANKS, MIXED):
        if scale.kind == MIXED:
            what, step = f"{reason(scale)}, so log2(x + 1) is not for all", "Put all samples on one scale first."
        else:
            what = f"the values look like {described(scale)}, so log2(x + 1) is not for them"
            step = "Leave out --transform log2, or use --transform none."
        raise ExpressionError(f"{file}: {what}. {step}")
    return transform


def _needs_transform(scale: Scale) -> str:
    """What to say of linear values that nobody has said how to take."""
    found = f"the values look like {described(scale)}, but a log scale is needed."
    if scale.smallest < 0:
        return f"{found} Negative values have no logarithm: say --transform none to take them as they are."
    are_scaled = scale.kind in COUNT_KINDS or scale.are_shares
    first = f" (each sample is scaled to {unit(scale)} first)" if are_scaled else ""
    return f"{found} Add --transform log2{first}, or --transform none to take them as they are."


def notes_on_scale(scale: Scale, asked: str) -> tuple[list[str], list[str]]:
    """What to know about the scale and what was done, and what to doubt; `asked` is empty where nobody was asked."""
    if scale.transform == "log2":
        return _notes_on_log2(scale)
    told = f"values look like {described(scale)}; they were taken as they are"
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
        MIXED: f"not all samples are on one scale: {reason(scale)}. Put all on one scale first",
        UNCLEAR: f"the scale of the values is unclear ({reason(scale)}); they were taken as they are",
    }
    return [], [doubts[scale.kind]] if scale.kind in doubts else []


def _notes_on_log2(scale: Scale) -> tuple[list[str], list[str]]:
    if scale.scaled:
        to = "counts per million" if not scale.are_shares else "one million each, since they are shares of a whole,"
        note = f"{described(scale)} were scaled to {to} and changed to log2(x + 1)"
        return ([], [note]) if scale.kind == UNCLEAR else ([note], [])
    done = "values were changed to log2(x + 1)"
    if scale.kind == UNCLEAR:
        return [done], [f"{done}, but their scale is unclear ({of_file(scale)})"]
    return [done], []


def to_log2(values: Float32Array, sizes: Float64Array | None, *, file: str, sample_ids: list[str]) -> None:
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
