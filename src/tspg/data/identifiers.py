"""Gene names of gene sets, models and matrices, matched as the same text or as other names of the same gene."""

import gzip
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from itertools import chain
from typing import NamedTuple

from tspg.data.mismatch import POOR, Kind, Mismatch, kind_of, some_of
from tspg.errors import GeneSetError
from tspg.utils.names import listed

EXACT, WITHOUT_VERSION, BY_SYMBOL = "exact", "without version", "Ensembl id to symbol"
BY_PART, BY_ENTREZ, BY_CASE = "part of a name", "Entrez id", "capital letters aside"
ENTREZ_FILE = "entrez_symbol.tsv.xz"
FEWEST_GENES = 10  # with fewer found, the set was hardly meant for this matrix
# Symbols such as AC012345.1 end in a digit that is part of the name, so only Ensembl ids lose one.
_VERSIONED = re.compile(r"(ENS[A-Z]*[GTP]\d{11})\.\d+(_PAR_Y)?$")
_ENSEMBL = r"ENSG\d{11}(?:\.\d+)?"
# TSPAN6 (7105) of DepMap, TSPAN6|7105 and ?|7105 of TCGA, ENSG00000000003.15_TSPAN6 of RSEM
_TWO_NAMES = re.compile(
    rf"(?P<symbol>\S+) \((?P<id>\d+|{_ENSEMBL})\)|(?P<before>[^|\s]+)\|(?P<after>[^|\s]+)"
    rf"|(?P<left>{_ENSEMBL})_(?P<of_left>(?!PAR_Y)[^|\s]+)|(?P<of_right>[^|\s]+)_(?P<right>{_ENSEMBL})"
)
_PREFIXED = re.compile(r"(?:gene[:-]|hsa:)(.+)")  # of Ensembl's and NCBI's GFF files, of KEGG
_UNKNOWN = {None, "?", "NA", "---"}
_LONGEST_NUMBER = 12
_KNOWN = 0.1  # share of names
_FEW_PAIRS = 10
_LARGE = 100_000  # a fifth of Entrez ids are larger; running numbers of genes never are
_FEW = 3


@dataclass(frozen=True)
class GeneMatch:
    """The columns of a matrix that are the wanted genes; `found[i]` is the gene at `positions[i]`.

    `how` names every way in which genes were found, `exact` if that was the only one. `mismatch` is the likely
    reason if hardly any was found.
    """

    positions: tuple[int, ...]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    how: str
    mismatch: Mismatch | None = None


class SymbolTable(NamedTuple):
    """Human Ensembl gene ids and their symbols; several ids may share one symbol."""

    symbol_of: dict[str, str]
    ids_of: dict[str, list[str]]
    protein_coding: frozenset[str]


class EntrezTable(NamedTuple):
    """Human Entrez gene ids, as text, and their symbols, each once."""

    symbol_of: dict[str, str]
    id_of: dict[str, str]


class Names(NamedTuple):
    """The names of a gene within one name.

    `bare` is the name without version, `parts` the names in it that are no numbers, `ensembl` and `entrez` its ids.
    """

    bare: str
    parts: tuple[str, ...]
    ensembl: str | None
    entrez: str | None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names in it, and the symbol of its Ensembl id."""
        symbol = None if self.ensembl is None else symbol_table().symbol_of.get(self.ensembl)
        return self.parts if symbol is None else (*self.parts, symbol)

    @property
    def entrez_ids(self) -> tuple[str, ...]:
        """The Entrez id in it, or else those of its symbols."""
        if self.entrez is not None:
            return (self.entrez,)
        table = entrez_table().id_of
        return tuple(table[symbol] for symbol in self.symbols if symbol in table)

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every name that it may mean, for comparison without capital letters."""
        symbol = None if self.entrez is None else entrez_table().symbol_of.get(self.entrez)
        return self.symbols if symbol is None else (*self.symbols, symbol)

    @property
    def keys(self) -> frozenset[str]:
        """Keys of which two names of one gene share at least one, in whichever way they are matched."""
        if self.ensembl is None and self.parts == (self.bare,):
            return frozenset((self.bare.casefold(),))
        own = self.bare.casefold() if self.entrez is None else self.entrez
        return frozenset((own, *(one.casefold() for one in self.spellings)))


