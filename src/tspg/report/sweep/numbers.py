"""The numbers behind a sweep's map, small enough to travel inside the page: names once, then positions."""

import math
import os
from collections.abc import Iterable
from typing import Any

import pandas as pd

from tspg.report.page.evidence import SIGNS
from tspg.report.sweep.map import STATES
from tspg.report.sweep.measures import ANSWER_VALUES, N_COLOURS, Measure
from tspg.report.sweep.study import BESIDE, PAIR, Study, beside, rows_by_pair, shown
from tspg.report.sweep.tables import DIRECTIONS

DIGITS = 4  # significant ones: more than are shown
MOST_STABLE = 10  # genes of each direction that a gene set and target shows
RANDOM_COLUMNS = (
    "n_random",
    "energy_ratio",
    "random_energy_ratio",
    "energy_p_value",
    "hit_rate",
    "random_hit_rate",
    "hit_rate_p_value",
)


def numbers_of(study: Study) -> dict[str, Any]:
    """All that the page's program reads.

    Lists called `of_runs` have one entry a run, in the order of the runs; `of_pairs` one for each gene set and
    target, the targets of the first gene set first; None where there is no number.
    """
    statuses = list(dict.fromkeys(str(status) for status in study.runs["status"]))
    return {
        "sets": [shown(name) for name in study.gene_sets],
        "n_genes": [study.n_genes[name] for name in study.gene_sets],
        "targets": study.targets,
        "seeds": study.seeds,
        "statuses": statuses,
        "runs": {
            "set": _positions(study.runs["gene_set"], study.gene_sets),
            "target": _positions(study.runs["target_class"], study.targets),
            "seed": _positions(study.runs["seed"], study.seeds),
            "status": _positions(study.runs["status"], statuses),
        },
        "paths": _paths(study),
        "states": STATES,
        "signs": {f"{value:g}": SIGNS[answer] for answer, value in ANSWER_VALUES.items()},
        "colours": N_COLOURS,
        "measures": [_measure(study, measure) for measure in study.measures],
        "random": _by_pair(study, study.tables.random_gene_sets, _random),
        **_stable_genes(study),
    }


def _positions(values: pd.Series, names: list[str]) -> list[int]:
    place = {name: number for number, name in enumerate(names)}
    return [place[str(value)] for value in values]


def _measure(study: Study, measure: Measure) -> dict[str, Any]:
    values = study.pairs(measure).to_numpy().ravel() if measure.table else study.values(measure)
    return {
        "key": measure.key,
        "title": measure.title,
        "best": measure.best,
        "words": measure.words,
        "form": measure.form,
        "good": measure.good,
        "of_pairs" if measure.table else "of_runs": _short(values),
        "beside": [[BESIDE[name], _short(table.to_numpy().ravel())] for name, table in beside(study, measure).items()],
    }


def _short(values: Iterable[float]) -> list[float | None]:
    """Numbers in few digits; whole ones without a point."""
    return [_rounded(float(value)) for value in values]


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def _by_pair(study: Study, table: pd.DataFrame, told: Any) -> dict[str, Any]:
    """What `told` says of each pair's rows, under the pair's position."""
    place = {
        (gene_set, target): number
        for number, (gene_set, target) in enumerate((a, b) for a in study.gene_sets for b in study.targets)
    }
    return {str(place[key]): told(rows) for key, rows in rows_by_pair(table).items() if key in place}


def _random(rows: pd.DataFrame) -> list[float | None]:
    return _short(rows.iloc[0][list(RANDOM_COLUMNS)])


def _paths(study: Study) -> dict[str, list[Any]]:
    """Where the runs are: for each pair the start that all paths share, and the rest of each, reports beside folders.

    Thousands of paths differ by their ends alone, and would otherwise be a third of the page.
    """
    table = study.runs[[*PAIR, "run"]].assign(report=study.runs.get("report", ""))
    return _by_pair(study, table.fillna(""), _shared_start)


def _shared_start(rows: pd.DataFrame) -> list[Any]:
    found = [str(report or run) for report, run in zip(rows["report"], rows["run"], strict=True)]
    start = os.path.commonprefix(found)  # noqa: RUF071 - letters in common, not folders
    return [start, [path[len(start) :] for path in found], [int(bool(report)) for report in rows["report"]]]


def _stable_genes(study: Study) -> dict[str, Any]:
    """The stable genes of each pair as positions in one list of genes, each with its mean change and its share.

    A list is flat: gene, mean perturbation, share of seeds, and so on.
    """
    table = study.tables.stability
    kept = table.sort_values("rank", kind="stable").groupby([*PAIR, "direction"], sort=False).head(MOST_STABLE)
    genes = list(dict.fromkeys(str(gene) for gene in kept["gene"]))
    place = {gene: number for number, gene in enumerate(genes)}

    def told(rows: pd.DataFrame) -> list[Any]:
        lists = [_flat(rows[rows["direction"] == way], place) for way in DIRECTIONS]
        return [int(rows["n_seeds"].iloc[0]), _short(rows.iloc[0][["phi", "phi_low", "phi_high"]]), *lists]

    return {"genes": genes, "stable": _by_pair(study, kept, told)}


def _flat(rows: pd.DataFrame, place: dict[str, int]) -> list[float | None]:
    columns = zip(rows["gene"], rows["mean_perturbation"], rows["selection_frequency"], strict=True)
    return [
        number
        for gene, change, share in columns
        for number in (place[str(gene)], round(float(change), 2), _rounded(float(share)))
    ]
