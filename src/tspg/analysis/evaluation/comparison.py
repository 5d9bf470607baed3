"""A method compared with a simple one, measure by measure: better, worse, or not to be told apart."""

from dataclasses import dataclass

import numpy as np

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.criteria import EvidenceView
from tspg.analysis.evaluation.measure import MEAN_SHIFT, Measure
from tspg.utils.text import number, percent

BETTER, SAME, WORSE = 1, 0, -1


@dataclass(frozen=True)
class Comparison:
    """One measure of a method and of a simple one; `counts` where it can tell methods apart on this data set."""

    measure: str
    outcome: int
    words: str
    counts: bool

    @property
    def sentence(self) -> str:
        """The comparison with its outcome, in words."""
        outcome = {BETTER: "better", SAME: "cannot be told apart", WORSE: "worse"}[self.outcome]
        return f"{self.words} ({outcome if self.counts else 'cannot be told apart on this data set'})"


def compare(view: EvidenceView, other: str) -> list[Comparison]:
    """The method compared with another one by energy ratio, gene correlation and the calls of a random forest."""
    found = []

    def add(measure: str, title: str, outcome: int, words: str) -> None:
        counts = measure not in view.uninformative
        found.append(Comparison(title, outcome if counts else SAME, words, counts))

    own, simple = (view.of_method(name, "energy_ratio") for name in (view.method, other))
    if np.isfinite(own.value - simple.value):
        words = f"energy ratio {number(own.value, 3)} against {number(simple.value, 3)}"
        difference = view.own("energy_less_mean_shift")
        paired = other == MEAN_SHIFT and np.isfinite(difference.value)
        larger = is_positive(difference) if paired else is_distinguishable(own, simple, limit.ENERGY_TIE)
        add("energy_ratio", "energy ratio", -larger, words)
    own, simple = (view.of_method(name, "gene_correlation") for name in (view.method, other))
    if np.isfinite(own.value - simple.value):
        gain = own.value - simple.value
        outcome = int(np.sign(gain)) if abs(gain) >= limit.CORRELATION_GAIN else SAME
        words = f"gene correlation of all moved samples {number(own.value)} against {number(simple.value)}"
        # Real samples are fewer than moved ones, so theirs can be compared at equal n alone.
        add("gene_correlation_at_equal_n", "gene correlation", outcome, words)
    own, simple = (view.of_method(name, "hit_rate_forest") for name in (view.method, other))
    if "forest" in view.normalised_hit_rates and np.isfinite(simple.value):
        words = f"random forest's hits {percent(own.value)} against {percent(simple.value)}"
        add("hit_rate_forest", "random forest's hits", is_distinguishable(own, simple, 0.0), words)
    return found


def is_positive(difference: Measure) -> int:
    """1 if a paired difference of energy ratios is above 0, -1 if below, 0 where it may be either or hardly differs."""
    if difference.low <= 0 <= difference.high or abs(difference.value) < limit.ENERGY_TIE:
        return 0
    return int(np.sign(difference.value))


def is_distinguishable(first: Measure, second: Measure, tie: float) -> int:
    """1 if the first is larger, -1 if smaller, 0 if either value lies within the other's interval.

    Without intervals a difference below `tie` is none.
    """
    overlap = second.low <= first.value <= second.high or first.low <= second.value <= first.high
    gap = first.value - second.value
    has_interval = np.isfinite(first.high - first.low) or np.isfinite(second.high - second.low)
    return 0 if overlap or (not has_interval and abs(gap) < tie) else int(np.sign(gap))
