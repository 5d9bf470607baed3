"""The fields of a line of text: splitting, quotation marks, and what is wrong with a cell."""

import csv
import math
import re

from tspg.data.naming import shown
from tspg.data.table import MISSING_ADVICE, TOO_LARGE
from tspg.errors import ExpressionError, InputError

_QUOTED_FIELD = re.compile(r'"((?:[^"]|"")*)"')
_MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "-", ".", "#n/a"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+$")


def is_quoted(header: str, delimiter: str) -> bool:
    """Whether quotation marks are no part of the names: between tabs only where all of the header has them (R)."""
    cells = [cell for cell in header.split(delimiter) if cell]
    return delimiter != "\t" or all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)


def is_number(cell: str) -> bool:
    """Whether a cell is a number as programs write it; `NA` and `nan` are none."""
    try:
        return "_" not in cell and not math.isnan(float(cell))
    except ValueError:
        return False


def split_line(
    line: str, delimiter: str, quoted: bool, where: str, error: type[InputError] = ExpressionError
) -> list[str]:
    """The fields of one line, quotation marks removed where the format has them."""
    if not quoted or '"' not in line:
        return line.split(delimiter)
    name = _QUOTED_FIELD.match(line)
    if name and '"' not in line[name.end() :] and line[name.end() : name.end() + 1] == delimiter:
        return [name[1].replace('""', '"'), *line[name.end() + 1 :].split(delimiter)]
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as fault:
        raise error(
            f"{where}: the quotation marks do not fit together ({fault}). A name may not go over several lines."
        ) from fault


def cell_fault(cell: str, *, is_number: bool = False) -> str:
    """What is wrong with a cell, and what to do, in words."""
    if cell.strip().lower() in _MISSING:
        return f"the value is missing ({shown(cell)}). {MISSING_ADVICE}"
    if _DECIMAL_COMMA.match(cell.strip()):
        return f"{shown(cell)} has a decimal comma. Save the file with decimal points."
    if cell != cell.strip():
        return f"{shown(cell)} has blanks around the number. Remove them."
    if is_number:
        return f"{shown(cell)} {TOO_LARGE}"
    return f"{shown(cell)} is not a number. Only numbers may follow the row names; remove other columns."
