"""The four questions that every method is asked, each prepared exactly as a run prepares it."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import anndata

import tspg
from tspg.data.prepare import Dataset
from tspg.experiment.fit import FittedClassifier, fit_classifier
from tspg.experiment.task import Task, make_task
from tspg.utils.timing import Clock

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
THREADS = 2


@dataclass(frozen=True)
class Question:
    """Which profiles are moved where."""

    name: str
    file: str
    label: str
    donor: str
    target: str
    gene_set: str | None  # "all": the genes of all Hallmark sets; None: every gene of the file
    sources: tuple[str, ...] | None = None  # None: every class but the target


QUESTIONS = (
    Question("Lung", "normal_tissues/normal_tissues.h5ad", "organ", "donor", "Lung", "all"),
    Question(
        *("KIRC", "tcga_kidney/tcga_kidney.h5ad", "diagnosis", "patient", "KIRC", None),
        sources=("Solid Tissue Normal",),
    ),
    Question("GI.MSI", "tcga_coadread/tcga_coadread.h5ad", "subtype", "patient", "GI.MSI", "all"),
    Question("acute", "flu_challenge/flu_challenge.h5ad", "state", "subject", "acute", None),
)


@dataclass(frozen=True)
class Split:
    """One question and one split of its donors: what methods may learn from, and the classifier f of a run."""

    question: Question
    seed: int
    data: Path = field(default=DATA, compare=False)

    def task(self, preset: str = "transport", steps: int | None = None) -> Task:
        """The task of a run with this preset."""
        question = self.question
        sets = tspg.read_gene_sets(next((self.data / "genesets").glob("h.all*.gmt.gz")))
        return make_task(
            anndata.read_h5ad(self.data / question.file),
            question.target,
            label_column=question.label,
            group_column=question.donor,
            source_classes=question.sources,
            gene_set=sets.union() if question.gene_set == "all" else None,
            annotations=(),
            training=tspg.Training(preset=preset, steps=steps, folds=1, threads=THREADS, device="cpu"),
            seed=self.seed,
        )

    @cached_property
    def classifier(self) -> FittedClassifier:
        """The samples, split and scaled, with f and the judges."""
        return fit_classifier(self.task(), Clock())

    @property
    def dataset(self) -> Dataset:
        """The samples, split and scaled."""
        return self.classifier.dataset

    @property
    def sources(self) -> tuple[str, ...]:
        """The classes that are moved."""
        named = self.question.sources
        return named or tuple(name for name in self.dataset.classes if name != self.question.target)
