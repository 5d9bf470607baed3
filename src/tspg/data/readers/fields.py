"""The fields of a line of text: splitting, quotation marks, and what is wrong with a cell."""

import csv
import math
import re
from enum import Enum, auto

import numpy as np
import pyarrow as pa

from tspg.data.readers.table import MISSING_ADVICE, TOO_LARGE
from tspg.errors import ExpressionError, InputError
from tspg.utils.names import shown
from tspg.utils.typing import Float32Array

_QUOTED_FIELD = re.compile(r'"((?:[^"]|"")*)"')
_MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "-", ".", "#n/a"})
_DECIMAL_COMMA = re.compile(r"[+-]?(\d*|\d{1,3}(\.\d{3})+),\d+(E[+-]?\d+)?$", re.IGNORECASE)
_BETWEEN_THOUSANDS = "'\u2019 \u00a0\u2009\u202f"
_THOUSANDS = re.compile(
    rf"[+-]?\d{{1,3}}([{_BETWEEN_THOUSANDS}]\d{{3}}([.,]\d*)?|,\d{{3}}(,\d{{3}}|\.\d*))", re.IGNORECASE
)
_IN_NUMBERS = re.compile(rf"[,_%<>~{_BETWEEN_THOUSANDS}]")
_SEVERAL = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?([,;|][+-]?[\d.]+(e[+-]?\d+)?)+$", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-f]+$", re.IGNORECASE)
_DECIMAL_POINTS = (
    "Change the file: python -c \"import pandas; pandas.read_csv('OLD', sep=None, engine='python', decimal=',', "
    "index_col=0).to_csv('NEW.csv')\"."
)


def is_quoted(header: str, delimiter: str) -> bool:
    """Whether quotation marks are no part of the names: between tabs only if all names have them, as R writes it."""
    cells = [cell for cell in header.split(delimiter) if cell]
    return delimiter != "\t" or all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)


def is_number(cell: str) -> bool:
    """Whether a cell is a number as programs write it; `NA` and `nan` are none."""
    try:
        return "_" not in cell and not math.isnan(float(cell))
    except ValueError:
        return False


class CellKind(Enum):
    """What a cell holds: a number (also a damaged one, such as `1,5`), nothing, or text."""

    NUMBER = auto()
    MISSING = auto()
    TEXT = auto()


def kind_of(cell: str) -> CellKind:
    """What a cell holds, judged by itself."""
    plain = cell.strip()
    if plain.casefold() in _MISSING:
        return CellKind.MISSING
    damaged = plain[:1] in ("=", "#") or _HEXADECIMAL.match(plain) or _SEVERAL.match(plain)
    return CellKind.NUMBER if damaged or is_number(_IN_NUMBERS.sub("", plain)) else CellKind.TEXT


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
            f"{where}: the quotation marks do not fit together ({fault}). A name may not go over several lines: "
            "remove the line breaks between quotation marks."
        ) from fault


def split_name(name: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The two names that one consists of; a name of another form stays whole."""
    pair = pattern.match(name)
    return (pair[1], pair[2] or "") if pair else (name, "")


def parsed(cells: pa.StringArray) -> tuple[Float32Array, int, str]:
    """The cells as float32; if one is no finite number, the position of the first such, and what is wrong with it."""
    try:
        values: Float32Array = cells.cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid:
        low, high = 0, len(cells)
        while high - low > 1:  # the first bad cell by halving
            middle = (low + high) // 2
            try:
                cells.slice(low, middle - low).cast(pa.float32())
                low = middle
            except pa.ArrowInvalid:
                high = middle
        return np.empty(0, np.float32), low, _fault(cells[low].as_py(), is_number=False)
    finite = np.isfinite(values)
    bad = 0 if finite.all() else int(np.argmin(finite))
    return values, bad, "" if finite.all() else _fault(cells[bad].as_py(), is_number=True)


def _fault(cell: str, *, is_number: bool) -> str:
    """What is wrong with a cell, and what to do."""
    plain, quoted = cell.strip(), shown(cell)
    if plain.casefold() in _MISSING:
        return f"the value is missing ({quoted}). {MISSING_ADVICE}"
    if _THOUSANDS.match(plain):
        return f"{quoted} has separators between thousands. Save the file without them."
    if _DECIMAL_COMMA.match(plain):
        return f"{quoted} has a decimal comma. {_DECIMAL_POINTS}"
    if _SEVERAL.match(plain):
        return f"{quoted} is more than one number. Give a table with one number in each cell."
    if cell != plain:
        return f"{quoted} has spaces around the number. Remove them."
    if is_number:
        return f"{quoted} {TOO_LARGE}"
    return f"{quoted} is not a number. Only numbers may follow the row names; correct it or remove other columns."
