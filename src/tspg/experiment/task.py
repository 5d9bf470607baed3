"""From options and a labelled matrix to a task: everything is checked before any work starts.

What a check needs of PyTorch or SciPy's statistics is imported inside it: most tasks need none of them to be refused.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from anndata import AnnData

from tspg.data.annotations import Annotation, carried_annotations
from tspg.data.batch import check_adjustable
from tspg.data.genesets import GeneSet
from tspg.data.identifiers import FEWEST_GENES, match_genes
from tspg.data.labels import is_missing
from tspg.data.matrix import dense_adata, other_genes, require_anndata
from tspg.data.own_columns import GENE_COLUMNS, SAMPLE_COLUMNS, note_on_columns
from tspg.data.prepare import require_unique, text_column
from tspg.data.quantiles import Quantiles
from tspg.data.scale import notes_on_scale, reason
from tspg.data.scale_detection import scale_in
from tspg.data.second_cohort import MatchedCohort, require_classes
from tspg.data.second_cohort import second_cohort as matched_cohort
from tspg.errors import GeneSetError, LabelError, Option, UsageError
from tspg.model.config import ALIGN, DEFAULT_PRESET, NORMALISE, PRESETS, ExperimentConfig, Training, check_options
from tspg.model.device import require_device
from tspg.model.random import epochs_of_f
from tspg.utils.names import MOST_SHOWN, as_names, check_characters, check_names, closest, listed, shown
from tspg.utils.options import refuse_unknown
from tspg.utils.schema import plain
from tspg.utils.text import counted
from tspg.utils.typing import BoolArray

FEWEST_TARGETS = 3  # two to learn the target state from, one to be held out
MOST_CLASSES = 60  # named where one of them is to be chosen
# Folds where no number is given: a fixed formula, never a clock.
AUTOMATIC_FOLDS = 5
FEW_HELD_OUT = 30  # target samples: on fewer, one split alone moves the energy ratio severalfold
# Samples x genes x classes, and genes alone: training takes as many steps however few the samples are. Five fits of
# 459 x 3,270 x 4 or 150 x 4,500 x 4 take about a minute on two cores (benchmarks/README.md).
MOST_CELLS, MOST_GENES = 6_000_000, 4_500
_NOTHING_TO_TRAIN = (
    "Epochs and steps had no effect: what moves the profiles is computed in closed form. Only preset paper trains a "
    "generator."
)
_ANNOTATIONS = plain(
    "None, or what tspg.read_annotations(files) gives,",
    lambda value: value is None or (isinstance(value, list | tuple) and all(isinstance(a, Annotation) for a in value)),
)


@dataclass(frozen=True)
class SecondCohort:
    """Samples of other people, on which a run is evaluated too; nothing is learned from them.

    Parameters
    ----------
    adata
        Expression with the genes, units and columns of the first cohort.
    normalise, align
        What is done to the profiles first, as in `TrainedModel.perturb`.

    Examples
    --------
    >>> tspg.SecondCohort(adata, align="cohort").normalise
    'none'
    """

    adata: AnnData
    normalise: str = "none"
    align: str = "none"

    def __post_init__(self) -> None:
        require_anndata(self.adata)
        check_options({"normalise": self.normalise, "align": self.align})


SecondCohort.__init__ = refuse_unknown()(SecondCohort.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class Task:
    """Which samples and genes are moved to which class, and how that is learned.

    `adata` is the expression of the wanted genes; `details` is what a report says about the data; `quantiles` are
    each sample's values over genes of the whole matrix; `samples` are single samples whose own genes are wanted;
    `annotations` is what genes are looked up in. `automatic_folds` says that the number of folds was chosen by
    `automatic_folds`. On `second`, a cohort of other people, the run is evaluated too.
    """

    adata: AnnData
    config: ExperimentConfig
    details: dict[str, Any]
    samples: tuple[str, ...]
    annotations: tuple[Annotation, ...] = ()
    automatic_folds: bool = False
    second: MatchedCohort | None = None
    quantiles: Quantiles | None = None
    other_genes: tuple[str, ...] = ()  # of the matrix, outside the gene set


def make_task(adata: AnnData, target_class: str, **options: Any) -> Task:
    """The one task of `make_tasks` for one target class."""
    (task,) = make_tasks(adata, [target_class], **options)
    return task


def make_tasks(
    adata: AnnData,
    target_classes: Sequence[str],
    *,
    label_column: str | None = None,
    source_classes: Sequence[str] | None = None,
    group_column: str | None = None,
    gene_set: GeneSet | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    second_cohort: SecondCohort | None = None,
    seed: int = 0,
    training: Training = Training(),
) -> list[Task]:
    """The tasks of `tspg.run` for some target classes, each checked whole; parameters are those of `tspg.run`.

    Raises
    ------
    TspgError
        If an option is wrong, or the data do not allow one of the tasks.
    """
    require_anndata(adata)
    for name, value, needed, how in (
        ("gene_set", gene_set, GeneSet, "read_gene_sets(file)[name], or GeneSet(name, genes)"),
        ("training", training, Training, "tspg.Training(...)"),
        ("second_cohort", second_cohort, SecondCohort, "tspg.SecondCohort(adata)"),
    ):
        if not isinstance(value, needed) and (value is not None or name == "training"):
            raise UsageError(
                Option(name), f" is a {type(value).__name__}; a {needed.__name__} is needed, such as {how}."
            )
    targets, samples = as_names(target_classes), as_names(samples)
    check_options({"samples": samples})
    if (fault := _ANNOTATIONS(annotations)) is not None:
        raise UsageError(Option("annotations"), f"{fault}.")
    config = training.config(
        target_class=targets[0],
        label_column=label_column or only_label_column(adata),
        source_classes=as_names(source_classes),
        group_column=group_column,
        gene_set=None if gene_set is None else gene_set.name,
        seed=seed,
        normalise=NORMALISE[0] if second_cohort is None else second_cohort.normalise,
        align=ALIGN[0] if second_cohort is None else second_cohort.align,
    )
    tasks = validate_tasks(
        adata,
        [replace(config, target_class=target) for target in targets],
        gene_set=gene_set,
        samples=samples,
        annotations=annotations,
        second=None if second_cohort is None else second_cohort.adata,
    )
    if not config.is_trained and (training.epochs, training.steps) != (None, None):
        tasks[0].details["notes"].append(_NOTHING_TO_TRAIN)  # the tasks share their details
    return tasks if training.folds or training.split_column else [_with_folds(task) for task in tasks]


def only_label_column(adata: AnnData) -> str:
    """The column with the classes where none is named: the only one of the labels file, or of the samples.

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
    text = ", ".join(f"{shown(name)} ({n_classes[name]:,})" for name in likely[:MOST_SHOWN])
    more = f" and {len(columns) - MOST_SHOWN:,} more" if len(columns) > MOST_SHOWN else ""
    found = f"{len(columns):,} columns (with so many different values: {text}{more})" if columns else "no labels"
    raise UsageError(f"The samples have {found}. Say which holds the class with ", Option("label_column"), ".")


