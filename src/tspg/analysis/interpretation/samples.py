"""One row per moved sample: its class, how it was moved, and what was done to it before."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.interpretation.out_of_distribution import PLACE_COLUMNS

FROM_OBS = ("source_class", "predicted_before", "predicted_after", "split", "moved_as", "clipped", "p_shift")
SAMPLE_COLUMNS = ("sample", *FROM_OBS, "normalised", "aligned", *PLACE_COLUMNS)


def samples_table(adata: AnnData, places: pd.DataFrame, named: Sequence[str]) -> pd.DataFrame:
    """One row for every sample in `adata`, those that were named first.

    Parameters
    ----------
    adata
        The moved profiles.
    places
        What `outside_training` gives for the named samples; it may have no rows.
    named
        Single samples asked for, in this order.

    Returns
    -------
    `SAMPLE_COLUMNS`: classes given and called, split, the class whose map moved the sample, the share of its values
    that were clipped, p of another pipeline (empty where it was not tested), how it was normalised and with what
    weight aligned; and for named samples their place among the training data.
    """
    obs, about = adata.obs, adata.uns["tspg"]
    table = pd.DataFrame({"sample": [str(name) for name in obs.index]})
    for column in FROM_OBS:
        table[column] = obs[column].to_numpy()
    table["normalised"] = str(about.get("normalised", "none"))
    table["aligned"] = float(about.get("aligned", 0.0))
    first = {name: number for number, name in enumerate(named)}
    order = np.argsort([first.get(name, len(first)) for name in table["sample"]], kind="stable")
    table = table.iloc[order].merge(places[["sample", *PLACE_COLUMNS]], on="sample", how="left")
    return table.astype({"n": "Int64"})[list(SAMPLE_COLUMNS)]
