"""Which samples seem to come from one donor, where no column was named: by columns and by names of samples."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.utils.names import shown

Rule = Literal["column", "tcga_barcode", "gtex_id", "stem"]

FEWEST_DONORS = 10  # fewer groups may as well be doses, sites or kinds of people
FEWEST_NUMBERED = 3  # two may as well be yes and no, or 0 and 1
LARGEST_DONOR = 4  # median samples of a donor with several; larger groups may as well be batches
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PERSON = ("patient", "donor", "subject", "subj", "individual", "participant", "person", "case", "animal", "mouse")
_PERSON_ID = frozenset(f"{one}id" for one in _PERSON)
_PEOPLE = _PERSON_ID.union(_PERSON)
_IDS = _PERSON_ID | {"id", "identifier", "no", "nr", "number", "barcode", "uuid"}
_BESIDE = frozenset({"code", "key", "name", "bcr", "submitter", "study", "tcga", "dbgap"})
_SHARED = frozenset(  # what several people have in common
    {"age", "array", "batch", "center", "centre", "chip", "date", "day", "lane", "library", "plate"}
    | {"pool", "run", "site", "slide", "time"}
)
_UNKNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown"})
_BARCODE = re.compile(
    r"(?P<tcga_barcode>TCGA([-._])[A-Z0-9]{2}\2[A-Z0-9]{4})(?=\2|\Z)|(?P<gtex_id>GTEX([-._])[A-Z0-9]+)(?=\4|\Z)",
    re.IGNORECASE,
)
_STEM = re.compile(r"(.+)[-._ ][^-._ ]+", re.DOTALL)
_SAID = {
    "tcga_barcode": "the first 12 characters of TCGA barcodes",
    "gtex_id": "the first two fields of GTEx ids",
    "stem": "sample names up to their last '.', '_', '-' or blank",
}


@dataclass(frozen=True)
class Donors:
    """The donors that samples seem to come from, and what tells so.

    `column` is the column of the sample annotation that names them, None where they are read off sample
    names. `donors` has a name for every sample; empty is not known, a donor of its own. `n_repeated`
    donors have several samples, `n_spanning` samples of several classes.
    """

    column: str | None
    rule: Rule
    donors: tuple[str, ...]
    n_donors: int
    n_repeated: int
    n_spanning: int

    @classmethod
    def of(cls, donors: Sequence[str], labels: Sequence[str], rule: Rule, column: str | None = None) -> "Donors":
        """Donors with their counts."""
        sizes = Counter(filter(None, donors))
        n_classes = Counter(donor for donor, _ in set(zip(donors, labels, strict=True)) if donor)
        return cls(
            column,
            rule,
            tuple(donors),
            n_donors=len(donors) - sizes.total() + len(sizes),
            n_repeated=sum(size > 1 for size in sizes.values()),
            n_spanning=sum(n > 1 for n in n_classes.values()),
        )

    @property
    def place(self) -> str:
        """What the donors are told by, in words."""
        return _SAID[self.rule] if self.column is None else f"column {shown(self.column)}"

    @property
    def option(self) -> str:
        """The option of `tspg run` that keeps a donor's samples together."""
        name = self.column or "NAME"
        return f"--group-column {name if name.isidentifier() else shown(name)}"

    def n_seen(self, is_train: NDArray[np.bool_]) -> int:
        """How many held-out samples have a sample of their own donor among the training samples."""
        trained = set(compress(self.donors, is_train)) - {""}
        return sum(donor in trained for donor in compress(self.donors, ~is_train))


def find_donors(obs: pd.DataFrame, sample_ids: Sequence[str], labels: Sequence[str]) -> Donors | None:
    """The donors that several samples seem to come from, or None where nothing looks like it.

    The first of these decides: a column whose name says so (`patient`, `donor_id`); TCGA barcodes or GTEx ids
    as sample names; any other column of text with many small groups that cross the classes; sample names
    that differ in their last part only, in many small groups that cross the classes.

    Parameters
    ----------
    obs
        What is known about the samples, one row each. The column of the classes may be among the others.
    sample_ids
        The samples' names, in the order of `obs`.
    labels
        The class of every sample.
    """
    columns = [(str(name), _names(obs.iloc[:, at])) for at, name in enumerate(obs.columns)]
    columns = [(name, donors) for name, donors in columns if donors != list(labels)]
    found = chain(
        _by_name(columns, labels),
        _by_barcode(sample_ids, labels),
        _by_groups(columns, labels),
        _by_stem(sample_ids, labels),
    )
    return next((one for one in found if one.n_repeated), None)