def match_genes(
    wanted: Sequence[str],
    available: "Sequence[str] | AvailableGenes",
    *,
    name: str = "gene set",
    where: str = "the expression matrix",
) -> GeneMatch:
    """The wanted genes among those of a matrix, each at most once, in the order of the matrix.

    Tried in turn, each for genes and columns that are still free: the same text; the same Ensembl id without version;
    Ensembl id and symbol by the embedded table; one of two names in one, such as `TSPAN6 (7105)`; Entrez ids by the
    embedded table; the same without capital letters, if that is a single gene and not only one side is spelled as
    genes of the mouse. Of several ids with one symbol the only protein-coding one is taken, else the first.

    Give `AvailableGenes` if many gene sets are matched. `name` and `where` say in messages whose genes are wanted and
    where they are sought.

    Raises GeneSetError if nothing is found, with the likely reason; or if two versions of one wanted gene are in
    the matrix.
    """
    genes = list(dict.fromkeys(wanted))
    among = available if isinstance(available, AvailableGenes) else AvailableGenes(available)
    taken, ways = among.find(genes)
    if not taken:
        reason = Mismatch(looks_like(genes), among.kind).sentence("the wanted genes", f"those of {where}")
        raise GeneSetError(
            f"0 of {len(genes):,} genes of {name} are in {where}. Wanted: {listed(genes[:_FEW])}. "
            f"There: {listed(among.names[:_FEW])}. {reason}"
        )
    is_poor = len(taken) < POOR * len(genes)
    by_position = sorted((at, gene) for gene, at in taken.items())
    return GeneMatch(
        positions=tuple(at for at, _ in by_position),
        found=tuple(gene for _, gene in by_position),
        missing=tuple(gene for gene in genes if gene not in taken),
        how=", ".join(ways) or EXACT,
        mismatch=Mismatch(looks_like(genes), among.kind) if is_poor else None,
    )


