"""Samples that seem to come from one donor, if no column was named: found by columns and by sample names."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Literal

import numpy as np
import pandas as pd

from tspg.utils.names import shown
from tspg.utils.typing import BoolArray

Rule = Literal["column", "tcga_barcode", "gtex_id", "stem"]

FEWEST_DONORS = 10  # fewer groups may also be doses, sites or kinds of people
FEWEST_NUMBERED = 3  # two may also be yes and no, or 0 and 1
LARGEST_DONOR = 4  # median samples of a donor with several; larger groups may also be batches
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
_PLACES = {
    "tcga_barcode": "the first 12 characters of TCGA barcodes",
    "gtex_id": "the first two fields of GTEx ids",
    "stem": "sample names up to their last '.', '_', '-' or blank",
}


@dataclass(frozen=True)
class Donors:
    """The donors that samples seem to come from, and by which rule they were found.

    `column` of the sample annotation names them, None if they are read off sample names. `donors` has a name for
    every sample; empty is unknown, a donor of its own. `n_repeated` donors have several samples, `n_spanning` samples
    of several classes.
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
        """Where the donors were found, in words."""
        return _PLACES[self.rule] if self.column is None else f"column {shown(self.column)}"

    @property
    def option(self) -> str:
        """The option of `tspg run` that keeps a donor's samples together."""
        name = self.column or "NAME"
        return f"--group-column {name if name.isidentifier() else shown(name)}"

    def n_seen(self, is_train: BoolArray) -> int:
        """How many held-out samples have a sample of their own donor among the training samples."""
        trained = set(compress(self.donors, is_train)) - {""}
        return sum(donor in trained for donor in compress(self.donors, ~is_train))


def find_donors(obs: pd.DataFrame, sample_ids: Sequence[str], labels: Sequence[str]) -> Donors | None:
    """The donors that several samples seem to come from; None if nothing looks like it.

    The first of these decides: a column whose name says so (`patient`, `donor_id`); TCGA barcodes or GTEx ids as
    sample names; any other column of text with many small groups that cross the classes; sample names that differ
    only in their last part, in many small groups that cross the classes.

    `obs` may include the column of the classes; `sample_ids` and `labels` (the classes) are in its order.
    """
    columns = []
    for at, name in enumerate(obs.columns):
        cells = obs.iloc[:, at]
        texts = map(str, cells.astype(object).where(cells.notna(), ""))
        donors = ["" if text.strip().casefold() in _UNKNOWN else text for text in texts]
        if donors != list(labels):
            columns.append((str(name), donors))
    found = chain(
        (Donors.of(donors, labels, "column", name) for name, donors in columns if _is_named_donor(name, donors)),
        _by_barcode(sample_ids, labels),
        _by_groups(columns, sample_ids, labels),
    )
    return next((one for one in found if one.n_repeated), None)


def _words(column: str) -> set[str]:
    """The parts of a column's name: patient and id of `PatientID` and of `patient_id`."""
    return {part.casefold() for part in _PARTS.findall(column)}


def _is_named_donor(column: str, donors: Sequence[str]) -> bool:
    """Whether a column's name says that it holds donors: `patient_id` does, `patient_age` does not.

    It must have too many values, or too many with digits, for kinds of people (`case`: yes, no).
    """
    words, distinct = _words(column), set(donors) - {""}
    if not words & _PEOPLE or not words <= _PEOPLE | _IDS | _BESIDE:
        return False
    if words & _IDS or 2 * sum(any(map(str.isdigit, one)) for one in distinct) > len(distinct):
        return len(distinct) >= FEWEST_NUMBERED
    n_known = len(donors) - donors.count("")
    return len(distinct) >= max(FEWEST_NUMBERED, min(FEWEST_DONORS, n_known / 4))


def _by_barcode(sample_ids: Sequence[str], labels: Sequence[str]) -> Iterator[Donors]:
    """Donors by the barcodes of two large projects, if at least half of the samples have them."""
    matches = [_BARCODE.match(sample) for sample in sample_ids]
    donors = [match[0] if match else "" for match in matches]
    if 2 * donors.count("") <= len(donors):
        sizes = Counter(donors)
        kinds = [match.lastgroup for match in matches if match and sizes[match[0]] > 1]
        rule: Rule = "tcga_barcode" if 2 * kinds.count("tcga_barcode") >= len(kinds) else "gtex_id"
        yield Donors.of(donors, labels, rule)


def _by_groups(
    columns: Sequence[tuple[str, Sequence[str]]], sample_ids: Sequence[str], labels: Sequence[str]
) -> Iterator[Donors]:
    """Groups that look like donors: of a column of text, or of sample names without their last part.

    They are many, most of those with several samples have more than one class, and they are as small as people's.
    Most values of a column are no numbers, which measure something.
    """
    stems = [match[1] if (match := _STEM.fullmatch(sample)) else "" for sample in sample_ids]
    found = [
        *(Donors.of(donors, labels, "column", name) for name, donors in columns if not _words(name) & _SHARED),
        Donors.of(stems, labels, "stem"),
    ]
    for one in found:
        distinct = set(one.donors) - {""}
        if len(distinct) >= max(FEWEST_DONORS, len(labels) / 4):
            numbers = pd.to_numeric(pd.Series(list(distinct)), errors="coerce")
            if one.column is not None and numbers.notna().mean() > 0.5:
                continue
            sizes = [size for donor, size in Counter(one.donors).items() if donor and size > 1]
            if one.n_spanning > len(sizes) / 2 and np.median(sizes) <= LARGEST_DONOR:
                yield one
