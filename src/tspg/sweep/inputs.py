"""From a sweep's settings to the question of one run, as `tspg run` would put it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, read_annotations
from tspg.data.genesets import GeneSet
from tspg.data.reading import Reading
from tspg.experiment.settings import make_task, only_label_column
from tspg.experiment.task import Task

Asked = Mapping[str, Any]  # the settings of a sweep as plain values


def task_of(
    asked: Asked,
    adata: AnnData,
    gene_set: GeneSet | None,
    *,
    target_class: str,
    seed: int,
    annotations: Sequence[Annotation] | None,
) -> Task:
    """The question of one run, checked whole."""
    options = dict(asked["options"])
    for name in ("annotations", "xlsx"):  # the first is given read; the second is about files
        options.pop(name, None)
    return make_task(
        adata,
        target_class,
        label_column=asked["label_column"],
        gene_set=gene_set,
        source_classes=options.pop("source", None),
        adjust_column=options.pop("adjust", None),
        annotations=annotations,
        seed=seed,
        **options,
    )


def reading_of(asked: Asked) -> Reading:
    """How the matrix is read."""
    files = {name: asked[name] and Path(asked[name]) for name in ("expression", "labels")}
    return Reading.from_options({**asked["reading"], **files, "label_column": asked["label_column"]})


def annotations_of(asked: Asked) -> tuple[Annotation, ...] | None:
    """What genes are looked up in; None for what `tspg` carries."""
    given = asked["options"].get("annotations")
    return read_annotations(given) if given else None


def label_column_of(asked: Asked, adata: AnnData) -> str:
    """The column of a study with the classes, under the name that it has there."""
    column = asked["label_column"]
    return column if column in adata.obs else only_label_column(adata)
