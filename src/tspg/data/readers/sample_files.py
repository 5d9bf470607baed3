"""Files of one sample each as one matrix, read file by file."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute, csv

from tspg.data.readers.fields import parsed
from tspg.data.readers.layouts import SampleFormat, is_transcript
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Block, Table
from tspg.errors import ExpressionError, UsageError
from tspg.utils.names import NO_GENE, listed, shown
from tspg.utils.typing import Float32Array

_LEAST_LOGGED = 20  # files, from which on progress is logged
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleFile:
    """A file with the values of one sample, and the name that the sample is given."""

    path: Path
    sample: str
    form: SampleFormat

    def value_column(self, value: str | None) -> str:
        """The column with the values; one that is only known as the last may have another name in each file."""
        return value if value is not None and self.form.layout.values else next(iter(self.form.values))


def open_sample(path: Path, form: SampleFormat, *, value: str | None, labelled: bool) -> Table:
    """Open one such file as a table of a single sample.

    Raises
    ------
    ExpressionError
        If labels are given for it: there must be more samples then.
    """
    if labelled:
        raise ExpressionError(
            f"{path}: this is one sample ({form.layout.name}). Give the folder that holds the files of all samples "
            f"(--expression {path.parent}), or a table that names them in a column 'file' and their samples "
            "(--expression SHEET.tsv, such as GDC's sample sheet)."
        )
    name = form.layout.sample_name(path) or path.resolve().parent.name
    table = joined([SampleFile(path, name, form)], path, value=value)
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
    _check_alike(files)
    first, form, layout = files[0], files[0].form, files[0].form.layout
    if value is not None and value not in form.values:
        raise UsageError(
            f"{first.path}: there is no column of values {shown(value)} in {layout.name}. "
            f"There are: {listed(form.values)}."
        )
    column = first.value_column(value)
    reference = _read(first, value)
    genes = reference.genes.slice(0, 100).to_pylist()
    if sum(map(is_transcript, genes)) > len(genes) / 2:
        instead = f", or give {layout.genes_instead}" if layout.genes_instead else ""
        raise ExpressionError(
            f"{first.path}: the rows are transcripts ({listed(genes[:3])}), not genes. Sum them up to genes "
            f"first{instead}."
        )
    samples = [one.sample for one in files]
    table = Table(
        source.name or source.resolve().name,
        reference.genes.to_pylist(),
        samples,
        _blocks(files, reference, value),
        lambda: samples,
        genes_in_rows=False,
        layout=layout.name,
        units=form.values[column],
    )
    if reference.symbols is not None:
        table.gene_annotations = pd.DataFrame(
            {layout.symbol: reference.symbols}, index=pd.Index(table.column_ids, dtype=object), dtype=object
        )
    others = [name for name in form.values if name != column]
    more = f"; --value reads another: {listed(others)}" if others and value is None else ""
    table.notes.append(f"read as {layout.name}: {len(files):,} file(s) of one sample, column {shown(column)}{more}")
    if reference.no_genes:
        table.notes.append(f"rows that are no genes were left out: {listed(reference.no_genes)}")
    return table


def _check_alike(files: Sequence[SampleFile]) -> None:
    first, by_sample = files[0], dict[str, SampleFile]()
    for one in files:
        if one.form.layout is not first.form.layout:
            raise ExpressionError(
                f"{one.path}: this is {one.form.layout.name}, but {first.path} is {first.form.layout.name}. "
                "Give files of one kind."
            )
        if one.sample in by_sample:
            raise ExpressionError(
                f"sample {shown(one.sample)} has two files: {by_sample[one.sample].path} and {one.path}. Keep one, or "
                "name the samples by another column of a table of files with --sample-column."
            )
        by_sample[one.sample] = one


@dataclass(frozen=True)
class _Profile:
    """The genes of a file with their values; `no_genes` are rows that were left out."""

    genes: pa.StringArray
    values: Float32Array
    symbols: list[str] | None
    no_genes: list[str]


def _read(file: SampleFile, value: str | None) -> _Profile:
    """One file, every value a finite number."""
    column, symbol = file.value_column(value), file.form.layout.symbol
    table = _columns(file, [file.form.gene, column, *([symbol] if symbol else [])])
    names = table.column(0)
    is_gene = compute.invert(compute.match_substring_regex(names, f"^({NO_GENE.pattern})$"))
    line_of = np.flatnonzero(is_gene.to_numpy()) + file.form.n_above + 1
    genes, cells = (table.column(at).filter(is_gene).combine_chunks() for at in (0, 1))
    if len(nameless := np.flatnonzero(compute.equal(genes, "").to_numpy(zero_copy_only=False))):
        raise ExpressionError(
            f"{file.path}, line {line_of[nameless[0]]:,}: the line is empty, or its gene has no name. "
            "Check that the file is complete."
        )
    values, bad, fault = parsed(cells)
    if fault:
        raise ExpressionError(
            f"{file.path}, line {line_of[bad]:,}: gene {shown(genes[bad].as_py())}, column {shown(column)}: {fault}"
        )
    if not len(genes):
        raise ExpressionError(f"{file.path}: there are no genes. Check that the file is complete.")
    symbols = table.column(2).filter(is_gene).to_pylist() if symbol else None
    return _Profile(genes, values, symbols, names.filter(compute.invert(is_gene)).to_pylist())


def _columns(file: SampleFile, wanted: list[str]) -> pa.Table:
    """Some columns as text; every line must have as many fields as the first one of the file."""
    with TextLines(file.path, ExpressionError) as lines:
        data = b"".join(block for _, block in lines.blocks())
    ragged: list[csv.InvalidRow] = []

    def refuse(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    form = file.form
    try:
        return csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(
                column_names=form.columns, skip_rows=form.n_above, use_threads=False, block_size=len(data) + 1
            ),
            csv.ParseOptions(
                delimiter=form.delimiter, quote_char=False, ignore_empty_lines=False, invalid_row_handler=refuse
            ),
            csv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), null_values=[]),
        )
    except pa.ArrowInvalid as error:
        where, fault = "", f"cannot be read ({error})"
        if ragged:
            where = f", line {ragged[0].number:,}"
            fault = f"expected {len(form.columns):,} fields, found {ragged[0].actual_columns:,}"
        raise ExpressionError(f"{file.path}{where}: {fault}. Check that the file is complete.") from error


def _blocks(files: Sequence[SampleFile], reference: _Profile, value: str | None) -> Iterator[Block]:
    step = -(-len(files) // 10)
    for at, file in enumerate(files):
        if at and at % step == 0 and len(files) >= _LEAST_LOGGED:
            logger.info("%d of %d files read", at, len(files))
        yield _Sample(file, files[0], reference, value)


@dataclass(frozen=True)
class _Sample:
    """The row of one sample; its file is read when values are asked for."""

    file: SampleFile
    first: SampleFile
    reference: _Profile
    value: str | None

    @property
    def row_ids(self) -> list[str]:
        """The name of the sample."""
        return [self.file.sample]

    def values(self) -> Float32Array:
        """The values of all genes, in the order of the first file."""
        if self.file is self.first:
            return self.reference.values[None, :]
        profile, genes = _read(self.file, self.value), self.reference.genes
        if profile.genes.equals(genes):
            return profile.values[None, :]
        for ours, theirs, fault in ((genes, profile.genes, "lacks"), (profile.genes, genes, "has")):
            missing = ours.filter(compute.invert(compute.is_in(ours, value_set=theirs)))
            if len(missing):
                raise ExpressionError(
                    f"{self.file.path}: it {fault} gene {shown(missing[0].as_py())} ({len(missing):,} such), unlike "
                    f"{self.first.path}. All files need the same genes: make them with one annotation, or give them "
                    "as one matrix."
                )
        if len(genes) != len(profile.genes) or len(genes.unique()) < len(genes):
            raise ExpressionError(
                f"{self.file.path}: the genes are in another order than in {self.first.path}, and some occur more than "
                "once, so it is unclear which is which. Give each gene once."
            )
        order = compute.index_in(genes, value_set=profile.genes).to_numpy()
        values: Float32Array = profile.values[order][None, :]
        return values
