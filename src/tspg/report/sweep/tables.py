"""The tables of a sweep's page: Table 1, gene sets beside random ones, genes that come back, unfinished runs."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from tspg.report.sweep.measures import BY_KEY
from tspg.report.sweep.results import SweepResults, display_name

P_LIMIT = 0.05
DIRECTIONS = {"up": "raised", "down": "lowered"}
MOST_FREQUENT = 15  # genes per direction and gene set
MOST_UNFINISHED = 300  # rows
_OF_CLASSIFIER = ("test_accuracy", "test_balanced_accuracy", "f_accuracy")


def table_1(results: SweepResults) -> list[dict[str, Any]]:
    """The paper's Table 1 for the whole sweep: by gene set, over its targets and seeds.

    `test_accuracy` is the classifier's mean accuracy on held-out samples, `f_accuracy` the mean share of all moved
    samples that it calls the target, each with the least of all runs.
    """
    numbers = pd.DataFrame({key: results.values(BY_KEY[key]) for key in _OF_CLASSIFIER})
    rows = []
    for gene_set in results.gene_sets:
        runs = results.runs[results.is_done & (results.runs["gene_set"] == gene_set)]
        own = numbers.loc[runs.index]
        hardest = runs.loc[own["f_accuracy"] == own["f_accuracy"].min(), "target_class"]
        rows.append(
            {
                "gene_set": display_name(gene_set),
                "n_genes": results.n_genes[gene_set],
                "n_targets": runs["target_class"].nunique(),
                "n_runs": len(runs),
                "hardest": "" if len(hardest) in (0, len(runs)) else str(hardest.iloc[0]),  # where they differ
                **{key: float(own[key].mean()) for key in _OF_CLASSIFIER},
                **{f"least_{key}": float(own[key].min()) for key in _OF_CLASSIFIER},
            }
        )
    return rows


def random_comparison(results: SweepResults) -> list[dict[Hashable, Any]]:
    """Every gene set and target beside random gene sets, the smallest p first, with q over all of them."""
    table = results.tables.random_gene_sets
    table = table.assign(q_value=q_values(table["energy_p_value"]), name=table["gene_set"].map(display_name))
    return table.sort_values("energy_p_value", kind="stable").to_dict("records")


def q_values(p_values: pd.Series) -> pd.Series:
    """Benjamini-Hochberg q of every p; NaN where there is none."""
    p = p_values.astype(float)
    known = p.notna()
    q = pd.Series(np.nan, index=p.index)
    q[known] = false_discovery_control(p[known].to_numpy()) if known.any() else np.nan
    return q


def recurring_genes(results: SweepResults) -> list[dict[str, Any]]:
    """For each gene set the genes that are among the top most often, over seeds and targets."""
    table = results.tables.gene_frequency.sort_values(["n_runs", "n_targets"], ascending=False, kind="stable")
    by_set = dict(list(table.groupby("gene_set", sort=False)))
    return [
        {
            "name": display_name(name),
            "n_runs": int(by_set[name]["n_runs_total"].max()),
            "n_targets": int(by_set[name]["n_targets_total"].max()),
            "lists": [
                (way, by_set[name][by_set[name]["direction"] == way].head(MOST_FREQUENT).to_dict("records"))
                for way in DIRECTIONS
            ],
        }
        for name in pd.unique(results.tables.gene_frequency["gene_set"])
    ]


def unfinished(results: SweepResults) -> list[dict[str, Any]]:
    """Gene sets and targets with runs that are not done: how these ended and why, the seeds side by side."""
    columns = ["gene_set", "target_class", "status", "reason"]
    runs = results.runs[~results.is_done].fillna({"reason": ""})
    return [
        {
            **dict(zip(columns, map(str, key), strict=True)),
            "gene_set": display_name(key[0]),
            "seeds": ", ".join(map(str, group["seed"])),
            "n": len(group),
        }
        for key, group in runs.groupby(columns, sort=False)
    ]


def reasons(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """How many runs did not end for each reason, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row["status"], row["reason"]] += row["n"]
    return [(status, reason, n) for (status, reason), n in counts.most_common()]
