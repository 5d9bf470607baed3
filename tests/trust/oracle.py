"""What a text file says, read in the plainest way: no library, no speed, and None for whatever is not plain.

A reader may refuse a file that the oracle can read; what it does read must be what the oracle reads.
"""

import math
import re

Matrix = tuple[list[str], list[str], list[list[float]]]  # names of rows, names of columns, values

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LARGEST = 3.4028236e38
SAMPLE_NAMES = {"sample", "sample_id", "sampleid", "id", "sampid"}


def lines_of(content: bytes) -> list[str] | None:
    """The lines of a text, without byte order mark and Windows line ends."""
    if content[:3] == b"\xef\xbb\xbf":
        content = content[3:]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    text = text.replace("\r\n", "\n")
    if "\r" in text or "\0" in text:
        return None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def fields_of(line: str, delimiter: str) -> list[str] | None:
    """The fields of a line; in CSV, quotation marks hold a field together, and two of them stand for one."""
    if delimiter == "\t":
        return line.split("\t")
    fields, rest = [], line
    while True:
        if rest.startswith('"'):
            field, at = "", 1
            while at < len(rest):
                if rest[at] != '"':
                    field, at = field + rest[at], at + 1
                elif rest[at + 1 : at + 2] == '"':
                    field, at = field + '"', at + 2
                else:
                    break
            if at >= len(rest) or rest[at + 1 : at + 2] not in ("", ","):
                return None
            fields.append(field)
            rest = rest[at + 1 :]
        else:
            field, _, _ = rest.partition(",")
            fields.append(field)
            rest = rest[len(field) :]
        if not rest:
            return fields
        rest = rest[1:]


def are_names(names: list[str]) -> bool:
    """Whether names are there, each once, without control characters."""
    plain = all(name and not any(ord(letter) < 32 or ord(letter) == 127 for letter in name) for name in names)
    return plain and len(set(names)) == len(names)


def number_of(text: str) -> float | None:
    """A decimal number that 32 bits hold."""
    if not NUMBER.fullmatch(text) or not text.isascii():
        return None
    value = float(text)
    return value if math.isfinite(value) and abs(value) < LARGEST else None


def values_of(rows: list[list[str]]) -> list[list[float]] | None:
    """The numbers of a table whose every cell is one."""
    values = [[number_of(cell) for cell in row] for row in rows]
    return None if any(value is None for row in values for value in row) else values  # type: ignore[return-value]


def without_empty_ends(rows: list[list[str]]) -> list[list[str]]:
    """The same without lines at the end that hold nothing, and without fields at the end that nothing stands in."""
    while rows and not any(rows[-1]):
        rows = rows[:-1]
    width = max((at + 1 for row in rows for at, field in enumerate(row) if field), default=0)
    return [row[:width] for row in rows]


def matrix_of(content: bytes, delimiter: str) -> Matrix | None:
    """A table with names of columns above and names of rows before; R leaves the corner out."""
    lines = lines_of(content)
    if lines is None or len(lines) < 2:
        return None
    rows = [fields_of(line, delimiter) for line in lines]
    if any(row is None for row in rows):
        return None
    rows = without_empty_ends([row or [] for row in rows])
    if len(rows) < 2:
        return None
    header, *body = rows
    if len(body[0]) == len(header):
        header = header[1:]
    if not header or any(len(row) != len(header) + 1 for row in body):
        return None
    names, values = [row[0] for row in body], values_of([row[1:] for row in body])
    return (names, header, values) if values and are_names(names) and are_names(header) else None


