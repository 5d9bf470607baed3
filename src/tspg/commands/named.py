"""What the options name: files to read, and how."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, annotation_files, read_annotations
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.data.reading import Reading
from tspg.data.scale import Scale
from tspg.data.streams import file_kind
from tspg.errors import UsageError
from tspg.report.spreadsheet import require_xlsxwriter


def profiles(options: Namespace, gene_set: GeneSet | None = None, **more: Any) -> AnnData:
    """The matrix with its labels; samples that have none are left out, where that is allowed."""
    adata = reading(options).read(gene_set, **limits(options), **more)
    column = label_column(options, adata)
    return adata if column is None else adata[(adata.obs[column] != "").to_numpy()]


def second_cohort(options: Namespace, first: AnnData) -> AnnData | None:
    """The second cohort, read as the first was: its genes, on whichever side of the file they stand."""
    if options.test_expression is None:
        if options.test_labels is not None:
            raise UsageError(f"--test-labels {options.test_labels}: say with --test-expression FILE what it labels.")
        return None
    if options.test_labels is None and options.label_column is None:
        raise UsageError("Say which class each sample of the second cohort has: --test-labels FILE.")
    layer = options.layer if file_kind(options.test_expression) == ".h5ad" else None
    own = replace(reading(options), expression=options.test_expression, labels=options.test_labels, layer=layer)
    genes = list(map(str, first.var_names))
    source = first.uns["tspg_input"]
    how: dict[str, Any] = {"panel": source.get("panel"), "transform": Scale.of_dict(source["scale"])}
    adata = own.read(genes, orient_by_genes=genes, **how, **limits(options))
    column = options.label_column or "label"
    return adata[(adata.obs[column] != "").to_numpy()] if column in adata.obs else adata


def reading(options: Namespace) -> Reading:
    """How the matrix is read."""
    same = ("expression", "labels", "label_column", "sample_column", "layer", "value", "transpose", "transform")
    return Reading(**{name: getattr(options, name) for name in same}, duplicates=options.duplicates or "error")


def limits(options: Namespace) -> dict[str, Any]:
    """What is refused of a matrix, and what is accepted."""
    return {
        "allow_unlabelled": options.allow_unlabelled,
        "max_memory_gb": options.max_memory,
        "strict": options.strict,
    }


def label_column(options: Namespace, adata: AnnData) -> str | None:
    """The column with the classes, if any were given; a labels file with one column needs no name for it."""
    from tspg.asking import only_label_column

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
    own = ("expression", "labels", "test_expression", "test_labels")
    files = [*(getattr(options, name, None) for name in own), *getattr(options, "gene_sets", [])]
    return [file for file in (*files, *annotation_files(options.annotations)) if file is not None]


def require_what_xlsx_needs(options: Namespace) -> None:
    """Refuse `--xlsx` before any work where its library is not installed."""
    if options.xlsx:
        require_xlsxwriter()
