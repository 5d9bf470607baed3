"""Which files hold one sample each: those of a folder, or those that a table (a sheet) names."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from tspg.data.readers.fields import is_quoted, split_line
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.layouts import SAMPLE_LAYOUTS, SampleFormat, sample_format
from tspg.data.readers.sample_files import SampleFile, joined
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Table
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import check_names, closest, listed, shown

_FILE_COLUMNS = ("file", "path", "filename", "file_name", "filepath", "file_path", "files", "full_path")
_SAMPLE_COLUMNS = (
    *("sample_id", "sample", "sampleid", "samples", "sample_name", "samplename", "sample_barcode", "sampid"),
    *("barcode", "aliquot", "library", "run", "accession", "id", "name", "names"),
)
_FOLDER_COLUMNS = ("file_id", "id", "file_uuid")  # GDC's client puts each file into a folder of that name
_NOT_SAMPLES = (".md5", ".log", ".parcel", ".summary", ".json", ".html", ".pdf")


def is_sheet(head: bytes, folder: Path) -> bool:
    """Whether a text begins as a table that names files: a column with such a name, and in it what may be paths.

    A matrix may have samples with such names, but nothing else in it than numbers.
    """
    lines = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")[:-1]
    if len(lines) < 2:
        return False
    header, *rows = ([cell.strip('"') for cell in line.split(_delimiter(lines[0]))] for line in lines[:20])
    at = _column(header, _FILE_COLUMNS)
    if at is None:
        return False
    rows = [row for row in rows if len(row) == len(header) and not _is_number(row[at]) and set(row[at]) & set("./")]
    return any(_is_file(folder / row[at]) or not all(map(_is_number, row[:at] + row[at + 1 :])) for row in rows)


def open_sheet(path: Path, *, value: str | None, sample_column: str | None, elsewhere: bool = False) -> Table:
    """Open the files that a table names, one line per sample; its other columns describe the samples.

    With `elsewhere`, `sample_column` may be a column of the labels file alone.

    Raises
    ------
    ExpressionError
        If a file is not there or none that holds one sample, or a sample has two.
    UsageError
        If the table has no column `sample_column`.
    """
    sheet = _read(path, sample_column, elsewhere=elsewhere)
    forms = []
    for line, one in enumerate(sheet.files, 2):
        form = _format_of(one)
        if form is None:
            known = listed([layout.name for layout in SAMPLE_LAYOUTS], len(SAMPLE_LAYOUTS))
            raise ExpressionError(
                f"{path}, line {line:,}: {one} is no file with the genes of one sample. Known are {known}."
            )
        forms.append(form)
    names = sheet.samples or _names(list(zip(sheet.files, forms, strict=True)))
    check_names(sorted({*names}), what="sample", file=str(path), error=ExpressionError)
    table = joined(list(map(SampleFile, sheet.files, names, forms)), path, value=value)
    table.annotations = sheet.others.set_axis(pd.Index(names, dtype=object), axis=0)
    table.sample_column = sheet.column
    named_by = f"the column {shown(sheet.column)} of the sheet" if sheet.samples else "their files"
    table.notes.append(f"samples are named by {named_by}")
    several = [name for name in names if ", " in name]
    if several:
        table.notes.append(f"{len(several):,} line(s) of the sheet name several samples: {listed(several)}")
    return table


def open_folder(path: Path, *, value: str | None) -> Table:
    """Open all files of one sample each in a folder, and one level down in folders of it.

    Raises
    ------
    ExpressionError
        If there are none, or files of several kinds.
    """
    candidates = [one for one in files_in(path) if not one.name.lower().endswith(_NOT_SAMPLES)]
    by_layout: dict[str, list[tuple[Path, SampleFormat]]] = defaultdict(list)
    for one in candidates:
        if (form := _format_of(one)) is not None:
            by_layout[form.layout.name].append((one, form))
    # What may be another table as well, and transcripts, count only where nothing else is.
    sure = {layout.name for layout in SAMPLE_LAYOUTS if layout.alone and layout.columns[0] != "transcript_id"}
    layouts = [name for name in by_layout if name in sure] or list(by_layout)
    if not layouts:
        raise ExpressionError(
            f"{path}: no file in this folder holds the genes of one sample (such as "
            f"{listed([layout.name for layout in SAMPLE_LAYOUTS[:4]])}). Give the file with the matrix."
        )
    if len(layouts) > 1:
        counted = ", ".join(f"{len(by_layout[name]):,} of {name}" for name in layouts)
        raise ExpressionError(
            f"{path}: the folder holds files of several kinds ({counted}). Put those of one kind into a folder of "
            "their own, or name them in a table with a column 'file'."
        )
    known = by_layout[layouts[0]]
    files = [SampleFile(one, name, form) for (one, form), name in zip(known, _names(known), strict=True)]
    table = joined(files, path, value=value)
    others = sorted(one.name for one in {*candidates} - {one.path for one in files})
    if others:
        table.notes.append(f"{len(others):,} other file(s) in the folder were not read: {listed(others)}")
    return table


def files_in(folder: Path) -> list[Path]:
    """The files of a folder and of folders in it, by name, without hidden ones and links that lead nowhere."""
    inside = [one for one in folder.iterdir() if not one.name.startswith(".")]
    below = [one for each in inside if each.is_dir() for one in each.iterdir() if not one.name.startswith(".")]
    return sorted(one for one in [*inside, *below] if one.is_file())


def input_files(path: Path) -> list[Path]:
    """The files that an expression file or folder consists of: itself, the files in it, or those that it names."""
    content = content_of(path)
    if content.kind == Kind.FOLDER:
        return files_in(path)
    named = content.kind == Kind.TEXT and is_sheet(content.head, path.parent)
    return [path, *(_read(path, None).files if named else [])]


def _format_of(path: Path) -> SampleFormat | None:
    content = content_of(path)
    return sample_format(content.head) if content.kind == Kind.TEXT else None


def _names(known: Sequence[tuple[Path, SampleFormat]]) -> list[str]:
    """The samples' names after their files, or after the folders of these if the files have one name."""
    names = [form.layout.sample_name(path) for path, form in known]
    by_folder = len(known) > 1 and ("" in names or len(set(names)) == 1)
    return [
        path.resolve().parent.name if by_folder or not name else name
        for name, (path, _) in zip(names, known, strict=True)
    ]


