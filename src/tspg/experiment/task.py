"""The question that is put to the data: checked whole before any work starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anndata import AnnData

from tspg.data.annotations import Annotation, carried_annotations
from tspg.data.batch import check_adjustable
from tspg.data.genesets import GeneSet
from tspg.data.identifiers import FEWEST_GENES, match_genes
from tspg.data.matrix import dense_adata
from tspg.data.own_columns import GENE_COLUMNS, SAMPLE_COLUMNS, note_on_columns
from tspg.data.prepare import require_unique, text_column
from tspg.data.quantiles import Quantiles
from tspg.data.scale import notes_on_scale, reason
from tspg.data.scale_detection import scale_in
from tspg.data.second_cohort import SecondCohort, require_classes, second_cohort
from tspg.errors import GeneSetError, LabelError, Option, UsageError
from tspg.model.alignment import require_alignable
from tspg.model.config import ALIGN, NORMALISE, SETTINGS, ExperimentConfig
from tspg.model.device import choose_device
from tspg.model.expectation import FEWEST_PAIRS
from tspg.model.expected_profile import PairedRegression, donors_of_both
from tspg.model.new_classes import FEWEST_SAMPLES
from tspg.model.normalisation import require_panel
from tspg.utils.names import check_characters, check_names, closest, listed, shown
from tspg.utils.options import check, option

FEWEST_TARGETS = 3  # two to learn the target state from, one to be held out
MOST_CLASSES = 60  # named where one of them is to be chosen


@dataclass(frozen=True)
class Task:
    """Which samples and genes, moved where, learned how: everything that decides the answer.

    `study` is the expression of the wanted genes; `details` is what a report tells about the data; `quantiles`
    tell how each sample's values are distributed over genes of the whole matrix;
    `samples` are single samples whose own genes are asked for; `annotations` what genes are looked up in.
    `automatic_folds` tells that nobody asked for the folds that the evidence is taken from. On `second`, a cohort of
    other people, what was learned is judged once more.
    """

    study: AnnData
    config: ExperimentConfig
    details: dict[str, Any]
    samples: tuple[str, ...]
    annotations: tuple[Annotation, ...] = ()
    automatic_folds: bool = False
    second: SecondCohort | None = None
    quantiles: Quantiles | None = None

    def with_note(self, note: str) -> "Task":
        """The same question with one thing more to tell about it."""
        return replace(self, details={**self.details, "notes": [*self.details["notes"], note]})


def validate_task(
    adata: AnnData,
    config: ExperimentConfig,
    *,
    gene_set: GeneSet | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
) -> Task:
    """Put a question to labelled expression data and check that the data can answer it.

    Raises
    ------
    TspgError
        If it cannot; the message says why and what to do.
    """
    (task,) = validate_tasks(adata, [config], gene_set=gene_set, samples=samples, annotations=annotations)
    return task


def validate_tasks(
    adata: AnnData,
    configs: Sequence[ExperimentConfig],
    *,
    gene_set: GeneSet | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    test_adata: AnnData | None = None,
) -> list[Task]:
    """Several questions to one study, each as `pose` puts it; they differ in their target class alone.

    Raises
    ------
    TspgError
        If the data cannot answer one of them.
    """
    require_unique(adata)
    if gene_set is not None:
        check_names([gene_set.name], what="gene set", file="", error=GeneSetError)
        check_characters(gene_set.genes, what="gene", file=f"gene set {shown(gene_set.name)}", error=GeneSetError)
    _require_one_entry(adata, configs[0])
    _check_remedies(configs[0], test_adata)
    study, details = select(adata, configs[0], gene_set)
    for config in configs:
        check_task(study, config, samples)
    for annotation in annotations or ():
        match_genes(annotation.gene_sets.union().genes, list(map(str, study.var_names)), name=annotation.category)
        details["notes"] += annotation.gene_sets.notes
    chosen = carried_annotations() if annotations is None else tuple(annotations)
    quantiles = Quantiles.of(adata, configs[0].layer)
    second = None if test_adata is None else _second_cohort(test_adata, study, quantiles, configs)
    named = tuple(dict.fromkeys(samples))
    return [Task(study, config, details, named, chosen, second=second, quantiles=quantiles) for config in configs]


def _require_one_entry(adata: AnnData, config: ExperimentConfig) -> None:
    """Refuse a column in which lines of the labels file that are of one sample say different things."""
    differing = adata.uns.get("tspg_input", {}).get("join", {}).get("differing", ())
    for column in (config.label_column, config.group_column, config.adjust_column):
        if column is not None and column in differing:
            raise LabelError(
                f"Column {shown(column)}: several lines of the labels file are of one sample, and say different things "
                "there. Keep one line a sample."
            )


def _check_remedies(config: ExperimentConfig, test_adata: AnnData | None) -> None:
    """Refuse what cannot be done to a second cohort, or where there is none."""
    for name, value, none in (("normalise", config.normalise, NORMALISE[0]), ("align", config.align, ALIGN[0])):
        if value != none and test_adata is None:
            raise UsageError(
                option(name),
                " is for a second cohort here: name it with ",
                Option("test_adata", "--test-expression"),
                ", or use it with `tspg perturb`.",
            )


def _second_cohort(
    adata: AnnData, study: AnnData, quantiles: Quantiles | None, configs: Sequence[ExperimentConfig]
) -> SecondCohort:
    """The second cohort of several questions, which differ in their target class alone."""
    own, panel = configs[0], () if quantiles is None else quantiles.genes
    second = second_cohort(
        adata, study, panel, label_column=own.label_column, group_column=own.group_column, layer=own.layer
    )
    classes = set(text_column(study, own.label_column))
    if own.normalise != NORMALISE[0]:
        require_panel(panel, Quantiles.of(second.adata))
    if own.align != ALIGN[0]:
        require_alignable(text_column(second.adata, own.label_column), tuple(sorted(classes)))
    for config in configs:
        sources = config.source_classes or sorted(classes - {config.target_class})
        require_classes(second, config.label_column, config.target_class, sources, known=classes, fewest=FEWEST_SAMPLES)
    return second


def select(adata: AnnData, config: ExperimentConfig, gene_set: GeneSet | None) -> tuple[AnnData, dict[str, Any]]:
    """The study itself: labels under their name, the wanted genes only, and what to tell about the data."""
    source = adata.uns.get("tspg_input", {})
    missing: tuple[str, ...] = ()
    positions, n_wanted = None, adata.n_vars
    if gene_set is not None:
        match = match_genes(gene_set.genes, [str(gene) for gene in adata.var_names], name=gene_set.name)
        missing, n_wanted = match.missing, len(gene_set.genes)
        positions = None if len(match.positions) == adata.n_vars else match.positions
    study = dense_adata(adata, layer=config.layer, genes=positions)
    if config.label_column not in study.obs and source.get("unnamed_label"):
        study.obs = study.obs.rename(columns={"label": config.label_column})
    few = study.n_vars < FEWEST_GENES or study.n_vars < n_wanted / 2
    coverage = (
        [f"Only {study.n_vars} of the gene set's {n_wanted} genes are in the matrix."] if few and gene_set else []
    )
    renamed = [
        *note_on_columns(study.obs.columns, SAMPLE_COLUMNS, what="sample"),
        *note_on_columns(study.var.columns, GENE_COLUMNS, what="gene"),
    ]
    scale, is_of_file = scale_in(adata, study.X, config.layer)
    known, doubted = ([], []) if is_of_file else notes_on_scale(scale, "")
    details = {
        "file": source.get("file", ""),
        "labels_file": source.get("labels_file", ""),
        "layer": config.layer or source.get("layer", ""),
        "transform": source.get("transform", "none"),
        "duplicates": source.get("duplicates", "error"),
        "units": f"{scale.now}: {reason(scale)}",
        "is_log": scale.is_log2,
        "scale": scale.as_dict(),
        "notes": [*coverage, *renamed, *doubted, *known, *(str(note) for note in source.get("notes", []))],
        "gene_set": {
            "name": config.gene_set or "",
            "n_genes": n_wanted,
            "n_found": study.n_vars,
            "missing": list(missing),
        },
    }
    return study, details


def check_task(adata: AnnData, config: ExperimentConfig, samples: Sequence[str] = ()) -> None:
    """Refuse a question that the data cannot answer, before any work starts."""
    check(vars(config), SETTINGS)
    choose_device(config.device)
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
    samples_here = list(map(str, adata.obs_names))
    _check_samples(samples, dict(zip(samples_here, labels, strict=True)), config)
    if config.adjust_column is not None:
        check_adjustable(labels, text_column(adata, config.adjust_column), column=config.adjust_column)
    n_donors = target_donors(adata, config)
    if config.folds > n_donors:
        raise UsageError(
            option("folds"),
            f" is {config.folds}, but the target class has {n_donors} "
            f"{'samples' if config.group_column is None else 'donors'}; each fold must hold one out.",
        )
    _check_pairs(adata, config, labels)


def _check_pairs(adata: AnnData, config: ExperimentConfig, labels: list[str]) -> None:
    """Refuse a method that learns from donors with samples of two classes where there are too few of them."""
    if config.method != PairedRegression.name:
        return
    needs = (
        f"{config.method} learns from donors with samples of both a source class and the target class, "
        f"{FEWEST_PAIRS} or more."
    )
    if config.group_column is None:
        raise UsageError(f"{needs} No column with donors is given: name it with ", option("group_column"), ".")
    found = donors_of_both(labels, text_column(adata, config.group_column), config.target_class)
    sources = config.source_classes or tuple(found)
    best = max(sources, key=lambda name: found[name])
    if found[best] < FEWEST_PAIRS:
        raise UsageError(
            f"{needs} By column {shown(config.group_column)}, source class {shown(best)} has the most: {found[best]}. "
            "Name another column with ",
            option("group_column"),
            ", or use method target_mean.",
        )


def target_donors(adata: AnnData, config: ExperimentConfig) -> int:
    """How many donors have samples of the target class; without a group column each sample is its own."""
    labels = text_column(adata, config.label_column)
    donors = adata.obs_names if config.group_column is None else text_column(adata, config.group_column)
    return len({donor for donor, label in zip(donors, labels, strict=True) if label == config.target_class})


def _check_samples(samples: Sequence[str], class_of: Mapping[str, str], config: ExperimentConfig) -> None:
    """Refuse single samples that are not there, or are of a class that the question leaves out."""
    unknown = sorted(set(samples) - set(class_of))
    if unknown:
        near = closest(unknown[0], list(class_of))[0]
        raise UsageError(f"There is no sample {unknown[0]!r} in the matrix. Closest: {near!r}.")
    if config.source_classes is None:
        return
    for sample in samples:
        if class_of[sample] not in (*config.source_classes, config.target_class):
            raise UsageError(
                f"Sample {sample!r} is of class {class_of[sample]!r}, which is not moved. "
                "Name that class among the sources (",
                option("source_classes"),
                "), or leave the sample out.",
            )
