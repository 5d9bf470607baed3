"""The map of a sweep, gene sets by target classes, as the page shows it before its program runs."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tspg.report.sweep.measures import Measure
from tspg.report.sweep.study import BESIDE, DONE, PAIR, Study, beside, shown
from tspg.utils.text import listed

# What stands in a pair without a number, by how its runs ended: a sign, and in words.
STATES = {
    "failed": ("!", "failed"),
    "skipped": ("–", "skipped"),
    "not-run": ("○", "not run"),
    "missing": ("·", "not measured"),
    "none": ("", "not planned"),
}
_KINDS = {"failed": "failed", "skipped": "skipped", "not run": "not-run"}
MOST_WIDE = 8  # targets up to which a cell has room for the spread over seeds


@dataclass(frozen=True)
class MapCell:
    """One field of the map: its colour or state, its number, and the spread over seeds."""

    css: str
    text: str
    spread: str = ""


def default_measure(study: Study) -> Measure:
    """The measure that the map shows first."""
    return study.measures[0]


def map_rows(study: Study, measure: Measure) -> list[dict[str, Any]]:
    """The lines of the map, one a gene set, each with its mean over targets."""
    means = study.pairs(measure).to_numpy()
    spreads = _spreads(study, measure) if len(study.targets) <= MOST_WIDE else {}
    kinds = _kinds(study)
    return [
        {
            "name": shown(gene_set),
            "n_genes": study.n_genes[gene_set],
            "mean": mean_text(values, measure),
            "cells": [
                _cell(measure, value, kinds.get((gene_set, target), frozenset()), spreads.get((gene_set, target), ""))
                for target, value in zip(study.targets, values.tolist(), strict=True)
            ],
        }
        for gene_set, values in zip(study.gene_sets, means, strict=True)
    ]


def column_means(study: Study, measure: Measure) -> list[str]:
    """The last line of the map: each target's mean over gene sets."""
    return [mean_text(values, measure) for values in study.pairs(measure).to_numpy().T]


def mean_text(values: NDArray[np.float64], measure: Measure) -> str:
    """The mean of the pairs that have a number."""
    return measure.text(float(np.nanmean(values))) if np.isfinite(values).any() else ""


def legend(measure: Measure) -> list[tuple[int, str]]:
    """Colours with the values that they stand for; between two of them lies their mean, without words."""
    values = [value for value, _ in measure.good]
    steps = [(measure.colour(value), _mark(measure, float(value))) for value in values]
    between = [(measure.colour((a + b) / 2), "") for a, b in pairwise(values)]
    both = [step for pair in zip(steps, between, strict=False) for step in pair]
    return steps if measure.form == "answer" else [*both, steps[-1]]


def _mark(measure: Measure, value: float) -> str:
    """A value of the legend; round numbers, so without the zeros that the fields need to be compared."""
    return measure.text(value) if measure.form in ("share", "answer") else f"{value:g}".replace("-", "−")


def beside_line(study: Study, measure: Measure) -> str:
    """What a plain shift and real target samples score, which every number of the map is read against."""
    found = [
        f"{BESIDE[name]} {measure.text(float(np.nanmean(table)))}" for name, table in beside(study, measure).items()
    ]
    return f"Beside it, on average: {listed(found)}." if found else ""


def _kinds(study: Study) -> dict[tuple[str, str], frozenset[str]]:
    """How the runs of each pair ended."""
    groups = study.kinds.groupby([study.runs[name] for name in PAIR], sort=False)
    return {(str(key[0]), str(key[1])): frozenset(kinds) for key, kinds in groups}


def _spreads(study: Study, measure: Measure) -> dict[tuple[str, str], str]:
    if measure.table or measure.form == "answer":
        return {}
    groups = study.values(measure).dropna().groupby([study.runs[name] for name in PAIR], sort=False)
    return {
        (str(key[0]), str(key[1])): f"{measure.text(float(values.min()))} to {measure.text(float(values.max()))}"
        for key, values in groups
        if len(values) > 1
    }


def _cell(measure: Measure, value: float, kinds: frozenset[str], spread: str) -> MapCell:
    if np.isfinite(value):
        part = "" if kinds <= {DONE} else " part"  # some seeds are not done
        return MapCell(f"s{measure.colour(value)}{part}", measure.text(value), spread)
    if DONE in kinds:
        return MapCell("missing", "")
    return MapCell(next((css for kind, css in _KINDS.items() if kind in kinds), "none"), "")
