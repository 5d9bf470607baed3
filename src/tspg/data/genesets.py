"""Gene-set collections in the formats in which they are distributed: GMT, GMX, GRP and JSON of MSigDB."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tspg.data.readers.fields import is_number
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
_OTHER_SEPARATORS = {",": "commas", ";": "semicolons", " ": "blanks"}
_TWO_NAMES = re.compile(r"\S+ \(\S+\)")  # TSPAN6 (7105) is one gene


@dataclass(frozen=True)
class GeneSet:
    """A named list of unique genes, in the order of the file.

    `description` is that of a GMT file; it is not used, but a gene there is a warning. `notes` are on how its file was
    read.

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

    They never change. Two collections are equal only if they are one object, so that results can be cached by it.

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
        """Notes on how the files were read."""
        return tuple(dict.fromkeys(note for gene_set in self.values() for note in gene_set.notes))

    def __getitem__(self, name: str) -> GeneSet:
        """The gene set of that name; GeneSetError with the closest names if there is none."""
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
        """The genes of all sets, in order of first appearance (the paper's "Hallmark All")."""
        genes = tuple(dict.fromkeys(chain.from_iterable(gene_set.genes for gene_set in self.values())))
        return GeneSet(name, genes, next((gene_set.description for gene_set in self.values()), ""), self.notes)