class AvailableGenes:
    """The genes of a matrix, looked up by any of their names; one object serves many gene sets."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.columns = {gene: at for at, gene in enumerate(names)}
        self._known: dict[tuple[str, bool], list[tuple[str, list[str]]]] = {}

    def find(self, wanted: Sequence[str]) -> tuple[dict[str, int], list[str]]:
        """The positions of distinct genes, as far as found, and the ways that were needed: see `match_genes`.

        Raises GeneSetError if two versions of one of them are there.
        """
        taken = {gene: self.columns[gene] for gene in wanted if gene in self.columns}
        if len(taken) == len(wanted) or len(taken) == len(self.columns):
            return taken, []
        used, ways = set(taken.values()), []
        are_ids = 2 * sum(map(_is_number, wanted)) > len(wanted)
        possible: dict[str, dict[str, list[str]]] = {}
        for gene in wanted:
            for way, columns in () if gene in taken else self._ways(gene, are_ids):
                possible.setdefault(way, {})[gene] = columns
        for way in (way for way in WAYS if way in possible):
            asked = {gene: columns for gene, columns in possible[way].items() if gene not in taken}
            if way == BY_CASE:  # only columns that match no other gene
                n_genes = Counter(chain.from_iterable(asked.values()))
                are_alike = _are_of_mouse(wanted) == self._are_of_mouse
                asked = {
                    gene: own for gene, own in asked.items() if are_alike and all(n_genes[one] == 1 for one in own)
                }
            before = len(taken)
            for gene, columns in asked.items():
                self._choose(gene, columns, used, taken)
            ways += [way] if len(taken) > before else []
        return taken, ways

    def _ways(self, gene: str, are_ids: bool) -> list[tuple[str, list[str]]]:
        """The columns that may be a gene, in the order of the matrix, with the way in which they match; cached."""
        known = self._known.get((gene, are_ids))
        if known is None:
            wanted = _names(gene) if are_ids or not _is_number(gene) else Names(gene, (), None, None)
            alike = [one for key in wanted.keys for one in self._by_key.get(key, ())]
            if not alike:  # most genes of a large collection
                self._known[gene, are_ids] = []
                return []
            near = {one: self._trusted_names(one) for one in alike}
            # One symbol does not make one gene of two Ensembl ids.
            apart = wanted.ensembl is None
            near = {one: names for one, names in near.items() if apart or names.ensembl in (None, wanted.ensembl)}
            order = sorted(near, key=self.columns.__getitem__)
            found = {way: [one for one in order if is_one(wanted, near[one])] for way, is_one in _IS_ONE.items()}
            folded = {name.casefold() for name in wanted.spellings}
            spelled = {one: {name for name in near[one].spellings if name.casefold() in folded} for one in order}
            has_one_spelling = len(set().union(*spelled.values())) == 1
            found[BY_CASE] = [one for one in order if spelled[one]] if has_one_spelling else []
            known = []
            for way, columns in found.items():  # the same columns a second time would help no more
                if columns and all(columns != before for _, before in known):
                    known.append((way, columns))
            self._known[gene, are_ids] = known
        return known

    @cached_property
    def kind(self) -> Kind:
        """What most of the names look like."""
        return looks_like(self.names)

    @cached_property
    def _are_of_mouse(self) -> bool:
        return _are_of_mouse(self.names)

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        """The columns by the keys that they share with other names of the same gene."""
        found: dict[str, list[str]] = {}
        for gene in self.columns:
            for key in _names(gene).keys:
                found.setdefault(key, []).append(gene)
        return found

    @cached_property
    def _with_entrez(self) -> frozenset[str]:
        """The columns whose Entrez ids are trusted: they fit the symbols beside them, or are no running numbers."""
        with_id = {gene: names for gene in self.columns if (names := _names(gene)).entrez is not None}
        numbers = [gene for gene, names in with_id.items() if names.entrez == gene]
        symbol_of = entrez_table().symbol_of
        agree = [
            symbol_of[one.entrez] in one.parts for one in with_id.values() if one.parts and one.entrez in symbol_of
        ]
        fits = len(agree) < _FEW_PAIRS or 2 * sum(agree) > len(agree)
        are_ids = 2 * len(numbers) > len(self.columns) and not _are_counted(numbers)
        return frozenset(gene for gene, names in with_id.items() if (are_ids if names.entrez == gene else fits))

    def _trusted_names(self, gene: str) -> Names:
        names = _names(gene)
        return names if names.entrez is None or gene in self._with_entrez else names._replace(entrez=None)

    def _choose(self, gene: str, candidates: Sequence[str], used: set[int], taken: dict[str, int]) -> None:
        """Take one of several columns for a gene: the only protein-coding one, else the first; none if unclear."""
        free = [one for one in candidates if self.columns[one] not in used]
        if len(free) > 1:
            ids = {one: _names(one).ensembl for one in free}
            if None in ids.values():
                return
            coding = [one for one, own in ids.items() if own in symbol_table().protein_coding]
            chosen = coding[0] if len({ids[one] for one in coding}) == 1 else free[0]
            free = [one for one in free if ids[one] == ids[chosen]]
        if len(free) > 1:
            raise GeneSetError(
                f"{gene} is in the expression matrix more than once: {listed(free)}. Keep one version of each gene."
            )
        if free:
            taken[gene] = self.columns[free[0]]
            used.add(taken[gene])


def _id_and_symbol(wanted: Names, column: Names) -> bool:
    symbol_of = symbol_table().symbol_of
    return symbol_of.get(wanted.bare) == column.bare or symbol_of.get(column.bare) == wanted.bare


_IS_ONE: dict[str, Callable[[Names, Names], bool]] = {
    WITHOUT_VERSION: lambda wanted, column: wanted.bare == column.bare,
    BY_SYMBOL: _id_and_symbol,
    BY_PART: lambda wanted, column: not set(wanted.symbols).isdisjoint(column.symbols),
    BY_ENTREZ: lambda wanted, column: not set(wanted.entrez_ids).isdisjoint(column.entrez_ids),
}
WAYS = (*_IS_ONE, BY_CASE)


def possible_match(wanted: Iterable[str]) -> Callable[[str], bool]:
    """A quick test whether `match_genes` may take a gene; it never misses one.

    For files with genes in rows, of which not all names are known before the last line.
    """
    keys = {key for gene in wanted for key in _names(gene).keys}
    return lambda gene: not keys.isdisjoint(_names(gene).keys)


def without_version(gene: str) -> str:
    """An Ensembl id without its version (`ENSG00000223972.5`); any other name unchanged."""
    if not gene.startswith("ENS"):
        return gene
    match = _VERSIONED.match(gene)
    return match[1] + (match[2] or "") if match else gene


@cache
def symbol_table() -> SymbolTable:
    """The embedded table of Ensembl ids and symbols."""
    lines = gzip.decompress(_embedded("ensembl_symbol.tsv.gz")).decode().split("\n")[1:-1]
    symbol_of: dict[str, str] = {}
    ids_of: dict[str, list[str]] = {}
    coding = set()
    for line in lines:
        gene_id, symbol, biotype = line.split("\t")
        symbol_of[gene_id] = symbol
        ids_of.setdefault(symbol, []).append(gene_id)
        if biotype == "protein_coding":
            coding.add(gene_id)
    return SymbolTable(symbol_of, ids_of, frozenset(coding))


@cache
def entrez_table() -> EntrezTable:
    """The embedded table of Entrez ids and symbols."""
    lines = lzma.decompress(_embedded(ENTREZ_FILE)).decode().split("\n")[1:-1]
    symbol_of = dict(line.split("\t") for line in lines)
    return EntrezTable(symbol_of, {symbol: number for number, symbol in symbol_of.items()})


def _embedded(file: str) -> bytes:
    return (resources.files("tspg.data") / "embedded" / file).read_bytes()


def is_known_gene(name: str) -> bool:
    """Whether a name is a human gene's symbol or Ensembl id, by the embedded table."""
    table = symbol_table()
    return name in table.ids_of or without_version(name) in table.symbol_of


