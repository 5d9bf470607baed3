"""Names of samples and genes: how messages show them, and which of them cannot be accepted."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from tspg.errors import TspgError

MOST_SHOWN = 10
LONGEST_SHOWN = 60
LONGEST_NAME = 1_000  # characters; arrays of text take as much room for every name as for the longest
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and the surrogates of bytes that are no text
_MONTH = r"(mar|mär|mrz|sep|dec|dez|oct|okt|apr|feb|nov)"  # of gene names, as English and German sheets write them
_EXCEL_DATE = re.compile(rf"(\d{{1,2}}[-. ]{{1,2}}{_MONTH}[a-z]*\.?|{_MONTH}[a-z]*\.?[- ]\d{{1,2}})$", re.IGNORECASE)
_EXCEL_NUMBERS_OF_DAYS = re.compile(r"\d{1,4}([/.])\d{1,2}\1\d{1,4}$")
_EXCEL_SERIAL = re.compile(r"(3[6-9]|4\d)\d{3}$")  # days since 1900, of the years 1998 to 2036
_EXCEL_DAY = re.compile(r"\d{4}-(\d\d)-(\d\d)( 00:00:00)?$")
_EXCEL_NUMBER = re.compile(r"\d+([.,]\d+)?E\+\d+$")
_EXCEL_ORIGINALS = {
    **dict.fromkeys(("mar", "mär", "mrz", "03"), "MARCH"),
    **dict.fromkeys(("sep", "09"), "SEPT"),
    **dict.fromkeys(("dec", "dez", "12"), "DEC"),
}
_FEW_NUMBERS = 0.05  # share of names; with more the names are numbers of genes, such as Entrez ids
# What counting programs write among the genes: reads that fell on none (STAR, HTSeq with and without underscores,
# featureCounts), and spike-ins that were added in the laboratory (ERCC, also as ENCODE names them, SIRV).
NO_GENE = re.compile(
    r"N_(unmapped|multimapping|noFeature|ambiguous)|(__)?(no_feature|too_low_aQual|not_aligned|alignment_not_unique)"
    r"|__ambiguous|Unassigned_\w+|(gSpikein_)?ERCC[-.]\d{5}|gSpikein_\w+|SIRV\d+"
)


def is_no_gene(name: str) -> bool:
    """Whether a name among the genes is none of a gene, such as `N_unmapped`, `__no_feature` and `ERCC-00002`."""
    return NO_GENE.fullmatch(name) is not None


def shown(value: str) -> str:
    """A name or cell as a message shows it: quoted, control characters escaped, cut when long."""
    text = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    return repr(text)


def listed(values: Iterable[str], most: int = MOST_SHOWN) -> str:
    """The first few names for a message, with the number of those left out."""
    names = list(values)
    left = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + left


def closest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """The names most like a mistyped one, best first; letters' case does not matter."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=most, cutoff=0.0)
    return [by_folded[folded] for folded in found]


def has_control(text: str) -> bool:
    """Whether a name holds what steers a terminal or ends a line instead of being printed."""
    return CONTROL.search(text) is not None


def check_names(
    names: Sequence[str], *, what: str, file: str, error: type[TspgError], twice_allowed: bool = False
) -> None:
    """Refuse empty, doubled, overlong and unprintable names; `what` is the word for one of them.

    Every name passes here when it comes in, from a file or from Python, and when a model or run is loaded.

    Raises
    ------
    TspgError
        Of the given kind, with up to ten of the names.
    """
    if "" in names:
        raise error(f"{where(file)}{what} number {names.index('') + 1:,} has an empty name. Give every {what} a name.")
    check_characters(names, what=what, file=file, error=error)
    if not twice_allowed and len(set(names)) < len(names):
        join = "Add --duplicates sum, mean or first, or keep" if what == "gene" and file else "Keep"
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise error(
            f"{where(file)}{len(twice):,} {what} name(s) occur more than once: {listed(twice)}. "
            f"{join} one {what} per name."
        )