def read_gene_sets(*paths: str | Path) -> GeneSets:
    """Gene sets of one or several files (plain or gzip), names and genes as they are written.

    The format is recognised by the content. GMT: a line is a name, a description and genes, with tabs between them;
    weights of genes (`TP53,1.0`) are left out. GMX: the same transposed, one set per column. JSON of MSigDB: the
    `geneSymbols` of every set. GRP: one set, one gene per line, named after the file. Empty lines and lines that start
    with `#` are skipped. The result's `notes` say what was interpreted or left out.

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
    return _collection(located for path in paths for located in _read(Path(path)))


def gene_sets_of(text: str, origin: str) -> GeneSets:
    """Gene sets of a text in GMT format."""
    rows = [Row(f"{origin}, line {number:,}", line.split("\t")) for number, line in enumerate(text.splitlines(), 1)]
    return _collection(_parse_gmt(rows))


def read_gene_list(path: str | Path) -> tuple[str, ...]:
    """Unique gene names in the order of the file: one per line, or in a single line with commas between them.

    Empty lines and lines that start with `#` are skipped.

    Raises GeneSetError if the file is missing or holds no gene, or a line has several fields.
    """
    path = Path(path)
    rows, _ = _rows(path, _lines(path, "gene"), "gene")
    if len(rows) == 1 and len(rows[0].fields) == 1 and "," in rows[0].fields[0]:
        rows = [Row(rows[0].where, [_unquoted(gene.strip())]) for gene in rows[0].fields[0].split(",") if gene.strip()]
    for where, fields in rows:
        separator = "," if len(fields) == 1 else "\t"
        cells = fields[0].rstrip(",").split(",") if separator == "," else fields
        if len(cells) > 1 or not cells[0]:
            first = rows[0].fields[0].split(",") if separator == "," else rows[0].fields
            columns = "-d, -f1" if separator == "," else "-f1"
            skipped = "" if any(map(is_number, first)) else " | tail -n +2"
            raise GeneSetError(
                f"{where}: expected one gene, found several fields: {shown(separator.join(fields))}. Give one gene per "
                f"line. Of a table with the genes in the first column: cut {columns} {path.name}{skipped} > genes.txt"
            )
        _check_characters(cells, where)
    return tuple(dict.fromkeys(row.fields[0].rstrip(",") for row in rows))


class Row(NamedTuple):
    """A line with content: where it is, and its fields."""

    where: str
    fields: list[str]


class Located(NamedTuple):
    """A gene set and where it is."""

    where: str
    gene_set: GeneSet


def _collection(found: Iterable[Located]) -> GeneSets:
    """Gene sets by name; the same one twice is one."""
    gene_sets: dict[str, GeneSet] = {}
    for where, gene_set in found:
        before = gene_sets.setdefault(gene_set.name, gene_set)
        if before is not gene_set:
            if set(before.genes) != set(gene_set.genes):
                raise GeneSetError(
                    f"{where}: gene set {shown(gene_set.name)} occurs twice, with different genes. Rename one of them."
                )
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
    """The lines with content, their fields without quotation marks; and notes on what was left out."""
    rows: list[Row] = []
    comments: list[str] = []
    n_quoted = 0
    for number, line in lines:
        fields = line.split("\t")
        if line.startswith("#"):
            comments.append(fields[0])
        elif line.strip():
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


def _read(path: Path) -> list[Located]:
    """The gene sets of a file in the format that its content has, with notes on how it was read."""
    lines = _lines(path, "gene set")
    text = "\n".join(line for _, line in lines)
    is_json = _JSON.match(text) is not None
    rows, notes = ([], []) if is_json else _rows(path, lines, "gene set")
    # The number of fields without empty ones at the end.
    widths = [max((at for at, field in enumerate(row.fields, start=1) if field), default=0) for row in rows]
    if is_json:
        found, read_as = _parse_json(path, text), ["read as JSON of MSigDB"]
    elif _is_gmx(path, rows, widths):
        found, read_as = _parse_gmx(rows, widths[0]), ["read as GMX, one gene set per column"]
    elif max(widths) == 1 and len(rows) > 1:
        found = [_parse_grp(path, rows, lines)]
        read_as = [f"read as one gene set with one gene per line, called {shown(found[0].gene_set.name)}"]
    else:
        found, read_as = _parse_gmt(rows), []
    plain = [_plain_genes(one.gene_set) for one in found]
    of_genes = dict.fromkeys(note for _, note in plain if note)
    of_file = tuple(f"{path.name}: {note}" for note in (*read_as, *notes, *of_genes))
    return [
        Located(one.where, replace(gene_set, notes=of_file)) for one, (gene_set, _) in zip(found, plain, strict=True)
    ]


def _plain_genes(gene_set: GeneSet) -> tuple[GeneSet, str]:
    """The set with weights left out, or genes in one field split; and a note on it."""
    weighted = [_WEIGHTED.fullmatch(gene) for gene in gene_set.genes]
    if any(weighted):
        genes = [gene if match is None else match[1] for gene, match in zip(gene_set.genes, weighted, strict=True)]
        return replace(gene_set, genes=tuple(dict.fromkeys(genes))), "weights of genes (GENE,1.0) were left out"
    if len(gene_set.genes) == 1 and _has_several(gene_set.genes[0]):
        split = tuple(dict.fromkeys(filter(None, _SEVERAL.split(gene_set.genes[0]))))
        return replace(gene_set, genes=split or gene_set.genes), "genes in one field were taken apart"
    return gene_set, ""


def _has_several(field: str) -> bool:
    return bool(_SEVERAL.search(field)) and not _TWO_NAMES.fullmatch(field)


def _is_gmx(path: Path, rows: Sequence[Row], widths: Sequence[int]) -> bool:
    """Whether columns are gene sets: the second line describes them, not the second column."""
    if len(rows) < 3 or max(widths) > widths[0] or not all(rows[0].fields[: widths[0]]):
        return False
    if all(_DESCRIPTION.fullmatch(field) for field in rows[1].fields[: widths[0]]) and any(rows[1].fields):
        return True
    described = (row.fields[1] for row in rows if row.fields[1:])
    return ".gmx" in path.name.lower() and not all(map(_DESCRIPTION.fullmatch, described))


def _parse_gmt(rows: Sequence[Row]) -> list[Located]:
    found = []
    for where, fields in rows:
        if len(fields) < 3:
            raise _no_gmt(where, fields)
        found.append(Located(where, _checked(fields[0], fields[1], fields[2:], where)))
    return found


def _no_gmt(where: str, fields: Sequence[str]) -> GeneSetError:
    """The error about a line with too few fields, with the step that helps."""
    step = "Check that the file is in GMT format, or GMX, GRP or JSON of MSigDB."
    separator = next((one for one in _OTHER_SEPARATORS if len(fields) == 1 and fields[0].count(one) >= 2), None)
    if separator is not None:
        word = _OTHER_SEPARATORS[separator]
        step = f"It has {word} instead. Put tabs between the fields: tr '{separator}' '\\t' < OLD > NEW"
    return GeneSetError(
        f"{where}: expected a name, a description and genes between tabs, found {len(fields)} field(s): "
        f"{shown(chr(9).join(fields))}. {step}"
    )


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


def _check_characters(names: Sequence[str], where: str) -> None:
    check_characters(names, what="gene or gene set", file=where, error=GeneSetError)


def _parse_gmx(rows: Sequence[Row], n_sets: int) -> list[Located]:
    where, (names, descriptions, *genes) = rows[0].where, (row.fields for row in rows)
    found = []
    for at in range(n_sets):
        column = [fields[at] for fields in genes if at < len(fields)]
        gene_set = _checked(names[at], "".join(descriptions[at : at + 1]), column, where)
        found.append(Located(f"{where}, column {at + 1:,}", gene_set))
    return found


def _parse_grp(path: Path, rows: Sequence[Row], lines: Sequence[tuple[int, str]]) -> Located:
    """The one set of a list of genes; MSigDB writes its name in the first line and a comment with its page below."""
    for where, fields in rows:
        if _has_several(fields[0]):  # a line of a GMT file that has no tabs
            raise _no_gmt(where, fields[:1])
    is_named = len(lines) > 1 and not lines[0][1].startswith("#") and lines[1][1].startswith("#")
    name = rows[0].fields[0] if is_named else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    genes = [row.fields[0] for row in rows[is_named:]]
    return Located(rows[0].where, _checked(name, "", genes, rows[0].where))


def _parse_json(path: Path, text: str) -> list[Located]:
    """The sets of MSigDB's JSON, or of a plain object of names and lists of genes."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for name, value in pairs:
            if name in content:
                raise GeneSetError(f"{path}: {shown(name)} occurs twice. Give every set its own name.")
            content[name] = value
        return content

    try:
        content = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise GeneSetError(
            f"{path}: the JSON is damaged ({error}). Download the file again, or take the GMT file."
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
        found.append(Located(str(path), _checked(name, "", genes, str(path))))
    return found
