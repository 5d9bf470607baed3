"""From a configuration to what moves the profiles."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tspg.config import METHODS, ExperimentConfig, PaperConfig
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.model.anchor import Anchor
from tspg.model.baseline import TrainingPart
from tspg.model.baselines import BASELINES
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.methods import BaselineMethod, LinearMap, Method, PaperGenerator
from tspg.model.networks import TargetModel
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator
from tspg.progress import Report, silent

GENERATOR, *CLOSED_FORM = METHODS
UNTRAINED = pd.DataFrame({"epoch": np.empty(0, int), "step": np.empty(0, int), "seconds": np.empty(0)})


class Learned(NamedTuple):
    """What moves profiles, and the history of its training."""

    method: Method
    history: pd.DataFrame


def learn(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    *,
    device: torch.device,
    report: Report = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> Learned:
    """Make what the configuration asks for; what is known in closed form has no training, and an empty history."""
    if config.method != GENERATOR:
        return Learned(fit_closed_form(config.method, prepared, config.target_class, seed=config.seed), UNTRAINED)
    if config.generator is None:
        return Learned(LinearMap(Anchor.estimate(prepared, config.target_class), GENERATOR), UNTRAINED)
    return _learn_paper(prepared, target_model, config, config.generator, device, report, checkpoints)


def _learn_paper(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    settings: PaperConfig,
    device: torch.device,
    report: Report,
    checkpoints: Checkpoints,
) -> Learned:
    is_target = prepared.in_class(config.target_class)
    target_state = TargetState.estimate(prepared.profiles[is_target & prepared.is_train])
    generator, discriminator, history = train_generator(
        prepared,
        target_model,
        target_state,
        settings,
        target_class=config.target_class,
        source_classes=config.source_classes,
        seed=config.seed,
        device=device,
        report=report,
        checkpoints=checkpoints,
    )
    return Learned(PaperGenerator(generator.requires_grad_(False), discriminator.requires_grad_(False)), history)


def fit_closed_form(name: str, prepared: Prepared, target_class: str, *, seed: int = 0) -> Method:
    """Fit a method that needs no training on the training samples."""
    if name == LinearMap.name:
        return LinearMap(Anchor.estimate(prepared, target_class))
    fitted = BASELINES[name].fit(TrainingPart.of(prepared, target_class), seed=seed)
    return BaselineMethod(fitted, prepared.classes)


def move_with(
    method: Method, profiles: FloatMatrix, source_class: NDArray[np.object_], classes: tuple[str, ...]
) -> FloatMatrix:
    """Profiles of known classes moved to the target, in [0, 1]."""
    class_index = np.searchsorted(np.asarray(classes, dtype=object), source_class).astype(np.int64)
    moved: FloatMatrix = np.clip(profiles + method.raw_perturbation(profiles, class_index), 0.0, 1.0)
    return moved