def _names(column: "pd.Series[str]") -> list[str]:
    """A column as text, empty where it tells nothing."""
    texts = map(str, column.astype(object).where(column.notna(), ""))
    return ["" if text.strip().casefold() in _UNKNOWN else text for text in texts]


def _words(column: str) -> set[str]:
    """The parts of a column's name: patient and id of `PatientID` and of `patient_id`."""
    return {part.casefold() for part in _PARTS.findall(column)}


def _by_name(columns: Sequence[tuple[str, Sequence[str]]], labels: Sequence[str]) -> Iterator[Donors]:
    """Columns that say by their names that they hold donors: `patient_id` does, `patient_age` does not."""
    for name, donors in columns:
        words = _words(name)
        if words & _PEOPLE and words <= _PEOPLE | _IDS | _BESIDE and _are_many(words, donors):
            yield Donors.of(donors, labels, "column", name)


def _are_many(words: set[str], donors: Sequence[str]) -> bool:
    """Whether a column has too many values, or too much like numbers, for kinds of people (`case`: yes, no)."""
    distinct = set(donors) - {""}
    are_numbered = words & _IDS or 2 * sum(any(map(str.isdigit, one)) for one in distinct) > len(distinct)
    n_known = len(donors) - donors.count("")
    return len(distinct) >= (FEWEST_NUMBERED if are_numbered else max(FEWEST_NUMBERED, min(FEWEST_DONORS, n_known / 4)))


def _by_barcode(sample_ids: Sequence[str], labels: Sequence[str]) -> Iterator[Donors]:
    """Donors by the names that two large projects give, where at least half of the samples have them."""
    matches = [_BARCODE.match(sample) for sample in sample_ids]
    donors = [match[0] if match else "" for match in matches]
    if 2 * donors.count("") <= len(donors):
        sizes = Counter(donors)
        kinds = [match.lastgroup for match in matches if match and sizes[match[0]] > 1]
        rule: Rule = "tcga_barcode" if 2 * kinds.count("tcga_barcode") >= len(kinds) else "gtex_id"
        yield Donors.of(donors, labels, rule)


def _by_groups(columns: Sequence[tuple[str, Sequence[str]]], labels: Sequence[str]) -> Iterator[Donors]:
    """Columns whose groups alone look like donors."""
    for name, donors in columns:
        distinct = set(donors) - {""}
        if len(distinct) >= _fewest(len(donors)) and not _words(name) & _SHARED and not _are_numbers(distinct):
            found = Donors.of(donors, labels, "column", name)
            if _cross_classes(found):
                yield found


def _are_numbers(distinct: set[str]) -> bool:
    """Whether most of the values are numbers, which measure something."""
    return bool(pd.to_numeric(pd.Series(list(distinct)), errors="coerce").notna().mean() > 0.5)


def _by_stem(sample_ids: Sequence[str], labels: Sequence[str]) -> Iterator[Donors]:
    """Donors by sample names without their last part: `p7_tumour` and `p7_normal`."""
    matches = [_STEM.fullmatch(sample) for sample in sample_ids]
    found = Donors.of([match[1] if match else "" for match in matches], labels, "stem")
    if len(set(found.donors) - {""}) >= _fewest(len(sample_ids)) and _cross_classes(found):
        yield found


def _fewest(n_samples: int) -> float:
    return max(FEWEST_DONORS, n_samples / 4)


def _cross_classes(found: Donors) -> bool:
    """Whether most groups of several samples have more than one class, and are as small as people's are."""
    sizes = [size for donor, size in Counter(found.donors).items() if donor and size > 1]
    return found.n_spanning > len(sizes) / 2 and bool(np.median(sizes) <= LARGEST_DONOR)
