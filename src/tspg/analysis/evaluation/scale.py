"""One scale for every measure: 0 is what the best simple method scores, 1 what real target samples do."""

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT, REAL, TARGET_MEAN, info_of

SIMPLE = (MEAN_SHIFT, TARGET_MEAN)
NARROW = 0.02  # half the width that counts where the real samples' number has no interval


def relative_scale(evidence: pd.DataFrame, method: str) -> pd.DataFrame:
    """How far a method comes from the best simple one (0) to real target samples (1), measure by measure.

    The best simple method is the one of `SIMPLE` whose number is nearer to that of real samples; a method is
    not compared with itself. Where it lies within the half-width of the real samples' 95% interval (.02 where
    there is none), the measure cannot tell methods apart on this data set: it is not informative, without `s`.
    Nor has a gene correlation an `s` where even the simple method's is above that of real samples.

    Returns
    -------
    One row for each measure that both real samples and a simple method have a number for: `measure`,
    `simple` (the best simple method), `s`, `informative`.
    """
    if evidence.empty:
        return pd.DataFrame(columns=["measure", "simple", "s", "informative"])
    numbers = evidence.reindex(columns=["method", "measure", "value", "low", "high"])
    numbers = numbers.drop_duplicates(["method", "measure"], keep="last").set_index(["method", "measure"])
    rows, others = list(dict.fromkeys([method, *SIMPLE, REAL])), [name for name in SIMPLE if name != method]
    values, low, high = (numbers[name].astype(float).unstack("measure").reindex(rows) for name in numbers)
    known = values.loc[[REAL]].dropna(axis=1).columns
    known = known.intersection(values.loc[others].dropna(axis=1, how="all").columns)
    known = known[[not info_of(measure).is_reference for measure in known]]
    values, noise = values[known], (high - low)[known].loc[REAL] / 2
    best = (values.loc[others] - values.loc[REAL]).abs().idxmin()
    floor = pd.Series([values.at[best[measure], measure] for measure in known], index=known, dtype=float)
    room = values.loc[REAL] - floor
    informative = room.abs().to_numpy() > noise.fillna(NARROW).to_numpy()
    is_passed = np.array([info_of(measure).more_is_better for measure in known], dtype=bool) & (room.to_numpy() < 0)
    s = ((values.loc[method] - floor) / room).where(informative & ~is_passed)
    return pd.DataFrame({"measure": known, "simple": best, "s": s, "informative": informative}).reset_index(drop=True)


def uninformative(evidence: pd.DataFrame, method: str) -> frozenset[str]:
    """The measures by which a simple method is as near to real target samples as these are to each other."""
    scale = relative_scale(evidence, method)
    return frozenset(scale.loc[~scale["informative"].astype(bool), "measure"].astype(str))
