"""One training step of G and D, with f as a fixed classifier (paper, section 2.2)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from tspg.data.prepare import Dataset
from tspg.errors import DivergedError
from tspg.model import losses
from tspg.model.adam import Adam
from tspg.model.config import LossWeights, PaperConfig
from tspg.model.networks import Discriminator, Generator, TargetModel, initialise
from tspg.model.random import D_WEIGHTS, G_WEIGHTS


@dataclass
class GAN:
    """The networks and optimisers of a training step; f is never updated."""

    generator: Generator
    discriminator: Discriminator
    target_model: TargetModel
    generator_optimiser: Adam
    discriminator_optimiser: Adam
    target_index: int
    config: PaperConfig


def init_gan(
    dataset: Dataset,
    target_model: TargetModel,
    config: PaperConfig,
    *,
    target_class: str,
    seed: int,
    device: torch.device,
) -> GAN:
    """G and D with their start weights and optimisers, and a trained f."""
    n_genes = len(dataset.gene_ids)
    generator, discriminator = Generator(n_genes, config), Discriminator(n_genes, config)
    initialise(generator, seed=(seed, G_WEIGHTS))
    initialise(discriminator, seed=(seed, D_WEIGHTS))
    of_generator, of_discriminator = (
        Adam(network.to(device).train().parameters(), lr=rate)
        for network, rate in ((generator, config.learning_rate), (discriminator, config.discriminator_learning_rate))
    )
    return GAN(
        generator, discriminator, target_model, of_generator, of_discriminator, dataset.index_of(target_class), config
    )


def train_step(gan: GAN, x: Tensor, real: Tensor, r_t: Tensor) -> dict[str, Tensor]:
    """Every loss term of one update of D, then one of G, on the same perturbed profiles."""
    raw_perturbation = gan.generator(x)
    perturbed = clip(x + raw_perturbation)

    # (1) Update D: minimise (D(x) - 1)^2 + D(x_adv)^2
    discriminator_loss = losses.discriminator_loss(gan.discriminator(real), gan.discriminator(perturbed.detach()))
    gan.discriminator_optimiser.zero_grad()
    discriminator_loss.backward()
    gan.discriminator_optimiser.step()

    # (2) Update G: minimise L_GAN + L_adv + L_norm + L_td (Eq. 5); G has not changed since its one forward pass
    terms = {
        "realism": losses.realism_loss(gan.discriminator.requires_grad_(False)(perturbed)),
        "target_class": losses.target_class_loss(
            gan.target_model.probabilities(perturbed), gan.target_index, gan.config.confidence
        ),
        "perturbation_norm": losses.perturbation_norm_loss(raw_perturbation),
        "target_distance": losses.target_distance_loss(perturbed, r_t),
    }
    weighted = weigh(terms, gan.config.weights)
    total = torch.stack(list(weighted.values())).sum()
    gan.generator_optimiser.zero_grad()
    total.backward()
    gan.generator_optimiser.step()
    gan.discriminator.requires_grad_(True)
    return {
        "discriminator_loss": discriminator_loss.detach(),
        **{f"{name}_loss": value.detach() for name, value in terms.items()},
        **{f"weighted_{name}_loss": value.detach() for name, value in weighted.items()},
        "total_loss": total.detach(),
    }


def weigh(terms: Mapping[str, Tensor], weights: LossWeights) -> dict[str, Tensor]:
    """Each term of Eq. 5 times its weight."""
    return {name: asdict(weights)[name] * value for name, value in terms.items()}


def clip(profiles: Tensor) -> Tensor:
    """Back to valid expression values, [0, 1] (paper, section 2.2)."""
    return profiles.clamp(0.0, 1.0)


@torch.no_grad()
def recompute_batch_statistics(network: torch.nn.Module, profiles: Tensor) -> None:
    """Set the batch normalisation's running mean and variance to those of `profiles` as one batch.

    Running averages with a momentum of .99 still hold a fifth of their start values after 150 steps.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm1d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 1.0
    was_training = network.training
    network.train()
    (network.body if isinstance(network, Generator) else network)(profiles)
    network.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


@torch.no_grad()
def hit_rate(gan: GAN, profiles: Tensor) -> float:
    """The share of profiles that f calls the target once G has moved them."""
    if len(profiles) == 0:
        return math.nan
    gan.generator.eval()
    called = gan.target_model(clip(profiles + gan.generator(profiles))).argmax(dim=1)
    gan.generator.train()
    return float((called == gan.target_index).float().mean())


def require_finite(terms: Mapping[str, float], step: int) -> None:
    """Stop at the first term that is not a finite number, naming it and the step."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", step)


def require_finite_weights(step: int, **networks: Mapping[str, Tensor]) -> None:
    """Stop at a weight or batch statistic that is not finite; the losses of the last step do not show it."""
    for network, learned in networks.items():
        for name, value in learned.items():
            if not torch.isfinite(value).all():
                raise _diverged(f"the weights {name} of the {network.replace('_', ' ')} are not finite numbers", step)


def _diverged(what: str, step: int) -> DivergedError:
    return DivergedError(
        f"Training stopped at step {step}: {what}. "
        "Look for extreme values with `tspg inspect`; a logarithmic scale (--transform log2) often helps."
    )
