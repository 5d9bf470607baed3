"""Gene-set collections, in any of the formats in which they are given away: GMT, GMX, GRP, JSON of MSigDB."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tspg.data.readers.streams import TextLines
from tspg.errors import GeneSetError
from tspg.utils.names import check_characters, closest, listed, shown

MOST_SETS = 100_000
MOST_GENES = 100_000
_GENES_OF_MSIGDB = "geneSymbols"
_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*["{\[])')
_WEIGHTED = re.compile(r"([^,]+),-?\d+(\.\d+)?([eE]-?\d+)?")  # TP53,1.0 as Enrichr writes it
_DESCRIPTION = re.compile(r"(na|n/a|none|null|-|> ?.*|(https?|ftp)://.*|)", re.IGNORECASE)
_SEVERAL = re.compile(r"[,; ]+")
_TWO_NAMES = re.compile(r"\S+ \(\S+\)")  # TSPAN6 (7105) is one gene


@dataclass(frozen=True)
class GeneSet:
    """A named list of genes without doubles, in the order of the file.

    `description` is what a GMT file says about it; nothing is made of that, but a gene there is a doubt. `notes` are
    what to know of how its file was read.

    Examples
    --------
    >>> tspg.GeneSet("MINE", ("TP53", "MYC"))
    GeneSet(name='MINE', genes=('TP53', 'MYC'))
    """

    name: str
    genes: tuple[str, ...]
    description: str = field(default="", repr=False, compare=False)
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)


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

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of how the files were read."""
        return tuple(dict.fromkeys(note for gene_set in self.values() for note in gene_set.notes))

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
        return GeneSet(name, genes, next((gene_set.description for gene_set in self.values()), ""), self.notes)


def read_gene_sets(*paths: str | Path) -> GeneSets:
    """Gene sets of one or several files (plain or gzip), names and genes kept as they are written.

    GMT: a line is a name, a description and genes, with tabs between them; weights of genes (`TP53,1.0`) are left
    out. GMX: the same turned, a set a column. JSON of MSigDB: the `geneSymbols` of every set. GRP: one set, a gene a
    line, called as its file. They are told by their content. Empty lines and lines that start with `#` mean nothing;
    `notes` of what comes back tells what was understood or left out.

    Parameters
    ----------
    *paths
        The files; their sets become one collection. The same set twice, gene for gene, is one.

    Raises
    ------
    GeneSetError
        If a line has too few fields, a set has no genes, or a name occurs twice with other genes.

    Examples
    --------
    >>> gene_sets = tspg.read_gene_sets("sets.gmt")
    >>> list(gene_sets)
    ['APOPTOSIS', 'CELL_CYCLE']
    >>> gene_sets["APOPTOSIS"].genes
    ('TP53', 'BAX')
    """
    return _collection(chain.from_iterable(_read(Path(path)) for path in paths))


def gene_sets_of(text: str, origin: str) -> GeneSets:
    """Gene sets of a text in GMT format."""
    rows = [Row(f"{origin}, line {number:,}", line.split("\t")) for number, line in enumerate(text.splitlines(), 1)]
    return _collection(_of_gmt(rows))


def read_gene_list(path: str | Path) -> tuple[str, ...]:
    """Gene names, one a line, without doubles and in the order of the file; a single line may have commas between them.

    Empty lines and lines that start with `#` mean nothing.

    Raises
    ------
    GeneSetError
        If the file is missing or holds no gene, or a line has several fields.
    """
    path = Path(path)
    rows, _ = _rows(path, _lines(path, "gene"), "gene")
    if len(rows) == 1 and len(rows[0].fields) == 1 and "," in rows[0].fields[0]:
        rows = [Row(rows[0].where, [_unquoted(gene.strip())]) for gene in rows[0].fields[0].split(",") if gene.strip()]
    for where, fields in rows:
        apart = "," if len(fields) == 1 else "\t"
        cells = fields[0].rstrip(",").split(",") if apart == "," else fields
        if len(cells) > 1 or not cells[0]:
            raise GeneSetError(
                f"{where}: expected one gene, found several fields: {shown(apart.join(fields))}. "
                f"Give one gene per line.{_without_other_columns(path, rows[0].fields, apart)}"
            )
        _check_characters(cells, where)
    return tuple(dict.fromkeys(row.fields[0].rstrip(",") for row in rows))


def _without_other_columns(path: Path, first: Sequence[str], apart: str) -> str:
    """The command that makes a list of a table whose first column are the genes."""
    cells = first[0].split(",") if apart == "," else first
    columns = "-d, -f1" if apart == "," else "-f1"
    skipped = "" if any(map(_is_number, cells)) else " | tail -n +2"
    return f" Of a table with the genes in the first column: cut {columns} {path.name}{skipped} > genes.txt"


class Row(NamedTuple):
    """A line that means something: where it stands, and its fields."""

    where: str
    fields: list[str]


