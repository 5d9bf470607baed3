"""From a configuration to what moves the profiles."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tspg.config import METHODS, ExperimentConfig, TransportConfig
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.model.anchor import Anchor
from tspg.model.baseline import TrainingPart
from tspg.model.baselines import BASELINES
from tspg.model.methods import BaselineMethod, LinearMap, Method, PaperGenerator, TransportGenerator
from tspg.model.networks import TargetModel
from tspg.model.target_state import TargetState
from tspg.model.training import Report, silent, train_generator
from tspg.model.transport import train_residual

CLOSED_FORM = METHODS[1:]
UNTRAINED = pd.DataFrame({"epoch": np.empty(0, int), "step": np.empty(0, int), "seconds": np.empty(0)})


def learn(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    *,
    device: torch.device,
    report: Report = silent,
) -> tuple[Method, pd.DataFrame]:
    """Train what the configuration asks for, against a trained f; gives it with the history of its training.

    A method in closed form has no training, and an empty history.
    """
    if config.method != "generator":
        return fit_closed_form(config.method, prepared, config.target_class, seed=config.seed), UNTRAINED
    target, sources, seed = config.target_class, config.source_classes, config.seed
    if isinstance(config.generator, TransportConfig):
        anchor = Anchor.estimate(prepared, target, seed=seed)
        generator, history = train_residual(
            prepared,
            target_model,
            anchor,
            config.generator,
            target_class=target,
            source_classes=sources,
            seed=seed,
            device=device,
            report=report,
        )
        return TransportGenerator(anchor, generator.requires_grad_(False)), history
    target_state = TargetState.estimate(prepared.profiles[prepared.in_class(target) & prepared.is_train])
    generator, discriminator, history = train_generator(
        prepared,
        target_model,
        target_state,
        config.generator,
        target_class=target,
        source_classes=sources,
        seed=seed,
        device=device,
        report=report,
    )
    return PaperGenerator(generator.requires_grad_(False), discriminator.requires_grad_(False)), history


def fit_closed_form(name: str, prepared: Prepared, target_class: str, *, seed: int = 0) -> Method:
    """Fit a method that needs no training on the training samples."""
    if name == LinearMap.name:
        return LinearMap(Anchor.estimate(prepared, target_class, seed=seed))
    fitted = BASELINES[name].fit(TrainingPart.of(prepared, target_class), seed=seed)
    return BaselineMethod(fitted, prepared.classes)


def move_with(
    method: Method, profiles: FloatMatrix, source_class: NDArray[np.object_], classes: tuple[str, ...]
) -> FloatMatrix:
    """Profiles of known classes moved to the target, in [0, 1]."""
    class_index = np.searchsorted(np.asarray(classes), source_class.astype(str)).astype(np.int64)
    moved: FloatMatrix = np.clip(profiles + method.raw_perturbation(profiles, class_index), 0.0, 1.0)
    return moved
