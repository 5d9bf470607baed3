"""The table of all runs of a sweep as text: numbers stay as each run spells them, so millions are not spelled anew."""

import json
import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from tspg.utils.files import whole_file

_AS_SPELLED = json.JSONDecoder(parse_float=str.encode, parse_int=str.encode)
_NEEDS_QUOTES = re.compile(r'["\t\r\n]')


class Rows:
    """Rows of nested values; each value has a column under its dotted name, in the order of its first appearance.

    The columns of `last`, a key of the rows, come behind all others.
    """

    def __init__(self, last: str) -> None:
        self._last = f"{last}."
        self._names: dict[tuple[object, ...], list[str]] = {}  # the columns of all rows of one shape
        self._rows: list[tuple[list[str], bytes | list[bytes]]] = []

    def add(self, about: Mapping[str, Any], content: str) -> None:
        """Add a row of some values and of what a JSON object holds; a list in either becomes JSON.

        Raises
        ------
        ValueError, TypeError
            If it is no JSON object.
        """
        row = {**about, **_AS_SPELLED.decode(content)}
        shape: list[object] = []
        cells: list[bytes] = []
        _take(row, shape, cells)
        key, line = tuple(shape), b"\t".join(cells)
        if key not in self._names:
            self._names[key] = list(_names(row))
        has_tabs = line.count(b"\t") >= len(cells)  # inside cells: it cannot be taken apart again
        self._rows.append((self._names[key], cells if has_tabs else line))

    @property
    def columns(self) -> list[str]:
        """The columns of all rows."""
        found = dict.fromkeys(name for names in self._names.values() for name in names)
        return sorted(found, key=lambda name: name.startswith(self._last))

    def write(self, path: Path) -> None:
        """Write the table whole, as `write_table` does; what a row does not have is empty."""
        with whole_file(path) as temporary, temporary.open("wb") as stream:
            stream.writelines(self._lines())

    def _lines(self) -> Iterator[bytes]:
        columns = self.columns
        yield "\t".join(map(_quoted, columns)).encode() + b"\n"
        orders = {}
        for names in self._names.values():
            place = {name: at for at, name in enumerate(names)}
            orders[id(names)] = itemgetter(*(place.get(column, len(names)) for column in columns))
        for names, row in self._rows:
            if names == columns and isinstance(row, bytes):
                yield row + b"\n"
            else:
                cells = row.split(b"\t") if isinstance(row, bytes) else row
                yield b"\t".join(orders[id(names)]([*cells, b""])) + b"\n"


def _take(level: Mapping[str, Any], shape: list[object], cells: list[bytes]) -> None:
    """Add the cells of an object, and its keys with their place among all cells."""
    shape.append((len(cells), *level))
    for value in level.values():
        kind = type(value)
        if kind is bytes:
            cells.append(value)
        elif kind is dict:
            _take(value, shape, cells)
        else:
            cells.append(_text(value).encode())


def _names(level: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in level.items():
        if type(value) is dict:
            yield from _names(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = json.dumps(value, ensure_ascii=False, default=json.loads)  # numbers as they are spelled
    return _quoted(str(value))


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if _NEEDS_QUOTES.search(text) else text
