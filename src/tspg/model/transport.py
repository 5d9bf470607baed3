"""Preset `transport`: G learns what the closed-form anchor leaves to do.

x_adv = clip(a + G(a), 0, 1), where a is the anchor's move of x. G starts at zero and is drawn to the
target's whole distribution by the energy distance, to f's target class by L_adv (Eq. 2), and to
staying small.
"""

import copy
import math
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from torch import Tensor

from tspg.config import TransportConfig
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.errors import UsageError
from tspg.model import losses
from tspg.model.anchor import Anchor
from tspg.model.networks import Generator, TargetModel, initialise
from tspg.model.randomness import G_ORDER, G_WEIGHTS, REAL_ORDER, stream
from tspg.model.step import ADAM_EPSILON, clip, require_finite, require_finite_weights
from tspg.model.training import Report, silent

STEPS_A_ROW = 10  # of the history


def train_residual(
    prepared: Prepared,
    target_model: TargetModel,
    anchor: Anchor,
    config: TransportConfig,
    *,
    target_class: str,
    source_classes: tuple[str, ...] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Report = silent,
) -> tuple[Generator, pd.DataFrame]:
    """Teach G the rest of the way from the anchor to the target's distribution.

    Returns
    -------
    G with its averaged weights, and the history: one row every ten steps with the mean of every
    loss term, weighted and not, and the share of held-out source samples that f calls the target.

    Raises
    ------
    DivergedError
        If a loss term or a weight is no longer a finite number; it names the term and the step.
    """
    device = torch.device(device)
    task = _Task.of(prepared, anchor, target_class, source_classes, device)
    generator = Generator(len(prepared.gene_ids), config)
    initialise(generator, seed=(seed, G_WEIGHTS))
    torch.nn.init.zeros_(generator.last.weight)
    averaged = copy.deepcopy(_with_current_statistics(generator).to(device)).eval()
    generator.train()
    optimiser = torch.optim.Adam(generator.parameters(), lr=config.learning_rate, eps=ADAM_EPSILON, fused=True)
    n_steps = (
        config.epochs * math.ceil(len(task.anchored) / config.batch_size) if config.steps is None else config.steps
    )
    history: list[dict[str, float]] = []
    terms_of_steps, started = [], time.perf_counter()
    for step in range(n_steps):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate_at(step, n_steps, config.warm_up)
        x, real = task.batch(config.batch_size, seed, step)
        terms = _terms(generator(x), x, real, target_model, task, config)
        require_finite(terms, step + 1)
        optimiser.zero_grad()
        terms["total_loss"].backward()
        optimiser.step()
        _average_into(averaged, generator, min(config.averaging, (step + 1) / (step + 10)))
        terms_of_steps.append({name: value.item() for name, value in terms.items()})
        if (step + 1) % STEPS_A_ROW == 0 or step + 1 == n_steps:
            require_finite_weights(step + 1, generator=averaged)
            means = {str(name): float(mean) for name, mean in pd.DataFrame(terms_of_steps).mean().items()}
            row = {
                "epoch": len(history) + 1,
                "step": step + 1,
                **means,
                "hit_rate": task.hit_rate(averaged, target_model),
            }
            history.append({**row, "seconds": time.perf_counter() - started})
            report("generator", step + 1, n_steps, history[-1])
            terms_of_steps, started = [], time.perf_counter()
    return averaged, pd.DataFrame(history)


def _terms(
    residual: Tensor, x: Tensor, real: Tensor, target_model: TargetModel, task: "_Task", config: TransportConfig
) -> dict[str, Tensor]:
    perturbed = clip(x + residual)
    unweighted = {
        "energy_distance": losses.energy_distance_loss(perturbed, real, task.scale),
        "residual_size": losses.residual_size_loss(residual, task.scale),
        "target_class": losses.target_class_loss(
            target_model.probabilities(perturbed), task.target_index, score_of_real(real, target_model, task)
        )
        / len(x),
    }
    weights = {
        "energy_distance": 1.0,
        "residual_size": config.residual_weight,
        "target_class": config.target_class_weight,
    }
    weighted = {name: weights[name] * value for name, value in unweighted.items()}
    return {
        **{f"{name}_loss": value for name, value in unweighted.items()},
        **{f"weighted_{name}_loss": value for name, value in weighted.items()},
        "total_loss": torch.stack(list(weighted.values())).sum(),
    }


