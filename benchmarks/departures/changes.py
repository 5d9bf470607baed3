"""What the product departs from, as contexts in which its functions and numbers are replaced."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from departures.cases import Change
from tspg.model import adam, losses, networks, training
from tspg.model import gan as step
from tspg.model.target_state import TargetState


@contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Something else in the place of some of the product's functions and numbers."""
    with ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(patch.object(owner, name, value))
        yield


def printed_sign() -> Any:
    """Eq. 1 with the printed minus: D learns to call perturbed profiles real, and G to be called false."""
    return replaced(
        (losses, "discriminator_loss", lambda real, fake: (real - 1).square().mean() + (fake - 1).square().mean()),
        (losses, "realism_loss", lambda fake: fake.square().mean()),
    )


def logarithms() -> Any:
    """Eq. 1 with logarithms (and the plus sign), G's part in the form that does not saturate."""
    log = lambda scores: scores.clamp(1e-7, 1 - 1e-7).log()  # noqa: E731
    return replaced(
        (losses, "discriminator_loss", lambda real, fake: -(log(real).mean() + log(1 - fake).mean())),
        (losses, "realism_loss", lambda fake: -log(fake).mean()),
    )


def other_reductions() -> Any:
    """L_td averaged over genes, one norm over the whole batch, L_adv times the batch size."""
    total = losses.target_class_loss
    return replaced(
        (losses, "target_distance_loss", lambda moved, r_t: (moved - r_t).abs().mean()),
        (losses, "perturbation_norm_loss", torch.linalg.vector_norm),
        (losses, "target_class_loss", lambda p, t, kappa=0.0: total(p, t, kappa) * len(p)),
    )


def plain_batches() -> Any:
    """Batches of exactly the asked size and a last one with what is left."""

    def batches(n: int, size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        order = rng.permutation(n)
        return [order[start : start + size] for start in range(0, n, size)]

    return replaced((training, "batches", batches), (training, "batches_an_epoch", lambda n, size: -(-n // size)))


def independent_genes() -> Any:
    """r_t drawn gene by gene: the mean and the variances of the target, without its covariances."""

    def draw(state: TargetState, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        spread = np.sqrt((state.factor**2).sum(axis=1))
        return state.mean + spread * rng.standard_normal((n, len(spread)), dtype=np.float32)

    return replaced((TargetState, "draw", draw))


def torch_defaults() -> Any:
    """PyTorch's own start of weights and settings of batch normalisation and Adam in G and D."""

    def start(network: nn.Module, *, seed: Any) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
            for layer in network.modules():
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()

    return replaced(
        (networks, "BATCH_NORM_MOMENTUM", 0.1),
        (networks, "BATCH_NORM_EPSILON", 1e-5),
        (adam, "EPSILON", 1e-8),
        (step, "initialise", start),
    )


def running_statistics() -> Any:
    """Batch normalisation keeps what its running averages hold when training ends."""
    return replaced((training, "recompute_batch_statistics", lambda *_: None))


GAMES: dict[str, Change] = {
    "as it is": ExitStack,
    "printed sign of Eq. 1": printed_sign,
    "logarithms in Eq. 1": logarithms,
    "r_t without covariances": independent_genes,
    "a last small batch": plain_batches,
    "other reductions": other_reductions,
    "PyTorch's defaults": torch_defaults,
}
