"""The method as somebody would write it from the paper in an afternoon: what the package's speed is compared with.

Plain PyTorch in float32: two forward passes of G a step, D not frozen while G learns, Adam as it comes,
draws of r_t and `.item()` of every loss in the loop. The losses and their reductions are the package's
own, so that both learn the same; the covariance is `diag` (each gene by itself) or `exact` (the Cholesky
factor of a genes x genes matrix). As a program it trains both on one synthetic study and prints where they ended:

    python benchmarks/naive.py [--genes 158] [--samples 2000] [--epochs 20] [--covariance diag]
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import ours
import torch
from machine import pin_threads
from torch import Tensor, nn

from tspg.data.prepare import Dataset

Sampler = Callable[[int], Tensor]

COVARIANCES = ("diag", "exact")
JITTERS = (1e-6, 1e-5, 1e-4, 1e-3)  # a covariance of fewer samples than genes is singular; the first that works
BATCH, EPOCHS = 128, 150


def dense(before: int, after: int) -> nn.Linear:
    """A layer with TensorFlow's default start: Glorot-uniform weights, zero biases."""
    layer = nn.Linear(before, after)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def normed(before: int, after: int, *activation: nn.Module) -> list[nn.Module]:
    """A dense layer, batch normalisation with TensorFlow's defaults, and an activation if there is one."""
    return [dense(before, after), nn.BatchNorm1d(after, eps=1e-3, momentum=0.01), *activation]


