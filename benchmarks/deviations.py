"""What does each departure from the paper change? Every row of docs/deviations.md, with it and without it.

    python benchmarks/deviations.py --data DATA [--seeds 0 1 2] [--only reductions scaler ...]

DATA holds `normal_tissues/`, `tcga_kidney/` and `genesets/`. The game between G and D is played on 12 organs x 158
apoptosis genes -> Lung, with preset `paper`, and everything is measured on held-out samples; what concerns f alone is
asked of the embedded tumours as well. The product has no switches for this: its functions are replaced for a while.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

import tspg
from tspg.analysis.judges import LinearJudge
from tspg.audit.bench import Stage
from tspg.config import PaperConfig, TransportConfig, preset
from tspg.data import prepare as preparing
from tspg.data.prepare import Prepared, prepare
from tspg.model import losses, networks, step, training, transport
from tspg.model.anchor import Anchor
from tspg.model.device import fixed_threads
from tspg.model.networks import Generator, TargetModel
from tspg.model.step import clip, recompute_batch_statistics
from tspg.model.target_state import TargetState

TARGET = "Lung"
Change = Callable[[], Any]  # a context in which a departure is taken back


@dataclass(frozen=True)
class Case:
    """A split of one study, with f."""

    prepared: Prepared
    f: TargetModel
    target: str
    seed: int

    @property
    def stage(self) -> Stage:
        """Held-out sources and targets."""
        return Stage.of(self.prepared, self.target)

    @property
    def target_training(self) -> NDArray[np.float32]:
        """Training profiles of the target class."""
        return self.prepared.profiles[self.prepared.is_train & self.prepared.in_class(self.target)]


def make_case(adata: anndata.AnnData, label: str, group: str | None, target: str, name: str, seed: int) -> Case:
    """Split, scale and train f as a preset does."""
    prepared = prepare(adata, label_column=label, group_column=group, seed=seed)
    return Case(prepared, training.train_target_model(prepared, preset(name)[0], seed=seed), target, seed)


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
        return training.train_generator(case.prepared, case.f, state, config, target_class=case.target, seed=case.seed)[
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
        "f calls it the target": float((called == case.prepared.index_of(case.target)).mean()),
        "energy ratio": stage.energy_ratio(moved),
        "distance to mu_t": float(np.abs(moved - stage.reference.mean(axis=0)).mean()),
    }


@contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Something else in the place of some of the product's functions and numbers."""
    with ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(patch.object(owner, name, value))
        yield


# --- the changes: what the product departs from ---------------------------------------------------------------------


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
        (step, "ADAM_EPSILON", 1e-8),
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


# --- what is asked --------------------------------------------------------------------------------------------------


def games(cases: list[Case]) -> pd.DataFrame:
    """Every change of the game, and what untouched and real samples score on the same scale."""
    rows = []
    for case in cases:
        for name, change in GAMES.items():
            generator = as_it_is(case) if change is ExitStack else play(case, change)
            rows.append({"change": name, **scores(case, moved_by(generator, case.stage.sources))})
        rows.append({"change": "(untouched sources)", **scores(case, case.stage.sources)})
        rows.append({"change": "(real target samples)", **scores(case, case.stage.real)})
    return pd.DataFrame(rows)


def batch_statistics(cases: list[Case]) -> pd.DataFrame:
    """The same weights with running statistics and with recomputed ones, after a short and the whole training."""
    rows = []
    for case in cases:
        training_rows = torch.from_numpy(case.prepared.profiles[case.prepared.is_train])
        for steps in (50, 150, None):
            generator = play(case, running_statistics, steps=steps)
            length = f"{steps} steps" if steps else "150 epochs"
            for kind in ("running", "recomputed"):
                if kind == "recomputed":
                    recompute_batch_statistics(generator, training_rows)
                found = scores(case, moved_by(generator, case.stage.sources))
                rows.append({"change": f"{length}, {kind} statistics", **found})
    return pd.DataFrame(rows)