class Placed(NamedTuple):
    """A gene set and where it stands."""

    where: str
    gene_set: GeneSet


def _collection(found: Iterable[Placed]) -> GeneSets:
    """Gene sets by name; the same one twice is one."""
    gene_sets: dict[str, GeneSet] = {}
    for where, gene_set in found:
        before = gene_sets.get(gene_set.name)
        if before is None:
            gene_sets[gene_set.name] = gene_set
        elif set(before.genes) != set(gene_set.genes):
            raise GeneSetError(
                f"{where}: gene set {shown(gene_set.name)} occurs twice, with different genes. Rename one of them."
            )
        else:
            note = f"gene set {shown(gene_set.name)} occurs twice with the same genes and was read once"
            gene_sets[gene_set.name] = replace(before, notes=(*before.notes, note))
        if len(gene_sets) > MOST_SETS:
            raise GeneSetError(f"{where}: more than {MOST_SETS:,} gene sets. Give fewer.")
    return GeneSets(list(gene_sets.values()))


def _lines(path: Path, what: str) -> list[tuple[int, str]]:
    with TextLines(path, GeneSetError) as lines:
        found = list(lines.numbered_lines())
    if not any(line.strip() for _, line in found):
        raise GeneSetError(f"{path}: the file is empty. It must hold one {what} per line.")
    return found


def _rows(path: Path, lines: Iterable[tuple[int, str]], what: str) -> tuple[list[Row], list[str]]:
    """The lines that mean something, their fields without quotation marks; and what was left out, in words."""
    rows: list[Row] = []
    comments: list[str] = []
    n_quoted = 0
    for number, line in lines:
        if line.startswith("#"):
            comments.append(line.split("\t")[0])
        elif line.strip():
            fields = line.split("\t")
            plain = [_unquoted(field) for field in fields]
            n_quoted += plain != fields
            rows.append(Row(f"{path}, line {number:,}", plain))
    if not rows:
        raise GeneSetError(
            f"{path}: every line starts with #, so it holds no {what}. Give a file with one {what} per line."
        )
    notes = [f"{len(comments):,} line(s) that start with # were left out: {listed(comments, 3)}"] if comments else []
    return rows, [*notes, *(["quotation marks around names were left out"] if n_quoted else [])]


def _unquoted(field: str) -> str:
    is_quoted = len(field) > 1 and field[0] == field[-1] == '"'
    return field[1:-1].replace('""', '"') if is_quoted else field


def _read(path: Path) -> list[Placed]:
    """The gene sets of a file, by what its content says that it is."""
    lines = _lines(path, "gene set")
    text = "\n".join(line for _, line in lines)
    if _JSON.match(text):
        return _noted(_of_json(path, text), path, ["read as JSON of MSigDB"])
    rows, notes = _rows(path, lines, "gene set")
    widths = [_width(row.fields) for row in rows]
    if _is_gmx(path, rows, widths):
        found, read_as = _of_gmx(rows), ["read as GMX, one gene set per column"]
    elif max(widths) == 1 and len(rows) > 1:
        found = [_of_grp(path, rows, lines)]
        read_as = [f"read as one gene set with one gene per line, called {shown(found[0].gene_set.name)}"]
    else:
        found, read_as = _of_gmt(rows), []
    return _noted(found, path, [*read_as, *notes])


def _noted(found: list[Placed], path: Path, notes: list[str]) -> list[Placed]:
    """The gene sets with what to know of their file; weights and commas among their genes are understood."""
    plain = [_plain_genes(one.gene_set) for one in found]
    notes += list(dict.fromkeys(note for _, note in plain if note))
    told = tuple(f"{path.name}: {note}" for note in notes)
    return [Placed(one.where, replace(gene_set, notes=told)) for one, (gene_set, _) in zip(found, plain, strict=True)]


def _plain_genes(gene_set: GeneSet) -> tuple[GeneSet, str]:
    """The set without weights of its genes; with its genes apart if all are in one field; and which it was."""
    weighted = [_WEIGHTED.fullmatch(gene) for gene in gene_set.genes]
    if any(weighted):
        genes = [gene if match is None else match[1] for gene, match in zip(gene_set.genes, weighted, strict=True)]
        return replace(gene_set, genes=tuple(dict.fromkeys(genes))), "weights of genes (GENE,1.0) were left out"
    if len(gene_set.genes) == 1 and _SEVERAL.search(gene_set.genes[0]) and not _TWO_NAMES.fullmatch(gene_set.genes[0]):
        apart = tuple(dict.fromkeys(filter(None, _SEVERAL.split(gene_set.genes[0]))))
        return replace(gene_set, genes=apart or gene_set.genes), "genes in one field were taken apart"
    return gene_set, ""


