"""The evidence of several fits as one: every sample is held out once, and judged by the fit that has not seen it."""

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd
from scipy.stats import t

from tspg.analysis.evaluation.classifiers import classifier_note
from tspg.analysis.evaluation.measure import REAL, UNTOUCHED, Measure, few_targets_note, joined_notes
from tspg.analysis.evaluation.neighbours import Chance
from tspg.analysis.evaluation.proportions import clopper_pearson, size_behind
from tspg.utils.typing import Float64Array

FEWEST_FOLDS = 3  # whose differences tell an interval
# Measures of people with samples of both classes, of whom a fold holds out few.
OF_PEOPLE = frozenset({"pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes"})
BESIDE_REAL = frozenset(
    {"energy_ratio", "energy_p_value", "nn_fake", "nn_real", "precision", "recall", "density", "coverage"}
)


def pool_evidence(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the evidence tables of cross-fitted models, one a fold, row by row.

    Hit rates count all samples together, with the interval of as many as their donors are worth. A
    p-value is twice the mean of the folds', which is one whatever their dependence (Vovk & Wang 2020).
    Everything else is the mean weighted by numbers of samples; no donor is in two folds, so its interval
    is that of a mean of independent numbers. A measure that most samples have no number for has none. Rows that
    a fold lacks, since it holds no pairs out or learned from too few, are those of the other folds.

    Returns
    -------
    A table with the columns and rows of `evidence_table`; `n` counts the samples of all folds.
    """
    indexed = [table.set_index(["method", "measure"]) for table in tables]
    rows = {key: pd.DataFrame([table.loc[key] for table in indexed if key in table.index]) for key in _keys(tables)}
    n_real = int(rows[REAL, "hit_rate_f"]["n"].sum())
    found = {key: _pooled(key[1], folds, n_real) for key, folds in rows.items()}
    for (method, measure), own in found.items():
        if measure.startswith("hit_rate") and method != REAL:
            note = classifier_note(own, base=found[UNTOUCHED, measure], recall=found[REAL, measure])
            found[method, measure] = Measure(own.value, own.low, own.high, own.n, note)
    columns = list(tables[0].columns)
    return pd.DataFrame(
        [(*key, own.value, own.low, own.high, own.n, own.note) for key, own in found.items()], columns=columns
    )


def _keys(tables: Sequence[pd.DataFrame]) -> list[tuple[str, str]]:
    """Every method with its measures, in the order of the fullest table."""
    fullest_first = sorted(tables, key=len, reverse=True)
    keys = dict.fromkeys(key for table in fullest_first for key in zip(table["method"], table["measure"], strict=True))
    methods = list(dict.fromkeys(method for method, _ in keys))
    return sorted(keys, key=lambda key: methods.index(key[0]))


def _pooled(measure: str, folds: pd.DataFrame, n_real: int) -> Measure:
    values, n = folds["value"].to_numpy(np.float64), folds["n"].to_numpy(np.int64)
    if measure.startswith("hit_rate"):
        return _pooled_rate(folds[folds["n"] > 0])
    known = np.isfinite(values)
    if n[known].sum() <= n.sum() / 2:
        return Measure(np.nan, n=int(n.sum()), note=str(folds["note"][~known].mode().iloc[0]))
    weights = n[known] / n[known].sum()
    value = float(weights @ values[known])
    if measure == "energy_p_value":
        value, low, high = _twice_the_mean(value), np.nan, np.nan
    else:
        low, high = _interval(value, weights, folds[known])
        if measure in OF_PEOPLE and not np.isfinite(high - low):
            low, high = _between_folds(value, values[known], weights)
    chances = [chance for note in folds["note"][known] if (chance := Chance.read(str(note)))]
    notes = [f"mean of {int(known.sum())} folds"]
    if len(chances) == known.sum():
        notes.append(_pooled_chance(chances, weights).note)
    if measure in BESIDE_REAL:
        notes.append(few_targets_note(n_real, low, high))
    return Measure(value, low, high, int(n.sum()), joined_notes(*notes))


def _between_folds(value: float, values: Float64Array, weights: Float64Array) -> tuple[float, float]:
    """The interval of a mean of folds from how much they differ, where a fold has too few people for its own."""
    if len(values) < FEWEST_FOLDS:
        return np.nan, np.nan
    df = len(values) - 1
    half = float(t.ppf(0.975, df) * np.sqrt(weights**2 @ (values - value) ** 2 * len(values) / df))
    return value - half, value + half


def _pooled_rate(folds: pd.DataFrame) -> Measure:
    """Hits counted together; donors are in one fold each, so the samples that folds are worth add up."""
    n = folds["n"].to_numpy(np.int64)
    total = int(n.sum())
    if not total:
        return Measure(np.nan, note="too few")
    share = float(np.rint(folds["value"] * n).sum()) / total
    sizes = [size_behind(*row) for row in folds[["value", "low", "high", "n"]].itertuples(index=False, name=None)]
    size = float(total**2 / (n**2 / np.array(sizes)).sum())
    return Measure(share, *clopper_pearson(size if share == 1 else share * size, size), total)


def _pooled_chance(chances: Sequence[Chance], weights: Float64Array) -> Chance:
    nulls = pd.DataFrame([astuple(chance) for chance in chances], columns=["value", "low", "high", "p"])
    mean, p = float(weights @ nulls["value"]), float(weights @ nulls["p"])
    return Chance(mean, *_interval(mean, weights, nulls), _twice_the_mean(p))


def _twice_the_mean(mean: float) -> float:
    """A p-value from the mean of several, whatever their dependence (Vovk & Wang 2020)."""
    return min(1.0, 2 * mean)


def _interval(value: float, weights: Float64Array, folds: pd.DataFrame) -> tuple[float, float]:
    """The interval of a weighted mean of independent numbers, from theirs; none where one has none."""
    below, above = folds["value"] - folds["low"], folds["high"] - folds["value"]
    low, high = (float(np.linalg.norm(weights * width.to_numpy(np.float64))) for width in (below, above))
    return value - low, value + high
