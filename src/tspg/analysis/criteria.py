"""Single criteria of the verdict: each gives an answer, and its number and limit in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tspg.analysis import thresholds as limit
from tspg.analysis.judges import LEAST_RECALL, transfer
from tspg.analysis.measure import MEAN_SHIFT, REAL, UNTOUCHED, Measure
from tspg.analysis.neighbours import Chance
from tspg.analysis.thresholds import DOUBTFUL, FAIL, NOT_TESTED, PASS
from tspg.analysis.wording import number, percent

ANSWERS = (PASS, DOUBTFUL, FAIL, NOT_TESTED)
JUDGES = {
    "logistic": "logistic regression",
    "knn": "nearest neighbours",
    "forest": "a random forest",
    "second_f": "f trained with another seed",
}
_NOTHING = Measure(np.nan)


@dataclass(frozen=True)
class Check:
    """One criterion: its answer, and the number beside its limit in words."""

    answer: str
    words: str


@dataclass(frozen=True)
class Readings:
    """The evidence table, to be read method by method; what was not measured is not a number."""

    measures: Mapping[tuple[str, str], Measure]
    method: str

    @classmethod
    def of(cls, evidence: pd.DataFrame, method: str) -> "Readings":
        """Index the table; columns that an older table lacks are empty."""
        table = evidence.reindex(columns=["method", "measure", "value", "low", "high", "n", "note"])
        rows = table.fillna({"n": 0, "note": ""}).to_dict("records")
        return cls(
            {
                (str(row["method"]), str(row["measure"])): Measure(
                    float(row["value"]), float(row["low"]), float(row["high"]), int(row["n"]), str(row["note"])
                )
                for row in rows
            },
            method,
        )

    def own(self, measure: str) -> Measure:
        """What the method that is judged scores."""
        return self.of_method(self.method, measure)

    def of_method(self, method: str, measure: str) -> Measure:
        """What any method of the table scores."""
        return self.measures.get((method, measure), _NOTHING)

    @property
    def n_real(self) -> int | None:
        """How many real target samples were held out; None where the table does not say."""
        found = self.measures.get((REAL, "hit_rate_f"))
        if found is None or (found.n == 0 and np.isfinite(found.value)):
            return None
        return found.n

    @property
    def cannot_be_told_apart(self) -> bool:
        """Whether sources and target lie no farther apart than two parts of the target."""
        return "undefined" in self.own("energy_ratio").note

    @cached_property
    def transfers(self) -> dict[str, float]:
        """For each admitted judge other than f: how far the moved samples convince it, 1 as real ones do."""
        found = {}
        for name in JUDGES:
            measure = f"hit_rate_{name}"
            base, recall = (self.of_method(method, measure).value for method in (UNTOUCHED, REAL))
            share = transfer(self.own(measure).value, base, recall)
            if recall >= LEAST_RECALL and np.isfinite(share):
                found[name] = share
        return found


def judges_are_convinced(readings: Readings) -> Check:
    """Independent classifiers, of which the least convinced one decides."""
    if not readings.transfers:
        recalls = [readings.of_method(REAL, f"hit_rate_{name}").value for name in JUDGES]
        best = max((recall for recall in recalls if np.isfinite(recall)), default=np.nan)
        known = f" (the best one {percent(best)})" if np.isfinite(best) else ""
        return Check(DOUBTFUL, f"no independent classifier knows {percent(LEAST_RECALL)} of real target samples{known}")
    judge = min(readings.transfers, key=lambda name: readings.transfers[name])
    share = readings.transfers[judge]
    moved, real = readings.own(f"hit_rate_{judge}").value, readings.of_method(REAL, f"hit_rate_{judge}").value
    words = (
        f"{JUDGES[judge]} calls {percent(moved)} of the moved and {percent(real)} of the real samples the target "
        f"(transfer {number(share)}, {limit.TRANSFER_PASS} asked)"
    )
    return Check(_above(share, limit.TRANSFER_PASS, limit.TRANSFER_FAIL), words)


def energy_is_small(readings: Readings) -> Check:
    """The distance to real samples by all genes together, on the axis from real (0) to not moved (1)."""
    value, real = readings.own("energy_ratio").value, readings.of_method(REAL, "energy_ratio")
    by_chance = real.value + limit.BY_CHANCE * (real.high - real.value)
    if not np.isfinite(value):
        return Check(NOT_TESTED, "the energy ratio could not be measured")
    shown = f"energy ratio {number(value, 3)}"
    if value <= limit.ENERGY_PASS:
        return Check(PASS, f"{shown} (at most {limit.ENERGY_PASS} asked)")
    if value <= by_chance:
        answer = PASS if value <= limit.ENERGY_DOUBTFUL else DOUBTFUL
        return Check(answer, f"{shown} (real samples among themselves reach {number(by_chance, 3)} by chance)")
    answer = DOUBTFUL if value <= limit.ENERGY_DOUBTFUL else FAIL
    return Check(answer, f"{shown} (at most {limit.ENERGY_PASS} asked, above {limit.ENERGY_DOUBTFUL} fails)")


def spread_is_right(readings: Readings) -> Check:
    """How much samples differ among themselves, beside real ones; what held-out real ones may have passes."""
    value, real = readings.own("variance_ratio").value, readings.of_method(REAL, "variance_ratio")
    if not np.isfinite(value):
        return Check(NOT_TESTED, "how much samples vary could not be measured")
    low, high = limit.VARIANCE_PASS
    lowest, highest = limit.VARIANCE_DOUBTFUL
    least, most = (real.value + limit.BETWEEN_SAMPLES * (end - real.value) for end in (real.low, real.high))
    passes = low <= value <= high or max(least, lowest) <= value <= min(most, highest)
    answer = PASS if passes else DOUBTFUL if lowest <= value <= highest else FAIL
    return Check(answer, f"variance {number(value)} times that of real samples ({low} to {high} asked)")


def genes_move_together(readings: Readings) -> Check:
    """Whether genes go up and down together as they do in the target, beside as many real samples."""
    value = readings.own("gene_correlation_at_equal_n").value
    real, blurred = (readings.of_method(REAL, f"gene_correlation{at}") for at in ("_at_equal_n", ""))
    if not np.isfinite(value) or not real.value >= limit.LEAST_REAL_CORRELATION:
        return Check(NOT_TESTED, "how genes go together could not be measured")
    by_chance = real.value - limit.BETWEEN_SAMPLES * (blurred.value - blurred.low)
    asked = min(limit.CORRELATION_PASS * real.value, by_chance if np.isfinite(by_chance) else np.inf)
    words = f"gene correlation {number(value)} ({number(asked)} asked, {number(real.value)} in as many real samples)"
    if value >= asked:
        return Check(PASS, words)
    return Check(DOUBTFUL if value >= limit.CORRELATION_DOUBTFUL * real.value else FAIL, words)


def neighbours_mix(readings: Readings) -> Check:
    """Whether a nearest neighbour tells moved from real samples; a reason for doubt, never for failure."""
    for side, measure in (("real", "nn_real"), ("moved", "nn_fake")):
        found = readings.own(measure)
        chance = Chance.read(found.note)
        if chance is None:
            return Check(NOT_TESTED, "nearest neighbours could not be asked")
        if chance.p < limit.NEIGHBOUR_P and abs(found.value - chance.mean) >= limit.NEIGHBOUR_MARGIN:
            by_chance = f"by chance {number(chance.low)} to {number(chance.high)}"
            words = f"the nearest neighbour of {percent(found.value)} of the {side} samples is {side} too ({by_chance})"
            return Check(DOUBTFUL, words)
    return Check(PASS, "nearest neighbours mix as chance would have it")


REALISM = (energy_is_small, judges_are_convinced, spread_is_right, genes_move_together, neighbours_mix)


def _above(value: float, passes: float, doubtful: float) -> str:
    return PASS if value >= passes else DOUBTFUL if value >= doubtful else FAIL


BETTER, SAME, WORSE = 1, 0, -1


@dataclass(frozen=True)
class Comparison:
    """One measure of the method beside that of a simple one."""

    measure: str
    outcome: int
    words: str

    @property
    def verdict(self) -> str:
        """The comparison with its outcome, in words."""
        outcome = {BETTER: "better", SAME: "cannot be told apart", WORSE: "worse"}[self.outcome]
        return f"{self.words} ({outcome})"


def beside(readings: Readings, other: str) -> list[Comparison]:
    """The method beside another one by energy ratio, gene correlation and what a random forest says."""
    found = []
    own, simple = (readings.of_method(name, "energy_ratio") for name in (readings.method, other))
    if np.isfinite(own.value - simple.value):
        words = f"energy ratio {number(own.value, 3)} against {number(simple.value, 3)}"
        difference = readings.own("energy_less_mean_shift")
        paired = other == MEAN_SHIFT and np.isfinite(difference.value)
        larger = is_positive(difference) if paired else told_apart(own, simple, limit.ENERGY_TIE)
        found.append(Comparison("energy ratio", -larger, words))
    own, simple = (readings.of_method(name, "gene_correlation") for name in (readings.method, other))
    if np.isfinite(own.value - simple.value):
        gain = own.value - simple.value
        outcome = int(np.sign(gain)) if abs(gain) >= limit.CORRELATION_GAIN else SAME
        words = f"gene correlation of all moved samples {number(own.value)} against {number(simple.value)}"
        found.append(Comparison("gene correlation", outcome, words))
    own, simple = (readings.of_method(name, "hit_rate_forest") for name in (readings.method, other))
    if "forest" in readings.transfers and np.isfinite(simple.value):
        words = f"random forest's hits {percent(own.value)} against {percent(simple.value)}"
        found.append(Comparison("random forest's hits", told_apart(own, simple, 0.0), words))
    return found


def is_positive(difference: Measure) -> int:
    """1 if a paired difference of energy ratios is above 0, -1 if below, 0 where it may be either or hardly differs."""
    if difference.low <= 0 <= difference.high or abs(difference.value) < limit.ENERGY_TIE:
        return 0
    return int(np.sign(difference.value))


def told_apart(first: Measure, second: Measure, tie: float) -> int:
    """1 if the first is larger, -1 if smaller, 0 if either value lies within the other's interval.

    Without intervals a difference below `tie` is none.
    """
    overlap = second.low <= first.value <= second.high or first.low <= second.value <= first.high
    gap = first.value - second.value
    has_interval = np.isfinite(first.high - first.low) or np.isfinite(second.high - second.low)
    return 0 if overlap or (not has_interval and abs(gap) < tie) else int(np.sign(gap))
