"""One file a sample: a folder of them, or a table that names them, as one matrix read file by file."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import compute, csv

from tspg.data.readers.blocks import first_bad
from tspg.data.readers.fields import cell_fault
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.sample_layouts import Recognised, recognised, transcripts_among
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Block, Table
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import NO_GENE, listed, shown
from tspg.utils.typing import Float32Array

_TOLD_FROM = 20  # files, from which on it is told how far reading is
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleFile:
    """A file with the values of one sample, and the name that the sample is given."""

    path: Path
    sample: str
    found: Recognised


def recognised_file(path: Path) -> Recognised | None:
    """What kind of file with one sample this is; None if it is none."""
    content = content_of(path)
    return recognised(content.head) if content.kind == Kind.TEXT else None


def open_sample(path: Path, found: Recognised, *, value: str | None, labelled: bool) -> Table:
    """Open one such file as a table of a single sample.

    Raises
    ------
    ExpressionError
        If labels are given for it: there must be more samples then.
    """
    layout = found.layout
    if labelled:
        raise ExpressionError(
            f"{path}: this is one sample ({layout.name}). Give the folder that holds the files of all samples "
            f"(--expression {path.parent}), or a table that names them in a column 'file' and their samples "
            "(--expression SHEET.tsv, such as GDC's sample sheet)."
        )
    name = layout.sample_name(path) or path.resolve().parent.name
    table = joined([SampleFile(path, name, found)], path, value=value)
    table.notes.append(f"the file holds one sample, which is called {shown(name)}")
    return table


def joined(files: Sequence[SampleFile], source: Path, *, value: str | None) -> Table:
    """The files as one table with samples in rows, read one after the other; `source` is what the user gave.

    Raises
    ------
    ExpressionError
        If the files are of several layouts, a sample has two files, or rows are transcripts; and, while blocks are
        read, if a file has other genes than the first one or a cell that is no number.
    UsageError
        If the layout has no column `value`.
    """
    first = files[0]
    _check_alike(files)
    column = _value_column(first, value)
    reference = _read(first, column)
    if transcripts_among(reference.genes.slice(0, 100).to_pylist()):
        raise ExpressionError(
            f"{first.path}: the rows are transcripts ({listed(reference.genes.slice(0, 3).to_pylist())}), not genes. "
            f"Sum them up to genes first{_instead(first)}."
        )
    samples = [one.sample for one in files]
    table = Table(
        source.name or source.resolve().name,
        reference.genes.to_pylist(),
        samples,
        iter(()),
        lambda: samples,
        genes_in_rows=False,
        layout=first.found.layout.name,
        units=first.found.values[column or first.found.columns[-1]],
    )
    table.blocks = _blocks(files, reference, column)
    if reference.symbols is not None:
        table.gene_annotations = pd.DataFrame(
            {first.found.layout.symbol: reference.symbols}, index=pd.Index(table.column_ids, dtype=object), dtype=object
        )
    others = [name for name in first.found.values if name != column]
    more = f"; --value reads another: {listed(others)}" if others and value is None else ""
    table.notes.append(
        f"read as {first.found.layout.name}: {len(files):,} file(s) of one sample, "
        f"column {shown(column or first.found.columns[-1])}{more}"
    )
    if reference.no_genes:
        table.notes.append(f"rows that are no genes were left out: {listed(reference.no_genes)}")
    return table


def _check_alike(files: Sequence[SampleFile]) -> None:
    first, by_sample = files[0], dict[str, SampleFile]()
    for one in files:
        if one.found.layout is not first.found.layout:
            raise ExpressionError(
                f"{one.path}: this is {one.found.layout.name}, but {first.path} is {first.found.layout.name}. "
                "Give files of one kind."
            )
        if one.sample in by_sample:
            raise ExpressionError(
                f"sample {shown(one.sample)} has two files: {by_sample[one.sample].path} and {one.path}. Keep one, or "
                "name the samples by another column of a table of files with --sample-column."
            )
        by_sample[one.sample] = one


def _value_column(first: SampleFile, value: str | None) -> str | None:
    """The column with the values; None is the last one, where it is called otherwise in every file."""
    if not first.found.layout.values:
        if value not in (None, first.found.columns[-1]):
            raise UsageError(
                f"{first.path}: --value {value}: the only column of values is {shown(first.found.columns[-1])}. "
                "Leave it out."
            )
        return None
    names = list(first.found.values)
    if value is not None and value not in names:
        raise UsageError(
            f"{first.path}: there is no column of values {shown(value)} in {first.found.layout.name}. "
            f"There are: {listed(names)}."
        )
    return value or names[0]


def _instead(first: SampleFile) -> str:
    advice = first.found.layout.genes_instead
    return f", or give {advice}" if advice else ""


@dataclass(frozen=True)
class _Profile:
    """The genes of a file with their values; `no_genes` are rows that were left out."""

    genes: pa.StringArray
    values: Float32Array
    symbols: list[str] | None
    no_genes: list[str]


def _read(file: SampleFile, column: str | None) -> _Profile:
    """One file, every value a finite number."""
    found = file.found
    column = column or found.columns[-1]
    with TextLines(file.path, ExpressionError) as lines:
        data = b"".join(block for _, block in lines.blocks())
    symbol = found.layout.symbol
    wanted = [found.gene, column, *([symbol] if symbol else [])]
    table = _columns(file, data, wanted)
    genes, cells = table.column(0), table.column(1)
    is_gene = compute.invert(compute.match_substring_regex(genes, f"^({NO_GENE.pattern})$"))
    line_of = np.flatnonzero(is_gene.to_numpy()) + found.n_above + 1
    no_genes = genes.filter(compute.invert(is_gene)).to_pylist()
    genes, cells = genes.filter(is_gene).combine_chunks(), cells.filter(is_gene).combine_chunks()
    if len(nameless := np.flatnonzero(compute.equal(genes, "").to_numpy(zero_copy_only=False))):
        raise ExpressionError(
            f"{file.path}, line {line_of[nameless[0]]:,}: the line is empty, or its gene has no name. "
            "Check that the file is complete."
        )
    values = _numbers(file, genes, cells, column, line_of)
    symbols = table.column(2).filter(is_gene).to_pylist() if symbol else None
    if not len(genes):
        raise ExpressionError(f"{file.path}: there are no genes. Check that the file is complete.")
    return _Profile(genes, values, symbols, no_genes)


def _columns(file: SampleFile, data: bytes, wanted: list[str]) -> pa.Table:
    """Some columns as text; every line must have as many fields as the first one of the file."""
    ragged: list[csv.InvalidRow] = []

    def refuse(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    found = file.found
    try:
        return csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(
                column_names=found.columns, skip_rows=found.n_above, use_threads=False, block_size=len(data) + 1
            ),
            csv.ParseOptions(
                delimiter=found.delimiter, quote_char=False, ignore_empty_lines=False, invalid_row_handler=refuse
            ),
            csv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), null_values=[]),
        )
    except pa.ArrowInvalid as error:
        if not ragged:
            raise ExpressionError(f"{file.path}: cannot be read ({error}). Check that the file is complete.") from error
        raise ExpressionError(
            f"{file.path}, line {ragged[0].number:,}: expected {len(found.columns):,} fields, found "
            f"{ragged[0].actual_columns:,}. Check that the file is complete."
        ) from error


def _numbers(
    file: SampleFile, genes: pa.StringArray, cells: pa.StringArray, column: str, line_of: npt.NDArray[np.intp]
) -> Float32Array:
    try:
        values: Float32Array = cells.cast(pa.float32()).to_numpy()
        bad = np.flatnonzero(~np.isfinite(values))
    except pa.ArrowInvalid:
        values, bad = np.empty(0, np.float32), np.array([first_bad(cells)])
    if len(bad):
        at = int(bad[0])
        raise ExpressionError(
            f"{file.path}, line {line_of[at]:,}: gene {shown(genes[at].as_py())}, column {shown(column)}: "
            f"{cell_fault(cells[at].as_py(), is_number=bool(len(values)))}"
        )
    return values


def _blocks(files: Sequence[SampleFile], reference: _Profile, column: str | None) -> Iterator[Block]:
    step = -(-len(files) // 10)
    for at, file in enumerate(files):
        if at and at % step == 0 and len(files) >= _TOLD_FROM:
            logger.info("%d of %d files read", at, len(files))
        yield _Sample(file, files[0], reference, column)


@dataclass(frozen=True)
class _Sample:
    """The row of one sample; its file is read when values are asked for."""

    file: SampleFile
    first: SampleFile
    reference: _Profile
    column: str | None

    @property
    def row_ids(self) -> list[str]:
        """The name of the sample."""
        return [self.file.sample]

    def values(self) -> Float32Array:
        """The values of all genes, in the order of the first file."""
        return self._all[None, :]

    @cached_property
    def _all(self) -> Float32Array:
        if self.file is self.first:
            return self.reference.values
        profile = _read(self.file, self.column)
        genes = self.reference.genes
        if profile.genes.equals(genes):
            return profile.values
        for ours, theirs, fault in ((genes, profile.genes, "lacks"), (profile.genes, genes, "has")):
            missing = np.flatnonzero(compute.is_in(ours, value_set=theirs).to_numpy(zero_copy_only=False) == 0)
            if len(missing):
                gene = shown(ours[int(missing[0])].as_py())
                raise ExpressionError(
                    f"{self.file.path}: it {fault} gene {gene} ({len(missing):,} such), unlike {self.first.path}. "
                    "All files need the same genes: make them with one annotation, or give them as one matrix."
                )
        if len(genes) != len(profile.genes) or len(genes.unique()) < len(genes):
            raise ExpressionError(
                f"{self.file.path}: genes stand in another order than in {self.first.path}, and some occur more than "
                "once, so nobody can say which is which. Give each gene once."
            )
        ordered: Float32Array = profile.values[compute.index_in(genes, value_set=profile.genes).to_numpy()]
        return ordered