@torch.no_grad()
def score_of_real(real: Tensor, target_model: TargetModel, task: "_Task") -> float:
    """Kappa of Eq. 2: L_adv of real target samples. An f that doubts those need not be convinced further."""
    return losses.target_class_loss(target_model.probabilities(real), task.target_index).item() / len(real)


@dataclass(frozen=True)
class _Task:
    """Anchored sources to learn from, real target profiles to reach, and anchored held-out sources to watch."""

    anchored: Tensor
    target: Tensor
    watched: Tensor
    target_index: int
    scale: float

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        anchor: Anchor,
        target_class: str,
        source_classes: tuple[str, ...] | None,
        device: torch.device,
    ) -> "_Task":
        is_target = prepared.in_class(target_class)
        is_source = ~is_target if source_classes is None else np.isin(prepared.source_class, source_classes)
        train, held_out = (np.flatnonzero(is_source & part) for part in (prepared.is_train, ~prepared.is_train))
        if len(train) < 2:
            raise UsageError(f"The source classes have {len(train)} training samples; G needs two or more.")

        def moved(rows: NDArray[np.int64]) -> Tensor:
            anchored = anchor.move(prepared.profiles[rows], prepared.class_index[rows])
            return torch.from_numpy(anchored.astype(np.float32)).to(device)

        target = prepared.profiles[is_target & prepared.is_train]
        anchored = moved(train)
        scale = typical_distance(target if len(target) > 1 else anchored.cpu().numpy())
        real = torch.from_numpy(target).to(device)
        return cls(anchored, real, moved(held_out), prepared.index_of(target_class), scale)

    def batch(self, batch_size: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Anchored sources without repeats, and as many real target rows as a batch has, in shuffled passes."""
        n_sources = min(batch_size, len(self.anchored))
        sources = stream(seed, G_ORDER, step).permutation(len(self.anchored))[:n_sources]
        rng, n = stream(seed, REAL_ORDER, step), len(self.target)
        real = np.concatenate([rng.permutation(n) for _ in range(math.ceil(batch_size / n))])[:batch_size]
        return self.anchored[sources], self.target[real]

    @torch.no_grad()
    def hit_rate(self, generator: Generator, target_model: TargetModel) -> float:
        """Share of held-out sources that f calls the target."""
        if len(self.watched) == 0:
            return math.nan
        called = target_model(clip(self.watched + generator(self.watched))).argmax(dim=1)
        return float((called == self.target_index).float().mean())


def typical_distance(profiles: FloatMatrix, most: int = 2000) -> float:
    """The median Euclidean distance between two profiles; 1 if they do not differ."""
    return float(np.median(pdist(profiles[:most]))) or 1.0


def rate_at(step: int, n_steps: int, warm_up: float) -> float:
    """The learning rate's share of its peak: a linear rise, then a cosine to 0."""
    rising = max(1, round(warm_up * n_steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, n_steps - rising)))


def _with_current_statistics(generator: Generator) -> Generator:
    """Let batch normalisation hold each batch's own statistics: they are averaged like the weights."""
    for layer in generator.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.momentum = 1.0
    return generator


@torch.no_grad()
def _average_into(averaged: Generator, generator: Generator, decay: float) -> None:
    """Move the averaged network a little towards the present one, weights and batch statistics alike."""
    now = generator.state_dict()
    for name, value in averaged.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], 1 - decay)
        else:
            value.copy_(now[name])
