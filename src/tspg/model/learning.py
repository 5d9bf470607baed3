"""The method that a configuration asks for, trained or fitted in closed form."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tspg.data.prepare import Dataset
from tspg.model.baselines import BASELINES, TrainingPart
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.config import METHODS, ExperimentConfig
from tspg.model.methods import LinearMap, Method, PaperGenerator
from tspg.model.networks import TargetModel
from tspg.model.ot_map import GaussianOTMap
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator
from tspg.utils.progress import Progress, silent
from tspg.utils.typing import Float32Array

GENERATOR, *CLOSED_FORM = METHODS
UNTRAINED = pd.DataFrame({"epoch": np.empty(0, int), "step": np.empty(0, int), "seconds": np.empty(0)})


class Learned(NamedTuple):
    """A method and the history of its training."""

    method: Method
    history: pd.DataFrame


def learn(
    dataset: Dataset,
    target_model: TargetModel,
    config: ExperimentConfig,
    *,
    device: torch.device,
    progress: Progress = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> Learned:
    """The method that the configuration asks for; one in closed form has an empty history."""
    if config.method != GENERATOR:
        return Learned(fit_closed_form(config.method, dataset, config.target_class, seed=config.seed), UNTRAINED)
    if config.generator is None:
        return Learned(LinearMap(GaussianOTMap.estimate(dataset, config.target_class), GENERATOR), UNTRAINED)
    is_target = dataset.class_mask(config.target_class)
    generator, discriminator, history = train_generator(
        dataset,
        target_model,
        TargetState.estimate(dataset.profiles[is_target & dataset.is_train]),
        config.generator,
        target_class=config.target_class,
        source_classes=config.source_classes,
        seed=config.seed,
        device=device,
        progress=progress,
        checkpoints=checkpoints,
    )
    return Learned(PaperGenerator(generator.requires_grad_(False), discriminator.requires_grad_(False)), history)


def fit_closed_form(name: str, dataset: Dataset, target_class: str, *, seed: int = 0) -> Method:
    """Fit a method that needs no training on the training samples."""
    if name == LinearMap.name:
        return LinearMap(GaussianOTMap.estimate(dataset, target_class))
    return BASELINES[name].fit(TrainingPart.of(dataset, target_class), seed=seed)


def move_with(
    method: Method, profiles: Float32Array, source_class: NDArray[np.object_], classes: tuple[str, ...]
) -> Float32Array:
    """Profiles of known classes moved to the target, in [0, 1]."""
    class_index = np.searchsorted(np.asarray(classes, dtype=object), source_class).astype(np.int64)
    moved: Float32Array = np.clip(profiles + method.raw_perturbation(profiles, class_index), 0.0, 1.0)
    return moved