@lru_cache(maxsize=1 << 17)  # the genes of a file are asked for several times
def _names(gene: str) -> Names:
    bare = without_version(gene)
    if bare.startswith("ENSG") and bare in symbol_table().symbol_of:
        return Names(bare, (bare,), bare, None)
    if gene.isalnum():
        return Names(gene, (), None, gene) if _is_number(gene) else Names(bare, (bare,), None, None)
    if prefixed := _PREFIXED.fullmatch(gene):
        names = _names(prefixed[1])
        return names._replace(bare=names.ensembl or gene)
    match = _TWO_NAMES.fullmatch(gene)
    two = [] if match is None else [without_version(one) for one in match.groups() if one not in _UNKNOWN]
    ensembl = next((one for one in two if one.startswith("ENSG")), None)
    entrez = next((one for one in two if _is_number(one)), None)
    if ensembl is None and entrez is None:
        return Names(bare, (bare,), None, None)
    return Names(ensembl or bare, tuple(one for one in two if one != entrez), ensembl, entrez)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < _LONGEST_NUMBER


def _are_counted(numbers: Sequence[str]) -> bool:
    """Whether numbers only count the genes of a matrix, all or those that were kept."""
    values = list(map(int, numbers))
    known = sum(number in entrez_table().symbol_of for number in numbers)
    are_running = min(values) <= 1 and max(values) <= len(values)
    return are_running or (max(values) < _LARGE and 2 * known < len(values))


def looks_like(names: Sequence[str]) -> Kind:
    """The kind of most of the names; unknown if they may be symbols and hardly any is one."""
    kind, some = kind_of(names), some_of(names)
    if kind == Kind.NUMBERS:
        known = sum(name in entrez_table().symbol_of for name in some)
        return Kind.ENTREZ if 2 * known > len(some) and not _are_counted([*filter(_is_number, names)]) else kind
    known = sum(any(map(is_known_gene, _names(name).symbols)) for name in some)
    return Kind.UNKNOWN if kind == Kind.SYMBOLS and known < _KNOWN * len(some) else kind


def _are_of_mouse(names: Sequence[str]) -> bool:
    """Whether symbols are spelled as those of the mouse, `Trp53`."""
    return kind_of([part for name in some_of(names) for part in _names(name).parts[:1]]) == Kind.MOUSE
