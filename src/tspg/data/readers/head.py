"""What precedes the rows of a text table: comments, Excel's `sep=` line, the header, and what separates fields."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from tspg.data.readers.fields import is_number, is_quoted, split_line
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.streams import TextLines
from tspg.errors import InputError
from tspg.utils.names import shown

_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "spaces"}
_N_ROWS = 50  # that tell what separates fields, and which columns hold text
# A header that starts like this has a name above the row names, so rows that are one field longer are no work of R.
_ABOVE_ROW_NAMES = re.compile(
    r"|index|unnamed: 0|(sample|samp|run|model|cell_?line|barcode|patient|subject)([ ._]?(id|ids|name|names)|s)?|"
    r"(gene|ensembl|hugo|hgnc|entrez|transcript|probe|feature|tracking|target|xena)s?([ ._]?(gene|sample))?"
    r"([ ._]?(id|ids|ref|name|names|symbol|symbols))?|id|id_ref|name|names|symbol|symbols|geneid|genesymbol|"
    r"(hybridization|composite element) ref",
    re.IGNORECASE,
)
_EXCEL = re.compile(r'"?sep=(.)"?[\t,; ]*$', re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """How a table starts: the names of its columns, how its lines are split, and its first rows.

    `header` has as many fields as a row, the first one empty where R has left out the name above the row names. Every
    row has `n_empty` more fields at its end, which are always empty. `notes` tell what was recognised.
    """

    file: str
    line: int  # number of the header
    delimiter: str
    quoted: bool
    header: list[str]
    rows: list[list[str]]  # the first ones, without the empty fields
    n_empty: int
    notes: list[str]

    @property
    def n_fields(self) -> int:
        """Fields in every line below the header."""
        return len(self.header) + self.n_empty


def read_head(lines: TextLines, until: str = "") -> Head:
    """What precedes the rows of a table; the rows stay to be read.

    Parameters
    ----------
    lines
        The table, from its first line on.
    until
        The start of the line that ends the table, if it has one.

    Raises
    ------
    InputError
        Of the kind of `lines`, if no line of column names with several fields is found, or the lines below it have
        another number of fields.
    """
    header, delimiter, notes = _before_the_rows(lines)
    file, line, below = str(lines.path), lines.line - 1, lines.peek(_N_ROWS)
    if until:
        below = list(takewhile(lambda row: not row.startswith(until), below))
    while below and not below[-1].strip(" \t,;"):
        below.pop()
    if delimiter is None:
        content = content_of(lines.path)
        by_ending = "," if content.ending == ".csv" and content.kind != Kind.XLSX else "\t"
        delimiter = _best_delimiter(header, below, by_ending)
        if delimiter != by_ending:
            notes.append(f"the fields are between {_DELIMITERS[delimiter]}")
    quoted = is_quoted(header, delimiter)
    names, *rows = (
        split_line(text, delimiter, quoted, f"{file}, line {number:,}", lines.error)
        for number, text in enumerate([header, *below], line)
    )
    if len(names) == 1 and (not rows or len(rows[0]) != 2 or " " in names[0]):
        raise lines.error(f"{file}, line {line}: {_single_field(header, rows)}")
    names, n_empty, more = _aligned(names, rows, where=f"{file}, line {line + 1:,}", error=lines.error)
    if quoted and delimiter != "," and '"' in header:
        notes.append("names are written in quotation marks; the quotation marks were removed")
    rows = [row[: len(names)] for row in rows]
    return Head(file, line, delimiter, quoted, names, rows, n_empty, [*notes, *more])


def blocks_of_rows(lines: TextLines, until: str = "") -> Iterator[tuple[int, bytes]]:
    """The blocks of whole lines below the header; blank lines at the very end are dropped, any other is refused.

    With `until` they end at the first line that starts so, and there must be one.
    """
    blank_from = 0
    mark = until.encode()
    for number, block in lines.blocks():
        data, found = block, False
        if until:  # at the start of a line
            at = 0 if block.startswith(mark) else block.find(b"\n" + mark) + 1
            found = block.startswith(mark) or at > 0
            data = block[:at] if found else block
        end = len(data.rstrip(b" \t,;\n"))
        if blank_from and end:
            raise lines.error(
                f"{lines.path}, line {blank_from:,}: the line is empty. Remove the line, "
                "or check that the file is complete."
            )
        end = data.index(b"\n", end) + 1 if end else 0
        if end < len(data) and not blank_from:
            blank_from = number + data.count(b"\n", 0, end)
        if end:
            yield number, data[:end]
        if found:
            return
    if until:
        raise lines.error(f"{lines.path}: the table does not end in a line {until}. Download the file again.")


def rows_of(lines: TextLines, head: Head) -> Iterator[tuple[int, list[str]]]:
    """Every row below the header as fields, with the number of its line; for small tables."""
    for first, data in blocks_of_rows(lines):
        for number, line in enumerate(data.decode().split("\n")[:-1], first):
            where = f"{head.file}, line {number:,}"
            fields = split_line(line, head.delimiter, head.quoted, where, lines.error)
            if len(fields) != head.n_fields:
                found = f"{len(fields):,}: {shown(line)}. Correct" if line else "none: the line is empty. Remove"
                raise lines.error(
                    f"{where}: expected {head.n_fields:,} fields as in the header, found {found} the line."
                )
            if any(fields[len(head.header) :]):
                raise lines.error(f"{where}: there is a value in a column that has no name. Name it or remove it.")
            yield number, fields[: len(head.header)]


def _before_the_rows(lines: TextLines) -> tuple[str, str | None, list[str]]:
    """The header, what separates fields if a line says so, and notes."""
    notes: list[str] = []
    delimiter = None
    line = lines.take_line()
    if line and (excel := _EXCEL.match(line)):
        delimiter, line = excel[1], lines.take_line()
        notes.append(f"the line {shown(excel[0])} of Excel was left out")
    comments: list[str] = []
    while line and line.startswith("#"):
        if header := _marked_header(line, comments, lines.peek(2)):
            line = header
            break
        comments.append(line)
        line = lines.take_line()
    if comments:
        plural = "line that starts" if len(comments) == 1 else "lines that start"
        notes.append(f"{len(comments):,} {plural} with # above the header were left out ({shown(comments[0])})")
    if not line:
        found = "there are comment lines only" if comments else "the file is empty or starts with an empty line"
        raise lines.error(f"{lines.path}: {found}. It must start with a line of column names.")
    return line, delimiter, notes


def _marked_header(line: str, comments: list[str], below: list[str]) -> str:
    """The names of columns in a line with #, or nothing: it is the only such line with as many fields as those below.

    If it has one field less, as R writes it, # is part of a name.
    """
    if not below or below[0].startswith("#"):
        return ""
    for delimiter in _DELIMITERS:
        n_ours, n_below = line.count(delimiter), below[0].count(delimiter)
        fits = 0 < n_below == below[-1].count(delimiter) and n_ours in (n_below, n_below - 1)
        if fits and not (delimiter == " " and line.startswith("# ")):
            has_numbers = [any(map(is_number, row.split(delimiter)[1:])) for row in below]
            header_below = has_numbers == [False, True]
            if header_below or any(other.count(delimiter) == n_ours for other in comments):
                return ""
            return line.removeprefix("#").lstrip(" ") if n_ours == n_below else line
    return ""


def _best_delimiter(header: str, below: list[str], by_ending: str) -> str:
    """What splits the header and the lines below into equally many fields; that of the file's ending on a tie."""

    def n_fields(line: str, delimiter: str) -> int:
        if '"' not in line or not is_quoted(header, delimiter):
            return line.count(delimiter) + 1
        try:
            return len(split_line(line, delimiter, True, ""))
        except InputError:
            return 0  # its quotation marks do not fit together

    def merit(delimiter: str) -> tuple[int, bool, int]:
        if delimiter == " " and ("  " in header or any(other in header for other in ",;")):
            return 0, False, 0  # names may hold spaces, and several spaces tell nothing
        if delimiter != "\t" and "\t" in header:
            return 0, False, 0
        n_names, numbers = n_fields(header, delimiter), {n_fields(row, delimiter) for row in below}
        fits = 0
        if len(numbers) == 1 and min(numbers) > 1:
            fits = {0: 2, 1: 1, -1: 1}.get(n_names - min(numbers), 0)
        return (fits, delimiter == by_ending, n_names) if n_names != 1 or fits else (0, False, 0)

    best = max([by_ending, *(one for one in _DELIMITERS if one != by_ending)], key=merit)
    return by_ending if best == " " and not merit(best)[0] else best


