"""What stands behind a sweep's map, for the program of the page: all texts of every gene set and target, made here."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.report.page.data import aliases_of
from tspg.report.sweep.map import STATES, MeasureMap, about, legend
from tspg.report.sweep.measures import Measure
from tspg.report.sweep.results import PAIR, SweepResults, display_name, rows_by_pair
from tspg.report.sweep.tables import DIRECTIONS, recurring_genes
from tspg.utils.text import DASH, number, percent

MOST_STABLE = 10  # genes per direction, gene set and target


def data_of(results: SweepResults, maps: list[MeasureMap]) -> dict[str, Any]:
    """All that the page's program reads.

    A pair is a gene set and a target; lists of pairs have the targets of the first gene set first.
    """
    pairs = [(gene_set, target) for gene_set in results.gene_sets for target in results.targets]
    runs_of = {pair: np.asarray(rows.index) for pair, rows in rows_by_pair(results.runs[PAIR]).items()}
    endings = _endings(results)
    genes, stable = _stable_genes(results)
    genes = list(dict.fromkeys([*genes, *_recurring(results)]))
    return {
        "sets": [display_name(name) for name in results.gene_sets],
        "n_genes": [results.n_genes[name] for name in results.gene_sets],
        "targets": results.targets,
        "states": STATES,
        "measures": [_measure(results, one, pairs, runs_of) for one in maps],
        "runs": [[endings[row] for row in runs_of.get(pair, ())] for pair in pairs],
        "random": _random(results, pairs),
        "genes": genes,
        "aliases": aliases_of(genes),
        "stable": [stable.get(pair) for pair in pairs],
    }


def _endings(results: SweepResults) -> list[list[Any]]:
    """The seed of each run, how it ended, its folder or page, and whether it is a page."""
    names = ["seed", "status", "reason", "run", "report"]
    runs = results.runs.reindex(columns=names).fillna({"reason": "", "run": "", "report": ""})
    return [
        [str(seed), ": ".join(filter(None, (status, reason))), page or folder, int(bool(page))]
        for seed, status, reason, folder, page in runs.itertuples(index=False)
    ]


def _measure(
    results: SweepResults,
    one: MeasureMap,
    pairs: list[tuple[str, str]],
    runs_of: Mapping[tuple[str, str], NDArray[np.int64]],
) -> dict[str, Any]:
    measure, values = one.measure, results.values(one.measure).to_numpy()
    of_pairs = bool(measure.table)
    return {
        "key": measure.key,
        "title": measure.title,
        "about": about(results, measure),
        "legend": legend(measure),
        "fields": [field for line in one.lines for field in line],
        "line_means": one.line_means,
        "column_means": one.column_means,
        "seeds": None
        if of_pairs
        else [[_text(measure, values[row]) for row in runs_of.get(pair, ())] for pair in pairs],
        "compared": [
            [title, [_text(measure, value) for value in table.to_numpy().ravel()]]
            for title, table in results.compared(measure).items()
        ],
    }


def _text(measure: Measure, value: float) -> str:
    return measure.text(float(value)) if math.isfinite(value) else DASH


def _random(results: SweepResults, pairs: list[tuple[str, str]]) -> list[str]:
    """Each pair beside random gene sets, in a sentence; empty where that was not tested."""
    table = results.tables.random_gene_sets
    found = {
        (row["gene_set"], row["target_class"]): (
            f"Beside {int(row['n_random']):,} random gene sets of as many genes, by the map in closed form: "
            f"energy ratio {number(row['energy_ratio'], 3)} against {number(row['random_energy_ratio'], 3)} (median), "
            f"p {_chance(row['energy_p_value'])}; called target {percent(row['hit_rate'])} against "
            f"{percent(row['random_hit_rate'])}, p {_chance(row['hit_rate_p_value'])}."
        )
        for row in table.to_dict("records")
    }
    return [found.get(pair, "") for pair in pairs]


def _chance(value: float) -> str:
    return f"{value:.2g}" if value == value else DASH


def _stable_genes(results: SweepResults) -> tuple[list[str], dict[tuple[str, str], list[Any]]]:
    """The genes that lead, and for each pair a sentence about all, then up and down its genes by their number.

    Each with its mean change and the share of seeds in which it leads.
    """
    table = results.tables.stability.sort_values("rank", kind="stable")
    kept = table.groupby([*PAIR, "direction"], sort=False).head(MOST_STABLE)
    genes = list(dict.fromkeys(map(str, kept["gene"])))
    position = {gene: place for place, gene in enumerate(genes)}
    stable: dict[tuple[str, str], list[Any]] = {}
    for row in kept.to_dict("records"):
        pair = row["gene_set"], row["target_class"]
        if pair not in stable:
            stable[pair] = [_phi(row), *([] for _ in DIRECTIONS)]
        texts = [number(row["mean_perturbation"]), percent(row["selection_frequency"])]
        stable[pair][1 + list(DIRECTIONS).index(row["direction"])].append([position[str(row["gene"])], *texts])
    return genes, stable


def _phi(row: Mapping[Any, Any]) -> str:
    phi, low, high = (float(row[name]) for name in ("phi", "phi_low", "phi_high"))
    if not math.isfinite(phi):
        return "Whether the same genes come first with another seed cannot be said."
    interval = f" (95% interval {number(low)} to {number(high)})" if math.isfinite(low) and math.isfinite(high) else ""
    return (
        f"Agreement of the top genes over {row['n_seeds']} seeds: phi {number(phi)}{interval}; 1 the same genes, "
        "0 as by chance."
    )


def _recurring(results: SweepResults) -> list[str]:
    """The genes of the table of genes that come back."""
    lists = (rows for group in recurring_genes(results) for _, rows in group["lists"])
    return [str(row["gene"]) for rows in lists for row in rows]