def validate_tasks(
    adata: AnnData,
    configs: Sequence[ExperimentConfig],
    *,
    gene_set: GeneSet | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    second: AnnData | None = None,
) -> list[Task]:
    """The tasks of some configurations, which differ in their target class alone, once the data allow each of them.

    Raises
    ------
    TspgError
        If the data do not; the message says why and what to do.
    """
    config = configs[0]
    require_unique(adata)
    if gene_set is not None:
        check_names([gene_set.name], what="gene set", file="", error=GeneSetError)
        check_characters(gene_set.genes, what="gene", file=f"gene set {shown(gene_set.name)}", error=GeneSetError)
    differing = adata.uns.get("tspg_input", {}).get("join", {}).get("differing", ())
    for column in (config.label_column, config.group_column, config.split_column, config.adjust_column):
        if column is not None and column in differing:
            raise LabelError(
                f"Column {shown(column)}: several lines of the labels file are of one sample, and differ there. "
                "Keep one line per sample."
            )
    selected, details = _select(adata, config, gene_set)
    for one in configs:
        check_task(selected, one, samples)
    for annotation in annotations or ():
        match_genes(annotation.gene_sets.union().genes, list(map(str, selected.var_names)), name=annotation.category)
        details["notes"] += annotation.gene_sets.notes
    quantiles = Quantiles.of(adata, config.layer)
    task = Task(
        selected,
        config,
        details,
        tuple(dict.fromkeys(samples)),
        carried_annotations() if annotations is None else tuple(annotations),
        second=None if second is None else _match_second(second, selected, quantiles, configs),
        quantiles=quantiles,
        other_genes=tuple(other_genes(adata, selected)),
    )
    return [replace(task, config=one) for one in configs]


def _match_second(
    adata: AnnData, first: AnnData, quantiles: Quantiles | None, configs: Sequence[ExperimentConfig]
) -> MatchedCohort:
    """The second cohort with the first one's genes, once each task can be evaluated on it."""
    from tspg.model.alignment import require_alignable
    from tspg.model.new_classes import FEWEST_SAMPLES
    from tspg.model.normalisation import require_panel

    config, panel = configs[0], () if quantiles is None else quantiles.genes
    second = matched_cohort(
        adata, first, panel, label_column=config.label_column, group_column=config.group_column, layer=config.layer
    )
    classes = set(text_column(first, config.label_column))
    if config.normalise != NORMALISE[0]:
        require_panel(panel, Quantiles.of(second.adata))
    if config.align != ALIGN[0]:
        require_alignable(text_column(second.adata, config.label_column), tuple(sorted(classes)))
    for one in configs:
        sources = one.source_classes or sorted(classes - {one.target_class})
        require_classes(second, one.label_column, one.target_class, sources, known=classes, fewest=FEWEST_SAMPLES)
    return second