def _single_field(header: str, rows: list[list[str]]) -> str:
    """What to do about a header of one field."""
    one = f"one field only ({shown(header)})" if header else "the line is empty"
    if "  " in header.strip():
        return f"{one}: the fields are between several spaces. Use tabs: perl -pe 's/ {{2,}}/\\t/g' OLD > NEW."
    longer = next((at for at, row in enumerate(rows, 1) if len(row) > 1), 0)
    if longer:
        return f"{one}, but more below. If the column names are {longer} line(s) down, delete the lines above them."
    return f"{one}, so there is no column of values. Put tabs or commas between the fields."


def _aligned(
    names: list[str], rows: list[list[str]], *, where: str, error: type[InputError]
) -> tuple[list[str], int, list[str]]:
    """The header made as long as the rows, the number of empty fields at their ends, and notes."""
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        return names, 0, []  # the reader of the rows names the first odd line
    n_names, n_row = len(names), min(lengths)
    named, filled = _n_filled(names), max(map(_n_filled, rows))
    above_row_names = _ABOVE_ROW_NAMES.fullmatch(names[0]) is not None
    if filled <= named <= n_row and named > 1 and (named < n_names or (n_row > n_names and above_row_names)):
        return names[:named], n_row - named, ["the lines end in empty fields, which were left out"]
    if n_row == n_names + 1 and filled == n_row and not above_row_names:
        return ["", *names], 0, ["the header has no name above the row names, as R writes it"]
    if n_row == n_names:
        return names, 0, []
    ends = "The lines below end in empty fields; remove them: sed -E 's/[\t,;]+$//' OLD > NEW."
    advice = "Every column needs one name; check that none is missing and none is too many."
    raise error(
        f"{where}: the header has {n_names:,} fields, the lines below {n_row:,}. "
        f"{ends if filled <= n_names < n_row else advice}"
    )


def _n_filled(fields: list[str]) -> int:
    """The number of fields without the empty ones at the end."""
    return max((at for at, field in enumerate(fields, 1) if field), default=0)
