"""The one place where the benchmarks touch `tspg.model`: when its functions change, a line changes here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from synthetic import gtex_like
from torch import Tensor

from tspg.data.prepare import Dataset, prepare
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.gan import GAN, init_gan, train_step
from tspg.model.networks import TargetModel
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model

CPU = torch.device("cpu")
HELD_OUT = 64  # few: what `tspg` watches between steps is no part of a step


@dataclass(frozen=True)
class Case:
    """A prepared study with a trained f and the class to move to."""

    dataset: Dataset
    f: TargetModel
    target_class: str

    @property
    def training(self) -> Tensor:
        """The training profiles."""
        return torch.from_numpy(self.dataset.profiles[self.dataset.is_train])

    @property
    def target(self) -> Tensor:
        """The training profiles of the target class."""
        members = self.dataset.is_train & self.dataset.class_mask(self.target_class)
        return torch.from_numpy(self.dataset.profiles[members])


def make_case(n_genes: int, *, n_samples: int = 4000, n_classes: int = 53, f_epochs: int = 1) -> Case:
    """A GTEx-like study moved to its largest class; of 4,000 samples it has some 200, like one of GTEx."""
    adata = gtex_like(n_samples, n_genes, n_classes)
    is_train = np.ones(n_samples, dtype=bool)
    is_train[np.random.default_rng(0).choice(n_samples, HELD_OUT, replace=False)] = False
    dataset = prepare(adata, label_column="tissue", is_train=is_train)
    f = train_target_model(dataset, TargetModelConfig(epochs=f_epochs))
    return Case(dataset, f, str(adata.obs["tissue"].mode()[0]))


def players(case: Case, seed: int = 0) -> GAN:
    """G and D of preset `paper` at their start."""
    return init_gan(case.dataset, case.f, PaperConfig(), target_class=case.target_class, seed=seed, device=CPU)


def paper_losses(game: GAN, x: Tensor, real: Tensor, r_t: Tensor) -> Mapping[str, float]:
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
        case.dataset, case.f, state, PaperConfig(epochs=epochs), target_class=case.target_class, device=CPU
    )[2]
    return {str(name): float(value) for name, value in history.iloc[-1].items()}


def random_profiles(n: int, n_genes: int, seed: int = 0) -> Tensor:
    """Profiles in [0, 1] without meaning, for work whose time does not depend on what they say."""
    return torch.from_numpy(np.random.default_rng(seed).random((n, n_genes), dtype=np.float32))
