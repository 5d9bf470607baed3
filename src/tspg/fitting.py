"""One fit of f and a method to a study, and the evidence for it: from the ordinary split, or cross-fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.class_genes import Expression
from tspg.analysis.donors import donor_codes, donor_folds
from tspg.analysis.evidence import Move, evidence_table
from tspg.analysis.judges import Classify, fit_judges
from tspg.analysis.pooling import pool_evidence
from tspg.clock import Clock
from tspg.data.matrix import dense
from tspg.data.prepare import FloatMatrix, Prepared, prepare, text_column
from tspg.model.alignment import CohortAlignment
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.device import choose_device
from tspg.model.expected_profile import PairedRegression, classes_with_pairs
from tspg.model.learning import CLOSED_FORM, fit_closed_form, learn, move_with
from tspg.model.methods import LinearMap, Method
from tspg.model.networks import TargetModel
from tspg.model.reference import ClassReference, SampleReference, class_references
from tspg.model.shift import Shift
from tspg.model.trained import TrainedModel
from tspg.model.training import train_target_model
from tspg.progress import Report, silent
from tspg.question import Question


@dataclass(frozen=True)
class Ground:
    """What all targets of a study stand on: its samples, split and scaled once, f, and independent judges."""

    prepared: Prepared
    target_model: TargetModel
    seed: int
    question: Question | None = None  # one of those that stand on it

    @cached_property
    def shift(self) -> tuple[Shift, NDArray[np.float64]] | None:
        """How the values of training samples are distributed, and the p of every sample for being like them.

        None where no gene could be read in every sample.
        """
        question, prepared = self.question, self.prepared
        if question is None or question.quantiles is None:
            return None
        values = dense(question.study)
        return Shift.fit(question.quantiles, values, prepared.is_train, self._donors, seed=self.seed)

    @cached_property
    def alignment(self) -> CohortAlignment | None:
        """What the training cohort is like, as far as a new cohort is aligned to it; None with too few donors."""
        prepared, train = self.prepared, self.prepared.is_train
        values = prepared.scaler.inverse(prepared.profiles[train])
        return CohortAlignment.fit(values, prepared.class_index[train], prepared.classes, self._donors[train])

    @cached_property
    def judges(self) -> dict[str, Classify]:
        """Classifiers that know neither f nor the target, fitted when first asked for."""
        is_train = self.prepared.is_train
        return fit_judges(self.prepared.profiles[is_train], self.prepared.source_class[is_train], seed=self.seed)

    @cached_property
    def class_references(self) -> dict[str, ClassReference]:
        """What real training samples of every class are like, gene by gene."""
        return class_references(self._samples_of, self.prepared.classes, seed=self.seed)

    def reference(self, target_class: str) -> SampleReference:
        """What single samples are read against when they are moved to a class."""
        return SampleReference.fit(self._samples_of, target_class, self.class_references, seed=self.seed)

    def reference_without(self, sample: int, target_class: str) -> SampleReference:
        """The same for a sample that was trained on, learned without her donor's samples."""
        samples_of = partial(self._samples_of, without=self._donors[sample])
        classes = sorted({str(self.prepared.source_class[sample]), target_class})
        references = class_references(samples_of, classes, seed=self.seed)
        return SampleReference.fit(samples_of, target_class, references, seed=self.seed)

    @cached_property
    def _donors(self) -> NDArray[np.int64]:
        return donor_codes((len(self.prepared.sample_ids), self.prepared.groups))[0]

    def _samples_of(self, name: str, without: int = -1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """A class's training samples in the user's units, and the donor of each."""
        prepared = self.prepared
        rows = np.flatnonzero(prepared.in_class(name) & prepared.is_train & (self._donors != without))
        return prepared.scaler.inverse(prepared.profiles[rows]), self._donors[rows]


@dataclass(frozen=True)
class Fit:
    """What was learned for one target from one split of the samples."""

    ground: Ground
    model: TrainedModel
    history: pd.DataFrame

    @property
    def prepared(self) -> Prepared:
        """The samples, split and scaled."""
        return self.ground.prepared


def lay_ground(
    question: Question,
    clock: Clock,
    report: Report = silent,
    *,
    is_train: NDArray[np.bool_] | None = None,
    checkpoints: Checkpoints = NONE_KEPT,
) -> Ground:
    """Split and scale the samples and train f (paper, sections 2.1 and 2.2): all that is the same for every target."""
    config = question.config
    with clock.phase("prepare"):
        prepared = prepare_study(question, is_train=is_train)
    with clock.phase("target_model"):
        device = choose_device(config.device)
        f = train_target_model(
            prepared, config.target_model, seed=config.seed, device=device, report=report, checkpoints=checkpoints
        )
    return Ground(prepared, f, config.seed, question)


def prepare_study(question: Question, *, is_train: NDArray[np.bool_] | None = None) -> Prepared:
    """The samples of a question, split and scaled."""
    config = question.config
    return prepare(
        question.study,
        label_column=config.label_column,
        group_column=config.group_column,
        adjust_column=config.adjust_column,
        train_fraction=config.train_fraction,
        seed=config.seed,
        is_train=is_train,
    )


def expression_of(question: Question, prepared: Prepared) -> Expression:
    """The study's values in the user's units, with what a test between classes has to take into account."""
    tested = dense(question.study)
    if prepared.adjustment is None:
        return Expression(tested, tested, groups=prepared.groups)
    levels = text_column(question.study, prepared.adjustment.column)
    return Expression(prepared.adjustment.transform(tested, levels)[0], tested, levels, prepared.groups)


def fit_target(
    ground: Ground, question: Question, clock: Clock, report: Report, checkpoints: Checkpoints = NONE_KEPT
) -> Fit:
    """Learn to move profiles to the question's target (paper, section 2.2)."""
    config, f = question.config, ground.target_model
    with clock.phase("generator"):
        device = choose_device(config.device)
        learned = learn(ground.prepared, f, config, device=device, report=report, checkpoints=checkpoints)
    model = TrainedModel.of(ground.prepared, f, learned.method, config, question.details)
    return Fit(ground, model, learned.history)


def evidence_of(fitted: Fit, question: Question, second: Prepared | None = None) -> pd.DataFrame:
    """The evidence on the samples that a fit has not seen, every method in closed form beside it.

    With `second` these are the ones held out there: those of a second cohort, its own target samples the reference.
    """
    config = question.config
    return evidence_table(
        second or fitted.prepared,
        methods_to_compare(fitted.model, fitted.prepared),
        fitted.model.classify,
        target_class=config.target_class,
        source_classes=config.source_classes,
        seed=config.seed,
        judges=fitted.ground.judges,
        own_reference=second is not None,
    )


def cross_fitted_evidence(
    question: Question, prepared: Prepared, report: Report, checkpoints: Checkpoints = NONE_KEPT
) -> pd.DataFrame:
    """The evidence of `config.folds` further fits, pooled: each sample is held out by one of them."""
    n_folds = question.config.folds
    folds, tables = held_out_folds(prepared, n_folds, seed=question.config.seed), []
    for fold in range(n_folds):
        name = f"fold {fold + 1} of {n_folds}"

        def told(phase: str, done: int, total: int, numbers: Mapping[str, float], name: str = name) -> None:
            report(f"{phase}, {name}", done, total, numbers)

        kept = checkpoints.within(name)
        ground = lay_ground(question, Clock(), told, is_train=folds != fold, checkpoints=kept)
        tables.append(evidence_of(fit_target(ground, question, Clock(), told, kept), question))
    return pool_evidence(tables)


def held_out_folds(prepared: Prepared, n_folds: int, *, seed: int) -> NDArray[np.int64]:
    """The fold in which each sample is held out, donors whole and classes spread; -1 for what is always trained on.

    That is where a class would lose its last training sample, such as a class with one donor.
    """
    (donors,) = donor_codes((len(prepared.sample_ids), prepared.groups))
    folds = donor_folds(donors, prepared.source_class, n_folds=n_folds, seed=seed)
    for name in prepared.classes:
        rows = prepared.in_class(name)
        if len(set(folds[rows])) == 1:
            folds[np.isin(donors, donors[rows])] = -1
    return folds


def methods_to_compare(model: TrainedModel, prepared: Prepared) -> dict[str, Move]:
    """The run's own method first, then every other in closed form, each as what moves profiles.

    What is learned from pairs stands there only where a source class has enough of them.
    """
    compared: dict[str, Move] = {model.method.name: model.move}
    own = (model.method.name, LinearMap.name if isinstance(model.method, LinearMap) else "")
    has_pairs = not classes_with_pairs(prepared, model.target_class).isdisjoint(model.source_classes)
    for name in CLOSED_FORM:
        if name not in own and (has_pairs or name != PairedRegression.name):
            fitted = fit_closed_form(name, prepared, model.target_class, seed=int(model.settings["seed"]))
            compared[name] = partial(_moved, fitted, prepared.classes)
    return compared


def _moved(
    method: Method, classes: tuple[str, ...], profiles: FloatMatrix, source_class: NDArray[np.object_]
) -> FloatMatrix:
    return move_with(method, profiles, source_class, classes)
