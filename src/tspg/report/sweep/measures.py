"""The measures that the map of a sweep can show: what each says, and which values are good."""

from dataclasses import dataclass

import numpy as np

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.verdict import QUESTIONS
from tspg.report.page.evidence import MEASURES as IN_REPORTS
from tspg.report.page.evidence import SIGNS
from tspg.utils.text import number, percent

N_COLOURS = 11
ANSWER_VALUES = {limit.PASS: 1.0, limit.PROBABLY: 0.5, limit.DOUBTFUL: 0.0, limit.FAIL: -1.0}
Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Measure:
    """One number of a run, or of a gene set and target, in plain words.

    `column` is where it stands in the table (`{method}` for the method of the sweep); with `below` the number is
    how far it lies below that column. `good` leads from values to how good they are, from -1 to 1 in straight
    lines; a limit of the verdict is a corner of it. `form` is `share`, `chance`, `answer` or the number of digits.
    """

    key: str
    group: str
    title: str
    best: str
    words: str
    column: str
    form: str
    good: Knots
    below: str = ""
    table: str = ""

    def text(self, value: float) -> str:
        """A value as people read it."""
        if self.form == "answer":
            return SIGNS[min(ANSWER_VALUES, key=lambda name: abs(ANSWER_VALUES[name] - value))]
        if self.form == "chance":
            return f"{value:.2g}"
        return percent(value) if self.form == "share" else number(value, int(self.form))

    def colour(self, value: float) -> int:
        """The step of the colour scale, from 0 (bad) through the pale middle to the last (good)."""
        values, goodness = zip(*self.good, strict=True)
        return int((float(np.interp(value, values, goodness)) + 1) / 2 * (N_COLOURS - 1) + 0.5)


_ENERGY: Knots = ((0, 1), (limit.ENERGY_PASS, 0.6), (limit.ENERGY_DOUBTFUL, 0), (1, -1))
_GAIN: Knots = ((-0.2, -1), (-limit.ENERGY_TIE, -0.1), (limit.ENERGY_TIE, 0.1), (0.2, 1))
_SHARE: Knots = ((0, -1), (limit.HIT_RATE_FAIL, 0), (limit.HIT_RATE_PASS, 0.6), (1, 1))
_INDIVIDUALITY: Knots = ((0, -1), (limit.INDIVIDUALITY_DOUBTFUL, 0), (limit.INDIVIDUALITY_PASS, 0.6), (1, 1))
_CORRELATION: Knots = ((0, -1), (limit.CORRELATION_DOUBTFUL, 0), (limit.CORRELATION_PASS, 0.6), (1, 1))
_VARIANCE: Knots = (
    (0, -1),
    (limit.VARIANCE_DOUBTFUL[0], 0),
    (limit.VARIANCE_PASS[0], 0.6),
    (1, 1),
    (limit.VARIANCE_PASS[1], 0.6),
    (limit.VARIANCE_DOUBTFUL[1], 0),
    (4, -1),
)
_F: Knots = ((0.5, -1), (0.8, 0), (0.95, 0.7), (1, 1))  # below .8 a run's report calls f itself doubtful
_PHI: Knots = ((0, -1), (limit.THRESHOLDS["stability"].bad, 0), (limit.THRESHOLDS["stability"].good, 0.6), (1, 1))
_P: Knots = ((0, 1), (0.05, 0.6), (0.2, 0), (1, -1))

_LIKE, _PERSON, _CLASSIFIER, _SETS, _ANSWERS = (
    "Like real target samples?",
    "The person",
    "The classifier f",
    "Genes and gene sets",
    "Answers of the verdict",
)


def _evidence(key: str, group: str, title: str, form: str, good: Knots) -> Measure:
    """A measure of the reports, in their words."""
    found = IN_REPORTS[key]
    return Measure(key, group, title, found.best, found.words, f"evidence.{{method}}.{key}", form, good)