def _select(adata: AnnData, config: ExperimentConfig, gene_set: GeneSet | None) -> tuple[AnnData, dict[str, Any]]:
    """The wanted genes alone, with labels under their name, and what a report says about the data."""
    source = adata.uns.get("tspg_input", {})
    missing: tuple[str, ...] = ()
    positions, n_wanted = None, adata.n_vars
    if gene_set is not None:
        match = match_genes(gene_set.genes, [str(gene) for gene in adata.var_names], name=gene_set.name)
        missing, n_wanted = match.missing, len(gene_set.genes)
        positions = None if len(match.positions) == adata.n_vars else match.positions
    selected = dense_adata(adata, layer=config.layer, genes=positions)
    if config.label_column not in selected.obs and source.get("unnamed_label"):
        selected.obs = selected.obs.rename(columns={"label": config.label_column})
    notes = []
    if gene_set is not None and (selected.n_vars < FEWEST_GENES or selected.n_vars < n_wanted / 2):
        notes.append(f"Only {selected.n_vars} of the gene set's {n_wanted} genes are in the matrix.")
    notes += note_on_columns(selected.obs.columns, SAMPLE_COLUMNS, what="sample")
    notes += note_on_columns(selected.var.columns, GENE_COLUMNS, what="gene")
    scale, is_of_file = scale_in(adata, selected.X, config.layer)
    if not is_of_file:
        known, uncertain = notes_on_scale(scale, "")
        notes += [*uncertain, *known]
    details = {
        "file": source.get("file", ""),
        "labels_file": source.get("labels_file", ""),
        "layer": config.layer or source.get("layer", ""),
        "transform": source.get("transform", "none"),
        "duplicates": source.get("duplicates", "error"),
        "units": f"{scale.now}: {reason(scale)}",
        "is_log": scale.is_log2,
        "scale": scale.as_dict(),
        "notes": [*notes, *(str(note) for note in source.get("notes", []))],
        "gene_set": {
            "name": config.gene_set or "",
            "n_genes": n_wanted,
            "n_found": selected.n_vars,
            "missing": list(missing),
        },
    }
    return selected, details


def check_task(adata: AnnData, config: ExperimentConfig, samples: Sequence[str] = ()) -> None:
    """Refuse a task that the data do not allow, before any work starts."""
    require_device(config.device)
    labels = text_column(adata, config.label_column)
    classes = sorted(set(labels))
    for name in (config.target_class, *(config.source_classes or ())):
        if name not in classes:
            raise UsageError(
                f"There is no class {shown(name)} in {shown(config.label_column)}. "
                f"Closest: {listed(closest(name, classes))}. All {len(classes):,}: {listed(classes, MOST_CLASSES)}."
            )
    if len(classes) < 2:
        raise LabelError(
            f"Column {shown(config.label_column)} holds one class only ({shown(classes[0])}); two or more are needed. "
            "Check that it is the column with the classes."
        )
    if config.target_class in (config.source_classes or ()):
        raise UsageError(f"{config.target_class!r} is both the target and a source. Leave it out of the sources.")
    n_target = labels.count(config.target_class)
    if n_target < FEWEST_TARGETS:
        raise UsageError(
            f"The target class {config.target_class!r} has {n_target} sample{'s' if n_target > 1 else ''}; "
            f"{FEWEST_TARGETS} or more are needed: two to learn from, one to be held out."
        )
    _check_samples(samples, dict(zip(map(str, adata.obs_names), labels, strict=True)), config)
    if config.adjust_column is not None:
        check_adjustable(labels, text_column(adata, config.adjust_column), column=config.adjust_column)
    n_donors = _n_target_donors(adata, config)
    if config.folds > n_donors:
        raise UsageError(
            Option("folds"),
            f" is {config.folds}, but the target class has {n_donors} "
            f"{'samples' if config.group_column is None else 'donors'}; each fold must hold one out.",
        )
    _check_split(adata, config, labels)
    _check_pairs(adata, config, labels)


def _check_samples(samples: Sequence[str], class_of: Mapping[str, str], config: ExperimentConfig) -> None:
    """Refuse single samples that are not there, or are of a class that is not moved."""
    unknown = sorted(set(samples) - set(class_of))
    if unknown:
        near = closest(unknown[0], list(class_of))[0]
        raise UsageError(f"There is no sample {unknown[0]!r} in the matrix. Closest: {near!r}.")
    for sample in samples if config.source_classes is not None else ():
        if class_of[sample] not in (*(config.source_classes or ()), config.target_class):
            raise UsageError(
                f"Sample {sample!r} is of class {class_of[sample]!r}, which is not moved. "
                "Name that class among the sources (",
                Option("source_classes"),
                "), or leave the sample out.",
            )


