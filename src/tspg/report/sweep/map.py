"""The map of a sweep, gene sets by target classes, as the page shows it before its program runs."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tspg.report.sweep.measures import Measure
from tspg.report.sweep.results import DONE, FAILED, NOT_RUN, PAIR, SKIPPED, SweepResults, display_name, rows_by_pair
from tspg.utils.text import listed

# What a field without a number shows: a sign, and in words.
STATES = {
    "failed": ("!", "failed"),
    "skipped": ("–", "skipped"),
    "not-run": ("○", "not run"),
    "missing": ("·", "not measured"),
    "none": ("", "not planned"),
}
_STATE_OF = {FAILED: "failed", SKIPPED: "skipped", NOT_RUN: "not-run"}  # the first that occurs among a pair's runs
MOST_WIDE = 8  # targets up to which a field has room for the spread over seeds


class MapCell(NamedTuple):
    """One field of the map: its colour or state, its number, and the spread over seeds."""

    css: str
    text: str
    spread: str = ""


def map_rows(results: SweepResults, measure: Measure) -> list[dict[str, Any]]:
    """The lines of the map, one per gene set, each with its mean over targets."""
    runs_of, values = rows_by_pair(results.runs[[*PAIR, "status"]]), results.values(measure)
    has_spread = len(results.targets) <= MOST_WIDE and not measure.table and measure.form != "answer"

    def cell(gene_set: str, target: str, mean: float) -> MapCell:
        runs = runs_of.get((gene_set, target))
        statuses = set() if runs is None else set(runs["status"])
        if np.isfinite(mean):
            part = "" if statuses <= {DONE} else " part"  # some seeds are not done
            of_seeds = values[runs.index].dropna() if has_spread and runs is not None else ()
            spread = f"{measure.text(min(of_seeds))} to {measure.text(max(of_seeds))}" if len(of_seeds) > 1 else ""
            return MapCell(f"s{measure.colour(mean)}{part}", measure.text(mean), spread)
        if DONE in statuses:
            return MapCell("missing", "")
        return MapCell(next((css for status, css in _STATE_OF.items() if status in statuses), "none"), "")

    return [
        {
            "name": display_name(gene_set),
            "n_genes": results.n_genes[gene_set],
            "mean": _mean_text(means, measure),
            "cells": [
                cell(gene_set, target, mean) for target, mean in zip(results.targets, means.tolist(), strict=True)
            ],
        }
        for gene_set, means in zip(results.gene_sets, results.pairs(measure).to_numpy(), strict=True)
    ]


def column_means(results: SweepResults, measure: Measure) -> list[str]:
    """The last line of the map: each target's mean over gene sets."""
    return [_mean_text(values, measure) for values in results.pairs(measure).to_numpy().T]


def _mean_text(values: NDArray[np.float64], measure: Measure) -> str:
    return measure.text(float(np.nanmean(values))) if np.isfinite(values).any() else ""


def legend(measure: Measure) -> list[tuple[int, str]]:
    """Colours with the values that they stand for; between two of them their mean, without words."""
    rounded = measure.form not in ("share", "answer")  # round numbers, without the zeros that make fields comparable
    values = [value for value, _ in measure.good]
    steps = [
        (measure.colour(value), f"{value:g}".replace("-", "−") if rounded else measure.text(float(value)))
        for value in values
    ]
    if measure.form == "answer":
        return steps
    between = [(measure.colour((a + b) / 2), "") for a, b in pairwise(values)]
    return [*(step for pair in zip(steps, between, strict=False) for step in pair), steps[-1]]


def compared_line(results: SweepResults, measure: Measure) -> str:
    """What a plain shift and real target samples score, to compare every number of the map with."""
    found = [f"{title} {measure.text(float(np.nanmean(table)))}" for title, table in results.compared(measure).items()]
    return f"Beside it, on average: {listed(found)}." if found else ""
