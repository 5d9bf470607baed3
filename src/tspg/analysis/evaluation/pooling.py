"""The evidence of several fits as one: every sample is held out once, by a fit that has not seen it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from tspg.analysis.evaluation.classifiers import rated
from tspg.analysis.evaluation.measure import (
    COLUMNS,
    NEAREST,
    NN_P_VALUE,
    REAL,
    UNTOUCHED,
    Measure,
    Status,
    as_noted,
    by_chance,
    chance_note,
    few_targets,
    info_of,
    joined_notes,
)
from tspg.analysis.evaluation.proportions import clopper_pearson, size_behind
from tspg.utils.typing import Float64Array

FEWEST_FOLDS = 3  # whose differences give an interval


def pool_evidence(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the evidence tables of cross-fitted models, one per fold, row by row.

    Hit rates count all samples together, with the interval of as many as their donors are worth. A
    p-value is twice the mean of the folds', which is one whatever their dependence (Vovk & Wang 2020).
    Everything else is the mean weighted by numbers of samples; no donor is in two folds, so its interval
    is that of a mean of independent numbers. A measure that most samples have no number for has none. Rows that
    a fold lacks, since it holds no pairs out or learned from too few, are those of the other folds.

    Returns
    -------
    A table with the columns and rows of `evidence_table`; `n` counts the samples of all folds. Status and note
    are those of the pooled number, made from the samples of all folds.
    """
    indexed = [table.set_index(["method", "measure"]) for table in tables]
    fullest_first = sorted(indexed, key=len, reverse=True)
    keys = list(dict.fromkeys(key for table in fullest_first for key in table.index))
    methods = list(dict.fromkeys(method for method, _ in keys))
    keys.sort(key=lambda key: methods.index(key[0]))  # the rows of a method together
    rows = {key: pd.DataFrame([table.loc[key] for table in indexed if key in table.index]) for key in keys}
    n_real = int(rows[REAL, "hit_rate_f"]["n"].sum())
    found: dict[tuple[str, str], Measure] = {}
    for (method, measure), folds in rows.items():
        note = ""
        if measure in NEAREST and (method, by_chance(measure)) in rows:
            chance, p = (_pooled(name, rows[method, name], n_real) for name in (by_chance(measure), NN_P_VALUE))
            note = chance_note(chance, p.value)
        found[method, measure] = _pooled(measure, folds, n_real, note)
    for (method, measure), own in found.items():
        if info_of(measure).is_rate and method != REAL:
            found[method, measure] = rated(own, base=found[UNTOUCHED, measure], recall=found[REAL, measure])
    return pd.DataFrame([(*key, *own.cells) for key, own in found.items()], columns=COLUMNS)


def _pooled(measure: str, folds: pd.DataFrame, n_real: int, note: str = "") -> Measure:
    info = info_of(measure)
    if info.is_rate:
        return _pooled_rate(folds[folds["n"] > 0])
    values, n = folds["value"].to_numpy(np.float64), folds["n"].to_numpy(np.int64)
    known = np.isfinite(values)
    if n[known].sum() <= n.sum() / 2:
        lacking = folds[~known]
        usual = lacking[lacking["note"] == lacking["note"].mode().iloc[0]].iloc[0]
        return Measure(np.nan, n=int(n.sum()), status=Status(usual["status"]), note=str(usual["note"]))
    weights = n[known] / n[known].sum()
    value = float(weights @ values[known])
    if info.is_p_value:
        value, low, high = min(1.0, 2 * value), np.nan, np.nan
    else:
        low, high = _interval(value, weights, folds[known])
        if info.of_pairs and not np.isfinite(high - low) and (df := int(known.sum()) - 1) >= FEWEST_FOLDS - 1:
            # A fold has too few people for an interval of its own: take it from how much the folds differ.
            variance = weights**2 @ (values[known] - value) ** 2 * (df + 1) / df
            half = float(t.ppf(0.975, df) * np.sqrt(variance))
            low, high = value - half, value + half
    if info.is_reference:
        value, low, high = (as_noted(number, ".2g" if info.is_p_value else ".3f") for number in (value, low, high))
    status, few = few_targets(n_real, low, high) if info.needs_targets else (Status.OK, "")
    note = joined_notes(f"mean of {int(known.sum())} folds", note, few)
    return Measure(value, low, high, int(n.sum()), status, note)


def _pooled_rate(folds: pd.DataFrame) -> Measure:
    """Hits counted together; donors are in one fold each, so the samples that folds are worth add up."""
    n = folds["n"].to_numpy(np.int64)
    total = int(n.sum())
    if not total:
        return Measure.too_few()
    share = float(np.rint(folds["value"] * n).sum()) / total
    sizes = [size_behind(*row) for row in folds[["value", "low", "high", "n"]].itertuples(index=False, name=None)]
    size = float(total**2 / (n**2 / np.array(sizes)).sum())
    return Measure(share, *clopper_pearson(size if share == 1 else share * size, size), total)


def _interval(value: float, weights: Float64Array, folds: pd.DataFrame) -> tuple[float, float]:
    """The interval of a weighted mean of independent numbers, from theirs; none where one has none."""
    below, above = folds["value"] - folds["low"], folds["high"] - folds["value"]
    low, high = (float(np.linalg.norm(weights * width.to_numpy(np.float64))) for width in (below, above))
    return value - low, value + high
