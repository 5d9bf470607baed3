"""The map of a sweep, gene sets by target classes, for every measure: what the page shows with and without program."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from tspg.report.sweep.measures import Measure, colour_of
from tspg.report.sweep.results import DONE, FAILED, NOT_RUN, PAIR, SKIPPED, SweepResults, rows_by_pair
from tspg.utils.text import DASH, listed
from tspg.utils.typing import Float64Array

# What a field without a number shows: a sign, and in words.
STATES = {
    "failed": ("!", "failed"),
    "skipped": (DASH, "skipped"),
    "not-run": ("○", "not run"),
    "missing": ("·", "not measured"),
    "none": ("", "not planned"),
}
_STATE_OF = {FAILED: "failed", SKIPPED: "skipped", NOT_RUN: "not-run"}  # the first that occurs among a pair's runs
MOST_WIDE = 8  # targets up to which a field has room for the spread over seeds


class Field(NamedTuple):
    """One field of the map: its colour or state, its text, the spread over seeds, and how good it is (-1 to 1)."""

    css: str
    text: str
    spread: str = ""
    good: float | None = None


@dataclass(frozen=True)
class MeasureMap:
    """The map by one measure: a line of fields for each gene set, and the means of lines and columns."""

    measure: Measure
    lines: list[list[Field]]
    line_means: list[Field]
    column_means: list[Field]


class Maps:
    """The maps of a sweep by each of its measures."""

    def __init__(self, results: SweepResults) -> None:
        self.results = results
        self.rows_of = {pair: np.asarray(rows.index) for pair, rows in rows_by_pair(results.runs[PAIR]).items()}
        statuses = results.runs["status"].to_numpy(dtype=object)
        self.statuses = {pair: set(statuses[rows]) for pair, rows in self.rows_of.items()}
        self.has_spread = len(results.targets) <= MOST_WIDE

    def all(self) -> list[MeasureMap]:
        """The map by every measure of the sweep."""
        return [self.of(measure) for measure in self.results.measures]

    def of(self, measure: Measure) -> MeasureMap:
        """The map by one measure."""
        results = self.results
        means, values = results.pairs(measure), results.values(measure).to_numpy(np.float64)
        goodness = measure.all_goodness(means.to_numpy())
        lines = [
            [
                self._field(measure, (gene_set, target), mean, good, values)
                for target, mean, good in zip(results.targets, *of_set, strict=True)
            ]
            for gene_set, *of_set in zip(results.gene_sets, means.to_numpy().tolist(), goodness.tolist(), strict=True)
        ]
        runs, passes = results.runs, values > 0

        def summary(name: str, one: str, of_pairs: Float64Array) -> Field:
            of_pairs = of_pairs[np.isfinite(of_pairs)]
            if not len(of_pairs):
                return Field("", "")
            if measure.form != "answer":
                return Field("", measure.text(float(of_pairs.mean())), "", _good(measure, float(of_pairs.mean())))
            own = (runs[name] == one).to_numpy() & np.isfinite(values)
            share = float(passes[own].mean())  # of answers the share that passes, surely or probably
            return Field("", f"{100 * share:.0f}%", "", share)

        return MeasureMap(
            measure,
            lines,
            [summary("gene_set", one, means.loc[one].to_numpy(np.float64)) for one in results.gene_sets],
            [summary("target_class", one, means[one].to_numpy(np.float64)) for one in results.targets],
        )

    def _field(self, measure: Measure, pair: tuple[str, str], mean: float, good: float, values: Float64Array) -> Field:
        statuses = self.statuses.get(pair, set())
        if math.isfinite(mean):
            css = f"s{colour_of(good)}{'' if statuses <= {DONE} else ' part'}"  # some seeds are not done
            found = [] if measure.table else values[self.rows_of[pair]].tolist()
            of_seeds = [one for one in found if math.isfinite(one)]
            differ = self.has_spread and len(of_seeds) > 1 and measure.form != "answer"
            spread = f"{measure.text(min(of_seeds))} to {measure.text(max(of_seeds))}" if differ else ""
            return Field(css, measure.text_of_seeds(of_seeds or [mean]), spread, round(good, 3))
        if DONE in statuses:
            return Field("missing", "")
        return Field(next((css for status, css in _STATE_OF.items() if status in statuses), "none"), "")


def _good(measure: Measure, value: float) -> float:
    return round(measure.goodness(value), 3)


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


def about(results: SweepResults, measure: Measure) -> str:
    """What a measure says, and what a plain shift and real target samples score, to compare every number with."""
    tables: dict[str, pd.DataFrame] = results.compared(measure)
    found = [f"{title} {measure.text(float(np.nanmean(table)))}" for title, table in tables.items()]
    beside = f" Beside it, on average: {listed(found)}." if found else ""
    return f"{f'Best: {measure.best}. ' if measure.best else ''}{measure.words}{beside}"
