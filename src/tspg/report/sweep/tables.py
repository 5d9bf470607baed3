"""The tables of a sweep's page: Table 1, gene sets beside random ones, genes that come back, runs that did not end."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from scipy.stats import false_discovery_control

from tspg.report.sweep.measures import BY_KEY
from tspg.report.sweep.study import DONE, Study, shown

P_LIMIT = 0.05
DIRECTIONS = ("up", "down")
_OF_F = ("test_accuracy", "test_balanced_accuracy", "f_accuracy")
MOST_FREQUENT = 15  # genes of each direction that a gene set shows
MOST_UNFINISHED = 300  # rows


def table_1(study: Study) -> list[dict[str, Any]]:
    """The paper's Table 1 for the whole study: by gene set, over its targets and seeds.

    `test_accuracy` is f's mean accuracy on held-out samples, `f_accuracy` the mean share of all moved samples
    that f calls the target, each with the least of all runs.
    """
    numbers = pd.DataFrame({key: study.values(BY_KEY[key]) for key in _OF_F})
    return [_line(study, gene_set, numbers) for gene_set in study.gene_sets]


def _line(study: Study, gene_set: str, numbers: pd.DataFrame) -> dict[str, Any]:
    runs = study.runs[(study.kinds == DONE) & (study.runs["gene_set"] == gene_set)]
    own = numbers.loc[runs.index]
    least = own["f_accuracy"].min()
    hardest = runs.loc[own["f_accuracy"] == least, "target_class"]
    return {
        "gene_set": shown(gene_set),
        "n_genes": study.n_genes[gene_set],
        "n_targets": runs["target_class"].nunique(),
        "n_runs": len(runs),
        "hardest": "" if len(hardest) in (0, len(runs)) else str(hardest.iloc[0]),  # where they differ
        **{name: float(own[name].mean()) for name in _OF_F},
        **{f"least_{name}": float(own[name].min()) for name in _OF_F},
    }


def beside_random(study: Study) -> list[dict[str, Any]]:
    """Every gene set and target beside random gene sets, the smallest p first, with q over all of them."""
    table = study.tables.random_gene_sets
    table = table.assign(q_value=adjusted(table["energy_p_value"]))
    ordered = table.sort_values("energy_p_value", kind="stable").to_dict("records")
    return [{str(name): value for name, value in row.items()} | {"name": shown(row["gene_set"])} for row in ordered]


def adjusted(p_values: pd.Series) -> pd.Series:
    """Benjamini-Hochberg q of every p that there is."""
    p = p_values.astype(float)
    there = p.notna()
    q = p.copy()
    if there.any():
        q[there] = false_discovery_control(p[there].to_numpy())
    return q


def genes_that_come_back(study: Study) -> Iterator[dict[str, Any]]:
    """For each gene set the genes that are among the top most often, over seeds and targets."""
    table = study.tables.gene_frequency
    for name, rows in table.groupby("gene_set", sort=False):
        yield {
            "name": shown(str(name)),
            "n_runs": int(rows["n_runs_total"].max()),
            "n_targets": int(rows["n_targets_total"].max()),
            "lists": [(way, _most_frequent(rows[rows["direction"] == way])) for way in DIRECTIONS],
        }


def _most_frequent(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    ordered = rows.sort_values(["n_runs", "n_targets"], ascending=False, kind="stable")
    return ordered.head(MOST_FREQUENT).to_dict("records")


def unfinished(study: Study) -> list[dict[str, Any]]:
    """Gene sets and targets with runs that are not done: how these ended and why, the seeds side by side."""
    runs = study.runs[study.kinds != DONE]
    rows = []
    for key, group in runs.groupby(["gene_set", "target_class", "status"], sort=False):
        gene_set, target, status = map(str, key)
        kind, _, reason = status.partition(":")
        rows.append(
            {
                "gene_set": shown(gene_set),
                "target": target,
                "seeds": ", ".join(str(seed) for seed in group["seed"]),
                "kind": kind,
                "reason": reason.strip(),
                "n": len(group),
            }
        )
    return rows


def reasons(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """How many runs did not end for each reason, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["kind"], row["reason"])
        counts[key] = counts.get(key, 0) + row["n"]
    return sorted(((kind, why, n) for (kind, why), n in counts.items()), key=lambda row: -row[2])
