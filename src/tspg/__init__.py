"""Move gene expression profiles to a target state and see which genes had to change.

Every public name is listed in `__all__`. A name is looked up when it is first used, so that
`import tspg` is quick and opening results never loads PyTorch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tspg.analysis.evaluation.evidence import evidence_table
    from tspg.analysis.interpretation.genes import gene_overlap, top_genes
    from tspg.analysis.interpretation.perturbations import read_perturbations
    from tspg.data.annotations import read_annotations
    from tspg.data.demo import demo_data
    from tspg.data.expression import read_expression
    from tspg.data.genesets import GeneSet, GeneSets, read_gene_sets
    from tspg.data.labels import read_labels
    from tspg.data.prepare import Dataset, Scaler, prepare
    from tspg.errors import TspgError
    from tspg.experiment.estimator import TSPG
    from tspg.experiment.inspect import inspect_data
    from tspg.experiment.run import Run, run, run_targets
    from tspg.model.config import ExperimentConfig
    from tspg.model.storage import load_model
    from tspg.model.target_state import TargetState
    from tspg.model.trained_model import TrainedModel
    from tspg.model.training import train_generator, train_target_model
    from tspg.report.figures.f_accuracy import plot_f_accuracy
    from tspg.report.figures.heatmap import plot_heatmap
    from tspg.report.figures.history import plot_history
    from tspg.report.figures.tsne import plot_tsne
    from tspg.report.page.build import write_report
    from tspg.report.save import save_run
    from tspg.sweep.collect import read_sweep

__version__ = "0.2.0.dev0"

__all__ = [
    "TSPG",
    "Dataset",
    "ExperimentConfig",
    "GeneSet",
    "GeneSets",
    "Run",
    "Scaler",
    "TargetState",
    "TrainedModel",
    "TspgError",
    "demo_data",
    "evidence_table",
    "gene_overlap",
    "inspect_data",
    "load_model",
    "plot_f_accuracy",
    "plot_heatmap",
    "plot_history",
    "plot_tsne",
    "prepare",
    "read_annotations",
    "read_expression",
    "read_gene_sets",
    "read_labels",
    "read_perturbations",
    "read_sweep",
    "run",
    "run_targets",
    "save_run",
    "top_genes",
    "train_generator",
    "train_target_model",
    "write_report",
]

_HOMES = {
    "TSPG": "tspg.experiment.estimator",
    "ExperimentConfig": "tspg.model.config",
    "GeneSet": "tspg.data.genesets",
    "GeneSets": "tspg.data.genesets",
    "Dataset": "tspg.data.prepare",
    "Run": "tspg.experiment.run",
    "Scaler": "tspg.data.prepare",
    "TargetState": "tspg.model.target_state",
    "TrainedModel": "tspg.model.trained_model",
    "TspgError": "tspg.errors",
    "demo_data": "tspg.data.demo",
    "evidence_table": "tspg.analysis.evaluation.evidence",
    "gene_overlap": "tspg.analysis.interpretation.genes",
    "inspect_data": "tspg.experiment.inspect",
    "load_model": "tspg.model.storage",
    "plot_f_accuracy": "tspg.report.figures.f_accuracy",
    "plot_heatmap": "tspg.report.figures.heatmap",
    "plot_history": "tspg.report.figures.history",
    "plot_tsne": "tspg.report.figures.tsne",
    "prepare": "tspg.data.prepare",
    "read_annotations": "tspg.data.annotations",
    "read_expression": "tspg.data.expression",
    "read_gene_sets": "tspg.data.genesets",
    "read_labels": "tspg.data.labels",
    "read_perturbations": "tspg.analysis.interpretation.perturbations",
    "read_sweep": "tspg.sweep.collect",
    "run": "tspg.experiment.run",
    "run_targets": "tspg.experiment.run",
    "save_run": "tspg.report.save",
    "top_genes": "tspg.analysis.interpretation.genes",
    "train_generator": "tspg.model.training",
    "train_target_model": "tspg.model.training",
    "write_report": "tspg.report.page.build",
}

if not TYPE_CHECKING:  # a type checker would take any misspelt name for Any

    def __getattr__(name: str) -> Any:
        """Load a public name from its module the first time it is used."""
        if name not in _HOMES:
            raise AttributeError(f"module 'tspg' has no attribute {name!r}")
        # A waiting thread must sleep: one that spins steals the core that another thread or program needs, and
        # training on a busy machine took six times as long. OpenMP reads this when PyTorch and scikit-learn load;
        # afterwards it is as it was, since the user's other libraries and programs are not ours to set.
        is_unset = "OMP_WAIT_POLICY" not in os.environ
        if is_unset:
            os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        try:
            value = getattr(import_module(_HOMES[name]), name)
        finally:
            if is_unset:
                os.environ.pop("OMP_WAIT_POLICY", None)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, also before they are loaded."""
    return sorted([*globals(), *__all__])
