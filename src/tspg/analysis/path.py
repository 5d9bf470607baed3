"""The way from x to x + P: a transformation is a path, and classifiers may change their mind early on it."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tspg.analysis.cases import Case, Setting
from tspg.analysis.distances import pairwise
from tspg.analysis.energy import mean_within
from tspg.data.prepare import FloatMatrix

STEPS = np.linspace(0.0, 1.0, 21)
HALF = 0.5
PATH_COLUMNS = ("source_class", "sample", "a", "called_by_f", "called_by_logistic", "energy_left")


def path_table(cases: Iterable[Case], setting: Setting) -> pd.DataFrame:
    """What the classifiers say, and how far real target samples still are, at x + a P for a from 0 to 1.

    Returns
    -------
    One row a case and step (`PATH_COLUMNS`): the share of its profiles that f and an independent
    classifier call the target, and `energy_left`, the energy distance to real target samples of the
    training part as a share of that at a = 0 (slightly below 0 where nothing is left). A single
    profile has no spread; the target's own stands for it, so that a typical real sample has 0.
    Empty where a case is no farther away than real target samples are.
    """
    target = setting.of_class(setting.target_class)
    among_target = pairwise(target)
    within_target, m = mean_within(among_target), len(target)
    # A single real target sample is a random distance away from the others, below which nothing is left to go.
    usual = 2 * among_target.sum(axis=1) / max(m - 1, 1) - 2 * within_target
    least = float(np.quantile(usual, 0.95))

    def distance(profiles: FloatMatrix) -> float:
        spread = mean_within(pairwise(profiles)) if len(profiles) > 1 else within_target
        return float(2 * pairwise(profiles, target).mean() - spread - within_target)

    rows = []
    for case in cases:
        at_start = distance(case.before)
        far = at_start > max(0.0, least if len(case.before) == 1 else 0.0)
        for a in STEPS:
            profiles = (case.before + a * case.change).astype(np.float32)
            called = setting.called(profiles)
            left = distance(profiles) / at_start if far else np.nan
            shares = (float(called["f"].mean()), float(called["logistic"].mean()))
            rows.append((case.source_class, case.sample, round(float(a), 2), *shares, left))
    return pd.DataFrame(rows, columns=list(PATH_COLUMNS))


def switch_point(path: pd.DataFrame, judge: str) -> float:
    """The smallest a from which on at least half of a case's profiles are called the target; NaN if never."""
    below = path.loc[path[f"called_by_{judge}"] < HALF, "a"]
    later = path["a"][path["a"] > (below.max() if len(below) else -1.0)]
    return float(later.min()) if len(later) else float("nan")
