"""The way from x to x + P: a transformation is a path, and classifiers may switch early on it."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.evaluation.distances import pairwise
from tspg.analysis.evaluation.energy import mean_within
from tspg.analysis.interpretation.cases import Case, Reference

STEPS = np.linspace(0.0, 1.0, 21)
HALF = 0.5
PATH_COLUMNS = ("source_class", "sample", "a", "called_by_f", "called_by_logistic", "energy_left")


def path_table(cases: Iterable[Case], reference: Reference) -> pd.DataFrame:
    """What the classifiers say, and how far real target samples still are, at x + a P for a from 0 to 1.

    Returns
    -------
    One row per case and step (`PATH_COLUMNS`): the share of its profiles that f and an independent
    classifier call the target, and `energy_left`, the energy distance to real target samples of the
    training part as a share of that at a = 0 (slightly below 0 where nothing is left). A single
    profile has no spread; the target's own is used, so that a typical real sample has 0.
    Empty where a case is no farther away than real target samples are.
    """
    target = reference.of_class(reference.target_class)
    among_target = pairwise(target)
    within_target, m = mean_within(among_target), len(target)
    # A single real target sample is a random distance away from the others, below which nothing is left to go.
    usual = 2 * among_target.sum(axis=1) / max(m - 1, 1) - 2 * within_target
    least = float(np.quantile(usual, 0.95))

    def distances(steps: NDArray[np.float32]) -> NDArray[np.float64]:
        """The energy distance to the target at each step; shape (steps, profiles, genes) before."""
        between = pairwise(steps.reshape(-1, steps.shape[2]), target).reshape(len(steps), -1).mean(axis=1)
        spread = [mean_within(pairwise(step)) if len(step) > 1 else within_target for step in steps]
        found: NDArray[np.float64] = 2 * between - np.array(spread) - within_target
        return found

    rows = []
    for case in cases:
        steps = (case.before + STEPS[:, None, None] * case.change).astype(np.float32)
        away = distances(steps)
        far = away[0] > max(0.0, least if len(case.before) == 1 else 0.0)
        left = away / away[0] if far else np.full(len(STEPS), np.nan)
        called = reference.called_along(case, STEPS)
        shares = [called[name].mean(axis=1) for name in ("f", "logistic")]
        for a, *numbers in zip(STEPS, *shares, left, strict=True):
            rows.append((case.source_class, case.sample, round(float(a), 2), *map(float, numbers)))
    return pd.DataFrame(rows, columns=list(PATH_COLUMNS))


def switch_point(path: pd.DataFrame, classifier: str) -> float:
    """The smallest a from which on at least half of a case's profiles are called the target; NaN if never."""
    below = path.loc[path[f"called_by_{classifier}"] < HALF, "a"]
    later = path["a"][path["a"] > (below.max() if len(below) else -1.0)]
    return float(later.min()) if len(later) else float("nan")