def as_names(values: Any) -> Any:
    """Names as a tuple of text: one alone needs no list, and numbers become text. All else stays as it is."""
    import pandas as pd  # who has values of pandas has loaded it

    if isinstance(values, str | int | float | np.generic):
        return (str(values),)
    if isinstance(values, list | tuple | np.ndarray | pd.Index | pd.Series):
        return tuple(str(value) if isinstance(value, int | float | np.generic) else value for value in values)
    return values


def where(file: str) -> str:
    """How a message about a file begins; empty where nothing was read from one."""
    return f"{file}: " if file else ""


def check_characters(names: Sequence[str], *, what: str, file: str, error: type[TspgError]) -> None:
    """Refuse names that hold control characters, or so many characters that they are no names."""
    if CONTROL.search("".join(names)):
        bad = [name for name in names if has_control(name)]
        raise error(f"{where(file)}{what} names hold control characters: {listed(bad)}. Remove these characters.")
    check_length(names, what=what, file=file, error=error)


def check_length(names: Iterable[str], *, what: str, file: str, error: type[TspgError]) -> None:
    """Refuse names of so many characters that they are none."""
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST_NAME:
        raise error(
            f"{where(file)}a {what} name has {len(longest):,} characters: {shown(longest)}. Shorten it to "
            f"{LONGEST_NAME:,} at most, or check that the file is what it should be."
        )


def notes_on_names(names: Sequence[str], *, what: str) -> list[str]:
    """Remarks on names that a spreadsheet has changed, or that it would run as a formula."""
    notes = []
    changed = [_EXCEL_DATE, _EXCEL_DAY, _EXCEL_NUMBER, _EXCEL_NUMBERS_OF_DAYS]
    if sum(name.isdigit() for name in names) < _FEW_NUMBERS * len(names):
        changed.append(_EXCEL_SERIAL)
    damaged = [name for name in names if any(one.match(name) for one in changed)] if what == "gene" else []
    if damaged:
        notes.append(
            f"{len(damaged):,} gene name(s) look like dates or numbers made by a spreadsheet program: "
            + ", ".join(shown(name) + _likely_original(name) for name in damaged[:MOST_SHOWN])
            + ". They match no gene set; restore the names from the original data."
        )
    formulas = [name for name in names if name[:1] in "=+-@"]
    if formulas:
        notes.append(
            f"{len(formulas):,} {what} name(s) start with =, +, - or @ and would run as a formula in a "
            f"spreadsheet program: {listed(formulas)}."
        )
    return notes


def _likely_original(name: str) -> str:
    """The gene that a date most likely was, in words (Ziemann et al. 2016, doi:10.1186/s13059-016-1044-7)."""
    day = _EXCEL_DAY.match(name)
    word, digits = re.search("[A-Za-zä]{3}", name), re.search(r"\d+", name)
    month, number = (day[1], day[2]) if day else (word[0].lower() if word else "", digits[0] if digits else "")
    return f" (probably {_EXCEL_ORIGINALS[month]}{int(number)})" if number and month in _EXCEL_ORIGINALS else ""


def near_matches(wanted: Iterable[str], known: Collection[str], most: int = 3) -> list[tuple[str, str]]:
    """Pairs of names, (wanted, known), that differ in blanks, capital letters or `.`, `-` and `_` alone.

    R writes points for hyphens when it reads a table.
    """
    by_plain = {unpunctuated(name): name for name in sorted(known)}
    folded = ((name, unpunctuated(name)) for name in wanted if name not in known)
    pairs = ((name, by_plain[key]) for name, key in folded if key in by_plain)
    return [pair for pair, _ in zip(pairs, range(most), strict=False)]


def unpunctuated(name: str) -> str:
    """A name without blanks and capital letters, with points for hyphens and underscores."""
    return plain(name).replace("-", ".").replace("_", ".")


def plain(name: str) -> str:
    """A name without blanks, invisible characters and capital letters."""
    return "".join(one for one in name if not one.isspace() and unicodedata.category(one) != "Cf").casefold()
