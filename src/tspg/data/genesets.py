"""Gene-set collections in GMT format."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tspg.data.naming import check_characters, closest, listed, shown
from tspg.data.streams import TextLines
from tspg.errors import GeneSetError

MOST_SETS = 100_000
MOST_GENES = 100_000


@dataclass(frozen=True)
class GeneSet:
    """A named list of genes without doubles, in the order of the file.

    `description` is what a GMT file says about it; nothing is made of that, but a gene there is a doubt.

    Examples
    --------
    >>> tspg.GeneSet("MINE", ("TP53", "MYC"))
    GeneSet(name='MINE', genes=('TP53', 'MYC'))
    """

    name: str
    genes: tuple[str, ...]
    description: str = field(default="", repr=False, compare=False)


class GeneSets(Mapping[str, GeneSet]):
    """Gene sets by name, in the order in which they were read.

    They never change, and two collections are the same only if they are one object: what was found for one
    can be remembered by it.

    Examples
    --------
    >>> mine = tspg.GeneSet("A", ("TP53", "MYC"))
    >>> gene_sets = tspg.GeneSets([mine, tspg.GeneSet("B", ("MYC", "BAX"))])
    >>> len(gene_sets), "A" in gene_sets
    (2, True)
    >>> gene_sets.union().genes
    ('TP53', 'MYC', 'BAX')
    """

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, gene_sets: Sequence[GeneSet]) -> None:
        self._by_name = {gene_set.name: gene_set for gene_set in gene_sets}

    def __getitem__(self, name: str) -> GeneSet:
        """The gene set of that name.

        Raises
        ------
        GeneSetError
            If there is none, with the three closest names.
        """
        if name not in self._by_name:
            raise GeneSetError(
                f"there is no gene set {shown(name)} among the {len(self):,} read. "
                f"The closest names are {listed(closest(name, self._by_name))}."
            )
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def union(self, name: str = "all") -> GeneSet:
        """Every gene of every set, in order of first appearance (the paper's "Hallmark All")."""
        genes = tuple(dict.fromkeys(gene for gene_set in self.values() for gene in gene_set.genes))
        return GeneSet(name, genes, next((gene_set.description for gene_set in self.values()), ""))


def read_gene_sets(*paths: str | Path) -> GeneSets:
    """Gene sets of one or several GMT files (plain or gzip), names and genes kept as they are written.

    A line is a name, a description (not used) and genes, with tabs between them.

    Parameters
    ----------
    *paths
        The files; their sets become one collection.

    Raises
    ------
    GeneSetError
        If a line has too few or too many fields, a set has no genes, or a name occurs twice.

    Examples
    --------
    >>> gene_sets = tspg.read_gene_sets("sets.gmt")
    >>> list(gene_sets)
    ['APOPTOSIS', 'CELL_CYCLE']
    >>> gene_sets["APOPTOSIS"].genes
    ('TP53', 'BAX')
    """
    return gene_sets_of(line for path in map(Path, paths) for line in _lines(path))


def _lines(path: Path, what: str = "gene set") -> Iterator[tuple[str, str]]:
    number = 0
    with TextLines(path, GeneSetError) as lines:
        for number, line in lines.numbered_lines():
            yield f"{path}, line {number:,}", line
    if not number:
        raise GeneSetError(f"{path}: the file is empty. It must hold one {what} a line.")


def read_gene_list(path: str | Path) -> tuple[str, ...]:
    """Gene names, one a line, without doubles and in the order of the file.

    Raises
    ------
    GeneSetError
        If the file is missing or holds no gene, or a line has several fields.
    """
    genes: dict[str, None] = {}
    for where, line in _lines(Path(path), "gene"):
        if not line or "\t" in line:
            found = f"several fields: {shown(line)}" if line else "nothing: the line is empty"
            raise GeneSetError(f"{where}: expected one gene, found {found}. Give one gene a line.")
        _check_characters([line], where)
        genes[line] = None
    return tuple(genes)


def gene_sets_of(lines: Iterable[tuple[str, str]]) -> GeneSets:
    """Gene sets of lines in GMT format, each with where it stands."""
    gene_sets: dict[str, GeneSet] = {}
    for where, line in lines:
        _add(gene_sets, line, where)
    return GeneSets(list(gene_sets.values()))


def _add(gene_sets: dict[str, GeneSet], line: str, where: str) -> None:
    gene_set = _gene_set(line, where)
    if gene_set.name in gene_sets:
        raise GeneSetError(f"{where}: gene set {shown(gene_set.name)} was read before. Give every set its own name.")
    if len(gene_sets) >= MOST_SETS:
        raise GeneSetError(f"{where}: more than {MOST_SETS:,} gene sets. Give fewer.")
    gene_sets[gene_set.name] = gene_set


def _gene_set(line: str, where: str) -> GeneSet:
    if not line:
        raise GeneSetError(f"{where}: the line is empty; expected a gene set. Remove the line.")
    fields = line.split("\t")
    name = fields[0]
    if len(fields) < 3:
        raise GeneSetError(
            f"{where}: expected a name, a description and genes between tabs, found {len(fields)} "
            f"field(s): {shown(line)}. "
            "Check that the file is in GMT format."
        )
    if len(fields) - 2 > MOST_GENES:
        raise GeneSetError(
            f"{where}: more than {MOST_GENES:,} genes in gene set {shown(name)}. Check that the file is in GMT format."
        )
    genes = tuple(dict.fromkeys(gene for gene in fields[2:] if gene))
    _check_characters([name, *genes], where)
    if not name or not genes:
        raise GeneSetError(
            f"{where}: gene set {shown(name)} has no {'genes' if name else 'name'}. Correct or remove the line."
        )
    return GeneSet(name, genes, description=fields[1])


def _check_characters(names: Sequence[str], where: str) -> None:
    check_characters(names, what="gene or gene set", file=where, error=GeneSetError)
