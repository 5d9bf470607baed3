"""One step of the game between G and D, judged by f (paper, section 2.2)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from tspg.data.prepare import Dataset
from tspg.errors import DivergedError
from tspg.model import losses
from tspg.model.config import LossWeights, PaperConfig
from tspg.model.networks import Discriminator, Generator, TargetModel, initialise
from tspg.model.random import D_WEIGHTS, G_WEIGHTS

ADAM_EPSILON = 1e-7  # TensorFlow's default


@dataclass
class GAN:
    """The networks and optimisers that one training step updates; f only judges."""

    generator: Generator
    discriminator: Discriminator
    target_model: TargetModel
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
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
    """G and D at their start, with their optimisers, against a trained f."""
    n_genes = len(dataset.gene_ids)
    generator, discriminator = Generator(n_genes, config), Discriminator(n_genes, config)
    initialise(generator, seed=(seed, G_WEIGHTS))
    initialise(discriminator, seed=(seed, D_WEIGHTS))
    generator.to(device).train()
    discriminator.to(device).train()
    return GAN(
        generator=generator,
        discriminator=discriminator,
        target_model=target_model,
        generator_optimiser=torch.optim.Adam(
            generator.parameters(), lr=config.learning_rate, eps=ADAM_EPSILON, fused=True
        ),
        discriminator_optimiser=torch.optim.Adam(
            discriminator.parameters(), lr=config.discriminator_learning_rate, eps=ADAM_EPSILON, fused=True
        ),
        target_index=dataset.index_of(target_class),
        config=config,
    )


def train_step(players: GAN, x: Tensor, real: Tensor, r_t: Tensor) -> dict[str, Tensor]:
    """One update of D, then one of G, on the same perturbed profiles; gives every loss term."""
    raw_perturbation = players.generator(x)
    perturbed = clip(x + raw_perturbation)

    # (1) Update D: minimise (D(x) - 1)^2 + D(x_adv)^2
    discriminator_loss = losses.discriminator_loss(
        players.discriminator(real), players.discriminator(perturbed.detach())
    )
    players.discriminator_optimiser.zero_grad()
    discriminator_loss.backward()
    players.discriminator_optimiser.step()

    # (2) Update G: minimise L_GAN + L_adv + L_norm + L_td (Eq. 5); G has not changed since its one forward pass
    terms = {
        "realism": losses.realism_loss(players.discriminator.requires_grad_(False)(perturbed)),
        "target_class": losses.target_class_loss(
            players.target_model.probabilities(perturbed), players.target_index, players.config.confidence
        ),
        "perturbation_norm": losses.perturbation_norm_loss(raw_perturbation),
        "target_distance": losses.target_distance_loss(perturbed, r_t),
    }
    weighted = weigh(terms, players.config.weights)
    total = torch.stack(list(weighted.values())).sum()
    players.generator_optimiser.zero_grad()
    total.backward()
    players.generator_optimiser.step()
    players.discriminator.requires_grad_(True)
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


def rate_at(step: int, n_steps: int, warm_up: float) -> float:
    """The learning rate's share of its peak: a linear rise, then a cosine to 0."""
    rising = max(1, round(warm_up * n_steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, n_steps - rising)))


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
def hit_rate(players: GAN, profiles: Tensor) -> float:
    """Share of held-out source samples that f calls the target once G has moved them."""
    if len(profiles) == 0:
        return math.nan
    players.generator.eval()
    called = players.target_model(clip(profiles + players.generator(profiles))).argmax(dim=1)
    players.generator.train()
    return float((called == players.target_index).float().mean())


def require_finite(terms: Mapping[str, float], step: int) -> None:
    """Stop at the first value that is not a finite number, naming the term and the step."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", step)


def require_finite_weights(step: int, **networks: Mapping[str, Tensor]) -> None:
    """Stop where a weight or batch statistic is no longer a finite number: the losses of the last step do not tell."""
    for network, learned in networks.items():
        for name, value in learned.items():
            if not torch.isfinite(value).all():
                raise _diverged(f"the weights {name} of the {network.replace('_', ' ')} are not finite numbers", step)


def _diverged(what: str, step: int) -> DivergedError:
    return DivergedError(
        f"Training stopped at step {step}: {what}. "
        "Look for extreme values with `tspg inspect`; a logarithmic scale (--transform log2) often helps."
    )
