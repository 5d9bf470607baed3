"""One experiment from a labelled matrix to moved profiles: the paper's Methods section as a list of steps."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from anndata import AnnData

from tspg.analysis.interpretation.class_genes import add_gene_tests, class_genes
from tspg.analysis.interpretation.genes import all_top_genes, gene_overlap
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet
from tspg.errors import UsageError
from tspg.experiment.estimate import estimate_task
from tspg.experiment.fit import (
    Fit,
    FittedClassifier,
    cross_fitted_evidence,
    evidence_of,
    expression_of,
    fit_classifier,
    fit_target,
)
from tspg.experiment.interpret import PerturbationResult, annotation_facts, interpretation_tables
from tspg.experiment.metrics import genes_metrics, run_metrics
from tspg.experiment.second_cohort import judge, notes_on_second
from tspg.experiment.settings import make_task, make_tasks
from tspg.experiment.task import Task
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.config import DEFAULT_PRESET, ExperimentConfig, check_options
from tspg.model.device import fixed_threads
from tspg.model.reference import SampleReference
from tspg.model.sample_genes import SAMPLE_GENE_COLUMNS, comparison_classes
from tspg.model.trained_model import TrainedModel
from tspg.utils.progress import Progress, silent
from tspg.utils.timing import Clock
from tspg.utils.typing import Float32Array

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Run:
    """Everything that one experiment found; `tspg.run` returns it and `save_run` writes it.

    `perturbations` is an AnnData (X: perturbed profile; layers `original` and `perturbation`);
    `history`, `top_genes`, `gene_overlap` and `evidence` are tables, and `tables` holds further ones
    by the name of their file: `enrichment`, `enrichment_ranked`, ...; `metrics` holds every number
    of `metrics.json`; `seconds` the time of each phase.

    Examples
    --------
    >>> run.top_genes.columns.tolist()[:5]
    ['source_class', 'sample', 'direction', 'rank', 'gene']
    >>> run.metrics["perturbation"]["n"]
    153
    >>> "enrichment" in run.tables
    True
    """

    config: ExperimentConfig
    model: TrainedModel
    perturbations: AnnData
    history: pd.DataFrame
    top_genes: pd.DataFrame
    gene_overlap: pd.DataFrame
    evidence: pd.DataFrame
    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    samples: tuple[str, ...]
    seconds: dict[str, float]

    def __repr__(self) -> str:
        """Who was moved where, and where to look."""
        n_samples, n_genes = self.perturbations.shape
        sources = ", ".join(self.model.source_classes)
        return (
            f"Run: {n_samples} samples x {n_genes} genes, {sources} -> {self.config.target_class} "
            f"(preset {self.config.preset}, seed {self.config.seed})\n"
            "Look at .perturbations, .top_genes, .gene_overlap, .evidence, .tables, .history, .metrics, .model; "
            "tspg.save_run(run, folder) writes them."
        )


def run(
    adata: AnnData,
    *,
    target_class: str,
    label_column: str | None = None,
    gene_set: GeneSet | None = None,
    layer: str | None = None,
    source_classes: Sequence[str] | None = None,
    group_column: str | None = None,
    adjust_column: str | None = None,
    preset: str = DEFAULT_PRESET,
    method: str = "generator",
    epochs: int | None = None,
    steps: int | None = None,
    target_epochs: int | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    enrichment: str = "both",
    folds: int | None = None,
    test_adata: AnnData | None = None,
    normalise: str = "none",
    align: str = "none",
    seed: int = 0,
    threads: int = ExperimentConfig.threads,
    device: str = "auto",
    progress: Progress = silent,
) -> Run:
    """Learn to move profiles to the target class, and say which genes had to change.

    Parameters
    ----------
    adata
        Expression, samples x genes, in any units on which differences make sense: numbers of any kind,
        dense, sparse, a view, or in a file that was opened with `backed="r"`. It is left as it is.
    target_class
        The class that profiles are moved to.
    label_column
        Column of `adata.obs` with each sample's class. A labels file without a header has no name
        for it: any name given here is then taken for it.
    gene_set
        Use these genes only; None uses every gene.
    layer
        Layer of `adata` that holds the expression, such as `logcounts`; None is X.
    source_classes
        Classes to move; None means every class but the target. With preset `paper` and None, G
        learns from all classes, the target's own samples too (Eq. 1).
    group_column
        Column of `adata.obs` with the donor or patient, whose samples are never split apart.
    adjust_column
        Column of `adata.obs` with a batch or platform whose effect is taken out of every gene first.
    preset
        `transport`, a map in closed form, or `paper`: how the generator is made.
    method
        `generator`, or one in closed form: `linear_map`, `mean_shift`, `quantile_map`,
        `nearest_target`, `gaussian_draw`, `target_mean`, or `paired_regression`, which needs `group_column`.
    epochs, steps, target_epochs
        Length of the training of G with preset `paper` (in epochs, or exactly so many steps) and of f, where it
        should differ from the preset's.
    samples
        Names of single samples whose genes to rank as well.
    annotations
        What genes are looked up in, from `read_annotations`; None means the carried ones.
    enrichment
        `ora` (are top genes in annotated sets?), `ranked` (do sets stand together among all genes?)
        or `both`.
    folds
        With K above 1, K further fits hold every sample out once, and the evidence is theirs; the
        model that is kept is the ordinary one. None takes 5 where the one split would hold out fewer
        than 30 target samples and further fits cost little, else 1.
    test_adata
        A second cohort, of other people, with the same genes, units and columns. Nothing is learned from it: the
        evidence is taken on it as well, and answers whether the result generalises.
    normalise, align
        What becomes of the second cohort's profiles first, as in `TrainedModel.perturb`.
    seed
        The same seed gives the same bytes on the same machine, versions and number of threads.
    threads
        Processor threads.
    device
        Where to train: `cpu`, `cuda`, or `auto` for a GPU where there is one.
    progress
        Called after every epoch with the phase, the epochs done and in all, and the epoch's numbers.

    Raises
    ------
    TspgError
        If the question does not fit the data; before any training.

    Examples
    --------
    Few samples, genes and steps: quick, and no result to believe.

    >>> adata = tspg.demo_data()[::3, :50]
    >>> run = tspg.run(
    ...     adata, label_column="subtype", target_class="GI.MSI", target_epochs=2, steps=4, folds=1
    ... )
    >>> run.perturbations.shape
    (153, 50)
    """
    check_options({"progress": progress})
    task = make_task(
        adata,
        target_class,
        label_column=label_column,
        gene_set=gene_set,
        layer=layer,
        source_classes=source_classes,
        group_column=group_column,
        adjust_column=adjust_column,
        preset=preset,
        method=method,
        epochs=epochs,
        steps=steps,
        target_epochs=target_epochs,
        samples=samples,
        annotations=annotations,
        enrichment=enrichment,
        folds=folds,
        test_adata=test_adata,
        normalise=normalise,
        align=align,
        seed=seed,
        threads=threads,
        device=device,
    )
    (found,) = run_experiments([task], progress=progress)
    return found


def run_targets(
    adata: AnnData, *, target_classes: Sequence[str], progress: Progress = silent, **options: Any
) -> Iterator[Run]:
    """The same question for several target classes of one study, each as `run` answers it.

    Reading, split, scaler and f are shared. Shared time is counted with the first run.

    Parameters
    ----------
    adata
        Expression, samples x genes, as for `run`.
    target_classes
        The classes that profiles are moved to, one run each.
    progress
        As for `run`.
    **options
        All others of `run`.

    Returns
    -------
    One run after the other, in the order of `target_classes`: save what you need before you take the next.

    Raises
    ------
    TspgError
        If one of the questions does not fit the data; before any training.

    Examples
    --------
    >>> how = {"label_column": "subtype", "method": "mean_shift", "target_epochs": 2, "folds": 1}
    >>> for one in tspg.run_targets(adata, target_classes=["GI.MSI", "GI.GS"], **how):
    ...     print(one.config.target_class, one.perturbations.shape)
    GI.MSI (153, 50)
    GI.GS (153, 50)
    """
    check_options({"progress": progress})
    targets = [] if isinstance(target_classes, str) else list(target_classes)
    if not targets:
        raise UsageError(f"target_classes is {target_classes!r}; a list of one or more class names is needed.")
    return run_experiments(make_tasks(adata, targets, **options), progress=progress)


def run_experiments(
    tasks: Sequence[Task],
    *,
    progress: Progress = silent,
    classifier: FittedClassifier | None = None,
    clock: Clock | None = None,
    checkpoints: Checkpoints = NONE_KEPT,
) -> Iterator[Run]:
    """The method itself, once the questions have been checked (paper, sections 2.1-2.4).

    The questions differ in their target class alone. `ground` is what they stand on, where it was laid
    before, and `clock` counts its seconds. `checkpoints` keeps the state of every training.
    """
    clock, threads = clock or Clock(), tasks[0].config.threads
    if classifier is None:
        if logger.isEnabledFor(logging.INFO):
            each = "" if len(tasks) == 1 else f" for each of {len(tasks)} targets"
            logger.info("expect %s%s", estimate_task(tasks[0]), each)
        with fixed_threads(threads):
            classifier = fit_classifier(tasks[0], clock, progress, checkpoints=checkpoints)
    for task in tasks:
        with fixed_threads(threads):
            fitted = fit_target(classifier, task, clock, progress, checkpoints)
            found = _finish(task, fitted, clock, progress, checkpoints)
        yield found


def _finish(task: Task, fitted: Fit, clock: Clock, progress: Progress, checkpoints: Checkpoints) -> Run:
    """Move the samples and say what can be said about it."""
    config = task.config
    with clock.phase("reference"):
        reference = fitted.classifier.reference(config.target_class)
        shift, p_shift = fitted.classifier.shift or (None, None)
        alignment = fitted.classifier.alignment
        model = replace(fitted.model, reference=reference, shift=shift, alignment=alignment)
    with clock.phase("perturb"):
        perturbations = model.perturb_dataset(fitted.dataset, p_shift=p_shift)
    with clock.phase("genes"):
        top = all_top_genes(perturbations, k=config.top_k, samples=task.samples)
        expression = expression_of(task, fitted.dataset)
        genes = class_genes(perturbations, expression.of(model.task_mask(fitted.dataset)), seed=config.seed)
        add_gene_tests(perturbations, genes)
        sample_genes, rests_on = _sample_genes(
            task, fitted.classifier, model, reference, perturbations, expression.values
        )
    with clock.phase("evidence"):
        logistic = None
        if config.folds > 1:
            evidence = cross_fitted_evidence(task, fitted.dataset, progress, checkpoints)
        else:
            evidence = evidence_of(fitted, task)
            if config.source_classes is None:  # else what the genes mean is asked of the named classes alone
                logistic = fitted.classifier.classifiers["logistic"]
        second = judge(task, replace(fitted, model=model), genes)
        on_second = None if second is None or second.evidence.empty else second.evidence
        metrics = run_metrics(task, fitted.dataset, model, perturbations, evidence, fitted.history, on_second)
        metrics |= {"genes": genes_metrics(perturbations, genes), "reference": {"samples": rests_on}}
    with clock.phase("meaning"):
        moved = PerturbationResult(
            perturbations, top, model, perturbations, task.samples, genes, sample_genes, logistic
        )
        tables = interpretation_tables(moved, metrics, task.annotations, enrichment=config.enrichment)
        tables["genes"] = genes
        if second is not None:
            tables, metrics["test_cohort"] = {**tables, **second.tables}, second.metrics
            metrics["data"]["notes"] += notes_on_second(second.metrics)
        if task.samples:
            tables["sample_genes"] = sample_genes
        metrics["annotations"] = annotation_facts(task.annotations, perturbations)
    return Run(
        config=config,
        model=model,
        perturbations=perturbations,
        history=fitted.history,
        top_genes=top,
        gene_overlap=gene_overlap(top),
        evidence=evidence,
        metrics=metrics,
        tables=tables,
        samples=task.samples,
        seconds=clock.read_off(),
    )


def _sample_genes(
    task: Task,
    classifier: FittedClassifier,
    model: TrainedModel,
    reference: SampleReference,
    perturbations: AnnData,
    values: Float32Array,
) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    """The genes of each named sample, and what it was held against.

    One that was trained on is held against a reference learned without her donor.
    """
    dataset, target = classifier.dataset, task.config.target_class
    parts, rests_on = [], {}
    for name in task.samples:
        row, moved = dataset.sample_ids.index(name), perturbations[[name]]
        against = classifier.reference_without(row, target) if dataset.is_train[row] else reference
        parts.append(model.sample_genes_of(moved, values[[row]], against))
        rests_on[name] = against.n_samples_behind(*comparison_classes(moved.obs))
    empty = pd.DataFrame(columns=list(SAMPLE_GENE_COLUMNS))
    return pd.concat(parts, ignore_index=True) if parts else empty, rests_on
