"""One fit of f and a method, and the evidence for it: from the ordinary split, or cross-fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.evaluation.classifiers import (
    Classify,
    LinearClassifier,
    fit_independent_classifiers,
    logistic_classifier,
)
from tspg.analysis.evaluation.evidence import Move, evidence_table
from tspg.analysis.evaluation.pooling import pool_evidence
from tspg.analysis.evaluation.resampling import donor_codes, donor_folds
from tspg.analysis.interpretation.class_genes import Expression
from tspg.data.matrix import dense
from tspg.data.prepare import Dataset, prepare, text_column
from tspg.experiment.estimate import FitSeconds, seconds_of_fit
from tspg.experiment.task import Task, given_split
from tspg.model.alignment import CohortAlignment
from tspg.model.baselines import PairedRegression
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.device import choose_device
from tspg.model.expectation import classes_with_pairs
from tspg.model.learning import CLOSED_FORM, fit_closed_form, learn, move_with
from tspg.model.methods import LinearMap
from tspg.model.networks import TargetModel
from tspg.model.reference import ClassReference, SampleReference, class_references
from tspg.model.shift import Shift
from tspg.model.trained_model import TrainedModel
from tspg.model.training import train_target_model
from tspg.utils.progress import Progress, silent
from tspg.utils.timing import Clock
from tspg.utils.typing import Float32Array, NameArray

PARTS = 1000  # in which the progress of a fold is counted


@dataclass(frozen=True)
class FittedClassifier:
    """What all targets share: the samples, split and scaled once, f, and independent classifiers."""

    dataset: Dataset
    target_model: TargetModel
    seed: int
    task: Task | None = None  # one of those that share it

    @cached_property
    def shift(self) -> tuple[Shift, NDArray[np.float64]] | None:
        """How the values of training samples are distributed, and the p of every sample for being like them.

        None where no gene could be read in every sample.
        """
        task, dataset = self.task, self.dataset
        if task is None or task.quantiles is None:
            return None
        values = dense(task.adata)
        return Shift.fit(task.quantiles, values, dataset.is_train, self._donors, seed=self.seed)

    @cached_property
    def alignment(self) -> CohortAlignment | None:
        """What the training cohort is like, as far as a new cohort is aligned to it; None with too few donors."""
        dataset, train = self.dataset, self.dataset.is_train
        values = dataset.scaler.in_units(dataset.profiles, np.flatnonzero(train))
        return CohortAlignment.fit(values, dataset.class_index[train], dataset.classes, self._donors[train])

    @cached_property
    def logistic(self) -> LinearClassifier:
        """The linear one of `classifiers`."""
        return logistic_classifier(*self._training, seed=self.seed)

    @cached_property
    def classifiers(self) -> dict[str, Classify]:
        """Classifiers that know neither f nor the target, fitted when first needed."""
        return fit_independent_classifiers(*self._training, seed=self.seed, logistic=self.logistic)

    @property
    def _training(self) -> tuple[Float32Array, NameArray]:
        is_train = self.dataset.is_train
        return self.dataset.profiles[is_train], self.dataset.source_class[is_train]

    @cached_property
    def class_references(self) -> dict[str, ClassReference]:
        """What real training samples of every class are like, gene by gene."""
        return class_references(self._samples_of, self.dataset.classes, seed=self.seed)

    def reference(self, target_class: str) -> SampleReference:
        """What single samples are compared with when they are moved to a class."""
        return SampleReference.fit(self._samples_of, target_class, self.class_references, seed=self.seed)

    def reference_without(self, sample: int, target_class: str) -> SampleReference:
        """The same for a sample that was trained on, learned without its donor's samples."""
        samples_of = partial(self._samples_of, without=self._donors[sample])
        classes = sorted({str(self.dataset.source_class[sample]), target_class})
        references = class_references(samples_of, classes, seed=self.seed)
        return SampleReference.fit(samples_of, target_class, references, seed=self.seed)

    @cached_property
    def _donors(self) -> NDArray[np.int64]:
        return donor_codes((len(self.dataset.sample_ids), self.dataset.groups))[0]

    def _samples_of(self, name: str, without: int = -1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """A class's training samples in the user's units, and the donor of each."""
        dataset = self.dataset
        rows = np.flatnonzero(dataset.class_mask(name) & dataset.is_train & (self._donors != without))
        return dataset.scaler.inverse(dataset.profiles[rows]), self._donors[rows]


@dataclass(frozen=True)
class Fit:
    """What was learned for one target from one split of the samples."""

    classifier: FittedClassifier
    model: TrainedModel
    history: pd.DataFrame

    @property
    def dataset(self) -> Dataset:
        """The samples, split and scaled."""
        return self.classifier.dataset


def fit_classifier(
    task: Task,
    clock: Clock,
    progress: Progress = silent,
    *,
    is_train: NDArray[np.bool_] | None = None,
    checkpoints: Checkpoints = NONE_KEPT,
) -> FittedClassifier:
    """Split and scale the samples and train f (paper, sections 2.1 and 2.2): all that is the same for every target."""
    config = task.config
    with clock.phase("prepare"):
        dataset = prepare_task(task, is_train=is_train)
    with clock.phase("target_model"):
        device = choose_device(config.device)
        f = train_target_model(
            dataset, config.target_model, seed=config.seed, device=device, progress=progress, checkpoints=checkpoints
        )
    return FittedClassifier(dataset, f, config.seed, task)


def prepare_task(task: Task, *, is_train: NDArray[np.bool_] | None = None) -> Dataset:
    """The samples of a task, split and scaled."""
    config = task.config
    return prepare(
        task.adata,
        label_column=config.label_column,
        group_column=config.group_column,
        adjust_column=config.adjust_column,
        train_fraction=config.train_fraction,
        seed=config.seed,
        is_train=given_split(task.adata, config) if is_train is None else is_train,
    )


def expression_of(task: Task, dataset: Dataset) -> Expression:
    """The values in the user's units, with what a test between classes has to take into account."""
    tested = dense(task.adata)
    if dataset.adjustment is None:
        return Expression(tested, tested, groups=dataset.groups)
    levels = text_column(task.adata, dataset.adjustment.column)
    return Expression(dataset.adjustment.transform(tested, levels)[0], tested, levels, dataset.groups)


def fit_target(
    classifier: FittedClassifier, task: Task, clock: Clock, progress: Progress, checkpoints: Checkpoints = NONE_KEPT
) -> Fit:
    """Learn to move profiles to the task's target (paper, section 2.2)."""
    config, f = task.config, classifier.target_model
    with clock.phase("generator"):
        device = choose_device(config.device)
        learned = learn(classifier.dataset, f, config, device=device, progress=progress, checkpoints=checkpoints)
    model = TrainedModel.of(classifier.dataset, f, learned.method, config, task.details)
    return Fit(classifier, model, learned.history)


def evidence_of(fitted: Fit, task: Task, second: Dataset | None = None) -> pd.DataFrame:
    """The evidence on the samples that a fit has not seen, every method in closed form beside it.

    With `second` these are the ones held out there: those of a second cohort, its own target samples the reference.
    """
    config = task.config
    return evidence_table(
        second or fitted.dataset,
        methods_to_compare(fitted.model, fitted.dataset),
        fitted.model.classify,
        target_class=config.target_class,
        source_classes=config.source_classes,
        seed=config.seed,
        classifiers=fitted.classifier.classifiers,
        own_reference=second is not None,
    )


def cross_fitted_evidence(
    task: Task, dataset: Dataset, progress: Progress, checkpoints: Checkpoints = NONE_KEPT
) -> pd.DataFrame:
    """The evidence of `config.folds` further fits, pooled: each sample is held out by one of them."""
    n_folds = task.config.folds
    folds, tables = held_out_folds(dataset, n_folds, seed=task.config.seed), []
    costs = seconds_of_fit(task.adata.n_obs, task.adata.n_vars, task.config)
    for fold in range(n_folds):
        report = _within_fold(progress, fold, n_folds, costs)
        kept = checkpoints.within(f"fold {fold + 1} of {n_folds}")
        classifier = fit_classifier(task, Clock(), report, is_train=folds != fold, checkpoints=kept)
        tables.append(evidence_of(fit_target(classifier, task, Clock(), report, kept), task))
    progress("folds", n_folds * PARTS, n_folds * PARTS, {"fold": n_folds, "folds": n_folds})
    return pool_evidence(tables)


def _within_fold(progress: Progress, fold: int, n_folds: int, costs: FitSeconds) -> Progress:
    """What reports the trainings of one fold as a part of all folds, by the seconds that they are expected to take."""
    before = {"target model": (0.0, costs.classifier), "generator": (costs.classifier, costs.generator)}

    def report(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
        start, seconds = before[phase]
        share = (start + seconds * done / total) / sum(costs)
        which = {"fold": fold + 1, "folds": n_folds}
        progress("folds", fold * PARTS + int(share * PARTS), n_folds * PARTS, {**numbers, **which})

    report("target model", 0, 1, {})
    return report


def held_out_folds(dataset: Dataset, n_folds: int, *, seed: int) -> NDArray[np.int64]:
    """The fold in which each sample is held out, donors whole and classes spread; -1 for what is always trained on.

    That is where a class would lose its last training sample, such as a class with one donor.
    """
    (donors,) = donor_codes((len(dataset.sample_ids), dataset.groups))
    folds = donor_folds(donors, dataset.source_class, n_folds=n_folds, seed=seed)
    for name in dataset.classes:
        rows = dataset.class_mask(name)
        if len(set(folds[rows])) == 1:
            folds[np.isin(donors, donors[rows])] = -1
    return folds


def methods_to_compare(model: TrainedModel, dataset: Dataset) -> dict[str, Move]:
    """The run's own method first, then every other in closed form, each as what moves profiles.

    A method that learns from pairs is left out where no source class has enough of them.
    """
    compared: dict[str, Move] = {model.method.name: model.move}
    own = (model.method.name, LinearMap.name if isinstance(model.method, LinearMap) else "")
    has_pairs = not classes_with_pairs(dataset, model.target_class).isdisjoint(model.source_classes)
    for name in CLOSED_FORM:
        if name not in own and (has_pairs or name != PairedRegression.name):
            fitted = fit_closed_form(name, dataset, model.target_class, seed=int(model.settings["seed"]))
            compared[name] = partial(move_with, fitted, classes=dataset.classes)
    return compared
