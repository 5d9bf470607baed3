"""Which files hold one sample each: those of a folder, or those that a table names."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from tspg.data.readers.fields import is_quoted, split_line
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.sample_files import SampleFile, joined, recognised_file
from tspg.data.readers.sample_layouts import LAYOUTS, Recognised
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
    """Whether a text begins as a table that names files: a column that is called so, and in it what may be paths.

    A matrix may have such names, too; all else in it is numbers.
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
    """Open the files that a table names, a line a sample; its other columns describe the samples.

    With `elsewhere`, `sample_column` may be a column of the labels file alone.

    Raises
    ------
    ExpressionError
        If a file is not there or none that holds one sample, or a sample has two.
    UsageError
        If the table has no column `sample_column`.
    """
    sheet = _read(path, sample_column, elsewhere=elsewhere)
    found = [_recognised(one, f"{path}, line {line:,}: ") for line, one in enumerate(sheet.files, 2)]
    names = sheet.samples or _names(list(zip(sheet.files, found, strict=True)))
    files = [SampleFile(*each) for each in zip(sheet.files, names, found, strict=True)]
    check_names(sorted({*names}), what="sample", file=str(path), error=ExpressionError)
    table = joined(files, path, value=value)
    table.annotations = sheet.others.set_axis(pd.Index(names, dtype=object), axis=0)
    table.sample_column = sheet.column
    table.notes.append(f"samples are named by {sheet.named_by}")
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
    by_layout: dict[str, list[tuple[Path, Recognised]]] = defaultdict(list)
    for one in candidates:
        found = recognised_file(one)
        if found is not None:
            by_layout[found.layout.name].append((one, found))
    known = _main_layout(path, by_layout)
    names = _names(known)
    table = joined(
        [SampleFile(one, name, found) for (one, found), name in zip(known, names, strict=True)], path, value=value
    )
    others = sorted(one.name for one in {*candidates} - {one for one, _ in known})
    if others:
        table.notes.append(f"{len(others):,} other file(s) in the folder were not read: {listed(others)}")
    return table


def files_in(folder: Path) -> list[Path]:
    """The files of a folder and of folders in it, hidden ones and links that lead nowhere left out, by name."""
    inside = [one for one in folder.iterdir() if not one.name.startswith(".")]
    below = [one for each in inside if each.is_dir() for one in each.iterdir() if not one.name.startswith(".")]
    return sorted(one for one in [*inside, *below] if one.is_file())


def input_files(path: Path) -> list[Path]:
    """The files that an expression file or folder consists of: itself, the files in it, or those that it names."""
    content = content_of(path)
    if content.kind == Kind.FOLDER:
        return files_in(path)
    return (
        [path, *_read(path, None).files]
        if content.kind == Kind.TEXT and is_sheet(content.head, path.parent)
        else [path]
    )


def _main_layout(path: Path, by_layout: dict[str, list[tuple[Path, Recognised]]]) -> list[tuple[Path, Recognised]]:
    """The files of the one layout there is; what may be another table as well counts only where nothing else is."""
    sure = {layout.name for layout in LAYOUTS if layout.alone and layout.columns[0] != "transcript_id"}
    names = [name for name in by_layout if name in sure] or list(by_layout)
    if not names:
        raise ExpressionError(
            f"{path}: no file in this folder holds the genes of one sample (such as "
            f"{listed([layout.name for layout in LAYOUTS[:4]])}). Give the file with the matrix."
        )
    if len(names) > 1:
        counted = ", ".join(f"{len(by_layout[name]):,} of {name}" for name in names)
        raise ExpressionError(
            f"{path}: the folder holds files of several kinds ({counted}). Put those of one kind into a folder of "
            "their own, or name them in a table with a column 'file'."
        )
    return by_layout[names[0]]


def _names(known: Sequence[tuple[Path, Recognised]]) -> list[str]:
    """What samples are called whose files alone say it: by the file, or by its folder where files are called alike."""
    names = [found.layout.sample_name(path) for path, found in known]
    if len(known) > 1 and ("" in names or len(set(names)) == 1):
        return [path.resolve().parent.name for path, _ in known]
    return [name or path.resolve().parent.name for name, (path, _) in zip(names, known, strict=True)]


