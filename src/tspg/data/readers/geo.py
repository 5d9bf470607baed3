"""Series matrix files of GEO: what they say about the samples, and the table between its first and last line."""

import re
from collections.abc import Collection, Sequence

import pandas as pd

from tspg.data.readers.streams import TextLines
from tspg.errors import ExpressionError
from tspg.utils.names import listed

NAME = "GEO series matrix"
TABLE_END = "!series_matrix_table_end"
_TABLE_BEGIN = "!series_matrix_table_begin"
_SAMPLE = "!Sample_"
_QUOTED = re.compile(r'^"(.*)"$', re.DOTALL)
_NAMES = "geo_accession"
_KEPT = ("title", "source_name_ch1", "source_name_ch2", "description")
_CHARACTERISTICS = ("characteristics_ch1", "characteristics_ch2")


def samples_of_series(lines: TextLines) -> pd.DataFrame:
    """What a series matrix says about each sample, one row per GEO accession; the lines down to the table are taken.

    Characteristics such as `tissue: liver` become a column `tissue`; those without a colon keep their line's name.

    Raises
    ------
    InputError
        Of the kind of `lines`, if no table begins, or a line has not one field for each sample.
    """
    found: list[tuple[str, list[str]]] = []
    while (line := lines.take_line()) is not None and not line.startswith(_TABLE_BEGIN):
        if line.startswith(_SAMPLE):
            key, *cells = line.split("\t")
            found.append((key.removeprefix(_SAMPLE), [_QUOTED.sub(r"\1", cell) for cell in cells]))
    if line is None:
        raise lines.error(
            f"{lines.path}: it starts like a {NAME}, but no line {_TABLE_BEGIN} follows. Download the file again."
        )
    numbers = [str(at) for at in range(len(found[0][1]) if found else 0)]
    accessions = next((cells for key, cells in found if key == _NAMES), numbers)
    columns: dict[str, list[str]] = {}
    for key, cells in found:
        if len(cells) != len(accessions):
            raise lines.error(
                f"{lines.path}: the line {_SAMPLE}{key} has {len(cells):,} fields for {len(accessions):,} samples. "
                "Download the file again."
            )
        if key in _KEPT:
            columns[_free(key, columns)] = cells
    characteristics = _characteristics([(key, cells) for key, cells in found if key in _CHARACTERISTICS], columns)
    return pd.DataFrame(columns | characteristics, index=pd.Index(accessions, dtype=object), dtype=object)


def annotations_of(samples: pd.DataFrame, column_ids: Sequence[str], file: str) -> pd.DataFrame:
    """What a series says about the samples of the table, in its order; without accessions they have it already.

    Raises
    ------
    ExpressionError
        If the table has samples about which the series says nothing.
    """
    if list(samples.index) == [str(at) for at in range(len(column_ids))]:
        return samples.set_axis(pd.Index(column_ids, dtype=object))
    unknown = [name for name in column_ids if name not in samples.index]
    if unknown:
        raise ExpressionError(
            f"{file}: the table has {len(unknown):,} sample(s) that no line {_SAMPLE}{_NAMES} names: "
            f"{listed(unknown)}. Download the file again."
        )
    return samples.loc[list(column_ids)]


def _characteristics(lines: list[tuple[str, list[str]]], taken: Collection[str]) -> dict[str, list[str]]:
    """Lines of `key: value` cells as one column per key; samples may have keys in any order, and lack some.

    Cells without a key are in a column with the name of their line.
    """
    columns: dict[str, list[str]] = {}
    for line, cells in lines:
        keyless = ["" if ":" in cell else cell.strip() for cell in cells]
        if any(keyless):
            columns[_free(line, [*taken, *columns])] = keyless
        for at, cell in enumerate(cells):
            key, colon, value = cell.partition(":")
            if colon and key.strip():
                name = key.strip() if key.strip() not in taken else f"{key.strip()} (characteristic)"
                column = columns.setdefault(name, [""] * len(cells))
                column[at] = f"{column[at]}; {value.strip()}" if column[at] else value.strip()
    return columns


def _free(name: str, taken: Collection[str]) -> str:
    return name if name not in taken else f"{name}.{sum(one.startswith(name) for one in taken)}"
