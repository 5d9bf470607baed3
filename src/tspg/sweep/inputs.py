"""From a sweep's settings to the task of one run, as `tspg run` would make it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, read_annotations
from tspg.data.genesets import GeneSet
from tspg.data.reading import Reading
from tspg.errors import Option
from tspg.experiment.task import Task, make_task, only_label_column
from tspg.model.config import Training

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
    options = settings["options"]
    return make_task(
        adata,
        target_class,
        label_column=settings["label_column"],
        gene_set=gene_set,
        source_classes=options.get("source"),
        group_column=options.get("group_column"),
        samples=options.get("samples", ()),
        annotations=annotations,
        seed=seed,
        training=training_of(options),
    )


def training_of(options: Mapping[str, Any]) -> Training:
    """How each run learns, from the options of a sweep file.

    Raises
    ------
    UsageError
        If a value is none that the option can have.
    """
    names = {Option(name).key: name for name in Training.__dataclass_fields__}
    return Training(**{names[key]: value for key, value in options.items() if key in names})


def reading_of(settings: PlainSettings) -> Reading:
    """How the matrix is read."""
    files = {name: settings[name] and Path(settings[name]) for name in ("expression", "labels")}
    return Reading.from_options({**settings["reading"], **files, "label_column": settings["label_column"]})


def annotations_of(settings: PlainSettings) -> tuple[Annotation, ...] | None:
    """What genes are looked up in; None for what comes with `tspg`."""
    names = settings["options"].get("annotations")
    return read_annotations(names) if names else None


def label_column_of(settings: PlainSettings, adata: AnnData) -> str:
    """The column of the classes under the name that it has in `adata`."""
    column = settings["label_column"]
    return column if column in adata.obs else only_label_column(adata)
