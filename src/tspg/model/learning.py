"""From a preset to what moves the profiles."""

import pandas as pd
import torch

from tspg.config import ExperimentConfig, TransportConfig
from tspg.data.prepare import Prepared
from tspg.model.anchor import Anchor
from tspg.model.methods import Method, PaperGenerator, TransportGenerator
from tspg.model.networks import TargetModel
from tspg.model.target_state import TargetState
from tspg.model.training import Report, silent, train_generator
from tspg.model.transport import train_residual


def learn(
    prepared: Prepared,
    target_model: TargetModel,
    config: ExperimentConfig,
    *,
    device: torch.device,
    report: Report = silent,
) -> tuple[Method, pd.DataFrame]:
    """Train what the configuration asks for, against a trained f; gives it with the history of its training."""
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
