"""Whether a sample is unlike all the data that the model has learned from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.distances import pairwise
from tspg.analysis.interpretation.cases import Reference

NAMESAKE = 0.1  # of the usual distance: farther away, a profile is another one of the same name
_ROUNDING = 1e-9  # of a distance: the same one, computed among other profiles
PLACE_COLUMNS = ("distance", "typical", "p_value", "n")


def outside_training(adata: AnnData, reference: Reference, samples: Sequence[str]) -> pd.DataFrame:
    """Whether a profile lies outside the data that the model has learned from.

    `distance` is that to the nearest real training sample (Euclidean, scaled genes), `typical` the
    median of the same for real held-out samples. `p_value` is the share of those that lie as far
    out, (1 + b) / (1 + n): a sample of the same population gets p <= .05 in at most 5 of 100
    (conformal, Vovk et al. 2005). A held-out sample is compared with the others; for one that was
    trained on it is empty. Where none was held out, training samples are held against the others.
    """
    columns = ["sample", *PLACE_COLUMNS]
    if not samples:
        return pd.DataFrame(columns=columns)
    training, held_out = (reference.profiles[rows] for rows in (reference.is_train, ~reference.is_train))
    held_out_names = list(map(str, reference.names[~reference.is_train]))
    if len(held_out):
        usual = pairwise(held_out, training).min(axis=1)
    else:
        among = pairwise(training)
        np.fill_diagonal(among, np.inf)
        usual = among.min(axis=1)
    row_of = {str(name): row for row, name in enumerate(adata.obs_names)}
    rows = []
    for name in samples:
        facts = adata.obs.iloc[row_of[name]]
        profile = np.asarray(adata.layers["original"][[row_of[name]]])
        distance = float(pairwise(profile, training).min())
        # It is its own nearest neighbour, so nothing can be said; a namesake with another profile is not.
        seen = facts["split"] == "train" and distance < NAMESAKE * float(np.median(usual))
        is_held_out = name in held_out_names
        others = usual[[other != name for other in held_out_names]] if is_held_out else usual
        as_far = others >= distance * (1 - _ROUNDING)
        p_value = np.nan if seen else (1 + int(as_far.sum())) / (1 + len(others))
        rows.append((name, distance, float(np.median(others)), p_value, len(others)))
    return pd.DataFrame(rows, columns=columns)
