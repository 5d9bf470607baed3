"""The measures that the map of a sweep can show: what each says, and which values are good."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.verdict import QUESTIONS
from tspg.report.page.evidence import MEASURES as IN_REPORTS
from tspg.report.page.evidence import SIGNS
from tspg.utils.text import number, percent
from tspg.utils.typing import Float64Array

N_COLOURS = 11
ANSWER_VALUES = {limit.PASS: 1.0, limit.PROBABLY: 0.5, limit.DOUBTFUL: 0.0, limit.FAIL: -1.0}
Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Measure:
    """One number of a run, or of a gene set and target, in plain words.

    `column` is its column in the table (`{method}` for the method of the sweep); with `below` the number is how far
    it is below that column. `form` is `share`, `chance`, `answer` or the number of digits. `good` interpolates
    linearly from values to how good they are, from -1 to 1; a limit of the verdict is a corner of it. `table` names
    the table of a measure that belongs to a pair.
    """

    key: str
    group: str
    title: str
    form: str
    good: Knots
    column: str
    best: str
    words: str
    below: str = ""
    table: str = ""

    def text(self, value: float) -> str:
        """A value as people read it."""
        if self.form == "answer":
            return SIGNS[min(ANSWER_VALUES, key=lambda name: abs(ANSWER_VALUES[name] - value))]
        if self.form == "chance":
            return f"{value:.2g}"
        return percent(value) if self.form == "share" else number(value, int(self.form))

    def text_of_seeds(self, values: Sequence[float]) -> str:
        """The mean over seeds as people read it; of answers that differ, how many of each."""
        if self.form != "answer":
            return self.text(sum(values) / len(values))
        counts = [(self.text(one), values.count(one)) for one in sorted(set(values), reverse=True)]
        return counts[0][0] if len(counts) == 1 else " ".join(f"{n}{sign}" for sign, n in counts)

    def goodness(self, value: float) -> float:
        """How good a value is, from -1 to 1."""
        return float(self.all_goodness(np.array(value)))

    def all_goodness(self, values: Float64Array) -> Float64Array:
        """How good each of some values is."""
        known, goodness = np.array(self.good, np.float64).T
        found: Float64Array = np.interp(values, known, goodness)
        return found

    def colour(self, value: float) -> int:
        """The step of the colour scale, from 0 (bad) through the pale middle to the last (good)."""
        return colour_of(self.goodness(value))


def colour_of(goodness: float) -> int:
    """The step of the colour scale for how good a value is."""
    return int((goodness + 1) / 2 * (N_COLOURS - 1) + 0.5)


def _rising(doubtful: float, passes: float) -> Knots:
    return ((0, -1), (doubtful, 0), (passes, 0.6), (1, 1))


_ENERGY: Knots = ((0, 1), (limit.ENERGY_PASS, 0.6), (limit.ENERGY_DOUBTFUL, 0), (1, -1))
_GAIN: Knots = ((-0.2, -1), (-limit.ENERGY_TIE, -0.1), (limit.ENERGY_TIE, 0.1), (0.2, 1))
_SHARE = _rising(limit.HIT_RATE_FAIL, limit.HIT_RATE_PASS)
_VARIANCE: Knots = (
    *((0, -1), (limit.VARIANCE_DOUBTFUL[0], 0), (limit.VARIANCE_PASS[0], 0.6), (1, 1)),
    *((limit.VARIANCE_PASS[1], 0.6), (limit.VARIANCE_DOUBTFUL[1], 0), (4, -1)),
)
_ACCURACY: Knots = (
    (0.5, -1),
    (0.8, 0),
    (0.95, 0.7),
    (1, 1),
)  # below .8 it is called doubtful itself
_P: Knots = ((0, 1), (0.05, 0.6), (0.2, 0), (1, -1))
_ANSWER: Knots = ((-1, -0.8), (0, -0.2), (0.5, 0.4), (1, 0.8))

_LIKE, _CLASSIFIER, _SETS = "Like real target samples?", "The classifier", "Genes and gene sets"


def _evidence(key: str, group: str, title: str, form: str, good: Knots, best: str = "", words: str = "") -> Measure:
    """A measure of the evidence table, in the words of the reports unless others are given."""
    known = IN_REPORTS[key]
    return Measure(
        key, group, title, form, good, f"evidence.{{method}}.{key}", best or known.best, words or known.words
    )


def _of_classifier(key: str, title: str, good: Knots, column: str, words: str, best: str = "high") -> Measure:
    return Measure(key, _CLASSIFIER, title, "share", good, column, best, words)


MEASURES = (
    _evidence("energy_ratio", _LIKE, "Energy ratio", "3", _ENERGY),
    Measure(
        "energy_gain",
        _LIKE,
        "Energy gain over a plain shift",
        "3",
        _GAIN,
        "evidence.{method}.energy_ratio",
        "above 0",
        "How much nearer to real target samples than a plain shift by the difference of class means comes: energy "
        f"ratio of the shift less the own one. Within {limit.ENERGY_TIE} of 0 the two are alike.",
        below="evidence.mean_shift.energy_ratio",
    ),
    _evidence(
        "hit_rate_forest",
        _LIKE,
        "Called target by a forest",
        "share",
        _SHARE,
        "as real",
        "Share that a random forest calls the target; it learned from real training samples only.",
    ),
    _evidence("hit_rate_logistic", _LIKE, "Called target by logistic regression", "share", _SHARE, "as real"),
    _evidence(
        "gene_correlation", _LIKE, "Gene correlation", "2", _rising(limit.CORRELATION_DOUBTFUL, limit.CORRELATION_PASS)
    ),
    _evidence("variance_ratio", _LIKE, "Variance ratio", "2", _VARIANCE),
    _evidence(
        "individuality",
        "The person",
        "Individuality",
        "2",
        _rising(limit.INDIVIDUALITY_DOUBTFUL, limit.INDIVIDUALITY_PASS),
    ),
    _of_classifier(
        "test_accuracy",
        "Classifier's accuracy on held-out samples",
        _ACCURACY,
        "target_model.test_accuracy",
        "How often it is right about real samples that it never saw. Where it is not, what it calls moved samples says "
        "little.",
    ),
    _of_classifier(
        "test_balanced_accuracy",
        "Classifier's accuracy, mean over classes",
        _ACCURACY,
        "target_model.test_balanced_accuracy",
        "The same with every class counting alike, however few its samples.",
    ),
    _of_classifier(
        "f_accuracy",
        "Called target, all samples (Table 1)",
        _SHARE,
        "perturbation.f_accuracy",
        "Share of all moved samples that the classifier calls the target: f accuracy in the paper's Table 1. A "
        "generator is trained for it, so it says least about likeness.",
    ),
    _of_classifier(
        "hit_rate",
        "Called target, held-out samples",
        _SHARE,
        "perturbation.hit_rate",
        "The same over held-out samples whose own class is not the target.",
        "as real",
    ),
    Measure(
        "phi",
        _SETS,
        "Stability of the top genes (phi)",
        "2",
        _rising(limit.THRESHOLDS["stability"].bad, limit.THRESHOLDS["stability"].good),
        "phi",
        "1",
        "Whether the same genes come first with every seed (Nogueira 2018): 1 the same, 0 as by chance.",
        table="stability",
    ),
    Measure(
        "energy_p_value",
        _SETS,
        "p beside random gene sets, energy",
        "chance",
        _P,
        "energy_p_value",
        "small",
        "Share of random gene sets of as many genes that come at least as near to real target samples, the set itself "
        "counted in; by the map in closed form.",
        table="random_gene_sets",
    ),
    Measure(
        "hit_rate_p_value",
        _SETS,
        "p beside random gene sets, called target",
        "chance",
        _P,
        "hit_rate_p_value",
        "small",
        "The same for the share that is called the target.",
        table="random_gene_sets",
    ),
    *(
        Measure(
            f"verdict_{name}",
            "Answers of the verdict",
            title,
            "answer",
            _ANSWER,
            f"verdict.{name}.answer",
            "pass",
            "The answer of the runs' pages, with its numbers and limits there: ✓ pass, ≈ probably, ? doubtful, ✕ fail. "
            "Where seeds differ, how many of each; “mean” is the share that passes, surely or probably.",
        )
        for name, title in QUESTIONS.items()
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
