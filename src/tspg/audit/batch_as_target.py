"""Is it biology? A technical column as the target, and how closely it goes with the class."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import DOUBTFUL, NOT_TESTED, PASS, THRESHOLDS
from tspg.audit.context import RunContext, linear_classifier, relabelled
from tspg.audit.null_controls import balanced_accuracy
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan
from tspg.audit.scores import EvalSet, hit_rate
from tspg.data.batch import MOST_LEVELS, cramers_v
from tspg.data.own_columns import SAMPLE_COLUMNS, own_column
from tspg.data.prepare import text_column
from tspg.errors import UsageError
from tspg.utils.typing import NameArray

REST = "all others"
FEWEST_TRAINING, FEWEST_HELD_OUT = 10, 5
EASY_RATIO, EASY_HITS = 0.25, 0.9  # a level is reached by profiles that would not fail as a class


def technical_column(context: RunContext, plan: Plan) -> Outcome:
    """Move profiles to each level of the column as if it were a class; success there is no sign of biology."""
    if plan.technical is None:
        return not_tested("association", "no column was named: give --technical COLUMN")
    levels = levels_of(context, plan.technical)
    names, counts = np.unique(levels[levels != ""], return_counts=True)
    if len(names) < 2:
        return not_tested("association", f"{plan.technical} has one value only")
    most_common = names[np.argsort(-counts, kind="stable")][: plan.levels]
    return Outcome(
        (
            association(context.dataset.source_class, levels),
            _predictable(context, levels),
            *(_moved_to(context, levels, str(name)) for name in most_common),
        )
    )


def levels_of(context: RunContext, column: str) -> NameArray:
    """The column's value for every sample as text; empty where it is not known.

    Raises
    ------
    UsageError
        If the run knows no such column.
    """
    kept = own_column(context.perturbations, column)
    if kept is None:
        others = ", ".join(str(name) for name in context.perturbations.obs if name not in SAMPLE_COLUMNS) or "none"
        raise UsageError(f"--technical {column}: this run knows no such sample column. There are: {others}.")
    text: NameArray = np.asarray(text_column(context.perturbations, kept, gaps_allowed=True), dtype=object)
    # A numeric column with more values is cut at its median.
    numbers = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy()
    if len(set(text)) <= MOST_LEVELS or np.isnan(numbers[text != ""]).any():
        return text
    middle = float(np.median(numbers[context.dataset.is_train & (text != "")]))
    cut = np.where(numbers > middle, f"above {middle:g}", f"up to {middle:g}").astype(object)
    cut[text == ""] = ""
    return cut


def association(classes: NameArray, levels: NameArray) -> Row:
    """How closely the column goes with the class: Cramer's V, corrected for its bias (Bergsma 2013)."""
    known = levels != ""
    value = cramers_v(pd.crosstab(classes[known], levels[known]).to_numpy())
    gaps = "" if known.all() else f"; unknown for {int((~known).sum())} samples"
    note = f"Cramer's V of column and class, corrected for bias{gaps}"
    return Row("association", value, n=int(known.sum()), note=note, answer=THRESHOLDS["cramers_v"].answer(value))


def _predictable(context: RunContext, levels: NameArray) -> Row:
    """How well the column is read from held-out profiles: a batch that shows can be moved to."""
    dataset = relabelled(context.dataset, levels, rows=levels != "")
    train = dataset.is_train
    if len(set(dataset.source_class[train])) < 2 or train.all():
        return Row("predictable_from_profiles", note="too few samples")
    value = balanced_accuracy(linear_classifier(dataset), dataset)
    chance = 1 / len(dataset.classes)
    answer = DOUBTFUL if (value - chance) / (1 - chance) > 0.5 else PASS
    note = f"balanced accuracy of a logistic regression, chance {chance:.2f}"
    return Row("predictable_from_profiles", value, n=int((~train).sum()), note=note, answer=answer)


def _moved_to(context: RunContext, levels: NameArray, level: str) -> Row:
    labels = np.where(levels == level, level, REST).astype(object)
    dataset = relabelled(context.dataset, labels, rows=levels != "")
    measure = f"energy_ratio to {level}"
    n_train, n_test = (
        min(int((dataset.class_mask(name) & rows).sum()) for name in dataset.classes)
        for rows in (dataset.is_train, ~dataset.is_train)
    )
    if len(dataset.classes) < 2 or n_train < FEWEST_TRAINING or n_test < FEWEST_HELD_OUT:
        return Row(measure, note="too few samples", answer=NOT_TESTED)
    model = context.fit(dataset, replace(context.short, target_class=level))
    eval_set, classifier = EvalSet.of(dataset, level), linear_classifier(dataset)
    moved = model.move(eval_set.sources, eval_set.source_class)
    hits, base = (hit_rate(classifier(profiles), level) for profiles in (moved, eval_set.sources))
    ratio = eval_set.energy_ratio(moved)
    if not math.isfinite(ratio):
        return Row(measure, n=len(moved), note="its samples are like the others", answer=NOT_TESTED)
    easy = ratio <= EASY_RATIO and hits >= EASY_HITS
    note = f"a logistic regression calls {hits:.2f} of the moved profiles {level}, {base:.2f} of the untouched"
    note += "; this column can be perturbed to as easily as a class" if easy else ""
    return Row(measure, ratio, n=len(moved), note=note, answer=DOUBTFUL if easy else PASS)
