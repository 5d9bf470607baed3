"""Single criteria of the verdict: each gives an answer, and its number and limit in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.classifiers import LEAST_RECALL, normalised_hit_rate
from tspg.analysis.evaluation.measure import NN_P_VALUE, REAL, UNTOUCHED, Measure, Status, by_chance
from tspg.analysis.evaluation.migration import complete_evidence
from tspg.analysis.evaluation.scale import uninformative
from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, PASS, PROBABLY, SEVERITY, Threshold
from tspg.utils.text import number, percent

ANSWERS = (PASS, PROBABLY, DOUBTFUL, FAIL, NOT_TESTED)
CLASSIFIERS = {
    "logistic": "logistic regression",
    "knn": "nearest neighbours",
    "forest": "a random forest",
    "second_f": "the classifier trained with another seed",
}
TITLES = {
    "energy_ratio": "energy ratio",
    "variance_ratio": "variance",
    "gene_correlation_at_equal_n": "gene correlation",
    **{f"hit_rate_{name}": f"the calls of {words}" for name, words in CLASSIFIERS.items()},
}
_NORMALISED = Threshold(limit.HIT_RATE_PASS, limit.HIT_RATE_FAIL, higher=True)
_NOTHING = Measure(np.nan)
Answer = dict[str, Any]


def answered(answer: str, sentence: str, **numbers: float | int | None) -> Answer:
    """One answer of the verdict with the numbers that it rests on, ready for JSON."""
    found = {name: value if value is not None and np.isfinite(value) else None for name, value in numbers.items()}
    return {"answer": answer, "sentence": sentence, "numbers": found}


@dataclass(frozen=True)
class Check:
    """One criterion: its answer, the number and its limit in words, and the measure that it rests on."""

    answer: str
    words: str
    measure: str = ""


@dataclass(frozen=True)
class EvidenceView:
    """The evidence table, to be read method by method; what was not measured is not a number.

    `uninformative` are the measures that cannot tell methods apart on this data set.
    """

    measures: Mapping[tuple[str, str], Measure]
    method: str
    uninformative: frozenset[str]

    @classmethod
    def of(cls, evidence: pd.DataFrame, method: str) -> "EvidenceView":
        """Index the table, which may be one of an older version."""
        measures = {
            (str(row["method"]), str(row["measure"])): Measure(
                float(row["value"]), float(row["low"]), float(row["high"]), int(row["n"]), Status(row["status"])
            )
            for row in complete_evidence(evidence).to_dict("records")
        }
        return cls(measures, method, uninformative(evidence, method))

    def own(self, measure: str) -> Measure:
        """What the method in question scores."""
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

    @cached_property
    def normalised_hit_rates(self) -> dict[str, Measure]:
        """For each admitted classifier other than f its normalised hit rate: 1 as for real samples."""
        found = {}
        for name in CLASSIFIERS:
            measure = f"hit_rate_{name}"
            base, recall = (self.of_method(method, measure).value for method in (UNTOUCHED, REAL))
            own = self.own(measure)
            value, low, high = (normalised_hit_rate(rate, base, recall) for rate in (own.value, own.low, own.high))
            if recall >= LEAST_RECALL and np.isfinite(value):
                found[name] = Measure(value, low, high)
        return found


def classifiers_are_convinced(view: EvidenceView) -> Check:
    """Independent classifiers, of which the least convinced one decides."""
    shares = view.normalised_hit_rates
    if not shares:
        recalls = [view.of_method(REAL, f"hit_rate_{name}").value for name in CLASSIFIERS]
        best = max((recall for recall in recalls if np.isfinite(recall)), default=np.nan)
        known = f" (the best one {percent(best)})" if np.isfinite(best) else ""
        return Check(DOUBTFUL, f"no independent classifier knows {percent(LEAST_RECALL)} of real target samples{known}")
    answers = {name: _within(_NORMALISED, share) for name, share in shares.items()}
    name = min(answers, key=lambda name: (SEVERITY.index(answers[name][0]), shares[name].value))
    answer, reach = answers[name]
    moved, real = view.own(f"hit_rate_{name}").value, view.of_method(REAL, f"hit_rate_{name}").value
    words = (
        f"{CLASSIFIERS[name]} calls {percent(moved)} of the moved and {percent(real)} of the real samples the target "
        f"(transfer {number(shares[name].value)}, {limit.HIT_RATE_PASS} asked{reach})"
    )
    return Check(answer, words, f"hit_rate_{name}")


def _within(threshold: Threshold, found: Measure, digits: int = 2) -> tuple[str, str]:
    """The answer with the interval in mind, and in words how far that reaches where it changes the answer."""
    answer = threshold.answer_within(found.value, found.low, found.high)
    if answer == threshold.answer(found.value):
        return answer, ""
    end = found.high if (answer == PROBABLY) != threshold.higher else found.low
    return answer, f"; its interval reaches {number(end, digits)}"


def energy_is_small(view: EvidenceView) -> Check:
    """The distance to real samples by all genes together, on the axis from real (0) to not moved (1).

    What real samples reach among themselves by chance passes too, but chance alone excuses no failure.
    """
    own, real = view.own("energy_ratio"), view.of_method(REAL, "energy_ratio")
    if not np.isfinite(own.value):
        return Check(NOT_TESTED, "the energy ratio could not be measured")
    reached = float(np.nan_to_num(real.value + limit.BY_CHANCE * (real.high - real.value), nan=-np.inf))
    good, bad = max(limit.ENERGY_PASS, min(reached, limit.ENERGY_DOUBTFUL)), max(limit.ENERGY_DOUBTFUL, reached)
    answer, reach = _within(Threshold(good, bad), own, 3)
    if own.value <= limit.ENERGY_PASS and not (reach and good > limit.ENERGY_PASS):
        asked = f"at most {limit.ENERGY_PASS} asked"
    elif own.value <= reached:
        asked = f"real samples among themselves reach {number(reached, 3)} by chance"
    else:
        asked = f"at most {limit.ENERGY_PASS} asked, above {limit.ENERGY_DOUBTFUL} fails"
    return Check(answer, f"energy ratio {number(own.value, 3)} ({asked}{reach})", "energy_ratio")


def spread_is_right(view: EvidenceView) -> Check:
    """How much samples differ among themselves, compared with real ones; what held-out real ones may have passes."""
    own, real = view.own("variance_ratio"), view.of_method(REAL, "variance_ratio")
    if not np.isfinite(own.value):
        return Check(NOT_TESTED, "how much samples vary could not be measured")
    (low, high), (lowest, highest) = limit.VARIANCE_PASS, limit.VARIANCE_DOUBTFUL
    least, most = (real.value + limit.BETWEEN_SAMPLES * (end - real.value) for end in (real.low, real.high))
    sides = (
        Threshold(float(np.fmin(low, np.maximum(least, lowest))), lowest, higher=True),
        Threshold(float(np.fmax(high, np.minimum(most, highest))), highest),
    )
    answer, reach = min((_within(side, own) for side in sides), key=lambda found: SEVERITY.index(found[0]))
    words = f"variance {number(own.value)} times that of real samples ({low} to {high} asked{reach})"
    return Check(answer, words, "variance_ratio")


def genes_move_together(view: EvidenceView) -> Check:
    """Whether genes go up and down together as they do in the target, compared with as many real samples."""
    value = view.own("gene_correlation_at_equal_n").value
    real, blurred = (view.of_method(REAL, f"gene_correlation{at}") for at in ("_at_equal_n", ""))
    if not np.isfinite(value) or not real.value >= limit.LEAST_REAL_CORRELATION:
        return Check(NOT_TESTED, "how genes go together could not be measured")
    reached = real.value - limit.BETWEEN_SAMPLES * (blurred.value - blurred.low)
    asked = min(limit.CORRELATION_PASS * real.value, reached if np.isfinite(reached) else np.inf)
    words = f"gene correlation {number(value)} ({number(asked)} asked, {number(real.value)} in as many real samples)"
    bad = min(asked, limit.CORRELATION_DOUBTFUL * real.value)
    return Check(Threshold(asked, bad, higher=True).answer(value), words, "gene_correlation_at_equal_n")


def neighbours_mix(view: EvidenceView) -> Check:
    """Whether a nearest neighbour tells moved from real samples; a reason for doubt, never for failure."""
    for side, measure in (("real", "nn_real"), ("moved", "nn_fake")):
        found, chance = view.own(measure), view.own(by_chance(measure))
        if not np.isfinite(found.value) or not np.isfinite(chance.value):
            return Check(NOT_TESTED, "nearest neighbours could not be asked")
        is_beyond = abs(found.value - chance.value) >= limit.NEIGHBOUR_MARGIN
        if is_beyond and view.own(NN_P_VALUE).value < limit.NEIGHBOUR_P:
            reached = f"by chance {number(chance.low)} to {number(chance.high)}"
            words = f"the nearest neighbour of {percent(found.value)} of the {side} samples is {side} too ({reached})"
            return Check(DOUBTFUL, words)
    return Check(PASS, "nearest neighbours mix as chance would have it")


REALISM = (energy_is_small, classifiers_are_convinced, spread_is_right, genes_move_together, neighbours_mix)