def gct_of(content: bytes) -> Matrix | None:
    """A GCT 1.2 file: samples x genes, as its sizes say."""
    lines = lines_of(content)
    while lines and not lines[-1].strip("\t"):
        lines = lines[:-1]
    if lines is None or len(lines) < 4 or lines[0].rstrip("\t ") != "#1.2":
        return None
    sizes = lines[1].rstrip("\t ").split("\t")
    if len(sizes) != 2 or not all(re.fullmatch("[0-9]+", size) for size in sizes):
        return None
    samples, rows = lines[2].split("\t")[2:], [line.split("\t") for line in lines[3:]]
    if len(samples) != int(sizes[1]) or len(lines[2].split("\t")) != len(samples) + 2 or len(rows) != int(sizes[0]):
        return None
    if any(len(row) != len(samples) + 2 for row in rows):
        return None
    genes, values = [row[0] for row in rows], values_of([row[2:] for row in rows])
    if not samples or not values or not are_names(genes) or not are_names(samples):
        return None
    return samples, genes, [list(column) for column in zip(*values, strict=True)]


def labels_of(content: bytes) -> dict[str, list[str]] | None:
    """Samples and their labels; the first line names columns if it begins like one that does."""
    lines = lines_of(content)
    if not lines:
        return None
    rows = without_empty_ends([line.split("\t") for line in lines])
    if len(rows) > 1 and len(rows[0]) == len(rows[1]) - 1:  # R names no column of row names
        rows[0] = ["sample", *rows[0]]
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return None
    if rows[0][0].casefold() in SAMPLE_NAMES or len(rows[0]) > 2:
        if not are_names(list(dict.fromkeys(filter(None, rows[0])))):  # one name twice, or none, is told apart
            return None
        rows = rows[1:]
    said = {row[0]: row[1:] for row in rows}  # lines that say the same twice are one
    if not rows or any(said[row[0]] != row[1:] for row in rows) or not are_names(list(said)):
        return None
    return said


def gene_sets_of(content: bytes, called: str = "spoilt") -> dict[str, list[str]] | None:
    """Gene sets, each with its genes once and in order; a file of one gene a line is a set called as the file."""
    lines = [line for line in lines_of(content) or [] if line.strip() and line[0] != "#"]
    rows = [[_unquoted(field) for field in line.split("\t")] for line in lines]
    widths = [len("\t".join("x" if field else "" for field in row).rstrip("\t").split("\t")) for row in rows]
    if (
        len(rows) > 2
        and max(widths) == widths[0]
        and _tells_nothing(rows[1][: widths[0]])
        and all(rows[0][: widths[0]])
    ):
        turned = [[row[at] if at < len(row) else "" for row in rows] for at in range(widths[0])]
        rows = [[name, "", *genes] for name, _, *genes in turned]
    elif len(rows) > 1 and max(widths) == 1:
        if any({" ", ",", ";"} & set(row[0]) for row in rows):
            return None
        rows = [[called, "", *(row[0] for row in rows)]]
    found: dict[str, list[str]] = {}
    for row in rows:
        name, genes = row[0], list(dict.fromkeys(gene for gene in row[2:] if gene))
        if len(row) < 3 or not name or not genes or (name in found and set(found[name]) != set(genes)):
            return None
        plain = [re.sub(r"(?<=[^,]),-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$", "", gene) for gene in genes]
        if plain == genes and len(genes) == 1:
            plain = genes[0].replace(",", " ").replace(";", " ").split() or genes
        found.setdefault(name, list(dict.fromkeys(plain)))
    return found or None


def genes_of(content: bytes) -> list[str] | None:
    """Genes, one a line, or with commas between them in the only line."""
    lines = [line for line in lines_of(content) or [] if line.strip() and line[0] != "#"]
    genes = [_unquoted(line) for line in lines]
    if len(genes) == 1 and "," in genes[0]:
        genes = [_unquoted(part.strip()) for part in genes[0].split(",") if part.strip()]
    genes = [gene.rstrip(",") for gene in genes]
    return list(dict.fromkeys(genes)) if genes and all(gene and not {"\t", ","} & set(gene) for gene in genes) else None


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if len(field) > 1 and field[0] == field[-1] == '"' else field


def _tells_nothing(fields: list[str]) -> bool:
    return any(fields) and all(field.lower() in ("", "na", "n/a", "none", "null", "-") for field in fields)
