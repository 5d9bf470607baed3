"""What is asked of the game between G and D, on organs moved to Lung by preset `paper`."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from departures.cases import Case, as_it_is, moved_by, play, scores
from departures.changes import GAMES, plain_batches, running_statistics
from tspg.model.gan import recompute_batch_statistics
from tspg.model.target_state import TargetState


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
        training_rows = torch.from_numpy(case.dataset.profiles[case.dataset.is_train])
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
    train, is_target = np.flatnonzero(case.dataset.is_train), case.dataset.class_mask(case.target)
    few = [*train[is_target[train]], *train[~is_target[train]]][:129]
    is_train = np.isin(np.arange(len(is_target)), few)
    small = replace(case, dataset=replace(case.dataset, is_train=is_train))
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
        names = case.dataset.source_class
        for source in sorted(set(names) - {case.target}):
            x = case.dataset.profiles[names == source]
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
