"""The three networks of the paper (section 2.2, Figure 1): f, G and D."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from tspg.model.config import GeneratorConfig, PaperConfig, TargetModelConfig

# "Default TensorFlow parameters": a momentum of .99 there is a weight of .01 on the new batch here.
BATCH_NORM_MOMENTUM, BATCH_NORM_EPSILON = 0.01, 1e-3


class TargetModel(nn.Module):
    """f, the classifier that must be convinced: profiles to class scores.

    Input (batch, genes) in [0, 1]; `forward` gives logits of shape (batch, classes).
    """

    def __init__(self, n_genes: int, n_classes: int, config: TargetModelConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_stack([n_genes, *config.hidden_units], normalised=False), _dense(config.hidden_units[-1], n_classes)
        )

    def forward(self, profiles: Tensor) -> Tensor:
        """Logits, shape (batch, classes)."""
        logits: Tensor = self.layers(profiles)
        return logits

    def probabilities(self, profiles: Tensor) -> Tensor:
        """Softmax over classes, shape (batch, classes)."""
        scores: Tensor = self(profiles)
        return scores.softmax(dim=1)

    @torch.no_grad()
    def centre_on(self, centre: Tensor) -> None:
        """Take profiles as they are from now on, having been trained on profiles minus `centre`, shape (genes,)."""
        weight, bias, *_ = self.parameters()
        bias.sub_(weight @ centre)


class ResidualBlock(nn.Module):
    """Two dense layers with batch normalisation whose result is added to the input."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _dense(units, units), _batch_norm(units), nn.ReLU(), _dense(units, units), _batch_norm(units)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """The input plus what the two layers make of it."""
        added: Tensor = self.layers(hidden)
        return hidden + added


class Generator(nn.Module):
    """G: the raw perturbation of each profile, shape (batch, genes), every value in [-1, 1].

    An hourglass: three layers down, residual blocks, two layers up, then tanh over the genes.
    """

    def __init__(self, n_genes: int, config: GeneratorConfig) -> None:
        super().__init__()
        narrow = config.down_units[-1]
        self.body = nn.Sequential(
            *_stack([n_genes, *config.down_units]),
            *[ResidualBlock(narrow) for _ in range(config.residual_blocks)],
            *_stack([narrow, *config.up_units]),
        )
        self.last = _dense(config.up_units[-1], n_genes)

    def forward(self, profiles: Tensor) -> Tensor:
        """G(x), shape (batch, genes), in [-1, 1]."""
        return torch.tanh(self.last(self.body(profiles)))


class Discriminator(nn.Module):
    """D: how real each profile looks, between 0 and 1, shape (batch,)."""

    def __init__(self, n_genes: int, config: PaperConfig) -> None:
        super().__init__()
        widths = [n_genes, *config.discriminator_units]
        self.layers = nn.Sequential(*_stack(widths, lambda: nn.LeakyReLU(0.2)), _dense(widths[-1], 1), nn.Sigmoid())

    def forward(self, profiles: Tensor) -> Tensor:
        """Scores, shape (batch,)."""
        scores: Tensor = self.layers(profiles)
        return scores.squeeze(1)


def _dense(before: int, after: int) -> nn.Linear:
    """A dense layer. Torch draws start values, which `initialise` replaces: the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        return nn.Linear(before, after)


def _batch_norm(units: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(units, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)


def _stack(
    widths: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, *, normalised: bool = True
) -> list[nn.Module]:
    """Dense layers of these widths, each with batch normalisation if wanted, and an activation."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [_dense(before, after), *([_batch_norm(after)] if normalised else []), activation()]
    return layers


def initialise(network: nn.Module, *, seed: Sequence[int]) -> None:
    """Set a network to TensorFlow's default start: Glorot-uniform weights, zero biases.

    Only `seed` decides the values; torch's global random state is neither used nor changed.
    """
    state = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=state)
            nn.init.zeros_(layer.bias)
