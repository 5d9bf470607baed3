"""docs/reference/files.md as tests read it: what is said of every column and key, held against real files."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "files.md"
NUMBER = re.compile(r"(number|whole number)(?:, (-?\d+) (?:to (-?\d+)|or more))?")
ROUNDING = 1e-6  # of numbers that networks made in 32 bits


@dataclass(frozen=True)
class Entry:
    """A row of one of the page's tables; words in capitals stand for any name."""

    name: str
    values: str

    def matches(self, name: str) -> bool:
        return re.fullmatch(re.sub(r"[A-Z]{4,}", ".+", re.escape(self.name)), name) is not None

    @property
    def is_exact(self) -> bool:
        return re.search(r"[A-Z]{4,}", self.name) is None

    def objections(self, values: Iterable[Any]) -> Iterator[str]:
        """What the page says otherwise of these values; empty ones are None."""
        for value in values:
            if not self._allows(value):
                yield f"{self.name} is {value!r}; the page says: {self.values}"

    def _allows(self, value: Any) -> bool:
        said = self.values.removesuffix("; may be empty")
        if said == "any" or value is None:
            return said == "any" or said != self.values
        if said in ("text", "list", "yes or no"):
            return isinstance(value, {"text": str, "list": (list, np.ndarray), "yes or no": (bool, np.bool_)}[said])
        if said.startswith("`"):
            return value in [word.strip("`") for word in said.replace("empty", "").split(", ")]
        kind, low, high = NUMBER.fullmatch(said).groups()
        return (
            isinstance(value, (int, float, np.number))
            and (kind == "number" or float(value).is_integer())
            and (low is None or value >= float(low) - ROUNDING)
            and (high is None or value <= float(high) + ROUNDING)
        )


@cache
def documented() -> Mapping[str, tuple[Entry, ...]]:
    """The entries of every file that the page describes column by column or key by key."""
    if not PAGE.is_file():
        pytest.skip("the documentation is part of a checkout")
    sections = re.split(r"^### `(.+?)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    row = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| [^|]*\| [^|]*\|$", flags=re.MULTILINE)
    told = {
        name: re.split(r"^##+ ", text, flags=re.MULTILINE)[0]
        for name, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    for name, text in told.items():
        alike = re.search(r": the columns of `(.+?)`", text)
        told[name] = told[alike[1]] if alike else text
    return {name: tuple(Entry(*found) for found in row.findall(text)) for name, text in told.items()}


def entry_of(file: str, name: str) -> Entry | None:
    """What the page says of a column or key; an exact name goes before one with a word that stands for others."""
    fitting = [entry for entry in documented()[file] if entry.matches(name)]
    return min(fitting, key=lambda entry: (not entry.is_exact, -len(entry.name)), default=None)


def objections_to(file: str, found: Mapping[str, Iterable[Any]]) -> list[str]:
    """Columns or keys of a real file that the page does not name, and values that it does not allow."""
    told = []
    for name, values in found.items():
        entry = entry_of(file, name)
        if entry is None and file == "sweep.tsv" and entry_of("metrics.json", name):
            continue  # held against the page where the run's own file is
        told += [f"{file} has {name!r}; the page does not"] if entry is None else list(entry.objections(values))[:1]
    return told


def columns_of(path: Path) -> dict[str, list[Any]]:
    """The columns of a table, numbers as numbers where the page says so, empty cells of those None."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    found: dict[str, list[Any]] = {}
    for name in table.columns:
        entry = entry_of(path.name, name)
        is_number = entry is not None and NUMBER.match(entry.values)
        found[name] = [(None if cell == "" else float(cell)) if is_number else cell for cell in table[name]]
    return found


def keys_of(path: Path) -> dict[str, list[Any]]:
    """The values of a JSON file under their dotted names."""
    return dict(_flat(json.loads(path.read_text(encoding="utf-8"))))


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, list[Any]]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", [value]


def found_in(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """Tables and JSON files of a folder, as far as the page describes them: their columns or keys, by their names."""
    files = [path for path in sorted([*folder.glob("*"), *folder.glob("model/*")]) if path.name in documented()]
    readers = {".tsv": columns_of, ".json": keys_of}
    return {path.name: readers[path.suffix](path) for path in files if path.suffix in readers}


def assert_as_documented(folder: Path) -> None:
    """Every table and JSON file at the top of a folder, and its model, has the columns, keys and values of the page."""
    tables = {path.name for path in folder.glob("*.tsv")}
    assert tables <= set(documented()), f"the page knows nothing of {tables - set(documented())}"
    told = [told for file, found in found_in(folder).items() for told in objections_to(file, found)]
    assert not told, "\n".join(told)