@dataclass(frozen=True)
class _Sheet:
    """What a table of files says: `column` names the samples; it is empty, as is `samples`, if none does."""

    files: list[Path]
    samples: list[str]
    others: pd.DataFrame
    column: str


def _read(path: Path, sample_column: str | None, *, elsewhere: bool = False) -> _Sheet:
    with TextLines(path, ExpressionError) as lines:
        texts = [line for _, line in lines.numbered_lines()]
    delimiter = _delimiter(texts[0])
    quoted = is_quoted(texts[0], delimiter) or delimiter == ";"
    header, *rows = (split_line(text, delimiter, quoted, f"{path}, line {at:,}") for at, text in enumerate(texts, 1))
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise ExpressionError(
                f"{path}, line {number:,}: expected {len(header):,} fields as in line 1, found {len(row):,}. "
                "Correct the line."
            )
    header = [name or f"column {number}" for number, name in enumerate(header, 1)]  # R does not name row names
    check_names(header, what="column", file=str(path), error=ExpressionError)
    table = pd.DataFrame(rows, columns=header, dtype=object)
    if sample_column is not None and sample_column not in header and not elsewhere:
        names = listed(closest(sample_column, header, len(header)))
        raise UsageError(f"{path}: there is no column {shown(sample_column)}. The columns are {names}.")
    sample_at = header.index(sample_column) if sample_column in header else _column(header, _SAMPLE_COLUMNS)
    file_column, folder_at = header[_column(header, _FILE_COLUMNS) or 0], _column(header, _FOLDER_COLUMNS)
    folders = [""] * len(rows) if folder_at is None else [row[folder_at] for row in rows]
    files = _found(path, list(zip(table[file_column], folders, strict=True)))
    if sample_at is None:
        return _Sheet(files, [], table.drop(columns=file_column), "")
    column = header[sample_at]
    return _Sheet(files, list(table[column]), table.drop(columns=list({file_column, column})), column)


def _found(sheet: Path, named: Sequence[tuple[str, str]]) -> list[Path]:
    """The files that the lines of a sheet name, each with a folder of its own as GDC's client makes it.

    They are looked for from the sheet's folder and one level down; of a path on another computer, Windows or not, the
    end may lead to the file.
    """
    here = sheet.parent

    @cache
    def below() -> dict[str, list[Path]]:
        by_name: dict[str, list[Path]] = defaultdict(list)
        for path in files_in(here):
            by_name[path.name].append(path)
        return by_name

    found = []
    for line, (name, folder) in enumerate(named, 2):
        parts = Path(name.replace("\\", "/")).parts
        ends = [here.joinpath(*parts[start:]) for start in range(len(parts))]
        path = next((one for one in (here / name, here / folder / name, *ends) if name and _is_file(one)), None)
        paths = [path] if path else below().get(parts[-1], []) if parts else []
        if len(paths) != 1:
            fault = "is in several folders" if paths else "is not there"
            raise ExpressionError(
                f"{sheet}, line {line:,}: the file {shown(name)} {fault}. Paths start from the sheet's folder, "
                f"{here}; correct the path, or move the sheet to the files."
            )
        found += paths
    return found


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of some names is in a header, whatever its letters' case and what is between its words."""
    plain = [name.casefold().replace(" ", "_").replace("-", "_").replace(".", "_") for name in header]
    return next((plain.index(name) for name in names if name in plain), None)


def _delimiter(header: str) -> str:
    return "\t" if "\t" in header else ";" if ";" in header and "," not in header else ","


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
