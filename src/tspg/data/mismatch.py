"""Why the genes of a gene set and those of a matrix may have different names, and what to do."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

POOR = 0.2  # share of a set's genes; with fewer found the names are probably of another kind
_MOST_LOOKED_AT = 1_000


class Kind(StrEnum):
    """The kinds of gene names."""

    SYMBOLS = "symbols"
    LOWER_CASE = "lower_case"
    MOUSE = "mouse_symbols"
    ENSEMBL = "ensembl"
    OTHER_ENSEMBL = "ensembl_of_another_species"
    TRANSCRIPTS = "transcripts"
    ENTREZ = "entrez"
    NUMBERS = "numbers"
    PROBES = "probes"
    PROTEINS = "proteins"
    WEIGHTED = "weighted"
    SEVERAL = "several_in_one"
    UNKNOWN = "unknown"


# How each kind looks in words, and what a whole name must fit; the first that it fits is its kind.
_LOOKS = {
    Kind.WEIGHTED: ("genes with a weight behind a comma", r"[^,]+,-?\d+(\.\d+)?(e-?\d+)?"),
    Kind.NUMBERS: ("numbers", r"\d+(\.0)?"),
    Kind.TRANSCRIPTS: ("transcripts, not genes", r"(ENS[A-Z]*T\d{11}|[NX][MR]_\d+)(\.\d+)?(\|.*)?"),
    Kind.ENSEMBL: ("human Ensembl ids", r"ENSG\d{11}.*"),
    Kind.OTHER_ENSEMBL: ("gene ids of another species", r"(ENS[A-Z]{3,4}G\d{11}|FBgn\d{7}|WBGene\d{8}).*"),
    Kind.PROBES: ("probes of an array", r".+_at|ILMN_\d+|A_\d+_P\d+|TC\d{8,}.*|cg\d{8}"),
    Kind.PROTEINS: (
        "UniProt accessions of proteins",
        r"([OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d([A-Z][A-Z0-9]{2}\d){1,2})(-\d+)?(_HUMAN)?|\w+_HUMAN",
    ),
    Kind.SEVERAL: ("several genes in one field", r".*\S[,;]\s*\S.*|\S+\s+[^\s(].*"),
    Kind.SYMBOLS: ("gene symbols", r"C(\d+|X|Y)orf\d+.*"),
    # Gapdh, Trp53, B2m, mt-Co1, 4930402H24Rik; fly and worm genes fit as well
    Kind.MOUSE: ("mouse symbols", r"[A-Z][A-Z0-9]?[0-9]*[a-z][a-z0-9.\-]*|mt-[A-Z][a-z0-9]+|\d+[A-Z]\d+Rik"),
    Kind.LOWER_CASE: ("names in lower case", r"[a-z][a-z0-9.\-]{2,}"),
    Kind.ENTREZ: ("human Entrez ids", None),
    Kind.UNKNOWN: ("no names of human genes", None),
}
_PATTERNS = {kind: re.compile(pattern) for kind, (_, pattern) in _LOOKS.items() if pattern is not None}

_TWO_SPECIES = (
    "Give both of one species: MSigDB has its collections for human (Hs) and mouse (Mm), and Ensembl BioMart "
    "changes one to the other."
)
_UNDERSTOOD = {Kind.SYMBOLS, Kind.LOWER_CASE, Kind.ENSEMBL, Kind.ENTREZ}  # matched with each other
_SAME_KIND = "Give both the same kind of names, of one species."
_STEPS = {  # the first that fits either side
    Kind.TRANSCRIPTS: "Add transcripts up to genes first, for instance with tximport in R.",
    Kind.PROBES: "Change the probes to gene symbols with the table of the array (its GPL page at GEO).",
    Kind.PROTEINS: "Change them to gene symbols at uniprot.org/id-mapping.",
    Kind.WEIGHTED: "Leave the weights out.",
    Kind.SEVERAL: "Put a tab between the genes of a set, and give a list one gene per line.",
    Kind.NUMBERS: "Numbers are understood as human Entrez ids where most are known; else give symbols or Ensembl ids.",
    Kind.MOUSE: _TWO_SPECIES,
    Kind.OTHER_ENSEMBL: _TWO_SPECIES,
}


def kind_of(names: Sequence[str]) -> Kind:
    """The kind of most of the names; symbols if no other kind is half of them."""
    kinds = Counter(map(_kind, some_of(names)))
    kind, count = kinds.most_common(1)[0] if kinds else (Kind.SYMBOLS, 0)
    return kind if 2 * count >= kinds.total() else Kind.SYMBOLS


def some_of(names: Sequence[str]) -> Sequence[str]:
    """Up to a thousand names, evenly spaced."""
    return names[:: 1 + len(names) // _MOST_LOOKED_AT]


@lru_cache(maxsize=1 << 16)  # thousands of gene sets share their genes
def _kind(name: str) -> Kind:
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(name)), Kind.SYMBOLS)


@dataclass(frozen=True)
class Mismatch:
    """The kinds of the wanted genes and of those of a matrix: the likely reason why few are found."""

    wanted: Kind
    available: Kind

    @property
    def differ(self) -> bool:
        """Whether both sides look like different kinds of names."""
        return self.wanted != self.available

    def looks(self, ours: str = "the gene set's genes", theirs: str = "those of the matrix") -> str:
        """What both sides look like, as a sentence."""
        if not self.differ:
            return f"Both look like {_LOOKS[self.wanted][0]}."
        looks = f"{ours} look like {_LOOKS[self.wanted][0]}, {theirs} like {_LOOKS[self.available][0]}."
        return f"{looks[:1].upper()}{looks[1:]}"

    @property
    def step(self) -> str:
        """What to do, as a sentence."""
        if not self.differ or {self.wanted, self.available} <= _UNDERSTOOD:
            matched = "Such names are matched with each other, so check" if self.differ else "Check"
            return f"{matched} that both are of one species, and that no gene was left out."
        if self.available == Kind.UNKNOWN:
            return "Check that the matrix has its genes where they should be: with genes in rows, say --transpose."
        return next((step for kind, step in _STEPS.items() if kind in (self.wanted, self.available)), _SAME_KIND)

    def sentence(self, ours: str = "the gene set's genes", theirs: str = "those of the matrix") -> str:
        """The likely reason and what to do."""
        return f"{self.looks(ours, theirs)} {self.step}"
