"""Labels files: tables of what is known about samples, read as plain text."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path

import pandas as pd

from tspg.data.readers.geo import NAME, samples_of_series
from tspg.data.readers.head import read_head, rows_of
from tspg.data.readers.streams import NO_LINE_END, TextLines
from tspg.errors import LabelError
from tspg.utils.names import check_characters, check_names, closest, listed, shown

UNNAMED_LABEL = "label"
MOST_LINES = 5_000_000
_SAMPLE_NAMES = frozenset({"sample", "sample_id", "sampleid", "id", "sampid", "samples", "sample_name", "barcode"})
# What programs write where nothing is known. `none` in small letters is a class of treatments often enough.
_MISSING = frozenset({"", "None", "NONE", "-666", "-666.0", "'--", "--"})
_MISSING_IN_ANY_CASE = frozenset({"na", "n/a", "nan", "null", "<na>", "#n/a", "not available"})
_UNKNOWN = re.compile(
    r"\W*(unknown|undetermined|unspecified|unclassified|indeterminate|missing|none|other/unknown|discrepancy"
    r"|not (reported|applicable|collected|provided|known|determined|specified|evaluated|recorded))\W*",
    re.IGNORECASE,
)
_CLS_SIZES = re.compile(r"(\d{1,9})\s+(\d{1,9})\s+1\s*$")


@dataclass(frozen=True)
class LabelsFile:
    """A labels file as it is: every cell is text, column by column, with the number of each line.

    The first line is in `columns` too; `header` says whether it names them, None if only the samples of the matrix
    can decide. A file with `by_order` has no sample names: one column, a label for each sample in turn.
    """

    path: Path
    columns: list[list[str]]
    lines: list[int]
    header: bool | None
    by_order: bool = False
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def column_at(self, name: str) -> int:
        """The position of the column of a name; LabelError if there is none, or several."""
        names = [column[0] for column in self.columns]
        if name not in names:
            raise LabelError(
                f"{self.path}: there is no column {shown(name)}. "
                f"The columns are {listed(closest(name, filter(None, names), len(names)))}, the closest first."
            )
        check_names([one for one in names if one == name], what="column", file=str(self.path), error=LabelError)
        return names.index(name)

    def titled(self, ids_at: int, is_sample: Callable[[str], bool], *, named: bool) -> "LabelsTable":
        """The rows without the header; the first line is one unless it is a sample as the others are.

        With `named`, the user has named a column of the header.
        """
        first, ids = self.columns[ids_at][0], self.columns[ids_at][1:]
        header = True if named else self.header
        if header and is_sample(first):
            raise LabelError(
                f"{self.path}, line {self.lines[0]:,}: {shown(first)} is a sample of the matrix, so the file has no "
                "line of column names. Put one above, such as 'sample' and the names of the other columns; then name "
                "the one with the classes with --label-column."
            )
        if header is None:
            label = self.columns[1 - ids_at]
            header = not is_sample(first) and sum(map(is_sample, ids)) > len(ids) / 2 and label[0] not in label[1:]
        return self.split(header)

    def split(self, header: bool) -> "LabelsTable":
        """The rows without the header, where there is one."""
        start = 1 if header else 0
        names = [column[0] for column in self.columns] if header else None
        return LabelsTable(self.path, names, [column[start:] for column in self.columns], self.lines[start:])


@dataclass(frozen=True)
class LabelsTable:
    """The rows of a labels file below its header, column by column; `names` is None where there is no header."""

    path: Path
    names: list[str] | None
    columns: list[list[str]]
    lines: list[int]

    def other_columns(self, ids_at: int) -> dict[str, list[str]]:
        """All columns but that of the samples, by unique names: `column 3`, `age`, `age.1`."""
        named: dict[str, list[str]] = {}
        for at, cells in enumerate(self.columns):
            if at != ids_at:
                name = UNNAMED_LABEL if self.names is None else self.names[at] or f"column {at + 1}"
                numbered = chain([name], (f"{name}.{number}" for number in count(1)))
                named[next(one for one in numbered if one not in named)] = cells
        return named


def read_labels(path: str | Path, *, label_column: str | None = None, sample_column: str | None = None) -> pd.DataFrame:
    """The labels of each sample, all as text, indexed by sample name.

    A file without header has two columns, sample and label, and gives a column `label`
    (`attrs["unnamed_label"]` is then True). A file has a header if it has more columns, if one of them is named here,
    or if its first field is empty or one of `sample`, `sample_id`, `id`, ... Cells are kept as they are, empty ones
    too. `attrs["warnings"]` lists what may be wrong.

    Parameters
    ----------
    path
        The table: text, plain or compressed.
    label_column
        The column with the classes, if the table has a header and several columns.
    sample_column
        The column with the sample names, if it is not the first.

    Returns
    -------
    One row per sample, one column per label. Lines that say the same twice are one.

    Raises
    ------
    LabelError
        If lines differ in length, two lines contradict each other, or a label has blanks around it.

    Examples
    --------
    >>> labels = tspg.read_labels("labels.tsv")
    >>> labels.loc["S1", "label"]
    'tumour'
    """
    file = read_labels_file(path)
    if file.by_order:
        raise LabelError(f"{file.path}: a CLS file has no sample names. Give it together with the matrix.")
    named = [file.column_at(name) for name in (sample_column, label_column) if name is not None]
    ids_at = 0 if sample_column is None else named[0]
    table = file.split(bool(named) or file.header is True)
    ids, others = table.columns[ids_at], table.other_columns(ids_at)
    check_names(ids, what="sample", file=str(file.path), error=LabelError, twice_allowed=True)
    labels = list(others) if label_column is None else [label_column]
    first: dict[str, int] = {}
    for row, sample in enumerate(ids):
        before = first.setdefault(sample, row)
        for name in labels:
            check_label(others[name][row], sample, f"{file.path}, line {table.lines[row]:,}")
            if others[name][before] != others[name][row]:
                raise contradiction(file.path, sample, [(table.lines[at], others[name][at]) for at in (before, row)])
    columns = {name: [cells[row] for row in first.values()] for name, cells in others.items()}
    found = pd.DataFrame(columns, index=pd.Index(list(first), dtype=object), dtype=object)
    found.attrs["warnings"] = list(file.warnings)
    if table.names is None:
        found.attrs["unnamed_label"] = True
    return found


def is_missing(label: str) -> bool:
    """Whether a cell says that nothing is known: empty, NA, nan, None, -666, [Not Available], ..."""
    text = label.strip()
    return text in _MISSING or text.casefold() in _MISSING_IN_ANY_CASE or text.casefold().startswith("[not ")


def warnings_about_unknown(labels: Collection[str]) -> list[str]:
    """A warning about classes that seem to mean that the class is not known."""
    unknown = sorted({label for label in labels if label and _UNKNOWN.fullmatch(label)})
    if not unknown:
        return []
    n_samples = sum(label in unknown for label in labels)
    return [
        f"{n_samples:,} samples are of class {listed(unknown)}, which is a class like any other here. If it means "
        "unknown, empty these cells and use --allow-unlabelled"
    ]


def check_label(label: str, sample: str, where: str) -> None:
    """Refuse a label with control characters, or with blanks around it that would make it another class."""
    check_characters([label], what="class", file=f"{where}: sample {shown(sample)}", error=LabelError)
    if label != label.strip():
        raise LabelError(
            f"{where}: the label {shown(label)} of sample {shown(sample)} has blanks around it. Remove them."
        )


def contradiction(path: Path, sample: str, lines: Sequence[tuple[int, str]]) -> LabelError:
    """The error about two lines, each with its number, that give a sample different labels."""
    (line, label), (other_line, other) = lines
    return LabelError(
        f"{path}, lines {line:,} and {other_line:,}: sample {shown(sample)} is {shown(label)} and {shown(other)}. "
        "Remove the wrong line."
    )


def read_labels_file(path: str | Path) -> LabelsFile:
    """A labels file as plain text: a table with or without header, or a CLS file.

    Raises LabelError if it is not text, or lines differ in length.
    """
    path = Path(path)
    with TextLines(path, LabelError) as lines:
        first = lines.peek(2)
        if first and first[0].startswith("!"):
            samples = samples_of_series(lines)
            columns = [["geo_accession", *samples.index], *([str(name), *samples[name]] for name in samples.columns)]
            note = f"{path.name}: read as {NAME}"
            return LabelsFile(path, columns, [1] * len(columns[0]), header=True, notes=(note,))
        is_cls = len(first) == 2 and _CLS_SIZES.match(first[0]) and first[1].startswith("#")
        if is_cls or (first and first[0].startswith("#numeric")):
            return _read_cls(path, [line for _, line in lines.numbered_lines()])
        head = read_head(lines)
        rows = list(islice(rows_of(lines, head), MOST_LINES))
        if len(rows) == MOST_LINES:
            raise LabelError(f"{path}: more than {MOST_LINES:,} lines. Keep those of the samples in the matrix.")
        warnings = (f"{path.name}: {NO_LINE_END}",) if lines.ends_without_newline else ()
    columns = [list(cells) for cells in zip(head.header, *(fields for _, fields in rows), strict=True)]
    if not any(map(any, columns[1:])):
        raise LabelError(f"{path}, line {head.line}: one column only. Give a sample and its label in each line.")
    has_header = len(columns) > 2 or not head.header[0] or head.header[0].casefold() in _SAMPLE_NAMES
    if has_header:
        check_characters(head.header, what="column", file=str(path), error=LabelError)
        if not rows:
            raise LabelError(f"{path}: there is a header line but no sample below it. Check that the file is complete.")
    notes = tuple(f"{path.name}: {note}" for note in head.notes)
    lines_of = [head.line, *(number for number, _ in rows)]
    return LabelsFile(path, columns, lines_of, has_header or None, notes=notes, warnings=warnings)


def _read_cls(path: Path, lines: Sequence[str]) -> LabelsFile:
    """The classes of a CLS file of GSEA, in the order of the samples, which it does not name."""
    sizes = _CLS_SIZES.match(lines[0])
    if sizes is None:
        raise LabelError(f"{path}, line 1: a CLS file of numbers (#numeric) has no classes. Give a file with classes.")
    names, labels = lines[1].removeprefix("#").split(), " ".join(lines[2:]).split()
    used = list(dict.fromkeys(labels))
    for number, what, found in ((sizes[1], "samples", labels), (sizes[2], "classes", used)):
        if int(number) != len(found):
            raise LabelError(
                f"{path}: line 1 says {int(number):,} {what}, but there are {len(found):,} below. Correct the file."
            )
    if set(used) != set(names):  # the first label used means the first class, and so on
        if len(names) != len(used):
            raise LabelError(f"{path}, line 2: {len(names):,} names for {len(used):,} classes. Name each class.")
        if all(label.isdigit() for label in used) and used != sorted(used, key=int):
            raise LabelError(
                f"{path}, line 3: the classes' numbers are first used in the order {listed(used)}, so it is unsure "
                "which number is which name. Write the names instead."
            )
        name_of = dict(zip(used, names, strict=True))
        labels = [name_of[label] for label in labels]
    return LabelsFile(path, [labels], [3] * len(labels), header=False, by_order=True)
