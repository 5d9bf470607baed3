"""The paper's Tables 1 and 2, for the user's own data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED, PAPER_ENRICHED

TABLE_2_COLUMNS = (
    *("direction", "category", "n_terms", "n_terms_strict", "n_sources"),
    *("best_term", "best_source", "best_q_value"),
)


def table_1(metrics: Mapping[str, Any], target_class: str) -> pd.DataFrame:
    """How often f calls moved samples the target (paper, Table 1), and the rate on held-out sources."""
    found, gene_set = metrics["perturbation"], metrics["data"]["gene_set"]
    row = {
        "gene_set": gene_set["name"] or "all genes",
        "n_genes": metrics["data"]["n_genes"],
        "target_class": target_class,
        "f_accuracy": found["f_accuracy"],
        "hit_rate": found["hit_rate"],
        "f_test_accuracy": metrics.get("target_model", {}).get("test_accuracy"),
    }
    return pd.DataFrame([row])


def table_2(enrichment: pd.DataFrame) -> pd.DataFrame:
    """What the genes of the source classes' lists do (paper, Table 2): one row per direction and category.

    `n_terms` counts terms with q < .05 over all source classes, `n_terms_strict` those with the
    paper's q < 1e-4, `n_sources` the classes with at least one term of the former.
    """
    means = enrichment[enrichment["sample"] == ""]
    rows = []
    for key, terms in means.groupby(["direction", "category"], sort=False):
        direction, category = map(str, key)
        enriched = terms[terms["q_value"] < ENRICHED]
        best = terms.iloc[int(np.argmin(terms["q_value"].to_numpy(dtype=float)))]
        counts = len(enriched), int((terms["q_value"] < PAPER_ENRICHED).sum()), enriched["source_class"].nunique()
        rows.append((direction, category, *counts, best["term"], best["source_class"], best["q_value"]))
    table = pd.DataFrame(rows, columns=list(TABLE_2_COLUMNS))
    return table.sort_values("direction", ascending=False, kind="stable", ignore_index=True)
