"""Training of f, G and D (paper, section 2.2): a plain loop of epochs and steps."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from tspg.data.prepare import Dataset
from tspg.errors import UsageError
from tspg.model.adam import Adam
from tspg.model.checkpoints import NONE_KEPT, Checkpoints, Part
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.gan import (
    hit_rate,
    init_gan,
    recompute_batch_statistics,
    require_finite,
    require_finite_weights,
    train_step,
)
from tspg.model.history import History
from tspg.model.learning_rate import LearningRate
from tspg.model.networks import Discriminator, Generator, TargetModel, initialise
from tspg.model.random import (
    F_ORDER,
    F_WEIGHTS,
    G_ORDER,
    REAL_ORDER,
    TARGET_DRAWS,
    batches,
    batches_an_epoch,
    epochs_of_f,
    stream,
)
from tspg.model.target_state import TargetState
from tspg.utils.progress import Progress, silent
from tspg.utils.typing import Float32Array, Int64Array

MONITORED = 512  # samples behind an epoch's hit rate and batch statistics, at most


def train_target_model(
    dataset: Dataset,
    config: TargetModelConfig,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> TargetModel:
    """Train f, the classifier of the classes, on the training samples.

    Parameters
    ----------
    dataset
        From `prepare`.
    config
        Layers and length of the training: `ExperimentConfig.target_model`.
    seed
        The same seed gives the same weights on the same machine, versions and number of threads.
    device
        Where to compute: `cpu` or `cuda`.
    progress
        Called after every epoch with the phase, the epochs done, the epochs in all, and the epoch's numbers.
    checkpoints
        Where to keep the state of the training, if it may be resumed.

    Returns
    -------
    F, a PyTorch module: scaled profiles (samples, genes) to scores (samples, classes).

    Raises
    ------
    DivergedError
        If the loss or a weight is no longer a finite number.

    Examples
    --------
    >>> from dataclasses import replace
    >>> config = tspg.ExperimentConfig(target_class="GI.MSI")
    >>> dataset = tspg.prepare(adata, label_column="subtype")
    >>> f = tspg.train_target_model(dataset, replace(config.target_model, epochs=2))
    >>> sum(weights.numel() for weights in f.parameters()) > 500_000
    True
    """
    device = torch.device(device)
    model = TargetModel(len(dataset.gene_ids), len(dataset.classes), config)
    initialise(model, seed=(seed, F_WEIGHTS))
    model.to(device).train()
    profiles = torch.from_numpy(dataset.profiles[dataset.is_train]).to(device)
    labels = torch.from_numpy(dataset.class_index[dataset.is_train]).to(device)
    if config.centred:
        centre = profiles.mean(dim=0)
        profiles = profiles.sub_(centre)
    optimiser = Adam(model.parameters(), lr=config.learning_rate)
    steps_an_epoch = batches_an_epoch(len(profiles), config.batch_size)
    n_epochs = epochs_of_f(len(profiles), config)
    rate = LearningRate(config, n_epochs * steps_an_epoch)
    losses: list[float] = []
    parts: dict[str, Part] = {"target_model": model, "optimiser": optimiser, "rate": rate}
    with checkpoints.training("target model", parts) as training:
        for step, rows in _shuffled(len(profiles), config.batch_size, (seed, F_ORDER), training.done, rate.end):
            optimiser.lr = config.learning_rate * rate.at(step)
            scores = model(profiles[rows])
            losses.append(cross_entropy(scores.detach(), labels[rows]).item())
            require_finite({"cross-entropy of f": losses[-1]}, step + 1)
            optimiser.zero_grad()
            cross_entropy(scores, labels[rows], label_smoothing=config.label_smoothing).backward()
            optimiser.step()
            rate.after(step, losses[-1])
            is_last = step + 1 == rate.end
            if is_last or (step + 1) % steps_an_epoch == 0:
                require_finite_weights(step + 1, target_model=model.state_dict())
                done = n_epochs if is_last else (step + 1) // steps_an_epoch
                progress("target model", done, n_epochs, {"loss": float(np.mean(losses))})
                losses = []
            training.after(step + 1)
            if is_last:
                break
    if config.centred:
        model.centre_on(centre)
    return model.eval().requires_grad_(False)


def train_generator(
    dataset: Dataset,
    target_model: TargetModel,
    target_state: TargetState,
    config: PaperConfig,
    *,
    target_class: str,
    source_classes: tuple[str, ...] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
    checkpoints: Checkpoints = NONE_KEPT,
) -> tuple[Generator, Discriminator, pd.DataFrame]:
    """Train G to move profiles to the target class, against D and with f as a fixed classifier (Eqs. 1-5).

    Parameters
    ----------
    dataset
        From `prepare`.
    target_model
        F, from `train_target_model`.
    target_state
        Mean and spread of the target's training samples.
    config
        Layers, length and weights of the losses: `ExperimentConfig.generator` of preset `paper`.
    target_class
        The class that profiles are moved to.
    source_classes
        The classes that G sees. None means all of them, the target too, as in the paper. D's real profiles always
        come from all classes.
    seed, device, progress, checkpoints
        As for `train_target_model`.

    Returns
    -------
    G, D and the history: one row an epoch with the mean of every loss term over its steps,
    weighted and not, and the share of held-out source samples that f then calls the target.

    Raises
    ------
    DivergedError
        If a loss term or a weight is no longer a finite number; it names the term and the step.

    Examples
    --------
    >>> from dataclasses import replace
    >>> config = tspg.ExperimentConfig(target_class="GI.MSI")
    >>> dataset = tspg.prepare(adata, label_column="subtype")
    >>> of_target = dataset.profiles[dataset.class_mask("GI.MSI") & dataset.is_train]
    >>> generator, discriminator, history = tspg.train_generator(
    ...     dataset,
    ...     run.model.target_model,
    ...     tspg.TargetState.estimate(of_target),
    ...     replace(config.generator, steps=2),
    ...     target_class="GI.MSI",
    ... )
    >>> history["step"].tolist()
    [1, 2]
    """
    device = torch.device(device)
    rows = _Rows.of(dataset, target_class, source_classes)
    profiles = torch.from_numpy(dataset.profiles).to(device)
    gan = init_gan(dataset, target_model, config, target_class=target_class, seed=seed, device=device)
    generator, discriminator = gan.generator, gan.discriminator
    steps_an_epoch = batches_an_epoch(len(rows.moved), config.batch_size)
    n_steps = config.epochs * steps_an_epoch if config.steps is None else config.steps
    n_epochs = math.ceil(n_steps / steps_an_epoch)
    history = History()
    parts: dict[str, Part] = {
        "generator": generator,
        "discriminator": discriminator,
        "generator_optimiser": gan.generator_optimiser,
        "discriminator_optimiser": gan.discriminator_optimiser,
        "history": history,
    }
    with checkpoints.training(f"generator to {target_class}", parts) as training:
        for step, x, real, r_t in _steps(rows, target_state, config.batch_size, seed, training.done, n_steps):
            terms = train_step(gan, profiles[x], profiles[real], torch.from_numpy(r_t).to(device))
            history.add(step + 1, terms)
            if (step + 1) % steps_an_epoch == 0 or step + 1 == n_steps:
                recompute_batch_statistics(generator, profiles[rows.calibration])
                require_finite_weights(
                    step + 1, generator=generator.state_dict(), discriminator=discriminator.state_dict()
                )
                row = history.close(step + 1, hit_rate(gan, profiles[rows.watched]))
                progress("generator", int(row["epoch"]), n_epochs, row)
            training.after(step + 1)
    recompute_batch_statistics(generator, profiles[rows.moved])
    recompute_batch_statistics(discriminator, profiles[rows.real])
    return generator.eval(), discriminator.eval(), history.table()


@dataclass(frozen=True)
class _Rows:
    """The samples that G moves, those that D sees as real, and those behind an epoch's statistics and hit rate."""

    moved: Int64Array
    real: Int64Array
    calibration: Int64Array
    watched: Int64Array

    @classmethod
    def of(cls, dataset: Dataset, target_class: str, source_classes: tuple[str, ...] | None) -> "_Rows":
        train = np.flatnonzero(dataset.is_train)
        others = tuple(name for name in dataset.classes if name != target_class)
        is_source = np.isin(dataset.source_class, source_classes or others)
        moved = train if source_classes is None else np.flatnonzero(is_source & dataset.is_train)
        if len(moved) < 2:
            raise UsageError(f"The source classes have {len(moved)} training samples; G needs two or more.")
        calibration, watched = (
            rows[:: max(1, math.ceil(len(rows) / MONITORED))]
            for rows in (moved, np.flatnonzero(is_source & ~dataset.is_train))
        )
        return cls(moved, train, calibration, watched)


