"""Gene names matched between gene sets, models and matrices: exact, without Ensembl version, or by symbol."""

import gzip
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tspg.data.naming import listed
from tspg.errors import GeneSetError

EXACT, WITHOUT_VERSION, BY_SYMBOL = "exact", "without version", "Ensembl id to symbol"
# Symbols such as AC012345.1 end in a digit that is part of the name, so only Ensembl ids lose one.
_VERSIONED = re.compile(r"(ENS[A-Z]*[GTP]\d{11})\.\d+(_PAR_Y)?$")
FEWEST_GENES = 10  # with fewer found, a gene set was hardly meant
_FEW = 3


@dataclass(frozen=True)
class GeneMatch:
    """Which columns of a matrix are the wanted genes; `found[i]` is the gene at `positions[i]`."""

    positions: tuple[int, ...]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class SymbolTable:
    """Human Ensembl gene ids and their symbols; several ids may share one symbol."""

    symbol_of: dict[str, str]
    ids_of: dict[str, list[str]]
    protein_coding: frozenset[str]


def match_genes(wanted: Sequence[str], available: Sequence[str], *, name: str = "gene set") -> GeneMatch:
    """Find wanted genes among a matrix's genes, each at most once, in the order of the matrix.

    Tried in turn, each only for genes and columns that are still free: the same text; the same
    Ensembl id once the version is removed; Ensembl id against symbol by the embedded table. Of
    several ids with one symbol the only protein-coding one is taken, else the first in the matrix.

    Raises
    ------
    GeneSetError
        If nothing is found, or if two versions of one wanted gene are in the matrix.
    """
    genes = list(dict.fromkeys(wanted))
    columns = {gene: at for at, gene in enumerate(available)}
    taken = {gene: columns[gene] for gene in genes if gene in columns}
    how = EXACT
    for step, method in ((_without_version, WITHOUT_VERSION), (_by_symbol, BY_SYMBOL)):
        missing = [gene for gene in genes if gene not in taken]
        used = set(taken.values())
        free = {gene: at for gene, at in columns.items() if at not in used}
        more = step(missing, free) if missing and free else {}
        taken |= more
        how = method if more else how
    if not taken:
        raise GeneSetError(_nothing_found(genes, available, name))
    by_position = sorted((at, gene) for gene, at in taken.items())
    return GeneMatch(
        positions=tuple(at for at, _ in by_position),
        found=tuple(gene for _, gene in by_position),
        missing=tuple(gene for gene in genes if gene not in taken),
        how=how,
    )


def possible_match(wanted: Iterable[str]) -> Callable[[str], bool]:
    """A quick test whether a single gene may be one that `match_genes` takes; it never misses one.

    For files with genes in rows, where not all names are known before the last line is read.
    """
    keys = {key for gene in wanted for key in _keys(gene)}
    return lambda gene: not keys.isdisjoint(_keys(gene))


def without_version(gene: str) -> str:
    """An Ensembl id without its version (`ENSG00000223972.5`); any other name as it is."""
    match = _VERSIONED.match(gene)
    return match[1] + (match[2] or "") if match else gene


@cache
def symbol_table() -> SymbolTable:
    """The embedded table of Ensembl ids and symbols, read when first needed."""
    source = resources.files("tspg.data") / "embedded" / "ensembl_symbol.tsv.gz"
    lines = gzip.decompress(source.read_bytes()).decode().split("\n")[1:-1]
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


def is_known_gene(name: str) -> bool:
    """Whether a name is a human gene's symbol or Ensembl id, by the embedded table."""
    table = symbol_table()
    return name in table.ids_of or without_version(name) in table.symbol_of


def _keys(gene: str) -> list[str]:
    bare = without_version(gene)
    symbol = symbol_table().symbol_of.get(bare) if bare.startswith("ENSG") else None
    return [gene, bare] if symbol is None else [gene, bare, symbol]


def _without_version(missing: list[str], free: dict[str, int]) -> dict[str, int]:
    left = _by_bare_name(free)
    taken: dict[str, int] = {}
    for gene in missing:
        if (bare := without_version(gene)) in left:
            taken[gene] = free[_only_version(gene, left.pop(bare))]
    return taken


def _by_symbol(missing: list[str], free: dict[str, int]) -> dict[str, int]:
    table = symbol_table()
    left = _by_bare_name(free)
    taken: dict[str, int] = {}
    for gene in missing:
        bare = without_version(gene)
        others = [table.symbol_of[bare]] if bare in table.symbol_of else table.ids_of.get(gene, [])
        candidates = sorted((other for other in others if other in left), key=lambda other: free[left[other][0]])
        if candidates:
            coding = [other for other in candidates if other in table.protein_coding]
            chosen = coding[0] if len(coding) == 1 else candidates[0]
            taken[gene] = free[_only_version(gene, left.pop(chosen))]
    return taken


def _by_bare_name(free: dict[str, int]) -> dict[str, list[str]]:
    """The columns by their names without version, those of one name in the order of the matrix."""
    columns: dict[str, list[str]] = {}
    for gene in free:
        columns.setdefault(without_version(gene), []).append(gene)
    return columns


def _only_version(gene: str, versions: list[str]) -> str:
    if len(versions) > 1:
        raise GeneSetError(
            f"{gene} is in the expression matrix more than once: {listed(versions)}. Keep one version of each gene."
        )
    return versions[0]


def _nothing_found(genes: list[str], available: Sequence[str], name: str) -> str:
    return (
        f"0 of {len(genes):,} genes of {name} are in the expression matrix. Gene set: "
        f"{', '.join(genes[:_FEW])}. "
        f"Matrix: {', '.join(available[:_FEW])}, … Convert one to the other's identifiers."
    )
