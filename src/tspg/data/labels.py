"""Which class each sample belongs to."""

from itertools import islice
from pathlib import Path

import pandas as pd

from tspg.data.fields import is_quoted, split_line
from tspg.data.naming import check_characters, check_names, closest, listed, shown
from tspg.data.streams import NO_LINE_END, SAVE_SHEET, SHEETS, TextLines, file_kind, hint_on_delimiter, split_at
from tspg.errors import LabelError

UNNAMED_LABEL = "label"
MOST_LINES = 5_000_000
_SAMPLE_NAMES = frozenset({"sample", "sample_id", "sampleid", "id", "sampid"})


def read_labels(path: str | Path, *, label_column: str | None = None, sample_column: str | None = None) -> pd.DataFrame:
    """The labels of each sample, all as text, with the sample's name as index.

    A file without header has two columns, sample and label, and gives a column `label`
    (`attrs["unnamed_label"]` is then True). `attrs["doubts"]` tells what may be wrong. A file is read as
    one with a header if `label_column` is given or if its first field is one of `sample`, `sample_id`,
    `sampleid`, `sampid`, `id`.

    Parameters
    ----------
    path
        The table: tab-separated text, plain or gzip.
    label_column
        The column with the classes, if the table has a header and it matters which.
    sample_column
        The column with the samples' names, if it is not the first.

    Returns
    -------
    One row a sample, one column a label; every cell is text.

    Raises
    ------
    LabelError
        If lines differ in length, a sample occurs twice, or a label is empty or has blanks around it.

    Examples
    --------
    >>> labels = tspg.read_labels("labels.tsv")
    >>> labels.loc["S1", "label"]
    'tumour'
    """
    path = Path(path)
    if path.exists() and file_kind(path) in SHEETS:
        raise LabelError(f"{path}: files ending in {file_kind(path)} are not read. {SAVE_SHEET.strip()}")
    rows, doubts = _rows(path)
    with_header = (label_column or sample_column) is not None or rows[0][0].casefold() in _SAMPLE_NAMES
    table = _with_header(path, rows, sample_column) if with_header else _without_header(path, rows)
    check_names(list(table.index), what="sample", file=str(path), error=LabelError)
    if label_column is not None and label_column not in table.columns:
        names = listed([*closest(label_column, table.columns, len(table.columns))])
        raise LabelError(
            f"{path}: there is no column {shown(label_column)}. The columns are {names}, the closest first."
        )
    label_columns = [label_column] if label_column is not None else list(table.columns)
    for column in label_columns:
        check_labels(table[column], str(path), empty_allowed=len(label_columns) > 1)
    table.attrs["doubts"] = doubts
    return table


def check_labels(labels: pd.Series, file: str, *, empty_allowed: bool = False) -> None:
    """Refuse labels that are empty, hold control characters, or are a class of their own by blanks around them."""
    for sample, label in labels.items():
        if not label and not empty_allowed:
            raise LabelError(
                f"{file}: sample {shown(str(sample))} has an empty label in column "
                f"{shown(str(labels.name))}. Fill it in or remove the sample."
            )
        check_characters([label], what="class", file=f"{file}: sample {shown(str(sample))}", error=LabelError)
        if label != label.strip():
            raise LabelError(
                f"{file}: the label {shown(label)} of sample {shown(str(sample))} has blanks around it. Remove them."
            )


def _rows(path: Path) -> tuple[list[list[str]], list[str]]:
    """The fields of every line, and what may be wrong with the file."""
    with TextLines(path, LabelError) as lines:
        numbered = list(islice(lines.numbered_lines(), MOST_LINES + 1))
        doubts = [f"{path.name}: {NO_LINE_END}"] if lines.ends_without_newline else []
    if not numbered:
        raise LabelError(f"{path}: the file is empty. A line must hold a sample and its label.")
    if len(numbered) > MOST_LINES:
        raise LabelError(f"{path}: more than {MOST_LINES:,} lines. Keep those of the samples in the matrix.")
    delimiter, header = split_at(path), numbered[0][1]
    quoted = is_quoted(header, delimiter)
    rows = [split_line(line, delimiter, quoted, f"{path}, line {number:,}", LabelError) for number, line in numbered]
    if len(rows[0]) == 1:
        alone = f"one field only ({shown(header)})" if header else "the line is empty"
        advice = (
            f"{alone}. Give a sample and its label a line, with a {'comma' if delimiter == ',' else 'tab'} between."
        )
        raise LabelError(f"{path}, line 1: {hint_on_delimiter(header, delimiter) or advice}")
    for (number, line), row in zip(numbered, rows, strict=True):
        if len(row) != len(rows[0]):
            raise LabelError(
                f"{path}, line {number:,}: expected {len(rows[0]):,} fields as in line 1, "
                f"found {f'{len(row):,}: {shown(line)}. Correct' if line else 'none: it is empty. Remove'} the line."
            )
    return rows, doubts


def _without_header(path: Path, rows: list[list[str]]) -> pd.DataFrame:
    if len(rows[0]) != 2:
        raise LabelError(
            f"{path}: {len(rows[0]):,} columns, but the first field is {shown(rows[0][0])}, which names no "
            "column of samples. "
            "Start the file with a line of column names, the first being 'sample', or name the labels "
            "with --label-column."
        )
    samples, labels = zip(*rows, strict=True)
    table = pd.DataFrame({UNNAMED_LABEL: list(labels)}, index=pd.Index(samples, dtype=object), dtype=object)
    table.attrs["unnamed_label"] = True
    return table


def _with_header(path: Path, rows: list[list[str]], sample_column: str | None) -> pd.DataFrame:
    header, *body = rows
    if not body:
        raise LabelError(f"{path}: there is a header line but no sample below it. Check that the file is complete.")
    check_names(header, what="column", file=str(path), error=LabelError)
    if sample_column is not None and sample_column not in header:
        names = listed(closest(sample_column, header, len(header)))
        raise LabelError(
            f"{path}: there is no column {shown(sample_column)}. The columns are {names}, the closest first."
        )
    named = [header.index(sample_column)] if sample_column is not None else []
    named += [at for at, name in enumerate(header) if name.casefold() in _SAMPLE_NAMES]
    sample_at = named[0] if named else 0
    index = pd.Index([row[sample_at] for row in body], dtype=object)
    columns = {name: [row[at] for row in body] for at, name in enumerate(header) if at != sample_at}
    return pd.DataFrame(columns, index=index, dtype=object)