MEASURES = (
    _evidence("energy_ratio", _LIKE, "Energy ratio", "3", _ENERGY),
    Measure(
        "energy_gain",
        _LIKE,
        "Energy gain over a plain shift",
        "above 0",
        "How much nearer to real target samples than a plain shift by the difference of class means comes: energy "
        f"ratio of the shift less the own one. Within {limit.ENERGY_TIE} of 0 the two are alike.",
        "evidence.{method}.energy_ratio",
        "3",
        _GAIN,
        below="evidence.mean_shift.energy_ratio",
    ),
    Measure(
        "hit_rate_forest",
        _LIKE,
        "Called target by a forest",
        "as real",
        "Share that a random forest calls the target; it learned from real training samples only.",
        "evidence.{method}.hit_rate_forest",
        "share",
        _SHARE,
    ),
    Measure(
        "hit_rate_logistic",
        _LIKE,
        "Called target by logistic regression",
        "as real",
        IN_REPORTS["hit_rate_logistic"].words,
        "evidence.{method}.hit_rate_logistic",
        "share",
        _SHARE,
    ),
    _evidence("gene_correlation", _LIKE, "Gene correlation", "2", _CORRELATION),
    _evidence("variance_ratio", _LIKE, "Variance ratio", "2", _VARIANCE),
    _evidence("individuality", _PERSON, "Individuality", "2", _INDIVIDUALITY),
    Measure(
        "test_accuracy",
        _CLASSIFIER,
        "f's accuracy on held-out samples",
        "high",
        "How often f is right about real samples that it never saw. Where it is not, what it calls moved samples says "
        "little.",
        "target_model.test_accuracy",
        "share",
        _F,
    ),
    Measure(
        "test_balanced_accuracy",
        _CLASSIFIER,
        "f's accuracy, mean over classes",
        "high",
        "The same with every class counting alike, however few its samples.",
        "target_model.test_balanced_accuracy",
        "share",
        _F,
    ),
    Measure(
        "f_accuracy",
        _CLASSIFIER,
        "f accuracy (Table 1)",
        "high",
        "Share of all moved samples that f calls the target, as in the paper's Table 1. A generator is trained for it, "
        "so it says least about likeness.",
        "perturbation.f_accuracy",
        "share",
        _SHARE,
    ),
    Measure(
        "hit_rate",
        _CLASSIFIER,
        "Hit rate on held-out samples",
        "as real",
        "The same over held-out samples whose own class is not the target.",
        "perturbation.hit_rate",
        "share",
        _SHARE,
    ),
    Measure(
        "phi",
        _SETS,
        "Stability of the top genes (phi)",
        "1",
        "Whether the same genes come first with every seed (Nogueira 2018): 1 the same, 0 as by chance.",
        "phi",
        "2",
        _PHI,
        table="stability",
    ),
    Measure(
        "energy_p_value",
        _SETS,
        "p beside random gene sets, energy",
        "small",
        "Share of random gene sets of as many genes that come at least as near to real target samples, the set itself "
        "counted in; by the map in closed form.",
        "energy_p_value",
        "chance",
        _P,
        table="random_gene_sets",
    ),
    Measure(
        "hit_rate_p_value",
        _SETS,
        "p beside random gene sets, hit rate",
        "small",
        "The same for the share that is called the target.",
        "hit_rate_p_value",
        "chance",
        _P,
        table="random_gene_sets",
    ),
    *(
        Measure(
            f"verdict_{name}",
            _ANSWERS,
            task,
            "pass",
            "The answer of the run reports, with its numbers and limits there: ✓ pass, ≈ probably, ? doubtful, ✕ fail. "
            "Where seeds differ, how many of each; “mean” is the share that passes, surely or probably.",
            f"verdict.{name}.answer",
            "answer",
            ((-1, -0.8), (0, -0.2), (0.5, 0.4), (1, 0.8)),
        )
        for name, task in QUESTIONS.items()
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
