"""The one place where the benchmarks touch `tspg.model`: when its functions change, a line changes here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from synthetic import gtex_like
from torch import Tensor

from tspg.config import PaperConfig, TargetModelConfig, TransportConfig
from tspg.data.prepare import Prepared, prepare
from tspg.model import transport
from tspg.model.anchor import Anchor
from tspg.model.networks import TargetModel
from tspg.model.step import Players, set_up, train_step
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model

CPU = torch.device("cpu")
HELD_OUT = 64  # few: what `tspg` watches between steps is no part of a step


@dataclass(frozen=True)
class Case:
    """A prepared study with a trained f and the class to move to."""

    prepared: Prepared
    f: TargetModel
    target_class: str

    @property
    def training(self) -> Tensor:
        """The training profiles."""
        return torch.from_numpy(self.prepared.profiles[self.prepared.is_train])

    @property
    def target(self) -> Tensor:
        """The training profiles of the target class."""
        members = self.prepared.is_train & self.prepared.in_class(self.target_class)
        return torch.from_numpy(self.prepared.profiles[members])


def make_case(n_genes: int, *, n_samples: int = 4000, n_classes: int = 53, f_epochs: int = 1) -> Case:
    """A GTEx-like study moved to its largest class; of 4,000 samples it has some 200, like one of GTEx."""
    adata = gtex_like(n_samples, n_genes, n_classes)
    is_train = np.ones(n_samples, dtype=bool)
    is_train[np.random.default_rng(0).choice(n_samples, HELD_OUT, replace=False)] = False
    prepared = prepare(adata, label_column="tissue", is_train=is_train)
    f = train_target_model(prepared, TargetModelConfig(epochs=f_epochs))
    return Case(prepared, f, str(adata.obs["tissue"].mode()[0]))


def players(case: Case, seed: int = 0) -> Players:
    """G and D of preset `paper` at their start."""
    return set_up(case.prepared, case.f, PaperConfig(), target_class=case.target_class, seed=seed, device=CPU)


def paper_losses(game: Players, x: Tensor, real: Tensor, r_t: Tensor) -> Mapping[str, float]:
    """One training step of preset `paper`; every loss term as a number."""
    return {name: value.item() for name, value in train_step(game, x, real, r_t).items()}


def low_rank_draw(target: Tensor, seed: int = 0) -> Callable[[int], Tensor]:
    """Exact draws of r_t by the samples themselves, clipped to [0, 1]."""
    state, rng = TargetState.estimate(target.numpy()), np.random.default_rng(seed)
    return lambda n: torch.from_numpy(state.draw(n, rng).clip(0.0, 1.0))


def train_paper(case: Case, *, epochs: int) -> Mapping[str, float]:
    """Train preset `paper`; the numbers of its last epoch."""
    state = TargetState.estimate(case.target.numpy())
    history = train_generator(
        case.prepared, case.f, state, PaperConfig(epochs=epochs), target_class=case.target_class, device=CPU
    )[2]
    return {str(name): float(value) for name, value in history.iloc[-1].items()}


def transport_anchor(case: Case) -> Anchor:
    """The closed form that preset `transport` starts from."""
    return Anchor.estimate(case.prepared, case.target_class)


def train_transport(case: Case, anchor: Anchor, steps: int, report: Callable[..., None] | None = None) -> None:
    """Train preset `transport` for so many steps."""
    told = {} if report is None else {"report": report}
    config = TransportConfig(steps=steps)
    transport.train_residuals(case.prepared, case.f, {case.target_class: anchor}, config, device=CPU, **told)


def transport_step_seconds(case: Case, anchor: Anchor, steps: int = 30) -> float:
    """CPU seconds of one step of preset `transport`, between its first and its last report: without the set-up."""
    marks: list[tuple[int, float]] = []
    train_transport(case, anchor, steps, lambda _phase, done, *_rest: marks.append((done, time.process_time())))
    (first, start), (last, end) = marks[0], marks[-1]
    if last == first:
        raise ValueError(f"Training reports once in {steps} steps; two reports are needed to time what lies between.")
    return (end - start) / (last - first)


def random_profiles(n: int, n_genes: int, seed: int = 0) -> Tensor:
    """Profiles in [0, 1] without meaning, for work whose time does not depend on what they say."""
    return torch.from_numpy(np.random.default_rng(seed).random((n, n_genes), dtype=np.float32))
