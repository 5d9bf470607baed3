"""The first sheet of an Excel file as tab-separated text, which the strict reader of text reads."""

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tspg.data.readers.unpacking import RATIO_LIMIT, is_bomb
from tspg.errors import InputError, LabelError, TspgError, UsageError
from tspg.utils.names import listed, notes_on_names, shown

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384  # of a sheet; a file may declare any number


def sheet_text(path: Path, error: type[InputError]) -> bytes:
    """The first sheet as UTF-8 text with tabs between fields; numbers in full precision, dates as 2001-03-01.

    Cells are read by value, not as displayed. Empty rows at the end and empty cells beyond the header are dropped.

    Raises
    ------
    InputError
        Of the given kind, if the file is damaged, or holds dates where names are expected: only labels may be dates.
    """
    lines: list[str] = []
    dates: list[str] = []  # names that were turned into dates
    n_fields = 0
    with _opened(path, error) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file declares is often wrong
        for row in sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True):
            fields = "\t".join(map(_text, row)).rstrip("\t").split("\t")
            dates += [_text(cell) for cell in (row[:1] if lines else row) if isinstance(cell, dt.date)]
            n_fields = n_fields or len(fields)
            lines.append("\t".join(fields + [""] * (n_fields - len(fields))) if fields != [""] else "")
    while lines and not lines[-1]:
        lines.pop()
    if dates and not issubclass(error, LabelError):
        changed = notes_on_names(dates, what="gene")[0]
        raise error(f"{path}: {changed} Format their column as text before the names are put in.")
    return "".join(f"{line}\n" for line in lines).encode()


def note_on_sheets(path: Path, error: type[InputError]) -> list[str]:
    """Which sheet was read, if there are several."""
    with _opened(path, error) as book:
        first, *others = [sheet.title for sheet in book.worksheets]
    return [f"the first sheet was read, {shown(first)}; the others were not: {listed(others)}"] if others else []


@contextmanager
def _opened(path: Path, error: type[InputError]) -> Iterator["Workbook"]:
    """The workbook, its size checked first."""
    if find_spec("openpyxl") is None:
        raise UsageError(
            f"{path}: reading Excel files needs openpyxl. Install it: pip install 'tspg[xlsx]'. "
            "Or save the sheet as text (CSV), with gene names formatted as text."
        )
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            declared, stored = sum(one.file_size for one in archive.infolist()), path.stat().st_size
        if is_bomb(declared, stored):  # zipfile never gives more than is declared
            raise error(
                f"{path}: declares {declared:,} bytes in a file of {stored:,}, more than {RATIO_LIMIT} times as many, "
                "as harmful files do. If it is sound, save the sheet as text (CSV)."
            )
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about colours, pictures and other things that are no values
            # A stream, since openpyxl refuses files whose name ends in .xls.
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            if not book.worksheets:
                raise ValueError("there is no sheet")
            yield book
    except (TspgError, MemoryError):
        raise
    except Exception as fault:
        raise error(
            f"{path}: cannot be read as an Excel file ({shown(str(fault))}). Save it again as .xlsx, "
            "or save the sheet as text (CSV), with gene names formatted as text."
        ) from fault


def _text(cell: object) -> str:
    """A cell as text from which a reader makes the same number again."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    return " ".join(str(cell).split("\n")).replace("\t", " ").replace("\r", " ")
