"""Move gene expression profiles to a target state and see which genes had to change.

The imports below list the public names, once, for people, type checkers and this module. A name is loaded when it is
first used, so that `import tspg` is quick and opening results never loads PyTorch.
"""

import ast
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tspg import errors as errors
from tspg._version import __version__ as __version__

if TYPE_CHECKING:
    from tspg.analysis.evaluation.evidence import evidence_table as evidence_table
    from tspg.analysis.evaluation.verdict import verdict as verdict
    from tspg.analysis.interpretation.enrichment import enrich as enrich
    from tspg.analysis.interpretation.genes import gene_overlap as gene_overlap
    from tspg.analysis.interpretation.genes import top_genes as top_genes
    from tspg.analysis.interpretation.perturbations import read_perturbations as read_perturbations
    from tspg.data.annotations import Annotation as Annotation
    from tspg.data.annotations import read_annotations as read_annotations
    from tspg.data.demo import demo_data as demo_data
    from tspg.data.expression import read_expression as read_expression
    from tspg.data.genesets import GeneSet as GeneSet
    from tspg.data.genesets import GeneSets as GeneSets
    from tspg.data.genesets import read_gene_sets as read_gene_sets
    from tspg.data.labels import read_labels as read_labels
    from tspg.data.prepare import Dataset as Dataset
    from tspg.data.prepare import Scaler as Scaler
    from tspg.data.prepare import prepare as prepare
    from tspg.errors import TspgError as TspgError
    from tspg.experiment.estimator import TSPG as TSPG
    from tspg.experiment.inspect import inspect_data as inspect_data
    from tspg.experiment.run import Run as Run
    from tspg.experiment.run import run as run
    from tspg.experiment.run import run_targets as run_targets
    from tspg.experiment.task import SecondCohort as SecondCohort
    from tspg.model.config import ExperimentConfig as ExperimentConfig
    from tspg.model.config import Training as Training
    from tspg.model.storage import load_model as load_model
    from tspg.model.target_state import TargetState as TargetState
    from tspg.model.trained_model import TrainedModel as TrainedModel
    from tspg.model.training import train_generator as train_generator
    from tspg.model.training import train_target_model as train_target_model
    from tspg.report.figures.difference import plot_difference as plot_difference
    from tspg.report.figures.f_accuracy import plot_f_accuracy as plot_f_accuracy
    from tspg.report.figures.gene_heatmap import plot_gene_heatmap as plot_gene_heatmap
    from tspg.report.figures.heatmap import plot_heatmap as plot_heatmap
    from tspg.report.figures.history import plot_history as plot_history
    from tspg.report.figures.maps import plot_pca as plot_pca
    from tspg.report.figures.maps import plot_tsne as plot_tsne
    from tspg.report.figures.volcano import plot_volcano as plot_volcano
    from tspg.report.page.build import write_report as write_report
    from tspg.report.save import save_run as save_run
    from tspg.sweep.collect import read_sweep as read_sweep

_LAZY = next(node for node in ast.parse(Path(__file__).read_text(encoding="utf-8")).body if isinstance(node, ast.If))
_MODULES = {one.names[0].name: one.module for one in _LAZY.body if isinstance(one, ast.ImportFrom) and one.module}
__all__ = sorted(["errors", *_MODULES])  # noqa: PLE0605

if not TYPE_CHECKING:  # a type checker would take any misspelt name for Any

    def __getattr__(name: str) -> Any:
        """Load a public name from its module the first time it is used."""
        if name not in _MODULES:
            raise AttributeError(f"module 'tspg' has no attribute {name!r}")
        # A waiting thread must sleep: one that spins steals the core that another thread or program needs, and
        # training on a busy machine took six times as long. OpenMP reads this when PyTorch and scikit-learn load;
        # afterwards it is as it was, since the user's other libraries and programs are not ours to set.
        is_unset = "OMP_WAIT_POLICY" not in os.environ
        if is_unset:
            os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        try:
            value = getattr(import_module(_MODULES[name]), name)
        finally:
            if is_unset:
                os.environ.pop("OMP_WAIT_POLICY", None)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, also before they are loaded."""
    return sorted([*globals(), *__all__])
