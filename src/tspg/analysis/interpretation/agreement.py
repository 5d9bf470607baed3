"""Do lists of genes agree? Stability of a selection, and the tests of two cohorts side by side.

Stability: Nogueira, Sechidis & Brown, JMLR 18(174), 2018.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import spearmanr

from tspg.analysis.interpretation.class_genes import LISTED, SURE
from tspg.utils.typing import Float64Array, Int64Array

DIRECTIONS = ("up", "down")


def nogueira_stability(selected: NDArray[np.bool_]) -> tuple[float, float, float]:
    """How stable a selection of genes is, 1 for identical lists and 0 for random ones, with its 95% interval.

    `selected` has shape (fits, genes). Phi = 1 - mean_f s_f^2 / [(k/d)(1 - k/d)], where s_f^2 is the
    unbiased variance of gene f's selection and k the mean length of the lists (Eq. 4). Their interval
    (Corollary 8) needs many fits: of ten it covers 87%. This one leaves out each fit in turn (jackknife,
    Student's t), and needs three. Not a number with fewer than two fits, or where nothing or everything is selected.
    """
    m, often = len(selected), selected.sum(axis=0)
    phi = float(_phi(often, m))
    if m < 3:
        return phi, math.nan, math.nan
    width = float(stdtrit(m - 1, 0.975) * math.sqrt((m - 1) * _phi(often - selected, m - 1).var()))
    return phi, max(-1 / (m - 1), phi - width), min(1.0, phi + width)  # no lists are less alike than that


def _phi(often: Int64Array, m: int) -> Float64Array:
    """Phi of genes that are selected so often in m fits, along the last axis."""
    if m < 2 or not often.shape[-1]:
        return np.full(often.shape[:-1], math.nan)
    frequency = often / m
    share = frequency.mean(axis=-1)  # k/d
    share = np.where((share > 0) & (share < 1), share, math.nan)
    found: Float64Array = 1 - m / (m - 1) * (frequency * (1 - frequency)).mean(axis=-1) / (share * (1 - share))
    return found


def ranked(change: Float64Array, may_rank: NDArray[np.bool_], k: int, direction: str) -> Int64Array:
    """Positions of the genes that move most in a direction, strongest first; constant genes never rank."""
    signed = change if direction == "up" else -change
    eligible = np.flatnonzero(may_rank & (signed > 0))
    return eligible[np.argsort(-signed[eligible], kind="stable")[:k]]


def agreement_of_tests(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, Any]:
    """How far two cohorts agree on which genes differ between a source class and the target.

    Parameters
    ----------
    first, second
        The same genes in the same order, with `t` and `q_value`.

    Returns
    -------
    `spearman` of t over all genes that both tested (`n_genes`); of the `n_leading` genes that lead the first cohort
    (20 up, 20 down) how many have the same sign in the second (`same_sign`), and how many of these q < .05 there
    (`sure`); `phi`, the agreement of both cohorts' leading genes: 1 the same, 0 as of random lists. None for what
    cannot be told.
    """
    t, other = (table["t"].to_numpy(np.float64) for table in (first, second))
    both = np.isfinite(t) & np.isfinite(other)
    if not both.any():
        return dict.fromkeys(("spearman", "n_leading", "same_sign", "sure", "phi")) | {"n_genes": 0}
    varies = both.sum() > 2 and np.ptp(t[both]) > 0 and np.ptp(other[both]) > 0
    leading, other_leading = _leading(t, both), _leading(other, both)
    led = leading.any(axis=0)
    same = led & (np.sign(t) == np.sign(other))
    phi = nogueira_stability(np.stack([leading[:, both].ravel(), other_leading[:, both].ravel()]))[0]
    return {
        "spearman": float(spearmanr(t[both], other[both])[0]) if varies else None,
        "n_leading": int(led.sum()),
        "same_sign": int(same.sum()),
        "sure": int((same & (second["q_value"].to_numpy(np.float64) < SURE)).sum()),
        "phi": phi if math.isfinite(phi) else None,
        "n_genes": int(both.sum()),
    }


def _leading(t: Float64Array, may_rank: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The genes that lead in either direction; shape (directions, genes)."""
    found = np.zeros((len(DIRECTIONS), len(t)), dtype=bool)
    for row, direction in zip(found, DIRECTIONS, strict=True):
        row[ranked(np.nan_to_num(t), may_rank, LISTED, direction)] = True
    return found
