"""A study, split, with f; and how G is trained and judged on it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import torch
from numpy.typing import NDArray

import tspg
from tspg.audit.scores import EvalSet
from tspg.data.prepare import Dataset, prepare
from tspg.model import training
from tspg.model.config import PRESETS, PaperConfig
from tspg.model.gan import clip
from tspg.model.networks import Generator, TargetModel
from tspg.model.target_state import TargetState

TARGET = "Lung"
Change = Callable[[], Any]  # a context in which a departure is taken back


@dataclass(frozen=True)
class Case:
    """A split of one study, with f."""

    dataset: Dataset
    f: TargetModel
    target: str
    seed: int

    @property
    def stage(self) -> EvalSet:
        """Held-out sources and targets."""
        return EvalSet.of(self.dataset, self.target)

    @property
    def target_training(self) -> NDArray[np.float32]:
        """Training profiles of the target class."""
        return self.dataset.profiles[self.dataset.is_train & self.dataset.class_mask(self.target)]


def make_case(adata: anndata.AnnData, label: str, group: str | None, target: str, name: str, seed: int) -> Case:
    """Split, scale and train f as a preset does."""
    dataset = prepare(adata, label_column=label, group_column=group, seed=seed)
    return Case(dataset, training.train_target_model(dataset, PRESETS[name][0], seed=seed), target, seed)


def organs(data: Path) -> anndata.AnnData:
    """12 organs with the genes of the apoptosis set."""
    adata = anndata.read_h5ad(data / "normal_tissues/normal_tissues.h5ad")
    sets = tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz")))
    return adata[:, adata.var_names.isin(sets["HALLMARK_APOPTOSIS"].genes)].copy()


def play(case: Case, change: Change = ExitStack, **settings: Any) -> Generator:
    """G after the training of preset `paper`, under a change."""
    state = TargetState.estimate(case.target_training)
    config = replace(PaperConfig(), **settings)
    with change():
        return training.train_generator(case.dataset, case.f, state, config, target_class=case.target, seed=case.seed)[
            0
        ]


def as_it_is(case: Case, kept: dict[int, Generator] = {}) -> Generator:  # noqa: B006 - kept on purpose
    """G of preset `paper` as the product trains it, once a seed."""
    if case.seed not in kept:
        kept[case.seed] = play(case)
    return kept[case.seed]


@torch.no_grad()
def moved_by(generator: Generator, profiles: NDArray[np.float32]) -> NDArray[np.float32]:
    """x_adv of some profiles."""
    x = torch.from_numpy(profiles)
    return clip(x + generator.eval()(x)).numpy()


@torch.no_grad()
def scores(case: Case, moved: NDArray[np.float32]) -> dict[str, float]:
    """What f says of moved profiles, and where they lie."""
    stage = case.stage
    called = case.f(torch.from_numpy(moved)).argmax(dim=1).numpy()
    return {
        "f calls it the target": float((called == case.dataset.index_of(case.target)).mean()),
        "energy ratio": stage.energy_ratio(moved),
        "distance to mu_t": float(np.abs(moved - stage.reference.mean(axis=0)).mean()),
    }
