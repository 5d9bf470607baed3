"""From what a user says to a question: names, numbers and a preset become one configuration."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from anndata import AnnData

from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet
from tspg.data.labels import is_missing
from tspg.data.matrix import X, require_anndata
from tspg.errors import UsageError
from tspg.experiment.folds import with_folds
from tspg.experiment.task import Task, validate_tasks
from tspg.model.config import DEFAULT_PRESET, ExperimentConfig, check_options, preset
from tspg.utils.names import MOST_SHOWN, as_names, shown
from tspg.utils.options import option
from tspg.utils.schema import plain

_NOTHING_TO_TRAIN = (
    "Epochs and steps had no effect: what moves the profiles is computed in closed form. Only preset paper trains a "
    "generator."
)
_ANNOTATIONS = plain(
    "None, or what tspg.read_annotations(files) gives,",
    lambda value: value is None or (isinstance(value, list | tuple) and all(isinstance(a, Annotation) for a in value)),
)


def make_task(adata: AnnData, target_class: str, **options: Any) -> Task:
    """The question of `run`, checked whole, without the work."""
    (task,) = make_tasks(adata, [target_class], **options)
    return task


def make_tasks(
    adata: AnnData,
    target_classes: Sequence[str],
    *,
    label_column: str | None = None,
    gene_set: GeneSet | None = None,
    layer: str | None = None,
    source_classes: Sequence[str] | None = None,
    preset: str = DEFAULT_PRESET,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    folds: int | None = None,
    test_adata: AnnData | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    **settings: Any,
) -> list[Task]:
    """The questions of `run_targets`, each checked whole, without the work."""
    require_anndata(adata)
    if test_adata is not None:
        require_anndata(test_adata)
    if gene_set is not None and not isinstance(gene_set, GeneSet):
        raise UsageError(
            f"gene_set is a {type(gene_set).__name__}; a GeneSet is needed: read_gene_sets(file)[name], "
            "or GeneSet(name, genes)."
        )
    targets, samples = as_names(target_classes), as_names(samples)
    check_options({"samples": samples})
    if (fault := _ANNOTATIONS(annotations)) is not None:
        raise UsageError(option("annotations"), f"{fault}.")
    config = configure(
        preset,
        target_class=targets[0],
        label_column=label_column or only_label_column(adata),
        gene_set=None if gene_set is None else gene_set.name,
        layer=None if isinstance(layer, str) and layer == X else layer,
        source_classes=as_names(source_classes),
        folds=1 if folds is None else folds,
        epochs=epochs,
        steps=steps,
        **settings,
    )
    configs = [replace(config, target_class=target) for target in targets]
    tasks = validate_tasks(
        adata, configs, gene_set=gene_set, samples=samples, annotations=annotations, test_adata=test_adata
    )
    if not config.is_trained and (epochs, steps) != (None, None):
        tasks = [task.with_note(_NOTHING_TO_TRAIN) for task in tasks]
    return [with_folds(task) for task in tasks] if folds is None else tasks


def configure(
    preset_name: str,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    target_epochs: int | None = None,
    **settings: Any,
) -> ExperimentConfig:
    """The full configuration: a preset's settings with what the user changed, each checked for itself."""
    epochs, steps, target_epochs = map(_plain, (epochs, steps, target_epochs))
    known = {name: _plain(value) for name, value in settings.items()}
    check_options({"epochs": epochs, "steps": steps, "target_epochs": target_epochs, **known})
    target_model, generator = preset(preset_name)
    if epochs is not None and steps is not None:
        raise UsageError(
            "Give either ",
            option("epochs"),
            " or ",
            option("steps"),
            ", not both: each sets how long G is trained.",
        )
    if generator is not None:
        generator = replace(generator, epochs=epochs or generator.epochs, steps=steps)
    if target_epochs is not None:
        target_model = replace(target_model, epochs=target_epochs, least_steps=1)
    return ExperimentConfig(preset=preset_name, target_model=target_model, generator=generator, **known)


def _plain(value: Any) -> Any:
    """A number as Python counts, which JSON knows, for one as NumPy does."""
    return value.item() if isinstance(value, np.generic) else value


def only_label_column(adata: AnnData) -> str:
    """The column with the classes where nobody named it: the only one of the labels file, or that the samples have.

    Raises
    ------
    UsageError
        If there are several, or none.
    """
    columns = [str(column) for column in adata.obs.columns]
    known = str(adata.uns.get("tspg_input", {}).get("label_column", ""))
    if known in columns or len(columns) == 1:
        return known if known in columns else columns[0]
    n_classes = {name: len({label for label in adata.obs[name] if not is_missing(str(label))}) for name in columns}
    likely = sorted(columns, key=lambda name: not 1 < n_classes[name] <= adata.n_obs / 2)  # not ages, nor one study
    told = ", ".join(f"{shown(name)} ({n_classes[name]:,})" for name in likely[:MOST_SHOWN])
    more = f" and {len(columns) - MOST_SHOWN:,} more" if len(columns) > MOST_SHOWN else ""
    found = f"{len(columns):,} columns (with so many different values: {told}{more})" if columns else "no labels"
    raise UsageError(f"The samples have {found}. Say which holds the class with ", option("label_column"), ".")
