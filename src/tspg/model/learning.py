"""From a configuration to what moves the profiles."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tspg.config import METHODS, ExperimentConfig, PaperConfig, TransportConfig
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.model.anchor import Anchor
from tspg.model.baseline import TrainingPart
from tspg.model.baselines import BASELINES
from tspg.model.checkpoints import NONE_KEPT, Checkpoints
from tspg.model.methods import BaselineMethod, LinearMap, Method, PaperGenerator, TransportGenerator
from tspg.model.networks import TargetModel
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator
from tspg.model.transport import train_residuals
from tspg.progress import Report, silent

CLOSED_FORM = METHODS[1:]
UNTRAINED = pd.DataFrame({"epoch": np.empty(0, int), "step": np.empty(0, int), "seconds": np.empty(0)})
# Generators that learn in the same steps. On a CPU one by one is faster (benchmarks/README.md); on a GPU the limit
# keeps the anchored samples of all targets in memory.
SIDE_BY_SIDE = {"cpu": 1, "cuda": 16}


class Learned(NamedTuple):
    """What moves profiles, the history of its training, and how many targets' generators learned in the same steps."""

    method: Method
    history: pd.DataFrame
    side_by_side: int = 1


def learn(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    target_classes: Sequence[str],
    *,
    device: torch.device,
    report: Report = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> Iterator[Learned]:
    """Train what the configuration asks for, for each target against the same f; gives it with its history.

    A method in closed form has no training, and an empty history. `config.target_class` is not looked at.
    """
    if config.method != "generator":
        for target in target_classes:
            yield Learned(fit_closed_form(config.method, prepared, target, seed=config.seed), UNTRAINED)
    elif isinstance(config.generator, TransportConfig):
        for some in _chunks(target_classes, SIDE_BY_SIDE[device.type]):
            yield from _learn_transport(
                prepared, target_model, config, config.generator, some, device, report, checkpoints
            )
    else:
        for target in target_classes:
            yield _learn_paper(prepared, target_model, config, config.generator, target, device, report, checkpoints)


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _learn_transport(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    settings: TransportConfig,
    target_classes: Sequence[str],
    device: torch.device,
    report: Report,
    checkpoints: Checkpoints,
) -> Iterator[Learned]:
    anchors = {target: Anchor.estimate(prepared, target) for target in target_classes}
    found = train_residuals(
        prepared,
        target_model,
        anchors,
        settings,
        source_classes=config.source_classes,
        seed=config.seed,
        device=device,
        report=report,
        checkpoints=checkpoints,
    )
    for target, (generator, history) in found.items():
        method = TransportGenerator(anchors[target], generator.requires_grad_(False))
        yield Learned(method, history, len(found))


def _learn_paper(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    settings: PaperConfig,
    target_class: str,
    device: torch.device,
    report: Report,
    checkpoints: Checkpoints,
) -> Learned:
    target_state = TargetState.estimate(prepared.profiles[prepared.in_class(target_class) & prepared.is_train])
    generator, discriminator, history = train_generator(
        prepared,
        target_model,
        target_state,
        settings,
        target_class=target_class,
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
    class_index = np.searchsorted(np.asarray(classes), source_class.astype(str)).astype(np.int64)
    moved: FloatMatrix = np.clip(profiles + method.raw_perturbation(profiles, class_index), 0.0, 1.0)
    return moved
