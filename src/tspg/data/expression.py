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
from tspg.data.duplicates import check_rule, note_on_joined
from tspg.data.genesets import GeneSet
from tspg.data.joining import Joined, LabelOptions, annotate, possible_names
from tspg.data.labels import read_labels_file
from tspg.data.odd_samples import Cells, doubts_about_samples
from tspg.data.orientation import orientation
from tspg.data.quantiles import Quantiles
from tspg.data.readers.opening import open_table
from tspg.data.readers.table import Block, Table, memory_limit
from tspg.data.scale import Scale
from tspg.data.transform import like, notes_on_likeness, notes_on_scale, to_log2, transformed
from tspg.errors import UsageError
from tspg.utils.options import TRANSFORMS
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

    Formats: TSV, CSV, GCT 1.2 and 1.3 (each also as `.gz`), NPY with names beside it, H5AD,
    Parquet. Names are text, always; nothing is dropped, filled in or changed silently:
    `uns["tspg_input"]["notes"]` lists what the user should know.

    Parameters
    ----------
    path
        The matrix. Samples are rows, except in GCT files and with `transpose`.
    labels
        Table of samples and labels, joined by sample name (see `read_labels`).
    label_column
        Column of `labels`, or without `labels` of the matrix file's own sample table (H5AD, GCT 1.3).
    sample_column
        Column with the samples' names of `labels`, and of `path` where that is a table of files; None takes the
        column of `labels` that most samples of the matrix are found in.
    layer
        Layer of an H5AD file that holds the values, such as `logcounts`; None is X.
    value
        Column with the values, in layouts with several numbers for each gene of a sample, such as `tpm_unstranded`.
    genes
        Keep only these (names, or a GeneSet), matched by `match_genes`, in the order of the file.
    transpose
        The file has genes in rows.
    transform
        `auto` takes values on a log scale as they are and refuses linear ones (counts, TPM, ...); `none` takes
        whatever they are; `log2` makes linear ones log2(x + 1), after scaling to counts per million if x are counts,
        whole or estimated. A `Scale` puts values beside those of a model or a first cohort, or refuses them.
    orient_by_genes
        The side that holds these genes is the side of genes; `transpose` has no say then.
    allow_unlabelled
        Accept samples without label; their label is empty text.
    max_memory_gb
        Most gigabytes (10^9 bytes) that a matrix may take; the computer's memory if not given.
    duplicates
        What to do about genes that occur several times: `error`, or make one gene of them, `first`, `mean` or
        `sum`; on the values as they stand in the file, before `transform`.
    panel
        Genes over which the distribution of each sample's values is taken, such as those of a model
        (`model.panel`); None takes up to 8,192 of the file, picked by a hash of their names.
    strict
        Refuse the file for whatever would be told as a doubt about it: genes that a spreadsheet has changed,
        no end of the last line, a gene set of which little is there, a sample on another scale or that occurs
        twice, ...
    refuse_linear
        False to have a look at a file: under `auto` linear values are told as a doubt, not refused.

    Returns
    -------
    AnnData: `X` of shape (samples, genes), float32, in the units of the file or as `transform` says; the labels
    in `obs`; how it was read, and doubts, in `uns["tspg_input"]`; how each sample's values are distributed over
    genes of the whole file, in `obsm["tspg_quantiles"]`.

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
    return read_once(
        path,
        [genes],
        labels=labels,
        label_column=label_column,
        sample_column=sample_column,
        layer=layer,
        value=value,
        transpose=transpose,
        transform=transform,
        orient_by_genes=orient_by_genes,
        allow_unlabelled=allow_unlabelled,
        max_memory_gb=max_memory_gb,
        duplicates=duplicates,
        panel=panel,
        strict=strict,
        refuse_linear=refuse_linear,
    ).select(genes)