class Residual(nn.Module):
    """Two dense layers of 128 units that are added to their input."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*normed(128, 128, nn.ReLU()), *normed(128, 128))

    def forward(self, hidden: Tensor) -> Tensor:
        """Input plus layers."""
        return hidden + self.layers(hidden)


def target_model(n_genes: int, n_classes: int) -> nn.Module:
    """The classifier f: profiles to logits."""
    return nn.Sequential(
        *[dense(n_genes, 1024), nn.ReLU(), dense(1024, 512), nn.ReLU(), dense(512, 128), nn.ReLU()],
        dense(128, n_classes),
    )


def generator(n_genes: int) -> nn.Module:
    """The generator G: profiles to raw perturbations in [-1, 1]."""
    return nn.Sequential(
        *normed(n_genes, 512, nn.ReLU()),
        *normed(512, 256, nn.ReLU()),
        *normed(256, 128, nn.ReLU()),
        *[Residual(), Residual(), Residual()],
        *normed(128, 256, nn.ReLU()),
        *normed(256, 512, nn.ReLU()),
        *[dense(512, n_genes), nn.Tanh()],
    )


def discriminator(n_genes: int) -> nn.Module:
    """The discriminator D: profiles to a score in [0, 1], shape (batch, 1)."""
    return nn.Sequential(
        *normed(n_genes, 512, nn.LeakyReLU(0.2)),
        *normed(512, 256, nn.LeakyReLU(0.2)),
        *normed(256, 128, nn.LeakyReLU(0.2)),
        *[dense(128, 1), nn.Sigmoid()],
    )


@dataclass
class Game:
    """The three networks, the optimisers of two of them, and the class to move to."""

    f: nn.Module
    g: nn.Module
    d: nn.Module
    g_adam: torch.optim.Optimizer
    d_adam: torch.optim.Optimizer
    target_index: int

    @classmethod
    def start(cls, n_genes: int, f: nn.Module, target_index: int) -> "Game":
        """Fresh G and D against a trained f."""
        g, d = generator(n_genes), discriminator(n_genes)
        g_adam = torch.optim.Adam(g.parameters(), lr=2e-4, eps=1e-7)
        d_adam = torch.optim.Adam(d.parameters(), lr=1e-4, eps=1e-7)
        return cls(f, g, d, g_adam, d_adam, target_index)


def naive_step(game: Game, x: Tensor, real: Tensor, r_t: Tensor) -> dict[str, float]:
    """One update of D, then one of G (Eqs. 1-5), each with its own forward pass of G."""
    fake = torch.clamp(x + game.g(x), 0, 1)
    d_loss = ((game.d(real) - 1) ** 2).mean() + (game.d(fake.detach()) ** 2).mean()
    game.d_adam.zero_grad()
    d_loss.backward()
    game.d_adam.step()

    perturbation = game.g(x)
    fake = torch.clamp(x + perturbation, 0, 1)
    gan = ((game.d(fake) - 1) ** 2).mean()
    adv = adversarial_loss(torch.softmax(game.f(fake), dim=1), game.target_index)
    norm = torch.norm(perturbation, dim=1).mean()
    distance = torch.abs(fake - r_t).sum(dim=1).mean()
    g_loss = gan + adv + norm + distance
    game.g_adam.zero_grad()
    g_loss.backward()
    game.g_adam.step()
    return {
        "discriminator_loss": d_loss.item(),
        "realism_loss": gan.item(),
        "target_class_loss": adv.item(),
        "perturbation_norm_loss": norm.item(),
        "target_distance_loss": distance.item(),
        "total_loss": g_loss.item(),
    }


def adversarial_loss(probabilities: Tensor, target_index: int) -> Tensor:
    """Eq. 2: the likeliest other class minus the target, not below 0, summed over the batch."""
    others = probabilities.clone()
    others[:, target_index] = -1
    return torch.clamp(others.max(dim=1).values - probabilities[:, target_index], min=0).sum()


def target_sampler(target_profiles: Tensor, covariance: str) -> Sampler:
    """Draws of r_t from the target class, clipped to [0, 1]: `diag` or `exact`."""
    mean = target_profiles.mean(dim=0)
    if covariance == "diag":
        std = target_profiles.std(dim=0)
        return lambda n: torch.clamp(mean + std * torch.randn(n, len(mean)), 0, 1)
    factor = cholesky_factor(torch.cov(target_profiles.T))
    return lambda n: torch.clamp(mean + torch.randn(n, len(mean)) @ factor.T, 0, 1)


def cholesky_factor(covariance: Tensor) -> Tensor:
    """L of Sigma = L L', with the smallest jitter on the diagonal that lets it exist.

    `torch.distributions.MultivariateNormal` uses the same factor, but one sample at a time: 40 times as slow.
    """
    for jitter in JITTERS:
        factor, failed = torch.linalg.cholesky_ex(covariance + jitter * torch.eye(len(covariance)))
        if not failed:
            return factor
    raise ValueError(f"A covariance of {len(covariance)} genes has no Cholesky factor, even with a jitter of {jitter}.")


def train_naive(
    dataset: Dataset,
    f: nn.Module,
    target_class: str,
    *,
    covariance: str = "diag",
    epochs: int = EPOCHS,
    seed: int = 0,
) -> tuple[Game, list[dict[str, float]]]:
    """Train G and D as preset `paper` does, from all classes; gives them with the losses of every step."""
    torch.manual_seed(seed)
    target_index = dataset.index_of(target_class)
    profiles = torch.from_numpy(dataset.profiles[dataset.is_train])
    is_target = torch.from_numpy(dataset.class_index[dataset.is_train] == target_index)
    game = Game.start(profiles.shape[1], f, target_index)
    draw = target_sampler(profiles[is_target], covariance)
    history = []
    for _ in range(epochs):
        order = torch.randperm(len(profiles))
        for start in range(0, len(profiles) - BATCH + 1, BATCH):  # a last batch of one breaks batch normalisation
            x = profiles[order[start : start + BATCH]]
            history.append(naive_step(game, x, x, draw(len(x))))
    return game, history


@torch.no_grad()
def hit_rate(game: Game, dataset: Dataset) -> float:
    """Share of held-out samples of other classes that f calls the target once G has moved them."""
    rows = ~dataset.is_train & (dataset.class_index != game.target_index)
    x = torch.from_numpy(dataset.profiles[rows])
    called = game.f(torch.clamp(x + game.g.eval()(x), 0, 1)).argmax(dim=1)
    return (called == game.target_index).float().mean().item()


def main() -> None:
    """Train both on the same study and print the losses of the last epoch, the hit rate and the CPU time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, default=158)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=53)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--covariance", choices=COVARIANCES, default="diag")
    options = parser.parse_args()
    pin_threads()
    case = ours.make_case(options.genes, n_samples=options.samples, n_classes=options.classes, f_epochs=10)
    start = time.process_time()
    game, history = train_naive(
        case.dataset, case.f, case.target_class, covariance=options.covariance, epochs=options.epochs
    )
    naive_seconds = time.process_time() - start
    start = time.process_time()
    last_epoch = ours.train_paper(case, epochs=options.epochs)
    ours_seconds = time.process_time() - start
    steps = max(1, len(history) // options.epochs)
    print("| at the end | naive | tspg |\n|---|---|---|")
    for name in history[-1]:
        print(f"| {name} | {sum(row[name] for row in history[-steps:]) / steps:.3f} | {last_epoch[name]:.3f} |")
    print(f"| hit rate | {hit_rate(game, case.dataset):.3f} | {last_epoch['hit_rate']:.3f} |")
    print(f"| CPU s | {naive_seconds:.1f} | {ours_seconds:.1f} |")


if __name__ == "__main__":
    main()
