"""What the options name: files to read, and how."""

from argparse import Namespace
from dataclasses import replace
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anndata import AnnData

from tspg.data.annotations import Annotation, annotation_files, read_annotations
from tspg.data.expression import read
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.readers.sample_sheets import input_files
from tspg.data.reading import Reading
from tspg.data.scale import Scale
from tspg.errors import UsageError
from tspg.model.config import ALIGN, NORMALISE
from tspg.report.excel import require_xlsxwriter

if TYPE_CHECKING:
    from tspg.experiment.task import SecondCohort

T = TypeVar("T")


def profiles(options: Namespace, gene_set: GeneSet | None = None, **more: Any) -> AnnData:
    """The matrix with its labels; samples that have none are left out, where that is allowed."""
    adata = read(replace(reading(options), **more), gene_set)
    column = label_column(options, adata)
    return adata if column is None else adata[(adata.obs[column] != "").to_numpy()]


def check_second_cohort(options: Namespace) -> None:
    """Refuse options of a second cohort that do not go together."""
    if options.test_expression is None:
        if options.test_labels is not None:
            raise UsageError(f"--test-labels {options.test_labels}: add its matrix, --test-expression FILE.")
        for name, none in (("normalise", NORMALISE[0]), ("align", ALIGN[0])):
            if getattr(options, name) != none:
                raise UsageError(
                    f"--{name} is for a second cohort here: name it with --test-expression, or use it with "
                    "`tspg perturb`."
                )
    elif options.test_labels is None and options.label_column is None:
        raise UsageError("Say which class each sample of the second cohort has: --test-labels FILE.")


def second_cohort(options: Namespace, first: AnnData) -> "SecondCohort | None":
    """The second cohort, read as the first was: its genes, in rows or in columns."""
    from tspg.experiment.task import SecondCohort

    if options.test_expression is None:
        return None
    layer = options.layer if content_of(options.test_expression).kind == Kind.HDF5 else None
    genes = list(map(str, first.var_names))
    source = first.uns["tspg_input"]
    own = replace(
        reading(options),
        expression=options.test_expression,
        labels=options.test_labels,
        sample_column=None,  # another file's column
        layer=layer,
        orient_by_genes=genes,
        panel=source.get("panel"),
        transform=Scale.of_dict(source["scale"]),
        labels_option="--test-labels",
    )
    adata = read(own, genes)
    column = adata.uns["tspg_input"].get("label_column")
    labelled = adata if column is None else adata[(adata.obs[column] != "").to_numpy()]
    return SecondCohort(labelled, options.normalise, options.align)


def reading(options: Namespace) -> Reading:
    """How the matrix is read."""
    return Reading.from_options(vars(options))


def taken_from(options: Namespace, kind: type[T], **more: Any) -> T:
    """A dataclass whose fields are the options of the same names."""
    named = {name: getattr(options, name) for name in signature(kind).parameters if hasattr(options, name)}
    return kind(**{**named, **more})


def label_column(options: Namespace, adata: AnnData) -> str | None:
    """The column with the classes, if any were given; a labels file with one column needs no name for it."""
    from tspg.experiment.task import only_label_column

    return options.label_column or (only_label_column(adata) if options.labels else None)


def gene_set(options: Namespace) -> GeneSet | None:
    """The one gene set that the options name: a set, the union of all, or None for every gene."""
    if not options.gene_sets:
        if options.gene_set:
            raise UsageError(f"--gene-set {options.gene_set}: add its file, --gene-sets FILE.gmt.")
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


def files_named(options: Namespace) -> list[Path]:
    """Every file that the options name, for the manifest to vouch for."""
    given = {name: getattr(options, name, None) for name in ("expression", "labels", "test_expression", "test_labels")}
    own = [input_files(path) if "expression" in name else [path] for name, path in given.items() if path is not None]
    return [*chain.from_iterable(own), *getattr(options, "gene_sets", []), *annotation_files(options.annotations)]


def require_what_xlsx_needs(options: Namespace) -> None:
    """Refuse `--xlsx` before any work where its library is not installed."""
    if options.xlsx:
        require_xlsxwriter()
