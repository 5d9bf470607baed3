"""Every public name of `tspg`, and the module that it is loaded from when it is first used."""

from tspg import errors as errors
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
from tspg.report.figures.save import plot_f_accuracy as plot_f_accuracy
from tspg.report.figures.save import plot_heatmap as plot_heatmap
from tspg.report.figures.save import plot_history as plot_history
from tspg.report.figures.save import plot_tsne as plot_tsne
from tspg.report.page.html import write_report as write_report
from tspg.report.save import save_run as save_run
from tspg.sweep.collect import read_sweep as read_sweep

__version__: str