@dataclass(frozen=True)
class ExpressionFile:
    """An expression file that was read once; any of the wanted selections of genes can be taken out of it.

    `gene_texts` are columns of text beside the genes' names, by these names. With `once`, a selection is taken a single
    time, and nothing need be kept for the next.
    """

    collected: Collected
    obs: pd.DataFrame
    gene_texts: pd.DataFrame
    about: dict[str, Any]
    notes: list[str]
    doubts: list[str]
    scale: Scale
    sizes: Float64Array | None  # each sample's sum over the whole file, where it is scaled to one million
    quantiles: Quantiles | None
    once: bool
    strict: bool

    def select(self, genes: Selection) -> AnnData:
        """What `read_expression` gives for one of the selections.

        Raises
        ------
        GeneSetError, ExpressionError
            If the file has none of these genes, or values that cannot be put on a logarithmic scale; or, with
            `strict`, for any doubt about the file.
        """
        matrix = self.collected.select(genes)
        values = matrix.values
        is_changed = self.scale.transform == "log2"
        if is_changed and not self.once and np.shares_memory(values, self.collected.values):
            values = values.copy()  # it is changed in place
        notes, doubts = self._notes(matrix, genes)
        if self.strict:
            refuse(self.collected.file, [*doubts, *doubled_samples(values, matrix.sample_ids)])
        if is_changed:
            to_log2(values, self.sizes, file=self.collected.file, sample_ids=matrix.sample_ids)
        var = self.gene_texts.reindex(pd.Index(matrix.gene_ids, dtype=object))
        about = {**self.about, "notes": [*doubts, *notes]}
        adata = AnnData(X=values, obs=self.obs, var=var, uns={"tspg_input": about})
        if self.quantiles is not None:
            self.quantiles.attach(adata)
        return adata

    def _notes(self, matrix: Matrix, genes: Selection) -> tuple[list[str], list[str]]:
        """What to know about a part of the file, and what to doubt."""
        known, doubted = notes_on_match(matrix.match, genes.name if isinstance(genes, GeneSet) else "")
        known += genes.notes if isinstance(genes, GeneSet) else ()
        if isinstance(genes, GeneSet) and genes.description not in genes.genes:
            doubted += [warning_about_description(genes)] if genes.description in self.collected.gene_ids else []
        return [*self.notes, *known], [*self.doubts, *doubted]


def read_once(
    path: str | Path,
    selections: Sequence[Selection],
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    sample_column: str | None = None,
    layer: str | None = None,
    value: str | None = None,
    transpose: bool = False,
    transform: str | Scale = "auto",
    orient_by_genes: Sequence[str] | None = None,
    allow_unlabelled: bool = False,
    max_memory_gb: float | None = None,
    duplicates: str = "error",
    panel: Sequence[str] | None = None,
    strict: bool = False,
    refuse_linear: bool = True,
    labels_option: str = "--labels",
) -> ExpressionFile:
    """Read an expression matrix once for several selections of genes; all else is as in `read_expression`.

    Linear values are taken as they are, with a note, where they are not refused. `labels_option` is the name of the
    option that gave the labels, for messages.
    """
    if isinstance(transform, str) and transform not in TRANSFORMS:
        raise UsageError(
            f"--transform {transform}: there is no such transform. Choose one of: {', '.join(TRANSFORMS)}."
        )
    check_rule(duplicates)
    path = Path(path)
    labels_file = None if labels is None else read_labels_file(labels)
    said = LabelOptions(label_column, sample_column, allow_unlabelled, labels_option)
    in_labels = labels_file is not None and sample_column in [cells[0] for cells in labels_file.columns]
    with ExitStack() as stack:
        table = open_table(
            path,
            stack,
            limit=memory_limit(max_memory_gb),
            layer=layer,
            value=value,
            sample_column=sample_column,
            sample_column_elsewhere=labels is not None,
            label_column=label_column if labels is None else None,
            labelled=(labels or label_column) is not None,
        )
        if table.sample_column == sample_column and not in_labels:
            said = replace(said, sample_column=None)
        table.prefer_names(() if labels_file is None else possible_names(labels_file, said))
        row_ids: list[str] = []
        table.blocks = _remembered(table.blocks, row_ids)
        side = orientation(table, transpose=transpose, labels=labels_file, options=said, model_genes=orient_by_genes)
        collected = collect(table, side.turned, selections, memory_limit(max_memory_gb), duplicates, panel)
    quantiles = collected.quantiles(panel)
    of_rows = _texts(table.row_texts, row_ids)
    of_columns = _texts(table.column_texts, table.column_ids)
    of_samples, of_genes = (of_columns, of_rows) if side.turned else (of_rows, of_columns)
    own = _of_samples(table.annotations, collected.sample_ids, of_samples)
    joined = annotate(table.file, collected.sample_ids, labels_file, said, own)
    labelled = _labelled(collected, quantiles, joined) if allow_unlabelled else (collected, quantiles)
    scale, known, doubted = _scale(*labelled, table, transform, refuse_linear=refuse_linear)
    del labelled
    sizes = collected.statistics.totals if scale.scaled else None
    if quantiles is not None and scale.transform == "log2":
        to_log2(quantiles.values, sizes, file=path.name, sample_ids=collected.sample_ids)
    collected = replace(collected, panel=None)  # it may be larger than all that is wanted
    notes = [*table.notes, *side.notes, *joined.notes, *note_on_joined(collected.names_in_file, duplicates)]
    notes += [*note_on_left_out(collected.left_out), *known]
    doubts = [
        *(*table.warnings, *joined.doubts, *warnings_about_obs(joined.obs, joined.label_column), *doubted),
        *warnings_about_sums(scale, duplicates, are_some=collected.are_joined),
        *warnings_about_names(collected.names_in_file, collected.sample_ids),  # of all genes: changed ones match no set
    ]
    about: dict[str, Any] = {"file": path.name or path.resolve().name, "transform": scale.transform}
    about |= {"duplicates": duplicates, "scale": scale.as_dict()}
    by_storage = table.gene_annotations is not None  # columns first: nothing that a user of AnnData sees
    about |= {"orientation": "genes in rows" if side.turned and not by_storage else "samples in rows"}
    about |= {"left_out": {"rows": collected.left_out, "columns": table.left_out}}
    named = {"layout": table.layout, "layer": layer, "value": value, "labels_file": labels and Path(labels).name}
    about |= {name: what for name, what in named.items() if what} | _about_labels(joined)
    return ExpressionFile(
        collected,
        joined.obs,
        _of_genes(table.gene_annotations, of_genes),
        about,
        notes,
        doubts,
        scale,
        sizes,
        quantiles,
        once=len(selections) == 1,
        strict=strict,
    )


