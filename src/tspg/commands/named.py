"""What the options name: files to read, and how."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, annotation_files, read_annotations
from tspg.data.expression import read_expression
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.errors import UsageError
from tspg.report.spreadsheet import require_xlsxwriter
from tspg.run_folder import reading_from


def profiles(options: Namespace, gene_set: GeneSet | None = None) -> AnnData:
    """The matrix with its labels; samples that have none are left out, where that is allowed."""
    adata = read_expression(
        options.expression,
        labels=options.labels,
        label_column=options.label_column,
        genes=gene_set,
        transpose=options.transpose,
        transform=options.transform,
        allow_unlabelled=options.allow_unlabelled,
        max_memory_gb=options.max_memory,
        duplicates=options.duplicates or "error",
        strict=options.strict,
    )
    column = label_column(options, adata)
    return adata if column is None else adata[(adata.obs[column] != "").to_numpy()]


def label_column(options: Namespace, adata: AnnData) -> str | None:
    """The column with the classes, if any were given; a labels file with one column needs no name for it."""
    from tspg.question import only_label_column

    return options.label_column or (only_label_column(adata) if options.labels else None)


def gene_set(options: Namespace) -> GeneSet | None:
    """The one gene set that the options name: a set, the union of all, or None for every gene."""
    if not options.gene_sets:
        if options.gene_set:
            raise UsageError(f"--gene-set {options.gene_set}: say with --gene-sets FILE.gmt where it stands.")
        return None
    gene_sets = read_gene_sets(*options.gene_sets)
    if options.gene_set is None:
        raise UsageError(
            f"Name one of the {len(gene_sets)} gene sets with --gene-set, such as {next(iter(gene_sets))}, "
            "or say --gene-set all."
        )
    return gene_sets.union() if options.gene_set == "all" else gene_sets[options.gene_set]


def annotations(options: Namespace) -> tuple[Annotation, ...] | None:
    """What genes are to be looked up in; None for what `tspg` carries."""
    return read_annotations(options.annotations) if options.annotations else None


def input_files(options: Namespace) -> list[Path]:
    """Every file that the options name, for the manifest to vouch for."""
    files = [options.expression, options.labels, *getattr(options, "gene_sets", [])]
    return [file for file in (*files, *annotation_files(options.annotations)) if file is not None]


def reading(options: Namespace) -> dict[str, Any]:
    """How the matrix was read, for an audit to read its other genes."""
    return reading_from(
        options.out,
        expression=options.expression,
        labels=options.labels,
        label_column=options.label_column,
        transpose=options.transpose,
        transform=options.transform,
        duplicates=options.duplicates or "error",
    )


def require_what_xlsx_needs(options: Namespace) -> None:
    """Refuse `--xlsx` before any work where its library is not installed."""
    if options.xlsx:
        require_xlsxwriter()
