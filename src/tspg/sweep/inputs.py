"""From a sweep's settings to the task of one run, as `tspg run` would make it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, read_annotations
from tspg.data.genesets import GeneSet
from tspg.data.reading import Reading
from tspg.experiment.settings import make_task, only_label_column
from tspg.experiment.task import Task

PlainSettings = Mapping[str, Any]  # the settings of a sweep as plain values


def task_of(
    settings: PlainSettings,
    adata: AnnData,
    gene_set: GeneSet | None,
    *,
    target_class: str,
    seed: int,
    annotations: Sequence[Annotation] | None,
) -> Task:
    """The task of one run, validated whole."""
    # `annotations` are given read; `xlsx` is about files
    options = {name: value for name, value in settings["options"].items() if name not in ("annotations", "xlsx")}
    return make_task(
        adata,
        target_class,
        label_column=settings["label_column"],
        gene_set=gene_set,
        source_classes=options.pop("source", None),
        adjust_column=options.pop("adjust", None),
        annotations=annotations,
        seed=seed,
        **options,
    )


def reading_of(settings: PlainSettings) -> Reading:
    """How the matrix is read."""
    decisive = {name: value for name, value in settings["reading"].items() if name in Reading.__dataclass_fields__}
    labels = None if settings["labels"] is None else Path(settings["labels"])
    return Reading(Path(settings["expression"]), labels, settings["label_column"], **decisive)


def annotations_of(settings: PlainSettings) -> tuple[Annotation, ...] | None:
    """What genes are looked up in; None for what comes with `tspg`."""
    names = settings["options"].get("annotations")
    return read_annotations(names) if names else None


def label_column_of(settings: PlainSettings, adata: AnnData) -> str:
    """The column of the classes under the name that it has in `adata`."""
    column = settings["label_column"]
    return column if column in adata.obs else only_label_column(adata)
