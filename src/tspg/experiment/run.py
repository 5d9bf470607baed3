"""One experiment from a labelled matrix to moved profiles: the paper's Methods section as a list of steps."""

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.verdict import QUESTIONS
from tspg.analysis.interpretation.class_genes import add_gene_tests, class_genes
from tspg.analysis.interpretation.genes import all_top_genes, gene_overlap
from tspg.analysis.interpretation.paper_tables import table_1
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
from tspg.experiment.second_cohort import evaluate_second_cohort, notes_on_second
from tspg.experiment.task import SecondCohort, Task, make_tasks
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.config import ExperimentConfig, Training, check_options
from tspg.model.device import fixed_threads
from tspg.model.reference import SampleReference
from tspg.model.sample_genes import SAMPLE_GENE_COLUMNS, comparison_classes
from tspg.model.trained_model import TrainedModel
from tspg.utils.background import in_background
from tspg.utils.options import refuse_unknown, require_known
from tspg.utils.progress import Progress, silent
from tspg.utils.timing import Clock
from tspg.utils.typing import Float32Array

logger = logging.getLogger(__name__)
MOST_GENES_SHOWN = 5  # per source class and direction, in a notebook
_PLACES = {  # of options that belong elsewhere
    **{name: f"Give it as training=tspg.Training({name}=...)." for name in Training.__dataclass_fields__},
    **{name: f"Give it as second_cohort=tspg.SecondCohort(adata, {name}=...)." for name in ("normalise", "align")},
    "test_adata": "Give it as second_cohort=tspg.SecondCohort(test_adata).",
}


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
        """What was moved where, and where to look."""
        return (
            f"Run: {self._title}\n"
            "Look at .perturbations, .top_genes, .gene_overlap, .evidence, .tables, .history, .metrics, .model; "
            "tspg.save_run(run, folder) writes them."
        )

    def _repr_html_(self) -> str:
        """A short table for notebooks: what was moved where, the answers of the verdict, and the first genes."""
        rows = [("Run", self._title)]
        rows += [
            (QUESTIONS[name], f"{one['answer']}: {one['sentence']}") for name, one in self.metrics["verdict"].items()
        ]
        lists = self.top_genes[(self.top_genes["sample"] == "") & (self.top_genes["rank"] <= MOST_GENES_SHOWN)]
        for (source, direction), genes in lists.groupby(["source_class", "direction"], sort=False)["gene"]:
            rows.append((f"{source}, {direction}", ", ".join(genes)))
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
        return f'<table style="text-align: left">{cells}</table>'

    @property
    def _title(self) -> str:
        n_samples, n_genes = self.perturbations.shape
        return (
            f"{n_samples} samples x {n_genes} genes, {', '.join(self.model.source_classes)} -> "
            f"{self.config.target_class} (preset {self.config.preset}, seed {self.config.seed})"
        )


@refuse_unknown(_PLACES)
def run(
    adata: AnnData,
    *,
    target_class: str,
    label_column: str | None = None,
    source_classes: Sequence[str] | None = None,
    group_column: str | None = None,
    gene_set: GeneSet | None = None,
    samples: Sequence[str] = (),
    annotations: Sequence[Annotation] | None = None,
    second_cohort: SecondCohort | None = None,
    seed: int = 0,
    training: Training = Training(),
    progress: Progress = silent,
) -> Run:
    """Train on labelled expression data and move every profile to the target class.

    Parameters
    ----------
    adata
        Expression, samples x genes, with each sample's class in `obs`.
    target_class
        The class that profiles are moved to.
    label_column
        Column of `adata.obs` with the classes; None takes the only one of the labels file, or of `obs`.
    source_classes
        Classes that G is trained on and applied to; None means every class but the target.
    group_column
        Column of `adata.obs` with the donor or patient; all samples of one stay on one side.
    gene_set
        The genes to use; None means every gene of `adata`.
    samples
        Names of single samples whose genes to rank as well.
    annotations
        What genes are looked up in, from `read_annotations`; None means the carried ones.
    second_cohort
        Other people, with the same genes, units and columns. Nothing is learned from them: the evidence is taken on
        them as well, and answers whether the result generalises.
    seed
        The same seed gives the same bytes on the same machine, versions and number of threads.
    training
        How the run trains and is evaluated: preset, method, length of training, folds, threads, ...
    progress
        Called after every epoch with the phase, the epochs done and in all, and the epoch's numbers; of other phases
        at their start and end, with 0 or 1 of 1 done.

    Raises
    ------
    TspgError
        If an option is wrong, or the data do not allow the task; before any training.

    Examples
    --------
    Few samples, genes and steps: quick, and no result to believe.

    >>> adata = tspg.demo_data()[::3, :50]
    >>> quick = tspg.Training(target_epochs=2, folds=1)
    >>> run = tspg.run(adata, label_column="subtype", target_class="GI.MSI", training=quick)
    >>> run.perturbations.shape
    (153, 50)
    """
    check_options({"progress": progress})
    tasks = make_tasks(
        adata,
        [target_class],
        label_column=label_column,
        source_classes=source_classes,
        group_column=group_column,
        gene_set=gene_set,
        samples=samples,
        annotations=annotations,
        second_cohort=second_cohort,
        seed=seed,
        training=training,
    )
    (found,) = run_experiments(tasks, progress=progress)
    return found


