"""GCT files (versions 1.2 and 1.3): genes in rows by definition, sizes declared in the second line."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from tspg.data.readers.blocks import RowFormat, make_table
from tspg.data.readers.head import blocks_of_rows
from tspg.data.readers.streams import TextLines
from tspg.data.readers.table import Table
from tspg.errors import ExpressionError
from tspg.utils.names import listed, shown

_NUMBERED = ["id", "name", "description"]  # GTEx numbers the genes in its tables of one tissue
_MISSING = "-666"  # a missing annotation in this format
_SIZES = {"#1.2": 2, "#1.3": 4}  # version line -> numbers in the second line


def open_gct(path: Path, stack: ExitStack) -> Table:
    """Open a GCT file; the annotations of its samples (version 1.3) come along as a table."""
    lines = stack.enter_context(TextLines(path, ExpressionError))
    version = (lines.take_line() or "").rstrip("\t ")
    if version not in _SIZES:
        raise ExpressionError(
            f"{path}, line 1: expected #1.2 or #1.3, found {listed([version])}. A GCT file starts with its version."
        )
    n_genes, n_samples, n_row_notes, n_sample_notes = _sizes(path, lines.take_line() or "", _SIZES[version])
    header = (lines.take_line() or "").split("\t")
    numbered = [name.casefold() for name in header[:3]] == _NUMBERED and len(header) == 3 + n_samples
    names_at, n_id_fields = (1, 3) if numbered else (0, 1 + n_row_notes)
    if len(header) != n_id_fields + n_samples:
        advice = "Correct line 2 or the header."
        if len(header) == 1 + n_samples:
            advice = (
                "A GCT file has a column Description behind the names; put it in, or delete lines 1 and 2 and name it "
                ".tsv."
            )
        raise ExpressionError(
            f"{path}, line 3: expected {n_id_fields + n_samples:,} fields for the {n_samples:,} samples "
            f"that line 2 declares, found {len(header):,}. {advice}"
        )
    sample_ids = header[n_id_fields:]
    annotations: dict[str, list[str]] = {}
    for _ in range(n_sample_notes):
        fields = (lines.take_line() or "").split("\t")
        if len(fields) != len(header):
            raise ExpressionError(
                f"{path}, line {lines.line - 1:,}: expected {len(header):,} fields, found {len(fields):,}. "
                "Line 2 declares this as a line that describes the samples; correct one of them."
            )
        if fields[0] in annotations:
            raise ExpressionError(f"{path}: two lines describe the samples by {shown(fields[0])}. Keep one.")
        annotations[fields[0]] = ["" if cell == _MISSING else cell for cell in fields[n_id_fields:]]
    texts_at = {header[at]: at for at in range(names_at + 1, n_id_fields)}
    values_at = np.arange(n_id_fields, len(header))
    form = RowFormat(str(path), "\t", False, len(header), values_at, sample_ids, names_at, texts_at)
    table = make_table(form, lines, blocks_of_rows(lines), lambda again: open_gct(path, again), n_genes)
    table.layout = f"GCT {version.removeprefix('#')}"
    table.genes_in_rows = True
    if annotations:
        table.annotations = pd.DataFrame(annotations, index=pd.Index(sample_ids, dtype=object), dtype=object)
    return table


def _sizes(path: Path, line: str, n_numbers: int) -> list[int]:
    """Numbers of genes, samples, columns that describe genes and lines that describe samples."""
    words = line.rstrip("\t ").split("\t")
    if len(words) != n_numbers or not all(word.isascii() and word.isdigit() and len(word) < 16 for word in words):
        raise ExpressionError(
            f"{path}, line 2: expected {n_numbers} whole numbers between tabs, found {listed([line])}. "
            "Correct the line."
        )
    return [*map(int, words), 1, 0][:4]  # version 1.2 has a description of each gene, and none of samples
