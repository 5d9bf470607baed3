"""Preset `transport`: G learns what the closed-form anchor leaves to do.

x_adv = clip(a + G(a), 0, 1), where a is the anchor's move of x. G starts at zero and is drawn to the
target's whole distribution by the energy distance, to f's target class by L_adv (Eq. 2), and to
staying small. Several targets of one study learn side by side.
"""

import copy
import math
from collections.abc import Mapping, Sequence
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
from tspg.model.checkpoints import NONE_KEPT, Checkpoints, Part
from tspg.model.history import History
from tspg.model.networks import Generator, TargetModel, initialise
from tspg.model.randomness import G_ORDER, G_WEIGHTS, REAL_ORDER, stream
from tspg.model.stack import GeneratorStack, each
from tspg.model.step import ADAM_EPSILON, clip, rate_at, require_finite_weights
from tspg.model.training import thinned
from tspg.progress import Report, silent

STEPS_A_ROW = 10  # of the history


def train_residuals(
    prepared: Prepared,
    target_model: TargetModel,
    anchors: Mapping[str, Anchor],
    config: TransportConfig,
    *,
    source_classes: tuple[str, ...] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Report = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> dict[str, tuple[Generator, pd.DataFrame]]:
    """Teach a generator the rest of the way from the anchor to each target's distribution.

    Parameters
    ----------
    anchors
        The anchor of every target class. Their generators learn in the same steps, each from its own
        batches: what one learns does not depend on the others, up to rounding (float32: about 1e-5 of a weight).

    Returns
    -------
    For each target G with its averaged weights, and the history: one row every ten steps with the mean
    of every loss term, weighted and not, and the share of held-out source samples that f calls the target.

    Raises
    ------
    DivergedError
        If a loss term or a weight is no longer a finite number; it names the term and the step.
    """
    device = torch.device(device)
    tasks = [
        _Task.of(prepared, target_model, anchor, target, source_classes, device) for target, anchor in anchors.items()
    ]
    untrained = _untrained(len(prepared.gene_ids), config, seed).to(device)
    learning = GeneratorStack([untrained] * len(tasks))
    averaged = learning.clone().eval()
    optimiser = torch.optim.Adam(learning.weights.values(), lr=config.learning_rate, eps=ADAM_EPSILON, fused=True)
    n_steps = config.steps or config.epochs * math.ceil(max(task.n_sources for task in tasks) / config.batch_size)
    history = History()
    parts: dict[str, Part] = {"learning": learning, "averaged": averaged, "optimiser": optimiser, "history": history}
    with checkpoints.training(f"generator to {', '.join(anchors)}", parts) as training:
        for step in range(training.done, n_steps):
            optimiser.param_groups[0]["lr"] = config.learning_rate * rate_at(step, n_steps, config.warm_up)
            terms = _terms(learning, tasks, target_model, config, seed, step)
            history.add(step + 1, terms)
            optimiser.zero_grad()
            terms["total_loss"].sum().backward()
            optimiser.step()
            averaged.average_in(learning, min(config.averaging, (step + 1) / (step + 10)))
            if (step + 1) % STEPS_A_ROW == 0 or step + 1 == n_steps:
                require_finite_weights(step + 1, generator=averaged.state_dict())
                hit_rates = [task.hit_rate(averaged, at, target_model) for at, task in enumerate(tasks)]
                report("generator", step + 1, n_steps, history.close(step + 1, hit_rates))
            training.after(step + 1)
    return {target: (_generator(untrained, averaged, at), history.table(at)) for at, target in enumerate(anchors)}


def _untrained(n_genes: int, config: TransportConfig, seed: int) -> Generator:
    """G at its start: it adds nothing to the anchor. Batch normalisation holds each batch's own statistics."""
    generator = Generator(n_genes, config)
    initialise(generator, seed=(seed, G_WEIGHTS))
    torch.nn.init.zeros_(generator.last.weight)
    for layer in generator.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.momentum = 1.0  # the running statistics are averaged like the weights
    return generator


def _generator(untrained: Generator, stack: GeneratorStack, at: int) -> Generator:
    """One of the generators of a stack, as a network of its own."""
    generator = copy.deepcopy(untrained)
    generator.load_state_dict(stack.state_of(at))
    return generator.eval()


def _terms(
    learning: GeneratorStack,
    tasks: Sequence["_Task"],
    target_model: TargetModel,
    config: TransportConfig,
    seed: int,
    step: int,
) -> dict[str, Tensor]:
    """Every loss term on the batches of one step, shape (targets,) each."""
    batches = [task.batch(config.batch_size, seed, step) for task in tasks]
    x, real = torch.stack([batch.anchored for batch in batches]), torch.stack([batch.real for batch in batches])
    scale = torch.tensor([task.scale for task in tasks], device=x.device)
    residual = learning(x)
    perturbed = clip(x + residual)
    probabilities = target_model.probabilities(perturbed.flatten(0, 1)).unflatten(0, x.shape[:2])
    unweighted = {
        "energy_distance": each(losses.energy_distance_loss, perturbed, real, scale),
        "residual_size": each(losses.residual_size_loss, residual, scale),
        "target_class": torch.stack(
            [
                losses.target_class_loss(probabilities[at], task.target_index, batches[at].kappa) / x.shape[1]
                for at, task in enumerate(tasks)
            ]
        ),
    }
    weights = {"residual_size": config.residual_weight, "target_class": config.target_class_weight}
    weighted = {name: weights.get(name, 1.0) * value for name, value in unweighted.items()}
    return {
        **{f"{name}_loss": value for name, value in unweighted.items()},
        **{f"weighted_{name}_loss": value for name, value in weighted.items()},
        "total_loss": torch.stack(list(weighted.values())).sum(dim=0),
    }


@dataclass(frozen=True)
class _Batch:
    """What one target learns from in one step; `kappa` is what f grants these real target samples (Eq. 2)."""

    anchored: Tensor
    real: Tensor
    kappa: float


@dataclass(frozen=True)
class _Task:
    """Anchored sources to learn from, real target profiles to reach, and anchored held-out sources to watch.

    `doubts` is L_adv of each real target profile: an f that doubts those need not be convinced further.
    """

    anchored: Tensor
    target: Tensor
    doubts: NDArray[np.float32]
    watched: Tensor
    target_index: int
    scale: float

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        target_model: TargetModel,
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
            return torch.from_numpy(anchor.move(prepared.profiles[rows], prepared.class_index[rows])).to(device)

        target = prepared.profiles[is_target & prepared.is_train]
        anchored, real = moved(train), torch.from_numpy(target).to(device)
        index = prepared.index_of(target_class)
        return cls(
            anchored=anchored,
            target=real,
            doubts=_doubts(target_model, real, index),
            watched=moved(thinned(held_out)),
            target_index=index,
            scale=typical_distance(target if len(target) > 1 else anchored.cpu().numpy()),
        )

    @property
    def n_sources(self) -> int:
        """How many training samples there are to move."""
        return len(self.anchored)

    def batch(self, batch_size: int, seed: int, step: int) -> _Batch:
        """Anchored sources without repeats, and as many real target rows as a batch has, in shuffled passes."""
        sources = stream(seed, G_ORDER, step).permutation(self.n_sources)[:batch_size]
        rng, n = stream(seed, REAL_ORDER, step), len(self.target)
        real = np.concatenate([rng.permutation(n) for _ in range(math.ceil(batch_size / n))])[:batch_size]
        return _Batch(self.anchored[sources], self.target[real], float(self.doubts[real].mean(dtype=np.float64)))

    @torch.no_grad()
    def hit_rate(self, stack: GeneratorStack, at: int, target_model: TargetModel) -> float:
        """Share of held-out sources that f calls the target."""
        if len(self.watched) == 0:
            return math.nan
        called = target_model(clip(self.watched + stack.of_target(at, self.watched))).argmax(dim=1)
        return float((called == self.target_index).float().mean())


@torch.no_grad()
def _doubts(target_model: TargetModel, real: Tensor, target_index: int) -> NDArray[np.float32]:
    probabilities = target_model.probabilities(real)
    doubts = [losses.target_class_loss(row, target_index) for row in probabilities.split(1)]
    return torch.stack(doubts).cpu().numpy()


def typical_distance(profiles: FloatMatrix, most: int = 2000) -> float:
    """The median Euclidean distance between two profiles; 1 if they do not differ."""
    return float(np.median(pdist(profiles[:most]))) or 1.0