def given_split(adata: AnnData, config: ExperimentConfig) -> BoolArray | None:
    """True for each sample that the split column gives to training; None where the split is drawn."""
    if config.split_column is None:
        return None
    return np.asarray([part == "train" for part in text_column(adata, config.split_column)])


def _check_split(adata: AnnData, config: ExperimentConfig, labels: list[str]) -> None:
    """Refuse a given split by which nothing could be learned or evaluated, or which has one donor on both sides."""
    is_train = given_split(adata, config)
    if is_train is None:
        return
    where = f"Column {shown(str(config.split_column))}"
    if other := sorted(set(text_column(adata, str(config.split_column))) - {"train", "test"}):
        raise LabelError(f"{where}: {listed(other)} in it; every sample must be 'train' or 'test'.")
    train = Counter(label for label, trained in zip(labels, is_train, strict=True) if trained)
    held_out = Counter(labels) - train
    for name in sorted(set(labels)):
        fewest = FEWEST_TARGETS - 1 if name == config.target_class else 1
        if (n := train[name]) < fewest:
            raise LabelError(
                f"{where}: class {shown(name)} has {counted(n, 'sample')} to train on; {fewest} or more are needed."
            )
    sources = set(config.source_classes or labels) - {config.target_class}
    for what, names in (("the target class", {config.target_class}), ("a source class", sources)):
        if names.isdisjoint(held_out):
            raise LabelError(f"{where}: no sample of {what} is held out. Mark some of them as test.")
    if config.group_column is not None:
        donors = np.asarray(text_column(adata, config.group_column), dtype=object)
        if both := sorted(set(donors[is_train]) & set(donors[~is_train])):
            raise LabelError(
                f"{where}: samples of {counted(len(both), 'donor')} are both in training and held out: {listed(both)}. "
                "Put all samples of a donor on one side."
            )


def _check_pairs(adata: AnnData, config: ExperimentConfig, labels: list[str]) -> None:
    """Refuse a method that learns from donors with samples of two classes where there are too few of them."""
    if config.method != "paired_regression":
        return
    from tspg.model.expectation import FEWEST_PAIRS, donors_of_both

    needs = (
        f"{config.method} learns from donors with samples of both a source class and the target class, "
        f"{FEWEST_PAIRS} or more."
    )
    if config.group_column is None:
        raise UsageError(f"{needs} No column with donors is given: name it with ", Option("group_column"), ".")
    found = donors_of_both(labels, text_column(adata, config.group_column), config.target_class)
    best = max(config.source_classes or tuple(found), key=lambda name: found[name])
    if found[best] < FEWEST_PAIRS:
        raise UsageError(
            f"{needs} By column {shown(config.group_column)}, source class {shown(best)} has the most: {found[best]}. "
            "Name another column with ",
            Option("group_column"),
            ", or use method target_mean.",
        )


def _n_target_donors(adata: AnnData, config: ExperimentConfig) -> int:
    """How many donors have samples of the target class; without a group column each sample is its own."""
    labels = text_column(adata, config.label_column)
    donors = adata.obs_names if config.group_column is None else text_column(adata, config.group_column)
    return len({donor for donor, label in zip(donors, labels, strict=True) if label == config.target_class})


def _with_folds(task: Task) -> Task:
    """The task with as many folds as its size calls for."""
    adata, config = task.adata, task.config
    labels = text_column(adata, config.label_column)
    n_target, n_donors = labels.count(config.target_class), _n_target_donors(adata, config)
    n_folds = automatic_folds(adata.n_obs, adata.n_vars, len(set(labels)), config, n_target=n_target, n_donors=n_donors)
    return replace(task, config=replace(config, folds=n_folds), automatic_folds=n_folds > 1)


def automatic_folds(
    n_samples: int, n_genes: int, n_classes: int, config: ExperimentConfig, *, n_target: int, n_donors: int
) -> int:
    """5 where one split would hold few target samples out and further fits cost little, else 1.

    They cost little on a matrix of bounded size, where no generator is trained, and f no longer than by default.
    """
    n_train, usual_f = round(config.train_fraction * n_samples), PRESETS[DEFAULT_PRESET][0]
    is_short = not config.is_trained and epochs_of_f(n_train, config.target_model) <= epochs_of_f(n_train, usual_f)
    few = round((1 - config.train_fraction) * n_target) < FEW_HELD_OUT
    is_small = n_samples * n_genes * n_classes <= MOST_CELLS and n_genes <= MOST_GENES
    return AUTOMATIC_FOLDS if few and is_short and is_small and n_donors >= AUTOMATIC_FOLDS else 1