def one_sample_left(cases: list[Case]) -> pd.DataFrame:
    """Batches of 128 where one sample is left over."""
    case = cases[0]
    train, is_target = np.flatnonzero(case.prepared.is_train), case.prepared.in_class(case.target)
    few = [*train[is_target[train]], *train[~is_target[train]]][:129]
    is_train = np.isin(np.arange(len(is_target)), few)
    small = replace(case, prepared=replace(case.prepared, is_train=is_train))
    try:
        play(small, plain_batches, epochs=1)
        said = "no error"
    except ValueError as error:
        said = f"{type(error).__name__}: {error}"
    return pd.DataFrame([{"change": "129 training samples in batches of 128", "what happens": said}])


def ranking(cases: list[Case]) -> pd.DataFrame:
    """How many of the top 20 by the effective change stay if genes are ranked by G(x)."""
    rows = []
    for case in cases:
        generator = as_it_is(case)
        names = case.prepared.source_class
        for source in sorted(set(names) - {case.target}):
            x = case.prepared.profiles[names == source]
            with torch.no_grad():
                raw = generator.eval()(torch.from_numpy(x)).numpy()
            effective = np.clip(x + raw, 0, 1) - x
            for direction, sign in (("up", 1), ("down", -1)):
                by_raw, by_change = (set(np.argsort(-sign * change.mean(axis=0))[:20]) for change in (raw, effective))
                rows.append({"change": f"top 20 {direction}", "shared of 20": len(by_raw & by_change)})
    return pd.DataFrame(rows)


def draws(cases: list[Case]) -> pd.DataFrame:
    """Covariance of r_t: exact draws, Cholesky with the smallest jitter that works, genes alone; and clipping."""
    rows = []
    for case in cases:
        state, rng = TargetState.estimate(case.target_training), np.random.default_rng(case.seed)
        wanted = np.cov(case.target_training, rowvar=False)
        genes, n = len(wanted), 20_000
        noise = rng.standard_normal((n, genes))
        exact = state.draw(n, rng)
        jitter, factor = _cholesky(wanted)
        drawn = {
            "exact": exact,
            f"Cholesky, jitter {jitter:.0e}": state.mean + noise @ factor.T,
            "genes alone": state.mean + noise * np.sqrt(np.diag(wanted)),
            "exact, clipped to [0, 1]": exact.clip(0, 1),
        }
        for name, values in drawn.items():
            difference = np.linalg.norm(np.cov(values, rowvar=False) - wanted) / np.linalg.norm(wanted)
            cut = float(((values < 0) | (values > 1)).mean())
            off = float(np.abs(values.mean(axis=0) - state.mean).mean())
            rows.append({"change": name, "covariance off by": difference, "outside [0, 1]": cut, "mean off by": off})
        product = state.factor.astype(float) @ state.factor.T
        far = np.linalg.norm(product - wanted) / np.linalg.norm(wanted)
        rank = np.linalg.matrix_rank(wanted)
        rows.append({"change": f"A A' itself ({genes} genes, rank {rank})", "covariance off by": far})
    return pd.DataFrame(rows)


