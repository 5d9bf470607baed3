"""One person among the others: where her values lie among real samples, and whether she is like any of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.cases import Setting
from tspg.analysis.distances import pairwise
from tspg.data.prepare import FloatMatrix

NAMESAKE = 0.1  # of the usual distance: farther away, a profile is another one of the same name
_ROUNDING = 1e-9  # of a distance: the same one, computed among other profiles
SAMPLE_COLUMNS = (
    "sample",
    "source_class",
    "predicted_before",
    "predicted_after",
    "distance",
    "typical",
    "p_value",
    "n",
)
PERCENTILE_COLUMNS = (
    "sample",
    "direction",
    "rank",
    "gene",
    "compared_with",
    "in_source",
    "in_target",
    "after_in_target",
    "seeds",
)


def outside_training(perturbations: AnnData, setting: Setting, samples: Sequence[str]) -> pd.DataFrame:
    """Whether a profile lies outside the data that the model has learned from.

    `distance` is that to the nearest real training sample (Euclidean, scaled genes), `typical` the
    median of the same for real held-out samples. `p_value` is the share of those that lie as far
    out, (1 + b) / (1 + n): a sample of the same population gets p <= .05 in at most 5 of 100
    (conformal, Vovk et al. 2005). A held-out sample is compared with the others; for one that was
    trained on it is empty. Where none was held out, training samples are held against the others.
    """
    if not samples:
        return pd.DataFrame(columns=list(SAMPLE_COLUMNS))
    if len(setting.held_out):
        usual = pairwise(setting.held_out, setting.training).min(axis=1)
    else:
        among = pairwise(setting.training)
        np.fill_diagonal(among, np.inf)
        usual = among.min(axis=1)
    row_of = {str(name): row for row, name in enumerate(perturbations.obs_names)}
    rows = []
    for name in samples:
        facts = perturbations.obs.iloc[row_of[name]]
        profile = np.asarray(perturbations.layers["original"][[row_of[name]]])
        distance = float(pairwise(profile, setting.training).min())
        # It is its own nearest neighbour, so nothing can be said; a namesake with another profile is not.
        seen = facts["split"] == "train" and distance < NAMESAKE * float(np.median(usual))
        others = usual[[other != name for other in setting.held_out_names]] if name in setting.held_out_names else usual
        as_far = others >= distance * (1 - _ROUNDING)
        p_value = np.nan if seen else (1 + int(as_far.sum())) / (1 + len(others))
        called = (str(facts["predicted_before"]), str(facts["predicted_after"]))
        rows.append(
            (name, str(facts["source_class"]), *called, distance, float(np.median(others)), p_value, len(others))
        )
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def gene_percentiles(
    perturbations: AnnData, setting: Setting, top_genes: pd.DataFrame, *, stable_genes: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Where a person's top genes lie among real samples, before and after: percentiles of 0 to 100.

    `compared_with` is the sample's class, or the one that f sees where it is not known; `in_source`
    and `in_target` are the percentiles of her value before among that class's and the target's real
    training samples, `after_in_target` that of the moved value. Ties count half. `seeds` is the share of
    fits with other seeds in which the gene is a top gene of that class too, by the `stable_genes` of an
    audit; empty without one.
    """
    own = top_genes[top_genes["sample"] != ""]
    column = {str(gene): number for number, gene in enumerate(perturbations.var_names)}
    called = dict(zip(perturbations.obs_names, perturbations.obs["predicted_before"].astype(str), strict=True))
    target = setting.of_class(setting.target_class)
    chosen: dict[tuple[str, str, str], float] = {}
    if stable_genes is not None:
        keys = stable_genes[["source_class", "direction", "gene"]].itertuples(index=False, name=None)
        chosen = dict(zip(keys, stable_genes["selection_frequency"], strict=True))
    rows = []
    for row in own.to_dict("records"):
        against = str(row["source_class"]) or called[row["sample"]]
        at = column[row["gene"]]
        places = (
            percentile(row["before"], setting.of_class(against)[:, at]),
            percentile(row["before"], target[:, at]),
            percentile(row["after"], target[:, at]),
        )
        seeds = chosen.get((against, row["direction"], row["gene"]), 0.0 if chosen else np.nan)
        rows.append((row["sample"], row["direction"], row["rank"], row["gene"], against, *places, seeds))
    return pd.DataFrame(rows, columns=list(PERCENTILE_COLUMNS))


def percentile(value: float, among: FloatMatrix) -> float:
    """The share of values below, those that are equal counted half, in percent; NaN among none."""
    if len(among) == 0:
        return float("nan")
    same = np.isclose(among, value, rtol=0.0, atol=1e-6)
    return float(100 * (((among < value) & ~same).sum() + same.sum() / 2) / len(among))