def _width(fields: Sequence[str]) -> int:
    """How many fields there are but for empty ones at the end."""
    return max((at for at, field in enumerate(fields, start=1) if field), default=0)


def _is_gmx(path: Path, rows: Sequence[Row], widths: Sequence[int]) -> bool:
    """Whether columns are gene sets: the second line describes them, not the second column."""
    if len(rows) < 3 or max(widths) > widths[0] or not all(rows[0].fields[: widths[0]]):
        return False
    if all(_DESCRIPTION.fullmatch(field) for field in rows[1].fields[: widths[0]]) and any(rows[1].fields):
        return True
    described = (row.fields[1] for row in rows if row.fields[1:])
    return ".gmx" in path.name.lower() and not all(map(_DESCRIPTION.fullmatch, described))


def _of_gmt(rows: Sequence[Row]) -> list[Placed]:
    return [Placed(where, _gene_set(fields, where)) for where, fields in rows]


def _gene_set(fields: list[str], where: str) -> GeneSet:
    if len(fields) < 3:
        raise GeneSetError(
            f"{where}: expected a name, a description and genes between tabs, found {len(fields)} field(s): "
            f"{shown(chr(9).join(fields))}. {_what_separates(fields)}"
        )
    return _checked(fields[0], fields[1], fields[2:], where)


def _what_separates(fields: Sequence[str]) -> str:
    """What to do about a line that is no gene set."""
    line = fields[0]
    for separator, word in ((",", "commas"), (";", "semicolons"), (" ", "blanks")):
        if len(fields) == 1 and line.count(separator) >= 2:
            return f"It has {word} instead. Put tabs between the fields: tr '{separator}' '\\t' < OLD > NEW"
    return "Check that the file is in GMT format, or GMX, GRP or JSON of MSigDB."


def _checked(name: str, description: str, genes: Sequence[str], where: str) -> GeneSet:
    if len(genes) > MOST_GENES:
        raise GeneSetError(
            f"{where}: more than {MOST_GENES:,} genes in gene set {shown(name)}. Check that the file is in GMT format."
        )
    genes = tuple(dict.fromkeys(filter(None, genes)))
    _check_characters([name, *genes], where)
    if not name or not genes:
        raise GeneSetError(
            f"{where}: gene set {shown(name)} has no {'genes' if name else 'name'}. Correct or remove the line."
        )
    return GeneSet(name, genes, description)


def _of_gmx(rows: Sequence[Row]) -> list[Placed]:
    names, descriptions, *genes = (row.fields for row in rows)
    columns = [[fields[at] for fields in genes if at < len(fields)] for at in range(_width(names))]
    where = rows[0].where
    return [
        Placed(f"{where}, column {at + 1:,}", _checked(names[at], "".join(descriptions[at : at + 1]), column, where))
        for at, column in enumerate(columns)
    ]


def _of_grp(path: Path, rows: Sequence[Row], lines: Sequence[tuple[int, str]]) -> Placed:
    """The one set of a list of genes; MSigDB writes its name in the first line and a comment with its page below."""
    for where, fields in rows:
        if _SEVERAL.search(fields[0]) and not _TWO_NAMES.fullmatch(fields[0]):
            _gene_set(fields[:1], where)  # a line of a GMT file that has no tabs
    is_named = len(lines) > 1 and not lines[0][1].startswith("#") and lines[1][1].startswith("#")
    name = rows[0].fields[0] if is_named else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    genes = [row.fields[0] for row in rows[is_named:]]
    return Placed(rows[0].where, _checked(name, "", genes, rows[0].where))


def _of_json(path: Path, text: str) -> list[Placed]:
    """The sets of MSigDB's JSON, or of a plain object of names and lists of genes."""
    try:
        content = json.loads(text, object_pairs_hook=lambda pairs: _without_doubles(path, pairs))
    except (ValueError, RecursionError) as error:
        raise GeneSetError(
            f"{path}: no sound JSON ({error}). Download the file again, or take the GMT file."
        ) from error
    if not isinstance(content, dict) or not content:
        raise GeneSetError(f"{path}: JSON without gene sets by name. Take the GMT file of the collection.")
    found = []
    for name, one in content.items():
        genes = one.get(_GENES_OF_MSIGDB) if isinstance(one, dict) else one
        if not isinstance(genes, list) or not all(isinstance(gene, str) for gene in genes):
            raise GeneSetError(
                f"{path}: gene set {shown(name)} has no list of genes, {_GENES_OF_MSIGDB!r} in MSigDB. "
                "Take the GMT file of the collection."
            )
        found.append(Placed(str(path), _checked(name, "", genes, str(path))))
    return found


def _without_doubles(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        name = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise GeneSetError(f"{path}: {shown(name)} occurs twice. Give every set its own name.")
    return content


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_characters(names: Sequence[str], where: str) -> None:
    check_characters(names, what="gene or gene set", file=where, error=GeneSetError)