def _recognised(path: Path, where: str) -> Recognised:
    found = recognised_file(path)
    if found is None:
        known = listed([layout.name for layout in LAYOUTS], len(LAYOUTS))
        raise ExpressionError(f"{where}{path} is no file with the genes of one sample. Known are {known}.")
    return found


@dataclass(frozen=True)
class _Sheet:
    """What a table of files says; `samples` is empty where no column names them."""

    files: list[Path]
    samples: list[str]
    others: pd.DataFrame
    named_by: str
    column: str = ""  # that names the samples


def _read(path: Path, sample_column: str | None, *, elsewhere: bool = False) -> _Sheet:
    with TextLines(path, ExpressionError) as lines:
        numbered = list(lines.numbered_lines())
    header, *rows = (_fields(line, numbered[0][1], f"{path}, line {number:,}") for number, line in numbered)
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise ExpressionError(
                f"{path}, line {number:,}: expected {len(header):,} fields as in line 1, found {len(row):,}. "
                "Correct the line."
            )
    header = [name or f"column {number}" for number, name in enumerate(header, 1)]  # R does not name row names
    check_names(header, what="column", file=str(path), error=ExpressionError)
    table = pd.DataFrame(rows, columns=header, dtype=object)
    file_at = _column(header, _FILE_COLUMNS)
    if sample_column not in header and elsewhere:
        sample_column = None
    if sample_column is not None and sample_column not in header:
        names = listed(closest(sample_column, header, len(header)))
        raise UsageError(f"{path}: there is no column {shown(sample_column)}. The columns are {names}.")
    sample_at = header.index(sample_column) if sample_column is not None else _column(header, _SAMPLE_COLUMNS)
    file_column = header[file_at or 0]
    folder_at = _column(header, _FOLDER_COLUMNS)
    folders = [""] * len(rows) if folder_at is None else [row[folder_at] for row in rows]
    place = _Place(path.parent)
    found = [
        place.of(name, folder, f"{path}, line {number:,}")
        for number, (name, folder) in enumerate(zip(table[file_column], folders, strict=True), 2)
    ]
    if sample_at is None:
        return _Sheet(found, [], table.drop(columns=file_column), "their files")
    named_by = header[sample_at]
    others = table.drop(columns=list({file_column, named_by}))
    return _Sheet(found, list(table[named_by]), others, f"the column {shown(named_by)} of the sheet", named_by)


@dataclass(frozen=True)
class _Place:
    """The folder of a sheet, where its files are looked for."""

    folder: Path

    def of(self, name: str, folder: str, where: str) -> Path:
        """A file by its path, in a folder of its own as GDC's client makes it, or anywhere one level down.

        Of a path on another computer, Windows or not, the end may lead to the file.
        """
        parts = Path(name.replace("\\", "/")).parts
        ends = [Path(*parts[start:]) for start in range(len(parts))]
        for path in (self.folder / name, self.folder / folder / name, *(self.folder / end for end in ends)):
            if name and _is_file(path):
                return path
        below = self._below.get(parts[-1], []) if parts else []
        if len(below) != 1:
            fault = "is in several folders" if below else "is not there"
            raise ExpressionError(
                f"{where}: the file {shown(name)} {fault}. Paths start from the sheet's folder, {self.folder}; "
                "correct the path, or move the sheet to the files."
            )
        return below[0]

    @cached_property
    def _below(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for path in files_in(self.folder):
            found[path.name].append(path)
        return found


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of some names stands in a header, whatever its letters' case and what is between its words."""
    plain = [name.casefold().replace(" ", "_").replace("-", "_").replace(".", "_") for name in header]
    return next((plain.index(name) for name in names if name in plain), None)


def _fields(line: str, header: str, where: str) -> list[str]:
    delimiter = _delimiter(header)
    return split_line(line, delimiter, is_quoted(header, delimiter) or delimiter == ";", where)


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
