"""The numbers behind a sweep's map, small enough to travel inside the page: names once, then positions."""

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from tspg.report.page.evidence import SIGNS
from tspg.report.sweep.map import STATES
from tspg.report.sweep.measures import ANSWER_VALUES, N_COLOURS, Measure
from tspg.report.sweep.results import PAIR, SweepResults, display_name, rows_by_pair
from tspg.report.sweep.tables import DIRECTIONS

DIGITS = 4  # significant ones: more than are shown
MOST_STABLE = 10  # genes per direction, gene set and target
RANDOM_COLUMNS = (
    *("n_random", "energy_ratio", "random_energy_ratio", "energy_p_value"),
    *("hit_rate", "random_hit_rate", "hit_rate_p_value"),
)


def numbers_of(results: SweepResults) -> dict[str, Any]:
    """All that the page's program reads.

    Lists called `of_runs` have one entry per run, in the order of the runs; `of_pairs` one per gene set and
    target, the targets of the first gene set first; None where there is no number. `endings` are pairs of a
    status and a reason.
    """
    runs = results.runs.assign(report=results.runs.get("report", "")).fillna({"reason": "", "run": "", "report": ""})
    ended = list(zip(runs["status"], runs["reason"], strict=True))
    random = results.tables.random_gene_sets
    numbers = map(_short, random[list(RANDOM_COLUMNS)].to_numpy(dtype=float))
    endings = list(dict.fromkeys(ended))
    return {
        "sets": [display_name(name) for name in results.gene_sets],
        "n_genes": [results.n_genes[name] for name in results.gene_sets],
        "targets": results.targets,
        "seeds": results.seeds,
        "endings": endings,
        "runs": {
            "set": _positions(runs["gene_set"], results.gene_sets),
            "target": _positions(runs["target_class"], results.targets),
            "seed": _positions(map(str, runs["seed"]), results.seeds),
            "ending": _positions(ended, endings),
        },
        "paths": _by_pair(results, {pair: _paths(rows) for pair, rows in rows_by_pair(runs).items()}),
        "states": STATES,
        "signs": {f"{value:g}": SIGNS[answer] for answer, value in ANSWER_VALUES.items()},
        "colours": N_COLOURS,
        "measures": [_measure(results, measure) for measure in results.measures],
        "random": _by_pair(results, dict(zip(map(tuple, random[PAIR].to_numpy()), numbers, strict=True))),
        **_stable_genes(results),
    }


def _positions(values: Iterable[Any], names: list[Any]) -> list[int]:
    position = {name: number for number, name in enumerate(names)}
    return [position[value] for value in values]


def _measure(results: SweepResults, measure: Measure) -> dict[str, Any]:
    of_pairs = bool(measure.table)
    values = results.pairs(measure).to_numpy().ravel() if of_pairs else results.values(measure)
    return {
        **{name: getattr(measure, name) for name in ("key", "title", "best", "words", "form", "good")},
        "of_pairs" if of_pairs else "of_runs": _short(values),
        "compared": [[title, _short(table.to_numpy().ravel())] for title, table in results.compared(measure).items()],
    }


def _short(values: Iterable[float]) -> list[float | None]:
    """Numbers in few digits, whole ones without a point; None for NaN."""
    rounded = [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in map(float, values)]
    return [int(value) if value is not None and value.is_integer() else value for value in rounded]


def _by_pair(results: SweepResults, content: Mapping[tuple[str, str], list[Any]]) -> dict[str, Any]:
    """The content of each pair under the pair's position."""
    pairs = [(gene_set, target) for gene_set in results.gene_sets for target in results.targets]
    return {str(number): content[pair] for number, pair in enumerate(pairs) if pair in content}


def _paths(rows: pd.DataFrame) -> list[Any]:
    """The start that all paths of a pair share, the rest of each, and which lead to a report.

    Thousands of paths differ by their ends alone, and would otherwise be a third of the page.
    """
    paths = [str(report or run) for report, run in zip(rows["report"], rows["run"], strict=True)]
    start = os.path.commonprefix(paths)  # noqa: RUF071 - letters in common, not folders
    return [start, [path[len(start) :] for path in paths], [int(bool(report)) for report in rows["report"]]]


def _stable_genes(results: SweepResults) -> dict[str, Any]:
    """The stable genes of each pair as positions in one list of genes.

    A list per direction is flat: gene, mean perturbation, share of seeds, and so on.
    """
    table = results.tables.stability.sort_values("rank", kind="stable")
    kept = table.groupby([*PAIR, "direction"], sort=False).head(MOST_STABLE)
    genes = list(dict.fromkeys(map(str, kept["gene"])))
    position = {gene: number for number, gene in enumerate(genes)}

    stable: dict[tuple[str, str], list[Any]] = {}
    for row in kept.to_dict("records"):
        phi = _short([row["phi"], row["phi_low"], row["phi_high"]])
        lists = stable.setdefault((row["gene_set"], row["target_class"]), [int(row["n_seeds"]), phi, [], []])[2:]
        change, share = round(float(row["mean_perturbation"]), 2), _short([row["selection_frequency"]])
        lists[DIRECTIONS.index(row["direction"])] += [position[str(row["gene"])], change, *share]
    return {"genes": genes, "stable": _by_pair(results, stable)}