def _steps(
    rows: _Rows, target_state: TargetState, batch_size: int, seed: int, start: int, end: int
) -> Iterator[tuple[int, Int64Array, Int64Array, Float32Array]]:
    """For each step from `start` to `end`: its number, rows to move, D's real rows, draws of the target state.

    Where G moves every class, D's real profiles are the same batch (Eq. 1); else they are another batch of all classes.
    """
    steps_an_epoch, same = batches_an_epoch(len(rows.moved), batch_size), len(rows.moved) == len(rows.real)
    first = start - start % steps_an_epoch  # an epoch's draws follow one another, so it starts from its first step
    for step, chosen in _shuffled(len(rows.moved), batch_size, (seed, G_ORDER), first, end):
        epoch, within = divmod(step, steps_an_epoch)
        if within == 0:
            noise = stream(seed, TARGET_DRAWS, epoch)
            of_all = [] if same else batches(len(rows.real), batch_size, stream(seed, REAL_ORDER, epoch))
        x_rows = rows.moved[chosen]
        real_rows = x_rows if same else rows.real[of_all[within % len(of_all)]]
        r_t = target_state.draw(len(chosen), noise).clip(0.0, 1.0)
        if step >= start:
            yield step, x_rows, real_rows, r_t


def _shuffled(
    n_samples: int, batch_size: int, source: tuple[int, int], start: int, end: int
) -> Iterator[tuple[int, Int64Array]]:
    """For each step from `start` to `end`: its number and its rows, decided by `source`, a seed and use."""
    steps_an_epoch = batches_an_epoch(n_samples, batch_size)
    for epoch in range(start // steps_an_epoch, math.ceil(end / steps_an_epoch)):
        first = epoch * steps_an_epoch
        order = batches(n_samples, batch_size, stream(*source, epoch))
        yield from islice(enumerate(order, first), max(0, start - first), end - first)