def _labelled(collected: Collected, quantiles: Quantiles | None, joined: Joined) -> tuple[Collected, Quantiles | None]:
    """What tells the scale: the samples with a label, where others are left out and harm no logarithm; else all."""
    if joined.label_column is None:
        return collected, quantiles
    labelled = (joined.obs[joined.label_column] != "").to_numpy(bool)
    if labelled.all() or not labelled.any() or (collected.statistics.smallest[~labelled] < 0).any():
        return collected, quantiles
    return collected.some(labelled), quantiles and replace(quantiles, values=quantiles.values[labelled])


def _scale(
    collected: Collected, quantiles: Quantiles | None, table: Table, transform: str | Scale, *, refuse_linear: bool
) -> tuple[Scale, list[str], list[str]]:
    """On what scale the values are and what becomes of them, with what to know and what to doubt about it."""
    found, shape = collected.scale(quantiles, table.units)
    if isinstance(transform, Scale):
        scale = like(found, transform, table.file)
        known, doubted = notes_on_likeness(scale, transform)
    else:
        scale = transformed(found, transform, table.file, refuse_linear=refuse_linear)
        known, doubted = notes_on_scale(scale, transform)
    if shape is not None:
        cells = [Cells(collected.kept_genes, collected.values), *([Cells(*collected.panel)] if collected.panel else [])]
        doubted += doubts_about_samples(collected.statistics, shape, scale, collected.sample_ids, cells)
    return scale, known, doubted


def _about_labels(joined: Joined) -> dict[str, Any]:
    """How labels were joined, as far as there are any."""
    named = {"join": joined.about, "label_column": joined.label_column, "unnamed_label": joined.is_unnamed}
    return {name: what for name, what in named.items() if what}


def _remembered(blocks: Iterator[Block], row_ids: list[str]) -> Iterator[Block]:
    """The same blocks; the names of their rows are kept for the texts beside them."""
    for block in blocks:
        row_ids += block.row_ids
        yield block


def _texts(columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> pd.DataFrame:
    """Columns of text beside names, by these names; that of the first where several have one name."""
    texts = pd.DataFrame(columns, index=pd.Index(list(names), dtype=object), dtype=object)
    return texts[~texts.index.duplicated()]


def _of_genes(annotations: pd.DataFrame | None, texts: pd.DataFrame) -> pd.DataFrame:
    """What the file itself says of its genes, each named once."""
    return texts if annotations is None else annotations[~annotations.index.duplicated()].join(texts)


def _of_samples(annotations: pd.DataFrame | None, sample_ids: list[str], texts: pd.DataFrame) -> pd.DataFrame:
    """What the file itself says of its samples, in a table of them or in columns of text beside the values."""
    own = pd.DataFrame(index=pd.Index(sample_ids, dtype=object))
    for frame in (annotations, texts):
        if frame is not None:
            own = own.join(frame, rsuffix=" beside the values")
    return own.fillna("")
