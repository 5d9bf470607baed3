"""On what scale expression values are, in words and numbers: decided once for a file, and kept with a model.

Kinds are the words that a user reads. What they rest on is kept as numbers; sentences are made of them last.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

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

LARGEST_SUM_OF_SHARES = 1e5
LARGEST_LOG2 = 30.0  # log2 of the largest values of RNA sequencing is below: a billion copies of one gene


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
    def are_shares(self) -> bool:
        """Whether values are shares of a sum far below one million, so that log2(x + 1) of them hardly bends."""
        return self.kind == EQUAL_SUMS and 0 < self.library < LARGEST_SUM_OF_SHARES

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


def reason(scale: Scale) -> str:
    """Why the values are held for what they are, and what was done to them, in words."""
    found = scale.figure
    words = {
        "whole": f"all values are whole numbers, the largest is {found:,.6g}",
        "some whole": f"{_share(found)} of the values above zero are whole numbers",
        "equal sums": f"the values of every sample add up to about {_number(found)}",
        "rounded": f"all values are whole numbers, but every sample adds up to about {_number(found)}: rounded",
        "whole and even": f"all values are whole numbers up to {found:,.6g}, but too even for counts: they may be "
        "logarithms that were rounded",
        "library sizes": f"values have decimals, and library sizes differ up to {found:,.3g}-fold",
        "large": f"values have decimals, the largest is {found:,.6g}",
        "scattered": f"most values are small beside the largest, {found:,.6g}",
        "negative": f"some values are negative, the smallest is {found:,.6g}",
        "negative and large": f"some values are negative, and others as large as {found:,.6g}",
        "far below zero": f"many values are as low as {found:,.6g}",
        "one around zero": "values lie around zero; with so few samples they may be logarithms or centred",
        "centred by gene": f"the values of each gene lie around zero with standard deviation {found:.2g}",
        "centred by sample": f"the values of each sample lie around zero with standard deviation {found:.2g}",
        "ranks": "the values of every sample are spread evenly over the same range",
        "mixed": f"{found:.0%} of the samples look linear, the others like logarithms",
        "two bases": f"{found:.0%} of the samples look like log2, the others like logarithms of another base",
        "between": f"{found:.0%} of the samples look linear, the others rather like logarithms",
        "narrow": f"values go up to {found:,.6g}, high for log2 of RNA-seq, but too even for linear values",
        "log2": f"2^x - 1 adds up to about {_number(found)} in every sample",
        "log2.71828": f"e^x - 1 adds up to about {_number(found)} in every sample: a natural logarithm",
        "log10": f"10^x - 1 adds up to about {_number(found)} in every sample: a logarithm to base 10",
        "none above 1": "no value is above 1",
        "yes or no": "all values are 0 or 1",
        "bounded": f"no value is above {LARGEST_LOG2:.0f}, the largest is {found:,.6g}",
        "mostly bounded": f"in most samples no value is above {LARGEST_LOG2:.0f}",
        "few genes": f"only {scale.n_genes:,} genes, too few to tell",
        "constant": "no sample has two different values",
        "layout": f"by the layout of the file; the largest is {scale.largest:,.6g}",
        "stored": "as the stored model says",
    }.get(scale.why, "")
    if scale.transform != "log2":
        return words
    return f"log2(x + 1) of {noun(scale)}{f' scaled to {unit(scale)}' if scale.scaled else ''}: {words}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"


def _share(value: float) -> str:
    return "nearly all" if value > 0.99 else f"{value:.0%}"


def scale_in_words(scale: Scale) -> str:
    """The kind and the reason, in one line."""
    return f"{scale.now} ({reason(scale)})"


def described(scale: Scale) -> str:
    """What the values of the file are and why, as `raw counts (...)`."""
    return f"{noun(scale)} ({of_file(scale)})"


def noun(scale: Scale) -> str:
    """The kind of the values of the file, as a sentence has it."""
    return _AS_NOUN.get(scale.kind, scale.kind)


def unit(scale: Scale) -> str:
    """What samples are that were scaled to one million each."""
    return "counts per million" if scale.kind in COUNT_KINDS or scale.kind == UNCLEAR else "one million"


def of_file(scale: Scale) -> str:
    """The reason for what the values were in the file."""
    return reason(replace(scale, transform="none"))