_SHARED = set(inspect.signature(run).parameters) - {"adata", "target_class", "progress"}


def run_targets(
    adata: AnnData, *, target_classes: Sequence[str], progress: Progress = silent, **options: Any
) -> Iterator[Run]:
    """The runs of one study to several target classes, each as `run` makes it.

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
        If an option is wrong, or the data do not allow one of the tasks; before any training.

    Examples
    --------
    >>> quick = tspg.Training(method="mean_shift", target_epochs=2, folds=1)
    >>> for one in tspg.run_targets(
    ...     adata, target_classes=["GI.MSI", "GI.GS"], label_column="subtype", training=quick
    ... ):
    ...     print(one.config.target_class, one.perturbations.shape)
    GI.MSI (153, 50)
    GI.GS (153, 50)
    """
    require_known(options, _SHARED, _PLACES)
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
    interpret: bool = True,
) -> Iterator[Run]:
    """The method itself, once the tasks have been checked (paper, sections 2.1-2.4).

    The tasks differ in their target class alone. `classifier` is what they share, where it was fitted before, and
    `clock` counts its seconds. `checkpoints` keeps the state of every training. Without `interpret` no tables of what
    the genes do are made: no number of `metrics` comes from them.
    """
    clock, threads = clock or Clock(progress), tasks[0].config.threads
    if classifier is None:
        each = "" if len(tasks) == 1 else f" for each of {len(tasks)} targets"
        logger.info("expect %s%s", estimate_task(tasks[0]), each)
        with fixed_threads(threads):
            classifier = fit_classifier(tasks[0], clock, progress, checkpoints=checkpoints)
    for task in tasks:
        with fixed_threads(threads):
            fitted = fit_target(classifier, task, clock, progress, checkpoints)
            found = _finish(task, fitted, clock, progress, checkpoints, interpret=interpret)
        yield found


def _finish(
    task: Task, fitted: Fit, clock: Clock, progress: Progress, checkpoints: Checkpoints, *, interpret: bool
) -> Run:
    """The run of a fitted task: samples moved, genes ranked and tested, evidence taken, results interpreted."""
    config = task.config
    take_evidence: Callable[[], pd.DataFrame] = partial(evidence_of, fitted, task)
    with clock.phase("reference"):
        logistic = fitted.classifier.logistic  # before the evidence begins, which needs it too
        if config.threads > 1 and config.n_fits == 1:  # nothing else needs the evidence, and all else one processor
            take_evidence = in_background(take_evidence)
        reference = fitted.classifier.reference(config.target_class)
        shift, p_shift = fitted.classifier.shift or (None, None)
        alignment = fitted.classifier.alignment
        model = replace(fitted.model, reference=reference, shift=shift, alignment=alignment)
    with clock.phase("perturb"):
        perturbations = model.perturb_dataset(fitted.dataset, p_shift=p_shift)
        perturbations.uns["tspg"]["other_genes"] = np.asarray(task.other_genes, dtype=object)
    with clock.phase("genes"):
        top = all_top_genes(perturbations, k=config.top_k, samples=task.samples)
        expression = expression_of(task, fitted.dataset)
        genes = class_genes(perturbations, expression.of(model.task_mask(fitted.dataset)), seed=config.seed)
        add_gene_tests(perturbations, genes)
        sample_genes, rests_on = _sample_genes(
            task, fitted.classifier, model, reference, perturbations, expression.values
        )
    with clock.phase("meaning"):
        tables = {}
        if interpret:
            known = logistic if config.source_classes is None else None  # else genes are interpreted by these alone
            moved = PerturbationResult(
                perturbations, top, model, perturbations, task.samples, genes, sample_genes, known
            )
            tables = interpretation_tables(moved, task.annotations, enrichment=config.enrichment)
        annotations = annotation_facts(task.annotations, perturbations)
    with clock.phase("evidence"):
        if config.n_fits > 1:
            evidence = cross_fitted_evidence(task, fitted.dataset, progress, checkpoints)
        else:
            evidence = take_evidence()
        second_tables, second = evaluate_second_cohort(task, replace(fitted, model=model), genes)
        test_evidence = second_tables.get("test_evidence")
        if test_evidence is not None and test_evidence.empty:  # it has no source class of the first cohort
            test_evidence = None
        metrics = run_metrics(task, fitted.dataset, model, perturbations, evidence, fitted.history, test_evidence)
        metrics |= {"genes": genes_metrics(perturbations, genes), "reference": {"samples": rests_on}}
        metrics["annotations"] = annotations
        if second:
            metrics["test_cohort"] = second
            metrics["data"]["notes"] += notes_on_second(second)
    if interpret:
        tables["table_1"] = table_1(metrics, config.target_class)
    tables |= {"genes": genes, **second_tables}
    if task.samples:
        tables["sample_genes"] = sample_genes
    model.add_moved_units(perturbations)
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
    """The genes of each named sample, and what it was compared with.

    One that was trained on is compared with a reference learned without its donor.
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
