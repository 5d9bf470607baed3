"""One experiment from a labelled matrix to moved profiles: the paper's Methods section as a list of steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.evidence import Move, evidence_table
from tspg.analysis.genes import all_top_genes, gene_overlap
from tspg.clock import Clock
from tspg.config import ExperimentConfig
from tspg.data.genesets import GeneSet
from tspg.data.prepare import FloatMatrix, Prepared, prepare
from tspg.errors import UsageError
from tspg.metrics import run_metrics
from tspg.model.device import choose_device, fixed_threads
from tspg.model.learning import CLOSED_FORM, fit_closed_form, learn, move_with
from tspg.model.methods import Method
from tspg.model.trained import TrainedModel
from tspg.model.training import Report, silent, train_target_model
from tspg.question import Question, configure, only_label_column, pose


@dataclass(frozen=True, repr=False)
class Run:
    """Everything that one experiment found; `tspg.run` returns it and `save_run` writes it.

    `perturbations` is an AnnData (X: perturbed profile; layers `original` and `perturbation`);
    `history`, `top_genes`, `gene_overlap` and `evidence` are tables; `metrics` holds every number
    of `metrics.json`; `seconds` the time of each phase.
    """

    config: ExperimentConfig
    model: TrainedModel
    perturbations: AnnData
    history: pd.DataFrame
    top_genes: pd.DataFrame
    gene_overlap: pd.DataFrame
    evidence: pd.DataFrame
    metrics: dict[str, Any]
    samples: tuple[str, ...]
    seconds: dict[str, float]

    def __repr__(self) -> str:
        """Who was moved where, and where to look."""
        n_samples, n_genes = self.perturbations.shape
        sources = ", ".join(self.model.source_classes)
        return (
            f"Run: {n_samples} samples x {n_genes} genes, {sources} -> {self.config.target_class} "
            f"(preset {self.config.preset}, seed {self.config.seed})\n"
            "Look at .perturbations, .top_genes, .gene_overlap, .evidence, .history, .metrics, .model; "
            "tspg.save_run(run, folder) writes them."
        )


def run(
    adata: AnnData,
    *,
    target_class: str,
    label_column: str | None = None,
    gene_set: GeneSet | None = None,
    source_classes: Sequence[str] | None = None,
    group_column: str | None = None,
    preset: str = "paper",
    method: str = "generator",
    epochs: int | None = None,
    steps: int | None = None,
    target_epochs: int | None = None,
    samples: Sequence[str] = (),
    seed: int = 0,
    threads: int = ExperimentConfig.threads,
    device: str = "auto",
    report: Report = silent,
) -> Run:
    """Learn to move profiles to the target class, and say which genes had to change.

    Parameters
    ----------
    adata
        Expression, samples x genes, in any units on which differences make sense; sparse is fine.
    target_class
        The class that profiles are moved to.
    label_column
        Column of `adata.obs` with each sample's class. A labels file without a header has no name
        for it: any name given here is then taken for it.
    gene_set
        Use these genes only; None uses every gene.
    source_classes
        Classes to move; None means every class but the target. With preset `paper` and None, G
        learns from all classes, the target's own samples too (Eq. 1).
    group_column
        Column of `adata.obs` with the donor or patient, whose samples are never split apart.
    preset
        `paper` or `transport`: how the generator is trained.
    method
        `generator`, or one in closed form: `linear_map`, `mean_shift`, `quantile_map`,
        `nearest_target`, `gaussian_draw`.
    epochs, steps, target_epochs
        Length of the training of G (in epochs, or exactly so many steps) and of f, where it should
        differ from the preset's.
    samples
        Names of single samples whose genes to rank as well.
    seed
        The same seed gives the same bytes on the same machine, versions and number of threads.
    report
        Called after every epoch with the phase, the epochs done and in all, and the epoch's numbers.

    Raises
    ------
    TspgError
        If the question does not fit the data; before any training.
    """
    if gene_set is not None and not isinstance(gene_set, GeneSet):
        raise UsageError(
            f"gene_set is a {type(gene_set).__name__}; a GeneSet is needed: read_gene_sets(file)[name], "
            "or GeneSet(name, genes)."
        )
    if isinstance(source_classes, str):
        source_classes = (source_classes,)
    config = configure(
        preset,
        method=method,
        epochs=epochs,
        steps=steps,
        target_epochs=target_epochs,
        target_class=str(target_class),
        label_column=label_column or only_label_column(adata),
        gene_set=None if gene_set is None else gene_set.name,
        source_classes=None if source_classes is None else tuple(map(str, source_classes)),
        group_column=group_column,
        seed=seed,
        threads=threads,
        device=device,
    )
    return run_experiment(pose(adata, config, gene_set=gene_set, samples=samples), report=report)


def run_experiment(question: Question, *, report: Report = silent) -> Run:
    """The method itself, once the question has been checked (paper, sections 2.1-2.4)."""
    clock, config = Clock(), question.config
    device = choose_device(config.device)
    with fixed_threads(config.threads):
        with clock.phase("prepare"):
            prepared = prepare(
                question.study,
                label_column=config.label_column,
                group_column=config.group_column,
                train_fraction=config.train_fraction,
                seed=config.seed,
            )
        with clock.phase("target_model"):
            f = train_target_model(prepared, config.target_model, seed=config.seed, device=device, report=report)
        with clock.phase("generator"):
            method, history = learn(prepared, f, config, device=device, report=report)
        model = TrainedModel.of(prepared, f, method, config, question.details)
        with clock.phase("perturb"):
            perturbations = model.perturb_prepared(prepared)
        with clock.phase("genes"):
            genes = all_top_genes(perturbations, k=config.top_k, samples=question.samples)
            overlap = gene_overlap(genes)
        with clock.phase("evidence"):
            evidence = evidence_table(
                prepared,
                methods_to_compare(model, prepared),
                model.classify,
                target_class=config.target_class,
                source_classes=config.source_classes,
                seed=config.seed,
            )
            metrics = run_metrics(question, prepared, model, perturbations, evidence, history)
    return Run(
        config,
        model,
        perturbations,
        history,
        genes,
        overlap,
        evidence,
        metrics,
        question.samples,
        clock.seconds,
    )


def methods_to_compare(model: TrainedModel, prepared: Prepared) -> dict[str, Move]:
    """The run's own method first, then every one in closed form, each as what moves profiles."""
    own: dict[str, Move] = {model.method.name: model.move}
    for name in CLOSED_FORM:
        if name != model.method.name:
            fitted = fit_closed_form(name, prepared, model.target_class, seed=int(model.settings["seed"]))
            own[name] = partial(_moved, fitted, prepared.classes)
    return own


def _moved(
    method: Method, classes: tuple[str, ...], profiles: FloatMatrix, source_class: NDArray[np.object_]
) -> FloatMatrix:
    return move_with(method, profiles, source_class, classes)