def _cholesky(covariance: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The smallest power of ten on the diagonal with which a Cholesky factor exists (float32, as networks are)."""
    for jitter in (0.0, *(10.0**power for power in range(-9, 0))):
        try:
            return jitter, np.linalg.cholesky((covariance + jitter * np.eye(len(covariance))).astype(np.float32))
        except np.linalg.LinAlgError:
            continue
    raise ValueError("no jitter helps")


def donors(data: Path, seeds: list[int]) -> pd.DataFrame:
    """Classes that mean nothing, drawn person by person: what a classifier seems to know of them by either split.

    Tumour and normal kidney of one patient; and drawn persons of three samples, who make half of the variance.
    """
    adata = anndata.read_h5ad(data / "tcga_kidney/tcga_kidney.h5ad")
    counts = adata.obs["patient"].value_counts()
    pairs = adata[adata.obs["patient"].isin(counts[counts > 1].index).to_numpy()].copy()
    rng = np.random.default_rng(0)
    values = np.repeat(rng.standard_normal((60, 158)), 3, axis=0) + rng.standard_normal((180, 158))
    persons = pd.DataFrame({"patient": [f"p{at // 3}" for at in range(180)]}, index=[f"s{at}" for at in range(180)])
    drawn = anndata.AnnData(X=values.astype(np.float32), obs=persons)
    rows = []
    for name, study in (("kidney pairs", pairs), ("drawn persons of three samples", drawn)):
        for seed in seeds:
            for repeat in range(10):
                rows += [_knows_nothing(study, name, group, [seed, repeat]) for group in (None, "patient")]
    return pd.DataFrame(rows)


def _knows_nothing(study: anndata.AnnData, name: str, group: str | None, seed: list[int]) -> dict[str, Any]:
    patients = study.obs["patient"].astype(str).to_numpy()
    names = np.unique(patients)
    given = dict(zip(names, np.random.default_rng(seed).permutation(np.arange(len(names)) % 2), strict=True))
    study.obs["label"] = [f"class {given[patient]}" for patient in patients]
    found = prepare(study, label_column="label", group_column=group, seed=10 * seed[0] + seed[1])
    train = found.is_train
    right = LinearJudge.fit(found.profiles[train], found.source_class[train])(found.profiles[~train])
    accuracy = float((right == found.source_class[~train]).mean())
    return {"change": f"{name}, split by {group or 'sample'}", "accuracy, chance .5": accuracy}


def scaler(studies: dict[str, Callable[[int], Prepared]], targets: dict[str, str], seeds: list[int]) -> pd.DataFrame:
    """The scaler fitted on the training part, and on all samples."""
    whole = preparing.Scaler.fit
    rows = []
    for name, study in studies.items():
        for seed in seeds:
            ours = study(seed)
            cells = (~ours.is_train).sum() * len(ours.gene_ids)
            everything: dict[str, Any] = {}

            def fit_on_all(_values: Any, kept: dict[str, Any] = everything) -> Any:
                return whole(kept["values"])

            def dense(adata: anndata.AnnData, kept: dict[str, Any] = everything) -> Any:
                kept["values"] = np.asarray(adata.X, dtype=np.float32)
                return kept["values"]

            with replaced((preparing.Scaler, "fit", fit_on_all), (preparing, "dense", dense)):
                theirs = study(seed)
            for kind, found in (("training part", ours), ("all samples", theirs)):
                f = training.train_target_model(found, preset("transport")[0], seed=seed)
                held_out = ~found.is_train
                stage, anchor = Stage.of(found, targets[name]), Anchor.estimate(found, targets[name], seed=seed)
                index = np.array([found.index_of(source) for source in stage.source_class])
                with torch.no_grad():
                    called = f(torch.from_numpy(found.profiles[held_out])).argmax(dim=1).numpy()
                rows.append(
                    {
                        "change": f"{name}: fitted on the {kind}",
                        "held-out values clipped": found.clipped_cells / cells,
                        "f right": float((called == found.class_index[held_out]).mean()),
                        "energy ratio, linear map": stage.energy_ratio(anchor.move(stage.sources, index).clip(0, 1)),
                    }
                )
    return pd.DataFrame(rows)


def schedule(seeds: list[int]) -> pd.DataFrame:
    """What f of either preset knows of 459 tumours x 4,218 genes, and where preset `transport` ends against it."""
    adata = tspg.demo_data()
    rows = []
    for seed in seeds:
        for name in ("paper", "transport"):
            case = make_case(adata, "subtype", "patient", "GI.MSI", name, seed)
            found, stage = case.prepared, case.stage
            held_out = ~found.is_train
            with torch.no_grad():
                called = case.f(torch.from_numpy(found.profiles[held_out])).argmax(dim=1).numpy()
            right = called == found.class_index[held_out]
            of_target = right[found.class_index[held_out] == found.index_of("GI.MSI")]
            index = np.array([found.index_of(source) for source in stage.source_class])
            anchor = Anchor.estimate(found, "GI.MSI", seed=seed)
            start = anchor.move(stage.sources, index)
            row = {"change": f"f of preset {name}", "f right": right.mean(), "GI.MSI right": of_target.mean()}
            for weight, kappa in ((0.3, True), (1.0, False)):
                doubts = [] if kappa else [(transport, "_doubts", lambda _f, real, _i: np.zeros(len(real), np.float32))]
                config = replace(TransportConfig(), target_class_weight=weight)
                with replaced(*doubts):
                    learned = transport.train_residuals(found, case.f, {"GI.MSI": anchor}, config, seed=seed)
                ratio = stage.energy_ratio(moved_by(learned["GI.MSI"][0], start))
                row[f"energy ratio, weight {weight}, kappa {'what f grants' if kappa else '0'}"] = ratio
            rows.append(row)
    return pd.DataFrame(rows)


def show(title: str, table: pd.DataFrame, start: float) -> None:
    """Means over seeds with the least and the largest (over lists of source classes too, in `ranking`)."""
    print(f"\n## {title} ({time.process_time() - start:.0f} s of CPU)")
    numbers = [column for column in table.columns[1:] if pd.api.types.is_numeric_dtype(table[column])]
    if not numbers:
        print(table.to_string(index=False))
        return
    grouped = table.groupby("change", sort=False)[numbers]
    mean, low, high = grouped.mean(), grouped.min(), grouped.max()
    cells = {
        name: [f"{m:.3g} ({a:.3g} to {b:.3g})" for m, a, b in zip(mean[name], low[name], high[name], strict=True)]
        for name in numbers
    }
    print(pd.DataFrame(cells, index=mean.index).to_string(), flush=True)


def main() -> None:
    """Ask everything, or what `--only` names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    questions = ("games", "batch_statistics", "one_sample_left", "ranking", "draws", "donors", "scaler", "schedule")
    parser.add_argument("--only", nargs="+", choices=questions, default=questions)
    options = parser.parse_args()
    with fixed_threads(1):
        _answer(options)


def _answer(options: argparse.Namespace) -> None:
    seeds, demo = options.seeds, tspg.demo_data()
    lung = organs(options.data)
    print(f"{lung.n_obs} samples x {lung.n_vars} genes -> {TARGET}; seeds {seeds}")
    on_game: dict[str, Callable[[list[Case]], pd.DataFrame]] = {
        "games": games,
        "batch_statistics": batch_statistics,
        "one_sample_left": one_sample_left,
        "ranking": ranking,
        "draws": draws,
    }
    cases: list[Case] = []
    studies = {
        "12 organs": partial(_prepared, lung, "organ", "donor"),
        "tumours": partial(_prepared, demo, "subtype", "patient"),
    }
    others: dict[str, Callable[[], pd.DataFrame]] = {
        "donors": lambda: donors(options.data, seeds),
        "scaler": lambda: scaler(studies, {"12 organs": TARGET, "tumours": "GI.MSI"}, seeds),
        "schedule": lambda: schedule(seeds),
    }
    for name in options.only:
        start = time.process_time()
        if name in on_game and not cases:
            cases.extend(make_case(lung, "organ", "donor", TARGET, "paper", seed) for seed in seeds)
        table = on_game[name](cases) if name in on_game else others[name]()
        show(name, table, start)


def _prepared(adata: anndata.AnnData, label: str, group: str, seed: int) -> Prepared:
    return prepare(adata, label_column=label, group_column=group, seed=seed)


if __name__ == "__main__":
    main()
