"""Expression matrices from every accepted format, read strictly, as samples x genes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.checks import (
    doubled_samples,
    note_on_left_out,
    notes_on_match,
    refuse,
    warning_about_description,
    warnings_about_names,
    warnings_about_obs,
    warnings_about_sums,
)
from tspg.data.collect import Collected, Matrix, Selection, collect
from tspg.data.duplicates import note_on_joined
from tspg.data.genesets import GeneSet
from tspg.data.joining import Joined, annotate, possible_names
from tspg.data.labels import read_labels_file
from tspg.data.odd_samples import warnings_about_samples
from tspg.data.orientation import TURNED, Orientation, genes_in_rows
from tspg.data.quantiles import Quantiles
from tspg.data.readers.opening import open_table
from tspg.data.readers.table import Block, Table, memory_limit
from tspg.data.reading import Reading
from tspg.data.scale import Scale, match_scale, notes_on_matched_scale, notes_on_scale, to_log2, transform_scale
from tspg.utils.typing import Float64Array


def read_expression(
    path: str | Path,
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    sample_column: str | None = None,
    layer: str | None = None,
    value: str | None = None,
    genes: Selection = None,
    transpose: bool = False,
    transform: str | Scale = "auto",
    orient_by_genes: Sequence[str] | None = None,
    allow_unlabelled: bool = False,
    max_memory_gb: float | None = None,
    duplicates: str = "error",
    panel: Sequence[str] | None = None,
    strict: bool = False,
    refuse_linear: bool = True,
) -> AnnData:
    """Read an expression matrix with the labels of its samples: X is float32, samples x genes.

    Formats: TSV, CSV, GCT 1.2 and 1.3 (each also as `.gz`), NPY with names beside it, H5AD, Parquet. Names are
    always text. Nothing is dropped, filled in or changed silently: see `uns["tspg_input"]["notes"]`.

    Parameters
    ----------
    path
        The matrix. Samples are rows, except in GCT files and with `transpose`.
    labels
        Table of samples and labels, joined by sample name (see `read_labels`).
    label_column
        Column of `labels`, or without `labels` of the matrix file's own sample table (H5AD, GCT 1.3).
    sample_column
        Column with the sample names in `labels`, and in `path` if that is a table of files; None takes the column
        of `labels` in which most samples of the matrix are found.
    layer
        Layer of an H5AD file that holds the values, such as `logcounts`; None is X.
    value
        Column with the values, in layouts with several numbers per gene and sample, such as `tpm_unstranded`.
    genes
        Keep only these (names, or a GeneSet), matched by `match_genes`, in the order of the file.
    transpose
        The file has genes in rows.
    transform
        `auto` keeps values on a log scale and refuses linear ones (counts, TPM, ...); `none` keeps any values;
        `log2` makes linear ones log2(x + 1), with counts (whole or estimated) first scaled to counts per million.
        A `Scale` puts values on the scale of a model or a first cohort, or refuses them.
    orient_by_genes
        The side that holds these genes is the side of genes; `transpose` is then ignored.
    allow_unlabelled
        Accept samples without label; their label is empty text.
    max_memory_gb
        Most gigabytes (10^9 bytes) that a matrix may take; the computer's memory if not given.
    duplicates
        What to do with genes that occur several times: `error`, or join them by `first`, `mean` or `sum` of the
        values in the file, before `transform`.
    panel
        Genes over which the distribution of each sample's values is taken, such as those of a model
        (`model.panel`); None takes up to 8,192 of the file, picked by a hash of their names.
    strict
        Refuse the file for anything that is otherwise a warning: genes that a spreadsheet has changed, a last line
        without end, a gene set with few genes in the file, a sample on another scale or that occurs twice, ...
    refuse_linear
        False, to inspect a file: under `auto`, linear values are a warning and not refused.

    Returns
    -------
    AnnData: `X` of shape (samples, genes), float32, in the units of the file or as `transform` says; labels in
    `obs`; how it was read, and warnings, in `uns["tspg_input"]`; the distribution of each sample's values over
    genes of the whole file in `obsm["tspg_quantiles"]`.

    Raises
    ------
    ExpressionError, LabelError, GeneSetError
        If the files cannot be used as they are; the message names the place.
    ResourceError
        If the matrix would be larger than the limit.
    UsageError
        If `transform` or `duplicates` is unknown, or the file has no such layer.

    Examples
    --------
    >>> adata = tspg.read_expression("matrix.tsv", labels="labels.tsv")
    >>> adata.shape
    (6, 4)
    >>> adata.obs["label"].tolist()
    ['tumour', 'tumour', 'tumour', 'normal', 'normal', 'normal']
    >>> tspg.read_expression("matrix.tsv", genes=["TP53", "MYC"]).var_names.tolist()
    ['TP53', 'MYC']
    """
    return read(
        Reading(
            Path(path),
            None if labels is None else Path(labels),
            label_column=label_column,
            sample_column=sample_column,
            layer=layer,
            value=value,
            transpose=transpose,
            transform=transform,
            duplicates=duplicates,
            orient_by_genes=orient_by_genes,
            panel=panel,
            allow_unlabelled=allow_unlabelled,
            max_memory_gb=max_memory_gb,
            strict=strict,
            refuse_linear=refuse_linear,
        ),
        genes,
    )


def read(reading: Reading, genes: Selection = None) -> AnnData:
    """What `read_expression` returns, for options that are kept as one object."""
    return read_once(reading, [genes]).select(genes)


@dataclass(frozen=True)
class ExpressionFile:
    """An expression file that was read once; each of the selections that it was read for can be taken from it.

    `gene_texts` are columns of text beside the gene names, indexed by these names. With `once`, only one selection
    is taken, so its values need not be copied.
    """

    collected: Collected
    obs: pd.DataFrame
    gene_texts: pd.DataFrame
    about: dict[str, Any]
    notes: list[str]
    warnings: list[str]
    scale: Scale
    sizes: Float64Array | None  # each sample's sum over the whole file, if it is scaled to one million
    quantiles: Quantiles | None
    once: bool
    strict: bool

    def select(self, genes: Selection) -> AnnData:
        """What `read_expression` returns for one of the selections.

        Raises GeneSetError, ExpressionError if the file has none of these genes, or values that have no
        logarithm; with `strict`, for any warning.
        """
        matrix = self.collected.select(genes)
        values = matrix.values
        is_changed = self.scale.transform == "log2"
        if is_changed and not self.once and np.shares_memory(values, self.collected.values):
            values = values.copy()  # it is changed in place
        notes, warnings = self._notes(matrix, genes)
        if self.strict:
            refuse(self.collected.file, [*warnings, *doubled_samples(values, matrix.sample_ids)])
        if is_changed:
            to_log2(values, self.sizes, file=self.collected.file, sample_ids=matrix.sample_ids)
        var = self.gene_texts.reindex(pd.Index(matrix.gene_ids, dtype=object))
        about = {**self.about, "notes": [*warnings, *notes]}
        if len(matrix.gene_ids) < len(self.collected.gene_ids):
            about["matrix_genes"] = list(self.collected.gene_ids)
        adata = AnnData(X=values, obs=self.obs, var=var, uns={"tspg_input": about})
        if self.quantiles is not None:
            self.quantiles.attach(adata)
        return adata

    def _notes(self, matrix: Matrix, genes: Selection) -> tuple[list[str], list[str]]:
        """Notes and warnings on a selection and the whole file."""
        if not isinstance(genes, GeneSet):
            notes, warnings = notes_on_match(matrix.match, "")
        else:
            notes, warnings = notes_on_match(matrix.match, genes.name)
            notes += genes.notes
            if genes.description not in genes.genes and genes.description in self.collected.gene_ids:
                warnings.append(warning_about_description(genes))
        return [*self.notes, *notes], [*self.warnings, *warnings]


def read_once(reading: Reading, selections: Sequence[Selection]) -> ExpressionFile:
    """An expression file read once for several selections of genes."""
    labels = None if reading.labels is None else read_labels_file(reading.labels)
    limit, row_ids = memory_limit(reading.max_memory_gb), list[str]()
    with ExitStack() as stack:
        table = open_table(
            reading.expression,
            stack,
            limit=limit,
            layer=reading.layer,
            value=reading.value,
            sample_column=reading.sample_column,
            sample_column_elsewhere=labels is not None,
            label_column=reading.label_column if labels is None else None,
            labelled=labels is not None or reading.label_column is not None,
        )
        in_labels = labels is not None and reading.sample_column in [cells[0] for cells in labels.columns]
        if table.sample_column == reading.sample_column and not in_labels:
            reading = replace(reading, sample_column=None)
        table.prefer_names(() if labels is None else possible_names(labels, reading))
        table.blocks = _remember(table.blocks, row_ids)
        turned = genes_in_rows(table, reading, labels)
        collected = collect(table, turned, selections, limit, reading.duplicates, reading.panel)
    quantiles = collected.quantiles(reading.panel)
    row_texts, column_texts = _texts(table.row_texts, row_ids), _texts(table.column_texts, table.column_ids)
    sample_texts, gene_texts = (column_texts, row_texts) if turned else (row_texts, column_texts)
    own = pd.DataFrame(index=pd.Index(collected.sample_ids, dtype=object))
    if table.annotations is not None:
        own = own.join(table.annotations)
    taken = {name: f"{name} beside the values" for name in sample_texts.columns.intersection(own.columns)}
    own = own.join(sample_texts.rename(columns=taken)).fillna("")
    joined = annotate(table.file, collected.sample_ids, labels, reading, own)
    scale, scale_notes, scale_warnings = _scale(collected, quantiles, joined, table, reading)
    sizes = collected.statistics.totals if scale.scaled else None
    if quantiles is not None and scale.transform == "log2":
        to_log2(quantiles.values, sizes, file=reading.expression.name, sample_ids=collected.sample_ids)
    collected = replace(collected, panel=None)  # it may be larger than all wanted genes
    if table.gene_annotations is not None:
        gene_texts = table.gene_annotations[~table.gene_annotations.index.duplicated()].join(gene_texts)
    was_turned = turned and table.genes_in_rows is None and not reading.transpose and reading.orient_by_genes is None
    notes = [*table.notes, *([TURNED] if was_turned else []), *joined.notes]
    notes += note_on_joined(collected.names_in_file, reading.duplicates)
    notes += [*note_on_left_out(collected.left_out), *scale_notes]
    warnings = [
        *table.warnings,
        *joined.warnings,
        *warnings_about_obs(joined.obs, joined.label_column),
        *scale_warnings,
    ]
    warnings += warnings_about_sums(scale, reading.duplicates, are_some=collected.are_joined)
    # Of all genes: those that were changed match no set.
    warnings += warnings_about_names(collected.names_in_file, collected.sample_ids)
    about = _about(reading, table, collected, scale, joined, turned=turned)
    once, strict = len(selections) == 1, reading.strict
    return ExpressionFile(
        collected, joined.obs, gene_texts, about, notes, warnings, scale, sizes, quantiles, once, strict
    )


def _about(
    reading: Reading, table: Table, collected: Collected, scale: Scale, joined: Joined, *, turned: bool
) -> dict[str, Any]:
    """How the file was read, as `uns["tspg_input"]` keeps it."""
    by_storage = table.gene_annotations is not None  # columns first: nothing that a user of AnnData sees
    orientation = Orientation.GENES_IN_ROWS if turned and not by_storage else Orientation.SAMPLES_IN_ROWS
    where_given = {
        "layout": table.layout,
        "layer": reading.layer,
        "value": reading.value,
        "labels_file": reading.labels and reading.labels.name,
        "join": joined.about,
        "label_column": joined.label_column,
        "unnamed_label": joined.is_unnamed,
    }
    return {
        "file": reading.expression.name or reading.expression.resolve().name,
        "transform": scale.transform,
        "duplicates": reading.duplicates,
        "scale": scale.as_dict(),
        "orientation": orientation.value,
        "left_out": {"rows": collected.left_out, "columns": table.left_out},
        **{name: value for name, value in where_given.items() if value},
    }


def _scale(
    collected: Collected, quantiles: Quantiles | None, joined: Joined, table: Table, reading: Reading
) -> tuple[Scale, list[str], list[str]]:
    """The scale of the values and what is done to them, with notes and warnings.

    Samples without label that are left out count only if their values have no logarithm.
    """
    if reading.allow_unlabelled and joined.label_column is not None:
        labelled = (joined.obs[joined.label_column] != "").to_numpy(bool)
        if not labelled.all() and labelled.any() and not (collected.statistics.smallest[~labelled] < 0).any():
            collected = collected.some(labelled)
            quantiles = quantiles and replace(quantiles, values=quantiles.values[labelled])
    found, shape = collected.scale(quantiles, table.units)
    if isinstance(reading.transform, Scale):
        scale = match_scale(found, reading.transform, table.file)
        notes, warnings = notes_on_matched_scale(scale, reading.transform)
    else:
        scale = transform_scale(found, reading.transform, table.file, refuse_linear=reading.refuse_linear)
        notes, warnings = notes_on_scale(scale, reading.transform)
    if shape is not None:
        kept_genes = [collected.gene_ids[at] for at in collected.positions]
        parts = [(kept_genes, collected.values), *([collected.panel] if collected.panel else [])]
        warnings += warnings_about_samples(collected.statistics, shape, scale, collected.sample_ids, parts)
    return scale, notes, warnings


def _remember(blocks: Iterator[Block], row_ids: list[str]) -> Iterator[Block]:
    """The same blocks; the names of their rows are added to `row_ids`."""
    for block in blocks:
        row_ids += block.row_ids
        yield block


def _texts(columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> pd.DataFrame:
    """Columns of text indexed by names; the first row of each name."""
    texts = pd.DataFrame(columns, index=pd.Index(list(names), dtype=object), dtype=object)
    return texts[~texts.index.duplicated()]
