"""The run under audit: its samples, split and settings as the run folder holds them, and short fits on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from anndata import AnnData

from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.audit.outcome import FOLDER
from tspg.audit.refit import Refit
from tspg.data.prepare import Dataset, Scaler
from tspg.errors import ModelError
from tspg.model.config import ExperimentConfig
from tspg.model.random import batches_an_epoch
from tspg.model.storage import load_model
from tspg.model.trained_model import TrainedModel
from tspg.report.manifest import verify
from tspg.report.read import read_run
from tspg.utils.typing import BoolArray, Float32Array, NameArray
from tspg.utils.untrusted import require_consistent

SHORT_F_STEPS = 400
SHORT_STEPS, QUICK_STEPS = 300, 75  # of a generator that is trained


@dataclass(frozen=True)
class RunContext:
    """A finished run: the samples it moved, how it was trained, and what it found.

    `dataset` holds the scaled profiles of the target and the source classes with the run's own split.
    """

    dataset: Dataset
    config: ExperimentConfig
    model: TrainedModel
    perturbations: AnnData
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    quick: bool = False
    before_fit: Callable[[], None] = lambda: None  # called whenever a fit begins

    @property
    def target(self) -> str:
        """The class that the run moves to."""
        return self.config.target_class

    @property
    def sources(self) -> tuple[str, ...]:
        """The classes that the run moves and that have samples."""
        return tuple(name for name in self.dataset.classes if name != self.target)

    @cached_property
    def classifier(self) -> LinearClassifier:
        """An independent classifier: logistic regression on the real training samples."""
        return linear_classifier(self.dataset)

    @cached_property
    def short(self) -> ExperimentConfig:
        """The run's own method and preset, with G and f trained for a shorter time.

        f gets enough steps to know its classes: one that hardly does leads G astray.
        """
        own = self.config
        n_train = int(self.dataset.is_train.sum())
        epochs = -(-SHORT_F_STEPS // batches_an_epoch(n_train, own.target_model.batch_size))
        return replace(
            own,
            source_classes=None,
            folds=1,
            generator=None if own.generator is None else replace(own.generator, steps=self.short_steps),
            target_model=replace(own.target_model, epochs=min(own.target_model.epochs, epochs)),
        )

    @property
    def short_steps(self) -> int:
        """Steps of a short training of the generator; 0 for a method in closed form."""
        return min(self.own_steps, QUICK_STEPS if self.quick else SHORT_STEPS)

    @property
    def own_steps(self) -> int:
        """Steps that the run's own generator was trained for; 0 for a method in closed form."""
        return int(self.metrics.get("training", {}).get("steps") or 0)

    @cached_property
    def own_change(self) -> float:
        """How far the run moves an average gene: the mean over genes of |mean perturbation|, over its sources."""
        return change_of_mean(self.perturbations.layers["perturbation"][~self.dataset.class_mask(self.target)])

    def fit(self, dataset: Dataset, config: ExperimentConfig) -> Refit:
        """The run's method on other samples or labels, fitted when it is used; nothing else differs from the run."""
        self.before_fit()
        return Refit(dataset, config)


def read_context(folder: Path, *, quick: bool = False) -> RunContext:
    """The run in a folder; `quick` makes its short fits shorter still.

    Raises
    ------
    ModelError
        If there is no finished run, or a file of it was changed.
    """
    manifest, run = verify(folder, but=(FOLDER,)), read_run(folder)
    model, perturbations = load_model(folder), read_perturbations(folder)
    with require_consistent(folder):
        dataset = dataset_again(perturbations, grouped=model.settings.get("group_column") is not None)
        config = config_from(model.settings)
        return RunContext(dataset, config, model, perturbations, manifest, run.metrics, quick)


def linear_classifier(dataset: Dataset) -> LinearClassifier:
    """A logistic regression on the training samples."""
    return LinearClassifier.fit(dataset.profiles[dataset.is_train], dataset.source_class[dataset.is_train])


def dataset_again(perturbations: AnnData, *, grouped: bool) -> Dataset:
    """The samples of a run as they were when its model was trained: scaled, split and labelled."""
    obs = perturbations.obs
    labels = obs["source_class"].astype(str).to_numpy()
    classes, class_index = np.unique(labels, return_inverse=True)
    constant = perturbations.var["constant"].to_numpy(dtype=bool)
    return Dataset(
        profiles=np.ascontiguousarray(perturbations.layers["original"], dtype=np.float32),
        class_index=class_index.astype(np.int64),
        classes=tuple(map(str, classes)),
        is_train=(obs["split"].astype(str) == "train").to_numpy(),
        sample_ids=tuple(map(str, perturbations.obs_names)),
        gene_ids=tuple(map(str, perturbations.var_names)),
        scaler=Scaler(np.zeros(perturbations.n_vars), np.where(constant, 0.0, 1.0)),
        clipped_cells=0,
        groups=tuple(obs["group"].astype(str)) if grouped else None,
    )


def config_from(settings: dict[str, Any]) -> ExperimentConfig:
    """The configuration that a model was trained with, from its plain values.

    Raises
    ------
    ModelError
        If it was trained in a way that is no longer there.
    """
    is_transport = settings["preset"] != "paper"
    if is_transport and settings["generator"] is not None and settings["method"] == "generator":
        raise ModelError(
            "This run's generator was trained as only tspg 0.1.0 does, and an audit would have to train it again. "
            "Make the run again with `tspg run`, and audit that."
        )
    return ExperimentConfig.from_dict(settings)


def relabelled(dataset: Dataset, labels: NameArray, *, rows: BoolArray | None = None) -> Dataset:
    """The same samples, or some of them, under other labels; scale and split stay."""
    kept = np.ones(len(labels), dtype=bool) if rows is None else rows
    classes, class_index = np.unique(labels[kept], return_inverse=True)
    names, groups = np.asarray(dataset.sample_ids, dtype=object), dataset.groups
    return replace(
        dataset,
        profiles=dataset.profiles[kept],
        class_index=class_index.astype(np.int64),
        classes=tuple(map(str, classes)),
        is_train=dataset.is_train[kept],
        sample_ids=tuple(names[kept]),
        groups=None if groups is None else tuple(np.asarray(groups, dtype=object)[kept]),
        sample_columns=None,
        outside=None,
    )


def donor_names(dataset: Dataset) -> NameArray:
    """The donor of every sample; without donors every sample is its own."""
    return np.asarray(dataset.sample_ids if dataset.groups is None else dataset.groups, dtype=object)


def change_of_mean(perturbation: Float32Array) -> float:
    """The mean over genes of the absolute mean perturbation."""
    if len(perturbation) == 0:
        return math.nan
    return float(np.abs(perturbation.mean(axis=0, dtype=np.float64)).mean())
